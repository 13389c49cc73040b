/// Writes rows as CSV (RFC 4180, LF, quotes only where needed) or as NDJSON.
struct RowWriter {
  let format: OutputFormat
  let columns: [String]
  let file: OutputFile
  private(set) var count = 0
  private var buffer: [UInt8] = []

  init(format: OutputFormat, columns: [String], file: OutputFile) {
    self.format = format
    self.columns = columns
    self.file = file
  }

  /// What stands before each cell of a row.
  static func leads(_ columns: [String], csv isCSV: Bool) -> [[UInt8]] {
    columns.enumerated().map { index, column in
      if isCSV { return index == 0 ? [] : [UInt8(ascii: ",")] }
      return Array("\(index == 0 ? "{" : ",")\(JSONValue.string(column).text):".utf8)
    }
  }

  mutating func begin() throws {
    if format == .csv { addLine(columns.map { .string($0) }) }
  }

  mutating func add(_ cells: [JSONValue]) throws {
    count += 1
    if format == .csv {
      addLine(cells)
    } else {
      JSONValue.object(Array(zip(columns, cells))).append(to: &buffer)
      buffer.append(UInt8(ascii: "\n"))
    }
    if buffer.count > 1 << 16 { try flush() }
  }

  mutating func end() throws { try flush() }

  private mutating func flush() throws {
    try file.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private mutating func addLine(_ cells: [JSONValue]) {
    for (index, cell) in cells.enumerated() {
      if index > 0 { buffer.append(UInt8(ascii: ",")) }
      switch cell {
      case .null: break
      case .string(let text): Self.appendCell(text, to: &buffer)
      case .array(let elements):
        let texts = elements.map { element in
          if case .string(let text) = element { return text }
          return element.text
        }
        Self.appendCell(texts.joined(separator: ";"), to: &buffer)
      default: cell.append(to: &buffer)
      }
    }
    buffer.append(UInt8(ascii: "\n"))
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
