import EventStore
import Projections

/// An explanation in the form of `explain --format json` (contract §7), whole or in parts.
struct ExplanationJSON {
  private let explanation: Explanation
  private let subject: CustomerAccess
  private let text: FactText
  private let rows: ViewRows

  init(_ explanation: Explanation, _ subject: CustomerAccess) {
    self.explanation = explanation
    self.subject = subject
    rows = ViewRows(subject.compiled.rules)
    text = rows.text
  }

  /// All of it.
  var members: [(String, JSONValue)] {
    let rules = subject.compiled.rules
    var rule = self.rule
    if case .object(var named) = rule {
      named.insert(("file", .string(rules.file)), at: 1)
      rule = .object(named)
    }
    var members: [(String, JSONValue)] = [
      ("customer", .string(explanation.customer)),
      (
        "model",
        .object([("name", .string(rules.modelName)), ("version", .count(rules.modelVersion))])
      ),
      ("rule", rule),
      happened,
      ("expr", explanation.expression.map { term($0) } ?? .null),
      ("facts", facts),
      (
        "considered",
        .array(
          explanation.considered.map {
            .object([("id", .string($0.id)), ("value", known($0.value))])
          })
      ),
      ("minimal", minimal),
      ("next", nextJSON(explanation.next)),
      ("as_of", .string(RFC3339.text(subject.asOf))),
    ]
    if let parked = explanation.parked { members.append(("parked", parkedJSON(parked))) }
    if let served = subject.served { members.append(("served", served.json)) }
    return members
  }

  /// Of the transition or segment; null for an entry row.
  var rule: JSONValue {
    guard let rule = explanation.rule else { return .null }
    return .object([
      ("id", .string(rule.id)), ("line", .count(rule.line)), ("text", .string(rule.text)),
    ])
  }

  /// The row, or the stay in a segment.
  private var happened: (String, JSONValue) {
    if let stay = explanation.stay {
      return (
        "stay",
        .object(
          [("segment", .string(stay.segment))]
            + (stay.spell.map { spell($0) }
              ?? ViewRows.spellColumns.dropFirst(2).map { ($0, .null) })
            + [("holds", .bool(stay.holds))])
      )
    }
    return ("transition", explanation.transition.map { .object(row($0)) } ?? .null)
  }

  /// The columns of a row of `transitions`, without the customer.
  func row(_ row: CustomerRecord.Row) -> [(String, JSONValue)] {
    let cells = rows.transition(row, customer: explanation.customer)
    return Array(zip(ViewRows.transitionColumns, cells).dropFirst())
  }

  /// The columns of a row of `segments`, without customer and segment.
  func spell(_ spell: SegmentSpells.Spell) -> [(String, JSONValue)] {
    Array(zip(ViewRows.spellColumns, rows.spell(spell)).dropFirst(2))
  }

  /// The facts that the condition reads, with the events behind each.
  var facts: JSONValue {
    .object(
      explanation.facts.map { fact in
        let events = fact.events.map { event in
          JSONValue.object([
            ("position", .count(event.position)), ("id", .string(event.id)),
            ("at", .string(RFC3339.text(event.at))), ("type", .string(event.type)),
            ("adds", text.json(event.adds)),
          ])
        }
        var evidence: [(String, JSONValue)] = [
          ("value", known(fact.value)), ("before", known(fact.before)),
          ("events", .array(events)),
        ]
        if fact.leftOut > 0 { evidence.append(("left_out", .count(fact.leftOut))) }
        return (fact.name, .object(evidence))
      })
  }

  /// The smallest set of events behind a row; null for segments.
  var minimal: JSONValue {
    guard let minimal = explanation.minimal else { return .null }
    let events = minimal.events.map { event in
      JSONValue.object([
        ("position", .count(event.position)), ("id", .string(event.id)),
        ("at", .string(RFC3339.text(event.occurred))), ("type", .string(event.type)),
      ])
    }
    let absence = minimal.absence.map { absence in
      JSONValue.object([
        ("aliases", .array(absence.aliases.map { .string($0) })),
        ("position", absence.last.map { .count($0.position) } ?? .null),
        ("event_id", .optional(absence.last?.id)),
        ("after", .string(RFC3339.text(absence.from))),
        ("before", .string(RFC3339.text(absence.to))),
      ])
    }
    return .object([
      ("events", .array(events)), ("of", .count(minimal.of)),
      ("smallest", .bool(minimal.isSmallest)), ("earliest", .bool(minimal.isEarliest)),
      ("irreducible", .bool(minimal.isIrreducible)), ("tried_below", .count(minimal.triedBelow)),
      ("absence", absence ?? .null),
    ])
  }

  private func term(_ term: Explanation.Term) -> JSONValue {
    .object([
      ("text", .string(term.text)), ("value", known(term.value)),
      ("before", known(term.before)),
      ("args", .array(term.arguments.map { self.term($0) })),
    ])
  }

  /// Unset is null; an error has no value either, and says so.
  private func known(_ known: Explanation.Known) -> JSONValue {
    switch known {
    case .value(let value): text.json(value)
    case .unset: .null
    case .error: .object([("error", .string("error"))])
    }
  }
}
