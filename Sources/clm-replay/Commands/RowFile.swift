import EventStore
import Glibc

/// Reads rows that ``TableExport`` wrote, those of one customer at a time.
struct RowFile: ~Copyable {
  private let file: CInt
  private let isCSV: Bool
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  private static let blockBytes = 1 << 20

  /// Rows of one customer, each with its line end.
  struct Rows {
    /// The cell with the customer's name, as it stands in the file.
    var cell: [UInt8]
    var rows: [[UInt8]]
  }

  /// - Throws: where it cannot be read.
  init(_ path: String, csv isCSV: Bool) throws(SystemError) {
    file = try Files.open(path, O_RDONLY)
    self.isCSV = isCSV
  }

  deinit { close(file) }

  /// The line of columns of a CSV file, with its end.
  mutating func header() throws(SystemError) -> [UInt8] { try next() ?? [] }

  /// Rows of the next customer; nil at the end.
  mutating func customer() throws(SystemError) -> Rows? {
    guard let first = try next() else { return nil }
    let cell = Self.cell(first, isCSV)
    var rows = [first]
    while let end = try rowEnd(), buffer[start..<end].starts(with: cell) {
      rows.append(Array(buffer[start..<end]))
      start = end
    }
    return Rows(cell: cell, rows: rows)
  }

  private mutating func next() throws(SystemError) -> [UInt8]? {
    guard let end = try rowEnd() else { return nil }
    defer { start = end }
    return Array(buffer[start..<end])
  }

  /// Behind the next row; nil at the end of the file. A line end within quotes of CSV ends no row.
  private mutating func rowEnd() throws(SystemError) -> Int? {
    var isQuoted = false
    var offset = start
    while true {
      while offset < buffer.count {
        let byte = buffer[offset]
        if isCSV && byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        offset += 1
        if byte == 0x0a && !isQuoted { return offset }
      }
      if isAtEnd { return start < buffer.count ? buffer.count : nil }
      let seen = offset - start
      buffer.removeFirst(start)
      start = 0
      offset = seen
      isAtEnd = try Files.read(file, behind: &buffer, atMost: Self.blockBytes) == 0
    }
  }

  /// The first cell of a row, with what ends it.
  private static func cell(_ row: [UInt8], _ isCSV: Bool) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    if isCSV && row.first != quote {
      return Array(row[...(row.firstIndex(of: UInt8(ascii: ",")) ?? row.count - 1)])
    }
    // `{"customer":"` before a value of NDJSON.
    var offset = (isCSV ? 0 : lead.count) + 1
    while offset < row.count {
      if !isCSV && row[offset] == UInt8(ascii: "\\") {
        offset += 1
      } else if row[offset] == quote {
        if !isCSV || offset + 1 >= row.count || row[offset + 1] != quote { break }
        offset += 1
      }
      offset += 1
    }
    return Array(row.prefix(offset + 2))
  }

  private static let lead = Array("{\"customer\":".utf8)

  /// The customer's name that a cell holds, in UTF-8.
  static func name(_ cell: [UInt8], csv isCSV: Bool) -> [UInt8] {
    if !isCSV {
      let text = cell[lead.count..<cell.count - 1]
      let value = try? JSONTree(checking: Array(text).span)
      return Array((value?.text ?? "").utf8)
    }
    guard cell.first == UInt8(ascii: "\"") else { return Array(cell.dropLast()) }
    var name: [UInt8] = []
    var isSecond = false
    for byte in cell.dropFirst().dropLast(2) {
      if byte == UInt8(ascii: "\"") && !isSecond {
        isSecond = true
        continue
      }
      isSecond = false
      name.append(byte)
    }
    return name
  }
}
