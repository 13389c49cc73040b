/// Why the store could not do what it was asked for.
public struct EventStoreError: Error, Sendable {
  /// Stable, kebab-case names; the command line prints them as `error[CODE]`.
  public enum Code: String, Sendable {
    /// There is no store, or none yet.
    case missing = "store-missing"
    /// Something is where a store was to be made.
    case exists = "store-exists"
    /// It is there and no store of this library.
    case foreign = "store-foreign"
    /// A file is shorter than its own pages say.
    case truncated = "store-truncated"
    /// Bytes are not what a checksum says, or acknowledged events are missing.
    case damaged = "store-damaged"
    /// A later release wrote it.
    case otherFormat = "store-format"
    /// Another process held it for as long as was waited.
    case busy = "store-busy"
    /// What was acknowledged is there.
    case diskFull = "disk-full"
    /// The medium takes no writes.
    case readOnly = "read-only"
    /// This process may not read or write it.
    case denied = "permission-denied"
    /// Files cannot be mapped into this process.
    case addressSpace = "address-space"
    /// The system failed to read or write.
    case io = "io"
    /// More than a store may hold.
    case limit = "limit"
    /// The log has no such position.
    case noPosition = "no-position"
    /// The log has no such subject.
    case noSubject = "no-subject"
  }
  /// Stable, for programs.
  public var code: Code
  /// Lower case, no full stop; what happened and where.
  public var message: String
  /// What to do about it, if there is something to say.
  public var help: String?

  /// - Parameters:
  ///   - code: stable, for programs.
  ///   - message: lower case, no full stop: what is wrong, and with what.
  ///   - help: what to do about it.
  public init(_ code: Code, _ message: String, help: String? = nil) {
    self.code = code
    self.message = message
    self.help = help
  }
}
