import CEL
import Testing

struct EvaluationTests {
  private let now: [String: Value] = [
    "now": .timestamp(Timestamp(seconds: 86_400 * 100, nanoseconds: 0)),
    "stage.entered_at": .timestamp(Timestamp(seconds: 86_400 * 86, nanoseconds: 0)),
    "last_purchase_at": .timestamp(Timestamp(seconds: 86_400 * 10, nanoseconds: 0)),
    "visits": .int(3), "score": .double(2.5), "channel": .string("app"),
  ]

  @Test(arguments: [
    ("since(last_purchase_at) >= days(90)", "true"),
    ("since(last_purchase_at) > days(90)", "false"),
    ("in_stage()", "duration(1209600000000000)"),
    ("in_stage() == weeks(2)", "true"),
    ("hours(36)", "duration(129600000000000)"),
    ("days(-1)", "duration(-86400000000000)"),
    ("visits > 2.5 && score < visits && 3 == 3.0 && 3u != 4", "true"),
    ("nps_last > 1", "error(unset)"),
    ("false && nps_last > 1", "false"),
    ("nps_last > 1 && false", "false"),
    ("nps_last > 1 || true", "true"),
    ("nps_last > 1 && true", "error(unset)"),
    ("1 / 0 > 0 && nps_last > 1", "error(division-by-zero)"),
    ("nps_last > 1 && 1 / 0 > 0", "error(unset)"),
    ("nps_last + 1 / 0", "error(unset)"),
    ("1 / 0 + nps_last", "error(division-by-zero)"),
    ("has(facts.visits)", "false"),
    ("true ? 1 : nps_last", "int(1)"),
    ("[1, 0].exists(x, 1 / x == 1)", "true"),
    ("[0, 1].exists(x, 1 / x == 1)", "true"),
    ("[0, 1].all(x, 1 / x == 1)", "error(division-by-zero)"),
    ("[0, 2].all(x, 1 / x == 1)", "false"),
    ("[0, 1].exists_one(x, 1 / x == 1)", "error(division-by-zero)"),
    ("[1, 2, 3].map(x, x > 1, x * x)", "[int(4), int(9)]"),
    ("[[1], [2]].map(x, x.map(x, x + 1))", "[[int(2)], [int(3)]]"),
    ("{'b': 1, 'a': 2}", "{'b': int(1), 'a': int(2)}"),
    ("channel in ['web', 'app']", "true"),
    ("visits in [1, 2]", "false"),
    ("duration('1h30m') + duration('-.5s')", "duration(5399500000000)"),
    ("string(duration('1.5s'))", "'1.5s'"),
    ("string(timestamp('2024-02-29T23:59:59.120+01:00'))", "'2024-02-29T22:59:59.12Z'"),
    ("timestamp('2024-12-31T23:30:00Z').getDayOfYear('+01:00')", "int(0)"),
    ("timestamp('1969-12-31T23:59:59Z').getDayOfWeek()", "int(3)"),
    ("timestamp('2024-02-29T12:00:00Z').getMonth()", "int(1)"),
    ("math.round(-2.5)", "double(-3.0)"),
    ("math.greatest(1, 2.5)", "double(2.5)"),
    ("math.abs(-9223372036854775808)", "error(overflow)"),
    ("-7 / 2 * 10 + -7 % 2", "int(-31)"),
    ("size('日本') + size([1]) + size({1: 2})", "int(4)"),
    ("string(1e6) + string(123456.5) + string(1e-5)", "'1e+06123456.51e-05'"),
  ])
  func `expressions have these values`(_ text: String, _ expected: String) {
    #expect(evaluated(text, now) == expected)
  }

  @Test func `strings are code points, never canonically equal`() {
    #expect(evaluated("'\\u00e9' == 'e\\u0301'") == "false")
    #expect(evaluated("size('e\\u0301')") == "int(2)")
    #expect(evaluated("'e\\u0301' < '\\u00e9'") == "true")
    #expect(evaluated("'\\uffff' < '\\U0001f600'") == "true")
    #expect(evaluated("'e\\u0301x'.startsWith('e')") == "true")
    #expect(evaluated("{'\\u00e9': 1, 'e\\u0301': 2}['e\\u0301']") == "int(2)")
    #expect(Functions.equal(.string("\u{E9}"), .string("e\u{301}")) == false)
  }

  @Test func `has asks whether a variable is set`() throws {
    let checked = try rulesEnvironment.check("has(facts.visits)")
    let overflow = EvaluationError(code: .overflow, message: "")

    let set = checked.evaluate { _ in .success(.int(1)) }
    let unset = checked.evaluate { _ in
      .failure(EvaluationError(code: .unset, message: ""))
    }
    let failed = checked.evaluate { _ in .failure(overflow) }

    #expect(try describe(set.get()) == "true")
    #expect(try describe(unset.get()) == "false")
    #expect(throws: overflow) { try failed.get() }
  }

  @Test func `durations count nanoseconds within 64 bits`() {
    let plain = Environment()

    #expect(evaluated("duration('1ns')", [:], plain) == "duration(1)")
    #expect(
      evaluated("duration('-2562047h47m16.854775808s')", [:], plain)
        == "duration(-9223372036854775808)")
    #expect(
      evaluated("duration('2562047h47m16.854775808s')", [:], plain).hasPrefix("compile error"))
    #expect(
      evaluated("timestamp(9223372036) - timestamp(-1) > duration('1s')", [:], plain)
        == "compile error: the time between the timestamps is beyond the range of durations")
  }

  @Test func `operators can be called by name`() throws {
    #expect(try describe(Functions.call("_+_", [.int(1), .int(2)]).get()) == "int(3)")
    #expect(
      try describe(Functions.call("startsWith", [.string("ab"), .string("a")]).get()) == "true")
    #expect(try describe(Functions.call("days", [.int(1)]).get()) == "duration(86400000000000)")
    #expect(throws: EvaluationError.self) {
      try Functions.call("_+_", [.int(1), .bool(true)]).get()
    }
    #expect(throws: EvaluationError.self) { try Functions.call("nothing", []).get() }
  }

  @Test func `numbers compare on one line, an int beside a double as a double`() {
    #expect(Functions.equal(.int(9_007_199_254_740_993), .double(9_007_199_254_740_992)))
    #expect(Functions.equal(.int(1), .uint(1)))
    #expect(!Functions.equal(.int(-1), .uint(.max)))
    #expect(!Functions.equal(.double(.nan), .double(.nan)))
    #expect(!Functions.equal(.bool(true), .int(1)))
  }
}
