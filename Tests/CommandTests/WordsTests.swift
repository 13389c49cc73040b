import Foundation
import Testing

/// What `explain`, `show` and `history` print for people: `7776000s, was 7775999.999999s` could not be read to a customer.
@Suite struct WordsTests {
  private static let rules = """
    rules: 1
    model: { name: w, version: 1 }
    currency: EUR
    exchange: { USD: "0.92" }
    events:
      buy:    { types: [purchase], fields: { amount: money } }
      review: { types: [review], fields: { stars: int, text: string } }
      hat:    { types: [hat] }
    facts:
      buys:    { count: buy, within: 30d }
      spent:   { sum: buy.amount, within: 60d }
      last_at: { last_time: buy }
      best:    { max: review.stars }
      kinds:   { distinct: review.text }
      active:  { active: buy, every: 30d, within: 360d }
      age:     { expr: "now - last_at" }
    stages: [new, buyer, fan, quiet]
    transitions:
      - { id: hush, from: [buyer, fan], to: quiet, when: "since(last_at) >= days(90) && !(best > 4)" }
      - { id: fans, from: buyer, to: fan, when: "2 <= buys && (spent > money('60.00') || kinds != 0)" }
      - { id: first, from: [new, quiet], to: buyer, when: "buys >= 1 && active == 1" }

    """

  private func store() throws -> (Place, String) {
    let place = try Place()
    let log = try place.file(
      "e.ndjson",
      event(0, "purchase", "2024-01-01T10:00:00Z", data: #"{"amount":"50.00","currency":"USD"}"#)
        + event(1, "hat", "2024-01-02T10:00:00Z")
        + event(2, "review", "2024-01-03T10:00:00.5Z", data: #"{"stars":4,"text":"fine"}"#)
        + event(3, "purchase", "2024-01-04T10:00:00Z", data: #"{"amount":"20.00"}"#)
        + event(4, "hat", "2024-02-01T00:00:00Z", subject: "D-11"))
    let rules = try place.file("r.yaml", Self.rules)
    try Program.run("import", place.store, log).expect(0)
    try Program.run("replay", place.store, "--rules", rules, "--as-of", "2024-05-01").expect(0)
    return (place, rules)
  }

  @Test func `a timer is explained in days, amounts and words, with a legend`() throws {
    let (place, rules) = try store()
    let told = try Program.run("explain", place.store, "C-1")
    let exact = try Program.run("explain", place.store, "C-1", "--format", "json")

    #expect(
      told.output == """
        C-1 moved from fan to quiet on 2024-04-03T10:00:00Z, by time alone, since event #3 e3
        rule hush, \(rules):19, model w v1

          since(last_at) >= days(90) && !(best > 4)

          + all of
            + at least 90 days since the last buy: 90 days, was a microsecond less    [since(last_at) >= days(90)]    <- became true now
            + not
              - the highest review stars above 4: 4    [best > 4]

          + holds, - does not hold, <- became true at that instant, by time alone

        last_at, the last buy: 2024-01-04T10:00:00Z
          #3 2024-01-04T10:00:00Z purchase e3  20.00 EUR

        best, the highest review stars: 4
          #2 2024-01-03T10:00:00.5Z review e2  4 stars

        minimal evidence: 3 events of 4 alone give the same, and no fewer do
          #0 2024-01-01T10:00:00Z purchase e0  46.00 EUR (50.00 USD)
          #2 2024-01-03T10:00:00.5Z review e2  4 stars, text fine
          #3 2024-01-04T10:00:00Z purchase e3  20.00 EUR
          and no buy or review after #3 of 2024-01-04T10:00:00Z and before 2024-04-03T10:00:00Z

        next: no change by time alone
        as of 2024-05-01T23:59:59.999999Z

        """)
    #expect(exact.output.contains(#""value":"7776000s","before":"7775999.999999s""#))
  }

  @Test func `an event is explained by what it brings, whichever side the limit stands on`() throws
  {
    let (place, _) = try store()

    let told = try Program.run("explain", place.store, "C-1", "--to", "fan")
    let first = try Program.run("explain", place.store, "C-1", "--to", "buyer")

    for words in [
      "+ at least 2 buys within 30 days: 2, was 1    [2 <= buys]    <- became true now",
      "+ the total buy amount within 60 days above 60.00 EUR: 66.00 EUR, was 46.00 EUR",
      "+ not exactly 0 different review texts: 1    [kinds != 0]",
      "  #0 2024-01-01T10:00:00Z purchase e0  46.00 EUR (50.00 USD)\n",
    ] { #expect(told.output.contains(words), "\(words)\n\(told.output)") }
    #expect(
      first.output.contains("+ exactly 1 span of 30 days with a buy, of the last 12: 1, was 0"),
      "\(first.output)")
  }

  @Test func `history and show say amounts, lengths and instants, and csv keeps its bytes`() throws
  {
    let (place, _) = try store()

    let told = try Program.run("history", place.store, "C-1")
    let shown = try Program.run("show", place.store, "C-1")
    let rows = try Program.run("history", place.store, "C-1", "--format", "csv")

    #expect(told.output.contains("#0 purchase e0  46.00 EUR (50.00 USD)\n"))
    #expect(told.output.contains("2024-01-03T10:00:00.5Z    #2 review e2  4 stars, text fine\n"))
    #expect(told.output.contains("* a change of stage; # an event"))
    #expect(shown.output.contains("118 days 13 h 59 min 59.999999 s"), "\(shown.output)")
    #expect(shown.output.contains("C-1  quiet since 2024-04-03T10:00:00Z\n"))
    #expect(rows.output.contains("2024-01-04T10:00:00.000000Z,event,3,e3,purchase,C-1,,,,\n"))
  }

  @Test func `customers are found by a part of a name, in any case`() throws {
    let (place, _) = try store()

    let found = try Program.run("show", place.store, "--like=-1")
    let one = try Program.run("show", place.store, "--like", "d-", "--format", "json").object()
    let none = try Program.run("show", place.store, "--like", "zebra")

    #expect(
      found.output == """
        customer  stage  since                 found by
        --------  -----  --------------------  --------
        C-1       quiet  2024-04-03T10:00:00Z
        D-11      new    2024-02-01T00:00:00Z

        """)
    let customers = try #require(one["customers"] as? [[String: Any]])
    #expect(customers.map { $0["customer"] as? String } == ["D-11"])
    none.expect(2)
    #expect(none.errors.contains("error[unknown-customer]"))
    try Program.run("show", place.store).expect(64)
    try Program.run("show", place.store, "C-1", "--like", "C").expect(64)
    try Program.run("show", place.store, "--like", "").expect(64)
    try Program.run("show", place.store, "--like", "C", "--as-of", "now").expect(64)
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
  func `a table that is too wide for the terminal loses its last columns, and says which`() throws {
    let (place, _) = try store()
    let shell = Process()
    let output = Pipe()
    shell.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    let command = "stty cols 24; '\(Program.path)' show '\(place.store)' --like=-1"
    shell.arguments = ["-qec", command, "/dev/null"]
    shell.standardInput = FileHandle.nullDevice
    shell.standardOutput = output
    try shell.run()
    // A terminal ends lines with CR LF, which Swift takes for one character.
    let bytes = output.fileHandleForReading.readDataToEndOfFile().filter { $0 != 0x0d }
    let text = String(decoding: bytes, as: UTF8.self)
    shell.waitUntilExit()

    #expect(
      text == """
        customer  stage
        --------  -----
        C-1       quiet
        D-11      new
        (too narrow for since, found by: a wider terminal or a file has them)

        """)
  }
}
