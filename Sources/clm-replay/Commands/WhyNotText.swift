import EventStore
import Projections

/// Ways to a stage or into a segment, for people and as JSON.
struct WhyNotText {
  private let found: WhyNot
  private let subject: CustomerAccess
  private let words: SpokenText

  init(_ found: WhyNot, _ subject: CustomerAccess) {
    self.found = found
    self.subject = subject
    words = SpokenText(subject.compiled.rules)
  }

  var ways: [WhyNot.Way] { found.ways }

  var text: String {
    var lines: [String] = []
    let stage = found.stage.map { "in stage \($0)" } ?? "parked"
    if found.isThere {
      lines.append("\(found.customer) is in \(found.goal) already")
    } else {
      lines.append("\(found.customer) is \(stage), and not in \(found.goal)")
    }
    if let parked = found.parked {
      lines.append(
        "parked at \(SpokenText.instant(parked.at)): \(parkedText(parked)); no event to come changes that"
      )
    }
    if !found.ways.isEmpty {
      lines += ["", "what would bring it there, each tried with exactly these events:"]
      for way in found.ways { lines += self.way(way) }
    } else if !found.isThere && found.parked == nil {
      lines.append("no way there was found (\(found.tried) sets of events and times were tried)")
    }
    if !found.blocked.isEmpty && !found.isThere {
      lines += ["", "what leads elsewhere:"]
      for blocked in found.blocked {
        lines.append(
          "  - \(events(blocked.events))\(when(blocked.at)): \(blocked.transition) comes first, to \(blocked.to)"
        )
      }
    }
    if !found.notUnderstood.isEmpty {
      lines += ["", "more ways may be there: no distance is known for"]
      lines += found.notUnderstood.map { "  \($0)" }
    }
    lines += ["", "as of \(SpokenText.instant(subject.asOf))"]
    if let served = subject.served { lines.append(served.text) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func way(_ way: WhyNot.Way) -> [String] {
    var text = way.events.isEmpty ? "time alone" : events(way.events) + when(way.at)
    if way.reached > way.at {
      text += way.events.isEmpty ? ": " : "; then by time alone "
      text +=
        "on \(SpokenText.instant(way.reached)), in \(SpokenText.length(microseconds: way.reached - subject.asOf))"
    } else {
      text += way.at == subject.asOf ? ": at once" : ""
    }
    if !way.transitions.isEmpty { text += ", by \(way.transitions.joined(separator: ", then "))" }
    if let onward = way.onward { text += ", and on to \(onward) at that instant" }
    if !way.events.isEmpty && !way.isTight { text += " (fewer or less may do, too)" }
    var lines = ["  - \(text)"]
    if let until = way.until {
      lines.append(
        "    until \(SpokenText.instant(until.at)), when #\(until.event.position) \(until.event.id) leaves the window of \(until.fact)"
      )
    }
    return lines
  }

  private func when(_ at: Int64) -> String {
    at == subject.asOf ? "" : " on \(SpokenText.instant(at)), when time alone has moved it"
  }

  /// `2 more purchases (180.00 EUR in all)`.
  private func events(_ events: [WhyNot.Addition]) -> String {
    var aliases: [String] = []
    for event in events where !aliases.contains(event.alias) { aliases.append(event.alias) }
    return aliases.map { alias in
      let own = events.filter { $0.alias == alias }
      let noun = own.count == 1 ? alias : ConditionWords.plural(alias)
      let says = fields(own)
      return "\(own.count) more \(noun)\(says.isEmpty ? "" : " (\(says))")"
    }.joined(separator: " and ")
  }

  private func fields(_ events: [WhyNot.Addition]) -> String {
    var names: [String] = []
    for field in events.flatMap(\.fields) where !names.contains(field.name) {
      names.append(field.name)
    }
    return names.map { name in
      let values = events.compactMap { $0.fields.first { $0.name == name } }
      let amounts = values.compactMap(\.minor)
      if amounts.count == values.count {
        let sum = amounts.reduce(Int64(0)) { $0.addingReportingOverflow($1).partialValue }
        return "\(name) \(words.money(sum))\(amounts.count > 1 ? " in all" : "")"
      }
      var texts: [String] = []
      for value in values where !texts.contains(value.json) { texts.append(value.json) }
      let shown = texts.prefix(4).joined(separator: ", ") + (texts.count > 4 ? ", …" : "")
      return "\(name) \(shown.filter { $0 != "\"" })"
    }.joined(separator: ", ")
  }

  // MARK: JSON

  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("customer", .string(found.customer)), ("as_of", .string(RFC3339.text(subject.asOf))),
      (found.isSegment ? "segment" : "to", .string(found.goal)),
      ("stage", .optional(found.stage)), ("is_there", .bool(found.isThere)),
      ("ways", .array(found.ways.map(wayJSON))),
      (
        "blocked",
        .array(
          found.blocked.map { blocked in
            .object([
              ("events", lines(blocked.events)), ("at", .string(RFC3339.text(blocked.at))),
              ("transition", .string(blocked.transition)), ("to", .string(blocked.to)),
            ])
          })
      ),
      ("tried", .count(found.tried)),
      ("not_understood", .array(found.notUnderstood.map { .string($0) })),
    ]
    if let parked = found.parked { members.append(("parked", parkedJSON(parked))) }
    if let served = subject.served { members.append(("served", served.json)) }
    return .object(members)
  }

  private func wayJSON(_ way: WhyNot.Way) -> JSONValue {
    let until = way.until.map { until in
      JSONValue.object([
        ("at", .string(RFC3339.text(until.at))), ("position", .count(until.event.position)),
        ("event_id", .string(until.event.id)), ("fact", .string(until.fact)),
      ])
    }
    return .object([
      ("text", .string(way.events.isEmpty ? "time alone" : events(way.events))),
      ("events", lines(way.events)), ("at", .string(RFC3339.text(way.at))),
      ("reached", .string(RFC3339.text(way.reached))),
      ("transitions", .array(way.transitions.map { .string($0) })),
      ("onward", .optional(way.onward)), ("tight", .bool(way.isTight)), ("until", until ?? .null),
    ])
  }

  /// Events as an import, and `--with`, take them.
  private func lines(_ events: [WhyNot.Addition]) -> JSONValue {
    .array(events.map { .number(String(decoding: $0.line, as: UTF8.self)) })
  }
}
