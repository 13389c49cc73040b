/// The 40 bytes in front of an event's line in its leaf (docs/format.md, "Leaf").
///
/// | bytes | what |
/// |---|---|
/// | 0 | version, 1 |
/// | 1 | kind: 0 an event |
/// | 2–3 | format of the line: 0 CloudEvents JSON |
/// | 4–7 | number of the event among its subject's, from 0 |
/// | 8–15 | recorded, microseconds since 1970 |
/// | 16–23 | position of the subject's previous event; 2^64 − 1 without |
/// | 24–39 | salt |
public struct EventHeader: Sendable, Equatable {
  /// Number of the event among those of its subject, from 0.
  public var sequence: UInt32
  /// When the store accepted it, in microseconds since 1970-01-01T00:00:00Z.
  public var recorded: Int64
  /// Nil for a subject's first event.
  public var previous: UInt64?
  /// 16 random bytes.
  public var salt: [UInt8]

  static let length = 40
  static let saltLength = 16

  /// Version, kind and format of the line.
  static func appendStart(to bytes: inout [UInt8]) {
    bytes.append(1)
    bytes.append(0)
    bytes.append(0)
    bytes.append(0)
  }

  /// Adds the 40 bytes that stand in front of the line in the leaf.
  public func append(to bytes: inout [UInt8]) {
    Self.appendStart(to: &bytes)
    bytes.appendLittle(sequence)
    bytes.appendLittle(recorded)
    bytes.appendLittle(previous ?? UInt64.max)
    bytes += salt
  }

  /// The leaf hash: SHA-256(0x00 ‖ header ‖ line).
  public func leafHash(line: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = [0]
    bytes.reserveCapacity(1 + Self.length + line.count)
    append(to: &bytes)
    bytes.append(line)
    return SHA256Bytes.hash(bytes.span)
  }
}
