import Glibc

/// A call that failed, of the system or of a library that answers with the system's numbers.
package protocol SystemFailure: Error {
  /// What was being done, as "open shop/log/CURRENT".
  var operation: String { get }
  /// What is wrong, in the words of who found it.
  var text: String { get }
  var kind: SystemFailureKind { get }
}

/// What can be done about a failed call depends on this.
package enum SystemFailureKind: Sendable {
  /// The medium or the quota is full.
  case diskFull
  case readOnly
  /// Permission is lacking.
  case denied
  /// There is no such file.
  case missing
  /// The process may not map as much as there is, or as much as was mapped has become too little.
  case addressSpace
  /// The file does not hold what it must.
  case damage
  case other
}

/// A failed call of the system.
package struct SystemError: SystemFailure, Sendable {
  /// An `errno` number.
  package let code: CInt
  package let operation: String

  package init(_ code: CInt, _ operation: String) {
    self.code = code
    self.operation = operation
  }

  // Safe because the text is a constant of the C library.
  package var text: String { unsafe String(cString: strerror(code)) }

  package var kind: SystemFailureKind {
    switch code {
    // EIO too: it is what a write to a full medium ends with where only part of it was taken.
    case ENOSPC, EDQUOT, EIO: .diskFull
    case EROFS: .readOnly
    case EACCES, EPERM: .denied
    case ENOENT, ENOTDIR: .missing
    case ENOMEM: .addressSpace
    default: .other
    }
  }
}
