import CLMDB
import Glibc
import Synchronization

/// A consistent state for reading; what it gives borrows from it.
@safe package struct ReadTransaction: ~Copyable {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

  deinit { unsafe mdb_txn_abort(handle) }

  /// The content of a key; nil if there is none.
  /// - Throws: ``TableFault`` where the checksum does not hold.
  @_lifetime(borrow self)
  package func get<Key>(_ table: Table<Key>, _ key: Key) throws -> Span<UInt8>? {
    let keyBytes = key.keyBytes
    guard let value = try unsafe lookUp(handle, table, keyBytes.span) else { return nil }
    // Safe because LMDB keeps the value in place until the transaction ends, which outlives the span.
    let span = unsafe Span<UInt8>(_unsafeElements: value)
    let content = try checked(span, table, keyBytes.span)
    return unsafe _overrideLifetime(content, borrowing: self)
  }

  /// As ``get``, for a content whose checksum this process found to hold before, in an environment that nobody has changed
  /// since: for who looks into a large value again and again.
  @_lifetime(borrow self)
  func getAgain<Key>(_ table: Table<Key>, _ key: Key) throws -> Span<UInt8>? {
    let keyBytes = key.keyBytes
    guard let value = try unsafe lookUp(handle, table, keyBytes.span) else { return nil }
    // Safe because LMDB keeps the value in place until the transaction ends, which outlives the span.
    let span = unsafe Span<UInt8>(_unsafeElements: value)
    let content = span.extracting(0..<max(0, span.count - Checksum.length))
    return unsafe _overrideLifetime(content, borrowing: self)
  }

  /// A copy of the content of a key; nil if there is none.
  package func copy<Key>(
    _ table: Table<Key>, _ key: Key, noting pages: ReadPages
  ) throws -> [UInt8]? {
    guard let content = try get(table, key) else { return nil }
    pages.note(content)
    return [UInt8](copying: content)
  }

  /// Visits keys from `key` on, all without it, in ascending order, until `body` says false.
  ///
  /// - Parameters:
  ///   - orBefore: begin with the greatest key that is not above `key`, if there is one.
  ///   - releasing: let go of the memory of each large value behind it; it stays in the system's page cache.
  ///   - body: given each key and its content.
  /// - Throws: ``TableFault`` where a key is malformed, or a checksum does not hold.
  package func forEach<Key>(
    _ table: Table<Key>, from key: Key? = nil, orBefore: Bool = false, releasing: Bool = false,
    _ body: (Key, Span<UInt8>) throws -> Bool
  ) throws {
    let keyBytes = key?.keyBytes ?? []
    try unsafe scan(handle, table, from: keyBytes.span, orBefore: orBefore, releasing: releasing) {
      try body(try checkedKey($0, table), try checked($1, table, $0))
    }
  }

  /// As ``forEach``, but also what is damaged: `body` is told whether the checksum of the content holds.
  func forEachEvenDamaged<Key>(
    _ table: Table<Key>, from key: Key, releasing: Bool,
    _ body: (Key, _ content: Span<UInt8>, _ isIntact: Bool) throws -> Bool
  ) throws {
    let keyBytes = key.keyBytes
    try unsafe scan(handle, table, from: keyBytes.span, orBefore: false, releasing: releasing) {
      let length = table.name.contentLength($1, key: $0)
      let content = $1.extracting(0..<(length ?? max(0, $1.count - Checksum.length)))
      return try body(try checkedKey($0, table), content, length != nil)
    }
  }

  /// Number of entries of a table.
  package func count<Key>(_ table: Table<Key>) throws(LMDBError) -> Int {
    var status = MDB_stat()
    try unsafe LMDBError.check(mdb_stat(handle, table.number, &status), "count")
    return Int(status.ms_entries)
  }

  /// Bytes of the pages that a table takes.
  package func bytes<Key>(of table: Table<Key>) throws(LMDBError) -> Int {
    var status = MDB_stat()
    try unsafe LMDBError.check(mdb_stat(handle, table.number, &status), "count")
    let pages = status.ms_branch_pages + status.ms_leaf_pages + status.ms_overflow_pages
    return pages * Int(status.ms_psize)
  }
}

/// The one transaction that may change an environment; values read earlier are invalid after a change.
@safe package struct WriteTransaction: ~Copyable {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

  /// A copy of the content of a key; nil if there is none.
  /// - Throws: ``TableFault`` where the checksum does not hold.
  package func get<Key>(_ table: Table<Key>, _ key: Key) throws -> [UInt8]? {
    let keyBytes = key.keyBytes
    guard let value = try unsafe lookUp(handle, table, keyBytes.span) else { return nil }
    // Safe because nothing is written before the copy is made.
    let span = unsafe Span<UInt8>(_unsafeElements: value)
    return [UInt8](copying: try checked(span, table, keyBytes.span))
  }

  /// As ``ReadTransaction/forEach``, over all keys.
  package func forEach<Key>(
    _ table: Table<Key>, _ body: (Key, Span<UInt8>) throws -> Bool
  ) throws {
    let first: [UInt8] = []
    try unsafe scan(handle, table, from: first.span, orBefore: false, releasing: false) {
      try body(try checkedKey($0, table), try checked($1, table, $0))
    }
  }

  /// Sets a value. With `appending` the key must be above all others, and nothing has to be searched.
  package mutating func put<Key>(
    _ table: Table<Key>, _ value: SealedValue<Key>, appending: Bool = false
  ) throws(LMDBError) {
    let key = value.keyBytes.span
    let bytes = value.bytes.span
    let status: CInt = unsafe key.withUnsafeBufferPointer { keyBytes in
      unsafe bytes.withUnsafeBufferPointer { valueBytes in
        var keyValue = unsafe MDB_val(
          mv_size: keyBytes.count, mv_data: UnsafeMutableRawPointer(mutating: keyBytes.baseAddress))
        var dataValue = unsafe MDB_val(
          mv_size: valueBytes.count,
          mv_data: UnsafeMutableRawPointer(mutating: valueBytes.baseAddress))
        return unsafe mdb_put(
          handle, table.number, &keyValue, &dataValue, appending ? UInt32(MDB_APPEND) : 0)
      }
    }
    try LMDBError.check(status, "put into `\(table.name.text)`")
  }

  /// Sets the content of a key.
  package mutating func put<Key>(
    _ table: Table<Key>, _ key: Key, _ content: consuming [UInt8], appending: Bool = false
  ) throws(LMDBError) {
    try put(table, table.name.sealed(key, content), appending: appending)
  }

  /// Removes a key; nothing happens if there is none.
  package mutating func delete<Key>(_ table: Table<Key>, _ key: Key) throws(LMDBError) {
    let status: CInt = unsafe key.keyBytes.span.withUnsafeBufferPointer { bytes in
      var keyValue = unsafe MDB_val(
        mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
      return unsafe mdb_del(handle, table.number, &keyValue, nil)
    }
    if status != MDB_NOTFOUND {
      try LMDBError.check(status, "delete from `\(table.name.text)`")
    }
  }
}

/// What stands before the checksum of a value.
@_lifetime(copy value)
private func checked<Key>(
  _ value: Span<UInt8>, _ table: Table<Key>, _ key: Span<UInt8>
) throws(TableFault) -> Span<UInt8> {
  guard let length = table.name.contentLength(value, key: key) else {
    throw TableFault(
      table: table.name.text, keyBytes: [UInt8](copying: key), what: "the checksum does not hold")
  }
  return value.extracting(0..<length)
}

private func checkedKey<Key>(
  _ bytes: Span<UInt8>, _ table: Table<Key>
) throws(TableFault) -> Key {
  guard let key = Key(keyBytes: bytes) else {
    throw TableFault(
      table: table.name.text, keyBytes: [UInt8](copying: bytes), what: "a key is malformed")
  }
  return key
}

private func lookUp<Key>(
  _ handle: OpaquePointer, _ table: Table<Key>, _ key: Span<UInt8>
) throws(LMDBError) -> UnsafeBufferPointer<UInt8>? {
  var value = unsafe MDB_val()
  let status: CInt = unsafe key.withUnsafeBufferPointer { bytes in
    var keyValue = unsafe MDB_val(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    return unsafe mdb_get(handle, table.number, &keyValue, &value)
  }
  if status == MDB_NOTFOUND { return nil }
  try LMDBError.check(status, "get from `\(table.name.text)`")
  return unsafe UnsafeBufferPointer(
    start: value.mv_data?.assumingMemoryBound(to: UInt8.self), count: value.mv_size)
}

private func scan<Key>(
  _ handle: OpaquePointer, _ table: Table<Key>, from key: Span<UInt8>, orBefore: Bool,
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
  if status != MDB_NOTFOUND { try LMDBError.check(status, "read `\(table.name.text)`") }
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
///
/// Of one environment only: all that lies between what was noted is dropped.
package final class ReadPages: Sendable {
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

  package init() {}

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
