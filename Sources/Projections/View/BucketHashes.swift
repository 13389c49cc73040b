import EventStore

/// The row hashes of a bucket of the output root as a level of a view keeps them: all, or what changed.
///
/// ```
/// 0 · hashes in ascending order · 1 · count · hashes that went · hashes that came
/// ```
enum BucketHashes {
  typealias Hash = SHA256Bytes.Words

  /// What changed: of an earlier state some go, and others come.
  struct Patch: Sendable {
    var removed: [Hash] = []
    var added: [Hash] = []

    /// Takes up what changed after it.
    mutating func add(_ later: Patch) {
      for hash in later.removed {
        if let place = added.firstIndex(of: hash) {
          added.remove(at: place)
        } else {
          removed.append(hash)
        }
      }
      added += later.added
    }
  }

  enum Stored: Sendable {
    case whole([Hash])
    case patch(Patch)
  }

  static func encoded(_ stored: Stored) -> [UInt8] {
    var encoder = ByteEncoder()
    switch stored {
    case .whole(let hashes):
      encoder.bytes.reserveCapacity(hashes.count * SHA256Bytes.length + 16)
      encoder.number(0)
      for hash in hashes { hash.append(to: &encoder.bytes) }
    case .patch(let patch):
      encoder.number(1)
      encoder.number(patch.removed.count)
      for hash in patch.removed + patch.added { hash.append(to: &encoder.bytes) }
    }
    return encoder.bytes
  }

  static func decoded(_ bytes: [UInt8]) throws(ByteDecoder.Damaged) -> Stored {
    var decoder = ByteDecoder(bytes)
    let kind = try decoder.number()
    let removed = kind == 1 ? try decoder.count() : 0
    let length = bytes.count - decoder.offset
    guard kind < 2, length % SHA256Bytes.length == 0 else { throw ByteDecoder.Damaged() }
    let hashes = stride(from: decoder.offset, to: bytes.count, by: SHA256Bytes.length).map {
      Hash(bytes.span, at: $0)
    }
    if kind == 0 { return .whole(hashes) }
    guard removed <= hashes.count else { throw ByteDecoder.Damaged() }
    return .patch(
      Patch(removed: Array(hashes[..<removed]), added: Array(hashes[removed...])))
  }

  /// What some levels say together, the oldest first.
  static func joined(_ levels: [Stored]) throws(ByteDecoder.Damaged) -> Stored {
    guard var result = levels.first else { return .patch(Patch()) }
    for level in levels.dropFirst() {
      guard case .patch(let patch) = level else { throw ByteDecoder.Damaged() }
      switch result {
      case .patch(var earlier):
        earlier.add(patch)
        result = .patch(earlier)
      case .whole(let hashes): result = .whole(try patched(hashes, patch))
      }
    }
    return result
  }

  /// Ascending hashes after a change.
  private static func patched(
    _ hashes: [Hash], _ patch: Patch
  ) throws(ByteDecoder.Damaged) -> [Hash] {
    var removed = patch.removed.sorted()[...]
    var added = patch.added.sorted()[...]
    var result: [Hash] = []
    result.reserveCapacity(hashes.count + added.count)
    for hash in hashes {
      if removed.first == hash {
        removed = removed.dropFirst()
        continue
      }
      while let first = added.first, first < hash {
        result.append(first)
        added = added.dropFirst()
      }
      result.append(hash)
    }
    guard removed.isEmpty else { throw ByteDecoder.Damaged() }
    return result + added
  }

  /// The leaf of a bucket, which is hashed over its hashes in ascending order.
  static func leaf(_ hashes: [Hash]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(hashes.count * SHA256Bytes.length)
    for hash in hashes { hash.append(to: &bytes) }
    return SHA256Bytes.hash(prefix: 0, bytes.span)
  }
}
