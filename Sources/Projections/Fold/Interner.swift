/// A string that is told apart by its bytes: `String` alone takes two spellings of one letter for equal.
struct ByteString: Hashable, Sendable, Comparable {
  var string: String

  init(_ string: String) {
    self.string = string
  }

  static func == (left: ByteString, right: ByteString) -> Bool {
    left.string.utf8.elementsEqual(right.string.utf8)
  }

  static func < (left: ByteString, right: ByteString) -> Bool {
    left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
  }

  func hash(into hasher: inout Hasher) {
    for byte in string.utf8 { hasher.combine(byte) }
    hasher.combine(UInt8(0xff))
  }
}

/// Numbers for strings, so that a string is one 64-bit value in a fold. One thread only.
///
/// Numbers from 0 are kept. Negative numbers from -2 down are *passing* strings of one event (its subject, its id):
/// they are forgotten with the next event, so that a `where` on ids does not keep every id in memory.
struct Interner: Sendable {
  private(set) var strings: [String] = []
  private var bytes: [UInt8] = []
  private var starts: [Int] = [0]
  /// Open addressing; number + 1, 0 for free.
  private var table: [UInt32] = Array(repeating: 0, count: 64)
  private var passing: [String] = []

  var count: Int { strings.count }

  mutating func number(of string: String) -> Int64 {
    number(of: Array(string.utf8).span)
  }

  mutating func number(of text: Span<UInt8>) -> Int64 {
    var slot = slot(of: text)
    if table[slot] != 0 { return Int64(table[slot]) - 1 }
    if strings.count * 2 >= table.count {
      grow()
      slot = self.slot(of: text)
    }
    for index in text.indices { bytes.append(text[index]) }
    let start = starts[starts.count - 1]
    starts.append(bytes.count)
    strings.append(String(decoding: bytes[start..<bytes.count], as: UTF8.self))
    table[slot] = UInt32(strings.count)
    return Int64(strings.count - 1)
  }

  /// The number of a string that is kept; nil for others.
  func find(_ text: Span<UInt8>) -> Int64? {
    let slot = slot(of: text)
    return table[slot] != 0 ? Int64(table[slot]) - 1 : nil
  }

  /// The number of a string that is kept, or a passing number, equal for equal strings of one event.
  mutating func passingNumber(of text: Span<UInt8>) -> Int64 {
    let slot = slot(of: text)
    if table[slot] != 0 { return Int64(table[slot]) - 1 }
    var copy: [UInt8] = []
    for index in text.indices { copy.append(text[index]) }
    let string = String(decoding: copy, as: UTF8.self)
    for (index, other) in passing.enumerated() where ByteString(other) == ByteString(string) {
      return Int64(-2 - index)
    }
    passing.append(string)
    return Int64(-1 - passing.count)
  }

  mutating func forgetPassing() {
    if !passing.isEmpty { passing.removeAll(keepingCapacity: true) }
  }

  func string(_ number: Int64) -> String {
    number >= 0 ? strings[Int(number)] : passing[Int(-2 - number)]
  }

  /// The order of two strings by their bytes.
  func isLess(_ left: Int64, _ right: Int64) -> Bool {
    ByteString(string(left)) < ByteString(string(right))
  }

  private func slot(of text: Span<UInt8>) -> Int {
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: Self.hash(text)) & mask
    while table[slot] != 0 && !isEqual(Int(table[slot]) - 1, text) { slot = (slot + 1) & mask }
    return slot
  }

  private func isEqual(_ number: Int, _ text: Span<UInt8>) -> Bool {
    let start = starts[number]
    guard starts[number + 1] - start == text.count else { return false }
    for index in text.indices where bytes[start + index] != text[index] { return false }
    return true
  }

  private mutating func grow() {
    let old = table
    table = Array(repeating: 0, count: old.count * 2)
    let mask = table.count - 1
    for entry in old where entry != 0 {
      let number = Int(entry) - 1
      var slot =
        Int(
          truncatingIfNeeded: Self.hash(bytes.span.extracting(starts[number]..<starts[number + 1])))
        & mask
      while table[slot] != 0 { slot = (slot + 1) & mask }
      table[slot] = entry
    }
  }

  /// FNV-1a with a final mix; the order of numbers never depends on it.
  private static func hash(_ text: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for index in text.indices { hash = (hash ^ UInt64(text[index])) &* 0x0000_0100_0000_01b3 }
    return hash ^ (hash >> 29)
  }
}
