import CLMDB
import Glibc

/// A failed call of LMDB or of the system.
public struct LMDBError: Error, Sendable {
  /// An `MDB_…` or `errno` number.
  public let code: CInt
  /// What was being done, as "commit".
  public let operation: String

  public init(_ code: CInt, _ operation: String) {
    self.code = code
    self.operation = operation
  }

  public var text: String {
    // Safe because the text is a constant of the C library or of LMDB.
    unsafe String(cString: mdb_strerror(code))
  }

  /// The medium is full: ENOSPC, or the short write that LMDB reports as EIO.
  var isDiskFull: Bool { code == ENOSPC || code == EIO || code == EDQUOT || code == MDB_MAP_FULL }
  var isReadOnly: Bool { code == EROFS || code == EACCES || code == EPERM }

  @inline(__always)
  static func check(_ code: CInt, _ operation: String) throws(LMDBError) {
    if code != 0 { throw LMDBError(code, operation) }
  }
}
