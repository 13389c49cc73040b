import CLMDB
import Glibc
import Synchronization

/// A consistent state for reading; what it gives borrows from it.
@safe public struct ReadTransaction: ~Copyable {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

  deinit { unsafe mdb_txn_abort(handle) }

  /// The value of a key; nil if there is none.
  @_lifetime(borrow self)
  public func get(_ table: Table, _ key: Span<UInt8>) throws(LMDBError) -> Span<UInt8>? {
    guard let value = try unsafe lookUp(handle, table, key) else { return nil }
    // Safe because LMDB keeps the value in place until the transaction ends, which outlives the span.
    let span = unsafe Span<UInt8>(_unsafeElements: value)
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// A copy of the value of a key; nil if there is none.
  public func copy(
    _ table: Table, _ key: Span<UInt8>, noting pages: ReadPages
  ) throws(LMDBError) -> [UInt8]? {
    guard let value = try unsafe lookUp(handle, table, key) else { return nil }
    let copy = unsafe Array(value)
    let start = UInt(bitPattern: value.baseAddress)
    pages.add(start, start + UInt(copy.count))
    return copy
  }

  /// Visits keys from `key` on, in ascending order, until `body` says false.
  ///
  /// - Parameters:
  ///   - orBefore: begin with the greatest key that is not above `key`, if there is one.
  ///   - releasing: let go of the memory of each large value behind it; it stays in the system's page cache.
  public func forEach(
    _ table: Table, from key: Span<UInt8>, orBefore: Bool = false, releasing: Bool = false,
    _ body: (Span<UInt8>, Span<UInt8>) throws -> Bool
  ) throws {
    try unsafe scan(handle, table, from: key, orBefore: orBefore, releasing: releasing, body)
  }

  /// Number of entries of a table.
  public func count(_ table: Table) throws(LMDBError) -> Int {
    var status = MDB_stat()
    try unsafe LMDBError.check(mdb_stat(handle, table.number, &status), "count")
    return Int(status.ms_entries)
  }
}

/// The one transaction that may change an environment; values read earlier are invalid after a change.
@safe public struct WriteTransaction: ~Copyable {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

  /// A copy of the value of a key; nil if there is none.
  public func get(_ table: Table, _ key: Span<UInt8>) throws(LMDBError) -> [UInt8]? {
    guard let value = try unsafe lookUp(handle, table, key) else { return nil }
    return unsafe Array(value)
  }

  public func forEach(
    _ table: Table, from key: Span<UInt8>, orBefore: Bool = false,
    _ body: (Span<UInt8>, Span<UInt8>) throws -> Bool
  ) throws {
    try unsafe scan(handle, table, from: key, orBefore: orBefore, releasing: false, body)
  }

  /// Sets a value. With `appending` the key must be above all others, and nothing has to be searched.
  public mutating func put(
    _ table: Table, _ key: Span<UInt8>, _ value: Span<UInt8>, appending: Bool = false
  ) throws(LMDBError) {
    let status: CInt = unsafe key.withUnsafeBufferPointer { keyBytes in
      unsafe value.withUnsafeBufferPointer { valueBytes in
        var keyValue = unsafe MDB_val(
          mv_size: keyBytes.count, mv_data: UnsafeMutableRawPointer(mutating: keyBytes.baseAddress))
        var dataValue = unsafe MDB_val(
          mv_size: valueBytes.count,
          mv_data: UnsafeMutableRawPointer(mutating: valueBytes.baseAddress))
        return unsafe mdb_put(
          handle, table.number, &keyValue, &dataValue, appending ? UInt32(MDB_APPEND) : 0)
      }
    }
    try LMDBError.check(status, "put into `\(table.name)`")
  }

  /// Removes a key; nothing happens if there is none.
  public mutating func delete(_ table: Table, _ key: Span<UInt8>) throws(LMDBError) {
    let status: CInt = unsafe key.withUnsafeBufferPointer { bytes in
      var keyValue = unsafe MDB_val(
        mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
      return unsafe mdb_del(handle, table.number, &keyValue, nil)
    }
    if status != MDB_NOTFOUND { try LMDBError.check(status, "delete from `\(table.name)`") }
  }
}

private func lookUp(
  _ handle: OpaquePointer, _ table: Table, _ key: Span<UInt8>
) throws(LMDBError) -> UnsafeBufferPointer<UInt8>? {
  var value = unsafe MDB_val()
  let status: CInt = unsafe key.withUnsafeBufferPointer { bytes in
    var keyValue = unsafe MDB_val(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    return unsafe mdb_get(handle, table.number, &keyValue, &value)
  }
  if status == MDB_NOTFOUND { return nil }
  try LMDBError.check(status, "get from `\(table.name)`")
  return unsafe UnsafeBufferPointer(
    start: value.mv_data?.assumingMemoryBound(to: UInt8.self), count: value.mv_size)
}

private func scan(
  _ handle: OpaquePointer, _ table: Table, from key: Span<UInt8>, orBefore: Bool,
  releasing: Bool, _ body: (Span<UInt8>, Span<UInt8>) throws -> Bool
) throws {
  var cursor: OpaquePointer?
  try unsafe LMDBError.check(mdb_cursor_open(handle, table.number, &cursor), "open a cursor")
  defer { unsafe mdb_cursor_close(cursor) }
  var keyValue = unsafe MDB_val()
  var value = unsafe MDB_val()
  var status: CInt = unsafe key.withUnsafeBufferPointer { bytes in
    unsafe keyValue = unsafe MDB_val(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    return unsafe mdb_cursor_get(
      cursor, &keyValue, &value, bytes.isEmpty ? MDB_FIRST : MDB_SET_RANGE)
  }
  if orBefore {
    if status == MDB_NOTFOUND {
      status = unsafe mdb_cursor_get(cursor, &keyValue, &value, MDB_LAST)
    } else if status == 0 {
      let found = unsafe Span<UInt8>(_unsafeElements: elements(keyValue))
      if !found.isEqual(to: key) {
        let before = unsafe mdb_cursor_get(cursor, &keyValue, &value, MDB_PREV)
        if before == MDB_NOTFOUND {
          status = unsafe mdb_cursor_get(cursor, &keyValue, &value, MDB_FIRST)
        } else {
          status = before
        }
      }
    }
  }
  var read = ReadRange()
  defer { read.release() }
  while status == 0 {
    // Safe because nothing is written while the spans are in use, and they end with the call.
    let found = unsafe Span<UInt8>(_unsafeElements: elements(keyValue))
    let content = unsafe Span<UInt8>(_unsafeElements: elements(value))
    let goesOn = try body(found, content)
    if releasing { unsafe read.add(value) }
    if !goesOn { return }
    status = unsafe mdb_cursor_get(cursor, &keyValue, &value, MDB_NEXT)
  }
  if status != MDB_NOTFOUND { try LMDBError.check(status, "read `\(table.name)`") }
}

/// Neighbouring values that were read, to be dropped from the process's memory in one call: each call interrupts the
/// other processors.
@safe private struct ReadRange {
  private var start: UInt = 0
  private var end: UInt = 0
  private static let gap: UInt = 1 << 16

  mutating func add(_ value: MDB_val) {
    let first = unsafe UInt(bitPattern: value.mv_data)
    let size = unsafe UInt(value.mv_size)
    if end != 0 && first >= start && first <= end + Self.gap {
      end = max(end, first + size)
      return
    }
    release()
    start = first
    end = first + size
  }

  mutating func release() {
    dropPages(from: start, to: end)
    end = 0
  }
}

/// Lets go of the whole pages within a range of the map.
private func dropPages(from start: UInt, to end: UInt) {
  let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
  let first = (start + page - 1) / page * page
  let last = end / page * page
  guard last > first, let pages = unsafe UnsafeMutableRawPointer(bitPattern: first) else { return }
  // Safe because the map is shared and read-only: a dropped page is read again from the file.
  unsafe madvise(pages, Int(last - first), MADV_DONTNEED)
}

/// Pages of the map that were read for copies, to be dropped from the process's memory from time to time, so that a walk
/// over all columns does not end with the whole file in it. (The system brings in neighbours of each page too, so that
/// values cannot be dropped one by one.)
public final class ReadPages: Sendable {
  private struct Range {
    var start = UInt.max
    var end: UInt = 0
    var bytes: UInt = 0
    var values = 0

    /// A file that lies in large pieces in the system's memory is mapped in such pieces, around each value, so that the stretch
    /// counts too.
    var isFull: Bool {
      bytes >= ReadPages.limit || values >= 64 && end - start >= ReadPages.stretch
    }
  }

  private let range = Mutex(Range())
  private static let limit: UInt = 8 << 20
  private static let stretch: UInt = 32 << 20

  public init() {}

  /// Takes up a value that was read where it stands.
  func note(_ value: Span<UInt8>) {
    // Safe because only the address is looked at.
    unsafe value.withUnsafeBytes {
      let start = UInt(bitPattern: $0.baseAddress)
      add(start, start + UInt($0.count))
    }
  }

  fileprivate func add(_ start: UInt, _ end: UInt) {
    let full = range.withLock { range -> Range? in
      range.start = min(range.start, start)
      range.end = max(range.end, end)
      range.bytes += end - start
      range.values += 1
      if !range.isFull { return nil }
      defer { range = Range() }
      return range
    }
    if let full { dropPages(from: full.start, to: full.end) }
  }
}

private func elements(_ value: MDB_val) -> UnsafeBufferPointer<UInt8> {
  unsafe UnsafeBufferPointer(
    start: value.mv_data?.assumingMemoryBound(to: UInt8.self), count: value.mv_size)
}
