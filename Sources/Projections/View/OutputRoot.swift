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

  /// The hashes of each bucket, ascending, and the hashes of its leaf.
  struct Sorted: Sendable {
    var buckets: [[SHA256Bytes.Words]]
    var leaves: [[UInt8]]

    var root: [UInt8] { OutputRoot.root(leaves) }
  }

  func sorted(threads: Int) throws -> Sorted {
    let buckets = buckets
    let parts = try Parallel.run(threads) { thread in
      let first = buckets.count * thread / threads
      let end = buckets.count * (thread + 1) / threads
      let sorted = buckets[first..<end].map { $0.sorted() }
      return Sorted(buckets: sorted, leaves: sorted.map { BucketHashes.leaf($0) })
    }
    return Sorted(buckets: parts.flatMap(\.buckets), leaves: parts.flatMap(\.leaves))
  }

  /// - Parameter leaves: the hashes of all leaves, in the order of the buckets.
  static func root(_ leaves: [[UInt8]]) -> [UInt8] {
    var tree = MerkleTree()
    for hash in leaves { tree.append(leafHash: hash) }
    return tree.root
  }
}
