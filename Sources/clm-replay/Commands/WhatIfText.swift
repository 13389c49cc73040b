import CEL
import EventStore
import Projections

/// Two histories of one customer side by side.
extension WhatIf {
  var text: String {
    let rules = subject.compiled.rules
    var lines = [
      "\(subject.name), as it is under \(rules.modelName) v\(rules.modelVersion), and \(change)"
    ]
    lines.append("")
    var table = TextTable(columns: ["at", "as it is", "what if", ""], numeric: [])
    for (index, pair) in result.pairs.enumerated() {
      table.add([
        SpokenText.instant(pair.at), pair.actual.map(move) ?? "",
        pair.isSame ? "the same" : pair.changed.map(move) ?? "",
        index == result.firstDifference ? "<- first difference" : "",
      ])
    }
    lines += table.lines
    lines.append("")
    if result.firstDifference == nil { lines.append("no stage differs at any time") }
    lines += standing
    lines.append("as of \(SpokenText.instant(subject.asOf))")
    if let served = subject.served { lines.append(served.text) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// In words what is changed.
  private var change: String {
    var parts: [String] = []
    if !left.isEmpty {
      parts.append("without \(left.map { "#\($0.position) \($0.id)" }.joined(separator: ", "))")
    }
    if !added.isEmpty { parts.append("with \(added.map(\.id).joined(separator: ", "))") }
    if !settings.isEmpty { parts.append("with \(settings.joined(separator: ", "))") }
    return parts.joined(separator: ", ")
  }

  private func move(_ row: CustomerRecord.Row) -> String {
    let move = row.from.map { "\($0) -> \(row.to)" } ?? "enters \(row.to)"
    let how = row.transition.map { " by \($0)" } ?? ""
    guard let anchor = row.anchor else { return "\(move)\(how), time alone" }
    let event =
      anchor.position < UInt64(Int64.max) ? "#\(anchor.position)" : "the new \(anchor.eventID)"
    return "\(move)\(how), \(row.isTimer ? "time alone, since \(event)" : event)"
  }

  /// Where the customer stands at as-of, and which facts differ.
  private var standing: [String] {
    func stage(_ record: CustomerRecord?) -> String {
      guard let record else { return "no event left" }
      if let parked = record.parked {
        return "parked since \(SpokenText.instant(parked.at)): \(parkedText(parked))"
      }
      return record.current.map { "\($0.stage) since \(SpokenText.instant($0.since))" } ?? ""
    }
    var lines = [
      "as it is: \(stage(result.actual)); next: \(nextText(result.actual?.current?.next))",
      "what if:  \(stage(result.changed)); next: \(nextText(result.changed?.current?.next))",
    ]
    let (now, then) = (values(result.actual, subject.compiled), values(result.changed, compiled))
    let words = SpokenText(subject.compiled.rules)
    func text(_ value: Value??) -> String {
      guard let value else { return "not there" }
      return value.map { words.text($0) } ?? "unset"
    }
    let names =
      now.map(\.name) + then.map(\.name).filter { name in !now.contains { $0.name == name } }
    for name in names {
      let before = text(now.first { $0.name == name }?.value)
      let after = text(then.first { $0.name == name }?.value)
      if before != after { lines.append("  \(name): \(before), what if: \(after)") }
    }
    let segments = (result.actual?.current?.segments ?? [], result.changed?.current?.segments ?? [])
    if segments.0 != segments.1 {
      func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.joined(separator: ", ")
      }
      lines.append("  segments: \(list(segments.0)), what if: \(list(segments.1))")
    }
    return lines
  }

  private func values(
    _ record: CustomerRecord?, _ compiled: CompiledRules
  ) -> [(name: String, value: Value?)] {
    guard let current = record?.current else { return [] }
    return zip(compiled.rules.facts, current.facts).map { ($0.name, $1) }
  }

  // MARK: JSON

  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("customer", .string(subject.name)), ("as_of", .string(RFC3339.text(subject.asOf))),
      ("without", .array(left.map(event))), ("with", .array(added.map(event))),
      ("set", .array(settings.map { .string($0) })),
      ("same", .bool(result.firstDifference == nil)),
      ("first_difference", firstDifference),
      ("actual", history(result.actual, subject.compiled)),
      ("what_if", history(result.changed, compiled)),
    ]
    if let served = subject.served { members.append(("served", served.json)) }
    return .object(members)
  }

  private func event(_ event: EventLine) -> JSONValue {
    .object([
      ("position", position(event.position)), ("id", .string(event.id)),
      ("at", .string(RFC3339.text(event.occurred))), ("type", .string(event.type)),
    ])
  }

  /// An added event has none.
  private func position(_ position: UInt64) -> JSONValue {
    position < UInt64(Int64.max) ? .count(position) : .null
  }

  private func row(_ row: CustomerRecord.Row) -> JSONValue {
    .object([
      ("at", .string(RFC3339.text(row.at))), ("from", .optional(row.from)), ("to", .string(row.to)),
      ("transition", .optional(row.transition)),
      ("cause", .string(row.isTimer ? "timer" : "event")),
      ("event_id", .optional(row.anchor?.eventID)),
      ("position", row.anchor.map { position($0.position) } ?? .null),
    ])
  }

  private var firstDifference: JSONValue {
    guard let index = result.firstDifference else { return .null }
    let pair = result.pairs[index]
    return .object([
      ("at", .string(RFC3339.text(pair.at))), ("actual", pair.actual.map(row) ?? .null),
      ("what_if", pair.changed.map(row) ?? .null),
    ])
  }

  private func history(_ record: CustomerRecord?, _ compiled: CompiledRules) -> JSONValue {
    let text = FactText(currencyDigits: compiled.rules.currency.digits)
    let current = record?.current
    var members: [(String, JSONValue)] = [
      ("rules_hash", .string(compiled.rules.sha256)),
      ("transitions", .array((record?.rows ?? []).map(row))),
      ("stage", .optional(current?.stage)),
      ("since", .optional(current.map { RFC3339.text($0.since) })),
      ("facts", .object(values(record, compiled).map { ($0.name, text.json($0.value)) })),
      ("segments", .array((current?.segments ?? []).map { .string($0) })),
      ("next", nextJSON(current?.next)),
    ]
    if let parked = record?.parked { members.append(("parked", parkedJSON(parked))) }
    return .object(members)
  }
}
