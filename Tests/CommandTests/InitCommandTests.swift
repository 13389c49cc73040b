import Foundation
import Testing

/// The first rules of a log: whatever its events are called, they can be replayed.
@Suite struct InitCommandTests {
  /// What `init` writes, checked and replayed.
  private func draft(_ place: Place) throws -> String {
    let run = try Program.run("init", place.store)
    run.expect(0)
    let rules = try place.file("rules.yaml", run.output)
    let checked = try Program.run("check", rules, "--format", "json")
    checked.expect(0)
    let replayed = try Program.run("replay", place.store, "--rules", rules, "-q")
    replayed.expect(0)
    #expect(replayed.output.isEmpty)
    return run.output
  }

  @Test func `a shop has its types, its currency, its cookies and its rhythm`() throws {
    let place = try Place()
    try Program.run("import", place.store, Program.fixture("shop.ndjson.gz"), "-q").expect(0)
    let text = try draft(place)
    for line in [
      "currency: EUR",
      "identity: { link: identify.anonymous_id }    # 100 % of these are subjects of other events: the same customer",
      "# exchange: { USD: \"1.00\" }",
      "    # called so, too: `order_paid`; ",
      "      order_status: { type: string, path: order.status }",
      "  nps_response: { types: [nps_response], fields: { channel: string, score: int } }    # 173 events",
      "  # Of 208 buyers 125 came back, nine times in ten in less than 120 days.",
      "purchases_365d >= 8", "model: mbg_nbd",
      "refund: return.amount",
    ] { #expect(text.contains(line), "\(line): \(text)") }
    #expect(try Program.run("init", place.store).output == text)
  }

  @Test func `a log without purchases, and one without events, have rules too`() throws {
    let place = try Place()
    let lines = (0..<300).map {
      event(
        $0, "page", "2024-01-\(String(format: "%02d", $0 % 28 + 1))T00:00:00Z",
        subject: "c-\($0 % 20)")
    }
    try Program.run("import", place.store, try place.file("e", lines.joined()), "-q").expect(0)
    #expect(try draft(place).contains("stages: [new, active, dormant, back]"))

    let empty = try Place()
    try Program.run("import", empty.store, try empty.file("e", ""), "-q").expect(0)
    #expect(try draft(empty).contains("the log has no events yet"))
  }

  /// Words of CEL and of YAML, numbers, blanks, what is no letter, nothing, and what nobody sees.
  @Test(arguments: [1, 2, 3]) func `names of any kind make rules`(seed: UInt64) throws {
    print("seed \(seed)")
    var random = Random(seed: seed)
    let words = [
      "null", "in", "true", "123", "Order Completed", "order-paid", "y", "a: b", "# no", "- x",
      "{x}",
      "päge", "\u{202e}odd", "\u{1}", "'", "\"", "\\", " ", "x/y", "/x", "x.y", "~", "stage", "now",
      "purchases", "customer", String(repeating: "long ", count: 40), "currency", "amount",
      "2024-01-01",
    ]
    let values = [
      "1", "1.5", "\"12.345\"", "\"0017\"", "true", "null", "[1]", "{\"in\":{\"a.b\":2}}",
      "\"EUR\"",
      "\"2024-01-01T00:00:00Z\"", "-5", "1e400", "123456789012345678901234567890", "\"\"",
    ]
    var lines = ""
    for number in 0..<400 {
      var members: [String] = []
      for word in words where random.next() % 5 == 0 {
        let name = String(decoding: try JSONEncoder().encode(word), as: UTF8.self)
        members.append("\(name):\(values[Int(random.next() % UInt64(values.count))])")
      }
      let type = words[Int(random.next() % UInt64(words.count))]
      let name = String(decoding: try JSONEncoder().encode(type), as: UTF8.self)
      lines +=
        "{\"id\":\"\(number)\",\"source\":\"s\",\"type\":\(name),\"subject\":\"c-\(random.next() % 30)\",\"time\":\"2024-\(String(format: "%02d", 1 + number % 12))-01T00:00:00Z\",\"data\":{\(members.joined(separator: ","))}}\n"
    }
    let place = try Place()
    let imported = try Program.run(
      "import", place.store, try place.file("e", lines), "--max-rejects", "100%")
    imported.expect(0)
    let text = try draft(place)
    #expect(
      text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
    #expect(!text.contains("\u{202e}"))
  }

  @Test func `a file that is there stays`() throws {
    let place = try Place()
    let events = try place.file("e", event(0, "purchase", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, events, "-q").expect(0)
    let mine = try place.file("mine.yaml", "mine")
    let refused = try Program.run("init", place.store, "-o", mine)
    refused.expect(2)
    #expect(refused.errors.contains("error[file-exists]"), "\(refused.errors)")
    #expect(try String(contentsOfFile: mine, encoding: .utf8) == "mine")
    try Program.run("init", place.store, "-o", "\(place.path)/new.yaml", "-q").expect(0)
    try Program.run("check", "\(place.path)/new.yaml").expect(0)
    try Program.run("init", "\(place.path)/none").expect(2)
  }

  private struct Random {
    var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state >> 11
    }
  }
}
