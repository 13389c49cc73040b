/// A set of positions as ranges, ascending and apart from each other.
///
/// ```
/// ranges u32 × { positions between the range before and this one · length less 1 }    each LEB128
/// ```
public struct PositionRanges: Sendable, Equatable {
  /// Ascending; between two of them lies at least one position.
  public private(set) var ranges: [Range<UInt64>] = []
  /// How many positions there are.
  public private(set) var count: UInt64 = 0

  /// No position.
  public init() {}

  /// Adds positions; they lie behind all others.
  mutating func append(_ positions: Range<UInt64>) {
    count += UInt64(positions.count)
    if let last = ranges.last, last.upperBound == positions.lowerBound {
      ranges[ranges.count - 1] = last.lowerBound..<positions.upperBound
    } else {
      ranges.append(positions)
    }
  }

  /// - Complexity: logarithmic in the number of ranges.
  public func contains(_ position: UInt64) -> Bool { range(of: position) != nil }

  /// The range that a position belongs to; nil where it is in none.
  func range(of position: UInt64) -> Range<UInt64>? {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= position { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(position) ? ranges[low] : nil
  }

  /// The lowest position; nil for none.
  public var first: UInt64? { ranges.first?.lowerBound }

  /// Those of all of some sets.
  static func union(_ sets: [PositionRanges]) -> PositionRanges {
    var union = PositionRanges()
    let all = sets.flatMap(\.ranges).sorted { $0.lowerBound < $1.lowerBound }
    for range in all {
      let start = max(range.lowerBound, union.ranges.last?.upperBound ?? 0)
      if start < range.upperBound { union.append(start..<range.upperBound) }
    }
    return union
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittle(UInt32(ranges.count))
    var end: UInt64 = 0
    for range in ranges {
      bytes.append(number: range.lowerBound - end)
      bytes.append(number: UInt64(range.count) - 1)
      end = range.upperBound
    }
  }

  init(_ reader: inout ByteReader) throws(ByteReader.Short) {
    var end: UInt64 = 0
    for index in 0..<(try reader.number(UInt32.self)) {
      let gap = try reader.leb128()
      let length = try reader.leb128()
      // Positions are below 2^63.
      guard gap > 0 || index == 0, gap < 1 << 61, length < 1 << 61, end < 1 << 61 else {
        throw ByteReader.Short()
      }
      append(end + gap..<end + gap + length + 1)
      end += gap + length + 1
    }
  }
}

extension [UInt8] {
  /// LEB128: seven bits a byte, low ones first.
  fileprivate mutating func append(number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}

extension ByteReader {
  fileprivate mutating func leb128() throws(Short) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 63, by: 7) {
      let byte = try number(UInt8.self)
      value |= UInt64(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return value }
    }
    throw Short()
  }
}
