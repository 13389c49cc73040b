import EventStore
import Projections

/// What a comparison found, as text and as JSON.
struct ComparisonReport {
  private let comparison: HistoryComparison
  private let pair: ComparedPair
  private let cells: DifferenceCells
  private static let shownExamples = 10

  init(_ comparison: HistoryComparison, _ pair: ComparedPair) {
    self.comparison = comparison
    self.pair = pair
    cells = DifferenceCells(pair)
  }

  static func percent(_ comparison: HistoryComparison) -> String {
    Numbers.percent(
      comparison.customers == 0
        ? 0 : Double(comparison.changed) * 100 / Double(comparison.customers))
  }

  private var isOneAsOf: Bool { pair.sides.a.view.asOf == pair.sides.b.view.asOf }

  private var examples: ArraySlice<HistoryComparison.Example> {
    comparison.examples.prefix(Self.shownExamples)
  }

  // MARK: JSON

  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("customers", .count(comparison.customers)), ("changed", .count(comparison.changed)),
    ]
    if isOneAsOf { members.append(("as_of", .string(RFC3339.text(pair.sides.a.view.asOf)))) }
    members += [
      ("a", side(pair.titles.a, pair.sides.a)), ("b", side(pair.titles.b, pair.sides.b)),
      ("parked", .count(comparison.parked)),
      ("parked_only", .count(comparison.parkedOnly)),
      ("segments_only", .count(comparison.segmentsOnly)),
      ("matrix", .array(comparison.matrix.map(cell))),
      ("stages", .object(comparison.stages.map { ($0.name, stage($0)) })),
      ("segments", .object(comparison.segments.map { ($0.name, segment($0)) })),
      ("unknown", .array(comparison.unknownSegments.map { .string($0) })),
      (
        "clv",
        .object(
          amounts(comparison.value) + [("moved", .object(amounts(comparison.moved)))])
      ),
      ("examples", .array(examples.map { example($0) })),
    ]
    return .object(members)
  }

  private func side(_ title: ComparedPair.Title, _ side: ComparedSide) -> JSONValue {
    let rules = side.compiled.rules
    var members: [(String, JSONValue)] = [
      ("model", .string(rules.modelName)), ("version", .count(rules.modelVersion)),
      ("file", .string(rules.file)), ("rules_hash", .string(rules.sha256)),
      ("as_of", .string(RFC3339.text(side.view.asOf))), ("size", .count(side.view.size)),
    ]
    if let view = title.view { members.append(("view", .string(view))) }
    if let served = title.served { members.append(("served", served.json)) }
    return .object(members)
  }

  private func amounts(_ values: BothSides<Int64?>) -> [(String, JSONValue)] {
    [
      ("a", cells.money(values.a, cells.texts.a)), ("b", cells.money(values.b, cells.texts.b)),
    ]
  }

  private func cell(_ cell: HistoryComparison.Cell) -> JSONValue {
    .object([
      ("a", .optional(cell.stages.a)), ("b", .optional(cell.stages.b)),
      ("customers", .count(cell.customers)), ("value", .object(amounts(cell.value))),
    ])
  }

  private func counts(_ counts: BothSides<Int>, entered: Int, left: Int) -> [(String, JSONValue)] {
    [
      ("a", .count(counts.a)), ("b", .count(counts.b)), ("entered", .count(entered)),
      ("left", .count(left)),
    ]
  }

  private func stage(_ stage: HistoryComparison.Stage) -> JSONValue {
    func number(_ days: Double?) -> JSONValue { days.map { .number(Numbers.double($0)) } ?? .null }
    return .object(
      counts(stage.customers, entered: stage.entered, left: stage.left) + [
        ("days", .object([("a", number(stage.days.a)), ("b", number(stage.days.b))]))
      ])
  }

  private func segment(_ segment: HistoryComparison.Segment) -> JSONValue {
    .object(counts(segment.customers, entered: segment.entered, left: segment.left))
  }

  private func example(_ example: HistoryComparison.Example) -> JSONValue {
    let difference = example.difference
    let why = difference.divergence
    return .object([
      ("customer", .string(difference.customer)), ("a", .optional(difference.sides.a.stage)),
      ("b", .optional(difference.sides.b.stage)),
      (
        "first_difference",
        .optional(difference.firstDifference.map { RFC3339.text($0) })
      ),
      ("differs", .string(difference.kind.rawValue)), ("like_this", .count(example.customers)),
      ("rows", .object([("a", row(difference.sides.a)), ("b", row(difference.sides.b))])),
      (
        "why",
        .object([
          ("reason", .string(why.reason.rawValue)), ("rule", .optional(why.rule)),
          ("a", clause(why.sides.a, cells.texts.a)), ("b", clause(why.sides.b, cells.texts.b)),
        ])
      ),
      ("entered", .array(difference.entered.map { .string($0) })),
      ("left", .array(difference.left.map { .string($0) })),
    ])
  }

  private func row(_ side: Difference.Side) -> JSONValue {
    guard let row = side.row else { return .null }
    return .object([
      ("at", .string(RFC3339.text(row.at))), ("from", .optional(row.from)),
      ("to", .string(row.to)), ("transition", .optional(row.transition)),
      ("cause", .string(row.isTimer ? "timer" : "event")),
      ("position", row.position.map { .count($0) } ?? .null),
    ])
  }

  private func clause(_ clause: Divergence.Clause?, _ text: FactText) -> JSONValue {
    guard let clause else { return .null }
    var values: [(String, JSONValue)] = []
    for value in clause.values {
      switch value.value {
      case .value(let known): values.append((value.text, text.json(known)))
      case .unset: values.append((value.text, .null))
      case .error: values.append((value.text, .object([("error", .string("error"))])))
      }
    }
    return .object([
      ("text", .string(clause.text)), ("holds", clause.holds.map { .bool($0) } ?? .null),
      ("values", .object(values)),
    ])
  }

  // MARK: Text

  var text: String {
    var lines = [title("a", pair.titles.a, pair.sides.a), title("b", pair.titles.b, pair.sides.b)]
    if isOneAsOf { lines.append("as of \(SpokenText.instant(pair.sides.a.view.asOf))") }
    lines += ["", headline]
    lines += [""] + stageLines
    lines += block(matrixLines) + block(segmentLines) + block(valueLines) + block(exampleLines)
    return lines.joined(separator: "\n") + "\n"
  }

  private func block(_ lines: [String]) -> [String] { lines.isEmpty ? [] : [""] + lines }

  private func title(_ name: String, _ title: ComparedPair.Title, _ side: ComparedSide) -> String {
    var text = "\(name)  \(title.rules.title)"
    if let view = title.view { text += ", view \(view)" }
    if let served = title.served {
      text += ", served since \(SpokenText.instant(served.switchedAt))"
    }
    if !isOneAsOf { text += ", as of \(SpokenText.instant(side.view.asOf))" }
    if pair.sides.a.view.size != pair.sides.b.view.size {
      text += ", the first \(side.view.size) events"
    }
    return text
  }

  private var headline: String {
    var text =
      "\(comparison.changed) of \(comparison.customers) customers have another history (\(Self.percent(comparison)) %)"
    if comparison.parkedOnly > 0 { text += ", \(comparison.parkedOnly) are parked by one alone" }
    if comparison.segmentsOnly > 0 { text += ", \(comparison.segmentsOnly) other segments only" }
    return text
  }

  private static func signed(_ difference: Int) -> String {
    difference > 0 ? "+\(difference)" : String(difference)
  }

  private var stageLines: [String] {
    var table = TextTable(
      columns: [
        "stage", "a", "b", "difference", "entered", "left", "days under a", "days under b",
      ],
      numeric: [1, 2, 3, 4, 5, 6, 7])
    for stage in comparison.stages {
      table.add([
        stage.name, String(stage.customers.a), String(stage.customers.b),
        Self.signed(stage.customers.b - stage.customers.a), String(stage.entered),
        String(stage.left), days(stage.days.a), days(stage.days.b),
      ])
    }
    return table.lines
  }

  private func days(_ days: Double?) -> String {
    guard let days else { return "-" }
    return String(Int64(days.rounded(.toNearestOrEven)))
  }

  private func amount(_ value: Int64?, _ words: SpokenText) -> String {
    value.map { words.money($0) } ?? "-"
  }

  private var matrixLines: [String] {
    let moved = comparison.matrix.filter { $0.stages.a != $0.stages.b }
    if moved.isEmpty { return [] }
    let hasValue = comparison.value.b != nil
    var table = TextTable(
      columns: ["stage under a", "stage under b", "customers"] + (hasValue ? ["their value"] : []),
      numeric: [2, 3])
    for cell in moved {
      table.add(
        [cell.stages.a ?? "(none)", cell.stages.b ?? "(none)", String(cell.customers)]
          + (hasValue ? [amount(cell.value.b, cells.words.b)] : []))
    }
    return table.lines
  }

  private var segmentLines: [String] {
    if comparison.segments.isEmpty { return [] }
    var table = TextTable(
      columns: ["segment", "a", "b", "difference", "entered", "left"], numeric: [1, 2, 3, 4, 5])
    for segment in comparison.segments {
      table.add([
        segment.name, String(segment.customers.a), String(segment.customers.b),
        Self.signed(segment.customers.b - segment.customers.a), String(segment.entered),
        String(segment.left),
      ])
    }
    return table.lines
  }

  private var valueLines: [String] {
    let (value, moved) = (comparison.value, comparison.moved)
    if value.a == nil && value.b == nil { return [] }
    return [
      "value so far: \(amount(value.a, cells.words.a)) under a, \(amount(value.b, cells.words.b)) under b; \(amount(moved.b, cells.words.b)) of it is of customers who stand in another stage"
    ]
  }

  private var exampleLines: [String] {
    if examples.isEmpty { return [] }
    var lines: [String] = []
    let isCut = comparison.examples.count > Self.shownExamples
    lines.append(
      "one of each kind\(isCut ? ", the first \(Self.shownExamples) of \(comparison.examples.count) kinds" : "") (-o FILE has everybody):"
    )
    for example in examples {
      lines += ["", exampleTitle(example)]
      lines += DifferenceText(example.difference, cells).lines.map { "  \($0)" }
    }
    return lines
  }

  private func exampleTitle(_ example: HistoryComparison.Example) -> String {
    let sides = example.difference.sides
    func stage(_ side: Difference.Side) -> String {
      side.stage ?? (side.isParked ? "(parked)" : "(no customer)")
    }
    let (a, b) = (stage(sides.a), stage(sides.b))
    let now = a == b ? "\(a) under both" : "\(a) under a, \(b) under b"
    let others = example.customers - 1
    let like = others == 0 ? "" : "; \(others) more like this"
    return "\(example.difference.customer): \(now)\(like)"
  }
}
