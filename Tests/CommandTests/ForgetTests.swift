import Foundation
import Testing

/// `forget` as its user sees it: what goes, what stays, what is said.
@Suite struct ForgetTests {
  private let rules = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR
    identity: { link: identify.cookie }
    events:
      buy:      { types: [purchase], fields: { amount: money } }
      identify: { types: [identify], fields: { cookie: string } }
    facts:
      buys: { count: buy }
    stages: [new, buyer]
    transitions:
      - { id: buy, from: new, to: buyer, when: "buys >= 1" }

    """

  /// Ann, with a cookie of hers, Bob and Carl, who had the last event of all.
  private var lines: [String] {
    let amount = #"{"amount":"1.00","currency":"EUR","mail":"ann@example.org"}"#
    return [
      event(1, "purchase", "2024-01-01T00:00:00Z", subject: "ann", data: amount),
      event(2, "purchase", "2024-01-02T00:00:00Z", subject: "bob"),
      event(3, "visit", "2024-01-03T00:00:00Z", subject: "cookie-9"),
      event(4, "identify", "2024-01-04T00:00:00Z", subject: "ann", data: #"{"cookie":"cookie-9"}"#),
      event(5, "purchase", "2024-01-05T00:00:00Z", subject: "bob"),
      event(6, "purchase", "2024-01-06T00:00:00Z", subject: "carl"),
    ]
  }

  private func store(_ place: Place) throws -> String {
    try Program.run("import", place.store, try place.file("e.ndjson", lines.joined())).expect(0)
    let replay = try Program.run("replay", place.store, "--rules", try place.file("r.yaml", rules))
    replay.expect(0)
    return place.store
  }

  /// Paths of files in which a text stands.
  private func files(_ place: String, holding text: String) -> [String] {
    let files = FileManager.default.enumerator(atPath: place)?.allObjects as? [String] ?? []
    return files.filter {
      FileManager.default.contents(atPath: "\(place)/\($0)")?.range(of: Data(text.utf8)) != nil
    }
  }

  @Test func `who is forgotten is gone from every file, and stages of others are as they were`()
    throws
  {
    let place = try Place()
    let store = try store(place)
    let wrong = event(7, "purchase", "never", subject: "ann")
    try Program.run("import", store, try place.file("w.ndjson", wrong)).expect(1)
    let before = try Program.run("export", store, "--table", "transitions", "-o", "-").output
    let root = try #require(
      try Program.run("status", store, "--format", "json").object()["root"] as? String)
    let receipt = "\(place.path)/replay.json"
    try Program.run("replay", store, "--rebuild", "--receipt", receipt).expect(0)
    try Program.run("checkpoint", store, "--init", "\(place.path)/key", "-o", "\(place.path)/then")
      .expect(0)

    let forget = try Program.run("forget", store, "ann", "--view", "shop", "--format", "json")

    forget.expect(0)
    let object = try forget.object()
    #expect(object["events"] as? Int == 3 && object["root"] as? String == root)
    #expect(object["rejects"] as? Int == 1)
    #expect(
      (object["subjects"] as? [[String: Any]])?.map { $0["subject"] as? String } == [
        "ann", "cookie-9",
      ])
    #expect((object["positions"] as? [[Int]]) == [[0, 1], [2, 2]])
    for text in ["\"ann\"", "ann@example.org", "cookie-9", "identify"] {
      #expect(files(store, holding: text).filter { !$0.hasSuffix("data.mdb") } == [])
      if text != "identify" { #expect(files(store, holding: text) == [], "\(text)") }
    }
    let shown = try Program.run("show", store, "ann")
    shown.expect(2)
    #expect(shown.errors.contains("error[no-view]"))
    try Program.run("replay", store, "--rules", "\(place.path)/r.yaml").expect(0)
    let after = try Program.run("export", store, "--table", "transitions", "-o", "-").output
    let others = before.split(separator: "\n").filter { !$0.hasPrefix("ann,") }
    #expect(after.split(separator: "\n") == others)
    #expect(try Program.run("show", store, "ann").errors.contains("error[unknown-customer]"))
    try Program.run("verify", store, "--against", "\(place.path)/then").expect(0)
    let verify = try Program.run("verify", store, "--receipt", receipt)
    verify.expect(1)
    #expect(verify.errors.contains("error[erased]") && verify.errors.contains("record 2"))
    let history = try Program.run("views", store, "--history").errors
    #expect(history.contains("record 2: 3 events of 2 subjects were erased on "))
    #expect(history.contains("record 3: view shop was dropped on "))
    let proof = try Program.run("prove", store, "2", "--format", "json").object()
    #expect(proof["line"] is NSNull && proof["header"] is NSNull)
    #expect((proof["erased"] as? [String: Any])?["record"] as? Int == 2)
    let status = try Program.run("status", store, "--types", "--format", "json").object()
    #expect(status["erased"] as? Int == 3 && status["subjects"] as? Int == 2)
    #expect((status["types"] as? [String: Any])?.keys.sorted() == ["purchase"])
  }

  @Test func `the same events are rejected as erased, and their text does not come back`() throws {
    let place = try Place()
    let store = try store(place)
    try Program.run("forget", store, "ann", "-q").expect(0)
    for _ in 0..<2 {
      let again = try Program.run("import", store, "\(place.path)/e.ndjson", "--format", "json")
      again.expect(1)
      #expect(again.output.contains("\"appended\":0,\"duplicates\":4,\"rejected\":2,"))
      #expect(again.errors.contains("rejected[erased]"))
    }
    let rejects = try String(contentsOfFile: "\(store)/rejects.ndjson", encoding: .utf8)
    #expect(rejects.split(separator: "\n").count == 2)
    #expect(rejects.contains("\"code\":\"erased\"") && rejects.contains("\"text\":null}"))
    #expect(files(store, holding: "ann@example.org") == [])
    // Elsewhere they go whole, as all others do.
    let elsewhere = "\(place.path)/rejects"
    try Program.run("import", store, "\(place.path)/e.ndjson", "--rejects", elsewhere).expect(1)
    #expect(try String(contentsOfFile: elsewhere, encoding: .utf8).contains("ann@example.org"))
    // A later event of hers is a new one.
    let later = event(9, "purchase", "2024-02-01T00:00:00Z", subject: "ann")
    try Program.run("import", store, try place.file("l.ndjson", later)).expect(0)
    try Program.run("verify", store).expect(0)
    let proof = try Program.run("prove", store, "--subject", "ann", "--format", "json").object()
    #expect((proof["events"] as? [Any])?.count == 1)
  }

  /// A nightly replay without --rules, or one that follows, goes on after an erasure.
  @Test func `a view that went with an erasure is made again under the rules of then`() throws {
    let place = try Place()
    let store = try store(place)
    let before = try Program.run("status", store, "--format", "json").object()
    try Program.run("forget", store, "bob", "-q").expect(0)

    try Program.run("replay", store, "--view", "other").expect(2)
    try Program.run("replay", store).expect(0)

    func rules(_ status: [String: Any]) throws -> String? {
      (try #require(status["views"] as? [[String: Any]])).first?["rules_hash"] as? String
    }
    let after = try Program.run("status", store, "--format", "json").object()
    #expect(try rules(after) == rules(before))
    // Who drops it does not want it back.
    try Program.run("views", store, "--drop", "shop").expect(0)
    try Program.run("replay", store).expect(2)
    try Program.run("forget", store, "carl", "-q").expect(0)
    try Program.run("replay", store).expect(2)
  }

  @Test func `a dry run says what would go, and changes no byte`() throws {
    let place = try Place()
    let store = try store(place)
    try Program.run("backup", store, "\(place.path)/copy").expect(0)
    func bytes() throws -> [String: Data?] {
      let names = FileManager.default.enumerator(atPath: store)?.allObjects as? [String] ?? []
      // LMDB notes readers in its lock file.
      return Dictionary(
        uniqueKeysWithValues: names.filter { !$0.hasSuffix("lock.mdb") }.map {
          ($0, FileManager.default.contents(atPath: "\(store)/\($0)"))
        })
    }
    let before = try bytes()

    let dry = try Program.run("forget", store, "bob", "ann", "--dry-run", "--format", "json")

    dry.expect(0)
    #expect(try bytes() == before)
    let object = try dry.object()
    #expect(object["events"] as? Int == 4 && object["changed"] as? Bool == false)
    #expect((object["views"] as? [[String: Any]])?.map { $0["name"] as? String } == ["shop"])
    #expect((object["backups"] as? [[String: Any]])?.map { $0["exists"] as? Bool } == [true])
    #expect(object["bytes_needed"] as? Int ?? 0 > 4096)
    // What the view joins is said where it is not asked for.
    #expect(dry.errors.contains("warning[joined-subject]") && dry.errors.contains("`cookie-9`"))
    let text = try Program.run("forget", store, "bob", "--dry-run").output
    #expect(
      text.contains("would erase 2 events of 1 subject") && text.contains("\(place.path)/copy"))
  }

  @Test func `unknown names end it with nothing done, all of them named`() throws {
    let place = try Place()
    let store = try store(place)
    let run = try Program.run("forget", store, "ann", "Bob", "-", input: "dora\n\ncarl\n")
    run.expect(2)
    #expect(run.errors.contains("error[no-subject]: the log has no subject `Bob`, `dora`"))
    #expect(try Program.run("show", store, "ann").status == 0)
    try Program.run("forget", store).expect(64)
    let none = try Program.run("forget", store, "-", "--format", "json", input: "\n")
    none.expect(0)
    #expect(none.output.contains("\"changed\":false"))
    try Program.run("forget", "\(place.path)/nothing", "ann").expect(2)
    let inside = try Program.run("forget", store, "ann", "--receipt", "\(store)/receipt")
    inside.expect(2)
    #expect(inside.errors.contains("error[inside-store]"))
    try Program.run("forget", store, "ann", "--format", "csv").expect(64)
  }

  @Test(arguments: [
    "ann\nbob\n", "\u{feff}ann\r\nbob", "customer,stage\n\"ann\",x\nbob,\"a\n,b\"\n",
    "{\"customer\":\"ann\",\"stage\":\"x\"}\n{\"subject\":\"b\\u006fb\"}\n",
  ])
  func `names are read from standard input as exports write them`(_ input: String) throws {
    let place = try Place()
    let store = try store(place)
    let run = try Program.run("forget", store, "-", "--format", "json", input: input)
    run.expect(0)
    let subjects = try run.object()["subjects"] as? [[String: Any]]
    #expect(subjects?.map { $0["subject"] as? String } == ["ann", "bob"])
  }

  @Test func `a receipt is signed and holds against the register; backups are named and erased`()
    throws
  {
    let place = try Place()
    let store = try store(place)
    let (key, receipt, copy) = ("\(place.path)/key", "\(place.path)/receipt", "\(place.path)/copy")
    try Program.run("checkpoint", store, "--init", key, "-o", "\(place.path)/then").expect(0)
    try Program.run("backup", store, copy).expect(0)
    let forget = try Program.run(
      "forget", store, "ann", "--reason", "asked", "--receipt", receipt)
    forget.expect(0)
    #expect(forget.output.contains("`clm-replay forget \(copy)` erases them there"))
    let text = try String(contentsOfFile: receipt, encoding: .utf8)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let erasure = try #require(object["erasure"] as? [String: Any])
    #expect(erasure["reason"] as? String == "asked" && erasure["events"] as? Int == 2)
    // The store goes on from the checkpoint in it.
    let note = try place.file("note", try #require(object["checkpoint"] as? String))
    let against = try Program.run("verify", store, "--against", note)
    against.expect(0)
    #expect(against.output.contains("signature good"))
    #expect((object["signature"] as? String)?.hasPrefix("clm-replay erasure receipt\n") == true)
    #expect(!FileManager.default.fileExists(atPath: "\(receipt).tmp"))
    // Nothing of her name stays in the store; the copy is a store, too.
    #expect(files(store, holding: "ann@example.org") == [])
    #expect(files(copy, holding: "ann@example.org") != [])
    try Program.run("forget", copy, "ann").expect(0)
    #expect(files(copy, holding: "ann@example.org") == [])
    try Program.run("verify", copy, "--against", "\(place.path)/then").expect(0)
    // Without a key it says so.
    try FileManager.default.removeItem(atPath: "\(store)/key")
    let unsigned = try Program.run("forget", store, "bob", "--receipt", receipt)
    unsigned.expect(0)
    #expect(unsigned.errors.contains("warning[unsigned]"))
    #expect(try String(contentsOfFile: receipt, encoding: .utf8).hasSuffix("\"signature\":null}\n"))
  }

  @Test func `what was served before is shown without them, and says so`() throws {
    let place = try Place()
    let store = try store(place)
    let served = try #require(
      (try JSONSerialization.jsonObject(
        with: Data(try Program.run("views", store, "--history", "--format", "json").output.utf8))
        as? [[String: Any]])?.first?["switched_at"] as? String)
    try Program.run("forget", store, "ann", "-q").expect(0)
    let then = try Program.run("show", store, "bob", "--as-served", served, "--view", "shop")
    then.expect(0)
    #expect(then.errors.contains("warning[erased]"))
    let now = try Program.run("show", store, "bob", "--as-served", "2999-01-01", "--view", "shop")
    now.expect(2)
    #expect(now.errors.contains("error[not-served]"))
    // The default as-of stays where it was, whoever had the last event.
    try Program.run("forget", store, "carl", "-q").expect(0)
    let replay = try Program.run(
      "replay", store, "--rules", "\(place.path)/r.yaml", "--format", "json")
    replay.expect(0)
    #expect(try replay.object()["as_of"] as? String == "2024-01-06T00:00:00.000000Z")
    let events = try Program.run("export", store, "--table", "events", "-o", "-")
    #expect(events.output.split(separator: "\n").count == 3)
    #expect(events.errors.contains("warning[erased]: 3 events were erased"))
  }
}
