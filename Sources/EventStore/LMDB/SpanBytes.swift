import Glibc

extension Array where Element == UInt8 {
  /// The bytes of a span.
  public init(copying bytes: Span<UInt8>) {
    // Safe because the pointer does not leave the call.
    self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }

  /// Adds the bytes of a span in one piece.
  mutating func append(_ bytes: Span<UInt8>) {
    // Safe because the pointer does not leave the call.
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}

extension Span where Element == UInt8 {
  /// True where both hold the same bytes.
  public func isEqual(to other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    // Safe because `memcmp` looks at no more bytes than both have, and not at all where there are none.
    return unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return true }
        return unsafe memcmp(left, right, count) == 0
      }
    }
  }

  /// Eight bytes as a little-endian number; traps where they are not there.
  @inline(__always)
  func word(at offset: Int) -> UInt64 {
    precondition(offset >= 0 && count - offset >= 8, "eight bytes are there")
    // Safe because the eight bytes are there.
    return unsafe withUnsafeBytes {
      unsafe UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
  }

  /// True where the bytes come before those of `other`; a beginning comes before the whole.
  public func isOrdered(before other: Span<UInt8>) -> Bool {
    let common = Swift.min(count, other.count)
    // Safe because `memcmp` looks no further than the shorter span's end, and not at all where that is empty.
    let order: CInt = unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
        return unsafe memcmp(left, right, common)
      }
    }
    return order == 0 ? count < other.count : order < 0
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
