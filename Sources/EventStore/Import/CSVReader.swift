/// Splits one row of CSV into cells (RFC 4180: quotes, doubled quotes within them).
struct CSVReader: Sendable {
  enum Delimiter: Sendable, Equatable {
    case byte(UInt8)
    /// Runs of blanks; leading ones are skipped.
    case whitespace

    /// `,`, `;`, `tab` or `whitespace`.
    init?(_ text: String) {
      switch text {
      case ",": self = .byte(UInt8(ascii: ","))
      case ";": self = .byte(UInt8(ascii: ";"))
      case "|": self = .byte(UInt8(ascii: "|"))
      case "tab": self = .byte(0x09)
      case "whitespace": self = .whitespace
      default: return nil
      }
    }
  }

  var delimiter: Delimiter

  /// True where a line opens or closes a quoted cell that goes on in another one.
  func hasOddQuotes(_ text: Span<UInt8>) -> Bool {
    if delimiter == .whitespace { return false }
    var quotes = 0
    for index in text.indices where text[index] == UInt8(ascii: "\"") { quotes += 1 }
    return quotes % 2 == 1
  }

  func cells(_ row: Span<UInt8>) throws(Rejection) -> [[UInt8]] {
    guard case .byte(let separator) = delimiter else { return words(row) }
    var cells: [[UInt8]] = []
    var cell: [UInt8] = []
    var index = 0
    while true {
      if index < row.count, row[index] == UInt8(ascii: "\""), cell.isEmpty {
        index = try quoted(row, index + 1, &cell)
        guard index == row.count || row[index] == separator else {
          throw Rejection("csv", "text behind a quoted cell")
        }
      }
      if index >= row.count || row[index] == separator {
        cells.append(cell)
        cell = []
        if index >= row.count { return cells }
        index += 1
        continue
      }
      if row[index] == UInt8(ascii: "\"") {
        throw Rejection("csv", "a quote within a cell that does not begin with one")
      }
      cell.append(row[index])
      index += 1
    }
  }

  private func quoted(
    _ row: Span<UInt8>, _ start: Int, _ cell: inout [UInt8]
  ) throws(Rejection) -> Int {
    var index = start
    while index < row.count {
      if row[index] == UInt8(ascii: "\"") {
        if index + 1 < row.count, row[index + 1] == UInt8(ascii: "\"") {
          cell.append(UInt8(ascii: "\""))
          index += 2
          continue
        }
        return index + 1
      }
      cell.append(row[index])
      index += 1
    }
    throw Rejection("csv", "a quoted cell does not end")
  }

  private func words(_ row: Span<UInt8>) -> [[UInt8]] {
    var cells: [[UInt8]] = []
    var cell: [UInt8] = []
    for index in row.indices {
      if row[index] == 0x20 || row[index] == 0x09 {
        if !cell.isEmpty { cells.append(cell) }
        cell = []
      } else {
        cell.append(row[index])
      }
    }
    if !cell.isEmpty { cells.append(cell) }
    return cells
  }
}
