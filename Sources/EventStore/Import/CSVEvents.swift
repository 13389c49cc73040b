/// Makes CloudEvents lines of the rows of one CSV file.
///
/// The line is, without blanks, `specversion`, `id`, `source`, `type`, `subject`, `time` (UTC, six decimals) and, unless it is
/// empty, `data`. Without a mapped id it is the first 32 hex digits of SHA-256 over the row's cells, its type, and how often both
/// came together before in the file.
struct CSVEvents {
  private var mapping: CSVMapping
  private let times: CSVTimes
  private var occurrences: [RowKey: UInt32] = [:]
  /// The next row is the header.
  private(set) var awaitsHeader: Bool
  /// How many cells a row has; nil until the first row.
  private var width: Int?

  init(_ options: CSVOptions) {
    mapping = options.mapping
    times = options.times
    awaitsHeader = options.hasHeader
  }

  /// - Throws: ``Rejection`` where the row is none, ``CSVMapping/Fault`` where the mapping does not fit it.
  mutating func takeHeader(_ row: Span<UInt8>, _ scanner: CSVRowScanner) throws {
    let cells = try Self.cells(row, scanner)
    try mapping.resolve(header: cells)
    width = cells.count
    awaitsHeader = false
  }

  /// The line of one row.
  mutating func line(
    _ row: Span<UInt8>, _ scanner: CSVRowScanner
  ) throws(Rejection) -> [UInt8] {
    let cells = try checkedWidth(try Self.cells(row, scanner))
    let type = try attribute("type", cells)
    var line = Array("{\"specversion\":\"1.0\",\"id\":".utf8)
    JSONWriting.append(try id(cells, type), to: &line)
    line += ",\"source\":".utf8
    let source = mapping.entry("source") == nil ? Array("csv".utf8) : try attribute("source", cells)
    JSONWriting.append(source, to: &line)
    line += ",\"type\":".utf8
    JSONWriting.append(type, to: &line)
    line += ",\"subject\":".utf8
    JSONWriting.append(try attribute("subject", cells), to: &line)
    line += ",\"time\":\"".utf8
    RFC3339.append(try time(cells), to: &line)
    line.append(UInt8(ascii: "\""))
    if let data = try mapping.data(cells) {
      line += ",\"data\":".utf8
      line += data
    }
    line.append(UInt8(ascii: "}"))
    if line.count > EventParser.lineBytes {
      throw Rejection(
        "too-long",
        "the event that this row makes has \(line.count) bytes, more than \(EventParser.lineBytes)")
    }
    return line
  }

  private static func cells(
    _ row: Span<UInt8>, _ scanner: CSVRowScanner
  ) throws(Rejection) -> [[UInt8]] {
    if row.count > EventParser.lineBytes {
      throw Rejection(
        "too-long", "the row has \(row.count) bytes, more than \(EventParser.lineBytes)")
    }
    if let fault = scanner.fault {
      let place =
        "cell \(fault.cell)" + (fault.line > 1 ? ", in line \(fault.line) of the row," : "")
      switch fault.kind {
      case .openQuote:
        throw Rejection("open-quote", "\(place) begins with a quote and never ends")
      case .textBehindQuote:
        throw Rejection(
          "text-behind-quote",
          "\(place) begins with a quote, and there is text behind the one that ends it; a quote within quotes is doubled"
        )
      }
    }
    var cells: [[UInt8]] = []
    cells.reserveCapacity(scanner.cells.count)
    for cell in scanner.cells { cells.append(CSVRowScanner.content(cell, of: row)) }
    return cells
  }

  /// The cells, less empty ones beyond those of the header (without one: of the first row).
  private mutating func checkedWidth(_ cells: [[UInt8]]) throws(Rejection) -> [[UInt8]] {
    let isFirst = width == nil
    let expected = width ?? max(cells.count, mapping.columnsNeeded)
    width = expected
    if cells.count == expected { return cells }
    if cells.count > expected && cells[expected...].allSatisfy(\.isEmpty) {
      return Array(cells[..<expected])
    }
    let measure =
      mapping.header.isEmpty
      ? (isFirst || expected == mapping.columnsNeeded
        ? "column \(expected) is mapped" : "the first row has \(expected)")
      : "the header has \(expected)"
    throw Rejection("cell-count", "the row has \(cells.count) cells, and \(measure)")
  }

  /// A text that every event has.
  private func attribute(_ name: String, _ cells: [[UInt8]]) throws(Rejection) -> [UInt8] {
    guard let entry = mapping.entry(name), let value = try mapping.value(entry, cells) else {
      throw Rejection("missing-\(name)", "`\(name)`\(mapping.place(of: name)) is empty in this row")
    }
    if value.count > EventParser.attributeBytes {
      throw Rejection(
        "long-\(name)",
        "`\(name)`\(mapping.place(of: name)) has \(value.count) bytes, more than \(EventParser.attributeBytes)"
      )
    }
    return value
  }

  private func time(_ cells: [[UInt8]]) throws(Rejection) -> Int64 {
    guard let entry = mapping.entry("time"), let text = try mapping.value(entry, cells) else {
      throw Rejection("missing-time", "`time`\(mapping.place(of: "time")) is empty in this row")
    }
    return try times.instant(text)
  }

  private mutating func id(_ cells: [[UInt8]], _ type: [UInt8]) throws(Rejection) -> [UInt8] {
    if mapping.entry("id") != nil { return try attribute("id", cells) }
    var content: [UInt8] = []
    for cell in cells + [type] {
      content.appendLittle(UInt32(cell.count))
      content += cell
    }
    let key = RowKey(SHA256Bytes.hash(content.span))
    let number = occurrences[key, default: 0]
    occurrences[key] = number + 1
    content.appendLittle(number)
    return Array(Hex.text(Array(SHA256Bytes.hash(content.span).prefix(16))).utf8)
  }
}

/// The first 16 bytes of a hash, small enough to keep one for each row.
struct RowKey: Hashable, Sendable {
  private let high: UInt64
  private let low: UInt64

  init(_ hash: [UInt8]) {
    high = hash.span.word(at: 0)
    low = hash.span.word(at: 8)
  }
}

/// How a CSV file is read.
public struct CSVOptions: Sendable {
  var mapping: CSVMapping
  var delimiter: CSVRowScanner.Delimiter
  var hasHeader: Bool
  var times: CSVTimes

  /// - Parameter delimiter: `,`, `;`, `|`, `tab` or `whitespace`.
  public init(
    mapping: CSVMapping, delimiter: String, hasHeader: Bool, times: CSVTimes
  ) throws(CSVMapping.Fault) {
    guard let known = CSVRowScanner.Delimiter(delimiter) else {
      throw CSVMapping.Fault(
        message: "`\(delimiter)` is no delimiter: `,`, `;`, `|`, `tab` and `whitespace` are")
    }
    self.mapping = mapping
    self.delimiter = known
    self.hasHeader = hasHeader
    self.times = times
    if !hasHeader { try mapping.checkNumbersOnly() }
  }
}
