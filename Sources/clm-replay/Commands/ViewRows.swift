import CEL
import EventStore
import Projections

/// The tables of a view, row by row, in the columns of the contract.
struct ViewRows {
  let rules: Rules
  let text: FactText
  let valueMargin: Rules.Factor?

  init(_ rules: Rules) {
    self.rules = rules
    text = FactText(currencyDigits: rules.currency.digits)
    valueMargin = rules.clv?.margin
  }

  var customerColumns: [String] {
    ["customer", "stage", "since", "first_seen", "last_seen", "next_at", "next_to", "parked_at"]
      + rules.facts.map(\.name) + [
        "clv_historical", "clv_expected", "p_alive", "expected_purchases", "rfm_r", "rfm_f",
        "rfm_m", "rfm_segment", "segments",
      ]
  }

  static let transitionColumns = [
    "customer", "at", "from", "to", "transition", "cause", "event_id", "position",
  ]

  static let spellColumns = [
    "customer", "segment", "from", "to", "cause", "event_id", "position",
  ]

  /// margin × (purchases less refunds), half to even; nil for who bought nothing.
  func historicalValue(_ current: CustomerRecord.Current?) -> Int64? {
    guard let current, current.purchases > 0, let monetary = current.monetary,
      let margin = valueMargin
    else { return nil }
    return margin.times(monetary)
  }

  func transition(_ row: CustomerRecord.Row, customer: String) -> [JSONValue] {
    [
      .string(customer), .string(RFC3339.text(row.at)), .optional(row.from), .string(row.to),
      .optional(row.transition), .string(row.isTimer ? "timer" : "event"),
      .optional(row.anchor?.eventID), row.anchor.map { .count($0.position) } ?? .null,
    ]
  }

  func spell(_ spell: SegmentSpells.Spell) -> [JSONValue] {
    [
      .string(spell.customer), .string(spell.segment),
      .optional(spell.from.map { RFC3339.text($0) }), .optional(spell.to.map { RFC3339.text($0) }),
      .optional(spell.isTimer.map { $0 ? "timer" : "event" }),
      .optional(spell.anchor?.eventID), spell.anchor.map { .count($0.position) } ?? .null,
    ]
  }
}
