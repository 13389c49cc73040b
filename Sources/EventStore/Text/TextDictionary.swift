/// Distinct texts, numbered from 0 as they first come.
///
/// Where a text stands in the table depends on chance of this process, so that nobody can choose texts that crowd one place.
package struct TextDictionary: Sendable {
  private var bytes: [UInt8] = []
  private var starts: [Int] = [0]
  /// Open addressing; number + 1, 0 for free.
  private var table: [UInt32] = Array(repeating: 0, count: 64)
  private let hash = KeyedHash.ofProcess

  package init() {}

  package var count: Int { starts.count - 1 }
  /// Bytes of all texts together.
  package var byteCount: Int { bytes.count }

  /// The number of a text; nil where it is not among them.
  package func find(_ text: Span<UInt8>) -> Int? {
    let slot = slot(of: text)
    return table[slot] != 0 ? Int(table[slot]) - 1 : nil
  }

  /// The number of a text, given now if it is new.
  package mutating func insert(_ text: Span<UInt8>) -> (number: Int, isNew: Bool) {
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
  package func withText<Output>(_ number: Int, _ body: (Span<UInt8>) -> Output) -> Output {
    body(bytes.span.extracting(starts[number]..<starts[number + 1]))
  }

  private func slot(of text: Span<UInt8>) -> Int {
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: hash.hash(text)) & mask
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
      var slot = withText(number) { Int(truncatingIfNeeded: hash.hash($0)) } & mask
      while table[slot] != 0 { slot = (slot + 1) & mask }
      table[slot] = UInt32(number) + 1
    }
    checkInvariants()
  }

  /// In debug builds: each text is found under its number, and half of the table is free.
  func checkInvariants() {
    #if DEBUG
      assert(starts.first == 0 && starts.last == bytes.count, "texts fill the bytes")
      assert(table.count { $0 != 0 } == count && 2 * count <= table.count, "each text has a slot")
      for number in 0..<count {
        let found = withText(number) { find($0) }
        assert(found == number, "a text is found under its number")
      }
    #endif
  }
}
