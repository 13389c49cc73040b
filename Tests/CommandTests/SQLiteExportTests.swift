import Foundation
import Testing

/// `export -o FILE.sqlite`. All rows of a larger view are held against CSV by `make check-tables`.
@Suite struct SQLiteExportTests {
  private let rules = """
    rules: 1
    model: { name: shop, version: 3 }
    currency: EUR
    timezone: Europe/Berlin
    events:
      buy: { types: [purchase], fields: { amount: money, kind: string, gift: bool, weight: double } }
    facts:
      buys: { count: buy }
      Spent: { sum: buy.amount }
      spent: { sum: buy.amount, within: 1d }
      kind: { last: buy.kind }
      gift: { last: buy.gift }
      weight: { last: buy.weight }
      bought_at: { last_time: buy }
    stages: [new, buyer]
    transitions:
      - { id: buy, from: new, to: buyer, when: "buys >= 2" }
    segments:
      big: { when: "Spent >= money('10.00')" }
      many: { when: "buys >= 2" }
    clv: { purchase: buy.amount, margin: 0.5 }

    """

  private func place() throws -> Place {
    let place = try Place()
    let lines = [
      event(
        0, "purchase", "2024-02-29T22:59:59Z", subject: "b \\\"q\\\"",
        data: #"{"amount":"12.30","kind":"","gift":true,"weight":0.1}"#),
      event(
        1, "purchase", "2024-02-29T23:00:00Z", subject: "b \\\"q\\\"", data: #"{"amount":"-0.05"}"#),
      event(
        2, "purchase", "2024-03-02T00:00:00Z", subject: "é", data: #"{"kind":"x","gift":false}"#),
    ]
    try Program.run("import", place.store, try place.file("e", lines.joined())).expect(0)
    try Program.run(
      "replay", place.store, "--rules", try place.file("r.yaml", rules), "-q"
    ).expect(0)
    return place
  }

  /// The rows of a query, cells as Python writes them.
  private func query(_ file: String, _ sql: String) throws -> [String] {
    let script = """
      import sqlite3, sys
      for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*map(repr, row), sep="|")
      """
    let run = try Program.run(
      ["python3", "-c", script, file, sql], executable: "/usr/bin/env")
    run.expect(0)
    return run.output.split(separator: "\n").map(String.init)
  }

  @Test func `a database holds all tables, typed, keyed and described`() throws {
    let place = try place()
    let file = "\(place.path)/v.sqlite"

    let run = try Program.run("export", place.store, "-o", file)

    run.expect(0)
    #expect(
      run.errors.contains(
        "view shop as of 2024-03-02T00:00:00.000000Z, rows: customers 2, transitions 3, segments 2, stage_spans 3, days 3, rfm 2, metrics_stages 4, "
      ))
    #expect(try query(file, "PRAGMA integrity_check") == ["'ok'"])
    #expect(
      try query(file, "SELECT * FROM customers") == [
        #"'b "q"'|'buyer'|'2024-02-29T23:00:00.000000Z'|'2024-02-29T22:59:59.000000Z'|'2024-02-29T23:00:00.000000Z'|None|None|None|2|1225|0|''|1|0.1|'2024-02-29T23:00:00.000000Z'|612|None|None|None|1|1|1|'Lost'|'["big","many"]'"#,
        #"'é'|'new'|'2024-03-02T00:00:00.000000Z'|'2024-03-02T00:00:00.000000Z'|'2024-03-02T00:00:00.000000Z'|None|None|None|1|0|0|'x'|0|None|'2024-03-02T00:00:00.000000Z'|None|None|None|None|None|None|None|None|'[]'"#,
      ])
    #expect(
      try query(file, "SELECT * FROM transitions") == [
        #"'b "q"'|1|'2024-02-29T22:59:59.000000Z'|None|'new'|None|'event'|'e0'|0"#,
        #"'b "q"'|2|'2024-02-29T23:00:00.000000Z'|'new'|'buyer'|'buy'|'event'|'e1'|1"#,
        "'é'|1|'2024-03-02T00:00:00.000000Z'|None|'new'|None|'event'|'e2'|2",
      ])
    #expect(
      try query(file, "SELECT * FROM segments") == [
        #"'b "q"'|1|'big'|'2024-02-29T22:59:59.000000Z'|None|'event'|'e0'|0"#,
        #"'b "q"'|2|'many'|'2024-02-29T23:00:00.000000Z'|None|'event'|'e1'|1"#,
      ])
    #expect(
      try query(file, "SELECT * FROM stage_days ORDER BY customer, date") == [
        #"'2024-02-29'|'b "q"'|'new'"#, #"'2024-03-01'|'b "q"'|'buyer'"#,
        #"'2024-03-02'|'b "q"'|'buyer'"#, "'2024-03-02'|'é'|'new'",
      ])
    #expect(
      try query(file, "SELECT period, stage, population FROM metrics_stages ORDER BY row") == [
        "'2024-02'|'new'|1", "'2024-02'|'buyer'|0", "'2024-03'|'new'|1", "'2024-03'|'buyer'|1",
      ])
    #expect(
      try query(
        file,
        #"SELECT "column", kind, unit, about FROM columns WHERE "table" = 'customers' AND place BETWEEN 9 AND 15"#
      ) == [
        "'buys'|'integer'|None|'fact of the rules file, line 8'",
        "'Spent_minor'|'money'|'minor units of EUR, 10^-2'|'fact of the rules file, line 9'",
        "'spent_minor_2'|'money'|'minor units of EUR, 10^-2'|'fact of the rules file, line 10'",
        "'kind'|'text'|None|'fact of the rules file, line 11'",
        "'gift'|'flag'|'0 or 1'|'fact of the rules file, line 12'",
        "'weight'|'real'|None|'fact of the rules file, line 13'",
        "'bought_at'|'instant'|'RFC 3339, UTC, six decimals'|'fact of the rules file, line 14'",
      ])
    #expect(
      try query(
        file, "SELECT view, model, version, as_of, size, currency, timezone FROM receipt") == [
          "'shop'|'shop'|3|'2024-03-02T00:00:00.000000Z'|3|'EUR'|'Europe/Berlin'"
        ])
    #expect(
      try query(file, "SELECT rules_file FROM receipt").first?.hasPrefix("'rules: 1\\nmodel")
        == true)
    #expect(
      try query(file, "SELECT sql FROM sqlite_schema WHERE name = 'segments'").first.map {
        $0.replacing("\\n", with: "\n")
      } == """
        'CREATE TABLE "segments" ( -- one row for each stay of a customer in a segment
          "customer" TEXT NOT NULL, -- name of the customer
          "step" INTEGER NOT NULL, -- number of the row among the customer\\'s, from 1
          "segment" TEXT NOT NULL, -- name of the segment
          "from" TEXT, -- when it was entered; NULL where only as-of is known
          "to" TEXT, -- when it was left; NULL while it lasts
          "cause" TEXT, -- event or timer
          "event_id" TEXT, -- id of the event behind it
          "position" INTEGER, -- position of that event in the log
          PRIMARY KEY ("customer", "step"),
          FOREIGN KEY ("customer") REFERENCES "customers" ("customer")
        ) STRICT, WITHOUT ROWID'
        """)
  }

  @Test func `the same view gives the same bytes, and takes the place of an older file`() throws {
    let place = try place()
    let file = try place.file("v.db", "older")
    let other = "\(place.path)/v.sqlite3"

    try Program.run("export", place.store, "-o", file, "-q", "--threads", "1").expect(0)
    try Program.run("export", place.store, "-o", other, "-q", "--threads", "3").expect(0)

    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    #expect(bytes.count > 4096)
    #expect(try bytes == Data(contentsOf: URL(fileURLWithPath: other)))
    let left = try FileManager.default.contentsOfDirectory(atPath: place.path)
    #expect(left.filter { $0.contains("tmp") || $0.contains("journal") }.isEmpty, "\(left)")
  }

  @Test func `one table comes with receipt and columns, at other times too`() throws {
    let place = try place()
    let file = "\(place.path)/days"

    try Program.run(
      "export", place.store, "-o", file, "--format", "sqlite", "--table", "stage_days", "--from",
      "2024-03-01", "--as-of", "2024-03-01", "-q"
    ).expect(0)

    #expect(
      try query(file, "SELECT name FROM sqlite_schema WHERE type <> 'index' ORDER BY name") == [
        "'columns'", "'days'", "'receipt'", "'stage_days'", "'stage_spans'",
      ])
    // The last instant of that day in UTC is of the next one in Berlin.
    #expect(
      try query(file, "SELECT * FROM stage_days") == [
        #"'2024-03-01'|'b "q"'|'buyer'"#, #"'2024-03-02'|'b "q"'|'buyer'"#,
      ])
    #expect(try query(file, "SELECT as_of FROM receipt") == ["'2024-03-01T23:59:59.999999Z'"])
  }

  @Test(arguments: [
    (["-o", "v.parquet"], "error[usage]: tables are not written as parquet"),
    (["-o", "v", "--format", "parquet"], "error[usage]: tables are not written as parquet"),
    (["-o", "v.arrow", "--table", "rfm"], "error[usage]: tables are not written as arrow"),
    (
      ["-o", "v.xlsx"],
      "error[usage]: rows are written as csv, ndjson or sqlite, not as the `.xlsx` of `v.xlsx`"
    ),
    (["-o", "v.csv"], "error[usage]: csv holds one table, and none is named"),
    (
      ["-o", "v.csv", "--table", "metrics"],
      "error[usage]: metrics are several tables, and csv holds one"
    ),
    (["-o", "v.csv", "--format", "sqlite"], "error[usage]: `v.csv` would hold sqlite"),
    (["-o", "v.db", "--format", "csv"], "error[usage]: `v.db` would hold csv"),
    (
      ["-o", "-", "--format", "sqlite"],
      "error[usage]: a database is no stream, and `-` is no plain file"
    ),
    (
      ["-o", "/dev/null", "--format", "sqlite"],
      "error[usage]: a database is no stream, and `/dev/null` is no plain file"
    ),
    (
      ["-o", "v.sqlite", "--table", "events"],
      "error[usage]: lines are written as ndjson, not as the `.sqlite` of `v.sqlite`"
    ),
    (
      ["-o", "v.sqlite", "--from", "2024-01-01"],
      "error[usage]: --from and --to go with --table events and --table stage_days"
    ),
  ])
  func `what a file cannot hold is wrong usage`(arguments: [String], message: String) throws {
    let place = try place()

    let run = try Program.run(["export", place.store] + arguments)

    run.expect(64)
    #expect(run.errors.hasPrefix(message + "\n"), "\(run.errors)")
  }

  @Test func `parquet is refused with the line that makes it`() throws {
    let run = try Program.run("export", "none", "-o", "v.parquet")

    #expect(
      run.errors == """
        error[usage]: tables are not written as parquet
           = help: write `-o view.sqlite` or a CSV file, and let DuckDB make it: COPY (SELECT * FROM sqlite_scan('view.sqlite', 'customers')) TO 'customers.parquet' (docs/export.md)

        """)
  }

  @Test func `a directory that is not there is said, and nothing is left`() throws {
    let place = try place()

    let run = try Program.run("export", place.store, "-o", "\(place.path)/none/v.sqlite")

    run.expect(2)
    #expect(
      run.errors.hasPrefix("error[cannot-write]: `\(place.path)/none/v.sqlite` cannot be written"))
  }
}
