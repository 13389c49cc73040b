import CSQLite
import EventStore

/// A database file that SQLite's C library writes from scratch, in one transaction and without a journal: whoever makes it
/// throws it away where something goes wrong.
///
/// ```
/// let database = try SQLiteDatabase(path)
/// try database.execute("CREATE TABLE t (a INTEGER NOT NULL PRIMARY KEY) STRICT")
/// try database.insertion(into: "t", columns: 1).insert(row)
/// try database.close()
/// ```
@safe final class SQLiteDatabase {
  struct Failure: Error {
    /// SQLite's primary result code.
    var code: CInt
    var message: String
    /// No room was left.
    var isFull: Bool { code == SQLITE_FULL }
  }

  private var connection: OpaquePointer?

  /// - Parameter path: of a file that is empty or not there.
  init(_ path: String) throws(Failure) {
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    // Safe because the path outlives the call, and the connection is closed once, by `close` or in the end.
    try unsafe check(sqlite3_open_v2(path, &connection, flags, nil))
    try execute(
      """
      PRAGMA page_size = 4096;
      PRAGMA journal_mode = OFF;
      PRAGMA synchronous = OFF;
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA cache_size = -32768;
      BEGIN
      """)
  }

  deinit {
    // Safe because nothing else knows the connection any more: an insertion keeps its database.
    unsafe sqlite3_close(connection)
  }

  /// Runs statements that give no rows.
  func execute(_ sql: String) throws(Failure) {
    // Safe because the text outlives the call, which keeps none of it.
    try unsafe check(sqlite3_exec(connection, sql, nil, nil, nil))
  }

  /// Commits everything. Insertions have to be gone.
  func close() throws(Failure) {
    try execute("COMMIT")
    // Safe because it is taken back before anybody could use it again.
    try unsafe check(sqlite3_close(connection))
    unsafe connection = nil
  }

  private func check(_ code: CInt) throws(Failure) {
    if code == SQLITE_OK { return }
    throw failure(code)
  }

  private func failure(_ code: CInt) -> Failure {
    // Safe because the text, which SQLite ends with a 0, is copied before the next call on the connection.
    let text = unsafe sqlite3_errmsg(connection).map { unsafe String(cString: $0) }
    return Failure(code: code & 0xff, message: text ?? "SQLite's error \(code)")
  }

  /// Prepares to add rows to a table.
  func insertion(into table: String, columns: Int) throws(Failure) -> Insertion {
    let marks = Array(repeating: "?", count: columns).joined(separator: ",")
    var statement: OpaquePointer?
    // Safe because the text outlives the call.
    try unsafe check(
      sqlite3_prepare_v2(
        connection, "INSERT INTO \(SQLiteTable.quoted(table)) VALUES (\(marks))", -1, &statement,
        nil))
    return unsafe Insertion(self, statement, columns: columns)
  }

  /// Adds rows to one table.
  @safe final class Insertion {
    private let database: SQLiteDatabase
    private let statement: OpaquePointer?
    private let columns: Int

    fileprivate init(_ database: SQLiteDatabase, _ statement: OpaquePointer?, columns: Int) {
      self.database = database
      unsafe self.statement = statement
      self.columns = columns
    }

    deinit {
      // Safe because nothing else knows the statement, and its connection is still open.
      unsafe sqlite3_finalize(statement)
    }

    /// Adds a row with a value for each column.
    func insert(_ row: SQLiteRow) throws(Failure) {
      precondition(row.values.count == columns, "a row has a value for each column")
      let bytes = row.bytes
      // Safe because texts are bound to bytes that stay until the step is done, and each step comes behind new bindings.
      let code = unsafe bytes.withUnsafeBytes { bytes -> CInt in
        for index in row.values.indices {
          let place = CInt(index + 1)
          let bound =
            switch row.values[index] {
            case .null: unsafe sqlite3_bind_null(statement, place)
            case .integer(let number): unsafe sqlite3_bind_int64(statement, place, number)
            case .real(let number): unsafe sqlite3_bind_double(statement, place, number)
            case .text(let range):
              unsafe sqlite3_bind_text(
                statement, place,
                bytes.baseAddress?.advanced(by: range.lowerBound).assumingMemoryBound(
                  to: CChar.self), CInt(range.count), nil)
            }
          if bound != SQLITE_OK { return bound }
        }
        return unsafe sqlite3_step(statement)
      }
      if code != SQLITE_DONE { throw database.failure(code) }
      unsafe sqlite3_reset(statement)
    }
  }
}

/// The values of one row, ready to be bound.
struct SQLiteRow {
  enum Value {
    case null
    case integer(Int64)
    case real(Double)
    /// Where it stands in the bytes, in UTF-8.
    case text(Range<Int>)
  }

  private(set) var values: [Value] = []
  // Never empty, so that an empty text has an address, too: without one it would be NULL.
  private(set) var bytes: [UInt8] = [0]

  mutating func clear() {
    values.removeAll(keepingCapacity: true)
    bytes.removeLast(bytes.count - 1)
  }

  mutating func add(_ number: Int64?) { values.append(number.map { .integer($0) } ?? .null) }

  mutating func add(_ number: Int?) { add(number.map { Int64($0) }) }

  /// Nine significant digits, as in other forms, so that machines with other mathematics libraries write the same.
  mutating func add(real number: Double?) {
    values.append(number.flatMap { Double(Numbers.double($0)) }.map { .real($0) } ?? .null)
  }

  mutating func add(_ text: String?) {
    guard let text else { return values.append(.null) }
    let start = bytes.count
    bytes += text.utf8
    values.append(.text(start..<bytes.count))
  }

  mutating func add(_ text: Span<UInt8>) {
    let start = bytes.count
    bytes.append(text)
    values.append(.text(start..<bytes.count))
  }

  /// RFC 3339 in UTC with six decimals.
  mutating func add(instant: Int64?) {
    guard let instant else { return values.append(.null) }
    let start = bytes.count
    RFC3339.append(instant, to: &bytes)
    values.append(.text(start..<bytes.count))
  }
}
