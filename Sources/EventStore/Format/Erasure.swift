/// That events were erased, and whose, to who knows the nonces: the register's word for what is no longer there.
public struct Erasure: Sendable, Equatable {
  /// Why, as the operator put it; may be empty.
  public var reason: String
  /// SHA-256(nonce ‖ subject) of each subject, 32 bytes, ascending. Nonces and names stand in the receipt alone.
  public var subjectHashes: [[UInt8]]
  /// Where the events stood.
  public var positions: PositionRanges

  /// Longest reason, in bytes.
  public static let mostReasonBytes = 4096
  /// Bytes of a nonce.
  static let nonceLength = 32

  /// What stands in the register for a subject.
  public static func hash(of subject: String, nonce: [UInt8]) -> [UInt8] {
    let bytes = nonce + Array(subject.utf8)
    return SHA256Bytes.hash(bytes.span)
  }

  init(reason: String, subjectHashes: [[UInt8]], positions: PositionRanges) {
    self.reason = reason
    self.subjectHashes = subjectHashes
    self.positions = positions
  }

  func append(to bytes: inout [UInt8]) {
    bytes.append(text: reason)
    bytes.appendLittle(UInt32(subjectHashes.count))
    for hash in subjectHashes { bytes += hash }
    positions.append(to: &bytes)
  }

  init(_ reader: inout ByteReader) throws(ByteReader.Short) {
    reason = try reader.text()
    subjectHashes = []
    for _ in 0..<(try reader.number(UInt32.self)) {
      subjectHashes.append(try reader.array(SHA256Bytes.length))
    }
    positions = try PositionRanges(&reader)
  }
}

/// That a copy of the log was made: it holds what is erased from the log later.
public struct BackupMade: Sendable, Equatable {
  /// Where, as the operator named it, from the root of the file system.
  public var destination: String
  /// Number of events of the copy.
  public var size: UInt64
  /// Of the copy, 32 bytes.
  public var root: [UInt8]

  init(destination: String, size: UInt64, root: [UInt8]) {
    self.destination = destination
    self.size = size
    self.root = root
  }

  func append(to bytes: inout [UInt8]) {
    bytes.append(text: destination)
    bytes.appendLittle(size)
    bytes += root
  }

  init(_ reader: inout ByteReader) throws(ByteReader.Short) {
    destination = try reader.text()
    size = try reader.number(UInt64.self)
    root = try reader.array(SHA256Bytes.length)
  }
}
