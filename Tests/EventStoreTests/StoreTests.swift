import EventStore
import Foundation
import Testing

@Suite struct StoreTests {
  private func place() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
  }

  private func line(_ id: String, _ subject: String, _ type: String, _ value: Int) -> [UInt8] {
    Array(
      #"{"id":"\#(id)","source":"s","type":"\#(type)","subject":"\#(subject)","time":"2024-01-01T00:00:00Z","data":{"v":\#(value)}}"#
        .utf8)
  }

  private func add(
    _ id: String, _ subject: String, _ type: String, _ value: Int, to batch: inout EventBatch
  ) throws {
    try batch.append(
      line: line(id, subject, type, value).span, source: Array("s".utf8).span,
      id: Array(id.utf8).span, type: Array(type.utf8).span, subject: Array(subject.utf8).span,
      occurred: 1_704_067_200_000_000)
  }

  /// The log as a list, with what must be known of each event.
  private struct Model {
    var lines: [[UInt8]] = []
    var byID: [String: (position: Int, value: Int)] = [:]
    var subjects: [String: [UInt64]] = [:]
  }

  @Test func `random batches end as a naive list of events does, over blocks and reopenings`()
    throws
  {
    var random = SeededRandom(seed: 97)
    let path = place()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var model = Model()
    for _ in 0..<30 {
      let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
      for _ in 0..<1 + random(3) {
        var batch = EventBatch()
        var expected: [AppendOutcome] = []
        let size = random(4) == 0 ? random(4000) : random(12)
        for _ in 0..<size {
          let id = "e\(random(30_000))"
          let subject = "c\(random(400))"
          let value = random(2)
          let old = model.byID[id]
          if let old {
            // The stored value counts: another subject makes another value, too.
            let same = model.lines[old.position] == line(id, subject, "t\(old.position % 5)", value)
            expected.append(
              same
                ? .duplicate(of: UInt64(old.position)) : .conflict(with: UInt64(old.position)))
            try add(id, subject, "t\(old.position % 5)", value, to: &batch)
          } else {
            let position = model.lines.count
            try add(id, subject, "t\(position % 5)", value, to: &batch)
            model.byID[id] = (position, value)
            model.lines.append(line(id, subject, "t\(position % 5)", value))
            model.subjects[subject, default: []].append(UInt64(position))
            expected.append(.appended(position: UInt64(position)))
          }
        }
        #expect(try writer.append(batch) == expected)
      }
      #expect(writer.size == UInt64(model.lines.count))
    }
    try check(path, model)
  }

  private func check(_ path: String, _ model: Model) throws {
    let store = try Store.open(at: path)
    let snapshot = try store.snapshot()
    #expect(snapshot.size == UInt64(model.lines.count))
    var found: [[UInt8]] = []
    try snapshot.forEachLine(in: 0..<snapshot.size) { position, line in
      #expect(position == UInt64(found.count))
      found.append((0..<line.count).map { line[$0] })
    }
    #expect(found == model.lines)
    for (subject, positions) in model.subjects {
      let number = try #require(try snapshot.subject(named: Array(subject.utf8).span))
      #expect(try snapshot.positions(ofSubject: number) == positions)
    }
    // Some at once, on several threads, with one that is not there.
    let names = model.subjects.keys.sorted().prefix(5) + ["nobody"]
    let numbers = try snapshot.subjects(named: names.map { Array($0.utf8) }, threads: 3)
    #expect(numbers.last == .some(nil) && numbers.dropLast().allSatisfy { $0 != nil })
    let events = try snapshot.events(
      ofSubjects: numbers.compactMap { $0 }, threads: 3
    ) { position, line -> (position: UInt64, line: [UInt8]) in
      guard let line else { return (position, []) }
      return (position, [UInt8](copying: line))
    }
    let expected = names.flatMap { model.subjects[$0] ?? [] }.sorted()
    #expect(events.map(\.position) == expected)
    for position in expected.prefix(20) {
      let number = try #require(try snapshot.subject(at: position))
      let name = try #require(zip(names, numbers).first { $0.1 == number }?.0)
      #expect(model.subjects[name]?.contains(position) == true)
    }
    #expect(try snapshot.subject(at: snapshot.size) == nil)
    #expect(events.map(\.line) == expected.map { model.lines[Int($0)] })
    let report = try store.verify(threads: 2) { _ in }
    #expect(report.isOK, "\(report.problems.prefix(3))")
    #expect(report.root == snapshot.root)
  }

  @Test func `known-at is a prefix of the log, and its root is that of the smaller log`() throws {
    let path = place()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let clock = Clock()
    let writer = try LogWriter.open(
      at: path, creating: true, waitSeconds: 0, clock: { clock.now })
    var roots: [[UInt8]] = []
    // The clock may go back; `recorded` does not.
    for (number, now) in [100, 200, 150, 300].enumerated() {
      clock.now = Int64(now)
      var batch = EventBatch()
      try add("e\(number)", "c", "t", 1, to: &batch)
      _ = try writer.append(batch)
      roots.append(writer.root)
    }
    let snapshot = try Store.open(at: path).snapshot()

    #expect(
      try (0..<4).map { try snapshot.header(at: UInt64($0)).recorded } == [100, 200, 200, 300])
    #expect(try snapshot.size(knownAt: 99) == 0)
    #expect(try snapshot.size(knownAt: 200) == 3)
    #expect(try snapshot.size(knownAt: 300) == 4)
    for size in 1...4 {
      #expect(try snapshot.root(ofFirst: UInt64(size)) == roots[size - 1])
    }
  }

  private final class Clock: @unchecked Sendable {
    // Safe because one test on one thread owns it.
    var now: Int64 = 0
  }

  @Test func `a reader sees the log as it was when it looked`() throws {
    let path = place()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
    var batch = EventBatch()
    for number in 0..<16_380 { try add("e\(number)", "c", "t", 1, to: &batch) }
    _ = try writer.append(batch)
    let snapshot = try Store.open(at: path).snapshot()
    var more = EventBatch()
    for number in 0..<100 { try add("f\(number)", "d", "u", 1, to: &more) }
    _ = try writer.append(more)

    // The open block was sealed behind the reader's back.
    #expect(snapshot.size == 16_380)
    var count = 0
    try snapshot.forEachLine(in: 0..<20_000) { _, _ in count += 1 }
    #expect(count == 16_380)
    #expect(try snapshot.subjectNames().count == 1)
  }
}
