import CEL

/// Watches a fold until the customer enters one segment for the n-th time.
final class SegmentTracer: FoldObserver {
  private let segment: Int
  private let target: Int
  private let lines: [EventLine]
  private var entries = 0
  private(set) var term: Explanation.Term?
  private(set) var facts: [Explanation.FactEvidence] = []
  private var before: ConditionTrace.State?
  private var settle: Int64 = .min

  /// - Parameter target: 0 for the first entry.
  init(segment: Int, target: Int, lines: [EventLine]) {
    self.segment = segment
    self.target = target
    self.lines = lines
  }

  func willApply(event: Int, fold: CustomerFold) {
    before = ConditionTrace.State(fold)
  }

  func willTake(condition: Int, at instant: Int64, event: Int, fold: CustomerFold) {
    if event >= 0 || settle == instant { return }
    settle = instant
    before = ConditionTrace.State(fold)
  }

  func willEnter(segment: Int, at instant: Int64, event: Int, fold: CustomerFold) {
    guard segment == self.segment else { return }
    defer { entries += 1 }
    guard entries == target else { return }
    if event < 0 && settle != instant { before = ConditionTrace.State(fold) }
    let condition = fold.compiled.segments[segment].condition
    var moments = ConditionTrace.Moments(
      fold.evaluator, before, instant, isTimer: event < 0)
    if let lowered = condition.lowered {
      term = ConditionTrace.term(lowered.checked.expression, lowered, &moments)
    }
    facts = ConditionTrace.facts(condition.root, fold, lines, &moments)
  }
}
