import Foundation
import Testing

/// `export --table stage_days`: the stage in which each calendar day ended.
@Suite struct StageDaysTests {
  private func rules(_ zone: String) -> String {
    """
    rules: 1
    model: { name: days, version: 1 }
    currency: EUR
    timezone: \(zone)
    events:
      look: { types: [look] }
      buy: { types: [buy] }
      mess: { types: [mess] }
    facts:
      looks: { count: look }
      bought_at: { last_time: buy }
      messes: { count: mess }
    stages: [seen, buyer, idle, odd]
    transitions:
      - { id: buy, from: [seen, idle], to: buyer, when: "since(bought_at) < days(2)" }
      - { id: rest, from: buyer, to: idle, when: "since(bought_at) >= days(2)" }
      - { id: there, from: [seen, buyer, idle], to: odd, when: messes >= 1 }
      - { id: again, from: odd, to: seen, when: messes >= 1 }

    """
  }

  private func place(
    _ zone: String, _ events: [(subject: String, type: String, time: String)]
  ) throws -> Place {
    let place = try Place()
    let lines = events.enumerated().map {
      event($0.offset, $0.element.type, $0.element.time, subject: $0.element.subject)
    }
    try Program.run("import", place.store, try place.file("e", lines.joined())).expect(0)
    let replay = try Program.run(
      "replay", place.store, "--rules", try place.file("r.yaml", rules(zone)), "-q")
    #expect(replay.status < 2, "\(replay.errors)")
    return place
  }

  private func table(_ place: Place, _ more: String...) throws -> String {
    let run = try Program.run(
      ["export", place.store, "--table", "stage_days", "-o", "-", "-q"] + more)
    run.expect(0)
    return run.output
  }

  @Test(arguments: [1, 5])
  func `a row says where a customer ended the day, up to the day of as-of`(threads: Int) throws {
    // New York: the first look is on the evening of February 28th, and the purchase of March 1st ends its two days on the 3rd.
    let place = try place(
      "America/New_York",
      [
        ("b,c", "look", "2024-02-29T04:30:00Z"), ("b,c", "buy", "2024-03-01T12:00:00Z"),
        ("a", "buy", "2024-03-02T12:00:00Z"), ("a", "look", "2024-03-04T20:00:00Z"),
      ])

    let csv = """
      date,customer,stage
      2024-03-02,a,buyer
      2024-03-03,a,buyer
      2024-03-04,a,idle
      2024-02-28,"b,c",seen
      2024-02-29,"b,c",seen
      2024-03-01,"b,c",buyer
      2024-03-02,"b,c",buyer
      2024-03-03,"b,c",idle
      2024-03-04,"b,c",idle

      """
    #expect(try table(place, "--threads", "\(threads)") == csv)
    #expect(
      try table(place, "--from", "2024-02-29", "--to", "2024-03-02", "--format", "ndjson") == """
        {"date":"2024-03-02","customer":"a","stage":"buyer"}
        {"date":"2024-02-29","customer":"b,c","stage":"seen"}
        {"date":"2024-03-01","customer":"b,c","stage":"buyer"}
        {"date":"2024-03-02","customer":"b,c","stage":"buyer"}

        """)
    #expect(try table(place, "--from", "2024-03-05") == "date,customer,stage\n")
    #expect(try table(place, "--to", "2024-02-27") == "date,customer,stage\n")
    #expect(
      try table(place, "--as-of", "2024-03-01") == """
        date,customer,stage
        2024-02-28,"b,c",seen
        2024-02-29,"b,c",seen
        2024-03-01,"b,c",buyer

        """)
  }

  @Test func `who is parked has no stage from that day on`() throws {
    let place = try place(
      "UTC",
      [
        ("a", "look", "2024-01-01T10:00:00Z"), ("a", "mess", "2024-01-03T10:00:00Z"),
        ("b", "mess", "2024-01-02T10:00:00Z"), ("c", "look", "2024-01-04T10:00:00Z"),
      ])

    #expect(
      try table(place) == """
        date,customer,stage
        2024-01-01,a,seen
        2024-01-02,a,seen
        2024-01-04,c,seen

        """)
  }

  @Test func `a day that the zone left out has no row`() throws {
    // Samoa went from the 29th to the 31st of December 2011.
    let place = try place(
      "Pacific/Apia",
      [("a", "look", "2011-12-29T12:00:00Z"), ("a", "look", "2011-12-31T12:00:00Z")])

    #expect(
      try table(place) == """
        date,customer,stage
        2011-12-29,a,seen
        2011-12-31,a,seen
        2012-01-01,a,seen

        """)
  }

  @Test func `days are dates, and belong to this table and to events`() throws {
    let place = try place("UTC", [("a", "look", "2024-01-01T10:00:00Z")])
    func refused(_ arguments: String...) throws -> String {
      let run = try Program.run(["export", place.store, "-o", "-"] + arguments)
      run.expect(64)
      return String(run.errors.prefix { $0 != "\n" })
    }

    #expect(
      try refused("--table", "stage_days", "--from", "2024-01")
        == "error[usage]: --from takes a date such as 2024-04-28; not `2024-01`")
    #expect(
      try refused("--table", "stage_days", "--from", "2024-02-01", "--to", "2024-01-31")
        == "error[usage]: --from 2024-02-01 is later than --to 2024-01-31")
    #expect(
      try refused("--table", "customers", "--from", "2024-02-01")
        == "error[usage]: --from and --to go with --table events and --table stage_days")
  }

  @Test func `more lines than a thread holds come whole and in order`() throws {
    // A purchase in the year 1000 makes 374,009 days of one customer, between two others.
    let place = try place(
      "UTC",
      [
        ("a", "look", "2024-01-01T00:00:00Z"), ("b", "buy", "1000-01-01T00:00:00Z"),
        ("c", "look", "2023-12-31T00:00:00Z"),
      ])

    let rows = try table(place, "--threads", "3").split(separator: "\n")

    try #require(rows.count == 1 + 1 + 374_009 + 2)
    #expect(rows[1] == "2024-01-01,a,seen")
    #expect(rows[2...4] == ["1000-01-01,b,buyer", "1000-01-02,b,buyer", "1000-01-03,b,idle"])
    #expect(
      rows.suffix(3) == ["2024-01-01,b,idle", "2023-12-31,c,seen", "2024-01-01,c,seen"])
    #expect(rows.dropFirst(2).dropLast(2).elementsEqual(rows.dropFirst(2).dropLast(2).sorted()))
  }

  @Test func `the form follows the name`() throws {
    let place = try place("UTC", [("a", "look", "2024-01-01T10:00:00Z")])
    for (name, text) in [
      ("t.csv", "date,customer,stage\n2024-01-01,a,seen\n"),
      ("t.ndjson", #"{"date":"2024-01-01","customer":"a","stage":"seen"}"# + "\n"),
      ("t.jsonl", #"{"date":"2024-01-01","customer":"a","stage":"seen"}"# + "\n"),
    ] {
      let file = "\(place.path)/\(name)"
      try Program.run(
        "export", place.store, "--table", "stage_days", "-o", file, "-q"
      ).expect(0)
      #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
    }
    let other = try Program.run(
      "export", place.store, "--table", "stage_days", "-o", "t.jsonl", "--format", "csv")
    other.expect(64)
    #expect(other.errors.hasPrefix("error[usage]: `t.jsonl` would hold csv"))
  }
}
