import Foundation
import Testing

/// Zeros that are no zeros: a mistyped type, an amount with a comma, a currency without rate gave 0 and exit 0, and the only
/// trace was `no-value` in a table.
@Suite struct FaultTests {
  private static let head = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR

    """

  private struct Fault: Equatable {
    var kind: String
    var name: String
    var reason: String
    var count: Int
    var position: Int?
  }

  private func faults(_ program: Program) throws -> [Fault] {
    let list = try #require(program.object()["faults"] as? [[String: Any]])
    return list.map { fault in
      let kind =
        ["fact", "alias", "identity", "transition", "stage", "segment"]
        .first { fault[$0] != nil } ?? ""
      return Fault(
        kind: kind, name: fault[kind] as? String ?? "", reason: fault["reason"] as? String ?? "",
        count: fault["count"] as? Int ?? -1, position: fault["first_position"] as? Int)
    }
  }

  private func replayed(
    _ events: String, _ rules: String, _ place: Place, _ more: String...
  ) throws -> Program {
    let file = try place.file("e.ndjson", events)
    let rules = try place.file("r.yaml", Self.head + rules)
    try Program.run("import", place.store, file).expect(0)
    return try Program.run(
      ["replay", place.store, "--rules", rules, "--format", "json"] + more)
  }

  private static let fields: [(type: String, value: String, reason: String)] = [
    ("money", #""12,50""#, #"not a number "12,50""#),
    ("money", #"" 5""#, #"not a number " 5""#),
    ("money", "16.950000000000003", "more than 2 decimals 16.950000000000003"),
    ("money", #""0.001""#, #"more than 2 decimals "0.001""#),
    ("money", "99999999999999999999", "out of range 99999999999999999999"),
    ("money", "1e400", "out of range 1e400"),
    ("money", "true", "not a number true"),
    ("money", "{\"a\":1}", "not a number {…}"),
    ("money", "null", "null"),
    ("int", "1.5", "not a whole number 1.5"),
    ("int", #""nine""#, #"not a number "nine""#),
    ("int", "9223372036854775808", "out of range 9223372036854775808"),
    ("double", "1e400", "out of range 1e400"),
    ("double", #""x""#, #"not a number "x""#),
    ("string", "17", "not a string 17"),
    ("string", "[1]", "not a string […]"),
    ("bool", #""true""#, #"not true or false "true""#),
    ("timestamp", #""2024-01-01""#, #"not a timestamp "2024-01-01""#),
    ("timestamp", "5", "not a timestamp 5"),
  ]

  @Test(arguments: fields)
  func `a field without a value says why, with the value`(
    _ type: String, _ value: String, _ reason: String
  ) throws {
    let place = try Place()
    let events =
      event(0, "p", "2024-01-01T00:00:00Z", data: "{\"other\":1}")
      + event(1, "p", "2024-01-02T00:00:00Z", data: "{\"x\":\(value)}")
      + event(2, "p", "2024-01-03T00:00:00Z", data: "{\"x\":\(value)}")

    let program = try replayed(
      events,
      """
      events: { p: { types: [p], fields: { x: \(type) } } }
      facts: { f: { last: p.x } }
      stages: [a]
      transitions: []
      """, place)

    #expect(
      try faults(program).contains(
        Fault(kind: "fact", name: "f", reason: reason, count: 2, position: 1)))
    #expect(
      try faults(program).contains(
        Fault(kind: "fact", name: "f", reason: "missing", count: 1, position: 0)))
    #expect(program.errors.contains("fact `f` left out 3 of 3 events of `p`"))
  }

  @Test func `a currency without rate is named, and another one's decimals are its own`() throws {
    let place = try Place()
    let program = try replayed(
      event(0, "p", "2024-01-01T00:00:00Z", data: #"{"x":"5.00","currency":"GBP"}"#)
        + event(1, "p", "2024-01-02T00:00:00Z", data: #"{"x":"5.5","currency":"JPY"}"#)
        + event(2, "p", "2024-01-03T00:00:00Z", data: #"{"x":"5.5","currency":7}"#)
        + event(3, "p", "2024-01-04T00:00:00Z", data: #"{"x":"500","currency":"JPY"}"#),
      """
      events: { p: { types: [p], fields: { x: money } } }
      facts: { f: { sum: p.x } }
      stages: [a]
      transitions: []
      exchange: { JPY: "0.006" }
      """, place)

    #expect(
      try faults(program) == [
        Fault(
          kind: "fact", name: "f", reason: #"more than 0 decimals "5.5""#, count: 1, position: 1),
        Fault(
          kind: "fact", name: "f", reason: "currency GBP without exchange", count: 2, position: 0),
      ])
    #expect(program.errors.contains("`exchange`"))
  }

  @Test func `an alias that matches nothing is named with the type that was meant`() throws {
    let place = try Place()
    let program = try replayed(
      event(0, "purchase", "2024-01-01T00:00:00Z") + event(1, "visit", "2024-01-02T00:00:00Z"),
      """
      events:
        order: { types: [purchases] }
        paid:  { types: [Purchase] }
        nps:   { types: [answer] }
        rare:  { types: [visit], where: "event.subject == 'nobody'" }
      facts: { n: { count: [order, paid, nps, rare] } }
      stages: [a]
      transitions: []
      """, place)

    #expect(
      try faults(program) == [
        Fault(kind: "alias", name: "order", reason: "no event", count: 0, position: nil),
        Fault(kind: "alias", name: "paid", reason: "no event", count: 0, position: nil),
      ])
    #expect(program.errors.contains("did you mean `purchase`?"))
    #expect(program.errors.contains("the log has no event of alias `nps` (`answer`)"))
    #expect(program.errors.contains("no event is alias `rare`: 1 have its types"))
    #expect(program.status == 0)
  }

  @Test func `links that join nobody are faults of identity, each with its reason`() throws {
    let place = try Place()
    func link(_ id: Int, _ subject: String, _ data: String) -> String {
      event(id, "link", "2024-01-0\(id + 1)T00:00:00Z", subject: subject, data: data)
    }
    let program = try replayed(
      link(0, "c", #"{"anon":17}"#) + link(1, "c", "{}") + link(2, "c", #"{"anon":"k"}"#)
        + link(3, "d", #"{"anon":"k"}"#) + link(4, "k", #"{"anon":"c"}"#),
      """
      identity: { link: link.anon }
      events: { link: { types: [link], fields: { anon: string } } }
      facts: { n: { count: link } }
      stages: [a]
      transitions: []
      """, place)

    #expect(
      try faults(program) == [
        Fault(kind: "identity", name: "", reason: "missing", count: 1, position: 1),
        Fault(kind: "identity", name: "", reason: "not a string 17", count: 1, position: 0),
        Fault(
          kind: "identity", name: "", reason: #"follows another subject already "k""#, count: 1,
          position: 3),
        Fault(
          kind: "identity", name: "", reason: #"would close a circle "c""#, count: 1, position: 4),
      ])
  }

  @Test func `a where and a condition that end in an error say which part did`() throws {
    let place = try Place()
    let program = try replayed(
      event(0, "p", "2024-01-01T00:00:00Z", data: #"{"stars":"many"}"#)
        + event(1, "p", "2024-01-02T00:00:00Z"),
      """
      events:
        p: { types: [p], fields: { stars: int } }
        q: { types: [p], where: "event.stars > 3", fields: { stars: int } }
      facts:
        good: { count: p, where: "event.stars >= 4" }
        n: { count: p }
        none: { count: q }
      stages: [a, b]
      transitions:
        - { id: zero, from: a, to: b, when: "10 / none > 1" }
        - { id: big, from: a, to: b, when: "n * 9223372036854775807 > 1 && n > 5" }
      """, place)

    let found = try faults(program)
    for kind in [("fact", "good"), ("alias", "q")] {
      #expect(
        found.contains(
          Fault(
            kind: kind.0, name: kind.1, reason: #"event.stars not a number "many""#, count: 1,
            position: 0)))
      #expect(
        found.contains(
          Fault(
            kind: kind.0, name: kind.1, reason: "event.stars missing", count: 1, position: 1)))
    }
    #expect(
      found.contains(
        Fault(kind: "transition", name: "zero", reason: "division by zero", count: 1, position: 0)
      ))
    #expect(!found.contains { $0.name == "big" }, "false && error is false")
  }

  @Test func `purchases below zero and amounts that give no value are said of clv`() throws {
    let place = try Place()
    let program = try replayed(
      event(0, "p", "2024-01-01T00:00:00Z", data: #"{"x":"-5.00"}"#)
        + event(1, "p", "2024-01-02T00:00:00Z", data: #"{"x":"5,00"}"#)
        + event(2, "p", "2024-01-03T00:00:00Z"),
      """
      events: { p: { types: [p], fields: { x: money } } }
      stages: [a]
      transitions: []
      clv: { purchase: p.x }
      """, place)

    #expect(program.errors.contains("1 of 1 purchases of `clv` have an amount below zero"))
    #expect(
      program.errors.contains("`clv.purchase` left out 1 events of `p`")
        && program.errors.contains(#"not a number "5,00""#))
  }

  private static let sums = """
    events: { p: { types: [p], fields: { x: money } } }
    facts: { total: { sum: p.x } }
    stages: [a, b]
    transitions:
      - { id: rich, from: a, to: b, when: 'total >= money("1.00")' }
    """

  private static let halfReadable =
    event(0, "p", "2024-01-01T00:00:00Z", data: #"{"x":"5.00"}"#)
    + event(1, "p", "2024-01-02T00:00:00Z", data: #"{"x":"5,00"}"#)
    + event(2, "p", "2024-01-02T00:00:00Z", subject: "C-2", data: #"{"x":"6.00"}"#)

  @Test func `show, explain and export mark facts that left out events`() throws {
    let place = try Place()
    try replayed(Self.halfReadable, Self.sums, place).expect(0)

    let shown = try Program.run("show", place.store, "C-1")
    let json = try Program.run("show", place.store, "C-1", "--format", "json")
    let clean = try Program.run("show", place.store, "C-2", "--format", "json")
    let again = try Program.run("show", place.store, "C-1", "--as-of", "2024-01-03")
    let explained = try Program.run("explain", place.store, "C-1", "--format", "json")
    let exported = try Program.run("export", place.store, "--table", "customers", "-o", "-")

    #expect(shown.output.contains("5.00 EUR  (1 event left out)"))
    #expect(again.output.contains("5.00 EUR  (1 event left out)"))
    #expect(json.output.contains(#""left_out":{"total":1}"#))
    #expect(!clean.output.contains("left_out"))
    #expect(!explained.output.contains("left_out"), "at the transition none was")
    #expect(exported.errors.contains("`total` 1 event of 1 customer"))
  }

  @Test func `check with a store says it before a replay, and writes nothing`() throws {
    let place = try Place()
    let file = try place.file("e.ndjson", Self.halfReadable)
    let rules = try place.file("r.yaml", Self.head + Self.sums)
    try Program.run("import", place.store, file).expect(0)

    let program = try Program.run("check", rules, "--store", place.store)

    program.expect(0)
    #expect(program.errors.contains(#"fact `total` left out 1 of 3 events of `p`"#))
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(place.store)/views").isEmpty)
  }

  @Test func `strict stops at the first fault, and the older view stays`() throws {
    let place = try Place()
    try replayed(Self.halfReadable, Self.sums, place).expect(0)
    let before = try Program.run("status", place.store, "--format", "json").output

    let program = try Program.run("replay", place.store, "--strict")

    program.expect(2)
    #expect(program.errors.contains(#"error[fault]: fact `total`: not a number "5,00""#))
    #expect(try Program.run("status", place.store, "--format", "json").output == before)
  }

  private static let chase = """
    events: { p: { types: [p] } }
    facts: { n: { count: p } }
    stages: [a, b]
    transitions:
      - { id: there, from: a, to: b, when: "n == 2" }
      - { id: back, from: b, to: a, when: "n == 2" }
    """

  /// A replay under `--strict` switched to a view in which four of five customers were parked.
  @Test func `a view with too many parked customers is not switched to`() throws {
    let place = try Place()
    let events =
      event(0, "p", "2024-01-01T00:00:00Z") + event(1, "p", "2024-01-02T00:00:00Z")
      + event(2, "p", "2024-01-02T00:00:00Z", subject: "C-2")
    func views() throws -> Bool {
      try Program.run("status", place.store, "--format", "json").output.contains("\"output_root\"")
    }

    let strict = try replayed(events, Self.chase, place, "--strict")
    let none = try replayed(events, Self.chase, place, "--max-parked", "0")
    let third = try replayed(events, Self.chase, place, "--max-parked", "49.9%")
    #expect(strict.status == 2 && none.status == 1 && third.status == 1)
    #expect(third.errors.contains("error[too-many-parked]: 1 customer is parked, `C-1` first"))
    #expect(try !views())

    let half = try replayed(events, Self.chase, place, "--max-parked", "50%")
    #expect(half.status == 1, "parked customers end a replay with 1")
    #expect(try views())
    try replayed(events, Self.chase, place, "--max-parked", "half").expect(64)
  }

  @Test func `a misspelt path with a default is said, and what was meant`() throws {
    let place = try Place()
    let events =
      event(1, "buy", "2024-01-01T00:00:00Z", data: #"{"amount":"5.00","order":{"status":"x"}}"#)
      + event(2, "buy", "2024-01-02T00:00:00Z", data: #"{"amount":"6.00"}"#)

    let run = try replayed(
      events,
      """
      events:
        buy:
          types: [buy]
          fields:
            amount: { type: money, path: amuont, default: "0.00" }
            status: { type: string, path: order.status, default: paid }
      facts: { revenue: { sum: buy.amount }, last: { last: buy.status } }
      stages: [a]

      """, place)

    run.expect(0)
    #expect(
      run.errors.contains(
        "warning[default-only]: field `amount` of `buy` is its `default` in all of 2 events: no event of the log has a value at `amuont`"
      ), "\(run.errors)")
    #expect(run.errors.contains("did you mean `path: amount`?"), "\(run.errors)")
    #expect(!run.errors.contains("order.status"))
  }
}
