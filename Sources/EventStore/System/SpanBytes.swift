import CProcessor
import Glibc

extension Array where Element == UInt8 {
  /// The bytes of a span.
  package init(copying bytes: Span<UInt8>) {
    // Safe because the pointer does not leave the call.
    self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }

  /// Adds a little-endian number.
  @inline(__always)
  mutating func appendLittle<Number: FixedWidthInteger & BitwiseCopyable>(_ value: Number) {
    // Safe because the pointer does not leave the call.
    unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
  }

  /// Adds the bytes of a span in one piece.
  package mutating func append(_ bytes: Span<UInt8>) {
    // Safe because the pointer does not leave the call.
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}

extension Span where Element == UInt8 {
  /// True where both hold the same bytes.
  package func isEqual(to other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    // Safe because `memcmp` looks at no more bytes than both have, and not at all where there are none.
    return unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return true }
        return unsafe memcmp(left, right, count) == 0
      }
    }
  }

  /// Nothing but blanks and tabs.
  var isBlank: Bool {
    for index in indices where self[index] != 0x20 && self[index] != 0x09 { return false }
    return true
  }

  /// Some bytes of others stand at a place.
  @inline(__always)
  func holds(_ other: Span<UInt8>, _ start: Int, _ length: Int, at offset: Int) -> Bool {
    precondition(
      start >= 0 && length >= 0 && offset >= 0 && length <= other.count &- start,
      "the bytes are there")
    if length > count &- offset { return false }
    // Safe because both have so many bytes from there on.
    return unsafe withUnsafeBufferPointer { bytes in
      unsafe other.withUnsafeBufferPointer { other in
        guard let left = bytes.baseAddress, let right = other.baseAddress else { return true }
        return unsafe processor_is_equal(left + offset, right + start, length) != 0
      }
    }
  }

  /// The first place from `start` on of a quote, a backslash, a control character or a byte beyond ASCII; the end without one.
  @inline(__always)
  func plainEnd(from start: Int) -> Int {
    precondition(start >= 0 && start <= count, "the place is there")
    // Safe because no byte behind the end is looked at.
    return unsafe withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return start }
      return unsafe processor_plain_end(base, start, bytes.count)
    }
  }

  /// Asks for the memory at a place that will be looked at soon; any place is allowed.
  @inline(__always)
  func prefetch(_ offset: Int) {
    // Safe because nothing is read.
    unsafe withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { unsafe processor_prefetch(base + offset) }
    }
  }

  /// Eight bytes as a little-endian number; traps where they are not there.
  @inline(__always)
  func word(at offset: Int) -> UInt64 { number(at: offset) }

  /// A little-endian number; traps where its bytes are not there.
  @inline(__always)
  func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Number {
    let width = Number.bitWidth / 8
    precondition(offset >= 0 && count - offset >= width, "the bytes of the number are there")
    // Safe because the bytes are there.
    return unsafe withUnsafeBytes {
      unsafe Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
  }

  /// Where a number stands last among the first `count` little-endian ones of its width; nil where it does not.
  func lastIndex<Number: FixedWidthInteger & BitwiseCopyable>(
    of wanted: Number, below end: Int
  ) -> Int? {
    let width = Number.bitWidth / 8
    precondition(end >= 0 && end <= count / width, "the bytes of the numbers are there")
    // Safe because all numbers below `end` are there.
    return unsafe withUnsafeBytes { bytes in
      let wanted = wanted.littleEndian
      var end = end
      // In pieces without a way out and without checks, which become vector instructions.
      let piece = 64
      while end >= piece {
        var hits: Number = 0
        var offset = (end &- piece) &* width
        for _ in 0..<piece {
          let number = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: Number.self)
          hits |= number == wanted ? 1 : 0
          offset &+= width
        }
        if hits != 0 { break }
        end -= piece
      }
      while end > 0 {
        end -= 1
        let number = unsafe bytes.loadUnaligned(fromByteOffset: end &* width, as: Number.self)
        if number == wanted { return end }
      }
      return nil
    }
  }

  /// True where the bytes come before those of `other`; a beginning comes before the whole.
  package func isOrdered(before other: Span<UInt8>) -> Bool {
    let common = Swift.min(count, other.count)
    if common >= 8 {
      let (left, right) = (word(at: 0).byteSwapped, other.word(at: 0).byteSwapped)
      if left != right { return left < right }
    }
    // Safe because `memcmp` looks no further than the shorter span's end, and not at all where that is empty.
    let order: CInt = unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
        return unsafe memcmp(left, right, common)
      }
    }
    return order == 0 ? count < other.count : order < 0
  }

  /// The last place of a byte, at `start` or behind it.
  func lastIndex(of byte: UInt8, from start: Int) -> Int? {
    var index = count
    while index > start {
      index -= 1
      if self[index] == byte { return index }
    }
    return nil
  }

  /// The first place of a byte, from `start` on.
  func firstIndex(of byte: UInt8, from start: Int) -> Int? {
    guard start < count else { return nil }
    // Safe because `memchr` looks no further than the span's end.
    return unsafe withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress,
        let found = unsafe memchr(base + start, CInt(byte), bytes.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }
}

extension MutableSpan where Element == UInt8 {
  /// Writes a number in little-endian; traps where there is no room.
  @inline(__always)
  mutating func put<Number: FixedWidthInteger & BitwiseCopyable>(_ value: Number, at offset: Int) {
    let width = Number.bitWidth / 8
    precondition(offset >= 0 && count - offset >= width, "there is room for the number")
    // Safe because there is room.
    unsafe withUnsafeMutableBytes {
      unsafe $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Number.self)
    }
  }

  /// Writes bytes; traps where there is no room.
  @inline(__always)
  mutating func put(_ bytes: Span<UInt8>, at offset: Int) {
    precondition(offset >= 0 && count - offset >= bytes.count, "there is room for the bytes")
    // Safe because there is room, and a span that may be changed overlaps no other.
    unsafe withUnsafeMutableBytes { room in
      unsafe bytes.withUnsafeBytes { bytes in
        guard let base = room.baseAddress, let from = bytes.baseAddress else { return }
        unsafe memcpy(base + offset, from, bytes.count)
      }
    }
  }
}
