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
        clm-replay show store --like 104

      CUSTOMER is any of the customer's subjects. With --as-of, --known-at or --as-served the customer is folded again; the
      view is left alone. Value, scores and segments that need everybody are then unknown, unless --population folds everybody.
      """)

  @Argument(help: "The store.") var store: String
  @Argument(help: "The customer, by any of its subjects.") var customer: String?
  @Option(
    help: ArgumentHelp(
      "List the customers of the view with this text in a subject, in any case.", valueName: "text")
  )
  var like: String?
  @OptionGroup var times: CustomerTimes
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if (customer == nil) == (like == nil) {
      throw ValidationError(
        like == nil ? "Missing expected argument '<customer>'" : "--like is in place of a customer")
    }
    if let like, like.isEmpty { throw ValidationError("--like takes a part of a name") }
    if like != nil && !times.isNow {
      throw ValidationError("--like looks in the view as it is: leave the times away")
    }
  }

  func run() throws {
    if let like {
      try LikeSearch(store: store, view: times.view, text: like).run(global)
    } else if let customer {
      try show(customer)
    }
  }

  private func show(_ customer: String) throws {
    let format = global.resolvedFormat(oneObject: true)
    let subject = try CustomerAccess(customer, in: store, times, quiet: global.quiet)
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
    let words = SpokenText(rules)
    let record = entry.record
    var lines: [String] = []
    func add(_ name: String, _ text: String) { lines.append("  \(padded(name, 24)) \(text)") }
    if let parked = record.parked {
      lines.append("\(record.name)  parked since \(SpokenText.instant(parked.at))")
      lines.append("  \(parkedText(parked)) (\(parked.reason))")
    }
    if let current = record.current {
      lines.append("\(record.name)  \(current.stage) since \(SpokenText.instant(current.since))")
      lines.append("")
      for (index, fact) in rules.facts.enumerated() {
        let leftOut = record.leftOut.first { $0.fact == index }
        add(
          fact.name,
          (current.facts[index].map { words.text($0) } ?? "(unset)")
            + (leftOut.map { "  (\(FactText.leftOut($0.events)))" } ?? ""))
      }
      lines.append("")
      if let value = ViewRows(rules).historicalValue(current) {
        add("value so far", words.money(value))
      }
      if let value = entry.value {
        if let expected = value.expected { add("value to come", words.money(expected)) }
        add("P(alive)", Numbers.short(value.probabilityAlive))
        add("purchases to come", Numbers.short(value.purchases))
      }
      if let scores = entry.scores {
        add("RFM", "\(scores.r)\(scores.f)\(scores.m) \(scores.name)")
      }
      if !entry.segments.isEmpty { add("segments", entry.segments.joined(separator: ", ")) }
      let unknown = subject.unknown(of: record)
      if !unknown.isEmpty { add("unknown", unknown.joined(separator: ", ")) }
      add("first seen", SpokenText.instant(record.firstSeen))
      add("last seen", SpokenText.instant(current.lastSeen))
      if !record.subjects.isEmpty {
        add("also known as", record.subjects.joined(separator: ", "))
      }
      add("next", nextText(current.next))
    }
    lines.append("")
    lines.append("as of \(SpokenText.instant(subject.asOf)), view \(subject.viewName)")
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
  guard let to = next.to else { return "\(SpokenText.instant(next.at)) parked, if nothing happens" }
  return "\(to) on \(SpokenText.instant(next.at)), if nothing happens"
}

func padded(_ text: String, _ width: Int) -> String {
  text.count >= width ? text : text + String(repeating: " ", count: width - text.count)
}
