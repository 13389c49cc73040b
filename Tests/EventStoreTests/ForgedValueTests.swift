@testable import EventStore
import Foundation
import Testing

/// Values that say something else under a checksum that holds. Found by `Tests/Faults/forged.py`.
@Suite struct ForgedValueTests {
  private func makeStore() throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
    var batch = EventBatch()
    for number in 0..<100 {
      let (id, subject) = ("e\(number)", "c\(number % 7)")
      let line =
        #"{"id":"\#(id)","source":"s","type":"t","subject":"\#(subject)","time":"2024-01-01T00:00:00Z"}"#
      try batch.append(
        line: Array(line.utf8).span, source: Array("s".utf8).span, id: Array(id.utf8).span,
        type: Array("t".utf8).span, subject: Array(subject.utf8).span,
        occurred: 1_704_067_200_000_000)
    }
    _ = try writer.append(batch)
    return path
  }

  /// Changes the content of a value and seals it again.
  private func forge<Key>(
    _ path: String, _ name: TableName<Key>, _ key: Key, _ change: (inout [UInt8]) -> Void
  ) throws {
    let environment = try WritableEnvironment.open(
      "\(path)/log/g1", tables: LogTables.names, replacing: [])
    try environment.write { transaction in
      var content = try #require(try transaction.get(environment.table(name), key))
      change(&content)
      try transaction.put(environment.table(name), key, content)
    }
  }

  @Test func `verify names an event of the open block whose line, sum or columns were forged`()
    throws
  {
    // The open block's columns stand behind its lines. Where they could not be read, nothing was compared and nothing said.
    let changes: [(what: String, change: (inout [UInt8]) -> Void)] = [
      ("a chunk's columns are malformed", { $0.removeLast() }),
      ("a chunk's columns are malformed", { $0.append(0) }),
      ("the event's checksum does not hold", { $0[5 + 45 * 100 + 8] ^= 1 }),
      ("the event's checksum does not hold", { $0[48] ^= 1 }),
      ("the column of subjects names another one than the line", { $0[$0.count - 1] ^= 1 }),
      ("a chunk's slot table is malformed", { $0[21] = 0x7f }),
      ("a chunk's lines are malformed", { $0[0] = 0x7f }),
    ]
    for (what, change) in changes {
      let path = try makeStore()
      defer { try? FileManager.default.removeItem(atPath: path) }
      try forge(path, LogTables.events, 0, change)
      let problems = try Store.open(at: path).verify(threads: 1) { _ in }.problems
      #expect(problems.contains { $0.what.contains(what) }, "\(what): \(problems.map(\.what))")
    }
  }

  @Test func `verify holds the state record against the events`() throws {
    // Version and size come first, then three times, then the number of subjects.
    for (offset, what) in [
      (10, "the earliest and latest times"), (18, "the earliest and latest times"),
      (26, "the earliest and latest times"), (34, "names are stored"),
    ] {
      let path = try makeStore()
      defer { try? FileManager.default.removeItem(atPath: path) }
      try forge(path, LogTables.meta, StateRecord.key) { $0[offset] ^= 1 }
      let problems = try Store.open(at: path).verify(threads: 1) { _ in }.problems
      #expect(problems.contains { $0.what.contains(what) }, "\(offset): \(problems.map(\.what))")
    }
  }

  @Test func `a control record whose times no calendar has is malformed`() throws {
    // Printing the year 142,000 ended the process.
    let path = try makeStore()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let rules = Array("rules".utf8)
    try RegisterWriter.open(at: path).register(
      ViewSwitch(
        view: "v", generation: "g", model: "m", version: 1,
        rulesHash: SHA256Bytes.hash(rules.span), size: 0, root: MerkleTree().root, engine: "e",
        asOf: 0, outputRoot: Array(repeating: 1, count: 32), customers: 0, transitions: 0,
        parked: 0, rules: rules), waitSeconds: 5)
    // Behind two bytes, `recorded`, four texts of one letter, version and size: the instant of the replay.
    try forge(path, LogTables.control, 0) { $0[2 + 8 + 12 + 16 + 7] = 0x7f }
    let store = try Store.open(at: path)
    #expect(throws: (any Error).self) { try store.snapshot().register() }
    let problems = try store.verify(threads: 1) { _ in }.problems
    #expect(problems.map(\.what) == ["control record 0 is malformed"])
  }
}
