/// Makes CloudEvents lines of the rows of one CSV file.
///
/// The line is, without blanks, `specversion`, `id`, `source`, `type`, `subject`, `time` (UTC, six decimals) and, unless it is
/// empty, `data`. Without a mapped id it is the first 32 hex digits of SHA-256 over the row's cells, its type, and how often both
/// came together before in the file.
struct CSVEvents {
  private var mapping: CSVMapping
  private let times: CSVTimes
  private var cells = CSVCells()
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
    try take(row, scanner)
    try mapping.resolve(header: cells.all)
    width = cells.count
    awaitsHeader = false
  }

  /// Adds the line of one row, without its end.
  mutating func append(
    _ row: Span<UInt8>, _ scanner: CSVRowScanner, to lines: inout [UInt8]
  ) throws(Rejection) {
    let start = lines.count
    do throws(Rejection) {
      try take(row, scanner)
      try checkWidth()
      try appendEvent(to: &lines)
      let count = lines.count - start
      if count > EventParser.lineBytes {
        throw Rejection(
          "too-long",
          "the event that this row makes has \(count) bytes, more than \(EventParser.lineBytes)")
      }
    } catch {
      lines.removeLast(lines.count - start)
      throw error
    }
  }

  private static let idName = Array("{\"specversion\":\"1.0\",\"id\":".utf8)
  private static let sourceName = Array(",\"source\":".utf8)
  private static let typeName = Array(",\"type\":".utf8)
  private static let subjectName = Array(",\"subject\":".utf8)
  private static let timeName = Array(",\"time\":\"".utf8)
  private static let source = Array("csv".utf8)

  private mutating func appendEvent(to line: inout [UInt8]) throws(Rejection) {
    let type = try attribute(.type)
    line += Self.idName
    if mapping.entry(.id) != nil {
      let id = try attribute(.id)
      JSONWriting.append(id.span, to: &line)
    } else {
      JSONWriting.append(id(type), to: &line)
    }
    line += Self.sourceName
    let source = mapping.entry(.source) == nil ? Self.source[...] : try attribute(.source)
    JSONWriting.append(source.span, to: &line)
    line += Self.typeName
    JSONWriting.append(type.span, to: &line)
    line += Self.subjectName
    let subject = try attribute(.subject)
    JSONWriting.append(subject.span, to: &line)
    line += Self.timeName
    RFC3339.append(try time(), to: &line)
    line.append(UInt8(ascii: "\""))
    try mapping.appendData(cells, to: &line)
    line.append(UInt8(ascii: "}"))
  }

  private mutating func take(_ row: Span<UInt8>, _ scanner: CSVRowScanner) throws(Rejection) {
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
    cells.take(row, scanner)
  }

  /// Takes away empty cells beyond those of the header (without one: of the first row).
  private mutating func checkWidth() throws(Rejection) {
    let isFirst = width == nil
    let expected = width ?? max(cells.count, mapping.columnsNeeded)
    width = expected
    if cells.count == expected { return }
    if cells.count > expected && (expected..<cells.count).allSatisfy({ cells[$0].isEmpty }) {
      return cells.cut(to: expected)
    }
    let measure =
      mapping.header.isEmpty
      ? (isFirst || expected == mapping.columnsNeeded
        ? "column \(expected) is mapped" : "the first row has \(expected)")
      : "the header has \(expected)"
    throw Rejection("cell-count", "the row has \(cells.count) cells, and \(measure)")
  }

  /// A text that every event has.
  private func attribute(
    _ attribute: CSVMapping.Attribute
  ) throws(Rejection) -> ArraySlice<UInt8> {
    guard let entry = mapping.entry(attribute), let value = try mapping.value(entry, cells) else {
      throw missing(attribute)
    }
    if value.count > EventParser.attributeBytes {
      throw Rejection(
        "long-\(attribute)",
        "`\(attribute)`\(mapping.place(of: attribute)) has \(value.count) bytes, more than \(EventParser.attributeBytes)"
      )
    }
    return value
  }

  private func missing(_ attribute: CSVMapping.Attribute) -> Rejection {
    Rejection(
      "missing-\(attribute)",
      "`\(attribute)`\(mapping.place(of: attribute)) is empty in this row")
  }

  private func time() throws(Rejection) -> Int64 {
    guard let entry = mapping.entry(.time), let text = try mapping.value(entry, cells) else {
      throw missing(.time)
    }
    return try times.instant(Array(text))
  }

  private mutating func id(_ type: ArraySlice<UInt8>) -> [UInt8] {
    var content: [UInt8] = []
    func add(_ text: ArraySlice<UInt8>) {
      content.appendLittle(UInt32(text.count))
      content += text
    }
    for number in 0..<cells.count { add(cells[number]) }
    add(type)
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
