import CEL

/// Watches a fold until it takes one row, and notes values as they are and as they were.
final class RowTracer: FoldObserver {
  private let target: Int
  private let lines: [EventLine]
  private(set) var rule: Explanation.Rule?
  private(set) var term: Explanation.Term?
  private(set) var checked: CheckedExpression?
  private(set) var facts: [Explanation.FactEvidence] = []
  private(set) var considered: [Explanation.Considered] = []

  /// The state before the event at hand, or before a timer's settle.
  private var before: ConditionTrace.State?
  private var settle: (at: Int64, event: Int) = (.min, -1)

  init(_ target: Int, lines: [EventLine]) {
    self.target = target
    self.lines = lines
  }

  func willApply(event: Int, fold: CustomerFold) {
    before = ConditionTrace.State(fold)
  }

  func willTake(condition: Int, at instant: Int64, event: Int, fold: CustomerFold) {
    if event < 0 && settle != (instant, event) { before = ConditionTrace.State(fold) }
    settle = (instant, event)
    guard fold.result.rows.count == target, condition >= 0 else { return }
    trace(condition, instant, event, fold)
  }

  func willEnter(segment: Int, at instant: Int64, event: Int, fold: CustomerFold) {}

  // MARK: The row

  private func trace(_ condition: Int, _ instant: Int64, _ event: Int, _ fold: CustomerFold) {
    let compiled = fold.compiled
    let compiledCondition = compiled.conditions[condition]
    if compiled.isFirstMatch {
      let stage = compiled.rules.stages[condition]
      var text = ""
      if case .firstMatch(let stages) = compiled.rules.form { text = stages[condition]?.text ?? "" }
      rule = Explanation.Rule(id: stage.name, line: stage.place.line, text: text)
    } else {
      let transition = compiled.transitions[condition]
      rule = Explanation.Rule(
        id: transition.id, line: transition.place.line, text: transition.condition.text)
    }
    var moments = ConditionTrace.Moments(
      fold.evaluator, before, instant, isTimer: event < 0)
    if let lowered = compiledCondition.lowered {
      checked = lowered.checked
      term = ConditionTrace.term(lowered.checked.expression, lowered, &moments)
    }
    facts = ConditionTrace.facts(compiledCondition.root, fold, lines, &moments)
    traceConsidered(condition, fold, &moments)
  }

  private func traceConsidered(
    _ condition: Int, _ fold: CustomerFold, _ moments: inout ConditionTrace.Moments
  ) {
    let compiled = fold.compiled
    let above =
      compiled.isFirstMatch
      ? Array(compiled.conditions.indices) : compiled.leaving[fold.stage]
    for other in above {
      if other == condition { break }
      let root = compiled.conditions[other].root
      guard root >= 0 else { continue }
      considered.append(
        Explanation.Considered(
          id: compiled.conditionName(other), value: moments.value(root, .bool)))
    }
  }
}
