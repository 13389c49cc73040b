import Foundation
import Testing

@testable import EventStore

@Suite struct ErasureTests {
  private let path = FileManager.default.temporaryDirectory
    .appendingPathComponent(UUID().uuidString).path

  private func line(_ id: Int, _ subject: String, _ type: String) -> String {
    #"{"id":"e\#(id)","source":"s","type":"\#(type)","subject":"\#(subject)","time":"2024-01-01T00:00:\#(id % 50 + 10)Z","data":{"who":"mail-\#(subject)","n":\#(id)}}"#
  }

  private func append(
    _ lines: some Sequence<String>, to writer: LogWriter
  ) throws -> [AppendOutcome] {
    var batch = EventBatch()
    let parser = EventParser(latest: Int64.max)
    for line in lines {
      let bytes = Array(line.utf8)
      try batch.append(bytes.span, parser)
    }
    return try writer.append(batch)
  }

  private func lines(_ snapshot: LogSnapshot) throws -> [UInt64: String] {
    var lines: [UInt64: String] = [:]
    try snapshot.forEachLine(in: 0..<snapshot.size) { position, line in
      lines[position] = String(decoding: [UInt8](copying: line), as: UTF8.self)
    }
    return lines
  }

  @discardableResult
  private func erase(_ names: [String], reason: String = "") throws -> ErasureOutcome {
    let eraser = try StoreEraser.open(at: path, waitSeconds: 0, command: "test")
    let plan = try eraser.store.snapshot().erasurePlan(of: names, threads: 2)
    return try eraser.erase(plan, reason: reason, views: [], threads: 2) { _ in }
  }

  /// Names that begin with `person-` in the files of the store.
  private func names() throws -> Set<String> {
    var names: Set<String> = []
    let files = FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? []
    let prefix = Data("person-".utf8)
    for file in files {
      guard let data = FileManager.default.contents(atPath: "\(path)/\(file)") else { continue }
      var rest = data[...]
      while let place = rest.range(of: prefix) {
        let name = rest[place.lowerBound...].prefix(12).prefix { $0 != UInt8(ascii: "x") }
        names.insert(String(decoding: name, as: UTF8.self) + "x")
        rest = rest[place.upperBound...]
      }
    }
    return names
  }

  private typealias Event = (subject: String, line: String)

  /// Adds random events, and tries again some that were erased and some that are there.
  private func grow(
    _ model: inout [Event?], by counts: [Int], _ random: inout SeededRandom
  ) throws {
    let writer = try LogWriter.open(
      at: path, creating: true, waitSeconds: 0, limits: RunLimits(least: 1 << 14))
    let known = model.count
    let subjects = 1 + random(300)
    for count in counts {
      let events = (model.count..<model.count + count).map { id -> Event in
        let subject = "person-\(random(subjects) + 100)-x"
        // A type that is one person's alone goes with it.
        let type = random(50) == 0 ? "of-\(subject)" : "t\(id % 5)"
        return (subject, line(id, subject, type))
      }
      let outcomes = try append(events.map(\.line), to: writer)
      #expect(outcomes.allSatisfy { if case .appended = $0 { true } else { false } })
      model += events
    }
    if known > 0 {
      let again = (0..<20).map { _ in random(known) }
      let lines = again.map { line($0, model[$0]?.subject ?? "somebody else", "again") }
      for (position, outcome) in zip(again, try append(lines, to: writer)) {
        #expect(
          outcome
            == (model[position] == nil
              ? .erased(position: UInt64(position)) : .conflict(with: UInt64(position))))
      }
    }
    writer.maintain()
  }

  @Test(arguments: [5])
  func `random logs keep everything but the erased, whatever is open or full, and go on`(
    _ seed: UInt64
  ) throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    var random = SeededRandom(seed: seed)
    // What is there, by position; nil where it was erased.
    var model: [Event?] = []
    // A block that is not full, and one that is filled by parts, with an index and what is behind it.
    for counts in [[1 + random(200), 15_000 + random(1000)], [random(300), 1500]] {
      try grow(&model, by: counts, &random)
      let before = try Store.open(at: path).snapshot()
      let all = Set(model.compactMap { $0?.subject }).sorted()
      let going = all.filter { _ in random(20) == 0 }
      guard !going.isEmpty else { continue }
      let proofs = try [0, before.size / 2, before.size - 1].map {
        ($0, try before.inclusionProof(of: $0))
      }

      let outcome = try erase(going)

      let after = try Store.open(at: path).snapshot()
      #expect(after.size == before.size && after.root == before.root)
      #expect(after.latestOccurred == before.latestOccurred)
      for index in model.indices {
        if let event = model[index], going.contains(event.subject) { model[index] = nil }
      }
      let expected = Dictionary(
        uniqueKeysWithValues: model.enumerated().compactMap { index, event in
          event.map { (UInt64(index), $0.line) }
        })
      #expect(try lines(after) == expected)
      #expect(after.erasedCount == UInt64(model.count { $0 == nil }))
      #expect(
        after.namedSubjectCount == Set(expected.keys.compactMap { model[Int($0)]?.subject }).count)
      for name in going {
        #expect(try after.subject(named: Array(name.utf8).span) == nil)
      }
      #expect(try names().isDisjoint(with: going), "seed \(seed)")
      // Proofs made before are proofs now.
      for (position, proof) in proofs {
        let now = try after.inclusionProof(of: position)
        #expect(now.leafHash == proof.leafHash && now.path == proof.path)
        #expect((now.line == nil) == (model[Int(position)] == nil))
      }
      if let stays = Set(model.compactMap { $0?.subject }).sorted().first {
        let proof = try after.subjectProof(of: stays)
        #expect(proof.fault() == nil)
        #expect(proof.events.count == model.count { $0?.subject == stays })
      }
      let record = try after.recordProof(of: outcome.record.number)
      #expect(record.record == outcome.record && record.path == outcome.path)
      for subject in outcome.subjects {
        #expect(Erasure.hash(of: subject.name, nonce: subject.nonce) == subject.hash)
      }
    }
    try grow(&model, by: [2], &random)
    let report = try Store.open(at: path).verify(threads: 2) { _ in }
    #expect(report.isOK, "\(report.problems.prefix(3))")
    #expect(report.erased == UInt64(model.count { $0 == nil }))
  }

  @Test func `the same subject returns under a new number, and is erased again`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
      _ = try append((0..<10).map { line($0, "c\($0 % 2)", "t") }, to: writer)
    }
    try erase(["c1"])
    do {
      let writer = try LogWriter.open(at: path, creating: false, waitSeconds: 0)
      #expect(
        try append([line(1, "c1", "t"), line(10, "c1", "t")], to: writer) == [
          .erased(position: 1), .appended(position: 10),
        ])
    }
    let snapshot = try Store.open(at: path).snapshot()
    let name = Array("c1".utf8)
    let number = try #require(try snapshot.subject(named: name.span))
    #expect(number == 2)
    #expect(try snapshot.positions(ofSubject: number) == [10])
    #expect(try snapshot.header(at: 10).sequence == 0)
    #expect(try snapshot.subject(at: 1) == nil)
    #expect(try snapshot.subject(named: [UInt8]().span) == nil)
    try erase(["c1", "c0"])
    let empty = try Store.open(at: path).snapshot()
    #expect(empty.erasedCount == 11 && empty.namedSubjectCount == 0)
    #expect(empty.earliestOccurred == nil && empty.latestOccurred == snapshot.latestOccurred)
    #expect(try empty.register().erasures.map { $0.erasure.positions.count } == [5, 6])
    let report = try Store.open(at: path).verify(threads: 1) { _ in }
    #expect(report.isOK, "\(report.problems)")
    // All types are gone with their events, and a writer gives them new numbers.
    let writer = try LogWriter.open(at: path, creating: false, waitSeconds: 0)
    _ = try append([line(20, "c9", "t")], to: writer)
    #expect(try Store.open(at: path).verify(threads: 1) { _ in }.problems.map(\.what) == [])
  }

  @Test func `unknown names are all named, and nothing is done`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
      _ = try append([line(1, "c", "t")], to: writer)
    }
    do throws(EventStoreError) {
      _ = try Store.open(at: path).snapshot().erasurePlan(of: ["c", "d", "", "e"], threads: 1)
      Issue.record("it was planned")
    } catch {
      #expect(error.code == .noSubject)
      #expect(error.message == "the log has no subject `d`, ``, `e`")
    }
  }

  @Test func `a reader keeps its generation, and what it read is not written to the register`()
    throws
  {
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
      _ = try append((0..<400).map { line($0, "c\($0 % 50)", "t") }, to: writer)
    }
    let reader = try Store.open(at: path)
    let snapshot = try reader.snapshot()
    let register = try RegisterWriter.open(at: path)
    let before = try lines(snapshot)

    try erase(["c7"])

    #expect(try lines(snapshot) == before)
    #expect(try !reader.isInForce())
    do throws(EventStoreError) {
      try register.note(ViewDropped(view: "v", generation: "g1"), waitSeconds: 5)
      Issue.record("it was noted in a log that nobody reads")
    } catch {
      #expect(error.code == .busy && error.message.contains("were erased"))
    }
    do throws(EventStoreError) {
      _ = try reader.backup(to: "\(path)-copy", threads: 1) { _ in }
      Issue.record("what was erased was copied")
    } catch {
      #expect(error.code == .busy)
    }
    #expect(!FileManager.default.fileExists(atPath: "\(path)-copy"))
    let next = try Store.open(at: path)
    #expect(try next.isInForce())
    #expect(try lines(try next.snapshot()).count == 392)
  }

  @Test func `what throws before the switch leaves all as it was; what a killed one left goes`()
    throws
  {
    struct Stop: Error {}
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
      _ = try append((0..<10).map { line($0, "c\($0 % 2)", "t") }, to: writer)
    }
    do {
      let eraser = try StoreEraser.open(at: path, waitSeconds: 0, command: "test")
      let plan = try eraser.store.snapshot().erasurePlan(of: ["c1"], threads: 1)
      #expect(throws: Stop.self) {
        try eraser.erase(plan, reason: "", views: [], threads: 1) { _ in throw Stop() }
      }
    }
    #expect(Files.list("\(path)/log") == ["CURRENT", "g1", "head"])
    #expect(try Store.open(at: path).snapshot().erasedCount == 0)

    for left in ["g1.tmp", "g7", "g2.tmp"] { try Files.makeDirectory("\(path)/log/\(left)") }
    try Files.create("\(path)/log/CURRENT.tmp", with: "g7\n")
    let writer = try LogWriter.open(at: path, creating: false, waitSeconds: 0)
    #expect(Files.list("\(path)/log") == ["CURRENT", "g1", "head"])
    #expect(writer.size == 10)
  }

  @Test func `an erased position without a record, or a record without one, is damage`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
      _ = try append((0..<10).map { line($0, "c\($0 % 2)", "t") }, to: writer)
    }
    try erase(["c1"])
    let environment = try WritableEnvironment.open(
      "\(path)/log/g2", tables: LogTables.names,
      replacing: [LogTables.meta.replaced(), LogTables.control.replaced()])
    let reader = LogReader(environment)
    var state = try reader.state()
    var positions = PositionRanges()
    positions.append(2..<9)
    let record = ControlRecord(
      number: 0, recorded: 0,
      Erasure(
        reason: "", subjectHashes: [Array(repeating: 1, count: 32)], positions: positions))
    state.control = MerkleTree()
    state.control.append(leafHash: record.leafHash)
    try environment.write { transaction in
      try transaction.put(reader.control, 0, record.bytes)
      try transaction.put(reader.meta, StateRecord.key, state.encoded())
    }
    let problems = try Store(path: path, reader: reader).verify(threads: 1) { _ in }.problems
    #expect(
      problems.map { "\($0.position ?? 99): \($0.what)" } == [
        "1: the event was erased, and no control record says so",
        "2: a control record says that the event was erased, and it is there",
        "4: a control record says that the event was erased, and it is there",
        "6: a control record says that the event was erased, and it is there",
        "8: a control record says that the event was erased, and it is there",
        "9: the event was erased, and no control record says so",
      ])
  }

  @Test func `known-at is a prefix still where it ends among erased events`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    final class Clock: @unchecked Sendable {
      // Safe because one test on one thread owns it.
      var now: Int64 = 0
    }
    let clock = Clock()
    do {
      let writer = try LogWriter.open(
        at: path, creating: true, waitSeconds: 0, clock: { clock.now })
      for id in 0..<8 {
        clock.now = Int64(100 * (id + 1))
        _ = try append([line(id, id % 3 == 0 ? "gone" : "c", "t")], to: writer)
      }
    }
    try erase(["gone"])
    let snapshot = try Store.open(at: path).snapshot()
    for id in [1, 2, 4, 5, 7] {
      let size = try snapshot.size(knownAt: Int64(100 * (id + 1)))
      // The erased ones behind it count as recorded with it.
      #expect(size == UInt64(id % 3 == 2 ? id + 2 : id + 1))
      #expect(try snapshot.size(knownAt: Int64(100 * (id + 1) - 1)) <= UInt64(id))
    }
  }

  @Test func `entries of the rejects file about the erased go, however they are spelled`() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
      _ = try append(
        [line(1, "jörg@x.org", "t"), line(2, "C-1", "t"), line(3, "c", "t")], to: writer)
    }
    func entry(_ text: String) -> String {
      var bytes = Array(#"{"file":"f","line":1,"at":"x","code":"c","message":"m","text":"#.utf8)
      JSONText.append(Array(text.utf8), to: &bytes)
      return String(decoding: bytes, as: UTF8.self) + "}\n"
    }
    func base64(_ bytes: [UInt8]) -> String {
      #"{"file":"f","line":1,"at":"x","code":"utf8","message":"m","text_base64":"\#(Base64.text(bytes))"}"#
        + "\n"
    }
    let going = [
      entry(#"{"subject":"C-1","time":"wrong"}"#), entry(#"{"subject":"C\u002d1"}"#),
      entry(#"{"subject":"other","id":"e1","source":"s"}"#), entry("C-1;2024;x"),
      entry(#"{"subject":"j\u00f6rg@x.org", broken"#), base64([0xff] + Array(" C-1 ".utf8)),
      entry(#"{"data":{"mail":["to jörg@x.org"]}}"#),
    ]
    let staying = [
      entry(#"{"subject":"C-10"}"#), entry("AC-1;2024"), entry(#"{"subject":"c"}"#),
      entry(#"{"id":"e3","source":"s"}"#), base64([0xff, 0xfe]), "no JSON\n",
    ]
    try Files.create(
      "\(path)/rejects.ndjson",
      with: zip(going, staying + [""]).map { $0 + $1 }.joined() + "cut C-10")

    let outcome = try erase(["C-1", "jörg@x.org"])

    #expect(outcome.rejects == going.count)
    let left = String(decoding: try Files.read("\(path)/rejects.ndjson"), as: UTF8.self)
    #expect(left == staying.joined() + "cut C-10")
    #expect(!Files.exists("\(path)/rejects.ndjson.tmp"))
  }
}
