import CLMDB
import Glibc

/// Checks every tree page of one snapshot of a `data.mdb`, read by `pread`, before LMDB walks them: LMDB trusts page headers,
/// and a damaged one ends the process or makes it write over pages in use.
///
/// Checked are number, kind and bounds of each page, place, size and order of its nodes against those of the page above,
/// numbers of entries, overflow pages in range, no page used twice, and that every page of the file is either in use or
/// free. What stands in values has checksums of its own. Layout: mdb.c of LMDB 0.9, 64 bits, little-endian.
struct PageWalk {
  /// What is wrong, and on which page.
  struct Fault: Error {
    var page: UInt64
    var what: String

    var text: String { "page \(page) \(what)" }
  }

  /// The snapshot is not the file's any more: others committed since it was taken.
  struct Superseded: Error {}

  private let file: CInt
  private let pageSize: Int
  private let lastPage: UInt64
  private let replaced: [ReplacedValues]
  /// In a table whose overflow pages are looked at, too: those of which keys.
  private var checksValues: ReplacedValues?
  /// A bit for each page: in use or free.
  private var seen: [UInt64]
  private var seenCount: UInt64 = 2
  /// A buffer for each depth of the tree at hand.
  private var buffers: [[UInt8]] = []
  private var freePages: [UInt64] = []

  private static let branch = 1
  private static let leaf = 2
  private static let overflow = 4
  private static let headerBytes = 16
  private static let nodeBytes = 8
  private static let longestKey = 511
  private static let deepest = 20
  /// A node whose value stands on overflow pages; one that describes a table.
  private static let bigValue = 1
  private static let tableNode = 2
  private static let tableBytes = 48

  /// The file of an environment, and the number of a read transaction that holds its pages in place.
  ///
  /// - Parameter replaced: values of which the headers of overflow pages are checked, too: LMDB reads them when it
  ///   frees them.
  static func check(
    _ file: CInt, transaction: UInt, replaced: [ReplacedValues]
  ) throws {
    guard let meta = try meta(file, transaction) else { throw Superseded() }
    var status = stat()
    if unsafe fstat(file, &status) != 0 { throw LMDBError(errno, "read tree pages") }
    // What is set up for each page of the file depends on it.
    guard meta.lastPage < UInt64(Int(status.st_size) / meta.pageSize) else {
      throw Fault(page: meta.lastPage, what: "is beyond the end of the file")
    }
    var walk = PageWalk(file, meta, replaced)
    try walk.run(meta)
  }

  /// Where a table's tree starts (`MDB_db`).
  private struct Tree {
    var flags: Int
    var depth: Int
    var entries: UInt64
    var root: UInt64

    init(_ bytes: Span<UInt8>) {
      flags = Int(bytes.little(4, 2))
      depth = Int(bytes.little(6, 2))
      entries = bytes.little(32, 8)
      root = bytes.little(40, 8)
    }
  }

  private struct Meta {
    var pageSize: Int
    var free: Tree
    var main: Tree
    var lastPage: UInt64
  }

  private enum Kind { case free, main, data }

  private static func meta(_ file: CInt, _ transaction: UInt) throws -> Meta? {
    var pageSize = 0
    for number in 0..<2 {
      let bytes = try read(file, at: number * pageSize, count: 152)
      if number == 0 {
        pageSize = Int(bytes.span.little(40, 4))
        guard (512...65_536).contains(pageSize) else {
          throw Fault(page: 0, what: "is no meta page")
        }
      }
      guard bytes.span.little(144, 8) == UInt64(transaction) else { continue }
      return Meta(
        pageSize: pageSize, free: Tree(bytes.span.extracting(40..<88)),
        main: Tree(bytes.span.extracting(88..<136)), lastPage: bytes.span.little(136, 8))
    }
    return nil
  }

  private static func read(_ file: CInt, at offset: Int, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try read(file, at: offset, into: &bytes)
    return bytes
  }

  private static func read(_ file: CInt, at offset: Int, into bytes: inout [UInt8]) throws {
    // Safe because no more is read than the buffer holds.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(file, $0.baseAddress, $0.count, off_t(offset))
    }
    if count < 0 { throw LMDBError(errno, "read tree pages") }
    guard count == bytes.count else {
      throw Fault(page: UInt64(offset >> 12), what: "is beyond the end of the file")
    }
  }

  private init(_ file: CInt, _ meta: Meta, _ replaced: [ReplacedValues]) {
    self.file = file
    self.replaced = replaced
    pageSize = meta.pageSize
    lastPage = meta.lastPage
    seen = Array(repeating: 0, count: Int(meta.lastPage >> 6) + 1)
    seen[0] = 3
  }

  private mutating func run(_ meta: Meta) throws {
    // Integer keys in the table of free pages; no flags elsewhere, since our tables have plain keys and values.
    try tree(meta.free, .free, flags: Int(MDB_INTEGERKEY), page: 0)
    try tree(meta.main, .main, flags: 0, page: 0)
    for page in freePages { try use(page, 1, by: "is free") }
    guard seenCount == lastPage + 1 else {
      throw Fault(page: 0, what: "leaves \(lastPage + 1 - seenCount) pages neither used nor free")
    }
  }

  /// Notes pages as used.
  private mutating func use(_ page: UInt64, _ count: UInt64, by what: String) throws {
    guard page >= 2, page <= lastPage, count <= lastPage, page + count - 1 <= lastPage else {
      throw Fault(page: page, what: "\(what) and beyond the last page \(lastPage)")
    }
    let end = page + count
    var number = page
    while number < end {
      let length = min(64 - number & 63, end - number)
      let bits = (UInt64.max >> (64 - length)) << (number & 63)
      let twice = seen[Int(number >> 6)] & bits
      guard twice == 0 else {
        let first = number & ~63 + UInt64(twice.trailingZeroBitCount)
        throw Fault(page: first, what: "\(what) and in use elsewhere")
      }
      seen[Int(number >> 6)] |= bits
      number += length
    }
    seenCount += count
  }

  private mutating func tree(_ tree: Tree, _ kind: Kind, flags: Int, page: UInt64) throws {
    guard tree.flags == flags else {
      throw Fault(page: page, what: "describes a table with flags \(tree.flags)")
    }
    var entries: UInt64 = 0
    if tree.root != UInt64.max {
      guard (1...Self.deepest).contains(tree.depth) else {
        throw Fault(page: page, what: "describes a tree \(tree.depth) pages deep")
      }
      entries = try self.page(tree.root, tree.depth, kind, from: nil, below: nil)
    }
    guard entries == tree.entries else {
      throw Fault(
        page: page, what: "describes a table of \(tree.entries) entries; it has \(entries)")
    }
  }

  /// Checks a page and all below it, with keys from one key to another; the number of entries.
  private mutating func page(
    _ number: UInt64, _ depth: Int, _ kind: Kind, from lower: [UInt8]?, below upper: [UInt8]?
  ) throws -> UInt64 {
    try use(number, 1, by: "is a tree page")
    while buffers.count <= depth { buffers.append([]) }
    var bytes = buffers[depth]
    if bytes.isEmpty { bytes = Array(repeating: 0, count: pageSize) }
    // Taken out so that it is filled in place, and put back for the next page of this depth.
    buffers[depth] = []
    try Self.read(file, at: Int(number) * pageSize, into: &bytes)
    let isLeaf = depth == 1
    let (low, high) = try header(bytes.span, number, isLeaf: isLeaf)
    let count = (low - Self.headerBytes) / 2
    var entries: UInt64 = 0
    var used = 0
    var last: Range<Int>?
    var children: [(key: Range<Int>, page: UInt64)] = []
    for index in 0..<count {
      let node = Int(bytes.span.little(Self.headerBytes + 2 * index, 2))
      guard node >= high, node + Self.nodeBytes <= pageSize, node & 1 == 0 else {
        throw Fault(page: number, what: "points to a node outside itself")
      }
      let size = bytes.span.little(node, 4)
      let flags = Int(bytes.span.little(node + 4, 2))
      let key = node + Self.nodeBytes..<node + Self.nodeBytes + Int(bytes.span.little(node + 6, 2))
      var length = Self.nodeBytes + key.count
      if isLeaf {
        guard flags == 0 || flags == Self.bigValue || flags == Self.tableNode && kind == .main
        else {
          throw Fault(page: number, what: "has a node with flags \(flags)")
        }
        length += flags == Self.bigValue ? 8 : Int(size)
      }
      length = (length + 1) & ~1
      used += length
      guard key.count <= Self.longestKey, node + length <= pageSize else {
        throw Fault(page: number, what: "has a node that is too long")
      }
      // The first key of a branch stands for everything before the second one.
      if isLeaf || index > 0 {
        if kind == .free && key.count != 8 {
          throw Fault(page: number, what: "has a key of \(key.count) bytes")
        }
        let isAbove =
          last.map { isOrdered(bytes.span.extracting($0), bytes.span.extracting(key), kind) }
          ?? true
        guard isAbove else { throw Fault(page: number, what: "has keys out of order") }
        if let lower, last == nil, isOrdered(bytes.span.extracting(key), lower.span, kind) {
          throw Fault(page: number, what: "has a key that belongs on another page")
        }
        last = key
      }
      if isLeaf {
        entries += 1
        try value(bytes.span, number, key, Int(size), flags, kind)
      } else {
        children.append((key, size | UInt64(flags) << 32))
      }
    }
    if let upper, let last, !isOrdered(bytes.span.extracting(last), upper.span, kind) {
      throw Fault(page: number, what: "has a key that belongs on another page")
    }
    guard used == pageSize - high else {
      throw Fault(page: number, what: "has nodes that overlap or leave gaps")
    }
    if !isLeaf {
      let keys = children.map { [UInt8](copying: bytes.span.extracting($0.key)) }
      for (index, child) in children.enumerated() {
        entries += try page(
          child.page, depth - 1, kind, from: index == 0 ? lower : keys[index],
          below: index + 1 < keys.count ? keys[index + 1] : upper)
      }
    }
    buffers[depth] = bytes
    return entries
  }

  /// Where the free room of a page begins and ends.
  private func header(
    _ bytes: Span<UInt8>, _ number: UInt64, isLeaf: Bool
  ) throws(Fault) -> (low: Int, high: Int) {
    guard bytes.little(0, 8) == number else {
      throw Fault(page: number, what: "says that it is page \(bytes.little(0, 8))")
    }
    guard Int(bytes.little(10, 2)) == (isLeaf ? Self.leaf : Self.branch) else {
      throw Fault(
        page: number, what: "is of kind \(bytes.little(10, 2)), not \(isLeaf ? "leaf" : "branch")")
    }
    let low = Int(bytes.little(12, 2))
    let high = Int(bytes.little(14, 2))
    // A leaf has a node, a branch two.
    guard low >= Self.headerBytes + (isLeaf ? 2 : 4), low & 1 == 0, low <= high, high <= pageSize
    else {
      throw Fault(page: number, what: "has bounds \(low) and \(high)")
    }
    return (low, high)
  }

  private func isOrdered(_ left: Span<UInt8>, _ right: Span<UInt8>, _ kind: Kind) -> Bool {
    if kind == .free { return left.little(0, 8) < right.little(0, 8) }
    return left.isOrdered(before: right)
  }

  private mutating func value(
    _ bytes: Span<UInt8>, _ number: UInt64, _ key: Range<Int>, _ size: Int, _ flags: Int,
    _ kind: Kind
  ) throws {
    if flags == Self.tableNode {
      guard size == Self.tableBytes else {
        throw Fault(page: number, what: "describes a table in \(size) bytes")
      }
      checksValues = replaced.first { $0.table.span.isEqual(to: bytes.extracting(key)) }
      try tree(
        Tree(bytes.extracting(key.upperBound..<key.upperBound + size)), .data, flags: 0,
        page: number)
      return
    }
    if kind == .main { throw Fault(page: number, what: "has a value among the names of tables") }
    var overflow: UInt64?
    if flags == Self.bigValue {
      let first = bytes.little(key.upperBound, 8)
      let pages = (size + Self.headerBytes + pageSize - 1) / pageSize
      try use(first, UInt64(pages), by: "is an overflow page")
      overflow = first
      let isReplaced = checksValues.map { !bytes.extracting(key).isOrdered(before: $0.from.span) }
      if isReplaced ?? (kind == .free) { try overflowHeader(first, pages) }
    }
    guard kind == .free else { return }
    if let overflow {
      let list = try Self.read(
        file, at: Int(overflow) * pageSize + Self.headerBytes, count: size)
      try addFree(list.span, number)
    } else {
      try addFree(bytes.extracting(key.upperBound..<key.upperBound + size), number)
    }
  }

  private func overflowHeader(_ page: UInt64, _ pages: Int) throws {
    let header = try Self.read(file, at: Int(page) * pageSize, count: Self.headerBytes)
    guard header.span.little(0, 8) == page, header.span.little(10, 2) == Self.overflow,
      header.span.little(12, 4) == pages
    else { throw Fault(page: page, what: "is no overflow page of \(pages)") }
  }

  /// A list of free pages: its length, then page numbers, descending.
  private mutating func addFree(_ list: Span<UInt8>, _ page: UInt64) throws(Fault) {
    guard list.count >= 8, list.count % 8 == 0, list.little(0, 8) < UInt64(list.count / 8) else {
      throw Fault(page: page, what: "has a malformed list of free pages")
    }
    var last = UInt64.max
    for index in 0..<Int(list.little(0, 8)) {
      let free = list.little(8 + 8 * index, 8)
      guard free < last else {
        throw Fault(page: page, what: "has a list of free pages that is out of order")
      }
      freePages.append(free)
      last = free
    }
  }
}
