import Foundation
import Testing

/// Why, and what if: the fewest events behind a transition, and a customer folded with something changed.
@Suite struct WhyTests {
  static let rules = """
    rules: 1
    model: { name: t, version: 1 }
    currency: EUR
    identity: { link: identify.anonymous_id }
    events:
      visit:    { types: [visit] }
      purchase: { types: [purchase], fields: { amount: money } }
      identify: { types: [identify], fields: { anonymous_id: string } }
    facts:
      n:    { count: purchase, within: 90d }
      rev:  { sum: purchase.amount }
      last: { last_time: purchase }
    stages: [new, buyer, regular, lapsed]
    transitions:
      - { id: lapse, from: [buyer, regular], to: lapsed, when: "since(last) >= days(30)" }
      - { id: buy, from: new, to: buyer, when: "n >= 1" }
      - { id: again, from: [buyer, lapsed], to: regular, when: "n >= 3 && rev >= money('30.00') && since(last) < days(30)" }
    segments:
      big: { when: "rev >= money('100.00')" }
    """

  static func store() throws -> Place {
    let place = try Place()
    var events = event(0, "visit", "2024-01-01T00:00:00Z", subject: "k-1")
    let days = ["02", "03", "04", "05", "06"]
    for (index, amount) in ["20.00", "1.00", "5.00", "9.00", "8.00"].enumerated() {
      events += event(
        1 + index, "purchase", "2024-01-\(days[index])T00:00:00Z",
        subject: index == 0 ? "k-1" : "C-1", data: "{\"amount\":\"\(amount)\"}")
    }
    events += event(6, "identify", "2024-01-08T00:00:00Z", data: #"{"anonymous_id":"k-1"}"#)
    events += event(7, "visit", "2024-03-01T00:00:00Z")
    try Program.run("import", place.store, try place.file("e.ndjson", events)).expect(0)
    try Program.run("replay", place.store, "--rules", try place.file("r.yaml", rules)).expect(0)
    return place
  }

  private func explain(_ place: Place, _ options: String...) throws -> [String: Any] {
    let program = try Program.run(["explain", place.store, "C-1", "--format", "json"] + options)
    program.expect(0)
    return try program.object()
  }

  // MARK: Minimal evidence

  @Test func `the fewest events that give a row, with the links that make them one customer's`()
    throws
  {
    let place = try Self.store()

    let object = try explain(place, "--to", "regular")
    let minimal = try #require(object["minimal"] as? [String: Any])
    let events = try #require(minimal["events"] as? [[String: Any]])
    let text = try Program.run("explain", place.store, "C-1", "--to", "regular")

    // 20 + 1 + 9 of January 5th; the 5.00 in between are not needed, the link of the 8th is.
    #expect(events.map { $0["id"] as? String } == ["e1", "e2", "e4", "e6"])
    #expect(minimal["of"] as? Int == 8 && minimal["smallest"] as? Bool == true)
    #expect(minimal["earliest"] as? Bool == true && minimal["absence"] is NSNull)
    #expect(
      text.output.contains("minimal evidence: 4 events of 8 alone give the same, and no fewer do"))
  }

  @Test func `a row by time alone names the last event, and the time in which there was none`()
    throws
  {
    let place = try Self.store()

    let minimal = try #require(
      try explain(place, "--to", "lapsed")["minimal"] as? [String: Any])
    let absence = try #require(minimal["absence"] as? [String: Any])
    let text = try Program.run("explain", place.store, "C-1", "--to", "lapsed")

    #expect(absence["aliases"] as? [String] == ["purchase"])
    #expect(absence["event_id"] as? String == "e5")
    #expect(absence["after"] as? String == "2024-01-06T00:00:00.000000Z")
    #expect(absence["before"] as? String == "2024-02-05T00:00:00.000000Z")
    #expect(
      text.output.contains(
        "and no purchase after #5 of 2024-01-06T00:00:00Z and before 2024-02-05T00:00:00Z"))
  }

  // MARK: What if

  @Test func `an event left out, one added, a rule changed: both histories, and the log as it was`()
    throws
  {
    let place = try Self.store()
    let before = try Program.run("status", place.store, "--format", "json").output
    let more = try place.file(
      "more.ndjson", event(99, "purchase", "2024-02-20T00:00:00Z", data: #"{"amount":"90.00"}"#))

    let without = try explain(place, "--without", "e1", "#2")
    let with = try explain(place, "--with", more)
    let set = try explain(place, "--set", "transitions.lapse.when=since(last) >= days(40)")
    let none = try explain(place, "--without", "e0")
    let text = try Program.run("explain", place.store, "C-1", "--with", more)

    func rows(_ object: [String: Any]) -> [String?] {
      let history = object["what_if"] as? [String: Any]
      return (history?["transitions"] as? [[String: Any]] ?? []).map { $0["transition"] as? String }
    }
    #expect(rows(without) == [nil, "buy", "lapse"])
    let first = try #require(without["first_difference"] as? [String: Any])
    #expect(first["at"] as? String == "2024-01-02T00:00:00.000000Z")
    #expect((first["actual"] as? [String: Any])?["transition"] as? String == "buy")
    #expect(first["what_if"] is NSNull)
    #expect(rows(with) == [nil, "buy", "again", "lapse", "again"])
    #expect((with["what_if"] as? [String: Any])?["segments"] as? [String] == ["big"])
    #expect(rows(set) == [nil, "buy", "again", "lapse"])
    let later = try #require(set["first_difference"] as? [String: Any])
    #expect(later["at"] as? String == "2024-02-05T00:00:00.000000Z" && later["what_if"] is NSNull)
    #expect(none["same"] as? Bool == false, "the entry is another event's")
    #expect(text.output.contains("lapsed -> regular by again, the new e99"), "\(text.output)")
    #expect(text.output.contains("<- first difference"))
    #expect(try Program.run("status", place.store, "--format", "json").output == before)
  }

  @Test func `without its link a subject is another customer`() throws {
    let place = try Self.store()

    let history = try explain(place, "--without", "e6")["what_if"] as? [String: Any]
    let facts = history?["facts"] as? [String: Any]

    #expect(facts?["rev"] as? String == "23.00")
  }

  @Test(arguments: [
    (["--without", "e77"], "unknown-event", "history"),
    (["--with", "bad"], "bad-time", "bad:2"),
    (["--with", "other"], "other-subject", "C-1"),
    (["--with", "twice"], "duplicate", "--without #1"),
    (["--with", "late"], "after-as-of", "--as-of"),
    (["--with", "link"], "joins-others", "k-9"),
    (["--with", "empty"], "no-event", "history"),
    (["--set", "facts.nn.within=9d"], "unknown-path", "did you mean `n`?"),
    (["--set", "facts.n.within=9"], "bad-duration", "30d"),
  ])
  func `what cannot be asked is an error that says what to do`(
    options: [String], code: String, help: String
  ) throws {
    let place = try Self.store()
    let files = [
      "bad": "\n" + event(9, "visit", "yesterday"),
      "other": event(9, "visit", "2024-01-01T00:00:00Z", subject: "C-2"),
      "twice": event(1, "visit", "2024-01-01T00:00:00Z"),
      "late": event(9, "visit", "2025-01-01T00:00:00Z"),
      "link": event(9, "identify", "2024-01-01T00:00:00Z", data: #"{"anonymous_id":"k-9"}"#),
      "empty": "\n",
    ]
    var options = options
    if options[0] == "--with" {
      options[1] = try place.file(options[1], try #require(files[options[1]]))
    }

    let refused = try Program.run(["explain", place.store, "C-1"] + options)

    refused.expect(2)
    #expect(refused.output.isEmpty)
    #expect(refused.errors.contains("error[\(code)]"), "\(refused.errors)")
    #expect(refused.errors.contains(help), "\(refused.errors)")
  }

  @Test func `what if shows whole histories, so that no row is chosen`() throws {
    let place = try Self.store()
    try Program.run("explain", place.store, "C-1", "--without", "e1", "--to", "regular").expect(64)
    try Program.run("explain", place.store, "C-1", "--set", "nothing").expect(64)
  }

  // MARK: Why not

  /// What is told is appended as it is told, and the customer is there.
  @Test(arguments: ["regular", "buyer", "lapsed", "big"])
  func `what would bring the customer there does, in a store that has it`(goal: String) throws {
    let place = try Self.store()
    let object = try explain(place, "--why-not", goal)
    let ways = try #require(object["ways"] as? [[String: Any]])

    if goal == "lapsed" {
      #expect(object["is_there"] as? Bool == true && ways.isEmpty)
      return
    }
    if goal == "buyer" {
      // Nothing leads back.
      #expect(ways.isEmpty)
      return
    }
    let way = try #require(ways.first)
    let events = try #require(way["events"] as? [[String: Any]])
    let lines = try events.map { event in
      String(decoding: try JSONSerialization.data(withJSONObject: event), as: UTF8.self) + "\n"
    }
    try Program.run("import", place.store, try place.file("w", lines.joined())).expect(0)
    let shown = try Program.run(
      "show", place.store, "C-1", "--as-of", try #require(way["reached"] as? String), "--format",
      "json"
    ).object()
    #expect(
      shown["stage"] as? String == goal
        || (shown["segments"] as? [String])?.contains(goal) == true, "\(shown)")
  }

  @Test func `distances are told in the units of the rules`() throws {
    let place = try Self.store()

    let regular = try Program.run("explain", place.store, "C-1", "--why-not", "regular").output
    let big = try Program.run("explain", place.store, "C-1", "--segment", "big").output

    #expect(regular.contains("C-1 is in stage lapsed, and not in regular"))
    #expect(regular.contains("  - 1 more purchase: at once, by again"), "\(regular)")
    #expect(regular.contains("    until 2024-04-04T00:00:00Z, when #4 e4 leaves the window of n"))
    #expect(big.contains("  - 1 more purchase (amount 57.00 EUR): at once"), "\(big)")
  }

  @Test func `a goal that the rules do not have is an error`() throws {
    let place = try Self.store()
    let refused = try Program.run("explain", place.store, "C-1", "--why-not", "gold")
    refused.expect(2)
    #expect(refused.errors.contains("stages are new, buyer, regular, lapsed; segments are big"))
    try Program.run("explain", place.store, "C-1", "--why-not", "new", "--to", "new").expect(64)
  }
}
