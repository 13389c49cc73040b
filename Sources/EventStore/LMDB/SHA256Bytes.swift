import Crypto

/// SHA-256 over spans (FIPS 180-4), by swift-crypto.
public enum SHA256Bytes {
  public static let length = 32

  public static func hash(_ bytes: Span<UInt8>) -> [UInt8] {
    Array(digest(of: bytes))
  }

  private static func digest(of bytes: Span<UInt8>) -> SHA256Digest {
    var hasher = SHA256()
    // Safe because the pointer does not leave the call.
    unsafe bytes.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
    return hasher.finalize()
  }

  /// Adds the hash of bytes to a buffer.
  static func append(hashOf bytes: Span<UInt8>, to hashes: inout [UInt8]) {
    // Safe because the pointer does not leave the call.
    unsafe digest(of: bytes).withUnsafeBytes { unsafe hashes.append(contentsOf: $0) }
  }

  /// SHA-256(prefix ‖ bytes).
  public static func hash(prefix: UInt8, _ bytes: Span<UInt8>) -> [UInt8] {
    var buffer: [UInt8] = [prefix]
    buffer.reserveCapacity(bytes.count + 1)
    unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append(contentsOf: $0) }
    return hash(buffer.span)
  }
}
