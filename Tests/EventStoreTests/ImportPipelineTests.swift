import Foundation
import Synchronization
import Testing

@testable import EventStore

@Suite struct ImportPipelineTests {
  private final class Place: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ lines: [String], to name: String) throws -> String {
      let file = "\(path)/\(name)"
      try lines.map { $0 + "\n" }.joined().write(toFile: file, atomically: false, encoding: .utf8)
      return file
    }
  }

  private func line(_ id: String, subject: String = "c", value: Int = 0, more: String = "")
    -> String
  {
    #"{"id":"\#(id)","source":"s","type":"t","subject":"\#(subject)","time":"2024-01-01T00:00:00Z","data":{"v":\#(value),"m":"\#(more)"}}"#
  }

  private func run(
    _ files: [String], into store: String, threads: Int, acknowledge: (UInt64) -> Void = { _ in }
  ) throws -> ImportSummary {
    var options = ImportOptions()
    options.threads = threads
    return try Importer(store: store, options: options).run(
      files, now: 1_800_000_000_000_000, acknowledge: acknowledge)
  }

  private func lines(_ store: String) throws -> [String] {
    let snapshot = try Store.open(at: store).snapshot()
    var lines: [String] = []
    try snapshot.forEachLine(in: 0..<snapshot.size) { _, line in
      lines.append(String(decoding: [UInt8](copying: line), as: UTF8.self))
    }
    return lines
  }

  @Test(arguments: [1, 3])
  func `what comes of the lines is what it was when they came one by one, in their order`(
    threads: Int
  ) throws {
    let place = try Place()
    var random = SeededRandom(seed: 31)
    var input: [String] = []
    var stored: [String] = []
    var rejected: [(line: Int, code: String)] = []
    var known: [String: String] = [:]
    var duplicates = 0
    // Several pieces of a mebibyte and more than a block; blank lines, lines that are none, duplicates and conflicts.
    for number in 1...20_000 {
      switch random(20) {
      case 0: input.append(number % 2 == 0 ? "" : "  ")
      case 1:
        input.append("{\"id\":")
        rejected.append((number, "json"))
      case 2:
        input.append(line("", value: number))
        rejected.append((number, "empty-id"))
      case 3 where !stored.isEmpty:
        input.append(stored[random(stored.count)])
        duplicates += 1
      default:
        let id = "e\(random(200_000))"
        let text = line(
          id, subject: "c\(random(900))", value: number,
          more: String(repeating: "m", count: random(90)))
        input.append(text)
        if known[id] == nil {
          known[id] = text
          stored.append(text)
        } else {
          rejected.append((number, "conflict"))
        }
      }
    }
    let file = try place.write(input, to: "events.ndjson")
    let store = "\(place.path)/store"
    let summary = try run([file], into: store, threads: threads)

    #expect(try lines(store) == stored)
    #expect(summary.appended == stored.count)
    #expect(summary.lines == input.count)
    let entries = try String(contentsOfFile: "\(store)/rejects.ndjson", encoding: .utf8)
      .split(separator: "\n").map {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }
    let found = entries.map { "\($0?["line"] as? Int ?? 0) \($0?["code"] as? String ?? "")" }
    #expect(found == rejected.map { "\($0.line) \($0.code)" })
    #expect(summary.duplicates == duplicates)
    let report = try Store.open(at: store).verify(threads: 2) { _ in }
    #expect(report.isOK, "\(report.problems.prefix(3))")
  }

  @Test func `an attribute with escapes is the text that it means`() throws {
    let place = try Place()
    let file = try place.write(
      [
        line("abc", subject: "c-1"), line(#"a\u0062c"#, subject: #"c\u002d1"#),
        line("abd", subject: #"\u0063-1"#), line(#"\u0061bd"#, subject: "c-1"),
      ], to: "events.ndjson")
    let store = "\(place.path)/store"
    let summary = try run([file], into: store, threads: 2)

    #expect(summary.appended == 2 && summary.duplicates == 2 && summary.rejected == 0)
    let snapshot = try Store.open(at: store).snapshot()
    #expect(snapshot.subjectCount == 1)
    #expect(try Array(snapshot.subjectNames().bytes(of: 0)) == Array("c-1".utf8))
    #expect(try Store.open(at: store).verify(threads: 1) { _ in }.isOK)
  }

  @Test func `inputs are numbered each from its first line, also the same one twice`() throws {
    let place = try Place()
    let file = try place.write([line("a"), "x", line("b")], to: "events.ndjson")
    let summary = try run([file, file], into: "\(place.path)/store", threads: 2)

    #expect(summary.appended == 2 && summary.duplicates == 2 && summary.rejected == 2)
    #expect(summary.examples.map(\.line) == [2, 2])
  }

  @Test func `a line of a stream is committed while the stream goes on`() throws {
    let place = try Place()
    let pipe = "\(place.path)/pipe"
    let status = unsafe mkfifo(pipe, 0o600)
    try #require(status == 0)
    let isCommitted = Mutex(false)
    let first = Data((line("a") + "\n").utf8)
    let second = Data((line("b") + "\n").utf8)
    let source = Thread {
      guard let handle = FileHandle(forWritingAtPath: pipe) else { return }
      handle.write(first)
      // The stream ends when the first event is known to be safe, not before.
      for _ in 0..<3000 where !isCommitted.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.01) }
      handle.write(second)
      try? handle.close()
    }
    source.start()
    var sizes: [UInt64] = []
    let summary = try run([pipe], into: "\(place.path)/store", threads: 2) { size in
      sizes.append(size)
      isCommitted.withLock { $0 = true }
    }

    #expect(sizes == [1, 2])
    #expect(summary.appended == 2)
  }

  @Test func `a block is the same whether it comes at once or part by part`() throws {
    var batch = EventBatch()
    let parser = EventParser(latest: Int64.max)
    var rows: [BlockPart.Row] = []
    for number in 0..<BlockColumns.length {
      let text = line(
        "e\(number)", subject: "c\(number % 700)", value: number % 3, more: "\(number)")
      try batch.append(Array(text.utf8).span, parser)
      let previous = number < 700 ? UInt64.max : UInt64(number - 700)
      rows.append(
        BlockPart.Row(
          batch: 0, entry: UInt32(number), subject: UInt32(number % 700),
          sequence: UInt32(number / 700), previous: previous, idHash: UInt64(number) &* 77,
          lineLength: UInt32(text.utf8.count), type: 0))
    }
    func part(_ range: Range<Int>) -> BlockPart {
      var part = BlockPart(first: UInt64(range.lowerBound))
      part.batches = [batch]
      for row in range { part.append(rows[row]) }
      part.recorded = 5
      return part
    }
    func salts() -> SaltSource {
      let next = Mutex<UInt8>(0)
      return SaltSource { count in
        let value = next.withLock { next in
          next += 1
          return next
        }
        return (0..<count).map { UInt8(truncatingIfNeeded: $0) ^ value }
      }
    }

    var source = salts()
    let whole = BuiltBlock(part(0..<BlockColumns.length), &source)
    var others = salts()
    var open = OpenBlock(BlockNumber(0))
    for range in [0..<1, 1..<300, 300..<9000, 9000..<BlockColumns.length] {
      _ = open.add(part(range), &others)
    }
    let sealed = open.sealedColumns()
    #expect(sealed.root == whole.root)
    #expect(sealed.columns.map(\.keyBytes) == whole.columns.map(\.keyBytes))
    #expect(sealed.columns.map(\.bytes) == whole.columns.map(\.bytes))
  }
}
