/// A hash for tables in memory that nobody outside of the process can foresee; nothing on disk depends on it.
struct KeyedHash: Sendable {
  private let start: UInt64
  /// Odd.
  private let factor: UInt64

  /// With a key that this process drew when it was first asked for.
  static let ofProcess = KeyedHash()

  private init() {
    let key = Files.random(16)
    start = key.span.word(at: 0)
    factor = key.span.word(at: 8) | 1
  }

  /// Folded multiplication, eight bytes at a time.
  @inline(__always)
  func hash(_ bytes: Span<UInt8>) -> UInt64 {
    var hash = start ^ UInt64(truncatingIfNeeded: bytes.count)
    let whole = bytes.count & ~7
    var offset = 0
    while offset < whole {
      hash = folded(hash ^ bytes.word(at: offset))
      offset += 8
    }
    return folded(folded(hash ^ bytes.little(whole, bytes.count - whole)) ^ start)
  }

  /// A number that is a hash already, mixed: no two numbers give the same.
  @inline(__always)
  func mixed(_ number: UInt64) -> UInt64 {
    let mixed = (number ^ start) &* factor
    return (mixed ^ mixed >> 32) &* factor
  }

  @inline(__always)
  private func folded(_ value: UInt64) -> UInt64 {
    let (high, low) = value.multipliedFullWidth(by: factor)
    return high ^ low
  }
}
