extension Array where Element == UInt8 {
  /// A number as a key of LMDB, so that the order of keys is that of numbers.
  package static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    stride(from: value.bitWidth - 8, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: value >> $0)
    }
  }
}

extension Span where Element == UInt8 {
  /// A little-endian number of `width` bytes, at most eight; the caller knows that they are there.
  @inline(__always)
  func little(_ offset: Int, _ width: Int) -> UInt64 {
    switch width {
    case 0: return 0
    case 1: return UInt64(self[offset])
    case 2: return UInt64(number(at: offset) as UInt16)
    case 3: return UInt64(number(at: offset) as UInt16) | UInt64(self[offset + 2]) << 16
    case 8: return number(at: offset)
    default:
      // Two words that overlap, and agree where they do.
      let low: UInt32 = number(at: offset)
      let high: UInt32 = number(at: offset + width - 4)
      return UInt64(low) | UInt64(high) << UInt64(8 * (width - 4))
    }
  }

  /// A whole key as a number.
  var bigEndian: UInt64 {
    var value: UInt64 = 0
    for index in indices { value = value << 8 | UInt64(self[index]) }
    return value
  }
}

/// Reads little-endian numbers one after the other; an end that comes too early is a fault, never a trap.
struct ByteReader: ~Escapable {
  struct Short: Error {}

  let bytes: Span<UInt8>
  private(set) var offset = 0

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(Short) -> Number {
    let width = Number.bitWidth / 8
    guard remaining >= width else { throw Short() }
    var value: Number = 0
    var index = width - 1
    while index >= 0 {
      value = (value << 8) | Number(truncatingIfNeeded: bytes[offset + index])
      index -= 1
    }
    offset += width
    return value
  }

  /// The byte at a distance from here, which stays where it is.
  func peek(at distance: Int) throws(Short) -> UInt8 {
    guard distance < remaining else { throw Short() }
    return bytes[offset + distance]
  }

  mutating func take(_ count: Int) throws(Short) -> Range<Int> {
    guard count >= 0, count <= remaining else { throw Short() }
    defer { offset += count }
    return offset..<offset + count
  }

  mutating func array(_ count: Int) throws(Short) -> [UInt8] {
    let range = try take(count)
    return [UInt8](copying: bytes.extracting(range))
  }
}
