import CEL
import Testing

@testable import Projections

/// Rules files with one condition, and folds of one customer under them.
enum TimeRules {
  static let head = """
    rules: 1
    model: { name: time, version: 1 }
    currency: EUR
    events:
      visit:    { types: [visit] }
      purchase: { types: [purchase] }
    facts:
      n:      { count: purchase }
      n_30d:  { count: visit, within: 30d }
      last_p: { last_time: purchase }
      last_v: { last_time: visit }
      gone:   { last_time: purchase, within: 36h }
      winter: { expr: "now.getMonth() >= 10 || now.getMonth() <= 1" }
      age_h:  { expr: since(last_p).getHours() }
      due:    { expr: "now.getDayOfWeek() == 0 ? last_p : last_v + days(2)" }

    """

  /// The compiled rules, or the code and the words of the refusal.
  static func compile(_ condition: String, facts: String = "") -> (CompiledRules?, String) {
    let text =
      head + facts + """
        stages: [a, b, c]
        transitions:
          - { id: never, from: [a, b], to: c, when: "\(condition)" }
          - { id: ab, from: a, to: b, when: "n >= 2" }

        """
    let loaded = RulesLoader.load(bytes: Array(text.utf8), file: "time.yaml")
    guard let rules = loaded.rules else {
      return (nil, loaded.diagnostics.map { "\($0.code) \($0.message)" }.joined(separator: "\n"))
    }
    do {
      return (try CompiledRules(rules), "")
    } catch {
      return (nil, error.diagnostics.map { "\($0.code) \($0.message)" }.joined(separator: "\n"))
    }
  }

  static let hour: Int64 = 3_600_000_000
  static let day = 24 * hour
  /// 2024-01-01T00:00:00Z
  static let start: Int64 = 1_704_067_200_000_000

  static func event(_ position: Int, _ type: String, _ occurred: Int64) -> EventLine? {
    let text =
      #"{"id":"e\#(position)","source":"s","type":"\#(type)","subject":"C","time":"\#(Instant.text(occurred))"}"#
    return EventLine(position: UInt64(position), line: Array(text.utf8))
  }

  static func fold(
    _ compiled: CompiledRules, asOf: Int64, budget: LookBudget = .standard
  ) -> CustomerFold {
    let events = [
      event(0, "purchase", start), event(1, "visit", start + 30_000_000),
      event(2, "purchase", start + day),
    ]
    var fold = CustomerFold(compiled, budget: budget)
    _ = fold.load(events.compactMap { $0 }.filter { $0.occurred <= asOf })
    fold.fold(asOf: asOf)
    return fold
  }
}

@Suite struct TimeInRulesTests {
  @Test(arguments: [
    "int(now) % 61 == 70", "now.getMinutes() == 60", "since(last_p).getHours() % 24 == 25",
    "now.getSeconds() == 60", "now.getMilliseconds() < 0", "!(now.getMinutes() < 60)",
    "now.getMinutes() in [60, 70]", "now.getMonth() > 11", "-(int(now) % 61) == 70",
    "now.getHours() * 60 + now.getMinutes() >= 1440", "(int(now) % 61) / 7 == 9",
    "since(last_p).getMinutes() % 3 - since(last_v).getMinutes() % 3 >= 6",
    "int(now) % 61 == n * 100", "double(int(now) % 61) > 60.5", "int(now) % 30 == 30",
    "int(now) % 61 in [n * 500, 70]", "age_h % 24 == 24 + n",
    "(winter ? now.getHours() : now.getMinutes()) == 60",
    "now.getDayOfWeek() == 7 || now.getDate() == 0 || now.getDayOfYear() > 365",
    "((int(now) % 1000003) % 100003) % 10007 == 10007", "hours(now.getHours()) > hours(23)",
  ])
  func `what no instant can make true is taken, and looked at a handful of times`(
    _ condition: String
  ) throws {
    let (compiled, refusal) = TimeRules.compile(condition)
    let rules = try #require(compiled, "\(refusal)")
    // Ten years, and twenty more for what comes next.
    let fold = TimeRules.fold(
      rules, asOf: TimeRules.start + 3652 * TimeRules.day, budget: LookBudget(base: 10, perEvent: 0)
    )
    #expect(fold.result.parked == nil)
    #expect(fold.result.next == nil)
    #expect(fold.result.rows.map(\.to) == [0, 1])
  }

  @Test(arguments: [
    ("now.getSeconds() > 30", "now.getSeconds()"), ("int(now) % 30 == 5", "int(now) % 30"),
    ("since(last_p).getMilliseconds() == 5", "getMilliseconds"),
    ("since(last_p).getMinutes() - since(last_v).getMinutes() >= 6", "getMinutes"),
    ("since(last_p).getMinutes() == since(last_v).getMinutes()", "getMinutes"),
    ("string(now).endsWith('5Z')", "string(now)"),
    ("since(last_p).getMinutes() - n * since(last_v).getMinutes() in [1, 2]", "getMinutes"),
    ("(int(now) % 60 < 30) == (since(last_p).getMinutes() % 2 == 0)", "int(now) % 60"),
  ])
  func `what may change more often than once a minute for ever is refused by name`(
    _ condition: String, _ part: String
  ) {
    let (compiled, refusal) = TimeRules.compile(condition)
    #expect(compiled == nil)
    #expect(refusal.hasPrefix("time-unschedulable"))
    #expect(refusal.contains(part))
  }

  @Test func `sides that are chosen by what moves are solved piece by piece`() throws {
    func instants(_ condition: String) throws -> [String] {
      let (compiled, refusal) = TimeRules.compile(condition)
      let fold = TimeRules.fold(
        try #require(compiled, "\(refusal)"), asOf: TimeRules.start + 300 * TimeRules.day)
      return fold.result.rows.filter { $0.to == 2 }.map { Instant.text($0.at) }
    }
    #expect(
      try instants("since(last_p) > (winter ? days(150) : days(110))")
        == ["2024-04-21T00:00:00.000001Z"])
    #expect(
      try instants("since(now.getHours() < 12 ? last_p : last_p + days(1)) > hours(30)")
        == ["2024-01-03T06:00:00.000001Z"])
    #expect(
      try instants("now >= (now.getMonth() != 0 ? last_p : last_p + days(60))")
        == ["2024-02-01T00:00:00.000000Z"])
    #expect(
      try instants("since(last_p).getHours() in [n + 3, 50]") == ["2024-01-01T04:00:00.000000Z"])
    #expect(
      try instants("since(last_p) in [since(last_v) + hours(n * 12), hours(900)]")
        == ["2024-02-08T12:00:00.000000Z"])
  }

  @Test func `a customer at whom time would have to look too often is parked by name`() throws {
    let vain = "since(last_p).getMinutes() % 2 == 1 && since(last_p).getMinutes() % 2 == 0"
    let compiled = try #require(TimeRules.compile(vain).0)
    let budget = LookBudget(base: 500, perEvent: 10)
    let first = TimeRules.fold(compiled, asOf: TimeRules.start + 30 * TimeRules.day, budget: budget)
    let parked = try #require(first.result.parked)
    #expect(parked.reason == .budget && parked.reason.text == "budget")
    #expect(parked.transitions == [0])
    #expect(first.result.facts.isEmpty && first.result.next == nil)
    // Counted in instants: another as-of, and a fold that keeps more, come to the same.
    let later = TimeRules.fold(compiled, asOf: TimeRules.start + 90 * TimeRules.day, budget: budget)
    #expect(later.result.parked?.at == parked.at)
    #expect(later.result.rows == first.result.rows)
    // Where only what comes next takes too long, the customer is set aside at as-of.
    let early = TimeRules.start + TimeRules.hour
    #expect(TimeRules.fold(compiled, asOf: early, budget: budget).result.parked?.at == early)
  }

  @Test func `a chain of expr facts costs as much as it is long`() throws {
    let chain = (1...60).map { index in
      let before = index == 1 ? "age_h" : "x\(index - 1)"
      return
        "  x\(index): { expr: \"\(before) > 0 && \(before) < 100 ? \(before) + 1 : \(before)\" }\n"
    }
    let (compiled, refusal) = TimeRules.compile("x60 >= 90 && x60 < 1000", facts: chain.joined())
    let rules = try #require(compiled, "\(refusal)")
    let fold = TimeRules.fold(rules, asOf: TimeRules.start + 3 * TimeRules.day)
    // 60 links above 30 hours.
    #expect(fold.result.rows.last?.at == TimeRules.start + TimeRules.day + 30 * TimeRules.hour)
    #expect(fold.result.rows.last?.anchor == 2)
  }

  @Test func `macros that multiply are refused, and so are those over a list too long`() {
    let list = "[\((0..<40).map(String.init).joined(separator: ","))]"
    var nested = "a + b + c + d >= 0"
    for name in ["d", "c", "b", "a"] { nested = "\(list).all(\(name), \(nested))" }
    #expect(TimeRules.compile("n > 0 && \(nested)").1.hasPrefix("cel-limit"))
    #expect(TimeRules.compile("n in \(list).map(x, x * 2)").0 != nil)
    #expect(TimeRules.compile("\(list).exists(x, n == x)").0 != nil)
  }
}
