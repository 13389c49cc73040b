import Glibc

/// Looks at `data.mdb` before LMDB maps it: a file that is empty, foreign or too short would end the process, or be
/// taken for a new database.
package enum MetaCheck {
  /// What is wrong with a file.
  package enum Fault: Error, Equatable {
    case missing
    case unreadable(CInt)
    case empty
    /// Not LMDB, or of another version or machine.
    case foreign(String)
    /// Its meta pages speak of more pages than there are.
    case truncated(bytes: Int, expected: Int)
    case damaged(String)
  }

  private struct Meta {
    var pageSize: Int
    var lastPage: UInt64
    var transaction: UInt64
  }

  private static let metaBytes = 152

  /// - Throws: ``Fault``.
  package static func check(_ path: String) throws(Fault) {
    // Others may commit between the looks at the two meta pages, or be in the middle of writing one: a fault has to show
    // three times in the same way.
    var last: Fault?
    var times = 0
    while true {
      do throws(Fault) {
        return try checkOnce(path)
      } catch {
        times = error == last ? times + 1 : 1
        if times == 3 { throw error }
        last = error
      }
      usleep(2000)
    }
  }

  private static func checkOnce(_ path: String) throws(Fault) {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw errno == ENOENT ? .missing : .unreadable(errno) }
    defer { close(file) }
    guard let first = read(file, at: 0) else { throw .unreadable(errno) }
    if first.isEmpty { throw .empty }
    let meta = try parse(first, "first")
    guard let second = read(file, at: meta.pageSize) else { throw .unreadable(errno) }
    let other = try parse(second, "second")
    guard meta.pageSize == other.pageSize else {
      throw .damaged("its meta pages name page sizes of \(meta.pageSize) and \(other.pageSize)")
    }
    let newest = meta.transaction >= other.transaction ? meta : other
    // LMDB writes meta pages in turn: transaction n into page n & 1.
    let isFresh = meta.transaction == 0 && other.transaction == 0
    let isFirst = meta.transaction == 0 && other.transaction == 1
    let difference =
      max(meta.transaction, other.transaction) - min(meta.transaction, other.transaction)
    let parityHolds = meta.transaction & 1 == 0 && other.transaction & 1 == 1
    if !isFresh && !isFirst && !(parityHolds && difference == 1) {
      throw .damaged(
        "its meta pages are of transactions \(meta.transaction) and \(other.transaction)")
    }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw .unreadable(errno) }
    // More than any file has: the sizes below stay within 64 bits.
    guard newest.lastPage < 1 << 46 else {
      throw .damaged("its meta pages speak of page \(newest.lastPage)")
    }
    let expected = (Int(newest.lastPage) + 1) * newest.pageSize
    if Int(status.st_size) < expected {
      throw .truncated(bytes: Int(status.st_size), expected: expected)
    }
  }

  private static func read(_ file: CInt, at offset: Int) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: metaBytes)
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe pread(file, bytes.baseAddress, bytes.count, off_t(offset))
    }
    guard count >= 0 else { return nil }
    return Array(buffer.prefix(count))
  }

  /// The fields of one meta page (lmdb 0.9, 64 bits, little-endian).
  private static func parse(_ bytes: [UInt8], _ which: String) throws(Fault) -> Meta {
    guard bytes.count == metaBytes else {
      throw .truncated(bytes: bytes.count, expected: metaBytes)
    }
    func number(_ offset: Int, _ width: Int) -> UInt64 { bytes.span.little(offset, width) }
    guard number(16, 4) == 0xBEEF_C0DE else { throw .foreign("its \(which) page is not LMDB's") }
    guard number(20, 4) == 1 else {
      throw .foreign("it is of LMDB's data version \(number(20, 4)), not 1")
    }
    let pageSize = Int(number(40, 4))
    guard pageSize >= 512, pageSize <= 65_536, pageSize & (pageSize - 1) == 0 else {
      throw .damaged("its \(which) meta page names a page size of \(pageSize)")
    }
    return Meta(
      pageSize: pageSize, lastPage: number(136, 8), transaction: number(144, 8))
  }
}
