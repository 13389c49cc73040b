import Foundation
import Testing

/// What `check` says of a rules file: where, what, and what to write instead.
@Suite struct CheckTests {
  private static let head = """
    rules: 1
    model: { name: t, version: 1 }
    currency: EUR
    events:
      purchase: { types: [purchase], fields: { amount: money, stars: int } }
      nps: { types: [nps], fields: { score: int } }
    facts:
      p: { last_time: purchase }
      n: { count: purchase }
      m: { count: nps }
      s: { last: nps.score }
      rev: { sum: purchase.amount }

    """

  private func check(_ text: String) throws -> Program {
    let place = try Place()
    return try Program.run("check", try place.file("r.yaml", text))
  }

  private func errors(_ program: Program) -> Int {
    program.errors.components(separatedBy: "error[").count - 1
  }

  private static let habits: [(when: String, says: String)] = [
    ("n >= 2 and n < 3", "write &&"), ("n >= 2 or n < 3", "write ||"),
    ("not (n > 1)", "write !(…)"), ("n between 1 and 2", "'between' is no operator"),
    ("n = 2", "equality is written '=='"), ("n <> 2", "write '!='"),
    ("n is null", "has(facts.x)"), ("rev > 5", #"write money("5.00")"#),
    ("now.year() > 2020", "write getFullYear()"), ("n * 1.5 > 2", "write double(n) * 1.5"),
    ("p > '2024-01-01'", #"write timestamp("2024-01-01T00:00:00Z")"#),
    ("amount > 3", "`amount` is a field of `purchase`"),
    ("event.amount > 3", "a condition over a customer sees facts"),
    ("len(stage.name) > 2", "write size(…)"), ("since(p) > 90d", "write days(90)"),
    ("n >= ‘2’", "a text stands in straight quotes"),
    ("stage.name == 'actve'", "did you mean 'active'?"),
    ("'actve' != stage.previous", "did you mean 'active'?"),
    ("stage.name in ['active', 'x']", "'x' is no stage"),
    ("stage.name == 'advocacy'", "only another name of stage 'active'"),
    ("since(p) > 30 days", "write days(30)"), ("since(p).days() > 3", "compare it with days(90)"),
    ("rev > 1,000", "write 1000"), ("now > p + 90", "write p + days(90)"),
    ("since(p) > days(1.5)", "write hours(36)"), ("stage.name == 3", "quotes: '3'"),
    ("nps.score > 8", "`last_score: { last: nps.score }`"),
    ("event.time < now", "declare a `last_time` fact"),
    ("rfm.r > 3", "only segments may read `rfm.r`"),
  ]

  @Test(arguments: habits)
  func `a habit of another language gets one error that says what to write`(
    _ when: String, _ says: String
  ) throws {
    let program = try check(
      Self.head
        + """
        stages: [{ name: active, also: [advocacy] }, b]
        transitions:
          - id: x
            from: active
            to: b
            when: |
              \(when)

        """)

    program.expect(1)
    #expect(program.errors.contains(says), "\(program.errors)")
    #expect(errors(program) == 1, "\(program.errors)")
    #expect(program.errors.contains(":19:"), "\(program.errors)")
  }

  /// The caret stood at the scalar's start.
  @Test func `the caret stands below the word, however the scalar is written`() throws {
    let program = try check(
      Self.head
        + """
        stages: [a, b]
        transitions:
          - id: w
            from: a
            to: b
            when: |
              n >= 2 &&
                nn < 3
          - { id: x, from: a, to: b, when: "n > 1 && \\"a\\" == bb" }
          - { id: y, from: a, to: b, when: 'n > 1 && ''a'' == cc' }
          - id: z
            from: a
            to: b
            when: n > 1 &&
              dd > 2

        """)

    for place in [":20:9", ":21:55", ":22:55", ":27:7"] {
      #expect(program.errors.contains(place), "\(place): \(program.errors)")
    }
    #expect(errors(program) == 4)
  }

  /// One bad fact brought five errors, one of them false ("move it up").
  @Test func `one bad fact is one error`() throws {
    let program = try check(
      Self.head
        + """
          bad: { sum: purchase.amuont }
          worse: { expr: "bad * 2" }
        stages: [a, b]
        transitions:
          - { id: x, from: a, to: b, when: 'bad > money("1.00") && worse > money("2.00")' }
        segments:
          rich: { when: 'bad > money("1.00")' }

        """)

    program.expect(1)
    #expect(errors(program) == 1, "\(program.errors)")
    #expect(program.errors.contains("did you mean `amount`?"))
  }

  private static let yaml: [(text: String, says: String)] = [
    ("rules: 1\nmodel:\n\tname: x\n", "a tab stands where YAML takes blanks only"),
    ("rules: 1\nmodel: { name: \"x, version: 1 }\n", "has no end"),
    ("rules: 1\nfacts:\n  a: { count: p }\n   b: 3\n", "indented otherwise"),
    ("rules: 1\nstages: [a, b\nfacts: {}\n", "the `[` that opens here is not closed"),
    ("rules: 1\nwhen: \"a == \"b\"\"\n", "a text in quotes ends before the value does"),
    ("rules: 1\nwhen: a ? b : c\n", "a second colon stands in one value"),
    ("rules: 1\nwhen: !has(a)\n", "begins with `!` is a tag to YAML"),
    ("rules: 1\nwhen: !(a > 1)\n", "begins with `!` is a tag to YAML"),
    ("rules:1\nmodel: { name: x }\n", "a blank is missing"),
    ("rules: 1\n---\nmodel: 1\n", "a second document begins here"),
    ("rules: 1\nt:\n  - id: t\n    from: a\n   to: b\n", "this line belongs to no key above it"),
  ]

  @Test(arguments: yaml)
  func `YAML that cannot be read is told in our words, with its place`(
    _ text: String, _ says: String
  ) throws {
    let program = try check(text)

    program.expect(1)
    #expect(program.errors.contains(says), "\(program.errors)")
    #expect(program.errors.contains("r.yaml:"))
  }

  @Test func `a byte order mark is taken, and no control byte of a file reaches the terminal`()
    throws
  {
    let marked = try check("\u{feff}" + Self.head + "stages: [a]\ntransitions: []\n")
    let escape = try check(Self.head + "stages: [\"a\u{1b}[31m\"]\ntransitions: []\n")

    marked.expect(0)
    escape.expect(1)
    #expect(!escape.errors.contains("\u{1b}"))
  }

  @Test func `a name that stands twice names both places`() throws {
    let program = try check(
      Self.head
        + """
        stages: [a, b]
        transitions:
          - { id: x, from: a, to: b, when: "n > 1" }
          - { id: x, from: b, to: a, when: "n > 2" }

        """)

    #expect(program.errors.contains("two transitions have the id `x`, in line 15 and in line 16"))
  }

  private func chase(_ transitions: String, _ stages: String = "[a, b]") throws -> Program {
    try check(Self.head + "stages: \(stages)\ntransitions:\n\(transitions)")
  }

  /// A replay parked four of five customers, and no word came before it.
  @Test func `a sure chase is found by arithmetic, with the boundary`() throws {
    let program = try chase(
      """
        - { id: out, from: a, to: b, when: "since(p) >= days(90)" }
        - { id: back, from: b, to: a, when: "since(p) <= days(90)" }

      """)

    program.expect(0)
    #expect(
      program.errors.contains(
        "`out` (line 15) and `back` (line 16) chase each other, so that customers are parked: both hold when since(p) is 90 days"
      ), "\(program.errors)")
  }

  /// The age of a fact whose name comes before `now` was told as "last - now is -90 days".
  @Test func `an age is one, whatever the fact is called`() throws {
    let program = try check(
      Self.head.replacingOccurrences(of: "p: { last_time", with: "last: { last_time")
        + """
        stages: [a, b]
        transitions:
          - { id: out, from: a, to: b, when: "now - last >= days(90)" }
          - { id: back, from: b, to: a, when: "last + days(90) >= now" }

        """)

    #expect(program.errors.contains("both hold when since(last) is 90 days"), "\(program.errors)")
  }

  @Test func `a chase that asks for many events is found, and told with no event too many`() throws
  {
    let program = try chase(
      """
        - { id: there, from: a, to: b, when: "n >= 5 && m >= 3" }
        - { id: back, from: b, to: a, when: "s >= 9" }

      """)

    #expect(program.errors.contains("warning[chase]: `there` (line 15) and `back` (line 16)"))
    #expect(program.errors.components(separatedBy: "purchase at").count - 1 == 5)
    #expect(program.errors.components(separatedBy: "nps at").count - 1 == 3)
  }

  /// `transitons:` was two errors, and `cont: purchase` three.
  @Test(arguments: [
    ("transitions:", "transitons:"), ("facts:", "fatcs:"), ("events:", "event:"),
    ("stages:", "stagse:"), ("count: purchase", "cont: purchase"), ("types: [nps]", "tpyes: [nps]"),
    ("fields: { score", "feilds: { score"), ("when:", "whne:"), ("from:", "form:"),
  ])
  func `a mistyped key is one error, and is taken for the one that was meant`(
    _ right: String, _ wrong: String
  ) throws {
    let text =
      Self.head + """
        stages: [a, b]
        transitions:
          - { id: out, from: a, to: b, when: "n >= 1 && s > 2 && stage.name == 'a'" }

        """
    let program = try check(text.replacingOccurrences(of: right, with: wrong))

    program.expect(1)
    #expect(errors(program) == 1, "\(program.errors)")
    #expect(program.errors.contains("error[unknown-key]"))
  }

  @Test func `a chase that arithmetic cannot see is found by a made-up customer`() throws {
    let program = try chase(
      """
        - { id: there, from: a, to: b, when: "n >= 2 && s >= 9" }
        - { id: back, from: b, to: a, when: "m == 1 && s >= 9" }

      """)
    let endless = try chase(
      """
        - { id: there, from: a, to: b, when: "in_stage() >= days(1) && n >= 1" }
        - { id: back, from: b, to: a, when: "in_stage() >= days(1) && m == 0" }

      """)

    #expect(program.errors.contains("warning[chase]: `there` (line 15) and `back` (line 16)"))
    #expect(program.errors.contains("nps at 2024-"))
    #expect(endless.errors.contains("warning[endless-timers]"), "\(endless.errors)")
  }

  @Test func `conditions that exclude each other are no chase`() throws {
    let program = try chase(
      """
        - { id: out, from: a, to: b, when: "since(p) >= days(90)" }
        - { id: back, from: b, to: a, when: "since(p) < days(90)" }

      """)

    program.expect(0)
    #expect(!program.errors.contains("chase"), "\(program.errors)")
  }

  /// It said "expected 1 row, found 0", and never that the customer was parked.
  @Test func `a failing test says that the customer was parked, since when and by what`() throws {
    let program = try chase(
      """
        - { id: out, from: a, to: b, when: "n == 2" }
        - { id: back, from: b, to: a, when: "n == 2" }
      tests:
        - name: two purchases
          given: [ { at: 2024-01-01, type: purchase }, { at: 2024-01-02, type: purchase } ]
          expect: [ { to: b } ]

      """)

    program.expect(1)
    #expect(program.errors.contains("parked since 2024-01-02T00:00:00.000000Z"))
    #expect(program.errors.contains("`out` (line 15), `back` (line 16)"), "\(program.errors)")
  }

  @Test func `a type that no alias names and a stage that is none are said of a test`() throws {
    let program = try chase(
      """
        - { id: out, from: a, to: b, when: "n == 2" }
      tests:
        - { name: one, given: [ { at: 2024-01-01, type: purchases } ], expect: [] }

      """)
    let wrong = try chase(
      """
        - { id: out, from: a, to: b, when: "n == 2" }
      tests:
        - { name: one, given: [ { at: 2024-01-01, type: purchase } ], expect: [ { to: bb } ] }

      """)

    #expect(program.errors.contains("warning[unknown-event-type]"))
    #expect(program.errors.contains("did you mean `purchase`?"), "\(program.errors)")
    wrong.expect(1)
  }

  @Test func `an unreachable stage is named with what leads there in vain`() throws {
    let program = try chase(
      """
        - { id: out, from: b, to: c, when: "n == 2" }

      """, "[a, b, c]")

    #expect(program.errors.contains("no transition leads to stage `b`"))
    #expect(program.errors.contains("stage `c` is never reached: `out` (line 15) starts from `b`"))
  }

  @Test func `a mistyped function of an attribute is not taken for a field`() throws {
    let checked = try check(
      """
      rules: 1
      model: { name: m, version: 1 }
      currency: EUR
      ignore: event.subject.startswith('qa-')
      events: { buy: { types: [buy] } }
      facts: { n: { count: buy } }
      stages: [a]
      """)

    #expect(checked.errors.contains("unknown function 'startswith'; did you mean 'startsWith'?"))
    #expect(!checked.errors.contains("= help"), "\(checked.errors)")
  }

  @Test func `a type that event.type never is is said, and no error`() throws {
    let text = """
      rules: 1
      model: { name: m, version: 1 }
      currency: EUR
      events:
        nps:    { types: [nps_response, nps], fields: { score: int }, where: "event.type in ['nps', 'npss']" }
        review: { types: [review], fields: { stars: int } }
      facts:
        answers: { count: nps, where: "event.type == 'nps_respons'" }
        good:    { count: [nps, review], where: "event.type != 'review' || event.stars >= 4" }
      stages: [a]
      """

    let checked = try check(text)

    checked.expect(0)
    #expect(errors(checked) == 0)
    #expect(checked.errors.split(separator: "\n").count { $0.hasPrefix("warning[cel-text]") } == 2)
    #expect(
      checked.errors.contains(
        "`where` of fact `answers`: 'nps_respons' is no type of `nps`, so event.type is never that; did you mean 'nps_response'?"
      ), "\(checked.errors)")
  }

  @Test func `several files are checked at once, each by its name`() throws {
    let place = try Place()
    let good = Program.fixture("rules/retail.yaml")
    let bad = try place.file(
      "bad.yaml", BuyerRules.head("bad").replacing("buys >= 1", with: "buy >= 1"))
    let run = try Program.run("check", good, bad, "--format", "json")
    run.expect(1)
    let object = try run.object()
    let errors = try #require(object["errors"] as? [[String: Any]])
    #expect(errors.map { $0["file"] as? String } == [bad])
    #expect((object["tests"] as? [String: Any])?["passed"] as? Int == 5)
    let text = try Program.run("check", good, good)
    text.expect(0)
    #expect(text.output.split(separator: "\n").count == 2)
    try Program.run("check").expect(64)
  }

  @Test func `coverage says what tests never try, and what a log never does`() throws {
    let place = try Place()
    let rules = try place.file(
      "r.yaml",
      BuyerRules.head("shop")
        + """
          - { id: back, from: buyer, to: new, when: "backs >= 1" }
        segments:
          big: { when: "buys >= 2" }
          known: { when: "buys >= 0" }
        population: { part: { ntile: { of: buys, n: 2 } } }
        tests:
          - { name: buys, given: [{ at: 2024-01-01, type: purchase }], expect: [{ to: buyer }] }
          - { name: none, given: [{ at: 2024-01-01, type: visit }], expect: [] }

        """.replacing("big:", with: "best: { when: \"part == 2\" }\n  big:"))
    let text = try String(contentsOfFile: rules, encoding: .utf8)
      .replacing("  buys: { count: buy }", with: "  buys: { count: buy }\n  backs: { count: back }")
      .replacing("buys >= 1", with: "buys >= 1 && backs == 0")
    try text.write(toFile: rules, atomically: true, encoding: .utf8)
    func coverage(_ arguments: String...) throws -> [String: [String: Any]] {
      let run = try Program.run(["check", rules, "--coverage", "--format", "json"] + arguments)
      run.expect(0)
      let found = try #require(try run.object()["coverage"] as? [String: Any])
      return found.compactMapValues { $0 as? [String: Any] }
    }
    let tests = try coverage()
    #expect(tests["transitions"] as? [String: Int] == ["buy": 1, "back": 0])
    #expect(tests["stages"] as? [String: Int] == ["new": 2, "buyer": 1])
    #expect(tests["segments"]?["big"] as? Int == 0)
    #expect(tests["segments"]?["known"] as? Int == 2)
    #expect(tests["segments"]?["best"] is NSNull)

    let lines = (0..<3).map {
      event($0, $0 == 2 ? "refund" : "purchase", "2024-01-0\($0 + 1)T00:00:00Z")
    }
    try Program.run("import", place.store, try place.file("e", lines.joined()), "-q").expect(0)
    let log = try coverage("--store", place.store)
    #expect(log["transitions"] as? [String: Int] == ["buy": 1, "back": 1])
    #expect(log["stages"] as? [String: Int] == ["new": 2, "buyer": 1])
    #expect(log["segments"]?["big"] as? Int == 1)
    let shown = try Program.run("check", rules, "--coverage").output
    #expect(shown.contains("transition  back           never    13"), "\(shown)")
    #expect(shown.contains("segment     best   at as-of only    15"), "\(shown)")
  }

  @Test func `what was mistyped is written as it was meant, and nothing else`() throws {
    let mistyped = """
      rules: 1
      model:    { name: retail, version: 3 }   # curency is no key either
      curency: EUR
      identity: { link: identfy.anonymous_id }
      events:
        purchase:
          types:  [purchase, order_paid]
          where:  event.statu != 'cancelled'
          fields: { amount: mony, status: { type: string, path: order.status, default: paid } }
        nps:      { types: [nps_response], fields: { score: int } }
        identify: { types: [identify], fields: { anonymous_id: string } }
      facts:
        purchases: { count: purchse }
        nps_last:  { last: nps.scor, within: 365d }
        good:      { count: nps, where: "event.type.startswith('nps')" }
        last_purchase_at: { last_tim: purchase }
      stages: [reach, conversion, lapsed]
      transitions:
        - { id: a, from: reach, to: conversoin, when: "purchases >= 1 && nps_lst > 3" }
        - { id: b, from: convertion, to: lapsed, when: "since(last_purchase_at) >= dys(90)" }
        - { id: c, from: lapsed, to: reach, when: "stage.nam == 'lapsd'" }
        - { id: d, from: lapsed, to: reach, when: "foobar > 3" }
      """.replacing("\n", with: "\r\n")
    var meant = mistyped
    for (old, new) in [
      ("curency: ", "currency: "), ("identfy", "identify"), ("event.statu ", "event.status "),
      ("mony", "money"), ("purchse", "purchase"), ("nps.scor,", "nps.score,"),
      ("startswith", "startsWith"), ("last_tim:", "last_time:"), ("conversoin", "conversion"),
      ("nps_lst", "nps_last"), ("convertion", "conversion"), ("dys(", "days("),
      ("stage.nam ", "stage.name "), ("lapsd", "lapsed"),
    ] { meant = meant.replacing(old, with: new) }
    let place = try Place()
    let file = try place.file("r.yaml", mistyped)

    let fixed = try Program.run("check", file, "--fix")

    // What nobody could have meant stays an error.
    fixed.expect(1)
    #expect(errors(fixed) == 1)
    #expect(fixed.errors.contains("r.yaml:13: `purchse` is `purchase` now"), "\(fixed.errors)")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == meant)
    let again = try Program.run("check", file, "--fix")
    #expect(again.errors.contains("r.yaml: nothing to fix"))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == meant)
    let right = Program.fixture("rules/retail.yaml")
    let before = try Data(contentsOf: URL(fileURLWithPath: right))
    try Program.run("check", right, "--fix", "-q").expect(0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: right)) == before)
  }

  @Test func `the schema names every key that there is, and the names of a file`() throws {
    func schema(_ arguments: String...) throws -> [String: Any] {
      let run = try Program.run(["check", "--schema"] + arguments)
      run.expect(0)
      return try run.object()
    }
    let general = try schema()
    let place = try Place()
    let wrong = try Program.run("check", try place.file("r.yaml", "zzzzzzzz: 1\n"))
    let known = try #require(wrong.errors.firstMatch(of: #/known keys are (.*)/#)?.1)
    let properties = try #require(general["properties"] as? [String: Any])
    #expect(Set(properties.keys) == Set(known.components(separatedBy: ", ")))

    let own = String(
      decoding: try JSONSerialization.data(
        withJSONObject: try schema(Program.fixture("rules/retail.yaml"))), as: UTF8.self)
    for name in ["\"won_back\"", "\"purchase.amount\"", "\"purchases_365d\""] {
      #expect(own.contains(name), "\(name)")
    }
    try Program.run("check", "--schema", "--fix").expect(64)
    try Program.run("check", "--schema", "a.yaml", "b.yaml").expect(64)
    try Program.run("check", "--schema", "\(place.path)/r.yaml").expect(2)
  }

  @Test func `stages are drawn, whatever their conditions hold`() throws {
    let place = try Place()
    let rules = try place.file(
      "r.yaml",
      BuyerRules.head("shop").replacing(
        "buys >= 1", with: "buys >= 1 && stage.name == 'new' || buys > 2"))
    let drawn = try Program.run("check", rules, "--diagram")
    drawn.expect(0)
    #expect(
      drawn.output == """
        stateDiagram-v2
          state "new" as s0
          state "buyer" as s1
          [*] --> s0
          s0 --> s1 : buy#58; buys #62;= 1 && stage.name == 'new' #124;#124; buys #62; 2

        """)
    let questions = try Program.run("check", Program.fixture("rules/first-match.yaml"), "--diagram")
    #expect(questions.output.hasPrefix("flowchart TD\n  s0([\"lapsed\"])\n"))
    try Program.run("check", rules, rules, "--diagram").expect(64)
    try Program.run("check", rules, "--diagram", "--format", "json").expect(64)
    try Program.run("check", rules, "--diagram", "--coverage").expect(64)
  }
}
