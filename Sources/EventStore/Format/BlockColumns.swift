/// The base columns of one block of 16,384 events, or of the open block so far.
package struct BlockColumns: Sendable {
  /// Whose rows they are.
  package let number: BlockNumber
  /// Dense number of each event's subject.
  package internal(set) var subjects: [UInt32] = []
  /// Number of each event's raw type.
  package internal(set) var types: [UInt16] = []
  /// Microseconds since 1970-01-01T00:00:00Z.
  package internal(set) var occurred: [Int64] = []
  /// SipHash-2-4 of (source, id) under the store's key.
  package internal(set) var idHashes: [UInt64] = []
  /// Names of subjects that first appear in this block, in the order of their numbers.
  var newNames: [[UInt8]] = []

  /// Events of a full block.
  package static let length = 16_384
  /// What the columns say of an erased event: nobody's, and later than any as-of. Its type is number 0.
  static let erasedSubject = UInt32.max
  static let erasedOccurred = Int64.max

  init(_ number: BlockNumber) { self.number = number }

  /// Position of the first row.
  package var firstPosition: UInt64 { number.first }

  package var count: Int { subjects.count }

  /// The event was erased: nothing but the hash of its id is known of it.
  @inline(__always)
  package func isErased(_ row: Int) -> Bool { subjects[row] == Self.erasedSubject }

  /// Whether all subjects of the first `rows` that were not erased are below a number.
  func names(below limit: UInt32, rows: Int) -> Bool {
    // The number of the erased becomes 0.
    subjects[..<rows].allSatisfy { $0 &+ 1 <= limit }
  }

  /// The times of events that were not erased.
  func times(from row: Int = 0) -> (earliest: Int64, latest: Int64)? {
    var times: (earliest: Int64, latest: Int64)?
    for row in row..<count where !isErased(row) {
      let instant = occurred[row]
      times = (min(times?.earliest ?? instant, instant), max(times?.latest ?? instant, instant))
    }
    return times
  }

  /// Nothing but the hash of the id stays of an event.
  mutating func erase(_ row: Int) {
    subjects[row] = Self.erasedSubject
    types[row] = 0
    occurred[row] = Self.erasedOccurred
  }

  /// Some rows as they stand in a chunk of the open block.
  func chunkRows(_ rows: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    for row in rows {
      bytes.appendLittle(subjects[row])
      bytes.appendLittle(types[row])
      bytes.appendLittle(occurred[row])
      bytes.appendLittle(idHashes[row])
    }
    return bytes
  }

  mutating func append(_ other: BlockColumns, rows: Int) {
    subjects += other.subjects.prefix(rows)
    types += other.types.prefix(rows)
    occurred += other.occurred.prefix(rows)
    idHashes += other.idHashes.prefix(rows)
    newNames += other.newNames
  }
}

/// The columns of table `col` by number (docs/format.md, "col").
struct ColumnNumber: Sendable {
  let rawValue: UInt16

  static let directory = ColumnNumber(rawValue: 0)
  static let subjects = ColumnNumber(rawValue: 1)
  static let types = ColumnNumber(rawValue: 2)
  static let occurred = ColumnNumber(rawValue: 3)
  static let idHashes = ColumnNumber(rawValue: 4)
  static let newNames = ColumnNumber(rawValue: 5)
  static let ids = ColumnNumber(rawValue: 6)

  /// The column of path n of the block's directory.
  static func payload(_ path: Int) -> ColumnNumber {
    ColumnNumber(rawValue: UInt16(16 + path))
  }
}

/// A column of numbers as it is stored, to be searched in place.
struct PackedColumn {
  let count: Int
  private let base: Int64
  private let width: Int

  /// Nil where malformed.
  init?(_ bytes: Span<UInt8>) {
    guard bytes.count >= ColumnCoding.headerLength else { return nil }
    count = Int(bytes.little(0, 4))
    base = Int64(bitPattern: bytes.little(4, 8))
    width = Int(bytes[12])
    guard [0, 1, 2, 4, 8].contains(width), count <= BlockColumns.length,
      bytes.count == ColumnCoding.headerLength + count * width
    else { return nil }
  }

  /// The value of a row; nil where there is no such row.
  func value(of row: Int, in bytes: Span<UInt8>) -> Int64? {
    guard row >= 0, row < count else { return nil }
    let difference = bytes.little(ColumnCoding.headerLength + row * width, width)
    return base &+ Int64(bitPattern: difference)
  }

  /// The last row with a value among the first `rows`; nil where none has it.
  func lastRow(of value: Int64, below rows: Int, in bytes: Span<UInt8>) -> Int? {
    let rows = min(rows, count)
    let difference = UInt64(bitPattern: value &- base)
    let values = bytes.extracting(ColumnCoding.headerLength..<bytes.count)
    switch width {
    case 0: return difference == 0 && rows > 0 ? rows - 1 : nil
    case 1: return UInt8(exactly: difference).flatMap { values.lastIndex(of: $0, below: rows) }
    case 2: return UInt16(exactly: difference).flatMap { values.lastIndex(of: $0, below: rows) }
    case 4: return UInt32(exactly: difference).flatMap { values.lastIndex(of: $0, below: rows) }
    default: return values.lastIndex(of: difference, below: rows)
    }
  }
}

/// Frame of reference: the least value, the width of a difference (0, 1, 2, 4 or 8 bytes), the differences.
enum ColumnCoding {
  /// Of count, base and width.
  static let headerLength = 13

  /// count u32 · base i64 · width u8 · count × difference
  static func encode<Number: FixedWidthInteger & BitwiseCopyable>(_ values: [Number]) -> [UInt8] {
    let numbers = values.span
    var least = Int64.max
    var most = Int64.min
    for index in numbers.indices {
      let value = Int64(truncatingIfNeeded: numbers[index])
      least = min(least, value)
      most = max(most, value)
    }
    let base = values.isEmpty ? 0 : least
    let spread = values.isEmpty ? 0 : UInt64(bitPattern: most &- least)
    // A width that is known when this is compiled makes each loop several times faster.
    if spread == 0 { return encode(numbers, base, width: 0) }
    if spread < 1 << 8 { return encode(numbers, base, width: 1) }
    if spread < 1 << 16 { return encode(numbers, base, width: 2) }
    if spread < 1 << 32 { return encode(numbers, base, width: 4) }
    return encode(numbers, base, width: 8)
  }

  @inline(__always)
  private static func encode<Number: FixedWidthInteger & BitwiseCopyable>(
    _ values: Span<Number>, _ base: Int64, width: Int
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: headerLength + values.count * width)
    var room = bytes.mutableSpan
    room.put(UInt32(values.count), at: 0)
    room.put(base, at: 4)
    room[12] = UInt8(width)
    if width == 0 { return bytes }
    for index in values.indices {
      let difference = UInt64(bitPattern: Int64(truncatingIfNeeded: values[index]) &- base)
      let place = headerLength + index * width
      switch width {
      case 1: room[place] = UInt8(truncatingIfNeeded: difference)
      case 2: room.put(UInt16(truncatingIfNeeded: difference), at: place)
      case 4: room.put(UInt32(truncatingIfNeeded: difference), at: place)
      default: room.put(difference, at: place)
      }
    }
    return bytes
  }

  /// Nil where malformed; values beyond the range of `Number` lose their high bits.
  static func decode<Number: FixedWidthInteger>(_ bytes: Span<UInt8>) -> [Number]? {
    guard bytes.count >= headerLength else { return nil }
    let count = Int(bytes.little(0, 4))
    let base = Int64(bitPattern: bytes.little(4, 8))
    let width = Int(bytes[12])
    guard width <= 8, count <= BlockColumns.length, bytes.count == headerLength + count * width
    else {
      return nil
    }
    // A width that is known when this is compiled makes each loop several times faster.
    switch width {
    case 0: return Array(repeating: Number(truncatingIfNeeded: base), count: count)
    case 1: return decode(bytes, base, count, width: 1)
    case 2: return decode(bytes, base, count, width: 2)
    case 4: return decode(bytes, base, count, width: 4)
    default: return decode(bytes, base, count, width: width)
    }
  }

  @inline(__always)
  private static func decode<Number: FixedWidthInteger>(
    _ bytes: Span<UInt8>, _ base: Int64, _ count: Int, width: Int
  ) -> [Number] {
    [Number](capacity: count) { values in
      for index in 0..<count {
        let difference = Int64(bitPattern: bytes.little(headerLength + index * width, width))
        values.append(Number(truncatingIfNeeded: base &+ difference))
      }
    }
  }
}
