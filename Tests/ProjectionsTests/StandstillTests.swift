import CEL
import Testing

@testable import Projections

/// Until when an outcome stands, for every part of random conditions over facts that random events left: evaluated anew,
/// it is the same at any instant before, and where it moves it moves as it says.
@Suite struct StandstillTests {
  typealias Numbers = ValidityTests.Numbers

  /// Facts by the names that the expressions of ``LoweringTests`` read.
  private static let facts = """
    i: { count: purchase, within: 10d }
    k: { last: visit.n, within: 5d, default: 4 }
    e: { sum: visit.w, within: 10d }
    d: { avg: visit.n, within: 3d }
    s: { last: tag.code }
    r: { first: tag.code, within: 6d }
    first: { first_time: purchase }
    t: { last_time: purchase }
    v: { max: due.at, within: 10d }
    u: { expr: "since(first) - hours(5)" }
    m: { sum: purchase.amount, within: 6d }
    p: { min: purchase.amount, within: 10d }
    spans: { active: purchase, every: 2d, within: 10d }
    b: { expr: "m > p || spans >= 2" }
    """

  private func compile(_ condition: String) -> CompiledRules? {
    let text = """
      rules: 1
      model: { name: standstill, version: 1 }
      currency: EUR
      events:
        purchase: { types: [purchase], fields: { amount: money } }
        visit:    { types: [visit], fields: { n: int, w: double } }
        tag:      { types: [tag], fields: { code: string } }
        due:      { types: [due], fields: { at: timestamp } }
      facts:
      \(Self.facts.split(separator: "\n").map { "  \($0)\n" }.joined())
      stages: [a, b]
      transitions:
        - { id: back, from: [b], to: a, when: "\(condition)" }
      """
    let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "standstill.yaml")
    return loaded.rules.flatMap { try? CompiledRules($0) }
  }

  /// Every node of a program that a root reads, itself included.
  private func nodes(under root: Int32, _ program: Program) -> [Int32] {
    var seen: Set<Int32> = []
    func visit(_ index: Int32) {
      if seen.insert(index).inserted { program.forEachOperand(of: index) { visit($0) } }
    }
    visit(root)
    return seen.sorted()
  }

  /// In [start, end), close to both ends and at random.
  private func instants(_ start: Int64, _ end: Int64, _ numbers: inout Numbers) -> [Int64] {
    var found = [start, start + 1, end - 1, end - 2]
    for _ in 0..<6 { found.append(start + Int64(numbers.next(Int(end - start)))) }
    for unit in [60_000_000, TimeRules.hour, TimeRules.day] {
      let at = (start / unit + 1 + Int64(numbers.next(20))) * unit
      found += [at - 1, at]
    }
    return found.filter { $0 >= start && $0 < end }.sorted()
  }

  /// What does not hold of a node; nil if all does.
  private func fault(
    _ node: Int32, _ anew: inout ProgramEvaluator, _ evaluator: inout ProgramEvaluator,
    at instant: Int64, horizon: Int64, _ numbers: inout Numbers, _ looks: inout Int
  ) -> String? {
    let outcome = evaluator.evaluate(node, at: instant)
    if outcome.until <= instant { return "no later than the instant itself" }
    let isDouble = evaluator.program.types[Int(node)] == .double
    var before = outcome
    for later in instants(instant, min(outcome.until, horizon), &numbers) {
      looks += 1
      let then = anew.evaluate(node, at: later)
      let place = "at \(Instant.text(later)): \(outcome), then \(then)"
      switch outcome.motion {
      case .still:
        if isDouble && outcome.double.isNaN && then.double.isNaN { continue }
        if !then.isSame(as: outcome) { return "another \(place)" }
      case .linear:
        if then.status != .ok || then.bits != outcome.bits + outcome.slope * (later - instant) {
          return "off the line \(place)"
        }
      case .monotone:
        guard before.status == .ok, then.status == .ok else { continue }
        let (left, right) = isDouble ? (before.double, then.double) : (0, 0)
        let rises = isDouble ? right > left : then.bits > before.bits
        let falls = isDouble ? right < left : then.bits < before.bits
        if outcome.slope > 0 ? falls : rises { return "turns \(place)" }
        before = then
      }
    }
    return nil
  }

  @Test(arguments: [5000, 5001] as [UInt64])
  func `every part of a condition stands, or moves as it says, until it says`(seed: UInt64) throws {
    print("seed \(seed)")
    var writer = LoweringTests.Writer(numbers: Numbers(state: seed))
    var events = EngineTests.Writer(numbers: Numbers(state: seed &+ 1))
    var (taken, looks, faults) = (0, 0, 0)
    for _ in 0..<100 {
      let text = writer.bool(1 + writer.numbers.next(3))
      guard let compiled = compile(text) else { continue }
      taken += 1
      let lines = events.events(1 + events.numbers.next(12), allowsNegative: true)
      var fold = CustomerFold(compiled)
      _ = fold.load(lines)
      let last = try #require(lines.map(\.occurred).max())
      fold.fold(asOf: last)
      let horizon = last + 60 * TimeRules.day
      fold.evaluator.limit = horizon
      fold.evaluator.stateChanged()
      var anew = fold.evaluator
      anew.readsAnew = true
      let nodes = nodes(under: compiled.conditions[0].root, compiled.program)
      var instant = last
      for _ in 0..<4 where instant < horizon {
        for node in nodes {
          let found = fault(
            node, &anew, &fold.evaluator, at: instant, horizon: horizon, &writer.numbers, &looks)
          guard let found else { continue }
          faults += 1
          let operation = compiled.program.nodes[Int(node)].operation
          Issue.record("\(operation) of \(text) since \(Instant.text(instant)): \(found)")
          break
        }
        if faults > 3 { return }
        instant += Int64(writer.numbers.next(5 * Int(TimeRules.day)))
      }
    }
    print(taken, looks)
    #expect(taken > 80 && looks > 20_000)
  }
}
