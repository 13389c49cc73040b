@testable import EventStore
import Foundation
import Testing

/// Lines of chosen events, in parts.
@Suite struct EventLinesTests {
  private static let base: Int64 = 1_704_067_200_000_000

  private func line(_ number: Int) -> String {
    let padding = String(repeating: "x", count: number % 97)
    return
      #"{"id":"e\#(number)","source":"s","type":"t\#(number % 3)","subject":"c\#(number % 7)","time":"\#(RFC3339.text(Self.base + Int64(number)))","data":{"p":"\#(padding)"}}"#
  }

  private func makeStore(_ count: Int) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
    var batch = EventBatch()
    for number in 0..<count {
      try batch.append(
        line: Array(line(number).utf8).span, source: Array("s".utf8).span,
        id: Array("e\(number)".utf8).span, type: Array("t\(number % 3)".utf8).span,
        subject: Array("c\(number % 7)".utf8).span, occurred: Self.base + Int64(number))
    }
    _ = try writer.append(batch)
    return path
  }

  @Test(arguments: [20_000, 1 << 20])
  func `parts hold all that is wanted, in order, whatever their size`(bytes: Int) throws {
    let count = 16_384 + 700
    let path = try makeStore(count)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let snapshot = try Store.open(at: path).snapshot()
    var everything = EventSelection()
    var few = EventSelection()
    few.occurred = Self.base + 16_000...Self.base + 16_500
    few.types = [1]
    few.subjects = [2, 3]
    var rare = EventSelection()
    rare.occurred = Self.base...Self.base + 5
    everything.types = bytes == 20_000 ? [0, 1, 2] : nil
    let selections: [(EventSelection, (Int) -> Bool)] = [
      (everything, { _ in true }),
      (few, { (16_000...16_500).contains($0) && $0 % 3 == 1 && [2, 3].contains($0 % 7) }),
      (rare, { $0 <= 5 }),
    ]

    for (selection, isWanted) in selections {
      var text: [UInt8] = []
      let read = try snapshot.forEachPart(of: selection, bytes: bytes) { text += $0 }
      let wanted = (0..<count).filter(isWanted)
      #expect(read.events == wanted.count)
      #expect(read.erased == 0)
      #expect(String(decoding: text, as: UTF8.self) == wanted.map { line($0) + "\n" }.joined())
    }
  }

  @Test func `an erased event is left out and counted`() throws {
    // Its line is the hash of its leaf, which is no event and may hold any byte.
    let path = try makeStore(3)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let environment = try WritableEnvironment.open(
      "\(path)/log/g1", tables: LogTables.names, replacing: [])
    let table = environment.table(LogTables.events)
    try environment.write { transaction in
      var value = try #require(try transaction.get(table, 0))
      // Behind flags and count: three slots of 45 bytes, then the lines. The second one becomes a leaf hash of line ends.
      let start = 5 + 3 * 45 + line(0).utf8.count + 1
      value.replaceSubrange(
        start..<start + line(1).utf8.count, with: Array(repeating: 0x0a, count: 32))
      value[5 + 45] = 1
      value.replaceSubrange(5 + 45 + 1..<5 + 45 + 5, with: [32, 0, 0, 0])
      try transaction.put(table, 0, value)
    }

    var text: [UInt8] = []
    let read = try Store.open(at: path).snapshot().forEachPart(of: EventSelection()) { text += $0 }

    #expect(read.events == 2)
    #expect(read.erased == 1)
    #expect(String(decoding: text, as: UTF8.self) == "\(line(0))\n\(line(2))\n")
  }

  @Test func `what stops a reader stops it at once`() throws {
    struct Full: Error {}
    let path = try makeStore(50)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let snapshot = try Store.open(at: path).snapshot()
    var parts = 0

    #expect(throws: Full.self) {
      _ = try snapshot.forEachPart(of: EventSelection(), bytes: 1) { _ in
        parts += 1
        if parts == 3 { throw Full() }
      }
    }
    #expect(parts == 3)
  }
}
