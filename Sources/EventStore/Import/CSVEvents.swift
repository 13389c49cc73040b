/// Takes the rows of one CSV file in order: its header, and how many cells each has.
struct CSVEvents {
  private var mapping: CSVMapping
  private let times: CSVTimes
  /// The next row is the header.
  private(set) var awaitsHeader: Bool
  /// How many cells a row has; nil until the first row.
  private var width: Int?

  init(_ options: CSVOptions) {
    mapping = options.mapping
    times = options.times
    awaitsHeader = options.hasHeader
  }

  /// What makes lines of its rows, once the header is known.
  var lines: CSVLines { CSVLines(mapping, times) }

  /// - Throws: ``Rejection`` where the row is none, ``CSVMapping/Fault`` where the mapping does not fit it.
  mutating func takeHeader(_ row: Span<UInt8>, _ scanner: CSVRowScanner) throws {
    try Self.check(row, scanner)
    try mapping.resolve(header: scanner.cells.map { CSVRowScanner.content($0, of: row) })
    width = scanner.cells.count
    awaitsHeader = false
  }

  /// How many cells of a row count: without empty ones beyond those of the header (without one: of the first row).
  mutating func take(_ row: Span<UInt8>, _ scanner: CSVRowScanner) throws(Rejection) -> Int {
    try Self.check(row, scanner)
    let cells = scanner.cells
    let isFirst = width == nil
    let expected = width ?? max(cells.count, mapping.columnsNeeded)
    width = expected
    if cells.count == expected { return expected }
    if cells.count > expected && cells[expected...].allSatisfy({ $0.range.isEmpty }) {
      return expected
    }
    let measure =
      mapping.header.isEmpty
      ? (isFirst || expected == mapping.columnsNeeded
        ? "column \(expected) is mapped" : "the first row has \(expected)")
      : "the header has \(expected)"
    throw Rejection("cell-count", "the row has \(cells.count) cells, and \(measure)")
  }

  private static func check(_ row: Span<UInt8>, _ scanner: CSVRowScanner) throws(Rejection) {
    if row.count > EventParser.lineBytes {
      throw Rejection(
        "too-long", "the row has \(row.count) bytes, more than \(EventParser.lineBytes)")
    }
    guard let fault = scanner.fault else { return }
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
}

/// How a CSV file is read.
public struct CSVOptions: Sendable {
  var mapping: CSVMapping
  var delimiter: CSVRowScanner.Delimiter
  var hasHeader: Bool
  var times: CSVTimes

  /// - Parameters:
  ///   - mapping: which column is what.
  ///   - delimiter: `,`, `;`, `|`, `tab` or `whitespace`.
  ///   - hasHeader: the first line names the columns.
  ///   - times: how times are spelled.
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
