/// Writes rows to a file, as ``RowLines``.
struct RowWriter {
  let file: OutputFile
  private(set) var count = 0
  private var lines: RowLines

  init(format: OutputFormat, columns: [String], file: OutputFile) {
    self.file = file
    lines = RowLines(columns, csv: format == .csv)
  }

  /// What stands before each cell of a row.
  static func leads(_ columns: [String], csv isCSV: Bool) -> [[UInt8]] {
    columns.enumerated().map { index, column in
      if isCSV { return index == 0 ? [] : [UInt8(ascii: ",")] }
      return Array("\(index == 0 ? "{" : ",")\(JSONValue.string(column).text):".utf8)
    }
  }

  mutating func begin() throws { lines.addHeader() }

  mutating func add(_ cells: [JSONValue]) throws {
    count += 1
    lines.add(cells)
    if lines.bytes.count > 1 << 16 { try flush() }
  }

  mutating func end() throws { try flush() }

  private mutating func flush() throws {
    try file.write(lines.bytes)
    lines.bytes.removeAll(keepingCapacity: true)
  }

  /// A text as a cell of CSV, in quotes where it has to be.
  static func appendCell(_ text: String, to buffer: inout [UInt8]) {
    let needsQuotes = text.utf8.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0a || $0 == 0x0d
    }
    if !needsQuotes {
      buffer += text.utf8
      return
    }
    buffer.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") { buffer.append(byte) }
      buffer.append(byte)
    }
    buffer.append(UInt8(ascii: "\""))
  }
}

/// Rows as lines of CSV (RFC 4180, LF, quotes only where needed) or of NDJSON.
struct RowLines {
  private let columns: [String]
  private let isCSV: Bool
  var bytes: [UInt8] = []

  init(_ columns: [String], csv isCSV: Bool) {
    self.columns = columns
    self.isCSV = isCSV
  }

  /// The names of the columns; NDJSON has them in each line.
  mutating func addHeader() {
    if isCSV { add(columns.map { .string($0) }) }
  }

  mutating func add(_ cells: [JSONValue]) {
    guard isCSV else {
      JSONValue.object(Array(zip(columns, cells))).append(to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
      return
    }
    for (index, cell) in cells.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      switch cell {
      case .null: break
      case .string(let text): RowWriter.appendCell(text, to: &bytes)
      case .array(let elements):
        let texts = elements.map { element in
          if case .string(let text) = element { return text }
          return element.text
        }
        RowWriter.appendCell(texts.joined(separator: ";"), to: &bytes)
      default: cell.append(to: &bytes)
      }
    }
    bytes.append(UInt8(ascii: "\n"))
  }
}
