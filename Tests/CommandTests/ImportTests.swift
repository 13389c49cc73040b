import Foundation
import Testing

@Suite struct ImportTests {
  @Test func `a second import of the same file appends nothing, in another spelling neither`()
    throws
  {
    let place = try Place()
    let first = try place.file(
      "a.ndjson",
      event(1, "purchase", "2024-01-01T00:00:00Z", data: #"{"amount":10.50,"tags":["a","b"]}"#)
        + event(2, "review", "2024-01-02T00:00:00Z", data: #"{"stars":5}"#))
    let other = try place.file(
      "b.ndjson",
      #"{ "data": {"tags":["a","b"],"amount":1.05e1}, "time":"2024-01-01T00:00:00Z","subject":"C-1", "type":"purchase","source":"sh\u006fp","id":"e1","specversion":"1.0"}"#
        + "\r\n\r\n")

    #expect(try Program.run("import", place.store, first).status == 0)
    let again = try Program.run("import", place.store, first, "--format", "json").object()
    let spelled = try Program.run("import", place.store, other, "--format", "json").object()

    #expect(again["appended"] as? Int == 0)
    #expect(again["duplicates"] as? Int == 2)
    #expect(spelled["appended"] as? Int == 0)
    #expect(spelled["duplicates"] as? Int == 1)
    #expect(spelled["size"] as? Int == 2)
  }

  @Test func `another value under the same source and id is a conflict, and the first one stays`()
    throws
  {
    let place = try Place()
    let file = try place.file(
      "a.ndjson",
      event(1, "purchase", "2024-01-01T00:00:00Z") + event(1, "refund", "2024-01-01T00:00:00Z"))

    let rejected = try Program.run("import", place.store, file, "--format", "json")
    let skipped = try Program.run(
      "import", place.store, file, "--on-conflict", "skip", "--format", "json")

    #expect(rejected.status == 1)
    #expect(rejected.errors.contains("error[rejected]"))
    #expect(try rejected.object()["conflicts"] as? Int == 1)
    #expect(skipped.status == 0)
    #expect(try skipped.object()["duplicates"] as? Int == 2)
  }

  static let wrong: [(String, String)] = [
    ("json", "{\"id\":1,}"),
    ("json", "not json"),
    ("json", event(1, "a", "2024-01-01T00:00:00Z").dropLast() + " x"),
    ("not-an-object", "[1]"),
    ("duplicate-member", #"{"id":"a","\u0069d":"b"}"#),
    (
      "depth",
      "{\"a\":" + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}"
    ),
    ("missing-id", #"{"source":"s","type":"t","subject":"c","time":"2024-01-01T00:00:00Z"}"#),
    ("missing-subject", #"{"id":"1","source":"s","type":"t","time":"2024-01-01T00:00:00Z"}"#),
    (
      "empty-type",
      #"{"id":"1","source":"s","type":"","subject":"c","time":"2024-01-01T00:00:00Z"}"#
    ),
    (
      "bad-source", #"{"id":"1","source":7,"type":"t","subject":"c","time":"2024-01-01T00:00:00Z"}"#
    ),
    ("reserved-type", event(1, "clm-replay.x", "2024-01-01T00:00:00Z")),
    ("bad-time", event(1, "a", "2024-02-30T00:00:00Z")),
    ("bad-time", event(1, "a", "2024-02-01T00:00:00")),
    ("bad-time", event(1, "a", "0000-12-31T00:00:00Z")),
    ("leap-second", event(1, "a", "2016-12-31T23:59:60Z")),
    ("future", event(1, "a", "9999-01-01T00:00:00Z")),
    (
      "specversion",
      #"{"specversion":"0.3","id":"1","source":"s","type":"t","subject":"c","time":"2024-01-01T00:00:00Z"}"#
    ),
    ("data", event(1, "a", "2024-01-01T00:00:00Z", data: "[]")),
    (
      "long-subject",
      event(1, "a", "2024-01-01T00:00:00Z", subject: String(repeating: "x", count: 256))
    ),
    (
      "too-long",
      event(
        1, "a", "2024-01-01T00:00:00Z",
        data: "{\"x\":\"" + String(repeating: "y", count: 2 << 20) + "\"}")
    ),
    ("utf8", #"{"id":"\ud800"}"#),
  ]

  @Test(arguments: wrong.indices)
  func `a line that cannot be taken is kept whole with its reason, and the others are imported`(
    index: Int
  ) throws {
    let (code, line) = Self.wrong[index]
    let text = line.hasSuffix("\n") ? line : line + "\n"
    let place = try Place()
    let file = try place.file(
      "a.ndjson",
      event(7, "x", "2024-01-01T00:00:00Z") + text + event(8, "x", "2024-01-02T00:00:00Z"))

    let done = try Program.run("import", place.store, file, "--format", "json")

    #expect(done.status == 1)
    #expect(try done.object()["appended"] as? Int == 2)
    let rejects = try String(contentsOfFile: "\(place.store)/rejects.ndjson", encoding: .utf8)
    let reject = try #require(
      try JSONSerialization.jsonObject(with: Data(rejects.utf8)) as? [String: Any])
    #expect(reject["code"] as? String == code)
    #expect(reject["line"] as? Int == 2)
    #expect(reject["text"] as? String == String(text.dropLast()))
    #expect(try Program.run("import", place.store, file, "--max-rejects", "1").status == 0)
  }

  @Test func `bytes that are no UTF-8 are kept as base64`() throws {
    let place = try Place()
    let file = try place.file("a.ndjson", Data([0x22, 0xff, 0x22, 0x0a]))

    #expect(try Program.run("import", place.store, file).status == 1)
    let rejects = try String(contentsOfFile: "\(place.store)/rejects.ndjson", encoding: .utf8)
    #expect(rejects.contains(#""code":"utf8""#))
    #expect(rejects.contains(#""text_base64":"Iv8i""#))
  }

  @Test func `CSV comes in by a mapping, and a second time adds nothing`() throws {
    let place = try Place()
    let file = try place.file(
      "a.csv",
      "customer,date,price,note\nC-1,2024-01-01,10.50,\"a \"\"b\"\", c\"\nC-2,20240102,,\nC-1,2024-01-01,10.50,\"a \"\"b\"\", c\"\n"
    )
    let mapping =
      "subject=customer,time=date,type:=purchase,data.amount=price,data.currency:=EUR,data.more.note=note"

    let first = try Program.run(
      "import", place.store, file, "--csv", mapping, "--format", "json"
    ).object()
    let again = try Program.run(
      "import", place.store, file, "--csv", mapping, "--format", "json"
    ).object()
    let missing = try Program.run(
      "import", place.store, file, "--csv", "subject=nobody,time=date,type:=x")

    #expect(first["appended"] as? Int == 3)
    #expect(again["appended"] as? Int == 0)
    #expect(again["duplicates"] as? Int == 3)
    #expect(missing.status == 2)
    #expect(missing.errors.contains("there is no column `nobody`"))
  }

  private func rejects(_ store: String) throws -> [[String: Any]] {
    try String(contentsOfFile: "\(store)/rejects.ndjson", encoding: .utf8).split(separator: "\n")
      .map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
  }

  private let mapping = "subject=customer,time=date,type:=purchase,data.amount=price"

  /// `5" pipe` took every row behind it along: 32,449 of 100,001 rows lost as one.
  @Test(arguments: [",", ";", "|", "tab"])
  func `one bad row of CSV costs no other`(delimiter: String) throws {
    let place = try Place()
    let rows = [
      ["customer", "date", "price", "note"], ["K1", "2024-01-01", "1", "5\" pipe"],
      ["K2", "2024-01-01", "1", "\"open"], ["K3", "2024-01-01", "1", "x"],
      ["K4", "2024-01-01", "1", "234.50", "x"], ["K5", "2024-01-01", "1"],
      ["K6", "2024-01-01", "1", "x", "", ""], ["K7", "2024-01-01", "\"1\"x", "y"],
      ["K8", "2024-01-01", "1", "\"two\nlines\""], ["K9", "2024-01-01", "1", "\"never"],
      ["K10", "2024-01-01", "1", "x"],
    ]
    let sign = delimiter == "tab" ? "\t" : delimiter
    let file = try place.file(
      "a.csv", rows.map { $0.joined(separator: sign) }.joined(separator: "\r\n"))

    let done = try Program.run(
      "import", place.store, file, "--csv", mapping, "--delimiter", delimiter, "--format", "json")

    #expect(done.status == 1)
    #expect(try done.object()["appended"] as? Int == 5)
    let rejected = try rejects(place.store)
    #expect(
      rejected.compactMap { $0["code"] as? String } == [
        "text-behind-quote", "cell-count", "cell-count", "text-behind-quote", "open-quote",
      ])
    #expect(rejected.compactMap { $0["line"] as? Int } == [3, 5, 6, 8, 11])
  }

  @Test func `times without a zone are placed by --timezone, and no hour is guessed`() throws {
    let place = try Place()
    let file = try place.file(
      "a.csv",
      "customer,date,price\nK1,2024-01-15 14:30:00,1\nK2,2024-03-31 02:30:00,1\nK3,2024-10-27 02:30:00,1\nK4,2024-07-01,1\n"
    )
    let arguments = ["import", place.store, file, "--csv", mapping, "--format", "json"]

    let unknown = try Program.run(arguments)
    #expect(unknown.errors.contains("--time-format '%Y-%m-%d %H:%M:%S' would fit"))
    let other = "\(place.path)/other"
    let placed = try Program.run(
      ["import", other, file, "--csv", mapping, "--format", "json", "--timezone", "Europe/Berlin"])
    #expect(try placed.object()["appended"] as? Int == 2)
    #expect(
      try rejects(other).compactMap { $0["code"] as? String } == [
        "nonexistent-time", "ambiguous-time",
      ])
    let decided = try Program.run(
      "import", other, file, "--csv", mapping, "--timezone", "Europe/Berlin", "--ambiguous",
      "later",
      "--format", "json")
    decided.expect(0)
    let status = try Program.run("status", other, "--format", "json").output
    #expect(status.contains(#""from":"2024-01-15T13:30:00.000000Z""#))
    #expect(status.contains(#""to":"2024-10-27T01:30:00.000000Z""#))
    for wrong in [["--timezone", "Europe/Nowhere"], ["--ambiguous", "later"]] {
      let refused = try Program.run(arguments + wrong)
      refused.expect(64)
    }
    #expect(
      try Program.run(arguments + ["--timezone", "Europe/Nowhere"]).errors.contains(
        "`Europe/Nowhere`"))
  }

  @Test func `a header with a comma is named in quotes, and one that stands twice by number`()
    throws
  {
    let place = try Place()
    let file = try place.file(
      "a.csv", "\"Customer, no.\",date,price,price\nK1,2024-01-01,1,2\n")
    let named = #"subject="Customer, no.",time=date,type:=purchase,data.amount="#

    let twice = try Program.run("import", place.store, file, "--csv", named + "price")
    #expect(twice.status == 64)
    #expect(twice.errors.contains("the header `price` stands twice, in columns 3 and 4"))
    #expect(!FileManager.default.fileExists(atPath: place.store))
    try Program.run("import", place.store, file, "--csv", named + "3").expect(0)
    try Program.run("import", place.store, file, "--csv", #"subject="a"#).expect(64)
  }

  @Test func `an id is that of the row, its type and its occurrence`() throws {
    let place = try Place()
    let text = "customer,date,price\nK1,2024-01-01,1\nK1,2024-01-01,1,,\n"
    let file = try place.file("a.csv", text)
    func appended(_ mapping: String) throws -> Int? {
      try Program.run("import", place.store, file, "--csv", mapping, "--format", "json")
        .object()[
          "appended"] as? Int
    }

    #expect(try appended(mapping) == 2)
    #expect(try appended(mapping) == 0)
    #expect(try appended(mapping.replacing("purchase", with: "return")) == 2)
    #expect(try appended(mapping + ",source:=berlin") == 2)
  }

  /// A mistyped column left an empty store behind.
  @Test func `what cannot be read is refused before a store is made`() throws {
    let place = try Place()
    let good = try place.file("good.ndjson", event(1, "a", "2024-01-01T00:00:00Z"))
    let kinds: [(String, [UInt8])] = [
      ("UTF-16", [0xff, 0xfe, 0x7b, 0, 0x22, 0]), ("UTF-16BE", [0, 0x7b, 0, 0x22]),
      ("zip", [0x50, 0x4b, 3, 4, 0x0a, 0]),
      ("XLSX", [0x50, 0x4b, 3, 4, 20, 0] + Array("[Content_Types].xml".utf8)),
      ("zstd", [0x28, 0xb5, 0x2f, 0xfd, 1]), ("Parquet", Array("PAR1".utf8) + [0x15, 0]),
      ("bzip2", Array("BZh91AY&SY".utf8)), ("xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
    ]
    for (name, bytes) in kinds {
      let bad = try place.file("bad", Data(bytes))
      for input in [[good, bad], [bad, "--csv", mapping]] {
        let done = try Program.run(["import", place.store] + input)
        #expect(done.status == 2)
        #expect(done.errors.contains("error[unsupported-format]"))
        #expect(done.errors.contains(name))
        #expect(!FileManager.default.fileExists(atPath: place.store))
      }
    }
    let first = try place.file("a.csv", "customer,date,price\nK1,2024-01-01,1\n")
    let second = try place.file("b.csv", "\u{1b}[31mcustomer,date\n")
    let mistyped = try Program.run("import", place.store, first, second, "--csv", mapping)
    #expect(mistyped.status == 2)
    #expect(!mistyped.errors.contains("\u{1b}"))
    #expect(mistyped.errors.contains(#"`\u{1b}[31mcustomer`"#))
    #expect(!FileManager.default.fileExists(atPath: place.store))
  }

  @Test func `gzip is read as what it holds, and what was cut off is said`() throws {
    let place = try Place()
    // One event, `e1` and `e2`, each a member of its own, by Python's gzip.
    func member(_ number: Int) throws -> Data {
      let file = try place.file("member", event(number, "a", "2024-01-01T00:00:00Z"))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/gzip")
      process.arguments = ["-n", "-f", file]
      try process.run()
      process.waitUntilExit()
      return try Data(contentsOf: URL(fileURLWithPath: file + ".gz"))
    }
    let whole = try member(1) + member(2)

    let both = try Program.run(
      "import", place.store, try place.file("a.gz", whole), "--format", "json")
    let cut = try Program.run(
      "import", "\(place.path)/cut", try place.file("b.gz", whole.dropLast(9)), "--format", "json")
    var bytes = Array(whole)
    bytes[bytes.count - 6] ^= 1
    let damaged = try Program.run(
      "import", "\(place.path)/damaged", try place.file("c.gz", Data(bytes)))

    both.expect(0)
    #expect(try both.object()["appended"] as? Int == 2)
    cut.expect(2)
    #expect(cut.errors.contains("error[gzip]"))
    #expect(try (cut.object()["appended"] as? Int ?? 0) >= 1)
    damaged.expect(2)
    #expect(damaged.errors.contains("error[gzip]"))
  }

  @Test func `a rejected line is kept once, with the time, and percent counts physical lines`()
    throws
  {
    let place = try Place()
    let file = try place.file(
      "a.csv",
      "customer,date,price\nK1,2024-01-01,\"a\nb\",x\n\n"
        + String(repeating: "K1,2024-01-01,1\n", count: 36))

    let most = try Program.run(
      "import", place.store, file, "--csv", mapping, "--max-rejects", "5%")
    let less = try Program.run(
      "import", place.store, file, "--csv", mapping, "--max-rejects", "4.999999%")
    _ = try Program.run("import", place.store, file, "--csv", mapping, "--max-rejects", "1")

    most.expect(0)
    less.expect(1)
    #expect(less.errors.contains("2 of 40 lines"))
    let kept = try rejects(place.store)
    #expect(kept.count == 1)
    #expect((kept.first?["at"] as? String)?.hasSuffix("Z") == true)
  }

  @Test func `a message speaks of the cell, not of a line that nobody wrote`() throws {
    let place = try Place()
    var bytes = Array("customer,date,price\nK1,2024-01-01,".utf8)
    bytes += [0xff, 0x0a]

    let done = try Program.run(
      "import", place.store, try place.file("a.csv", Data(bytes)), "--csv", mapping)

    #expect(done.errors.contains("column 3 `price` is not UTF-8"))
    #expect(!done.errors.contains("at byte"))
  }

  @Test func `a missing input makes no store`() throws {
    let place = try Place()

    let done = try Program.run("import", place.store, "\(place.path)/nothing.ndjson")

    #expect(done.status == 2)
    #expect(done.errors.hasPrefix("error[cannot-read]: `\(place.path)/nothing.ndjson`"))
    #expect(!FileManager.default.fileExists(atPath: place.store))
  }

  @Test func `of the malformed lines of fixtures the two good ones are taken`() throws {
    let place = try Place()

    let done = try Program.run(
      "import", place.store, Program.fixture("malformed/lines.ndjson"), "--format", "json")

    #expect(done.status == 1)
    #expect(try done.object()["appended"] as? Int == 2)
    #expect(try done.object()["rejected"] as? Int == 18)
  }
}
