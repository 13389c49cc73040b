import CLMDB
import Glibc

/// One LMDB environment: a directory with `data.mdb`, opened once in a process; this type reads, ``WritableEnvironment`` writes.
///
/// All transactions are closures' arguments, and bytes that they give cannot outlive them. All tree pages are checked before
/// LMDB walks them; meta pages and length of the file the caller has checked with ``MetaCheck``, before LMDB maps it.
@safe package class LMDBEnvironment: @unchecked Sendable {
  // Safe to share: LMDB's environment is thread-safe, and with MDB_NOTLS so are read transactions, one thread each.
  fileprivate let handle: OpaquePointer
  private let tables: [String: UInt32]
  package let directory: String

  /// 1 TiB of address space: other processes never have to follow a growing map.
  private static let mapBytes = 1 << 40
  /// With less room to grow an import is not begun.
  private static let leastMapBytes = 1 << 28
  private static let maximumReaders: UInt32 = 1022

  /// Of the LMDB that is linked, as "0.9.24".
  package static var libraryVersion: String {
    var (major, minor, patch) = (CInt(0), CInt(0), CInt(0))
    unsafe mdb_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }

  fileprivate init(_ opened: Opened) {
    unsafe handle = unsafe opened.handle
    tables = unsafe opened.tables
    directory = unsafe opened.directory
  }

  deinit { unsafe mdb_env_close(handle) }

  /// Opens an environment for reading, beside those who write; on a read-only medium, where nobody does, without a lock file.
  package static func open(
    _ directory: String, tables: [String]
  ) throws(LMDBError) -> LMDBEnvironment {
    do throws(LMDBError) {
      return try unsafe LMDBEnvironment(open(directory, tables, MDB_RDONLY))
    } catch {
      guard error.kind == .readOnly else { throw error }
      return try openUnlocked(directory, tables: tables)
    }
  }

  /// Opens an environment for reading that nobody writes, without a lock file.
  ///
  /// - Parameter optional: tables that need not be there (``has(_:)``).
  package static func openUnlocked(
    _ directory: String, tables: [String], optional: [String] = []
  ) throws(LMDBError) -> LMDBEnvironment {
    try unsafe LMDBEnvironment(
      open(directory, tables, MDB_RDONLY | MDB_NOLOCK, optional: optional))
  }

  /// What an environment is made of.
  @unsafe fileprivate struct Opened {
    var handle: OpaquePointer
    var tables: [String: UInt32]
    var directory: String
  }

  fileprivate static func open(
    _ directory: String, _ names: [String], _ flags: CInt, optional: [String] = [],
    creating: Bool = false, replacing: [ReplacedValues] = []
  ) throws(LMDBError) -> Opened {
    let flags = UInt32(MDB_NOTLS | flags)
    let isLocked = flags & UInt32(MDB_NOLOCK) == 0
    if isLocked { try reserveLockFile(directory) }
    let environment = try unsafe map(directory, flags)
    do throws(LMDBError) {
      if isLocked {
        var cleared: CInt = 0
        unsafe mdb_reader_check(environment, &cleared)
      }
      if !creating { try unsafe checkPages(environment, replacing) }
      let tables = try unsafe openTables(environment, names, optional, creating)
      return unsafe Opened(handle: environment, tables: tables, directory: directory)
    } catch {
      unsafe mdb_env_close(environment)
      throw error
    }
  }

  /// Opens an environment; where address space is short, with a smaller map, of at least what the file holds.
  ///
  /// The kernel says ENOMEM then, a process under valgrind EINVAL.
  private static func map(
    _ directory: String, _ flags: UInt32
  ) throws(LMDBError) -> OpaquePointer {
    var bytes = mapBytes
    while true {
      var handle: OpaquePointer?
      try unsafe LMDBError.check(mdb_env_create(&handle), "create an environment")
      guard let environment = unsafe handle else {
        throw LMDBError(ENOMEM, "create an environment")
      }
      unsafe mdb_env_set_maxreaders(environment, maximumReaders)
      unsafe mdb_env_set_maxdbs(environment, 16)
      unsafe mdb_env_set_mapsize(environment, bytes)
      let status = unsafe mdb_env_open(environment, directory, flags, 0o644)
      if status == 0 { return unsafe environment }
      // One that failed cannot be opened again.
      unsafe mdb_env_close(environment)
      guard status == ENOMEM || status == EINVAL, bytes > leastMapBytes else {
        throw LMDBError(status, "open \(deniedFile(directory, status, flags) ?? directory)")
      }
      bytes >>= 2
    }
  }

  /// The file of an environment that may not be opened as it has to be; nil where that is not what failed.
  private static func deniedFile(_ directory: String, _ status: CInt, _ flags: UInt32) -> String? {
    guard status == EACCES || status == EPERM else { return nil }
    let data = "\(directory)/data.mdb"
    let isReading = flags & UInt32(MDB_RDONLY) != 0
    if unsafe access(data, isReading ? R_OK : R_OK | W_OK) != 0 { return data }
    return "\(directory)/lock.mdb"
  }

  /// Gives `lock.mdb` its blocks before LMDB maps it: on a full medium a write to a hole of a mapped file would end
  /// the process with SIGBUS.
  ///
  /// Only where it lacks them: opening and closing the file lets go of LMDB's own locks in this process.
  private static func reserveLockFile(_ directory: String) throws(LMDBError) {
    let path = "\(directory)/lock.mdb"
    let bytes = 1 << 16
    var status = stat()
    if unsafe stat(path, &status) == 0, Int(status.st_blocks) * 512 >= bytes { return }
    let file = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o664)
    // On a read-only medium LMDB says so itself.
    guard file >= 0 else { return }
    defer { close(file) }
    let code = posix_fallocate(file, 0, off_t(bytes))
    if code != 0 && code != EOPNOTSUPP && code != EINVAL {
      throw LMDBError(code, "reserve \(path)")
    }
  }

  /// Walks the tree pages of the newest snapshot before LMDB does; a read transaction holds them in place meanwhile.
  private static func checkPages(
    _ environment: OpaquePointer, _ replacing: [ReplacedValues]
  ) throws(LMDBError) {
    var file: CInt = -1
    try unsafe LMDBError.check(mdb_env_get_fd(environment, &file), "check tree pages")
    // Others may commit twice between the beginning and the look at the meta pages: then their newest is looked at.
    for _ in 0..<1000 {
      var transaction: OpaquePointer?
      try unsafe LMDBError.check(
        mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction), "begin reading")
      defer { unsafe mdb_txn_abort(transaction) }
      do {
        return try PageWalk.check(
          file, transaction: unsafe UInt(mdb_txn_id(transaction)), replaced: replacing)
      } catch let fault as PageWalk.Fault {
        throw LMDBError(damage: fault.text, "check tree pages")
      } catch let error as LMDBError {
        throw error
      } catch {
        continue
      }
    }
    throw LMDBError(damage: "its meta pages do not name the newest transaction", "check tree pages")
  }

  private static func openTables(
    _ environment: OpaquePointer, _ names: [String], _ optional: [String], _ creating: Bool
  ) throws(LMDBError) -> [String: UInt32] {
    // Tables that are there need no write transaction, and so no waiting for another's.
    var transaction: OpaquePointer?
    try unsafe LMDBError.check(
      mdb_txn_begin(environment, nil, creating ? 0 : UInt32(MDB_RDONLY), &transaction),
      "begin a transaction")
    var tables: [String: UInt32] = [:]
    for name in names + optional {
      var table: UInt32 = 0
      let status = unsafe mdb_dbi_open(
        transaction, name, creating ? UInt32(MDB_CREATE) : 0, &table)
      if status == MDB_NOTFOUND && !names.contains(name) { continue }
      if status != 0 {
        unsafe mdb_txn_abort(transaction)
        throw LMDBError(status, "open table `\(name)`")
      }
      tables[name] = table
    }
    try unsafe LMDBError.check(mdb_txn_commit(transaction), "open tables")
    return tables
  }

  /// Whether a table was opened.
  package func has(_ name: String) -> Bool { tables[name] != nil }

  /// A table, for transactions; traps if it was not named when the environment was opened.
  package func table<Key>(_ name: TableName<Key>) -> Table<Key> {
    guard let number = tables[name.text] else {
      preconditionFailure("table `\(name.text)` was not opened with the environment")
    }
    return Table(name: name, number: number)
  }

  /// Reads one consistent state.
  package func read<Output, Failure: Error>(
    _ body: (borrowing ReadTransaction) throws(Failure) -> Output
  ) throws -> Output {
    var transaction: OpaquePointer?
    try unsafe LMDBError.check(
      mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &transaction), "begin reading")
    guard let begun = unsafe transaction else { throw LMDBError(EINVAL, "begin reading") }
    return try body(unsafe ReadTransaction(begun))
  }
}

/// An environment that this process may write.
///
/// Caveats: a write transaction belongs to the thread that began it; the same directory may not be opened twice in one process
/// for writing.
@safe package final class WritableEnvironment: LMDBEnvironment, @unchecked Sendable {
  /// Opens an environment; each commit is durable when it returns.
  ///
  /// - Parameter replacing: values that will be replaced or removed: LMDB reads the headers of their pages then, so
  ///   that these are checked, too.
  package static func open(
    _ directory: String, tables: [String], replacing: [ReplacedValues]
  ) throws(LMDBError) -> WritableEnvironment {
    try unsafe WritableEnvironment(open(directory, tables, 0, replacing: replacing))
  }

  /// Makes an environment with its tables in a directory; each commit is durable when it returns.
  package static func create(
    _ directory: String, tables: [String]
  ) throws(LMDBError) -> WritableEnvironment {
    try unsafe WritableEnvironment(open(directory, tables, 0, creating: true))
  }

  /// Makes an environment with its tables without a flush at each commit; ``sync()`` makes it durable once, before others may
  /// see it.
  package static func build(
    _ directory: String, tables: [String]
  ) throws(LMDBError) -> WritableEnvironment {
    try unsafe WritableEnvironment(
      open(directory, tables, MDB_NOSYNC | MDB_NOMETASYNC, creating: true))
  }

  /// Writes; committed when `body` returns, given up when it throws.
  package func write<Output>(
    _ body: (inout WriteTransaction) throws -> Output
  ) throws -> Output {
    var transaction: OpaquePointer?
    try unsafe LMDBError.check(mdb_txn_begin(handle, nil, 0, &transaction), "begin writing")
    guard let begun = unsafe transaction else { throw LMDBError(EINVAL, "begin writing") }
    var writing = unsafe WriteTransaction(begun)
    let output: Output
    do {
      output = try body(&writing)
    } catch {
      unsafe mdb_txn_abort(begun)
      throw error
    }
    // LMDB frees the transaction whatever the commit says.
    try unsafe LMDBError.check(mdb_txn_commit(begun), "commit")
    return output
  }

  /// Flushes everything to the medium.
  package func sync() throws(LMDBError) {
    try unsafe LMDBError.check(mdb_env_sync(handle, 1), "sync")
  }
}
