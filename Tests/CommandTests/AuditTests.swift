import Foundation
import Testing

/// Checkpoints, proofs, the register, and stores that are not what they were.
@Suite struct AuditTests {
  private let rules = """
    rules: 1
    model: { name: simple, version: 1 }
    currency: EUR
    events: { buy: { types: [purchase] } }
    facts: { buys: { count: buy } }
    stages: [new, buyer]
    transitions:
      - { id: convert, from: new, to: buyer, when: "buys >= 1" }
    """

  private func events(_ range: Range<Int>) -> String {
    range.map { event($0, "purchase", "2024-01-01T00:00:00Z", subject: "C-\($0 % 7)") }.joined()
  }

  /// A store of 20 events with a checkpoint at each ten.
  private func makeStore(_ place: Place) throws -> (first: String, second: String) {
    let key = "\(place.path)/shop.key"
    let (first, second) = ("\(place.path)/first", "\(place.path)/second")
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    try Program.run("checkpoint", place.store, "--init", key, "-o", first).expect(0)
    try Program.run("import", place.store, try place.file("b", events(10..<20))).expect(0)
    try Program.run("checkpoint", place.store, "-o", second).expect(0)
    return (first, second)
  }

  @Test func `a store that went on is what its checkpoints say`() throws {
    let place = try Place()
    let (first, second) = try makeStore(place)
    try Program.run("verify", place.store, "--against", first, "--against", second).expect(0)
    let lines = try String(contentsOfFile: first, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(
      lines.count == 7 && lines[1] == "10" && lines[3].hasPrefix("register 0 ") && lines[4].isEmpty)
    let key = URL(fileURLWithPath: "\(place.path)/shop.key")
    let permissions =
      try FileManager.default.attributesOfItem(atPath: key.path)[.posixPermissions] as? Int
    #expect(permissions == 0o600)
    // The key stays outside the store.
    #expect(
      try !String(contentsOfFile: "\(place.store)/key", encoding: .utf8).contains("PRIVATE+KEY"))
  }

  @Test func `an older copy of the whole store is rolled back`() throws {
    let place = try Place()
    let copy = "\(place.path)/copy"
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    try FileManager.default.copyItem(atPath: place.store, toPath: copy)
    try Program.run("import", place.store, try place.file("b", events(10..<20))).expect(0)
    try Program.run("checkpoint", place.store, "--init", "\(place.path)/k", "-o", "\(place.path)/c")
      .expect(0)
    let run = try Program.run("verify", copy, "--against", "\(place.path)/c", "--format", "json")
    run.expect(1)
    #expect(run.errors.contains("error[rolled-back]"))
    #expect(run.output.contains("\"position\":10"))
    #expect(run.output.contains("it has 10 events, and"))
  }

  @Test func `an older copy of the log's file alone is refused, and verify names the positions`()
    throws
  {
    let place = try Place()
    let file = "\(place.store)/log/g1/data.mdb"
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    let old = try Data(contentsOf: URL(fileURLWithPath: file))
    try Program.run("import", place.store, try place.file("b", events(10..<20))).expect(0)
    try old.write(to: URL(fileURLWithPath: file))
    let status = try Program.run("status", place.store)
    status.expect(2)
    #expect(status.errors.contains("acknowledged events are missing"))
    let verify = try Program.run("verify", place.store, "--format", "json")
    verify.expect(1)
    #expect(verify.output.contains("\"position\":10,\"what\":\"acknowledged events are missing"))
  }

  @Test func `a fork is named with the positions between which it began`() throws {
    let place = try Place()
    let copy = "\(place.path)/copy"
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    try FileManager.default.copyItem(atPath: place.store, toPath: copy)
    let (key, c1, c2) = ("\(place.path)/k", "\(place.path)/c1", "\(place.path)/c2")
    try Program.run("checkpoint", place.store, "--init", key, "-o", c1).expect(0)
    try Program.run("import", place.store, try place.file("b", events(10..<20))).expect(0)
    try Program.run("checkpoint", place.store, "-o", c2).expect(0)
    try Program.run("import", copy, try place.file("c", events(10..<25))).expect(0)
    let run = try Program.run(
      "verify", copy, "--against", c2, "--against", c1, "--key", "\(key).pub", "--format", "json")
    run.expect(1)
    #expect(run.errors.contains("error[forked]"))
    #expect(run.output.contains("an event from 10 to 19 is not what it was"))
  }

  @Test func `a checkpoint of another store, or one that was changed, is refused`() throws {
    let place = try Place()
    let (first, _) = try makeStore(place)
    let other = "\(place.path)/other"
    try Program.run("import", other, try place.file("a", events(0..<10))).expect(0)
    let run = try Program.run("verify", other, "--against", first)
    run.expect(1)
    #expect(run.errors.contains("is of another store"))
    let text = try String(contentsOfFile: first, encoding: .utf8)
    let changed = try place.file("changed", text.replacing("\n10\n", with: "\n11\n"))
    let forged = try Program.run("verify", place.store, "--against", changed)
    forged.expect(2)
    #expect(forged.errors.contains("error[bad-signature]"))
    let noNote = try Program.run("verify", place.store, "--against", try place.file("n", "10\n"))
    noNote.expect(2)
    #expect(noNote.errors.contains("error[bad-checkpoint]"))
  }

  @Test func `the register keeps what was served when views are gone`() throws {
    let place = try Place()
    _ = try makeStore(place)
    let file = try place.file("simple.yaml", rules)
    try Program.run("replay", place.store, "--rules", file).expect(0)
    try Program.run("replay", place.store, "--rules", file, "--rebuild").expect(0)
    let history = try Program.run("views", place.store, "--history", "--format", "csv").output
    try FileManager.default.removeItem(atPath: "\(place.store)/views")
    #expect(try Program.run("views", place.store, "--history", "--format", "csv").output == history)
    let rows = history.split(separator: "\n").map { $0.split(separator: ",") }
    #expect(
      rows.count == 3 && rows[1][2] == "simple" && rows[1][6] == "20" && rows[1][10] == rows[2][10])
    let printed = try Program.run("views", place.store, "--rules", String(rows[1][5].prefix(10)))
    #expect(printed.output == rules)
    try Program.run("verify", place.store).expect(0)
    try Program.run("views", place.store, "--rules", "zz").expect(2)
  }

  @Test func `what was served at a time is shown again, without the view`() throws {
    let place = try Place()
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    try Program.run("replay", place.store, "--rules", try place.file("a.yaml", rules)).expect(0)
    let between = try Program.run("views", place.store, "--history", "--format", "csv").output
      .split(separator: "\n")[1].split(separator: ",")[1]
    try Program.run("import", place.store, try place.file("b", events(10..<20))).expect(0)
    let other = rules.replacing("version: 1", with: "version: 2").replacing(
      "buys >= 1", with: "buys >= 9")
    try Program.run("replay", place.store, "--rules", try place.file("b.yaml", other)).expect(0)
    try FileManager.default.removeItem(atPath: "\(place.store)/views")
    func show(_ time: String, _ arguments: String...) throws -> Program {
      try Program.run(
        ["show", place.store, "C-3", "--as-served", time, "--format", "json"] + arguments)
    }
    let then = try show(String(between))
    then.expect(0)
    #expect(then.output.contains("\"stage\":\"buyer\"") && then.output.contains("\"buys\":1"))
    let now = try show("now")
    #expect(now.output.contains("\"stage\":\"new\"") && now.output.contains("\"buys\":3"))
    let before = try show("2020-01-01")
    before.expect(2)
    #expect(before.errors.contains("error[not-served]"))
    try show("now", "--view", "nothing").expect(2)
    try show("now", "--as-of", "now").expect(64)
    let explained = try Program.run(
      "explain", place.store, "C-3", "--as-served", String(between), "--to", "buyer")
    explained.expect(0)
    #expect(explained.output.contains("record 0 of the register"))
    try Program.run("history", place.store, "C-3", "--as-served", "now").expect(0)
  }

  @Test func `a receipt is held against a replay under the rules of then`() throws {
    let place = try Place()
    let receipt = "\(place.path)/receipt"
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    try Program.run(
      "replay", place.store, "--rules", try place.file("a.yaml", rules), "--receipt", receipt
    ).expect(0)
    try Program.run("import", place.store, try place.file("b", events(10..<20))).expect(0)
    let other = rules.replacing("version: 1", with: "version: 2").replacing(
      "buys >= 1", with: "buys >= 2")
    try Program.run("replay", place.store, "--rules", try place.file("b.yaml", other)).expect(0)
    try FileManager.default.removeItem(atPath: "\(place.store)/views")
    try Program.run("verify", place.store, "--receipt", receipt).expect(0)
    let text = try String(contentsOfFile: receipt, encoding: .utf8)
    func check(_ old: String, _ new: String, _ what: String) throws {
      let changed = try place.file("changed", text.replacing(old, with: new))
      let run = try Program.run("verify", place.store, "--receipt", changed)
      run.expect(1)
      #expect(
        run.errors.contains("error[other-result]") && run.errors.contains(what), "\(run.errors)")
    }
    try check("\"output_root\":\"", "\"output_root\":\"00", "a replay gives the output root")
    try check("\"size\":10", "\"size\":11", "have the root")
    try check("\"size\":10", "\"size\":1000", "and the log has 20")
    try check("\"rules\":\"", "\"rules\":\"00", "no rules file of SHA-256")
    try Program.run("verify", place.store, "--receipt", try place.file("none", "{}")).expect(2)
    let log = URL(fileURLWithPath: "\(place.store)/log/g1/data.mdb")
    var bytes = try Data(contentsOf: log)
    let damaged = try #require(bytes.range(of: Data("\"purchase\"".utf8)))
    bytes[damaged.lowerBound + 1] ^= 1
    try bytes.write(to: log)
    let run = try Program.run("verify", place.store, "--receipt", receipt, "--format", "json")
    run.expect(1)
    #expect(run.output.contains("the receipt was not looked at"))
    #expect(run.errors.contains("error[damaged]"))
  }

  @Test func `what is printed with descriptors closed never ends up in the log`() throws {
    // The next files opened got the numbers 0 to 2: the summary of a replay overwrote data.mdb, with exit status 0.
    let place = try Place()
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    let rules = try place.file("a.yaml", rules)
    func status(_ arguments: String..., closed: String) throws -> Int32 {
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      shell.arguments = ["-c", "exec \"$@\" \(closed)", "sh", Program.path] + arguments
      try shell.run()
      shell.waitUntilExit()
      return shell.terminationStatus
    }
    for closed in ["<&- >&- 2>&-", ">&- 2>&-", "<&- >/dev/null 2>&-", ">&-", "2>&- >/dev/null"] {
      let ended = try status("replay", place.store, "--rules", rules, closed: closed)
      #expect(ended == (closed.contains("/dev/null") ? 0 : 2), "\(closed)")
      try Program.run("verify", place.store).expect(0)
    }
    #expect(try status("import", place.store, "-", closed: "<&-") == 2)
  }

  @Test func `a replay whose receipt cannot be written switches nothing`() throws {
    let place = try Place()
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    try Program.run(
      "replay", place.store, "--rules", try place.file("a.yaml", rules), "--receipt",
      "\(place.path)/none/receipt"
    ).expect(2)
    #expect(try Program.run("views", place.store, "--history", "--format", "json").output == "[]\n")
  }

  @Test func `keys and copies within the store, and a public key in the way, are refused`() throws {
    let place = try Place()
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    for run in [
      try Program.run("checkpoint", place.store, "--init", "\(place.store)/k"),
      try Program.run("backup", place.store, "\(place.store)/log/copy"),
    ] {
      run.expect(2)
      #expect(run.errors.contains("error[inside-store]"))
    }
    let key = try place.file("k.pub", "kept").dropLast(4)
    let run = try Program.run("checkpoint", place.store, "--init", String(key))
    run.expect(2)
    #expect(run.errors.contains("error[key-exists]"))
    let input = try place.file("b", "not JSON\n")
    try Program.run("import", place.store, input, "--rejects", input).expect(64)
    #expect(try String(contentsOfFile: input, encoding: .utf8) == "not JSON\n")
    let none = "\(place.path)/none"
    try Program.run("import", none, input, "--rejects", "\(none)/missing/rejects").expect(2)
    #expect(!FileManager.default.fileExists(atPath: none))
  }

  @Test func `a proof of consistency holds the checkpoint's origin and signature, too`() throws {
    let place = try Place()
    let (other, key) = ("\(place.path)/other", "\(place.path)/key")
    for store in [place.store, other] {
      try Program.run("import", store, try place.file("a", events(0..<10))).expect(0)
    }
    let kept = "\(place.path)/kept"
    try Program.run("checkpoint", place.store, "--init", key, "-o", kept).expect(0)
    try Program.run("prove", place.store, "--consistency", kept).expect(0)
    let run = try Program.run("prove", other, "--consistency", kept, "--key", "\(key).pub")
    run.expect(1)
    #expect(run.errors.contains("error[other-store]"))
    let text = try String(contentsOfFile: kept, encoding: .utf8)
    let changed = try place.file("changed", text.replacing("\n10\n", with: "\n9\n"))
    try Program.run("prove", place.store, "--consistency", changed).expect(2)
    try FileManager.default.removeItem(atPath: "\(place.store)/key")
    let unchecked = try Program.run("verify", place.store, "--against", kept, "-q")
    unchecked.expect(0)
    #expect(unchecked.errors.contains("warning[signature-unchecked]"))
  }

  @Test func `a version served with other content is a warning, and under strict a refusal`() throws
  {
    let place = try Place()
    _ = try makeStore(place)
    try Program.run("replay", place.store, "--rules", try place.file("a.yaml", rules)).expect(0)
    let other = try place.file("b.yaml", rules.replacing("buys >= 1", with: "buys >= 2"))
    let strict = try Program.run("replay", place.store, "--rules", other, "--strict")
    strict.expect(2)
    #expect(strict.errors.contains("error[rules-changed]"))
    let run = try Program.run("replay", place.store, "--rules", other)
    run.expect(0)
    #expect(run.errors.contains("warning[rules-changed]"))
    let raised = try place.file("c.yaml", rules.replacing("version: 1", with: "version: 2"))
    let next = try Program.run("replay", place.store, "--rules", raised, "--strict")
    next.expect(0)
    #expect(!next.errors.contains("rules-changed"))
  }

  @Test func `a replay during an import notes its switch, and the import goes on`() throws {
    let place = try Place()
    _ = try makeStore(place)
    let file = try place.file("simple.yaml", rules)
    let input = Pipe()
    let importing = try Program.start("import", place.store, "-", "--acks", input: input)
    // The importer holds the writer's lock and waits for its input.
    try Program.run("replay", place.store, "--rules", file).expect(0)
    input.fileHandleForWriting.write(Data(events(20..<30).utf8))
    try input.fileHandleForWriting.close()
    importing.waitUntilExit()
    #expect(importing.terminationStatus == 0)
    #expect(
      try Program.run("views", place.store, "--history", "--format", "csv").output.split(
        separator: "\n"
      ).count == 2)
    try Program.run("verify", place.store).expect(0)
  }

  @Test func `proofs ask for what is there`() throws {
    let place = try Place()
    let (first, _) = try makeStore(place)
    try Program.run("prove", place.store, "20").expect(2)
    try Program.run("prove", place.store, "19", "--size", "10").expect(2)
    try Program.run("prove", place.store, "--subject", "nobody").expect(2)
    try Program.run("prove", place.store, "--record", "0").expect(2)
    try Program.run("prove", place.store, "--consistency", "21").expect(2)
    try Program.run("prove", place.store, "--consistency", "\(place.path)/none").expect(2)
    try Program.run("prove", place.store).expect(64)
    try Program.run("prove", place.store, "--consistency", first).expect(0)
    let proof = try Program.run("prove", place.store, "--subject", "C-3", "--format", "json")
    proof.expect(0)
    #expect(proof.output.contains("\"sequence\":2,\"previous\":10,"))
    let key = try Program.run("checkpoint", place.store, "--key", "\(place.path)/none")
    key.expect(2)
    let fresh = "\(place.path)/fresh"
    try Program.run("import", fresh, try place.file("a", events(0..<1))).expect(0)
    let unknown = try Program.run("checkpoint", fresh)
    unknown.expect(2)
    #expect(unknown.errors.contains("error[no-key]"))
  }
}

/// Copies of a store.
@Suite struct BackupTests {
  private func events(_ range: Range<Int>) -> String {
    range.map { event($0, "purchase", "2024-01-01T00:00:00Z", subject: "C-\($0 % 7)") }.joined()
  }

  @Test func `a backup is the store, with its root, its id and its register`() throws {
    let place = try Place()
    let copy = "\(place.path)/copy"
    // More than a block, and some in the open one.
    try Program.run("import", place.store, try place.file("a", events(0..<17_000))).expect(0)
    try Program.run(
      "replay", place.store, "--rules", Program.fixture("rules/retail.yaml")
    ).expect(0)
    let checkpoint = "\(place.path)/checkpoint"
    try Program.run("checkpoint", place.store, "--init", "\(place.path)/k", "-o", checkpoint)
      .expect(0)
    let run = try Program.run("backup", place.store, copy, "--format", "json")
    run.expect(0)
    #expect(run.output.contains("\"size\":17000,"))
    try Program.run("verify", copy, "--against", checkpoint).expect(0)
    let history = ["views", "--history", "--format", "csv"]
    #expect(
      try Program.run([history[0], copy] + history[1...]).output
        == Program.run([history[0], place.store] + history[1...]).output)
    // It goes on like any store.
    try Program.run("import", copy, try place.file("b", events(16_990..<17_010))).expect(0)
    try Program.run("verify", copy, "--against", checkpoint).expect(0)
    try Program.run("verify", place.store, "--against", checkpoint).expect(0)
  }

  @Test func `nothing is overwritten, and what killed backups left goes`() throws {
    let place = try Place()
    try Program.run("import", place.store, try place.file("a", events(0..<10))).expect(0)
    let there = try Program.run("backup", place.store, place.path)
    there.expect(2)
    #expect(there.errors.contains("error[store-exists]"))
    // No process has this number: it is above the system's limit.
    let left = "\(place.path)/copy.tmp-2000000000"
    try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
    try Program.run("backup", place.store, "\(place.path)/copy").expect(0)
    #expect(!FileManager.default.fileExists(atPath: left))
    try Program.run("backup", "\(place.path)/none", "\(place.path)/copy2").expect(2)
  }

  @Test func `a damaged source is not backed up`() throws {
    let place = try Place()
    try Program.run("import", place.store, try place.file("a", events(0..<100))).expect(0)
    let file = "\(place.store)/log/g1/data.mdb"
    var data = try Data(contentsOf: URL(fileURLWithPath: file))
    let found = try #require(data.range(of: Data("\"id\":\"e50\"".utf8), options: .backwards))
    data[found.lowerBound + 7] ^= 1
    try data.write(to: URL(fileURLWithPath: file))
    let run = try Program.run("backup", place.store, "\(place.path)/copy")
    run.expect(2)
    #expect(run.errors.contains("error[store-damaged]"))
    #expect(!FileManager.default.fileExists(atPath: "\(place.path)/copy"))
  }
}
