/// Makes CloudEvents lines of rows of one CSV file; on any thread.
///
/// The line is, without blanks, `specversion`, `id`, `source`, `type`, `subject`, `time` (UTC, six decimals) and, unless it is
/// empty, `data`. Without a mapped id it is that of ``DerivedIDs``.
struct CSVLines: Sendable {
  private let mapping: CSVMapping
  private let times: CSVTimes
  /// By entry of the mapping: its column, from 0; ``constant``.
  private let columns: [Int]
  private let isIDMapped: Bool
  /// Nil where members have to be put together row by row.
  private let nesting: CSVNesting?
  private var texts: CSVTexts
  /// By entry: where its constant stands in ``texts``.
  private let constants: [Range<Int>]
  /// What stands before each value.
  private let names: Names
  /// The lines, each with its end.
  private(set) var lines: [UInt8] = []
  private(set) var ids = DerivedIDs()

  private static let constant = -1

  init(_ mapping: CSVMapping, _ times: CSVTimes) {
    self.mapping = mapping
    self.times = times
    var texts: [UInt8] = []
    names = Names(in: &texts)
    nesting = CSVNesting(mapping.members.map(\.path), in: &texts)
    var columns: [Int] = []
    var constants: [Range<Int>] = []
    for entry in mapping.entries {
      let start = texts.count
      switch entry.source {
      case .constant(let bytes):
        texts += bytes
        columns.append(Self.constant)
      case .column(let number): columns.append(number)
      // A header is not there where the input has none; then there are no rows either.
      case .header: columns.append(Int.max)
      }
      constants.append(start..<texts.count)
    }
    self.texts = CSVTexts(constants: texts, hasLengths: mapping.index(.id) == nil)
    self.columns = columns
    self.constants = constants
    isIDMapped = mapping.index(.id) != nil
  }

  /// Bytes that a line has besides those of its row, about.
  var bytesBesideRow: Int { texts.constantsEnd + 160 }

  /// Adds the line of one row.
  mutating func append(
    _ row: Span<UInt8>, _ cells: Span<CSVRowScanner.Cell>
  ) throws(Rejection) {
    let start = lines.count
    let idsBefore = ids.count
    do throws(Rejection) {
      texts.take(row, cells)
      try appendEvent()
      let count = lines.count - start
      if count > EventParser.lineBytes {
        throw Rejection(
          "too-long",
          "the event that this row makes has \(count) bytes, more than \(EventParser.lineBytes)")
      }
    } catch {
      lines.removeLast(lines.count - start)
      ids.cut(to: idsBefore)
      throw error
    }
    lines.append(0x0a)
  }

  /// Puts the ids that are made of their rows into the lines; those of a first occurrence.
  mutating func finish() { ids.fill(&lines) }

  /// The lines, which are the caller's then.
  mutating func takeLines() -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &lines)
    return taken
  }

  // MARK: Values

  /// Where the value of an entry stands in ``texts``; nil where the cell is empty.
  ///
  /// - Throws: `utf8`, with the column.
  private func value(_ entry: Int) throws(Rejection) -> Range<Int>? {
    let column = columns[entry]
    if column == Self.constant { return constants[entry] }
    guard column < texts.cellCount else { return nil }
    let range = texts.cell(column)
    if range.isEmpty { return nil }
    if texts.isUTF8(range) { return range }
    throw Rejection(
      "utf8",
      "\(mapping.describe(column)) is not UTF-8; a file in another encoding has to be converted, as with iconv"
    )
  }

  /// A text that every event has.
  private func attribute(_ attribute: CSVMapping.Attribute) throws(Rejection) -> Range<Int> {
    guard let entry = mapping.index(attribute), let range = try value(entry) else {
      throw missing(attribute)
    }
    if range.count > EventParser.attributeBytes {
      throw Rejection(
        "long-\(attribute)",
        "`\(attribute)`\(mapping.place(of: attribute)) has \(range.count) bytes, more than \(EventParser.attributeBytes)"
      )
    }
    return range
  }

  private func missing(_ attribute: CSVMapping.Attribute) -> Rejection {
    Rejection(
      "missing-\(attribute)",
      "`\(attribute)`\(mapping.place(of: attribute)) is empty in this row")
  }

  // MARK: The line

  /// Where the parts of a line that are the same in all of them stand in the texts.
  private struct Names: Sendable {
    let id: Range<Int>
    let source: Range<Int>
    let type: Range<Int>
    let subject: Range<Int>
    let time: Range<Int>
    let data: Range<Int>
    let end: Range<Int>
    /// The source that is not mapped, and room for an id.
    let csv: Range<Int>
    let room: Range<Int>

    init(in texts: inout [UInt8]) {
      func add(_ text: String) -> Range<Int> {
        let start = texts.count
        texts += text.utf8
        return start..<texts.count
      }
      id = add("{\"specversion\":\"1.0\",\"id\":\"")
      source = add("\",\"source\":\"")
      type = add("\",\"type\":\"")
      subject = add("\",\"subject\":\"")
      time = add("\",\"time\":\"")
      data = add("\",\"data\":")
      end = add("\"}")
      csv = add("csv")
      room = add(String(repeating: "0", count: DerivedIDs.length))
    }
  }

  private mutating func appendEvent() throws(Rejection) {
    let type = try attribute(.type)
    texts.copy(names.id, to: &lines)
    if isIDMapped {
      texts.append(try attribute(.id), to: &lines)
    } else {
      texts.addRow(type, at: lines.count, to: &ids)
      texts.copy(names.room, to: &lines)
    }
    texts.copy(names.source, to: &lines)
    if mapping.index(.source) == nil {
      texts.copy(names.csv, to: &lines)
    } else {
      texts.append(try attribute(.source), to: &lines)
    }
    texts.copy(names.type, to: &lines)
    texts.append(type, to: &lines)
    texts.copy(names.subject, to: &lines)
    texts.append(try attribute(.subject), to: &lines)
    texts.copy(names.time, to: &lines)
    guard let entry = mapping.index(.time), let time = try value(entry) else {
      throw missing(.time)
    }
    let instant = try texts.instant(time, times)
    RFC3339.append(instant, to: &lines)
    try appendData()
  }

  /// Adds the member `data`, its members in the order of the mapping; dotted names make objects. Values are strings, and an empty
  /// cell leaves its member out; nothing is added where nothing is left.
  private mutating func appendData() throws(Rejection) {
    guard let nesting else { return try appendNested() }
    var before: Int?
    for index in mapping.members.indices {
      guard let range = try value(mapping.members[index].entry) else { continue }
      let shared: Int
      if let before {
        shared = nesting.shared(before, index)
        for _ in shared..<nesting.depth(before) { lines.append(UInt8(ascii: "}")) }
        lines.append(UInt8(ascii: ","))
      } else {
        texts.copy(names.data, to: &lines)
        lines.append(UInt8(ascii: "{"))
        shared = 0
      }
      texts.copy(nesting.opening(index, from: shared), to: &lines)
      texts.append(range, to: &lines)
      lines.append(UInt8(ascii: "\""))
      before = index
    }
    guard let before else { return texts.copy(names.end, to: &lines) }
    for _ in 0..<nesting.depth(before) + 2 { lines.append(UInt8(ascii: "}")) }
  }

  private mutating func appendNested() throws(Rejection) {
    var root = CSVMember(name: "", value: nil, members: [])
    for member in mapping.members {
      guard let range = try value(member.entry) else { continue }
      root.insert(member.path[...], texts.bytes(range))
    }
    if root.members.isEmpty {
      texts.copy(names.end, to: &lines)
      return
    }
    texts.copy(names.data, to: &lines)
    root.append(to: &lines)
    lines.append(UInt8(ascii: "}"))
  }
}

/// What the values of a row stand in: constants, then the contents of its cells.
private struct CSVTexts: Sendable {
  private var bytes: [UInt8]
  let constantsEnd: Int
  private var ends: [Int] = []
  /// Each cell stands behind its length, u32, as ids are made of it.
  private let hasLengths: Bool
  /// The row has nothing beyond ASCII.
  private var isASCII = true

  init(constants: [UInt8], hasLengths: Bool) {
    bytes = constants
    self.hasLengths = hasLengths
    constantsEnd = constants.count
  }

  var cellCount: Int { ends.count }

  func cell(_ number: Int) -> Range<Int> {
    (number == 0 ? constantsEnd : ends[number - 1]) + (hasLengths ? 4 : 0)..<ends[number]
  }

  /// Takes the cells of a row in the place of those that were there.
  mutating func take(_ row: Span<UInt8>, _ cells: Span<CSVRowScanner.Cell>) {
    bytes.removeLast(bytes.count - constantsEnd)
    ends.removeAll(keepingCapacity: true)
    isASCII = row.isASCII
    for index in cells.indices {
      let cell = cells[index]
      if cell.hasDoubledQuotes {
        let content = CSVRowScanner.content(cell, of: row)
        if hasLengths { bytes.appendLittle(UInt32(content.count)) }
        bytes += content
      } else {
        if hasLengths { bytes.appendLittle(UInt32(cell.range.count)) }
        bytes.append(row.extracting(cell.range))
      }
      ends.append(bytes.count)
    }
  }

  func isUTF8(_ range: Range<Int>) -> Bool {
    isASCII || bytes.span.extracting(range).isASCII || bytes(range).isUTF8
  }

  func bytes(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }

  /// Adds a text as what stands between quotes in JSON.
  func append(_ range: Range<Int>, to lines: inout [UInt8]) {
    JSONWriting.appendContent(bytes.span.extracting(range), to: &lines)
  }

  /// Adds some bytes as they are.
  func copy(_ range: Range<Int>, to lines: inout [UInt8]) {
    lines.append(bytes.span.extracting(range))
  }

  /// Adds what a row's id is made of: its cells and its type.
  func addRow(_ type: Range<Int>, at place: Int, to ids: inout DerivedIDs) {
    ids.add(
      at: place, bytes.span.extracting(constantsEnd..<bytes.count),
      type: bytes.span.extracting(type))
  }

  func instant(_ range: Range<Int>, _ times: CSVTimes) throws(Rejection) -> Int64 {
    try times.instant(bytes.span.extracting(range))
  }
}
