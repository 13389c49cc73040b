/// A full block's payload columns, held against the lines that they are made of, cell by cell.
///
/// What is asked of a column is what replays rely on: for each row, what its line has at the path, and nothing where it has
/// nothing. Whether it keeps its texts in a dictionary or points to the lines is the writer's choice.
struct PayloadCheck {
  /// A column that says something else than a line.
  struct Difference: Equatable {
    /// Nil for a path that has no column, though the block's columns are said to be complete.
    var column: Int?
    var row: Int
  }

  /// What is known of a column besides its cells.
  private struct Column {
    /// Rows that have a value, and rows that a line gave one.
    var present: Int
    var met = 0
    /// Its texts among all: where they begin, and how many there are.
    var firstText: Int
    var texts: Int
    /// How many of them were met, each first behind those before it.
    var metTexts = 0
  }

  private let paths: [[UInt8]]
  private let isComplete: Bool
  private let rows: Int
  private var columns: [Column] = []
  /// Of all columns, one behind the other: so that looking at a cell counts no references.
  private var tags: [UInt8] = []
  private var values: [Int64] = []
  private var texts: [UInt8] = []
  private var textEnds = [0]
  /// By number of a path in the lines: its column, ``none`` or, while nobody asked, ``unknown``.
  private var columnOfPath: [Int] = []
  /// The first one of each column, and of those without.
  private(set) var differences: [Difference] = []

  private static let none = -1
  private static let unknown = -2

  /// Nil for a block without payload columns, which is read from its lines.
  ///
  /// - Parameters:
  ///   - rows: of the block.
  ///   - column: gives a column by its number.
  /// - Throws: what is wrong with one that cannot be read.
  init?(_ directory: BlockDirectory, rows: Int, column: (Int) throws -> PayloadColumn) throws {
    if directory.paths.isEmpty && !directory.isComplete { return nil }
    paths = directory.paths
    isComplete = directory.isComplete
    self.rows = rows
    for number in paths.indices {
      let column = try column(number)
      columns.append(
        Column(
          present: column.present, firstText: textEnds.count - 1, texts: column.texts.count))
      for text in column.texts {
        texts += text
        textEnds.append(texts.count)
      }
      if column.tags.count != rows { note(Difference(column: number, row: 0)) }
      let lacking = max(0, rows - column.tags.count)
      tags += column.tags.prefix(rows) + Array(repeating: PayloadTag.missing, count: lacking)
      values += column.values.prefix(rows) + Array(repeating: 0, count: lacking)
    }
  }

  /// Holds a row of each column that a line has cells for against these.
  ///
  /// - Parameter known: the encoded path of each number that cells have; of one list for all lines.
  mutating func check(
    _ cells: Span<PayloadShredder.Cell>, known: [[UInt8]], row: Int, _ line: Span<UInt8>
  ) {
    for index in cells.indices {
      let cell = cells[index]
      let number = cell.path == PayloadShredder.lost ? Self.none : column(Int(cell.path), known)
      if number == Self.none {
        if isComplete { note(Difference(column: nil, row: row)) }
        continue
      }
      columns[number].met += 1
      if row >= rows || !says(number, cell, row: row, line) {
        note(Difference(column: number, row: row))
      }
    }
  }

  /// To be called behind the last line: notes columns with values that no line gave them.
  mutating func finish() {
    for (number, column) in columns.enumerated()
    where column.present != column.met || column.texts != column.metTexts {
      note(Difference(column: number, row: 0))
    }
  }

  private mutating func note(_ difference: Difference) {
    if !differences.contains(where: { $0.column == difference.column }) {
      differences.append(difference)
    }
  }

  @inline(__always)
  private mutating func column(_ path: Int, _ known: [[UInt8]]) -> Int {
    if path < columnOfPath.count, columnOfPath[path] != Self.unknown { return columnOfPath[path] }
    while columnOfPath.count <= path { columnOfPath.append(Self.unknown) }
    columnOfPath[path] = paths.firstIndex(of: known[path]) ?? Self.none
    return columnOfPath[path]
  }

  /// A row of a column says what a line has at the path.
  @inline(__always)
  private mutating func says(
    _ number: Int, _ cell: PayloadShredder.Cell, row: Int, _ line: Span<UInt8>
  ) -> Bool {
    let (tag, value) = (tags[number * rows + row], values[number * rows + row])
    let isEscaped = cell.tag == PayloadShredder.escapedText
    guard isEscaped || cell.tag == PayloadTag.pointer else {
      return tag == cell.tag && value == cell.value
    }
    let place = Int(cell.value >> 20)..<Int(cell.value >> 20) + Int(cell.value & 0xf_ffff)
    switch tag {
    // Whoever reads it reads the line.
    case PayloadTag.elsewhere: return value == 0 && (isEscaped || place.count >= 64)
    case PayloadTag.pointer:
      return !isEscaped && value == Int64(place.lowerBound) << 6 | Int64(place.count)
    case PayloadTag.text:
      let column = columns[number]
      guard value >= 0, value < Int64(column.texts), value <= Int64(column.metTexts) else {
        return false
      }
      columns[number].metTexts = max(column.metTexts, Int(value) + 1)
      let text = column.firstText + Int(value)
      let range = textEnds[text]..<textEnds[text + 1]
      if isEscaped { return isText(range, place, escapedIn: line) }
      return texts.span.extracting(range).isEqual(to: line.extracting(place))
    default: return false
    }
  }

  private func isText(
    _ range: Range<Int>, _ place: Range<Int>, escapedIn line: Span<UInt8>
  ) -> Bool {
    let text = JSONText(start: place.lowerBound, end: place.upperBound, hasEscapes: true)
    return texts.span.extracting(range).isEqual(to: text.decoded(in: line).span)
  }
}
