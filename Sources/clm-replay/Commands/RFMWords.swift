import CEL
import EventStore
import Projections

/// What `rfm` prints, in each form.
struct RFMWords {
  let view: String
  /// Of the log that was folded.
  let size: UInt64
  let rules: Rules

  private typealias Standing = RFMPopulation.Standing

  private func money(_ minor: Int64?) -> JSONValue {
    .optional(minor.map { Numbers.money($0, digits: rules.currency.digits) })
  }

  private func number(_ value: Double?) -> JSONValue {
    value.map { .number(Numbers.double($0)) } ?? .null
  }

  private static func share(_ part: Int, of whole: Int) -> Double? {
    whole == 0 ? nil : Double(part) / Double(whole)
  }

  // MARK: Rows

  static let segmentColumns = [
    "segment", "customers", "share", "recency_days", "frequency", "monetary", "total",
  ]
  static let matrixColumns = ["from", "to", "customers"]

  func segmentRows(_ population: RFMPopulation) -> [[JSONValue]] {
    let scored = population.scored
    return population.segments.map { standing, group in
      [
        .string(standing.name), .count(group.customers),
        number(Self.share(group.customers, of: scored)), number(group.recencyDays),
        number(group.frequency), money(group.monetary), money(group.total),
      ]
    }
  }

  func matrixRows(_ migration: RFMMigration) -> [[JSONValue]] {
    migration.matrix.map { [.string($0.from.name), .string($0.to.name), .count($0.customers)] }
  }

  /// A row of each customer: at one instant with the measures, at two with the scores of both.
  func write(
    _ population: RFMPopulation, _ migration: RFMMigration?, to path: String, _ form: OutputFormat
  ) throws {
    let file = try OutputFile.open(path)
    let moved = ["from", "from_r", "from_f", "from_m", "to", "to_r", "to_f", "to_m"]
    var writer = RowWriter(
      format: form, columns: migration == nil ? Self.customerColumns : ["customer"] + moved,
      file: file)
    try writer.begin()
    if let migration {
      try migration.forEach {
        try writer.add([name($0.name)] + scores($0.from) + scores($0.to))
      }
    } else {
      for row in customerRows(population) { try writer.add(row) }
    }
    try writer.end()
    try file.close()
  }

  static let customerColumns = [
    "customer", "segment", "r", "f", "m", "last_purchase", "frequency", "monetary",
  ]

  /// A row of each customer, by the bytes of their names.
  func customerRows(_ population: RFMPopulation) -> some Sequence<[JSONValue]> {
    zip(population.names, population.entries).lazy.map { bytes, entry in
      [name(bytes)] + scores(entry) + measures(entry)
    }
  }

  private func name(_ bytes: [UInt8]) -> JSONValue {
    .string(String(decoding: bytes, as: UTF8.self))
  }

  private func scores(_ entry: RFMPopulation.Entry) -> [JSONValue] {
    let scores = entry.scores
    return [
      .string(entry.standing.name), scores.map { .count($0.r) } ?? .null,
      scores.map { .count($0.f) } ?? .null, scores.map { .count($0.m) } ?? .null,
    ]
  }

  private func measures(_ entry: RFMPopulation.Entry) -> [JSONValue] {
    guard entry.standing.isSegment else { return [.null, .null, .null] }
    return [
      .string(RFC3339.text(entry.recency)), .count(entry.frequency), money(entry.monetary),
    ]
  }

  // MARK: JSON

  private func settings() -> [(String, JSONValue)] {
    [
      ("view", .string(view)), ("size", .count(size)),
      ("ties", .string(rules.rfm.ties.rawValue)),
      ("within", .optional(rules.rfm.within.map { Numbers.span($0) })),
    ]
  }

  private func counts(_ population: RFMPopulation) -> [(String, JSONValue)] {
    [
      ("as_of", .string(RFC3339.text(population.asOf))),
      ("customers", .count(population.entries.count)), ("scored", .count(population.scored)),
    ]
      + [Standing.noneWithin, .noPurchase, .parked].map {
        ($0.name, .count(population.count($0)))
      }
  }

  func json(_ population: RFMPopulation) -> JSONValue {
    let scored = population.scored
    let segments = segmentRows(population).map { row in
      JSONValue.object(Array(zip(Self.segmentColumns, row)))
    }
    let grid = population.grid.map { cell in
      JSONValue.object([
        ("r", .count(cell.r)), ("f", .count(cell.f)), ("customers", .count(cell.group.customers)),
        ("share", number(Self.share(cell.group.customers, of: scored))),
        ("monetary", money(cell.group.monetary)),
      ])
    }
    return .object(
      settings() + counts(population) + [("segments", .array(segments)), ("grid", .array(grid))])
  }

  func json(_ migration: RFMMigration) -> JSONValue {
    let matrix = matrixRows(migration).map { row in
      JSONValue.object(Array(zip(Self.matrixColumns, row)))
    }
    return .object(
      settings() + [
        ("from", .object(counts(migration.from))), ("to", .object(counts(migration.to))),
        ("customers", .count(migration.customers)), ("moved", .count(migration.moved)),
        ("moved_between_segments", .count(migration.movedBetweenSegments)),
        ("matrix", .array(matrix)),
      ])
  }

  // MARK: Text

  /// What people call a standing.
  private func label(_ standing: RFMPopulation.Standing) -> String {
    switch standing {
    case .noneWithin: "no purchase within \(rules.rfm.within.map { Numbers.span($0) } ?? "")"
    case .noPurchase: "not yet a buyer"
    case .parked: "parked"
    case .joined: "joined to another customer"
    default: standing.name
    }
  }

  private func head(_ population: RFMPopulation) -> String {
    let others = [Standing.noneWithin, .noPurchase, .parked].compactMap { standing in
      let count = population.count(standing)
      return count == 0 ? nil : "\(count) \(label(standing))"
    }
    let rest = others.isEmpty ? "" : "; \(others.joined(separator: ", "))"
    return "as of \(RFC3339.text(population.asOf)): \(population.scored) buyers scored\(rest)"
  }

  private var rule: String {
    let within = rules.rfm.within.map { ", purchases within \(Numbers.span($0))" } ?? ""
    return
      "view \(view), \(size) events; ties score \(rules.rfm.ties.rawValue)\(within)"
  }

  func text(_ population: RFMPopulation) -> String {
    let scored = population.scored
    var lines = [head(population), ""]
    var table = TextTable(
      columns: ["segment", "customers", "share %", "days ago", "days bought", "money", "total"],
      numeric: [1, 2, 3, 4, 5, 6])
    for (standing, group) in population.segments {
      table.add([
        standing.name, String(group.customers),
        Self.share(group.customers, of: scored).map { Numbers.percent($0 * 100) } ?? "",
        group.recencyDays.map { Numbers.percent($0) } ?? "",
        group.frequency.map { Numbers.percent($0) } ?? "",
        group.monetary.map { Numbers.money($0, digits: rules.currency.digits) } ?? "",
        group.total.map { Numbers.money($0, digits: rules.currency.digits) } ?? "",
      ])
    }
    lines += table.lines + ["", "customers by R (5: bought last) and F (5: most days)", ""]
    var grid = TextTable(
      columns: ["", "F 5", "F 4", "F 3", "F 2", "F 1"], numeric: [1, 2, 3, 4, 5])
    let cells = population.grid
    for row in stride(from: 0, to: cells.count, by: 5) {
      grid.add(["R \(cells[row].r)"] + cells[row..<row + 5].map { String($0.group.customers) })
    }
    lines += grid.lines + ["", "means of each segment, \(rules.currency.code); \(rule)"]
    return lines.joined(separator: "\n") + "\n"
  }

  func text(_ migration: RFMMigration) -> String {
    let matrix = migration.matrix
    let rows = Standing.all.filter { standing in matrix.contains { $0.from == standing } }
    let columns = Standing.all.filter { standing in matrix.contains { $0.to == standing } }
    let known = Standing.all.filter { rows.contains($0) || columns.contains($0) }
    func mark(_ standing: RFMPopulation.Standing) -> String {
      String((known.firstIndex(of: standing) ?? 0) + 1)
    }
    var lines = ["from  \(head(migration.from))", "to    \(head(migration.to))", ""]
    var table = TextTable(
      columns: ["", "from \\ to"] + columns.map(mark) + ["all"],
      numeric: Set([0] + Array(2..<columns.count + 3)))
    for row in known {
      if !rows.contains(row) {
        // It says what its column is.
        table.add([mark(row), label(row)] + columns.map { _ in "" } + [""])
        continue
      }
      let counts = columns.map { column in
        matrix.first { $0.from == row && $0.to == column }?.customers ?? 0
      }
      table.add(
        [mark(row), label(row)] + counts.map { $0 == 0 ? "." : String($0) }
          + [String(counts.reduce(0, +))])
    }
    lines += table.lines
    lines += [
      "",
      "\(migration.moved) of \(migration.customers) customers moved, \(migration.movedBetweenSegments) of them from one segment to another",
      rule,
    ]
    return lines.joined(separator: "\n") + "\n"
  }
}
