import CEL

/// What was folded, with names in place of numbers.
extension CustomerFold {
  /// A row with names in place of numbers; `lines` are the events that were folded.
  func named(_ row: FoldRow, _ lines: [EventLine]) -> CustomerRecord.Row {
    let stages = compiled.rules.stages
    let transition = row.transition < 0 ? nil : compiled.conditionName(Int(row.transition))
    return CustomerRecord.Row(
      at: row.at, from: row.from >= 0 ? stages[Int(row.from)].name : nil,
      to: stages[Int(row.to)].name, transition: transition, isTimer: row.isTimer,
      anchor: anchor(row.anchor, lines))
  }

  /// The event behind a row or a stay; `event` is its number, -1 without.
  func anchor(_ event: Int32, _ lines: [EventLine]) -> CustomerRecord.Anchor? {
    guard event >= 0 else { return nil }
    let line = lines[Int(event)]
    return CustomerRecord.Anchor(eventID: line.id, position: line.position)
  }

  /// What was folded, with names.
  func record(customer: String, lines: [EventLine]) -> CustomerRecord {
    let stages = compiled.rules.stages
    var record = CustomerRecord(
      name: customer, subjects: [], firstSeen: result.firstSeen, parked: nil, current: nil,
      rows: result.rows.map { named($0, lines) })
    var subjects = Set(lines.map { ByteString($0.subject) })
    subjects.remove(ByteString(customer))
    record.subjects = subjects.sorted().map(\.string)
    record.leftOut = result.leftOut.map { .init(fact: Int($0.fact), events: Int($0.events)) }
    if let parked = result.parked {
      record.parked = Parking(parked, compiled)
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
      segments: segments, purchases: result.purchases.all.count,
      purchaseDays: result.purchases.all.days,
      lastPurchase: result.purchases.all.lastPurchase,
      monetary: Int64(exactly: result.purchases.all.net))
    return record
  }

  func value(_ outcome: TimedOutcome, _ type: Type) -> Value? {
    guard outcome.status == .ok else { return nil }
    return ScalarValue.value(outcome.bits, type, interner: evaluator.interner)
  }
}
