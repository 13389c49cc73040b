import Projections

/// A table of a projection, read by the names of its columns: what a report draws is what the tables' own commands print.
struct ReadTable {
  let table: Metrics.Table
  private let places: [String: Int]
  private let cells: TableCells

  init(_ table: Metrics.Table, _ rules: Rules) {
    self.table = table
    cells = TableCells(currencyDigits: ReportWords(rules).digits)
    places = Dictionary(
      table.columns.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  var rows: Range<Int> { table.rows.indices }

  private func cell(_ row: Int, _ column: String) -> Metrics.Cell {
    guard let place = places[column] else { return .unset }
    return table.rows[row][place]
  }

  func count(_ row: Int, _ column: String) -> Int64 {
    if case .count(let count) = cell(row, column) { return count }
    return 0
  }

  func number(_ row: Int, _ column: String) -> Double? {
    switch cell(row, column) {
    case .number(let number): number
    case .count(let count): Double(count)
    default: nil
    }
  }

  func text(_ row: Int, _ column: String) -> String { cells.text(cell(row, column)) }

  /// Columns that hold shares of 1, which people read as percentages.
  private static let shares: Set<String> = [
    "share", "conversion", "drop_off", "churn_rate", "retention",
  ]

  /// The table of a page: some columns of some rows.
  ///
  /// - Parameter command: prints all rows.
  func page(
    _ caption: String, _ columns: [String], rows: [Int], all command: String
  ) -> ReportTable {
    let texts = rows.map { row in
      columns.map { column -> String in
        if Self.shares.contains(column), let share = number(row, column) {
          return ReportWords.percent(share)
        }
        if case .count(let count) = cell(row, column) { return Numbers.grouped(count) }
        return text(row, column)
      }
    }
    let numeric = columns.indices.filter { column in
      table.rows.contains { row in
        guard let place = places[columns[column]] else { return false }
        switch row[place] {
        case .count, .number, .money: return true
        default: return false
        }
      }
    }
    return ReportTable(
      caption,
      columns: columns.map { name in
        name.split(separator: "_").joined(separator: " ")
          + (Self.shares.contains(name) ? ", %" : "")
      }, numbers: Set(numeric), rows: texts, all: command)
  }
}
