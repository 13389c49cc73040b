import Testing

@testable import EventStore

/// The tables in memory that a writer looks into for each event.
@Suite struct TableTests {
  @Test func `the table of ids finds all positions of each hash, and no others`() {
    var random = SeededRandom(seed: 5)
    var table = IDTable(capacity: 0)
    var model: [UInt64: [UInt64]] = [:]
    // Few different hashes, so that they repeat; neighbours, and some that differ in their high bits alone.
    let hashes = (0..<5000).map { _ -> UInt64 in
      let low = UInt64(random(3000))
      return random(2) == 0 ? low : low << 52 | 7
    }
    for position in 0..<1000 {
      table.insert(hashes[position], position: UInt64(position))
      model[hashes[position], default: []].append(UInt64(position))
    }
    table.insert(hashes.span.extracting(1000..<5000), from: 1 << 35)
    for index in 1000..<5000 {
      model[hashes[index], default: []].append(1 << 35 + UInt64(index) - 1000)
    }

    func found(_ hash: UInt64) -> [UInt64] {
      var positions: [UInt64] = []
      var cursor = table.cursor(hash)
      while let position = table.next(&cursor) { positions.append(position) }
      return positions.sorted()
    }
    for (hash, positions) in model { #expect(found(hash) == positions) }
    for other in 0..<3000 where model[UInt64(other) << 20 | 9] == nil {
      #expect(found(UInt64(other) << 20 | 9) == [])
    }
  }

  @Test func `subjects have the numbers of their first appearance, and chains of their own`() {
    var random = SeededRandom(seed: 6)
    var table = SubjectTable()
    var numbers: [[UInt8]: UInt32] = [:]
    var chains: [[UInt8]: [UInt64]] = [:]
    // Lengths around what stands in an entry; long names differ in their last byte alone.
    let lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 39, 40, 41, 47, 48, 49, 50, 200, 255]
    for position in 0..<20_000 as Range<UInt64> {
      let length = lengths[random(lengths.count)]
      var name = Array(repeating: UInt8(ascii: "n"), count: length)
      name[length - 1] = UInt8(random(256))
      if length > 1 { name[0] = UInt8(random(4)) }
      #expect(table.count(of: name.span) == UInt32(chains[name]?.count ?? 0))
      let (number, isNew) = table.insert(name.span)
      #expect(isNew == (numbers[name] == nil))
      #expect(number == numbers[name, default: UInt32(numbers.count)])
      numbers[name] = number
      let (sequence, previous) = table.advance(number, to: position)
      #expect(sequence == UInt32(chains[name]?.count ?? 0))
      #expect(previous == chains[name]?.last)
      chains[name, default: []].append(position)
    }
    #expect(table.count == numbers.count)
    #expect(numbers.count > 5000)
  }

  @Test func `short numbers are read whole, whatever stands behind them`() {
    let bytes: [UInt8] = (1...24).map { $0 }
    for offset in 0..<16 {
      for width in 0...8 {
        let expected = (0..<width).reduce(UInt64(0)) {
          $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1)
        }
        #expect(bytes.span.little(offset, width) == expected)
      }
    }
  }
}
