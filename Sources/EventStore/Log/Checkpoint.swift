/// What a log was at a moment, to be kept elsewhere (C2SP tlog-checkpoint, c2sp.org/tlog-checkpoint).
///
/// ```
/// clm-replay/9f3c…          origin: the store's id
/// 2000000                   size
/// vB/qDqje2J…=              root, base64
/// register 3 4sKn…=         extension line: size and root of the tree over control records
/// ```
public struct Checkpoint: Sendable, Equatable {
  /// Which log it is of: ``origin(storeID:)``.
  public var origin: String
  /// Number of events.
  public var size: UInt64
  /// Of the RFC 6962 tree over their leaves, 32 bytes.
  public var root: [UInt8]
  /// Nil in a checkpoint that another program made.
  public var register: Head?

  /// Number of control records, and the root of the tree over them, 32 bytes.
  public struct Head: Sendable, Equatable {
    /// Number of control records.
    public var size: UInt64
    /// Of the RFC 6962 tree over them, 32 bytes.
    public var root: [UInt8]
  }

  private static let registerLine = "register "

  /// What checkpoints of a store call it.
  public static func origin(storeID: String) -> String { "clm-replay/\(storeID)" }

  /// What a log is now.
  public init(origin: String, _ snapshot: LogSnapshot) {
    self.origin = origin
    size = snapshot.size
    root = snapshot.root
    register = Head(size: snapshot.registerSize, root: snapshot.registerRoot)
  }

  /// The text of a note, with its last line end.
  public var text: String {
    var lines = [origin, String(size), Base64.text(root)]
    if let register {
      lines.append("\(Self.registerLine)\(register.size) \(Base64.text(register.root))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// - Parameter text: of a note, with its last line end.
  public init(parsing text: String) throws(NoteFault) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 4, !lines[0].isEmpty, let size = Self.number(lines[1]),
      let root = Base64.bytes(lines[2]), root.count == SHA256Bytes.length
    else { throw NoteFault("is no checkpoint: origin, size and root are its first three lines") }
    origin = String(lines[0])
    self.size = size
    self.root = root
    for line in lines[3...] where line.hasPrefix(Self.registerLine) {
      let parts = line.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 3, let size = Self.number(parts[1]), let root = Base64.bytes(parts[2]),
        root.count == SHA256Bytes.length
      else { throw NoteFault("has a malformed line `register`") }
      register = Head(size: size, root: root)
    }
  }

  /// Decimal digits without leading zeros.
  private static func number(_ text: Substring) -> UInt64? {
    guard let value = UInt64(text), String(value) == text else { return nil }
    return value
  }
}
