import Foundation
import Testing

@testable import EventStore

/// Anchors take ids from a column: it has to say what the lines say, whatever an id is.
@Suite struct IDColumnTests {
  private static let kinds: [String: @Sendable (inout SeededRandom, Int) -> String] = [
    "counted": { _, number in "e-\(number)" },
    "padded": { _, number in "evt-" + String(String(number + 100_000_000).dropFirst()) },
    "padded, and longer ones": { _, number in
      number % 3 == 0 ? "\(99_990 + number)" : String(String(number % 900 + 100_000).dropFirst())
    },
    "numbers": { random, _ in ["0", "00", "7", "007", "\(random(100_000))", "-5", "1e9"][random(7)]
    },
    "long numbers": { random, number in
      String(repeating: "9", count: random(40) + 1) + "\(number)"
    },
    "hashes": { random, _ in
      String((0..<32).map { _ in Array("0123456789abcdef")[random(16)] })
    },
    "UUIDs": { random, _ in
      String(
        (0..<36).map { [8, 13, 18, 23].contains($0) ? "-" : Array("0123456789ABCDEF")[random(16)] })
    },
    "of one": { _, _ in "same" },
    "hostile": { random, number in
      let texts = [
        "é\(number)", "e\u{301}", "\"\\\n\u{0}\u{1f}", "🙂", " ", "24/Type C", "x" + "\(number)",
        String(repeating: "k", count: 255), String(repeating: "ü", count: 127), "C\(number)/paid",
      ]
      return texts[random(texts.count)]
    },
    "text": { random, _ in
      String((0..<60).map { _ in Array("abcdefghijklmnopqrstuvwxyz")[random(26)] })
    },
  ]

  private func ids(_ kind: String, _ count: Int, seed: UInt64 = 11) -> [String] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { Self.kinds[kind]?(&random, $0) ?? "" }
  }

  private func column(_ ids: [String]) -> [UInt8]? {
    var builder = IDColumnBuilder()
    for id in ids { builder.add(Array(id.utf8).span) }
    return builder.encoded()
  }

  private func read(_ column: IDColumn, where isWanted: [Bool]) -> [Int: String] {
    var found: [Int: String] = [:]
    column.forEach(where: isWanted) { row, id in
      found[Int(row)] = String(decoding: [UInt8](copying: id), as: UTF8.self)
    }
    return found
  }

  @Test(arguments: kinds.keys.sorted()) func `a column gives back each id`(kind: String) throws {
    for count in [1, 2, 777] {
      let ids = ids(kind, count)
      // A column that would be larger than 20 bytes an event is none.
      guard let bytes = column(ids) else {
        #expect(
          ["text", "hostile", "UUIDs", "hashes", "long numbers"].contains(kind) || count < 777)
        continue
      }
      let column = try #require(IDColumn(bytes))
      #expect(column.count == count)
      let all = read(column, where: Array(repeating: true, count: count))
      #expect((0..<count).map { all[$0] } == ids)
      let some = read(column, where: (0..<count).map { $0 % 5 == 3 })
      #expect(some == all.filter { $0.key % 5 == 3 })
    }
  }

  @Test func `ids that count up take two bytes, hashes half their length, an erased one is empty`()
    throws
  {
    for (kind, bytes) in [("counted", 2), ("padded", 2), ("hashes", 16), ("UUIDs", 16)] {
      let encoded = try #require(column(ids(kind, 16_384)))
      #expect(encoded.count < 16_384 * bytes + 1000, "\(kind)")
    }
    #expect(column(ids("text", 16_384)) == nil)
    #expect(column([String(repeating: "k", count: 256)]) == nil)
    let bytes = try #require(column(["e-1", "", "e-3"]))
    let erased = try #require(IDColumn(bytes))
    #expect(read(erased, where: [true, true, true]) == [0: "e-1", 1: "", 2: "e-3"])
  }

  @Test func `a changed column is malformed or gives other ids, and never ends the process`() {
    var random = SeededRandom(seed: 12)
    for kind in Self.kinds.keys.sorted() {
      guard let whole = column(ids(kind, 60)) else { continue }
      for _ in 0..<400 {
        var bytes = whole
        for _ in 0...random(3) {
          let index = random(min(bytes.count, random(2) == 0 ? 24 : bytes.count))
          switch random(4) {
          case 0: bytes[index] = [0, 1, 0x7f, 0x80, 0xff][random(5)]
          case 1: bytes[index] ^= 1 << UInt8(random(8))
          case 2 where bytes.count > 1: bytes.removeLast(random(bytes.count - 1) + 1)
          default: bytes.insert(UInt8(random(256)), at: index)
          }
        }
        guard let column = IDColumn(bytes) else { continue }
        column.forEach(where: Array(repeating: true, count: 60)) { row, id in
          #expect(row < 60 && id.count <= 255 + 19)
        }
      }
    }
  }

  @Test func `a column of numbers is searched in place, whatever its width`() {
    var random = SeededRandom(seed: 13)
    for spread in [1, 200, 60_000, 1 << 31, 1 << 40] {
      for count in [1, 63, 64, 65, 300] {
        let base = Int64(random(1000)) - 500
        let values = (0..<count).map { _ in base + Int64(random(4) * (random(spread) / 4)) }
        let bytes = ColumnCoding.encode(values)
        guard let column = PackedColumn(bytes.span) else {
          Issue.record("a column of spread \(spread) is malformed")
          continue
        }
        for row in 0...count {
          let value = column.value(of: row, in: bytes.span)
          #expect(value == (row < count ? values[row] : nil))
        }
        for value in values.prefix(9) + [base - 1, base + Int64(spread), Int64.max, Int64.min] {
          for rows in [0, 1, count / 2, count, count + 5] {
            let found = column.lastRow(of: value, below: rows, in: bytes.span)
            #expect(found == values.prefix(rows).lastIndex(of: value))
          }
        }
        if spread > 1 && count > 1 { #expect(isMalformed(Array(bytes.dropLast()))) }
      }
    }
    #expect(isMalformed([0, 0, 0, 0]))
    #expect(isMalformed([1] + Array(repeating: 0, count: 11) + [3, 0, 0, 0]))
  }

  private func isMalformed(_ column: [UInt8]) -> Bool {
    if PackedColumn(column.span) == nil { return true }
    return false
  }

  // MARK: In a store

  private func makeStore(_ ids: [String]) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    // In several commits, so that ids of the open block are read back from its lines.
    for start in stride(from: 0, to: ids.count, by: 9000) {
      let writer = try LogWriter.open(at: path, creating: true, waitSeconds: 0)
      var batch = EventBatch()
      for (number, id) in ids[start..<min(start + 9000, ids.count)].enumerated() {
        // The same id of another source is another event.
        let source = "s\(start + number)"
        var quoted: [UInt8] = []
        JSONText.append(Array(id.utf8), to: &quoted)
        let text = String(decoding: quoted, as: UTF8.self)
        let escaped = number % 7 == 0 ? text.replacing("e", with: "\\u0065") : text
        let line =
          #"{"source":"\#(source)","id":\#(escaped),"type":"t","subject":"c\#(number % 7)","time":"2024-01-01T00:00:00Z"}"#
        try batch.append(
          line: Array(line.utf8).span, source: Array(source.utf8).span, id: Array(id.utf8).span,
          type: Array("t".utf8).span, subject: Array("c\(number % 7)".utf8).span,
          occurred: 1_704_067_200_000_000)
      }
      _ = try writer.append(batch)
    }
    return path
  }

  private func change(
    _ path: String, _ body: (inout WriteTransaction, Table<ColumnKey>) throws -> Void
  ) throws {
    let environment = try WritableEnvironment.open(
      "\(path)/log/g1", tables: LogTables.names, replacing: [])
    try environment.write { try body(&$0, environment.table(LogTables.columns)) }
  }

  private func problems(_ path: String) throws -> [String] {
    try Store.open(at: path).verify(threads: 1) { _ in }.problems.map(\.what)
  }

  @Test
  func `a full block has its ids, the open one none, and verify holds them against the lines`()
    throws
  {
    let hostile = ids("hostile", 200)
    let ids = (0..<BlockColumns.length + 40).map { $0 % 90 == 0 ? hostile[$0 / 90] : "e\($0)" }
    let path = try makeStore(ids)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let snapshot = try Store.open(at: path).snapshot()
    let column = try #require(try snapshot.ids(ofBlock: BlockNumber(0)))
    let found = read(column, where: Array(repeating: true, count: BlockColumns.length))
    try snapshot.forEachLine(in: 0..<UInt64(BlockColumns.length)) { position, line in
      let fromLine = PayloadPaths.id(of: line).withText(line) { [UInt8](copying: $0) }
      #expect(Array((found[Int(position)] ?? "").utf8) == fromLine)
      #expect(found[Int(position)] == ids[Int(position)])
    }
    #expect(try snapshot.ids(ofBlock: BlockNumber(1)) == nil)
    #expect(try problems(path) == [])

    let (key, directoryKey) = (
      ColumnKey(.ids, block: BlockNumber(0)), ColumnKey(.directory, block: BlockNumber(0))
    )
    func stored(_ key: ColumnKey) throws -> [UInt8] {
      var value: [UInt8] = []
      try change(path) { transaction, table in
        value = try #require(try transaction.get(table, key))
      }
      return value
    }
    let (whole, directory) = (try stored(key), try stored(directoryKey))
    func put(_ key: ColumnKey, _ content: [UInt8]) throws {
      try change(path) { try $0.put($1, key, content) }
    }
    let complaint = "the column of ids says something else than the block's lines"
    // Another id, no column where the directory speaks of one, a column of which it does not speak.
    var other = whole
    other[other.count - 1] ^= 1
    try put(key, other)
    #expect(try problems(path) == [complaint])
    try put(key, [9])
    #expect(try problems(path) == [complaint])
    try change(path) { try $0.delete($1, key) }
    #expect(try problems(path) == [complaint])
    try put(directoryKey, directory.dropLast())
    // A block of a version that kept no ids.
    #expect(try problems(path) == [])
    try put(key, whole)
    #expect(try problems(path) == [complaint])
  }

  @Test func `verify holds a block's directory against its columns`() throws {
    // Its number of events and earliest and latest times were not looked at.
    let path = try makeStore((0..<BlockColumns.length).map { "e\($0)" })
    defer { try? FileManager.default.removeItem(atPath: path) }
    let key = ColumnKey(.directory, block: BlockNumber(0))
    for offset in [0, 7, 15] {
      try change(path) { transaction, table in
        var value = try #require(try transaction.get(table, key))
        value[offset] ^= 1
        try transaction.put(table, key, value)
      }
      #expect(
        try problems(path) == ["the directory of the block says something else than its columns"])
      try change(path) { transaction, table in
        var value = try #require(try transaction.get(table, key))
        value[offset] ^= 1
        try transaction.put(table, key, value)
      }
    }
  }
}
