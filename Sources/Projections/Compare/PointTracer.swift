import CEL

/// A step of a fold: a settle by time alone, or behind an event. Of one instant time comes first, then events by position.
struct FoldPoint: Comparable {
  var at: Int64
  /// Nil where time alone is settled.
  var position: UInt64?

  static func < (one: FoldPoint, other: FoldPoint) -> Bool {
    if one.at != other.at { return one.at < other.at }
    guard let position = other.position else { return false }
    return one.position.map { $0 < position } ?? true
  }
}

/// Folds a customer again up to a point, and looks at conditions there.
struct PointTracer {
  let compiled: CompiledRules
  private var fold: CustomerFold

  /// What conditions came to, by number.
  typealias Outcomes = [Int: Outcome]

  struct Outcome {
    var holds: Bool
    /// Nil for the last of stages with conditions, which has none.
    var term: Explanation.Term?
  }

  init(_ compiled: CompiledRules) {
    self.compiled = compiled
    fold = CustomerFold(compiled, keepsAll: true)
  }

  /// - Parameters:
  ///   - events: those that the side folds, in order; `point` is not before the first of them.
  ///   - interner: with the strings of the events.
  ///   - row: the one that is taken at the point, whose settle is looked at before it is; nil where none is.
  mutating func outcomes(
    of conditions: [Int], at point: FoldPoint, row: Int?, _ events: CustomerEvents,
    _ interner: inout Interner
  ) -> Outcomes {
    let end = Self.end(of: events, at: point)
    if end == 0 { return [:] }
    swap(&fold.evaluator.interner, &interner)
    defer { swap(&fold.evaluator.interner, &interner) }
    fold.events = events.first(end)
    let observer = row.map { PointObserver(row: $0, conditions) }
    fold.observer = observer
    fold.fold(asOf: point.at)
    fold.observer = nil
    if let observer { return observer.outcomes }
    fold.evaluator.limit = point.at
    return Self.outcomes(of: conditions, fold, at: point.at)
  }

  /// How many events are applied at a point, its own included.
  private static func end(of events: CustomerEvents, at point: FoldPoint) -> Int {
    events.occurred.indices.first { event in
      FoldPoint(at: events.occurred[event], position: events.position(event)) > point
    } ?? events.count
  }

  fileprivate static func outcomes(
    of conditions: [Int], _ fold: CustomerFold, at instant: Int64
  ) -> Outcomes {
    var moments = ConditionTrace.Moments(
      fold.evaluator, nil, instant, isTimer: false, readsAnew: true)
    var outcomes: Outcomes = [:]
    for number in conditions {
      let condition = fold.compiled.conditions[number]
      guard condition.root >= 0 else {
        outcomes[number] = Outcome(holds: true, term: nil)
        continue
      }
      outcomes[number] = Outcome(
        holds: ClauseFinder.holds(moments.value(condition.root, .bool)),
        term: condition.lowered.flatMap {
          ConditionTrace.term($0.checked.expression, $0, &moments)
        })
    }
    return outcomes
  }

  /// The condition of a segment at as-of.
  mutating func outcome(
    ofSegment number: Int, asOf: Int64, _ events: CustomerEvents, _ interner: inout Interner
  ) -> Outcome {
    swap(&fold.evaluator.interner, &interner)
    defer { swap(&fold.evaluator.interner, &interner) }
    fold.events = events
    fold.fold(asOf: asOf)
    fold.evaluator.limit = asOf
    var moments = ConditionTrace.Moments(
      fold.evaluator, nil, asOf, isTimer: false, readsAnew: true)
    let condition = compiled.segments[number].condition
    return Outcome(
      holds: ClauseFinder.holds(moments.value(condition.root, .bool)),
      term: condition.lowered.flatMap { ConditionTrace.term($0.checked.expression, $0, &moments) })
  }
}

/// Looks at conditions before one row is taken.
private final class PointObserver: FoldObserver {
  private let row: Int
  private let conditions: [Int]
  private(set) var outcomes: PointTracer.Outcomes = [:]

  init(row: Int, _ conditions: [Int]) {
    self.row = row
    self.conditions = conditions
  }

  func willApply(event: Int, fold: CustomerFold) {}

  func willTake(condition: Int, at instant: Int64, event: Int, fold: CustomerFold) {
    guard fold.result.rows.count == row else { return }
    outcomes = PointTracer.outcomes(of: conditions, fold, at: instant)
  }

  func willEnter(segment: Int, at instant: Int64, event: Int, fold: CustomerFold) {}
}
