/// XXH64 (Yann Collet, xxHash fast digest algorithm), the checksum at the end of every value.
package enum Checksum {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
  /// Bytes that a checksum takes.
  package static let length = 8

  package static func xxh64(_ bytes: Span<UInt8>, seed: UInt64) -> UInt64 {
    // Safe because every load stays below `count`.
    unsafe bytes.withUnsafeBytes { unsafe xxh64($0, seed: seed) }
  }

  private static func xxh64(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    let count = bytes.count
    guard let base = bytes.baseAddress else { return finished(seed &+ prime5) }
    var offset = 0
    var hash: UInt64
    @inline(__always) func load(_ offset: Int) -> UInt64 {
      unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    if count >= 32 {
      var a = seed &+ prime1 &+ prime2
      var b = seed &+ prime2
      var c = seed
      var d = seed &- prime1
      while count &- offset >= 32 {
        a = round(a, load(offset))
        b = round(b, load(offset &+ 8))
        c = round(c, load(offset &+ 16))
        d = round(d, load(offset &+ 24))
        offset &+= 32
      }
      hash = rotated(a, 1) &+ rotated(b, 7) &+ rotated(c, 12) &+ rotated(d, 18)
      hash = merged(hash, a)
      hash = merged(hash, b)
      hash = merged(hash, c)
      hash = merged(hash, d)
    } else {
      hash = seed &+ prime5
    }
    hash = hash &+ UInt64(count)
    while count &- offset >= 8 {
      hash ^= round(0, load(offset))
      hash = rotated(hash, 27) &* prime1 &+ prime4
      offset &+= 8
    }
    if count &- offset >= 4 {
      let word = unsafe UInt32(
        littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      hash ^= UInt64(word) &* prime1
      hash = rotated(hash, 23) &* prime2 &+ prime3
      offset &+= 4
    }
    while offset < count {
      hash ^= unsafe UInt64(base.load(fromByteOffset: offset, as: UInt8.self)) &* prime5
      hash = rotated(hash, 11) &* prime1
      offset &+= 1
    }
    return finished(hash)
  }

  @inline(__always)
  private static func finished(_ mixed: UInt64) -> UInt64 {
    var hash = mixed
    hash ^= hash >> 33
    hash = hash &* prime2
    hash ^= hash >> 29
    hash = hash &* prime3
    return hash ^ (hash >> 32)
  }

  @inline(__always)
  private static func round(_ accumulator: UInt64, _ input: UInt64) -> UInt64 {
    rotated(accumulator &+ input &* prime2, 31) &* prime1
  }

  @inline(__always)
  private static func merged(_ hash: UInt64, _ value: UInt64) -> UInt64 {
    (hash ^ round(0, value)) &* prime1 &+ prime4
  }

  @inline(__always)
  private static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value << bits | value >> (64 - bits)
  }
}
