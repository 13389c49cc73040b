import Testing

@testable import Projections

/// The events that alone give a row, under random rules: held against all sets of a customer's events, folded as tests in rules
/// files are.
@Suite struct MinimalEvidenceTests {
  private struct Case {
    var text: String
    var compiled: CompiledRules
    var lines: [EventLine]
    var fold: CustomerFold
    var taken: [EventLine]

    func row(_ index: Int) -> CustomerRecord.Row { fold.named(fold.result.rows[index], taken) }

    /// Whether some events alone give a row.
    func gives(_ row: CustomerRecord.Row, _ lines: [EventLine]) -> Bool {
      let customers = MemoryFold.customers(of: lines, asOf: row.at, compiled)
      return customers.contains { $0.name == "C" && $0.rows.contains { $0.row == row } }
    }
  }

  /// Customers of one random rules file.
  private func random(
    _ writer: inout EngineTests.Writer, customers: Int, events: Int
  ) throws -> [Case] {
    let text = writer.rules()
    let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "minimal.yaml")
    let compiled = try CompiledRules(try #require(loaded.rules, "\(loaded.diagnostics)\n\(text)"))
    return try (0..<customers).map { _ in
      let lines = writer.events(events, allowsNegative: writer.numbers.next(4) == 0)
      var fold = CustomerFold(compiled, keepsAll: true)
      let taken = fold.load(lines)
      fold.fold(asOf: try #require(lines.map(\.occurred).max()) + 9 * TimeRules.day)
      return Case(text: text, compiled: compiled, lines: lines, fold: fold, taken: taken)
    }
  }

  /// All sets by size, and those of one size by positions, until one gives the row.
  private func smallest(_ row: CustomerRecord.Row, _ found: Case) -> [UInt64] {
    let lines = found.lines.sorted { $0.position < $1.position }
    var best: [UInt64] = []
    for bits in 1..<(1 << lines.count) {
      let set = lines.indices.filter { bits >> $0 & 1 == 1 }.map { lines[$0] }
      let positions = set.map(\.position)
      let isBetter =
        best.isEmpty
        || positions.count < best.count
        || positions.count == best.count && positions.lexicographicallyPrecedes(best)
      if isBetter && found.gives(row, set) { best = positions }
    }
    return best
  }

  @Test(arguments: [70_001, 70_013] as [UInt64])
  func `no smaller and no earlier set of events gives a row`(seed: UInt64) throws {
    var writer = EngineTests.Writer(numbers: .init(state: seed))
    var met = (rows: 0, timers: 0, several: 0)
    for _ in 0..<10 {
      for found in try random(&writer, customers: 8, events: 6)
      where found.fold.result.rows.count > 1 {
        let index = found.fold.result.rows.count - 1
        let row = found.row(index)
        let minimal = try #require(
          MinimalEvidence(found.fold, row: index, customer: "C", lines: found.taken), "\(row)")
        let positions = minimal.events.map(\.position).sorted()
        let expected = smallest(row, found)
        if positions != expected || !minimal.isSmallest || !minimal.isEarliest {
          Issue.record("\(positions), and \(expected) would do\n\(row)\n\(found.text)")
          return
        }
        met.rows += 1
        if row.isTimer { met.timers += 1 }
        if positions.count > 1 { met.several += 1 }
      }
    }
    #expect(met.rows > 20 && met.timers > 2 && met.several > 2, "\(met)")
  }

  @Test func `what is said of a set holds, also where the work did not suffice`() throws {
    var writer = EngineTests.Writer(numbers: .init(state: 70_029))
    var met = (rows: 0, exhausted: 0)
    for _ in 0..<4 {
      for found in try random(&writer, customers: 4, events: 14) {
        for index in found.fold.result.rows.indices.dropFirst().prefix(3) {
          let row = found.row(index)
          let work = [90, 600][writer.numbers.next(2)]
          let minimal = try #require(
            MinimalEvidence(
              found.fold, row: index, customer: "C", lines: found.taken, work: work))
          let events = minimal.events
          #expect(found.gives(row, events), "\(row)\n\(found.text)")
          met.rows += 1
          if !minimal.isSmallest { met.exhausted += 1 }
          guard minimal.isIrreducible else { continue }
          for left in events.indices {
            var rest = events
            rest.remove(at: left)
            #expect(!found.gives(row, rest), "without \(left): \(row)\n\(found.text)")
          }
        }
      }
    }
    #expect(met.rows > 12 && met.exhausted > 2, "\(met)")
  }
}
