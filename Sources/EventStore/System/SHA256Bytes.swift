import CLibcrypto

/// SHA-256 over spans (FIPS 180-4), by OpenSSL's libcrypto.
package enum SHA256Bytes {
  package static let length = 32

  package static func hash(_ bytes: Span<UInt8>) -> [UInt8] {
    var hash: [UInt8] = []
    append(hashOf: bytes, to: &hash)
    return hash
  }

  private typealias Digest = InlineArray<32, UInt8>

  /// Of `head` and what stands behind it.
  private static func digest(_ head: Span<UInt8>, _ bytes: Span<UInt8>) -> Digest {
    var digest = Digest(repeating: 0)
    var room = digest.mutableSpan
    // Safe because the call reads the bytes of both and writes 32, and keeps no pointer.
    unsafe head.withUnsafeBufferPointer { head in
      unsafe bytes.withUnsafeBufferPointer { bytes in
        unsafe room.withUnsafeMutableBufferPointer { room in
          unsafe libcrypto_sha256(
            head.baseAddress, head.count, bytes.baseAddress, bytes.count, room.baseAddress)
        }
      }
    }
    return digest
  }

  private static func digest(prefix: UInt8, _ bytes: Span<UInt8>) -> Digest {
    let head: InlineArray<1, UInt8> = [prefix]
    return digest(head.span, bytes)
  }

  /// Adds the hash of bytes to a buffer.
  static func append(hashOf bytes: Span<UInt8>, to hashes: inout [UInt8]) {
    let hash = digest(Span(), bytes)
    hashes.append(hash.span)
  }

  /// Puts the hash of bytes at a place of a buffer that has room for it.
  static func put(hashOf bytes: Span<UInt8>, into hashes: inout MutableSpan<UInt8>, at place: Int) {
    precondition(place >= 0 && hashes.count - place >= length, "there is room for the hash")
    // Safe because the call reads `count` bytes and writes 32, for which there is room, and keeps no pointer.
    unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe hashes.withUnsafeMutableBufferPointer { room in
        guard let base = room.baseAddress else { return }
        unsafe libcrypto_sha256(nil, 0, bytes.baseAddress, bytes.count, base + place)
      }
    }
  }

  /// SHA-256(prefix ‖ bytes).
  package static func hash(prefix: UInt8, _ bytes: Span<UInt8>) -> [UInt8] {
    let hash = digest(prefix: prefix, bytes)
    return [UInt8](copying: hash.span)
  }

  /// A hash as four numbers, the first bytes of each the most significant, so that their order is that of the bytes.
  package struct Words: Sendable, Comparable, BitwiseCopyable {
    package let first: UInt64
    package let second: UInt64
    package let third: UInt64
    package let fourth: UInt64

    /// Takes the hash that stands at a place of some bytes, which hold all 32 of it.
    package init(_ bytes: Span<UInt8>, at place: Int) {
      func word(_ offset: Int) -> UInt64 { bytes.little(place + offset, 8).byteSwapped }
      (first, second, third, fourth) = (word(0), word(8), word(16), word(24))
    }

    package static func < (left: Words, right: Words) -> Bool {
      if left.first != right.first { return left.first < right.first }
      if left.second != right.second { return left.second < right.second }
      if left.third != right.third { return left.third < right.third }
      return left.fourth < right.fourth
    }

    /// Adds the 32 bytes of the hash.
    package func append(to bytes: inout [UInt8]) {
      func add(_ word: UInt64, _ span: inout OutputSpan<UInt8>) {
        for shift in stride(from: 56, through: 0, by: -8) {
          span.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
      }
      bytes.append(addingCapacity: 32) { span in
        add(first, &span)
        add(second, &span)
        add(third, &span)
        add(fourth, &span)
      }
    }
  }

  package static func words(_ bytes: Span<UInt8>) -> Words {
    let hash = digest(Span(), bytes)
    return Words(hash.span, at: 0)
  }

  /// SHA-256(prefix ‖ bytes).
  package static func words(prefix: UInt8, _ bytes: Span<UInt8>) -> Words {
    let hash = digest(prefix: prefix, bytes)
    return Words(hash.span, at: 0)
  }
}
