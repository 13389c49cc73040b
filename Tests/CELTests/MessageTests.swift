import CEL
import Testing

struct MessageTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var text: String
    var code: CompileError.Code
    var message: String
    var at: String

    init(_ text: String, _ code: CompileError.Code, _ message: String, at: String) {
      self.text = text
      self.code = code
      self.message = message
      self.at = at
    }

    var testDescription: String { text }
  }

  static let cases = [
    Case(
      "purchase_365d >= 4", .undeclared,
      "unknown name 'purchase_365d'; did you mean 'purchases_365d'?", at: "purchase_365d"),
    Case(
      "facts.visit > 3", .undeclared,
      "unknown name 'facts.visit'; did you mean 'facts.visits'?", at: "facts.visit"),
    Case(
      "has(facts.visit)", .undeclared,
      "unknown name 'facts.visit'; did you mean 'facts.visits'?", at: "facts.visit"),
    Case(
      "stage == 'x'", .undeclared,
      "'stage' alone has no value; name what is in it, such as 'stage.name'", at: "stage"),
    Case("zzz > 1", .undeclared, "unknown name 'zzz'", at: "zzz"),
    Case(
      "vip && snice(now) > days(1)", .undeclared,
      "unknown function 'snice'; did you mean 'since'?", at: "snice"),
    Case(
      "since > days(1)", .undeclared, "'since' is a function; call it as since(…)", at: "since"),
    Case(
      "since(last_purchase_at) > 90", .type,
      "'>' does not take duration and int; write days(90) or hours(90)",
      at: "since(last_purchase_at) > 90"),
    Case(
      "revenue >= 500", .type, "a number is not money; write money(\"500.00\")", at: "500"),
    Case(
      "revenue >= 499.9", .type, "a number is not money; write money(\"499.90\")", at: "499.9"),
    Case(
      "revenue * 1.5 > 0", .type, "money is multiplied and divided by an int, not by a double",
      at: "revenue * 1.5"),
    Case(
      "channel == null", .type,
      "'==' does not take string and null_type; has(…) tells whether a value is set",
      at: "channel == null"),
    Case(
      "visits + 1.0 > 2", .type, "'+' does not take int and double; write double(visits) + 1.0",
      at: "visits + 1.0"),
    Case(
      "channel.startsWith(5)", .type, "startsWith() on string does not take (int)",
      at: "channel.startsWith(5)"),
    Case(
      "startsWith(channel, 'a')", .type,
      "startsWith() is called on a value, as in x.startsWith(…)", at: "startsWith(channel, 'a')"),
    Case(
      "since(now, now) > days(1)", .type, "since() takes 1 argument, not 2", at: "since(now, now)"),
    Case(
      "[1].exists(x, x)", .type, "the condition of exists() is a bool, not int", at: "x"),
    Case(
      "vip ? 1 : 'a'", .type, "the branches of '?:' have two types: int and string",
      at: "vip ? 1 : 'a'"),
    Case(
      "channel.matches('a+')", .unsupported,
      "matches() is not available (regular expressions; use startsWith, endsWith or contains)",
      at: "channel.matches('a+')"),
    Case(
      "Shop{a: 1}.a == 1", .unsupported, "messages ('Shop{…}') are not available",
      at: "Shop{a: 1}"),
    Case(
      "[1].all(i, x, true)", .unsupported,
      "two-variable comprehensions (all()) are not available", at: "[1].all(i, x, true)"),
    Case(
      "channel.?x == 1", .unsupported, "optional values ('?') are not available", at: "?"),
    Case(
      "math.sqrt(score) > 1.0", .unsupported, "the function math.sqrt() is not available",
      at: "math.sqrt(score)"),
    Case(
      "has(visits)", .syntax, "has() takes one selection of a field, as in has(facts.x)",
      at: "visits"),
    Case("visits = 3", .syntax, "unexpected character '='; equality is written '=='", at: "="),
    Case("visits >", .syntax, "unexpected the end of the text, expected a value", at: ""),
    Case("(visits > 1", .syntax, "unexpected the end of the text, expected ')'", at: ""),
    Case("for > 1", .syntax, "'for' is a reserved word", at: "for"),
    Case("channel == 'abc", .syntax, "the string is not closed", at: "'"),
    Case("  ", .syntax, "the expression is empty", at: ""),
    Case(
      "visits > 99999999999999999999", .literal,
      "the int 99999999999999999999 does not fit into 64 bits", at: "99999999999999999999"),
    Case(
      "since(now) > duration('90d')", .literal, "'90d' is no duration; write days(90)",
      at: "'90d'"),
    Case(
      "since(now) > duration('100ns')", .literal,
      "the duration '100ns' is finer than a microsecond, in which rules count", at: "'100ns'"),
    Case(
      "since(now) > days(200000)", .literal,
      "days(200000) is beyond the range of durations", at: "200000"),
    Case(
      "since(now) > days(100000) + days(100000)", .literal,
      "the result does not fit into duration", at: "days(100000) + days(100000)"),
    Case(
      "now > timestamp('2024-02-30T00:00:00Z')", .literal,
      "'2024-02-30T00:00:00Z' is no timestamp; write one such as '2024-04-28T16:45:00Z'",
      at: "'2024-02-30T00:00:00Z'"),
    Case(
      "revenue > money('5.001')", .literal, "'5.001' has more than the 2 decimals of EUR",
      at: "'5.001'"),
    Case(
      "revenue > money('five')", .literal,
      "'five' is no amount; write a number such as '500.00'", at: "'five'"),
    Case(
      "revenue > money(channel)", .type,
      "money() takes a constant string, as in money(\"500.00\")", at: "channel"),
    Case(
      "now.getHours('Mars') > 3", .literal,
      "unknown time zone 'Mars'; use UTC or an offset such as '+02:00'", at: "'Mars'"),
  ]

  @Test(arguments: cases)
  func `a faulty condition is named with its place and remedy`(_ example: Case) throws {
    let error = try #require(compileError(example.text))

    #expect(error.code == example.code)
    #expect(error.message == example.message)
    #expect(excerpt(example.text, error.range) == example.at)
  }

  @Test func `of several faults the leftmost is named`() throws {
    let error = try #require(compileError("aaaa > 1 && bbbb > 2"))

    #expect(error.message == "unknown name 'aaaa'")
  }

  @Test func `functions of rules are unknown elsewhere`() throws {
    let plain = Environment(variables: ["now": .timestamp])

    #expect(
      compileError("since(now) > duration('1s')", plain)?.message == "since() is not available here"
    )
    #expect(compileError("money('1.00') == money('1.00')", plain)?.code == .undeclared)
    #expect(compileError("days(1) == days(1)", plain)?.code == .undeclared)
  }

  @Test func `in_stage needs a stage`() throws {
    var environment = rulesEnvironment
    environment.variables["stage.entered_at"] = nil

    let error = try #require(compileError("in_stage() > days(1)", environment))

    #expect(error.code == .undeclared)
    #expect(error.message == "in_stage() is not available here")
  }

  @Test func `an environment lists its functions and reserved words`() {
    #expect(rulesEnvironment.functionNames.contains("in_stage"))
    #expect(rulesEnvironment.functionNames.contains("exists_one"))
    #expect(rulesEnvironment.functionNames.contains("money"))
    #expect(!Environment().functionNames.contains("since"))
    #expect(!Environment().functionNames.contains { $0.contains(".") || $0.contains("_&&_") })
    #expect(Environment.reservedWords.contains("in"))
  }
}
