/// Distinct texts, numbered from 0 as they first come.
public struct TextDictionary: Sendable {
  private var bytes: [UInt8] = []
  private var starts: [Int] = [0]
  /// Open addressing; number + 1, 0 for free.
  private var table: [UInt32] = Array(repeating: 0, count: 64)

  public init() {}

  public var count: Int { starts.count - 1 }
  /// Bytes of all texts together.
  public var byteCount: Int { bytes.count }

  /// The number of a text; nil where it is not among them.
  public func find(_ text: Span<UInt8>) -> Int? {
    let slot = slot(of: text)
    return table[slot] != 0 ? Int(table[slot]) - 1 : nil
  }

  /// The number of a text, given now if it is new.
  public mutating func insert(_ text: Span<UInt8>) -> (number: Int, isNew: Bool) {
    var slot = slot(of: text)
    if table[slot] != 0 { return (Int(table[slot]) - 1, false) }
    if count * 2 >= table.count {
      grow()
      slot = self.slot(of: text)
    }
    bytes.append(text)
    starts.append(bytes.count)
    table[slot] = UInt32(count)
    return (count - 1, true)
  }

  @inline(__always)
  public func withText<Output>(_ number: Int, _ body: (Span<UInt8>) -> Output) -> Output {
    body(bytes.span.extracting(starts[number]..<starts[number + 1]))
  }

  private func slot(of text: Span<UInt8>) -> Int {
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: Self.hash(text)) & mask
    while table[slot] != 0 && !isEqual(Int(table[slot]) - 1, text) { slot = (slot + 1) & mask }
    return slot
  }

  private func isEqual(_ number: Int, _ text: Span<UInt8>) -> Bool {
    bytes.span.extracting(starts[number]..<starts[number + 1]).isEqual(to: text)
  }

  private mutating func grow() {
    table = Array(repeating: 0, count: table.count * 2)
    let mask = table.count - 1
    for number in 0..<count {
      let hash = Self.hash(bytes.span.extracting(starts[number]..<starts[number + 1]))
      var slot = Int(truncatingIfNeeded: hash) & mask
      while table[slot] != 0 { slot = (slot + 1) & mask }
      table[slot] = UInt32(number) + 1
    }
  }

  /// FNV-1a over words of eight bytes with a final mix; no number depends on it.
  private static func hash(_ text: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    let whole = text.count & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      hash = (hash ^ text.word(at: offset)) &* 0x9e37_79b9_7f4a_7c15
      hash ^= hash >> 32
    }
    hash =
      (hash ^ text.little(whole, text.count - whole) ^ UInt64(text.count) << 56)
      &* 0x9e37_79b9_7f4a_7c15
    return hash ^ (hash >> 29) ^ (hash >> 47)
  }
}
