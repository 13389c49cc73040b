import CLMDB
import Glibc

/// A failed call of LMDB or of the system.
public struct LMDBError: Error, Sendable {
  /// An `MDB_…` or `errno` number.
  public let code: CInt
  /// What was being done, as "commit".
  public let operation: String

  /// What is wrong with the file, where we found it before LMDB looked.
  private(set) var damage: String?

  public init(_ code: CInt, _ operation: String) {
    self.code = code
    self.operation = operation
  }

  init(damage: String, _ operation: String) {
    self.init(MDB_CORRUPTED, operation)
    self.damage = damage
  }

  public var text: String {
    if let damage { return damage }
    // Safe because the text is a constant of the C library or of LMDB.
    return unsafe String(cString: mdb_strerror(code))
  }

  /// The medium is full: ENOSPC, or the short write that LMDB reports as EIO.
  var isDiskFull: Bool { code == ENOSPC || code == EIO || code == EDQUOT }
  /// The process may not map as much as there is, or as much as was mapped has become too little.
  var isAddressSpace: Bool { code == ENOMEM || code == MDB_MAP_FULL || code == MDB_MAP_RESIZED }
  /// Found by us, or by LMDB itself.
  var isDamage: Bool {
    [
      MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_NOTFOUND,
      MDB_INCOMPATIBLE,
    ]
    .contains(code)
  }
  var isReadOnly: Bool { code == EROFS }
  public var isDenied: Bool { code == EACCES || code == EPERM }
  /// There is no such file.
  public var isMissing: Bool { code == ENOENT || code == ENOTDIR }

  @inline(__always)
  static func check(_ code: CInt, _ operation: String) throws(LMDBError) {
    if code != 0 { throw LMDBError(code, operation) }
  }
}
