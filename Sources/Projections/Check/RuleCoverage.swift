import EventStore

/// How often rules do what they say: which transitions are ever taken, which stages entered, which segments held.
///
/// What the tests of a file never reach nobody has tried; what a whole log never reaches may be a slip.
package struct RuleCoverage: Sendable {
  /// One thing that rules may do.
  package struct Entry: Sendable {
    package var name: String
    /// Where it stands in the rules file.
    package var line: Int
    /// Rows, entry rows included; of a segment stays. Nil for a segment that reads the population, which has none.
    package var count: Int64?
  }

  private let rules: Rules
  private var taken: [Int64]
  private var entered: [Int64]
  private var held: [Int64]
  /// Customers that were folded.
  package private(set) var customers: Int64 = 0

  init(_ compiled: CompiledRules) {
    rules = compiled.rules
    taken = Array(repeating: 0, count: compiled.conditions.count)
    entered = Array(repeating: 0, count: compiled.rules.stages.count)
    held = Array(repeating: 0, count: compiled.rules.segments.count)
  }

  /// Of the tests that the file carries.
  package static func ofTests(_ compiled: CompiledRules) throws -> RuleCoverage {
    var coverage = RuleCoverage(compiled)
    for test in compiled.rules.tests {
      let lines = RuleTestRunner.lines(of: test)
      guard let latest = lines.map(\.occurred).max() else { continue }
      MemoryFold.forEach(of: lines, asOf: test.asOf ?? latest, compiled, followsSegments: true) {
        coverage.add($2.result)
      }
    }
    return coverage
  }

  /// Of all customers of a log.
  package static func of(
    _ view: LogView, _ compiled: CompiledRules, threads: Int
  ) throws -> RuleCoverage {
    let replayer = Replayer(compiled, view: view, threads: threads, followsSegments: true)
    var coverage = RuleCoverage(compiled)
    _ = try replayer.run(try replayer.directory()) {
      CoverageSink(coverage: RuleCoverage(compiled))
    } keep: { runs in
      for sink in runs.sinks { coverage.add(sink.coverage) }
    }
    return coverage
  }

  fileprivate mutating func add(_ result: borrowing FoldResult) {
    customers += 1
    for row in result.rows {
      entered[Int(row.to)] += 1
      if row.transition >= 0 { taken[Int(row.transition)] += 1 }
    }
    for spell in result.spells { held[Int(spell.segment)] += 1 }
  }

  private mutating func add(_ other: RuleCoverage) {
    customers += other.customers
    for index in taken.indices { taken[index] += other.taken[index] }
    for index in entered.indices { entered[index] += other.entered[index] }
    for index in held.indices { held[index] += other.held[index] }
  }

  /// In file order; empty for rules whose stages have conditions.
  package var transitions: [Entry] {
    guard case .transitions(let transitions) = rules.form else { return [] }
    return zip(transitions, taken).map { Entry(name: $0.id, line: $0.place.line, count: $1) }
  }

  /// In file order.
  package var stages: [Entry] {
    zip(rules.stages, entered).map { Entry(name: $0.name, line: $0.place.line, count: $1) }
  }

  /// In file order.
  package var segments: [Entry] {
    zip(rules.segments, held).map {
      Entry(name: $0.name, line: $0.place.line, count: $0.readsPopulation ? nil : $1)
    }
  }
}

private struct CoverageSink: FoldSink {
  var coverage: RuleCoverage

  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) { coverage.add(fold.result) }
}
