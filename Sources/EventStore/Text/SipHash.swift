/// SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash of (source, id).
struct SipHash: Sendable {
  private let key0: UInt64
  private let key1: UInt64

  /// - Parameter key: 16 bytes.
  init(key: [UInt8]) {
    key0 = key.span.little(0, 8)
    key1 = key.span.little(8, 8)
  }

  func hash(_ bytes: Span<UInt8>) -> UInt64 {
    var v0 = key0 ^ 0x736f_6d65_7073_6575
    var v1 = key1 ^ 0x646f_7261_6e64_6f6d
    var v2 = key0 ^ 0x6c79_6765_6e65_7261
    var v3 = key1 ^ 0x7465_6462_7974_6573
    func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 {
      value << bits | value >> (64 - bits)
    }
    func round() {
      v0 = v0 &+ v1
      v1 = rotated(v1, 13) ^ v0
      v0 = rotated(v0, 32)
      v2 = v2 &+ v3
      v3 = rotated(v3, 16) ^ v2
      v0 = v0 &+ v3
      v3 = rotated(v3, 21) ^ v0
      v2 = v2 &+ v1
      v1 = rotated(v1, 17) ^ v2
      v2 = rotated(v2, 32)
    }
    let whole = bytes.count & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      let word = bytes.word(at: offset)
      v3 ^= word
      round()
      round()
      v0 ^= word
    }
    let word = bytes.little(whole, bytes.count - whole) | UInt64(bytes.count & 0xff) << 56
    v3 ^= word
    round()
    round()
    v0 ^= word
    v2 ^= 0xff
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }
}

extension SipHash {
  /// What the log knows an event by: the hash of length of source u32 ‖ source ‖ id (docs/format.md, column 4).
  ///
  /// - Parameter key: room for these bytes, to be used again.
  @inline(__always)
  func hash(source: Span<UInt8>, id: Span<UInt8>, in key: inout [UInt8]) -> UInt64 {
    key.removeAll(keepingCapacity: true)
    key.appendLittle(UInt32(truncatingIfNeeded: source.count))
    key.append(source)
    key.append(id)
    return hash(key.span)
  }
}
