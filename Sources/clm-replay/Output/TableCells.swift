import EventStore
import Projections

/// Tables of a projection in the forms of the command line.
struct TableCells {
  let currencyDigits: Int

  func json(_ cell: Metrics.Cell) -> JSONValue {
    switch cell {
    case .unset: .null
    case .text(let text): .string(text)
    case .count(let count): .count(count)
    // JSON has no word for what is no number.
    case .number(let number): number.isFinite ? .number(Numbers.double(number)) : .null
    case .money(let minor): .string(Numbers.money(minor, digits: currencyDigits))
    case .instant(let instant): .string(RFC3339.text(instant))
    }
  }

  func rows(_ table: Metrics.Table) -> JSONValue {
    .array(table.rows.map { .object(Array(zip(table.columns, $0.map(json)))) })
  }

  /// For people: numbers with four digits.
  func text(_ cell: Metrics.Cell, unset: String = "") -> String {
    if case .number(let number) = cell, number.isFinite { return Numbers.short(number) }
    switch json(cell) {
    case .null: return unset
    case .string(let text): return text
    case let other: return other.text
    }
  }

  /// For people: numbers with four digits, to the right.
  ///
  /// - Parameter unset: what stands for a cell without a value.
  func lines(_ table: Metrics.Table, unset: String = "") -> [String] {
    let numeric = table.columns.indices.filter { column in
      table.rows.contains { row in
        switch row[column] {
        case .count, .number, .money: true
        default: false
        }
      }
    }
    var shown = TextTable(columns: table.columns, numeric: Set(numeric))
    for row in table.rows { shown.add(row.map { text($0, unset: unset) }) }
    return shown.lines
  }

  func write(_ table: Metrics.Table, as format: OutputFormat, to file: OutputFile) throws {
    var writer = RowWriter(format: format, columns: table.columns, file: file)
    try writer.begin()
    for row in table.rows { try writer.add(row.map(json)) }
    try writer.end()
  }
}
