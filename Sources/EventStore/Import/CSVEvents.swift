/// Makes CloudEvents lines of the rows of one CSV file.
///
/// The line is, without blanks, `specversion`, `id`, `source`, `type`, `subject`, `time` (UTC, six decimals) and, unless it is
/// empty, `data`. Without a mapped id it is the first 32 hex digits of SHA-256 over the row's cells and how often the same
/// row came before in the file.
struct CSVEvents {
  private let reader: CSVReader
  private var mapping: CSVMapping
  private let timeFormat: TimeFormat?
  private var occurrences: [[UInt8]: UInt32] = [:]
  /// The next row is the header.
  private(set) var awaitsHeader: Bool

  init(_ options: CSVOptions) {
    reader = CSVReader(delimiter: options.delimiter)
    mapping = options.mapping
    timeFormat = options.timeFormat
    awaitsHeader = options.hasHeader
  }

  func hasOddQuotes(_ text: Span<UInt8>) -> Bool { reader.hasOddQuotes(text) }

  mutating func takeHeader(_ row: Span<UInt8>) throws {
    try mapping.resolve(header: try reader.cells(row))
    awaitsHeader = false
  }

  /// The line of one row.
  mutating func line(_ row: Span<UInt8>) throws(Rejection) -> [UInt8] {
    let cells = try reader.cells(row)
    var line = Array("{\"specversion\":\"1.0\",\"id\":".utf8)
    JSONWriting.append(try id(cells), to: &line)
    line += ",\"source\":".utf8
    JSONWriting.append(mapping.value("source", cells) ?? Array("csv".utf8), to: &line)
    for name in ["type", "subject"] {
      guard let value = mapping.value(name, cells) else {
        throw Rejection("missing-\(name)", "`\(name)` is empty in this row")
      }
      line += ",\"\(name)\":".utf8
      JSONWriting.append(value, to: &line)
    }
    guard let time = mapping.value("time", cells) else {
      throw Rejection("missing-time", "`time` is empty in this row")
    }
    guard let instant = self.time(time) else {
      throw Rejection(
        "bad-time",
        "`\(String(decoding: time.prefix(40), as: UTF8.self))` is not a time of a known form")
    }
    line += ",\"time\":\"".utf8
    RFC3339.append(instant, to: &line)
    line.append(UInt8(ascii: "\""))
    let data = mapping.data(cells)
    if data.count > 2 {
      line += ",\"data\":".utf8
      line += data
    }
    line.append(UInt8(ascii: "}"))
    return line
  }

  private mutating func id(_ cells: [[UInt8]]) throws(Rejection) -> [UInt8] {
    if mapping.hasID {
      guard let id = mapping.value("id", cells) else {
        throw Rejection("missing-id", "`id` is empty in this row")
      }
      return id
    }
    var content: [UInt8] = []
    for cell in cells {
      content.appendLittle(UInt32(cell.count))
      content += cell
    }
    let key = Array(SHA256Bytes.hash(content.span).prefix(16))
    let number = occurrences[key, default: 0]
    occurrences[key] = number + 1
    content.appendLittle(number)
    return Array(Hex.text(Array(SHA256Bytes.hash(content.span).prefix(16))).utf8)
  }

  private func time(_ text: [UInt8]) -> Int64? {
    if let timeFormat { return timeFormat.microseconds(text) }
    if let instant = RFC3339.microseconds(text.span) { return instant }
    guard let digits = Self.dateDigits(text) else { return nil }
    return Self.midnight(digits.span)
  }

  /// `YYYY-MM-DD` and `YYYYMMDD` as eight bytes.
  private static func dateDigits(_ text: [UInt8]) -> [UInt8]? {
    if text.count == 8 { return text }
    guard text.count == 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-") else {
      return nil
    }
    return Array(text[0..<4] + text[5..<7] + text[8..<10])
  }

  private static func midnight(_ digits: Span<UInt8>) -> Int64? {
    guard let year = RFC3339.number(digits, 0, 4), let month = RFC3339.number(digits, 4, 2),
      let day = RFC3339.number(digits, 6, 2), year >= 1, (1...12).contains(month), day >= 1,
      day <= RFC3339.days(year, month)
    else { return nil }
    return CivilDate.days(year: year, month: month, day: day) * 86_400_000_000
  }
}

/// How a CSV file is read.
public struct CSVOptions: Sendable {
  public var mapping: CSVMapping
  var delimiter: CSVReader.Delimiter
  public var hasHeader: Bool
  public var timeFormat: TimeFormat?

  /// - Parameter delimiter: `,`, `;`, `|`, `tab` or `whitespace`.
  public init(
    mapping: CSVMapping, delimiter: String, hasHeader: Bool, timeFormat: TimeFormat?
  ) throws(CSVMapping.Fault) {
    guard let known = CSVReader.Delimiter(delimiter) else {
      throw CSVMapping.Fault(
        message: "`\(delimiter)` is no delimiter: `,`, `;`, `|`, `tab` and `whitespace` are")
    }
    self.mapping = mapping
    self.delimiter = known
    self.hasHeader = hasHeader
    self.timeFormat = timeFormat
    if !hasHeader { try mapping.checkNumbersOnly() }
  }
}
