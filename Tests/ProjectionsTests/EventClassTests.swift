import Testing

@testable import EventStore
@testable import Projections

/// Events as classes and values, and what stands around them on the way from columns to records.
@Suite struct EventClassTests {
  typealias Numbers = ValidityTests.Numbers

  @Test(arguments: [1 as UInt64, 2, 3])
  func `events beyond the classes that a reader tells apart give the same`(seed: UInt64) throws {
    print("seed \(seed)")
    var writer = EngineTests.Writer(numbers: Numbers(state: seed))
    var own = 0
    for _ in 0..<40 {
      let loaded = RulesLoader.load(bytes: Array(writer.rules().utf8), file: "classes.yaml")
      let compiled = try CompiledRules(try #require(loaded.rules))
      var known = CustomerFold(compiled)
      var unknown = CustomerFold(compiled)
      var truth = TruthFold(compiled, plan: TruthPlanBuilder.plan(compiled), engine: .words)
      for _ in 0..<10 {
        let lines = writer.events(1 + writer.numbers.next(20), allowsNegative: true)
        let asOf = try #require(lines.map(\.occurred).max())
        _ = known.load(lines)
        known.fold(asOf: asOf)
        _ = unknown.load(lines, classLimit: 1 + writer.numbers.next(3))
        own += unknown.events.places.count { Int($0.number) == EventClassTable.own }
        unknown.fold(asOf: asOf)
        truth.customer.events = unknown.events
        truth.evaluator.interner = unknown.evaluator.interner
        truth.fold(asOf: asOf, rank: 0)
        #expect(unknown.result.difference(from: known.result) == nil)
        #expect(unknown.faults == known.faults)
        #expect(truth.customer.result.difference(from: known.result) == nil)
        #expect(truth.faults == known.faults)
      }
    }
    #expect(own > 500)
  }

  @Test func `names are sorted by their bytes, whatever they share`() {
    var numbers = Numbers(state: 7)
    for shared in ["", "customer-", "é\u{0}"] {
      for count in [0, 1, 2, 50, 3000] {
        var names: Set<[UInt8]> = []
        while names.count < count {
          let alphabet: [UInt8] = [0, 1, 0x30, 0x31, 0x7f, 0xff]
          let tail = (0..<numbers.next(14)).map { _ in alphabet[numbers.next(alphabet.count)] }
          names.insert(Array(shared.utf8) + tail)
        }
        var table = NameTable()
        for name in names { table.append(name) }
        var subjects = Array(0..<UInt32(count))
        table.sortByName(&subjects)
        let expected = names.sorted { $0.lexicographicallyPrecedes($1) }
        #expect(subjects.map { Array(table.bytes(of: $0)) } == expected)
      }
    }
  }

  @Test func `ids of any length come out of their slots`() {
    let ids = [0, 1, 7, 8, 9, 14, 15, 16, 17, 255].map { length in
      (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
    }
    let list = EventIDs(ids).list(0)
    for (index, id) in ids.enumerated() {
      #expect(list[index] == id)
      var (slots, texts) = (ByteEncoder(), ByteEncoder())
      list.encode(index, into: &slots)
      texts.text(id)
      #expect(slots.bytes == texts.bytes)
    }
  }
}
