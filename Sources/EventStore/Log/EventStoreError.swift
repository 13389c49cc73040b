/// Why the store could not do what it was asked for.
public struct EventStoreError: Error, Sendable {
  /// Stable, kebab-case names; the command line prints them as `error[CODE]`.
  public enum Code: String, Sendable {
    case missing = "store-missing"
    case exists = "store-exists"
    case foreign = "store-foreign"
    case truncated = "store-truncated"
    case damaged = "store-damaged"
    case otherFormat = "store-format"
    case busy = "store-busy"
    case diskFull = "disk-full"
    case readOnly = "read-only"
    case denied = "permission-denied"
    case addressSpace = "address-space"
    case io = "io"
    case limit = "limit"
    case noPosition = "no-position"
    case noSubject = "no-subject"
  }
  /// Stable, for programs.
  public var code: Code
  /// Lower case, no full stop; what happened and where.
  public var message: String
  /// What to do about it, if there is something to say.
  public var help: String?

  /// - Parameters:
  ///   - message: lower case, no full stop: what is wrong, and with what.
  ///   - help: what to do about it.
  public init(_ code: Code, _ message: String, help: String? = nil) {
    self.code = code
    self.message = message
    self.help = help
  }
}
