import Testing

@testable import Projections

/// Ways to a stage under random rules: each is appended to the customer's events and folded as tests in rules files are.
@Suite struct WhyNotTests {
  private struct Case {
    var text: String
    var compiled: CompiledRules
    var lines: [EventLine]
    var asOf: Int64

    /// The instant at which a row to the stage stands, from `at` to `end`, with events behind the customer's.
    func reaches(_ stage: String, _ added: [WhyNot.Addition], at: Int64, by end: Int64) -> Int64? {
      rows(added, at: at, by: end).first { $0.to == stage }?.at
    }

    func rows(_ added: [WhyNot.Addition], at: Int64, by end: Int64) -> [CustomerRecord.Row] {
      let more = added.enumerated().compactMap { number, addition in
        var event = EventLine(position: UInt64(1000 + number), line: addition.line)
        event?.occurred = at
        return event
      }
      #expect(more.count == added.count)
      func rows(_ lines: [EventLine], by end: Int64) -> [CustomerRecord.Row] {
        MemoryFold.customers(of: lines, asOf: end, compiled).first?.rows.map(\.row) ?? []
      }
      return Array(rows(lines + more, by: end).dropFirst(rows(lines, by: at).count))
    }
  }

  private struct Met {
    var ways = 0
    var byEvents = 0
    var several = 0
    var later = 0
    var deadlines = 0
    var blocked = 0
    var goals = 0
    var segments = 0
  }

  private func check(_ way: WhyNot.Way, to stage: String, _ found: Case, _ met: inout Met) {
    let told = "to \(stage): \(way)\n\(found.text)"
    let reached = found.reaches(stage, way.events, at: way.at, by: way.reached)
    #expect(reached == way.reached, "\(told)")
    met.ways += 1
    if !way.events.isEmpty { met.byEvents += 1 }
    if way.events.count > 1 { met.several += 1 }
    if way.reached > way.at { met.later += 1 }
    if let until = way.until {
      met.deadlines += 1
      let before = found.reaches(stage, way.events, at: until.at - 1, by: until.at - 1)
      let then = found.reaches(stage, way.events, at: until.at, by: until.at)
      #expect(before != nil && then == nil, "\(told)")
    }
    guard way.isTight else { return }
    for left in way.events.indices {
      var rest = way.events
      rest.remove(at: left)
      let without = found.reaches(stage, rest, at: way.at, by: way.reached)
      #expect(without == nil, "without \(left) \(told)")
    }
  }

  private func checkSegment(
    _ way: WhyNot.Way, _ segment: String, _ found: Case, _ met: inout Met
  ) {
    met.segments += 1
    let added = way.events.enumerated().compactMap {
      EventLine(position: UInt64(1000 + $0), line: $1.line)
    }
    func isIn(_ lines: [EventLine], _ instant: Int64) -> Bool {
      let visible = lines.filter { $0.occurred <= instant }
      let explainer = Explainer(found.compiled, customer: "C", lines: visible, asOf: instant)
      return explainer.record()?.current?.segments.contains(segment) ?? false
    }
    let told = "in \(segment): \(way)\n\(found.text)"
    #expect(isIn(found.lines + added, way.reached), "\(told)")
    #expect(!isIn(found.lines, found.asOf), "\(told)")
    guard way.isTight else { return }
    for left in added.indices {
      var rest = added
      rest.remove(at: left)
      #expect(!isIn(found.lines + rest, way.reached), "without \(left) \(told)")
    }
  }

  @Test(arguments: [80_013] as [UInt64])
  func `every way that is told leads there, and less of it does not`(seed: UInt64) throws {
    var writer = EngineTests.Writer(numbers: .init(state: seed))
    var met = Met()
    for _ in 0..<7 {
      let text = writer.rules()
      let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "why-not.yaml")
      let compiled = try CompiledRules(
        try #require(loaded.rules, "\(loaded.diagnostics)\n\(text)"))
      for _ in 0..<4 {
        let lines = writer.events(8, allowsNegative: writer.numbers.next(4) == 0)
        let asOf = try #require(lines.map(\.occurred).max()) + Int64(writer.numbers.next(3))
        let found = Case(text: text, compiled: compiled, lines: lines, asOf: asOf)
        let explainer = Explainer(compiled, customer: "C", lines: lines, asOf: asOf)
        for stage in compiled.rules.stages.indices {
          let whyNot = try #require(explainer.whyNot(stage: stage))
          #expect(whyNot.isThere == (whyNot.stage == whyNot.goal))
          met.goals += 1
          for way in whyNot.ways { check(way, to: whyNot.goal, found, &met) }
          for blocked in whyNot.blocked {
            met.blocked += 1
            let rows = found.rows(blocked.events, at: blocked.at, by: blocked.at)
            #expect(rows.first?.transition == blocked.transition, "\(blocked)\n\(text)")
          }
        }
        for segment in compiled.rules.segments.indices {
          let whyNot = try #require(explainer.whyNot(segment: segment))
          for way in whyNot.ways { checkSegment(way, whyNot.goal, found, &met) }
        }
      }
    }
    #expect(met.ways > 20 && met.byEvents > 12 && met.later > 2, "\(met)")
    #expect(met.several > 4 && met.deadlines > 2 && met.segments > 0, "\(met)")
  }
}
