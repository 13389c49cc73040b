import Foundation
import Testing

@testable import EventStore

/// Typed tables: content goes in and comes out, checksums are nobody's business.
@Suite struct StorageTests {
  private static let rows = TableName<UInt32>("rows")

  /// An environment with a value that was flipped in one bit where it stands.
  private func withDamagedValue(_ body: (LMDBEnvironment, Table<UInt32>) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "storage-\(UUID().uuidString)"
    try Files.makeDirectory(directory)
    defer { Files.remove(directory) }
    do {
      let made = try WritableEnvironment.create(directory, tables: [Self.rows.text])
      try made.write { transaction in
        for key in UInt32(0)..<3 {
          try transaction.put(made.table(Self.rows), key, Array("content of \(key)".utf8))
        }
      }
    }
    let path = "\(directory)/data.mdb"
    var file = try Files.read(path)
    let wanted = Array("content of 1".utf8)
    let start = try #require(
      file.indices.last { file[$0...].prefix(wanted.count).elementsEqual(wanted) })
    file[start] ^= 1
    try Data(file).write(to: URL(fileURLWithPath: path))
    let environment = try LMDBEnvironment.open(
      directory, tables: [Self.rows.text])
    try body(environment, environment.table(Self.rows))
  }

  @Test func `no way of reading gives content whose checksum does not hold`() throws {
    // Each reader had to remember to check; the one that read a view's records while it was built did not.
    try withDamagedValue { environment, table in
      try environment.read { transaction in
        var sound: [UInt8] = []
        if let content = try transaction.get(table, 0) { sound.append(content) }
        #expect(sound == Array("content of 0".utf8))
        #expect(throws: TableFault.self) { _ = try transaction.copy(table, 1, noting: ReadPages()) }
        var isRefused = false
        do { _ = try transaction.get(table, 1) } catch is TableFault { isRefused = true }
        #expect(isRefused)
        var seen: [UInt32] = []
        #expect(throws: TableFault.self) {
          try transaction.forEach(table) { key, _ in
            seen.append(key)
            return true
          }
        }
        #expect(seen == [0])
      }
    }
  }

  @Test func `who asks for damage is told which content it is`() throws {
    try withDamagedValue { environment, table in
      var intact: [Bool] = []
      try environment.read { transaction in
        try transaction.forEachEvenDamaged(table, from: 0, releasing: false) {
          _, content, isIntact in
          #expect(content.count == 12)
          intact.append(isIntact)
          return true
        }
      }
      #expect(intact == [true, false, true])
    }
  }

  @Test func `keys stand in the order of their numbers`() throws {
    var random = SeededRandom(seed: 11)
    for _ in 0..<1000 {
      let (left, right) = (UInt64(random(1 << 40)), UInt64(random(1 << 40)))
      let (first, second) = (left.keyBytes, right.keyBytes)
      #expect((left < right) == first.span.isOrdered(before: second.span))
      #expect(UInt64(keyBytes: first.span) == left)
      #expect(UInt32(keyBytes: first.span) == nil)
    }
    let key = ColumnKey(.ids, block: BlockNumber(70_000))
    let bytes = key.keyBytes
    #expect(bytes == [0, 1, 0x11, 0x70, 0, 6])
    #expect(ColumnKey(keyBytes: bytes.span)?.keyBytes == bytes)
  }

  @Test func `the head is written into the older slot, whoever wrote before`() throws {
    // Each writer began with the same slot, so that one after another overwrote the newest and left an old one beside it.
    let head = HeadFile(path: NSTemporaryDirectory() + "head-\(UUID().uuidString)")
    defer { Files.remove(head.path) }
    #expect(head.olderSlot() == 0)
    #expect(try head.known() == nil)
    let root = [UInt8](repeating: 7, count: 32)
    for size in UInt64(1)...5 {
      let slot = head.olderSlot()
      #expect(slot == Int(size - 1) % 2)
      head.write(size: size, root: root, slot: slot)
      #expect(try head.known() == size)
    }
    // A slot whose write was cut: the other one stands, and the damaged one is next.
    var bytes = try Files.read(head.path)
    bytes[3] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: head.path))
    #expect(try head.known() == 4)
    #expect(head.olderSlot() == 0)
  }
}
