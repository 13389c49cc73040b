/// One path of one block: a tag and a value for each row.
///
/// ```
/// count u32 · present u32 · presence u8 (0 all rows, 1 bitmap, 2 list) [ceil(count ÷ 8) bytes | present × row u16]
/// · tags u8 (0 one for all, 1 one each) [1 | present bytes] · values (as columns 1 to 4) · texts u32 × { length u8 · bytes }
/// ```
package struct PayloadColumn: Sendable {
  package private(set) var tags: [UInt8] = []
  package private(set) var values: [Int64] = []
  package private(set) var texts: [[UInt8]] = []
  /// Rows that have a value.
  private(set) var present = 0

  /// Nil where malformed.
  init?(_ bytes: [UInt8]) {
    var reader = ByteReader(bytes.span)
    do throws(ByteReader.Short) {
      let count = Int(try reader.number(UInt32.self))
      let present = Int(try reader.number(UInt32.self))
      self.present = present
      guard count <= BlockColumns.length, present <= count else { return nil }
      guard let rows = try Self.rows(&reader, count, present) else { return nil }
      let areTagsEach = try reader.number(UInt8.self) == 1
      let tagRange = try reader.take(areTagsEach ? present : 1)
      let valueLength = ColumnCoding.headerLength + present * Int(try reader.peek(at: 12))
      let valueRange = try reader.take(valueLength)
      guard
        let packed: [Int64] = ColumnCoding.decode(bytes.span.extracting(valueRange)),
        packed.count == present
      else { return nil }
      for _ in 0..<(try reader.number(UInt32.self)) {
        texts.append(try reader.array(Int(try reader.number(UInt8.self))))
      }
      tags = Array(repeating: PayloadTag.missing, count: count)
      values = Array(repeating: 0, count: count)
      for index in 0..<present {
        let row = Int(rows.isEmpty ? UInt16(index) : rows[index])
        let tag = bytes[tagRange.lowerBound + (areTagsEach ? index : 0)]
        guard row < count, tag < PayloadTag.end else { return nil }
        if tag == PayloadTag.text {
          guard packed[index] >= 0, packed[index] < Int64(texts.count) else { return nil }
        }
        tags[row] = tag
        values[row] = packed[index]
      }
    } catch {
      return nil
    }
  }

  /// The bytes that spell it.
  func encoded() -> [UInt8] {
    var cells = Cells(count: tags.count, present: present)
    for row in tags.indices where tags[row] != PayloadTag.missing {
      cells.add(UInt16(row), tags[row], values[row])
    }
    return Self.encode(cells, texts: texts)
  }

  /// The rows that have a value, in order.
  fileprivate struct Cells {
    let count: Int
    private(set) var rows: [UInt16] = []
    private(set) var tags: [UInt8] = []
    private(set) var values: [Int64] = []

    init(count: Int, present: Int) {
      self.count = count
      rows.reserveCapacity(present)
      tags.reserveCapacity(present)
      values.reserveCapacity(present)
    }

    mutating func add(_ row: UInt16, _ tag: UInt8, _ value: Int64) {
      rows.append(row)
      tags.append(tag)
      values.append(value)
    }
  }

  fileprivate static func encode(_ cells: Cells, texts: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittle(UInt32(cells.count))
    bytes.appendLittle(UInt32(cells.rows.count))
    appendPresence(of: cells.rows, cells.count, to: &bytes)
    if let first = cells.tags.first, cells.tags.allSatisfy({ $0 == first }) {
      bytes.append(0)
      bytes.append(first)
    } else {
      bytes.append(1)
      bytes += cells.tags
    }
    bytes += ColumnCoding.encode(cells.values)
    bytes.appendLittle(UInt32(texts.count))
    for text in texts {
      bytes.append(UInt8(text.count))
      bytes += text
    }
    return bytes
  }

  private static func appendPresence(of rows: [UInt16], _ count: Int, to bytes: inout [UInt8]) {
    if rows.count == count {
      bytes.append(0)
    } else if rows.count * 2 < (count + 7) / 8 {
      bytes.append(2)
      for row in rows { bytes.appendLittle(row) }
    } else {
      bytes.append(1)
      var bitmap = Array(repeating: UInt8(0), count: (count + 7) / 8)
      for row in rows { bitmap[Int(row) / 8] |= 1 << UInt8(row % 8) }
      bytes += bitmap
    }
  }

  /// Empty for all rows.
  private static func rows(
    _ reader: inout ByteReader, _ count: Int, _ present: Int
  ) throws(ByteReader.Short) -> [UInt16]? {
    var rows: [UInt16] = []
    switch try reader.number(UInt8.self) {
    case 0:
      return present == count ? [] : nil
    case 1:
      rows.reserveCapacity(present)
      let range = try reader.take((count + 7) / 8)
      for index in range {
        var bits = reader.bytes[index]
        while bits != 0 {
          rows.append(UInt16((index - range.lowerBound) * 8 + bits.trailingZeroBitCount))
          bits &= bits - 1
        }
      }
    case 2:
      for _ in 0..<present { rows.append(try reader.number(UInt16.self)) }
    default: return nil
    }
    return rows.count == present && present > 0 ? rows : nil
  }
}

/// Collects the cells of a block, path by path.
struct PayloadColumnsBuilder: Sendable {
  private var columns: [Column] = []
  private var numbers: [[UInt8]: Int] = [:]
  private var hasLost = false
  /// At most so many paths of a block have a column: those with the most values.
  static let maximumColumns = 32
  fileprivate static let dictionaryLimit = 4096

  fileprivate struct Column: Sendable {
    var path: [UInt8]
    var cells: [Cell] = []
    var dictionary = TextDictionary()
    var hasTexts = false
    /// Too many texts, or one too long.
    var isTooVaried = false

    init(path: [UInt8]) { self.path = path }

    struct Cell: BitwiseCopyable {
      var value: Int64
      /// Number in the dictionary of a text; -1 for what is none, or too long.
      var number: Int32
      var row: UInt16
      var tag: UInt8
    }
  }

  /// The builder's number for an encoded path.
  private mutating func column(_ path: [UInt8]) -> Int {
    if let number = numbers[path] { return number }
    columns.append(Column(path: path))
    numbers[path] = columns.count - 1
    return columns.count - 1
  }

  /// Adds the cells of one event.
  ///
  /// - Parameters:
  ///   - paths: the encoded path of each number that cells have.
  ///   - columnOfPath: what is known of them already, -1 for nothing; kept by the caller for one block and one list of paths.
  mutating func add(
    _ cells: Span<PayloadShredder.Cell>, paths: [[UInt8]], columnOfPath: inout [Int],
    row: Int, _ line: Span<UInt8>
  ) {
    for index in cells.indices {
      let cell = cells[index]
      if cell.path == PayloadShredder.lost {
        // The block is left without payload columns.
        hasLost = true
        continue
      }
      let path = Int(cell.path)
      while columnOfPath.count <= path { columnOfPath.append(-1) }
      if columnOfPath[path] < 0 { columnOfPath[path] = column(paths[path]) }
      add(columnOfPath[path], row: row, tag: cell.tag, value: cell.value, line)
    }
  }

  private mutating func add(
    _ number: Int, row: Int, tag: UInt8, value: Int64, _ line: Span<UInt8>
  ) {
    if tag == PayloadTag.pointer || tag == PayloadShredder.escapedText {
      columns[number].addText(UInt16(row), tag, value, line)
    } else {
      columns[number].cells.append(
        Column.Cell(value: value, number: -1, row: UInt16(row), tag: tag))
    }
  }

  /// Adds the cells of a line.
  mutating func add(
    _ line: Span<UInt8>, row: Int, _ shredder: inout PayloadShredder
  ) throws(JSONFault) {
    // The numbers of paths are the shredder's own; it starts anew before it has to give any up.
    if shredder.paths.count > PayloadShredder.maximumPaths / 2 { shredder = PayloadShredder() }
    var cells: [PayloadShredder.Cell] = []
    var columnOfPath: [Int] = []
    _ = try shredder.read(line, into: &cells)
    add(cells.span, paths: shredder.paths, columnOfPath: &columnOfPath, row: row, line)
  }

  /// The paths that get a column, with the columns, for a block of `count` rows.
  func encoded(count: Int) -> (paths: [[UInt8]], columns: [[UInt8]], isComplete: Bool) {
    if hasLost { return ([], [], false) }
    let ordered = columns.sorted {
      $0.cells.count != $1.cells.count
        ? $0.cells.count > $1.cells.count : $0.path.lexicographicallyPrecedes($1.path)
    }
    let taken = ordered.prefix(Self.maximumColumns)
    return (
      taken.map(\.path), taken.map { $0.encoded(count: count) },
      ordered.count == taken.count
    )
  }
}

extension PayloadColumnsBuilder.Column {
  fileprivate mutating func addText(
    _ row: UInt16, _ tag: UInt8, _ place: Int64, _ line: Span<UInt8>
  ) {
    hasTexts = true
    let start = Int(place >> 20)
    let length = Int(place & 0xf_ffff)
    let isEscaped = tag == PayloadShredder.escapedText
    let isElsewhere = isEscaped || length >= 64
    if length > 255 { isTooVaried = true }
    var number: Int32 = -1
    if !isTooVaried {
      if isEscaped {
        let text = JSONText(start: start, end: start + length, hasEscapes: true).decoded(in: line)
        number = Int32(dictionary.insert(text.span).number)
      } else {
        number = Int32(dictionary.insert(line.extracting(start..<start + length)).number)
      }
      if dictionary.count > PayloadColumnsBuilder.dictionaryLimit { isTooVaried = true }
    }
    cells.append(
      Cell(
        value: isElsewhere ? 0 : Int64(start) << 6 | Int64(length), number: number, row: row,
        tag: isElsewhere ? PayloadTag.elsewhere : PayloadTag.pointer))
  }

  /// A dictionary where it takes less room than pointers of four bytes, or little: a byte an event of the block.
  private func hasDictionary(_ count: Int) -> Bool {
    let width = dictionary.count <= 256 ? 1 : 2
    return hasTexts && !isTooVaried
      && dictionary.byteCount + dictionary.count + width * cells.count <= 4 * cells.count + count
  }

  fileprivate func encoded(count: Int) -> [UInt8] {
    let hasDictionary = hasDictionary(count)
    var stored = PayloadColumn.Cells(count: count, present: cells.count)
    for cell in cells {
      let isNumbered = hasDictionary && cell.number >= 0
      stored.add(
        cell.row, isNumbered ? PayloadTag.text : cell.tag,
        isNumbered ? Int64(cell.number) : cell.value)
    }
    var texts: [[UInt8]] = []
    if hasDictionary {
      for number in 0..<dictionary.count {
        dictionary.withText(number) { texts.append([UInt8](copying: $0)) }
      }
    }
    return PayloadColumn.encode(stored, texts: texts)
  }
}
