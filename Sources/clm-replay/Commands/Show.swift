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

      CUSTOMER is any of the customer's subjects. With --as-of, --known-at or --as-served the customer is folded again; the view is left alone.
      """)

  @OptionGroup var options: CustomerOptions
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    let subject = try options.access()
    let entry = try subject.viewCustomer()
    let rules = subject.compiled.rules
    if !subject.isCurrent && (rules.clv != nil || rules.segments.contains(where: \.readsPopulation))
    {
      Notice.write(
        "note: scores, fitted values and segments that read them are known at the view's as-of only; `replay --as-of T --view NAME` computes them for another",
        quiet: global.quiet)
    }
    if format == .json || format == .ndjson {
      try StandardOutput.write(json(entry, rules, subject).text + "\n")
    } else {
      try StandardOutput.write(text(entry, rules, subject))
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
      ("segments", .array(entry.segments.map { .string($0) })),
      ("next", nextJSON(current?.next)),
      ("as_of", .string(RFC3339.text(subject.asOf))),
      ("first_seen", .string(RFC3339.text(record.firstSeen))),
      ("last_seen", .optional(current.map { RFC3339.text($0.lastSeen) })),
      ("subjects", .array(([record.name] + record.subjects).map { .string($0) })),
    ]
    if let parked = record.parked { members.append(("parked", parkedJSON(parked))) }
    return .object(members)
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
        lines.append("  \(padded(fact.name, 24)) \(value.isEmpty ? "(unset)" : value)")
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
      lines.append("  \(padded("first seen", 24)) \(RFC3339.text(record.firstSeen))")
      lines.append("  \(padded("last seen", 24)) \(RFC3339.text(current.lastSeen))")
      if !record.subjects.isEmpty {
        lines.append("  \(padded("also known as", 24)) \(record.subjects.joined(separator: ", "))")
      }
      lines.append("  \(padded("next", 24)) \(nextText(current.next))")
    }
    lines.append("")
    lines.append("as of \(RFC3339.text(subject.asOf)), view \(subject.viewName)")
    return lines.joined(separator: "\n") + "\n"
  }
}

func nextJSON(_ next: (at: Int64, to: String?)?) -> JSONValue {
  guard let next else { return .null }
  return .object([("at", .string(RFC3339.text(next.at))), ("to", .optional(next.to))])
}

/// What the customer was parked by, in words.
func parkedText(_ parked: CustomerRecord.Parked) -> String {
  let names = parked.transitions.joined(separator: ", ")
  if parked.reason != "budget" { return "\(names) chase each other" }
  return "\(names.isEmpty ? "a segment" : names) would have to be looked at too often"
}

func parkedJSON(_ parked: CustomerRecord.Parked) -> JSONValue {
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
