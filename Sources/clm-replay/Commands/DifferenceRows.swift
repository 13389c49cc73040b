import CEL
import EventStore
import Projections

/// Every customer who differs, as a row.
struct DifferenceRows {
  private var writer: RowWriter
  private let file: OutputFile
  private let cells: DifferenceCells

  static let columns = [
    "customer", "a", "b", "differs", "first_difference", "at_a", "to_a", "transition_a", "at_b",
    "to_b", "transition_b", "why", "rule", "clause_a", "holds_a", "values_a", "clause_b", "holds_b",
    "values_b", "entered", "left", "value_a", "value_b",
  ]

  init(_ pair: ComparedPair, format: OutputFormat, file: OutputFile) throws {
    self.file = file
    cells = DifferenceCells(pair)
    writer = RowWriter(format: format, columns: Self.columns, file: file)
    try writer.begin()
  }

  mutating func add(_ difference: Difference) throws {
    let (a, b) = (difference.sides.a, difference.sides.b)
    let why = difference.divergence
    var row: [JSONValue] = [
      .string(difference.customer), .optional(a.stage), .optional(b.stage),
      .string(difference.kind.rawValue),
      .optional(difference.firstDifference.map { RFC3339.text($0) }),
    ]
    for side in [a, b] {
      row += [
        .optional(side.row.map { RFC3339.text($0.at) }), .optional(side.row?.to),
        .optional(side.row?.transition),
      ]
    }
    row += [.string(why.reason.rawValue), .optional(why.rule)]
    for (clause, text) in [(why.sides.a, cells.texts.a), (why.sides.b, cells.texts.b)] {
      row += [
        .optional(clause?.text), clause?.holds.map { .bool($0) } ?? .null,
        clause.map { .optional(cells.values($0, text)) } ?? .null,
      ]
    }
    row += [
      .array(difference.entered.map { .string($0) }), .array(difference.left.map { .string($0) }),
      cells.money(a.value, cells.texts.a), cells.money(b.value, cells.texts.b),
    ]
    try writer.add(row)
  }

  mutating func end() throws {
    try writer.end()
    try file.close()
  }
}

/// Values of both sides, each in the currency of its rules.
struct DifferenceCells {
  let texts: BothSides<FactText>
  let words: BothSides<SpokenText>

  init(_ pair: ComparedPair) {
    let (a, b) = (pair.sides.a.compiled.rules, pair.sides.b.compiled.rules)
    texts = BothSides(
      a: FactText(currencyDigits: a.currency.digits), b: FactText(currencyDigits: b.currency.digits)
    )
    words = BothSides(a: SpokenText(a), b: SpokenText(b))
  }

  func money(_ minor: Int64?, _ text: FactText) -> JSONValue {
    .optional(minor.map { text.money($0) })
  }

  /// `purchases_365d = 3; since(last_purchase_at) = 7776000s`; nil where nothing is read.
  func values(_ clause: Divergence.Clause, _ text: FactText) -> String? {
    let values = clause.values.map { value in
      let known =
        switch value.value {
        case .value(let value): text.text(value)
        case .unset: "unset"
        case .error: "error"
        }
      return "\(value.text) = \(known)"
    }
    return values.isEmpty ? nil : values.joined(separator: "; ")
  }
}
