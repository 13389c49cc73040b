import Foundation
import Testing

@testable import EventStore

/// A `data.mdb` made by hand, page by page, as mdb.c lays it out.
private struct HandMade {
  static let pageSize = 512
  var bytes: [UInt8]

  static func little(_ value: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  init(pages: Int) {
    bytes = Array(repeating: 0, count: pages * Self.pageSize)
  }

  mutating func put(_ value: Int, _ width: Int, page: Int, at offset: Int) {
    let start = page * Self.pageSize + offset
    bytes.replaceSubrange(
      start..<start + width, with: Self.little(UInt64(bitPattern: Int64(value)), width))
  }

  static func tree(flags: Int = 0, depth: Int, entries: Int, root: Int) -> [UInt8] {
    little(0, 4) + little(UInt64(flags), 2) + little(UInt64(depth), 2) + little(0, 24)
      + little(UInt64(entries), 8) + little(UInt64(bitPattern: Int64(root)), 8)
  }

  mutating func meta(_ page: Int, transaction: Int, free: [UInt8], main: [UInt8], last: Int) {
    put(0xBEEF_C0DE, 4, page: page, at: 16)
    put(1, 4, page: page, at: 20)
    let start = page * Self.pageSize
    bytes.replaceSubrange(start + 40..<start + 88, with: free)
    put(Self.pageSize, 4, page: page, at: 40)
    bytes.replaceSubrange(start + 88..<start + 136, with: main)
    put(last, 8, page: page, at: 136)
    put(transaction, 8, page: page, at: 144)
  }

  /// Nodes from the page's end downwards, with pointers to them in the order of their keys.
  mutating func tree(_ page: Int, kind: Int, _ nodes: [[UInt8]]) {
    var high = Self.pageSize
    for (index, node) in nodes.enumerated() {
      let padded = node + (node.count % 2 == 1 ? [0] : [])
      high -= padded.count
      let start = page * Self.pageSize + high
      bytes.replaceSubrange(start..<start + padded.count, with: padded)
      put(high, 2, page: page, at: 16 + 2 * index)
    }
    put(page, 8, page: page, at: 0)
    put(kind, 2, page: page, at: 10)
    put(16 + 2 * nodes.count, 2, page: page, at: 12)
    put(high, 2, page: page, at: 14)
  }

  static func leafNode(_ key: [UInt8], _ value: [UInt8], flags: Int = 0, size: Int? = nil)
    -> [UInt8]
  {
    little(UInt64(size ?? value.count), 4) + little(UInt64(flags), 2) + little(UInt64(key.count), 2)
      + key + value
  }

  static func branchNode(_ key: [UInt8], child: Int) -> [UInt8] {
    little(UInt64(child), 4) + little(0, 2) + little(UInt64(key.count), 2) + key
  }

  /// Table `rows` with a branch (page 3) over two leaves (4 and 5), a value of two overflow pages (6 and 7) and two free
  /// pages (9 and 10), listed on page 8.
  static func sound() -> HandMade {
    var file = HandMade(pages: 11)
    let free = tree(flags: 8, depth: 1, entries: 1, root: 8)
    let main = tree(depth: 1, entries: 1, root: 2)
    file.meta(0, transaction: 2, free: free, main: main, last: 10)
    file.meta(1, transaction: 1, free: free, main: main, last: 10)
    let rows = tree(depth: 2, entries: 4, root: 3)
    file.tree(2, kind: 2, [leafNode(Array("rows".utf8), rows, flags: 2)])
    file.tree(3, kind: 1, [branchNode([], child: 4), branchNode([5], child: 5)])
    file.tree(4, kind: 2, [leafNode([1], [11]), leafNode([2], little(6, 8), flags: 1, size: 900)])
    file.tree(5, kind: 2, [leafNode([5], [15]), leafNode([7], [17, 18])])
    file.put(6, 8, page: 6, at: 0)
    file.put(4, 2, page: 6, at: 10)
    file.put(2, 4, page: 6, at: 12)
    file.tree(8, kind: 2, [leafNode(little(1, 8), little(2, 8) + little(10, 8) + little(9, 8))])
    return file
  }

  /// What the walk says; nil where all is sound.
  ///
  /// - Parameter key: headers of values are looked at from this one on.
  func fault(from key: [UInt8]? = nil) throws -> String? {
    let path = NSTemporaryDirectory() + "pages-\(UUID().uuidString)"
    defer { Files.remove(path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let file = try Files.open(path, O_RDONLY)
    defer { close(file) }
    do {
      let rows = TableName<[UInt8]>("rows").replaced(from: key)
      try PageWalk.check(file, transaction: 2, replaced: [rows])
      return nil
    } catch let fault as PageWalk.Fault {
      return fault.text
    }
  }
}

@Suite struct PageWalkTests {
  /// A change of a sound file, and what is said of it.
  struct Change: Sendable, CustomTestStringConvertible {
    var value: Int
    var width: Int
    var page: Int
    var offset: Int
    var fault: String

    init(_ value: Int, _ width: Int, page: Int, at offset: Int, _ fault: String) {
      (self.value, self.width, self.page, self.offset, self.fault) = (
        value, width, page, offset, fault
      )
    }

    var testDescription: String { fault }
  }

  @Test func `pages as LMDB writes them are sound`() throws {
    #expect(try HandMade.sound().fault() == nil)
  }

  @Test(arguments: [
    Change(9, 8, page: 3, at: 0, "page 3 says that it is page 9"),
    Change(2, 2, page: 3, at: 10, "page 3 is of kind 2, not branch"),
    Change(18, 2, page: 3, at: 12, "page 3 has bounds 18 and 494"),
    Change(514, 2, page: 4, at: 14, "page 4 has bounds 20 and 514"),
    Change(510, 2, page: 4, at: 16, "page 4 points to a node outside itself"),
    Change(18, 2, page: 4, at: 16, "page 4 points to a node outside itself"),
    Change(3, 1, page: 5, at: 502 + 8, "page 5 has a key that belongs on another page"),
    Change(8, 1, page: 3, at: 494 + 8, "page 5 has a key that belongs on another page"),
    Change(1, 1, page: 3, at: 494 + 8, "page 4 has a key that belongs on another page"),
    Change(4, 1, page: 5, at: 490 + 8, "page 5 has keys out of order"),
    Change(600, 4, page: 5, at: 502, "page 5 has a node that is too long"),
    Change(0, 4, page: 5, at: 490, "page 5 has nodes that overlap or leave gaps"),
    Change(600, 2, page: 5, at: 502 + 6, "page 5 has a node that is too long"),
    Change(2, 2, page: 5, at: 502 + 4, "page 5 has a node with flags 2"),
    Change(4, 4, page: 3, at: 494, "page 4 is a tree page and in use elsewhere"),
    Change(77, 4, page: 3, at: 494, "page 77 is a tree page and beyond the last page 10"),
    Change(9, 8, page: 4, at: 484 + 9, "page 9 is no overflow page of 2"),
    Change(5, 8, page: 4, at: 484 + 9, "page 5 is no overflow page of 2"),
    Change(10, 8, page: 4, at: 484 + 9, "page 10 is an overflow page and beyond the last page 10"),
    Change(2, 2, page: 6, at: 10, "page 6 is no overflow page of 2"),
    Change(3, 4, page: 6, at: 12, "page 6 is no overflow page of 2"),
    Change(0, 8, page: 8, at: 480 - 8 + 16, "page 0 leaves 2 pages neither used nor free"),
    Change(3, 8, page: 8, at: 480 - 8 + 16, "page 8 has a malformed list of free pages"),
    Change(11, 8, page: 8, at: 480 - 8 + 24, "page 11 is free and beyond the last page 10"),
    Change(4, 8, page: 8, at: 480 - 8 + 32, "page 4 is free and in use elsewhere"),
    Change(
      12, 8, page: 8, at: 480 - 8 + 32, "page 8 has a list of free pages that is out of order"),
    Change(0, 2, page: 0, at: 44, "page 0 describes a table with flags 0"),
    Change(4, 2, page: 0, at: 88 + 4, "page 0 describes a table with flags 4"),
    Change(0, 2, page: 0, at: 88 + 6, "page 0 describes a tree 0 pages deep"),
    Change(2, 8, page: 0, at: 88 + 32, "page 0 describes a table of 2 entries; it has 1"),
    Change(9, 8, page: 0, at: 136, "page 10 is free and beyond the last page 9"),
    Change(11, 8, page: 0, at: 136, "page 11 is beyond the end of the file"),
    Change(.max, 8, page: 0, at: 136, "page 9223372036854775807 is beyond the end of the file"),
    Change(8, 8, page: 4, at: 484 + 9, "page 8 is an overflow page and in use elsewhere"),
    Change(3, 4, page: 0, at: 40, "page 0 is no meta page"),
  ])
  func `a page that LMDB would trust is refused`(_ change: Change) throws {
    var file = HandMade.sound()
    file.put(change.value, change.width, page: change.page, at: change.offset)
    #expect(try file.fault() == change.fault)
  }

  @Test func `a table described in the wrong size, and a value among tables, are refused`() throws {
    var file = HandMade.sound()
    let rows = HandMade.tree(depth: 2, entries: 4, root: 3)
    file.tree(2, kind: 2, [HandMade.leafNode(Array("rows".utf8), rows.dropLast(2), flags: 2)])
    #expect(try file.fault() == "page 2 describes a table in 46 bytes")
    file.tree(2, kind: 2, [HandMade.leafNode(Array("rows".utf8), [1, 2])])
    #expect(try file.fault() == "page 2 has a value among the names of tables")
  }

  @Test func `headers of values are looked at from the first that will be replaced`() throws {
    var file = HandMade.sound()
    file.put(2, 2, page: 6, at: 10)
    #expect(try file.fault(from: [2]) == "page 6 is no overflow page of 2")
    #expect(try file.fault(from: [3]) == nil)
  }

  @Test func `a file that ends within a page is refused`() throws {
    var file = HandMade.sound()
    file.bytes.removeLast(HandMade.pageSize * 6)
    #expect(try file.fault()?.hasSuffix("is beyond the end of the file") == true)
  }

  @Test func `no byte of a page makes the walk trap`() throws {
    // Each of 256 values in a random place, many times; what the walk says is its own business, that it comes back is not.
    var random = SeededRandom(seed: 17)
    let sound = HandMade.sound()
    var refused = 0
    for _ in 0..<1000 {
      var file = sound
      for _ in 0...random(3) { file.bytes[random(file.bytes.count)] = UInt8(random(256)) }
      do {
        if try file.fault() != nil { refused += 1 }
      } catch is PageWalk.Superseded {
        refused += 1
      }
    }
    #expect(refused > 100)
  }
}
