import ArgumentParser
import CEL
import EventStore
import Projections

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show one customer: stage, facts, value, segments, and what comes next.",
    discussion: """
      EXAMPLE
        clm-replay show store C-1042

      CUSTOMER is any of the customer's subjects. With --as-of, --known-at or --as-served the customer is folded again; the
      view is left alone. Value, scores and segments that need everybody are then unknown, unless --population folds everybody.
      """)

  @OptionGroup var options: CustomerOptions
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    let subject = try options.access(quiet: global.quiet)
    let entry = try subject.viewCustomer()
    let rules = subject.compiled.rules
    let unknown = subject.unknown(of: entry.record)
    if !unknown.isEmpty {
      Notice.write(
        "note: unknown, since everybody would have to be folded: \(unknown.joined(separator: ", ")); --population does so",
        quiet: global.quiet)
    }
    if format == .json || format == .ndjson {
      try StandardOutput.write(json(entry, rules, subject).text + "\n")
    } else {
      try StandardOutput.show(text(entry, rules, subject))
    }
  }

  private func json(
    _ entry: ViewCustomer, _ rules: Rules, _ subject: CustomerAccess
  ) -> JSONValue {
    let text = FactText(currencyDigits: rules.currency.digits)
    let rows = ViewRows(rules)
    let record = entry.record
    let current = record.current
    var facts: [(String, JSONValue)] = []
    for (index, fact) in rules.facts.enumerated() {
      facts.append((fact.name, text.json(current?.facts[index])))
    }
    var clv: [(String, JSONValue)] = [
      ("historical", .optional(rows.historicalValue(current).map { text.money($0) }))
    ]
    if let value = entry.value {
      clv.append(("expected", .optional(value.expected.map { text.money($0) })))
      clv.append(("p_alive", .number(Numbers.double(value.probabilityAlive))))
      clv.append(("expected_purchases", .number(Numbers.double(value.purchases))))
    }
    let unknown = subject.unknown(of: record)
    for name in unknown where name.hasPrefix("clv.") {
      clv.append((String(name.dropFirst("clv.".count)), .null))
    }
    if let scores = entry.scores {
      clv.append(
        (
          "rfm",
          .object([
            ("r", .count(scores.r)), ("f", .count(scores.f)), ("m", .count(scores.m)),
            ("segment", .string(scores.name)),
          ])
        ))
    }
    var members: [(String, JSONValue)] = [
      ("customer", .string(record.name)), ("stage", .optional(current?.stage)),
      ("since", .optional(current.map { RFC3339.text($0.since) })),
      ("facts", .object(facts)), ("clv", .object(clv)),
      ("segments", segmentsJSON(entry, rules, unknown)),
      ("next", nextJSON(current?.next)),
      ("as_of", .string(RFC3339.text(subject.asOf))),
      ("first_seen", .string(RFC3339.text(record.firstSeen))),
      ("last_seen", .optional(current.map { RFC3339.text($0.lastSeen) })),
      ("subjects", .array(([record.name] + record.subjects).map { .string($0) })),
    ]
    if !record.leftOut.isEmpty {
      let counts = record.leftOut.map { (rules.facts[$0.fact].name, JSONValue.count($0.events)) }
      members.append(("left_out", .object(counts)))
    }
    if let parked = record.parked { members.append(("parked", parkedJSON(parked))) }
    if !subject.isCurrent {
      if rules.segments.contains(where: { unknown.contains($0.name) }) {
        members.append(("segments_known", .array(entry.segments.map { .string($0) })))
      }
      members.append(("unknown", .array(unknown.map { .string($0) })))
    }
    if let served = subject.served { members.append(("served", served.json)) }
    return .object(members)
  }

  /// Null where some of them are unknown, since a shorter list would say that the customer is not in those.
  private func segmentsJSON(
    _ entry: ViewCustomer, _ rules: Rules, _ unknown: [String]
  ) -> JSONValue {
    rules.segments.contains { unknown.contains($0.name) }
      ? .null : .array(entry.segments.map { .string($0) })
  }

  private func text(
    _ entry: ViewCustomer, _ rules: Rules, _ subject: CustomerAccess
  ) -> String {
    let text = FactText(currencyDigits: rules.currency.digits)
    let record = entry.record
    var lines: [String] = []
    if let parked = record.parked {
      lines.append("\(record.name)  parked since \(RFC3339.text(parked.at))")
      lines.append("  \(parkedText(parked)) (\(parked.reason))")
    }
    if let current = record.current {
      lines.append("\(record.name)  \(current.stage) since \(RFC3339.text(current.since))")
      lines.append("")
      for (index, fact) in rules.facts.enumerated() {
        let value = text.text(current.facts[index])
        let leftOut = record.leftOut.first { $0.fact == index }
        lines.append(
          "  \(padded(fact.name, 24)) \(value.isEmpty ? "(unset)" : value)"
            + (leftOut.map { "  (\(FactText.leftOut($0.events)))" } ?? ""))
      }
      lines.append("")
      if let value = ViewRows(rules).historicalValue(current) {
        lines.append(
          "  \(padded("value so far", 24)) \(text.money(value)) \(rules.currency.code)")
      }
      if let value = entry.value {
        if let expected = value.expected {
          lines.append(
            "  \(padded("value to come", 24)) \(text.money(expected)) \(rules.currency.code)")
        }
        lines.append("  \(padded("P(alive)", 24)) \(Numbers.double(value.probabilityAlive))")
        lines.append("  \(padded("purchases to come", 24)) \(Numbers.double(value.purchases))")
      }
      if let scores = entry.scores {
        lines.append(
          "  \(padded("RFM", 24)) \(scores.r)\(scores.f)\(scores.m) \(scores.name)")
      }
      if !entry.segments.isEmpty {
        lines.append("  \(padded("segments", 24)) \(entry.segments.joined(separator: ", "))")
      }
      let unknown = subject.unknown(of: record)
      if !unknown.isEmpty {
        lines.append("  \(padded("unknown", 24)) \(unknown.joined(separator: ", "))")
      }
      lines.append("  \(padded("first seen", 24)) \(RFC3339.text(record.firstSeen))")
      lines.append("  \(padded("last seen", 24)) \(RFC3339.text(current.lastSeen))")
      if !record.subjects.isEmpty {
        lines.append("  \(padded("also known as", 24)) \(record.subjects.joined(separator: ", "))")
      }
      lines.append("  \(padded("next", 24)) \(nextText(current.next))")
    }
    lines.append("")
    lines.append("as of \(RFC3339.text(subject.asOf)), view \(subject.viewName)")
    if let served = subject.served { lines.append(served.text) }
    return lines.joined(separator: "\n") + "\n"
  }
}

func nextJSON(_ next: (at: Int64, to: String?)?) -> JSONValue {
  guard let next else { return .null }
  return .object([("at", .string(RFC3339.text(next.at))), ("to", .optional(next.to))])
}

/// What the customer was parked by, in words.
func parkedText(_ parked: Parking) -> String {
  let names = parked.transitions.joined(separator: ", ")
  if parked.reason != "budget" { return "\(names) chase each other" }
  return "\(names.isEmpty ? "a segment" : names) would have to be looked at too often"
}

func parkedJSON(_ parked: Parking) -> JSONValue {
  .object([
    ("at", .string(RFC3339.text(parked.at))), ("reason", .string(parked.reason)),
    ("transitions", .array(parked.transitions.map { .string($0) })),
  ])
}

func nextText(_ next: (at: Int64, to: String?)?) -> String {
  guard let next else { return "no change by time alone" }
  guard let to = next.to else { return "\(RFC3339.text(next.at)) parked, if nothing happens" }
  return "\(to) on \(RFC3339.text(next.at)), if nothing happens"
}

func padded(_ text: String, _ width: Int) -> String {
  text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
}
