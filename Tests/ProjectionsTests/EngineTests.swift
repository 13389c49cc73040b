import Testing

@testable import Projections

/// The two engines fold random customers under random rules, in process, and have to come to the same.
@Suite struct EngineTests {
  typealias Numbers = ValidityTests.Numbers

  static let facts = """
    n:        { count: purchase }
    n_9d:     { count: purchase, within: 9d }
    v_3d:     { count: visit, within: 3d }
    both:     { count: [purchase, visit], within: 6d }
    big:      { count: purchase, within: 9d, where: "event.amount >= money('5.00')" }
    s:        { sum: purchase.amount }
    s_9d:     { sum: purchase.amount, within: 9d }
    g_3d:     { sum: visit.n, within: 3d }
    mean:     { avg: visit.n, within: 9d }
    top:      { max: visit.n }
    top_9d:   { max: visit.n, within: 9d }
    top_d:    { max: visit.n, within: 3d, default: 2 }
    low:      { min: visit.n }
    low_9d:   { min: visit.n, within: 9d, default: 5 }
    dear:     { max: purchase.amount, within: 9d }
    kinds:    { distinct: tag.code }
    kinds_9d: { distinct: tag.code, within: 9d }
    prices:   { distinct: purchase.amount, within: 9d }
    first_n:  { first: visit.n }
    first_9d: { first: visit.n, within: 9d }
    last_n:   { last: visit.n, default: 3 }
    last_3d:  { last: visit.n, within: 3d }
    code:     { last: tag.code }
    code_3d:  { last: tag.code, within: 3d, default: x }
    code_1:   { first: tag.code }
    least:    { min: tag.code, within: 9d }
    due_at:   { last: due.at }
    due_max:  { max: due.at, within: 9d }
    last_p:   { last_time: purchase }
    last_9d:  { last_time: purchase, within: 9d }
    first_v:  { first_time: visit }
    spans:    { active: purchase, every: 3d, within: 9d }
    weight:   { sum: visit.w, within: 9d }
    ratio:    { expr: "n_9d * 10 / n" }
    busy:     { expr: "n_9d >= 2 && has(facts.top_9d)", default: false }
    """

  /// Random rules of small pieces.
  struct Writer {
    var numbers: Numbers

    mutating func pick(_ texts: [String]) -> String { numbers.pick(texts) }

    mutating func atom() -> String {
      let relation = pick(["<", "<=", ">", ">=", ">=", "==", "!="])
      let equal = pick(["==", "!="])
      switch numbers.next(17) {
      case 0, 1, 2:
        return "\(pick(["n", "n_9d", "v_3d", "both", "big"])) \(relation) \(numbers.next(5))"
      case 3, 4:
        return "\(pick(["s", "s_9d"])) \(relation) money('\(numbers.next(25)).00')"
      case 5: return "g_3d \(relation) \(numbers.next(9) - 2)"
      case 6, 7:
        return
          "\(pick(["top", "top_9d", "top_d", "low", "low_9d", "first_n", "last_n", "last_3d", "first_9d"])) \(relation) \(numbers.next(8))"
      case 8: return "\(pick(["kinds", "kinds_9d", "prices"])) \(relation) \(numbers.next(5))"
      case 9:
        return "\(pick(["code", "code_3d", "code_1"])) \(equal) '\(pick(["x", "y", "z"]))'"
      case 10, 11:
        return
          "since(\(pick(["last_p", "first_v"]))) \(relation) \(pick(["days", "hours"]))(\(numbers.next(16)))"
      case 12: return "in_stage() \(relation) \(pick(["days", "hours"]))(\(1 + numbers.next(9)))"
      case 13: return "dear \(relation) money('\(numbers.next(12)).50')"
      default: return general()
      }
    }

    /// What only the tree evaluator answers.
    mutating func general() -> String {
      let relation = pick(["<", ">=", "=="])
      switch numbers.next(19) {
      case 0: return "n \(relation) v_3d"
      case 1: return "spans \(relation) \(numbers.next(4))"
      case 2: return "mean \(relation) \(numbers.next(6)).5"
      case 3: return "has(facts.\(pick(["top_9d", "last_3d", "last_9d", "code"])))"
      case 4: return "now.getDayOfWeek() == \(numbers.next(7))"
      case 5, 14: return "12 / (n - 2) \(relation) \(numbers.next(4))"
      case 6: return "code in ['x', 'z']"
      case 7: return "stage.previous == '\(pick(["a", "b", "c"]))'"
      case 8: return "since(last_9d) \(relation) days(\(numbers.next(9)))"
      case 9: return "now \(relation == "==" ? ">" : relation) due_at"
      case 10: return "since(due_max) \(relation) hours(\(numbers.next(60)))"
      case 11: return "ratio \(relation) \(numbers.next(12))"
      case 12: return "busy"
      case 15:
        return
          "since(last_p).getHours() % 50 \(relation) (n_9d > 1 ? \(numbers.next(50)) : \(numbers.next(50)))"
      case 16:
        return
          "(v_3d > 0 ? last_p : first_v) + hours(n_9d * 9) \(relation == "==" ? ">" : relation) now"
      case 17: return "int(now) / 86400 % 5 \(relation) (both > 2 ? n : v_3d)"
      case 18:
        return "[last_3d, n, v_3d].\(pick(["exists", "all"]))(x, x \(relation) \(numbers.next(4)))"
      default: return pick(["least < 'y'", "weight >= 4.5", "code_1 != code", "n_9d in [1, 3]"])
      }
    }

    mutating func condition(_ depth: Int) -> String {
      if depth <= 0 { return atom() }
      switch numbers.next(7) {
      case 0, 1: return "(\(condition(depth - 1)) && \(condition(depth - 1)))"
      case 2, 3: return "(\(condition(depth - 1)) || \(condition(depth - 1)))"
      case 4: return "!(\(condition(depth - 1)))"
      default: return atom()
      }
    }

    mutating func rules() -> String {
      var stages = ""
      if numbers.next(4) > 0 {
        stages = "stages: [a, b, c, d]\ntransitions:\n"
        for number in 0..<(3 + numbers.next(5)) {
          let from = numbers.next(4)
          let to = (from + 1 + numbers.next(3)) % 4
          let name = ["a", "b", "c", "d"]
          let list = numbers.next(6) == 0 ? "any" : "[\(name[from])]"
          stages +=
            "  - { id: t\(number), from: \(list), to: \(name[to]), when: \"\(condition(2))\" }\n"
        }
      } else {
        stages = "stages:\n"
        for name in ["a", "b", "c"] {
          // The stage is not in scope of stages with conditions.
          var text = condition(2)
          while text.contains("stage") { text = condition(2) }
          stages += "  - { name: \(name), when: \"\(text)\" }\n"
        }
        stages += "  - { name: d }\n"
      }
      var segments = ""
      if numbers.next(2) == 0 {
        segments = "segments:\n  one: { when: \"\(condition(1))\" }\n"
        if !stages.contains("transitions:"), segments.contains("stage") { segments = "" }
      }
      let clv =
        numbers.next(3) == 0
        ? "clv: { purchase: purchase.amount, model: bg_nbd, unit: 7d, horizon: 364d }\n" : ""
      return """
        rules: 1
        model: { name: engines, version: 1 }
        currency: EUR
        events:
          purchase: { types: [purchase], fields: { amount: money } }
          visit:    { types: [visit], fields: { n: int, w: double } }
          tag:      { types: [tag], fields: { code: string } }
          due:      { types: [due], fields: { at: timestamp } }
        facts:
        \(EngineTests.facts.split(separator: "\n").map { "  \($0)\n" }.joined())
        \(stages)\(segments)\(clv)
        """
    }

    /// Events of one customer on a coarse grid, so that many stand at one instant, and at those at which others leave.
    mutating func events(_ count: Int, allowsNegative: Bool) -> [EventLine] {
      var lines: [EventLine] = []
      let start = TimeRules.start - (numbers.next(5) == 0 ? 20_000 * TimeRules.day : 0)
      for position in 0..<count {
        var at = start + Int64(numbers.next(24)) * TimeRules.day
        if numbers.next(4) == 0 { at += Int64(numbers.next(24)) * TimeRules.hour }
        if numbers.next(8) == 0 { at += [-1, 1][numbers.next(2)] }
        var data = ""
        let type = pick(["purchase", "purchase", "visit", "visit", "tag", "due", "other"])
        switch type {
        case "purchase":
          let sign = allowsNegative && numbers.next(6) == 0 ? "-" : ""
          data = "\"amount\":\"\(sign)\(numbers.next(12)).\(pick(["00", "50"]))\""
        case "visit":
          data = "\"n\":\(numbers.next(9) - (allowsNegative ? 2 : 0)),\"w\":\(numbers.next(9)).25"
        case "tag": data = "\"code\":\"\(pick(["x", "y", "z", "u", "v"]))\""
        case "due":
          data = "\"at\":\"\(Instant.text(at + Int64(numbers.next(200)) * TimeRules.hour))\""
        default: break
        }
        if numbers.next(12) == 0 { data = "" }
        let text =
          #"{"id":"e\#(position)","source":"s","type":"\#(type)","subject":"C","time":"\#(Instant.text(at))","data":{\#(data)}}"#
        if let line = EventLine(position: UInt64(position), line: Array(text.utf8)) {
          lines.append(line)
        }
      }
      return lines
    }
  }

  /// What came up, so that the test can say that it met everything.
  struct Met {
    var customers = 0
    var beyond = 0
    var timers = 0
    var parked = 0
    var next = 0
    var faults = 0
  }

  @Test(arguments: [90_001, 90_011] as [UInt64])
  func `truth words and the tree evaluator come to the same`(seed: UInt64) throws {
    print("seed \(seed)")
    var writer = Writer(numbers: Numbers(state: seed))
    var met = Met()
    for _ in 0..<50 {
      let text = writer.rules()
      let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "engines.yaml")
      let rules = try #require(loaded.rules, "\(loaded.diagnostics)\n\(text)")
      let compiled = try CompiledRules(rules)
      // With room for few atoms, conditions become one atom each.
      let atomLimit =
        writer.numbers.next(3) > 0 ? TruthPlanBuilder.atomLimit : compiled.conditions.count + 1
      let plan = TruthPlanBuilder.plan(compiled, atomLimit: atomLimit)
      var tree = CustomerFold(compiled)
      var truth = TruthFold(compiled, plan: plan, engine: .words)
      let allowsNegative = writer.numbers.next(4) == 0
      for _ in 0..<30 {
        let lines = writer.events(1 + writer.numbers.next(20), allowsNegative: allowsNegative)
        let end = try #require(lines.map(\.occurred).max())
        let asOf = end + [0, 0, 3, 9, 40][writer.numbers.next(5)] * TimeRules.day
        _ = tree.load(lines)
        tree.fold(asOf: asOf)
        truth.customer.events = tree.events
        truth.evaluator.interner = tree.evaluator.interner
        truth.fold(asOf: asOf, rank: met.customers)
        met.customers += 1
        if truth.isBeyond { met.beyond += 1 }
        met.timers += tree.result.rows.count(where: \.isTimer)
        if tree.result.parked != nil { met.parked += 1 }
        if tree.result.next != nil { met.next += 1 }
        guard let what = truth.customer.result.difference(from: tree.result) else { continue }
        let events = lines.map { String(decoding: $0.line, as: UTF8.self) }.joined(separator: "\n")
        Issue.record("\(what)\nas of \(Instant.text(asOf))\n\(text)\n\(events)")
        return
      }
      if truth.faults != tree.faults {
        Issue.record("the counts of faults\n\(text)")
        return
      }
      met.faults += Int(tree.faults.conditions.reduce(0) { $0 + $1.count })
    }
    print(met)
    #expect(met.beyond * 3 < met.customers, "\(met)")
    #expect(met.timers > 300 && met.parked > 30 && met.next > 40 && met.faults > 2, "\(met)")
  }
}
