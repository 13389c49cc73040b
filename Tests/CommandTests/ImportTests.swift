import Foundation
import Testing

@Suite struct ImportTests {
  private func summary(_ program: Program) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(program.output.utf8)) as? [String: Any])
  }

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
    let again = try summary(try Program.run("import", place.store, first, "--format", "json"))
    let spelled = try summary(try Program.run("import", place.store, other, "--format", "json"))

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
    #expect(try summary(rejected)["conflicts"] as? Int == 1)
    #expect(skipped.status == 0)
    #expect(try summary(skipped)["duplicates"] as? Int == 2)
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
    #expect(try summary(done)["appended"] as? Int == 2)
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

    let first = try summary(
      try Program.run("import", place.store, file, "--csv", mapping, "--format", "json"))
    let again = try summary(
      try Program.run("import", place.store, file, "--csv", mapping, "--format", "json"))
    let missing = try Program.run(
      "import", place.store, file, "--csv", "subject=nobody,time=date,type:=x")

    #expect(first["appended"] as? Int == 3)
    #expect(again["appended"] as? Int == 0)
    #expect(again["duplicates"] as? Int == 3)
    #expect(missing.status == 2)
    #expect(missing.errors.contains("there is no column `nobody`"))
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
    #expect(try summary(done)["appended"] as? Int == 2)
    #expect(try summary(done)["rejected"] as? Int == 18)
  }
}
