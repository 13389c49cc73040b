import CEL

/// Folds one customer again and looks at one of its rows.
public struct Explainer {
  private let compiled: CompiledRules
  private let lines: [EventLine]
  private let customer: String
  private let asOf: Int64

  /// - Parameter lines: all events of the customer in view, of all joined subjects, in any order.
  public init(_ compiled: CompiledRules, customer: String, lines: [EventLine], asOf: Int64) {
    self.compiled = compiled
    self.lines = lines
    self.customer = customer
    self.asOf = asOf
  }

  /// The customer as a view holds it; nil if no event is left (all ignored, or none in view).
  public func record() -> CustomerRecord? {
    var fold = CustomerFold(compiled)
    let taken = fold.load(lines)
    if taken.isEmpty { return nil }
    fold.fold(asOf: asOf)
    return fold.record(customer: customer, lines: taken)
  }

  /// Explains row `index` of the customer's transitions; nil if there is none such.
  public func explain(row index: Int) -> Explanation? {
    var fold = CustomerFold(compiled, keepsAll: true)
    let taken = fold.load(lines)
    if taken.isEmpty { return nil }
    let tracer = RowTracer(index, lines: taken)
    fold.observer = tracer
    fold.fold(asOf: asOf)
    guard fold.result.rows.indices.contains(index) else { return nil }
    let row = fold.named(fold.result.rows[index], taken)
    let record = fold.record(customer: customer, lines: taken)
    return Explanation(
      customer: customer, transition: row, rule: tracer.rule, expression: tracer.term,
      facts: tracer.facts, considered: tracer.considered, next: record.current?.next,
      parked: record.parked)
  }
}

extension CustomerFold {
  /// What was folded, with names.
  func record(customer: String, lines: [EventLine]) -> CustomerRecord {
    let stages = compiled.rules.stages
    var record = CustomerRecord(
      name: customer, subjects: [], firstSeen: result.firstSeen, parked: nil, current: nil,
      rows: result.rows.map { named($0, lines) })
    var subjects = Set(lines.map { ByteString($0.subject) })
    subjects.remove(ByteString(customer))
    record.subjects = subjects.sorted().map(\.string)
    if let parked = result.parked {
      let names = parked.transitions.map { compiled.conditionName(Int($0)) }
      record.parked = CustomerRecord.Parked(
        at: parked.at, reason: parked.reason.text, transitions: names)
      return record
    }
    let next = result.next.map {
      (at: $0.at, to: $0.to >= 0 ? stages[Int($0.to)].name : nil)
    }
    let segments = compiled.rules.segments.indices.filter { result.segments[$0] }
      .map { compiled.rules.segments[$0].name }
    record.current = CustomerRecord.Current(
      stage: stages[Int(result.stage)].name, since: result.since, lastSeen: result.lastSeen,
      next: next,
      facts: zip(compiled.facts, result.facts).map { value($1, $0.type) },
      segments: segments, purchases: result.purchases.count, purchaseDays: result.purchases.days,
      lastPurchase: result.purchases.lastPurchase,
      monetary: Int64(exactly: result.purchases.net))
    return record
  }

  func value(_ outcome: Outcome, _ type: Type) -> Value? {
    guard outcome.status == .ok else { return nil }
    return ScalarValue.value(outcome.bits, type, interner: evaluator.interner)
  }
}
