import Testing

@testable import Projections

/// What a fold says of how long its outcome holds: an update of a view believes it, and folds nobody again before.
@Suite struct StalenessTests {
  @Test(arguments: [70_001, 70_011] as [UInt64])
  func `until the instant that a fold names, a later fold comes to the same`(seed: UInt64) throws {
    print("seed \(seed)")
    var writer = EngineTests.Writer(numbers: .init(state: seed))
    var (looks, spans) = (0, 0)
    for _ in 0..<20 {
      let text = writer.rules()
      let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "stale.yaml")
      let compiled = try CompiledRules(try #require(loaded.rules, "\(loaded.diagnostics)\n\(text)"))
      let atomLimit =
        writer.numbers.next(3) > 0 ? TruthPlanBuilder.atomLimit : compiled.conditions.count + 1
      let plan = TruthPlanBuilder.plan(compiled, atomLimit: atomLimit)
      var tree = CustomerFold(compiled)
      var truth = TruthFold(compiled, plan: plan, engine: .words)
      for _ in 0..<20 {
        let lines = writer.events(1 + writer.numbers.next(20), allowsNegative: false)
        let end = try #require(lines.map(\.occurred).max())
        let asOf = end + Int64([0, 0, 3, 9, 40][writer.numbers.next(5)]) * TimeRules.day
        _ = tree.load(lines)
        truth.customer.events = tree.events
        truth.evaluator.interner = tree.evaluator.interner
        tree.faults = FaultCounts(compiled)
        tree.fold(asOf: asOf)
        let (result, faults) = (tree.result, tree.faults)
        truth.fold(asOf: asOf, rank: 0)
        for stale in [result.staleAt, truth.customer.result.staleAt] {
          #expect(stale > asOf)
          let last = min(stale - 1, asOf + 3000 * TimeRules.day)
          if last > asOf { spans += 1 }
          for instant in Set([last, asOf + (last - asOf) / 2, asOf + (last - asOf) / 17]) {
            looks += 1
            tree.faults = FaultCounts(compiled)
            tree.fold(asOf: instant)
            let what =
              tree.result.difference(from: result)
              ?? (tree.faults == faults ? nil : "faults: \(faults) and \(tree.faults)")
            guard let what else { continue }
            let events = lines.map { String(decoding: $0.line, as: UTF8.self) }
            Issue.record(
              "\(what)\nas of \(Instant.text(asOf)), \(Instant.text(instant)), stale at \(Instant.text(stale))\n\(text)\n\(events.joined(separator: "\n"))"
            )
            return
          }
        }
      }
    }
    print("\(looks) looks, \(spans) spans")
    #expect(spans > 400, "\(looks) looks, \(spans) spans")
  }

  @Test func `a change beyond the horizon comes into sight as as-of comes near it`() throws {
    let rules = try Timeline(
      facts: ["last: { last_time: purchase }"], ["go a -> b since(last) >= days(7400)"])
    let line = try #require(
      EventLine(
        position: 0,
        line: Array(
          #"{"id":"e","source":"s","type":"purchase","subject":"C","time":"\#(Instant.text(rules.zero))"}"#
            .utf8)))
    for engine in [FoldEngine.tree, .words] {
      var fold = TruthFold(
        rules.compiled, plan: TruthPlanBuilder.plan(rules.compiled), engine: engine)
      var tree = CustomerFold(rules.compiled)
      _ = tree.load([line])
      fold.customer.events = tree.events
      fold.evaluator.interner = tree.evaluator.interner
      fold.fold(asOf: rules.zero, rank: 0)
      #expect(fold.customer.result.next == nil)
      #expect(fold.customer.result.staleAt == rules.zero + 95 * Microseconds.day)
      fold.fold(asOf: rules.zero + 95 * Microseconds.day, rank: 0)
      #expect(fold.customer.result.next?.at == rules.zero + 7400 * Microseconds.day)
    }
  }
}
