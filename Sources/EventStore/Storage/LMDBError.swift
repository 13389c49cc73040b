import CLMDB
import Glibc

/// A failed call of LMDB, or what we found wrong with its file before LMDB looked.
package struct LMDBError: SystemFailure, Sendable {
  /// An `MDB_…` or `errno` number.
  package let code: CInt
  package let operation: String
  /// What is wrong with the file, where we found it.
  private var damage: String?

  init(_ code: CInt, _ operation: String) {
    self.code = code
    self.operation = operation
  }

  init(damage: String, _ operation: String) {
    self.init(MDB_CORRUPTED, operation)
    self.damage = damage
  }

  // Safe because the text is a constant of the C library or of LMDB.
  package var text: String { unsafe damage ?? String(cString: mdb_strerror(code)) }

  package var kind: SystemFailureKind {
    switch code {
    case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_NOTFOUND,
      MDB_INCOMPATIBLE:
      .damage
    case MDB_MAP_FULL, MDB_MAP_RESIZED: .addressSpace
    default: SystemError(code, operation).kind
    }
  }

  @inline(__always)
  static func check(_ code: CInt, _ operation: String) throws(LMDBError) {
    if code != 0 { throw LMDBError(code, operation) }
  }
}
