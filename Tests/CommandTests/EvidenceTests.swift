import Foundation
import Testing

/// Evidence that misled: values that nobody had computed, a checkpoint that was not one, a proof of a part of a customer.
@Suite struct EvidenceTests {
  private static let rules = """
    rules: 1
    model: { name: t, version: 1 }
    currency: EUR
    identity: { link: identify.anonymous_id }
    events:
      purchase: { types: [purchase], fields: { amount: money } }
      identify: { types: [identify], fields: { anonymous_id: string } }
    facts: { n: { count: purchase }, rev: { sum: purchase.amount } }
    stages: [a, b]
    transitions:
      - { id: buy, from: a, to: b, when: "n >= 1" }
    segments:
      buyers: { when: "n >= 1" }
      best: { when: "rfm.m >= 3" }
    clv: { purchase: purchase.amount, margin: 1 }
    """

  private func store() throws -> (place: Place, rules: String) {
    let place = try Place()
    let amount = #"{"amount":"5.00"}"#
    let file = try place.file(
      "e.ndjson",
      event(0, "purchase", "2024-01-01T10:00:00Z", subject: "k-1", data: amount)
        + event(1, "identify", "2024-01-02T10:00:00Z", data: #"{"anonymous_id":"k-1"}"#)
        + event(2, "purchase", "2024-01-03T10:00:00Z", data: amount)
        + event(3, "purchase", "2024-01-03T10:00:00Z", subject: "C-2", data: amount))
    let rules = try place.file("r.yaml", Self.rules)
    try Program.run("import", place.store, file).expect(0)
    try Program.run("replay", place.store, "--rules", rules).expect(0)
    return (place, rules)
  }

  private func object(_ program: Program) throws -> [String: Any] {
    program.expect(0)
    return try program.object()
  }

  /// `--as-served` gave `["buyers"]` where `["buyers", "best"]` was served.
  @Test func `what needs everybody is unknown at other times, or computed over everybody`() throws {
    let (place, _) = try store()
    let now = try object(Program.run("show", place.store, "C-1", "--format", "json"))

    let served = try object(
      Program.run("show", place.store, "C-1", "--as-served", "now", "--format", "json"))
    let everybody = try object(
      Program.run(
        "show", place.store, "C-1", "--as-served", "now", "--population", "--format", "json"))

    #expect(now["segments"] as? [String] == ["buyers", "best"])
    #expect(served["segments"] is NSNull)
    #expect(served["unknown"] as? [String] == ["clv.rfm", "best"])
    #expect(served["segments_known"] as? [String] == ["buyers"])
    #expect(everybody["segments"] as? [String] == ["buyers", "best"])
    #expect(everybody["unknown"] as? [String] == [])
    let record = try #require(served["served"] as? [String: Any])
    #expect(record["record"] as? Int == 0 && record["size"] as? Int == 4)
    for key in ["rules_hash", "as_of", "switched_at"] { #expect(record[key] is String) }
  }

  @Test func `nothing that an event holds steers the terminal, and csv keeps its bytes`() throws {
    let place = try Place()
    let line =
      #"{"id":"e\u001b[2J","source":"s","type":"purchase","subject":"C\u001b]0;x","time":"2024-01-01T00:00:00Z"}"#
    let file = try place.file("e.ndjson", line + "\n")
    try Program.run("import", place.store, file).expect(0)
    try Program.run("replay", place.store, "--rules", try place.file("r.yaml", Self.rules))
      .expect(0)

    for arguments in [["history"], ["show"], ["explain"]] {
      let shown = try Program.run(arguments + [place.store, "C\u{1b}]0;x"])
      shown.expect(0)
      #expect(!(shown.output + shown.errors).contains("\u{1b}"))
      #expect(shown.output.contains(#"C\u{1b}]0;x"#) || shown.output.contains(#"e\u{1b}[2J"#))
    }
    let exported = try Program.run("export", place.store, "--table", "customers", "-o", "-")
    #expect(exported.output.contains("C\u{1b}]0;x"))
  }

  @Test func `a date on the command line is the whole day`() throws {
    let (place, _) = try store()

    let day = try object(
      Program.run("show", place.store, "C-1", "--as-of", "2024-01-03", "--format", "json"))
    let midnight = try object(
      Program.run(
        "show", place.store, "C-1", "--as-of", "2024-01-03T00:00:00Z", "--format", "json"))

    #expect(day["as_of"] as? String == "2024-01-03T23:59:59.999999Z")
    #expect((day["facts"] as? [String: Any])?["n"] as? Int == 2)
    #expect((midnight["facts"] as? [String: Any])?["n"] as? Int == 1)
  }

  @Test func `each checkpoint gets its word, also behind a bad one`() throws {
    let (place, _) = try store()
    let key = "\(place.path)/k"
    let written = try object(
      Program.run(
        "checkpoint", place.store, "--init", key, "-o", "\(place.path)/a", "--format", "json"))
    let more = try place.file("more.ndjson", event(9, "purchase", "2024-01-04T10:00:00Z"))
    try Program.run("import", place.store, more).expect(0)
    try Program.run("checkpoint", place.store, "-o", "\(place.path)/b").expect(0)
    let text = try String(contentsOfFile: "\(place.path)/b", encoding: .utf8)
    let bad = try place.file("bad", text.replacing("\n5\n", with: "\n4\n"))

    let good = try Program.run(
      "verify", place.store, "--against", "\(place.path)/a", "--against", "\(place.path)/b")
    let mixed = try Program.run(
      "verify", place.store, "--against", bad, "--against", "\(place.path)/a")

    #expect(written["size"] as? Int == 4)
    good.expect(0)
    #expect(good.output.contains("unchanged since checkpoint \(place.path)/a: size 4, key "))
    #expect(good.output.contains("unchanged since checkpoint \(place.path)/b: size 5, key "))
    mixed.expect(2)
    #expect(mixed.output.contains("not held against checkpoint \(bad)"))
    #expect(mixed.output.contains("unchanged since checkpoint \(place.path)/a"))
    #expect(mixed.errors.contains("error[bad-signature]"))
  }

  @Test func `a second key is refused, and options that would do nothing are wrong usage`() throws {
    let (place, _) = try store()
    try Program.run("checkpoint", place.store, "--init", "\(place.path)/k").expect(0)

    let other = try Program.run("checkpoint", place.store, "--init", "\(place.path)/other")

    other.expect(2)
    #expect(other.errors.contains("error[other-key]"))
    try Program.run("verify", place.store, "--key", "\(place.path)/k.pub").expect(64)
    try Program.run("views", place.store, "--rules", "").expect(64)
    try Program.run("show", place.store, "C-1", "--format", "csv").expect(64)
    try Program.run("export", place.store, "--table", "customers", "-o", "x.parquet").expect(64)
  }

  @Test func `a proof of one subject says that it is not the whole customer`() throws {
    let (place, _) = try store()

    let part = try Program.run("prove", place.store, "--subject", "C-1", "--format", "json")
    let whole = try object(
      Program.run("prove", place.store, "--customer", "k-1", "--format", "json"))

    #expect(part.errors.contains("k-1"), "\(part.errors)")
    #expect(try object(part)["joined"] != nil)
    #expect(whole["customer"] as? String == "C-1")
    let subjects = try #require(whole["subjects"] as? [[String: Any]])
    #expect(subjects.map { ($0["events"] as? [Any])?.count } == [2, 1])
    #expect((whole["links"] as? [Any])?.count == 1)
  }

  /// Rules changed under an old version were refused in any view of the model, and nothing made it good.
  @Test func `strict refuses changed rules of the same view until they are accepted`() throws {
    let (place, _) = try store()
    let changed = try place.file(
      "c.yaml", Self.rules.replacing("n >= 1\" }\n  best", with: "n >= 2\" }\n  best"))
    func strict(_ view: String) throws -> Program {
      try Program.run("replay", place.store, "--rules", changed, "--view", view, "--strict")
    }

    try strict("other").expect(0)
    let refused = try strict("t")
    refused.expect(2)
    #expect(refused.errors.contains("error[rules-changed]"))

    try Program.run("views", place.store, changed, "--accept-rules", "--view", "t").expect(0)
    try strict("t").expect(0)
    try Program.run("verify", place.store).expect(0)
  }
}
