import CEL
import Testing

@testable import Projections

/// What is known of rules before any event: where conditions find their values, and what may fail.
@Suite struct CompileTests {
  /// The rules of some segments over a fact of one alias, with the others as they are.
  private func compile(ignore: String = "", segments: [String]) throws -> CompiledRules {
    let conditions = segments.enumerated().map { "  s\($0): { when: \"\($1)\" }" }.joined(
      separator: "\n")
    let text = """
      rules: 1
      model: { name: compile, version: 1 }
      currency: EUR
      \(ignore)
      events:
        visit:    { types: [visit], fields: { page: string, test: bool } }
        purchase: { types: [purchase], fields: { amount: money, test: bool } }
      facts:
        n:     { count: visit, where: "event.page == 'a' && event.id != 'x'" }
        spent: { sum: purchase.amount }
      stages: [a]
      clv: { purchase: purchase.amount }
      population:
        first: { top: { of: spent, percent: 10 } }
        next:  { ntile: { of: spent, n: 4 } }
      segments:
      \(conditions)

      """
    let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "compile.yaml")
    let rules = try #require(loaded.rules, "\(loaded.diagnostics.map(\.message))")
    return try CompiledRules(rules)
  }

  @Test func `attributes, what ignore reads, and fields stand in slots of their own`() throws {
    let compiled = try compile(
      ignore: "ignore: \"event.test || event.subject == 'qa'\"", segments: ["n > 1"])
    let slots = compiled.slots
    var taken = EventAttribute.all.map(\.slot)
    taken += compiled.ignoreFields.map(\.slot)
    taken += compiled.fields.indices.map { slots.field($0) }

    #expect(compiled.ignoreFields.map(\.fields.count) == [2])
    #expect(taken.sorted() == Array(0..<slots.count(fields: compiled.fields.count)))
    for number in compiled.fields.indices {
      #expect(slots.fieldNumber(of: slots.field(number)) == number)
    }
    for slot in EventAttribute.all.map(\.slot) + compiled.ignoreFields.map(\.slot) {
      #expect(slots.fieldNumber(of: slot) == nil)
    }
    for node in compiled.eventProgram.nodes where node.operation == .eventSlot {
      #expect(taken.contains(Int(node.a)))
    }
  }

  @Test func `variables of the population stand where segments look for them`() throws {
    let compiled = try compile(segments: ["first", "population.next == 1", "rfm.r > 2"])
    let names = Rules.populationVariables(compiled.rules.population).map(\.name)

    for slot in PopulationSlot.allCases { #expect(names[slot.rawValue] == slot.variable.name) }
    #expect(PopulationSlot.ranks(0).map { names[$0] } == ["first", "population.first"])
    #expect(PopulationSlot.ranks(1).map { names[$0] } == ["next", "population.next"])
  }

  @Test(arguments: [
    ("n > 1 && stage.name == 'a'", false, false), ("10 / n > 1", true, false),
    ("n + 1 > 2", true, false), ("has(facts.n)", false, false),
    ("since(stage.entered_at) > days(30)", false, true), ("[1, 2].exists(x, x == n)", false, false),
    ("[1, 2].map(x, x + n).size() > 0", true, false),
  ])
  func `what may be a fault is known before any event`(text: String, any: Bool, byTime: Bool) throws
  {
    let segment = try #require(try compile(segments: [text]).segments.first)

    #expect(segment.mayFail == any)
    #expect(segment.mayFailByTime == byTime)
  }
}
