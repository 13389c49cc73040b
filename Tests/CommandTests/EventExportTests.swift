import Foundation
import Testing

/// Events come out again: nobody is locked in.
@Suite struct EventExportTests {
  private func export(_ store: String, _ more: String...) throws -> Program {
    try Program.run(["export", store, "--table", "events", "-o", "-"] + more)
  }

  /// What a log holds, apart from when it was recorded.
  private func content(_ store: String) throws -> [String] {
    try export(store).output.split(separator: "\n").map(String.init)
  }

  @Test func `lines come out as they came, and an empty store that imports them holds the same`()
    throws
  {
    let place = try Place()
    let lines = [
      #"{ "specversion":"1.0", "id":"e1","source":"s","type":"t","subject":"A","time":"2024-01-02T00:00:00+02:00" }"#,
      #"{"time":"2024-01-01t00:00:00.1234567z","subject":"\u00e9t\u00e9 \ud83d\ude42","type":"t,\"x\"","source":"s","id":"e2","data":{"a":1.50,"b":[1e3,null],"c":{}}}"#,
      #"{"id":"e3","source":"s","type":"t","subject":"🙂","time":"2023-12-31T23:59:59Z","extension":"kept"}"#,
    ]
    let file = try place.file("e.ndjson", lines.joined(separator: "\r\n\n") + "\n" + lines[0])
    try Program.run("import", place.store, file).expect(0)
    let rows = try place.file("o.csv", "who,when,price\n\"B, Co\",2024-02-01,1.20\nC,2024-02-02,\n")
    let mapping = "subject=who,time=when,type:=purchase,data.amount=price"
    try Program.run("import", place.store, rows, "--csv", mapping).expect(0)
    let exported = "\(place.path)/out.ndjson"

    try Program.run("export", place.store, "--table", "events", "-o", exported).expect(0)
    let copy = "\(place.path)/copy"
    try Program.run("import", copy, exported).expect(0)

    let held = try content(place.store)
    #expect(Array(held.prefix(3)) == lines)
    #expect(held.count == 5)
    #expect(try content(copy) == held)
    let again = try Program.run("import", place.store, exported, "--format", "json")
    again.expect(0)
    #expect(try again.object()["duplicates"] as? Int == 5)
    try Program.run("verify", copy, "-q").expect(0)
  }

  @Test func `filters choose by type, by instant and by customer, and may be combined`() throws {
    let place = try Place()
    let lines = [
      event(0, "visit", "2024-01-01T00:00:00Z", subject: "A"),
      event(1, "purchase", "2024-01-31T23:59:59.999999Z", subject: "B"),
      event(2, "purchase", "2024-02-01T00:00:00Z", subject: "A"),
      event(3, "refund", "2023-06-01T00:00:00Z", subject: "C"),
      event(4, "purchase", "2024-03-01T00:00:00Z", subject: "C"),
    ]
    try Program.run("import", place.store, try place.file("e", lines.joined())).expect(0)
    let cases: [(options: [String], positions: [Int])] = [
      ([], [0, 1, 2, 3, 4]),
      (["--type", "purchase"], [1, 2, 4]),
      (["--type", "purchase", "--type", "refund"], [1, 2, 3, 4]),
      (["--from", "2024-01-31"], [1, 2, 4]),
      (["--to", "2024-01-31"], [0, 1, 3]),
      (["--from", "2024-02-01T00:00:00Z", "--to", "2024-02-01T00:00:00Z"], [2]),
      (["--customer", "A"], [0, 2]),
      (["--customer", "A", "--customer", "C", "--type", "purchase", "--to", "2024-02-29"], [2]),
    ]

    for (options, positions) in cases {
      let run = try Program.run(
        ["export", place.store, "--table", "events", "-o", "-"] + options)
      run.expect(0)
      #expect(run.output == positions.map { lines[$0] }.joined(), "\(options)")
    }
  }

  @Test func `a customer's events are those of all subjects that the view joins`() throws {
    let place = try Place()
    let lines = [
      event(0, "purchase", "2024-01-01T00:00:00Z", subject: "cookie"),
      event(1, "login", "2024-01-02T00:00:00Z", subject: "A", data: #"{"was":"cookie"}"#),
      event(2, "purchase", "2024-01-03T00:00:00Z", subject: "B"),
    ]
    try Program.run("import", place.store, try place.file("e", lines.joined())).expect(0)
    #expect(try export(place.store, "--customer", "A").output == lines[1])
    let rules = BuyerRules.head("joined").replacing(
      "events:\n", with: "identity: { link: login.was }\nevents:\n"
    ).replacing(
      "facts:\n", with: "  login: { types: [login], fields: { was: string } }\nfacts:\n")
    try Program.run(
      "replay", place.store, "--rules", try place.file("r.yaml", rules), "-q"
    ).expect(0)
    let late = event(3, "purchase", "2024-01-04T00:00:00Z", subject: "new")
    try Program.run("import", place.store, try place.file("late", late)).expect(0)

    #expect(try export(place.store, "--customer", "A").output == lines[0] + lines[1])
    #expect(try export(place.store, "--customer", "cookie").output == lines[0] + lines[1])
    #expect(try export(place.store, "--customer", "new").output == late)
    let unknown = try export(place.store, "--customer", "A", "--customer", "nobody")
    unknown.expect(2)
    #expect(unknown.errors.contains("error[unknown-customer]"))
    #expect(unknown.errors.contains("`nobody`"))
    #expect(unknown.output.isEmpty)
  }

  @Test(arguments: [
    ["--table", "events", "-o", "e.csv"], ["--table", "events", "-o", "-", "--format", "csv"],
    ["--table", "events", "-o", "-", "--from", "2024-02-01", "--to", "2024-01-31"],
    ["--table", "events", "-o", "-", "--from", "yesterday"],
    ["--table", "events", "-o", "-", "--view", "v"],
    ["--table", "customers", "-o", "-", "--customer", "A"],
  ])
  func `what is no form or no filter of events is wrong usage`(options: [String]) throws {
    let place = try Place()
    let file = try place.file("e", event(0, "visit", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, file).expect(0)

    let run = try Program.run(["export", place.store] + options)

    run.expect(64)
    #expect(run.output.isEmpty)
  }

  @Test func `a type that the log does not have is said, not taken for none`() throws {
    let place = try Place()
    let file = try place.file("e", event(0, "purchase", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, file).expect(0)

    let run = try export(place.store, "--type", "purchases", "-q")

    run.expect(0)
    #expect(run.output.isEmpty)
    #expect(run.errors.contains("warning[unknown-type]"))
    #expect(run.errors.contains("did you mean `purchase`?"))
  }
}
