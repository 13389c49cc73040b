import Foundation
import Testing

/// Evidence to take away: what a bundle holds, under which head, and its page.
@Suite struct BundleTests {
  private static let rules = """
    rules: 1
    model: { name: t, version: 7 }
    currency: EUR
    identity: { link: identify.anonymous_id }
    events:
      purchase: { types: [purchase], fields: { amount: money } }
      identify: { types: [identify], fields: { anonymous_id: string } }
    facts: { n: { count: purchase }, rev: { sum: purchase.amount } }
    stages: [a, b, c]
    transitions:
      - { id: grow, from: b, to: c, when: "n >= 2 && rev >= money(\\"9.00\\")" }
      - { id: buy, from: a, to: b, when: "n >= 1" }
    segments:
      buyers: { when: "n >= 1" }
    """

  /// A customer of three subjects, one of which has no event of its own.
  private static let lines =
    event(0, "purchase", "2024-01-01T10:00:00Z", subject: "k-1", data: #"{"amount":"5.00"}"#)
    + event(1, "identify", "2024-01-02T10:00:00Z", data: #"{"anonymous_id":"k-1"}"#)
    + event(2, "identify", "2024-01-02T10:00:00Z", data: #"{"anonymous_id":"k-2"}"#)
    + event(3, "purchase", "2024-01-03T10:00:00Z", data: #"{"amount":"5.00"}"#)
    + event(4, "purchase", "2024-01-03T10:00:00Z", subject: "C-2", data: #"{"amount":"5.00"}"#)

  private func store(withKey: Bool = true) throws -> Place {
    let place = try Place()
    try Program.run("import", place.store, try place.file("e.ndjson", Self.lines)).expect(0)
    let rules = try place.file("r.yaml", Self.rules)
    try Program.run("replay", place.store, "--rules", rules).expect(0)
    if withKey {
      try Program.run("checkpoint", place.store, "--init", "\(place.path)/k", "-o", first(place))
        .expect(0)
    }
    return place
  }

  private func first(_ place: Place) -> String { "\(place.path)/first.checkpoint" }

  private func bundle(
    _ place: Place, _ customer: String = "C-1", _ arguments: String...
  ) throws -> [String: Any] {
    let run = try Program.run(
      ["explain", place.store, customer, "--evidence", "-", "-q"] + arguments)
    run.expect(0)
    return try run.object()
  }

  @Test func `a bundle holds the whole customer, proved under the signed head`() throws {
    let place = try store()

    let bundle = try bundle(place)

    let proof = try Program.run("prove", place.store, "--customer", "C-1", "--format", "json")
      .object()
    let subjects = try #require(bundle["subjects"] as? [[String: Any]])
    #expect(subjects.map { $0["subject"] as? String } == ["C-1", "k-1", "k-2"])
    #expect(subjects.map { ($0["events"] as? [Any])?.count } == [3, 1, 0])
    let proved = try #require(proof["subjects"] as? [[String: Any]])
    #expect(
      subjects.prefix(2).map { $0["events"] as? NSArray } == proved.map { $0["events"] as? NSArray }
    )
    #expect(bundle["links"] as? NSArray == proof["links"] as? NSArray)
    let log = try #require(bundle["log"] as? [String: Any])
    #expect(log["root"] as? String == proof["root"] as? String)
    let note = try #require(bundle["checkpoint"] as? String)
    #expect(note.split(separator: "\n")[1] == "5" && note.contains("\u{2014} clm-replay/"))
    let rules = try #require(bundle["rules"] as? [String: Any])
    #expect(rules["text"] as? String == Self.rules)
    let register = try #require(bundle["register"] as? [String: Any])
    #expect(register["record"] as? Int == 0)
  }

  @Test func `rows, claim and facts are those that export and explain give`() throws {
    let place = try store()

    let bundle = try bundle(place, "C-1", "--to", "c")

    let table = try Program.run(
      "export", place.store, "--table", "transitions", "-o", "-", "--format", "ndjson", "-q")
    let rows = try table.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }.filter { $0["customer"] as? String == "C-1" }
    let listed = try #require(bundle["transitions"] as? [[String: Any]])
    #expect(listed.count == 3 && rows.count == 3)
    for (row, other) in zip(listed, rows) {
      #expect(row as NSDictionary == other.filter { $0.key != "customer" } as NSDictionary)
    }
    let explained = try Program.run(
      "explain", place.store, "C-1", "--to", "c", "--format", "json"
    ).object()
    #expect(bundle["facts"] as? NSDictionary == explained["facts"] as? NSDictionary)
    #expect(bundle["minimal"] as? NSDictionary == explained["minimal"] as? NSDictionary)
    #expect((bundle["claim"] as? [String: Any])?["transition"] as? Int == 2)
    #expect(bundle["stage"] as? String == "c")

    let stay = try self.bundle(place, "C-2", "--segment", "buyers")
    let claim = try #require(stay["claim"] as? [String: Any])
    #expect(claim["holds"] as? Bool == true && claim["segment"] as? String == "buyers")
    #expect((claim["stay"] as? [String: Any])?["position"] as? Int == 4)
    #expect(stay["minimal"] is NSNull)
  }

  /// Who checks has a checkpoint of theirs: everything has to be proved under that one.
  @Test func `an older checkpoint serves, as long as it knows what was folded`() throws {
    let place = try store()
    let more = try place.file("m", event(9, "purchase", "2024-01-04T10:00:00Z"))
    try Program.run("import", place.store, more).expect(0)

    let older = try bundle(place, "C-1", "--checkpoint", first(place))
    #expect((older["log"] as? [String: Any])?["size"] as? Int == 5)
    let newer = try bundle(place)
    let events = (newer["subjects"] as? [[String: Any]])?.first?["events"] as? [Any]
    // What was recorded after the view was made is shown, and not folded.
    #expect((newer["log"] as? [String: Any])?["size"] as? Int == 6 && events?.count == 4)
    #expect((newer["view"] as? [String: Any])?["size"] as? Int == 5)

    try Program.run("replay", place.store).expect(0)
    let late = try Program.run(
      "explain", place.store, "C-1", "--evidence", "-", "--checkpoint", first(place))
    late.expect(2)
    #expect(late.errors.contains("error[older-checkpoint]") && late.output.isEmpty)
    let history = try Program.run("views", place.store, "--history", "--format", "csv").output
    let before = String(history.split(separator: "\n")[1].split(separator: ",")[1])
    let served = try bundle(place, "C-1", "--checkpoint", first(place), "--as-served", before)
    #expect((served["view"] as? [String: Any])?["size"] as? Int == 5)
  }

  /// A subject that was joined, and whose own events came later, is no gap through which events could be left out.
  @Test func `who is joined by a link has a chain, also where nothing of it was folded`() throws {
    let place = try store()
    let more = try place.file("m", event(9, "purchase", "2024-01-04T10:00:00Z", subject: "k-2"))
    try Program.run("import", place.store, more).expect(0)
    let subjects = try #require(try bundle(place)["subjects"] as? [[String: Any]])
    #expect(subjects.map { ($0["events"] as? [Any])?.count } == [3, 1, 1])
  }

  /// It was taken for the customer's own, since only the customer's events were looked at.
  @Test func `a cookie that follows another customer is not joined, and the earlier link shows it`()
    throws
  {
    let place = try store()
    let more = try place.file(
      "m",
      event(9, "identify", "2024-01-04T10:00:00Z", subject: "C-2", data: #"{"anonymous_id":"k-1"}"#)
        + event(
          10, "identify", "2024-01-05T10:00:00Z", subject: "C-2", data: #"{"anonymous_id":"k-2"}"#))
    try Program.run("import", place.store, more).expect(0)
    try Program.run("replay", place.store).expect(0)
    let bundle = try bundle(place, "C-2")
    #expect(
      (bundle["subjects"] as? [[String: Any]])?.compactMap { $0["subject"] as? String } == ["C-2"])
    #expect(bundle["links"] as? [String] == [])
    let elsewhere = try #require(bundle["elsewhere"] as? [[String: Any]])
    #expect(elsewhere.map { $0["position"] as? Int } == [1, 2])
    let proof = try Program.run("prove", place.store, "--customer", "C-2", "--format", "json")
    #expect(try proof.object()["links"] as? [String] == [])
    #expect((try self.bundle(place)["elsewhere"] as? [Any])?.isEmpty == true)
  }

  @Test func `a checkpoint that is not of this log, or not signed by the key, is refused`() throws {
    let place = try store()
    let other = try store()
    let file = "\(place.path)/b.json"
    let foreign = try Program.run(
      "explain", place.store, "C-1", "--evidence", file, "--checkpoint", first(other), "--key",
      "\(other.path)/k.pub")
    foreign.expect(1)
    #expect(foreign.errors.contains("error[other-store]"))
    let unsigned = try Program.run(
      "explain", place.store, "C-1", "--evidence", file, "--checkpoint", first(place), "--key",
      "\(other.path)/k.pub")
    unsigned.expect(2)
    #expect(unsigned.errors.contains("error[bad-signature]"))
    #expect(!FileManager.default.fileExists(atPath: file))
  }

  @Test func `without a key it is said that nobody signed`() throws {
    let place = try store(withKey: false)
    let run = try Program.run("explain", place.store, "C-1", "--evidence", "-")
    run.expect(0)
    #expect(run.errors.contains("warning[not-signed]") && run.errors.contains("checkpoint"))
    let bundle = try run.object()
    #expect(bundle["checkpoint"] is NSNull && bundle["key"] is NSNull)
  }

  @Test func `evidence of what did not happen is refused`() throws {
    let place = try store()
    for arguments in [
      ["--why-not", "c"], ["--without", "#0"], ["--set", "facts.n.within=1d"],
    ] {
      try Program.run(["explain", place.store, "C-1", "--evidence", "-"] + arguments).expect(64)
    }
    try Program.run("explain", place.store, "C-1", "--checkpoint", first(place)).expect(64)
    let place2 = "\(place.path)/missing/b.json"
    try Program.run("explain", place.store, "C-1", "--evidence", place2).expect(2)
  }

  /// A name from the log is text on a page, whatever it spells.
  @Test func `the page escapes what events say, runs nothing, and carries the bundle`() throws {
    let place = try Place()
    let name = #"<script>alert(1)</script>&\u202e\u0007"#
    let line = event(0, "purchase", "2024-01-01T10:00:00Z", subject: name)
    try Program.run("import", place.store, try place.file("e", line)).expect(0)
    let rules = try place.file("r.yaml", Self.rules + "  # </pre><script>\n")
    try Program.run("replay", place.store, "--rules", rules).expect(0)
    let customer = "<script>alert(1)</script>&\u{202e}\u{7}"
    let page = "\(place.path)/b.html"
    let shown = try Program.run("explain", place.store, customer, "--evidence", page)
    shown.expect(0)

    let html = try String(contentsOfFile: page, encoding: .utf8)

    #expect(!html.contains("<script") && html.contains("&lt;script&gt;alert(1)"))
    #expect(!html.contains("\u{202e}") && !html.contains("\u{7}") && html.contains("\\u{202e}"))
    let start = try #require(html.range(of: "href=\"data:application/json;base64,"))
    let encoded = html[start.upperBound...].prefix { $0 != "\"" }
    let attached = try #require(Data(base64Encoded: String(encoded)))
    let bundle = try Program.run("explain", place.store, customer, "--evidence", "-")
    #expect(String(decoding: attached, as: UTF8.self) == bundle.output)
  }
}
