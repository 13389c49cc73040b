import EventStore

/// The root over what a view says: an RFC 6962 tree over 4,096 buckets of row hashes by customer name.
///
/// A row hash is SHA-256(0x00 ‖ head ‖ rows) of the customer's record; its bucket is given by the first twelve bits of
/// SHA-256(name). The leaf of a bucket is the concatenation of its row hashes in ascending order. Positions, dense numbers and the
/// log's own root do not enter, so that the same events give the same root in any store.
struct OutputRoot {
  static let bucketCount = 4096

  struct Leaf: Sendable {
    var bucket: UInt16
    var hash: SHA256Bytes.Words
  }

  private var buckets: [[SHA256Bytes.Words]] = Array(repeating: [], count: bucketCount)

  static func leaf(name: Span<UInt8>, covered: Span<UInt8>) -> Leaf {
    let bucket = UInt16(truncatingIfNeeded: SHA256Bytes.words(name).first >> 52)
    return Leaf(bucket: bucket, hash: SHA256Bytes.words(prefix: 0, covered))
  }

  mutating func add(_ leaf: Leaf) {
    buckets[Int(leaf.bucket)].append(leaf.hash)
  }

  func root(threads: Int) throws -> [UInt8] {
    let buckets = buckets
    let parts = try Parallel.run(threads) { thread in
      let first = buckets.count * thread / threads
      let end = buckets.count * (thread + 1) / threads
      var bytes: [UInt8] = []
      return buckets[first..<end].map { bucket in
        bytes.removeAll(keepingCapacity: true)
        for hash in bucket.sorted() { hash.append(to: &bytes) }
        return SHA256Bytes.hash(prefix: 0, bytes.span)
      }
    }
    var tree = MerkleTree()
    for hash in parts.joined() { tree.append(leafHash: hash) }
    return tree.root
  }
}
