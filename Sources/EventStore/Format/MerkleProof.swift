/// Proofs of RFC 6962 trees: how they are made (RFC 6962, 2.1.1 and 2.1.2) and how they are checked
/// (RFC 9162, 2.1.3.2 and 2.1.4.2).
///
/// ```
/// let path = MerkleProof.inclusion(of: 5, in: 8) { MerkleProof.root(of: $0, hashes) }
/// MerkleProof.root(leafHash: hashes[5], at: 5, in: 8, path: path) == root
/// ```
public enum MerkleProof {
  /// The audit path of a leaf, from the leaf upwards.
  ///
  /// - Parameters:
  ///   - index: of the leaf, below `size`.
  ///   - size: how many leaves the tree has.
  ///   - root: gives the root over a range of leaves, which is never empty.
  public static func inclusion(
    of index: UInt64, in size: UInt64, root: (Range<UInt64>) throws -> [UInt8]
  ) rethrows -> [[UInt8]] {
    precondition(index < size, "the leaf is in the tree")
    var path: [[UInt8]] = []
    var range = 0..<size
    while range.count > 1 {
      let middle = range.lowerBound + split(UInt64(range.count))
      let isLeft = index < middle
      path.append(try root(isLeft ? middle..<range.upperBound : range.lowerBound..<middle))
      range = isLeft ? range.lowerBound..<middle : middle..<range.upperBound
    }
    return path.reversed()
  }

  /// That the tree over the first `old` leaves is a beginning of the one over `size`; empty where they are the same or the
  /// old one has no leaves.
  public static func consistency(
    from old: UInt64, to size: UInt64, root: (Range<UInt64>) throws -> [UInt8]
  ) rethrows -> [[UInt8]] {
    precondition(old <= size, "the old tree is not the larger one")
    if old == 0 || old == size { return [] }
    var path: [[UInt8]] = []
    var range = 0..<size
    // True while the part of the old tree in `range` is one of its own subtrees from the left edge.
    var isWhole = true
    while range.upperBound != old {
      let middle = range.lowerBound + split(UInt64(range.count))
      if old <= middle {
        path.append(try root(middle..<range.upperBound))
        range = range.lowerBound..<middle
      } else {
        path.append(try root(range.lowerBound..<middle))
        range = middle..<range.upperBound
        isWhole = false
      }
    }
    if !isWhole { path.append(try root(range)) }
    return path.reversed()
  }

  /// The largest power of two below `count`, which is above 1.
  private static func split(_ count: UInt64) -> UInt64 {
    1 << UInt64(63 - (count - 1).leadingZeroBitCount)
  }

  /// The root over a range of leaves, from their hashes (`MTH` of RFC 6962, 2.1).
  public static func root(of range: Range<UInt64>, _ leafHashes: [[UInt8]]) -> [UInt8] {
    if range.isEmpty { return SHA256Bytes.hash([UInt8]().span) }
    if range.count == 1 { return leafHashes[Int(range.lowerBound)] }
    let middle = range.lowerBound + split(UInt64(range.count))
    return MerkleTree.nodeHash(
      root(of: range.lowerBound..<middle, leafHashes),
      root(of: middle..<range.upperBound, leafHashes))
  }

  /// The root that an audit path leads to; nil where the path is not one of that leaf in a tree of that size.
  public static func root(
    leafHash: [UInt8], at index: UInt64, in size: UInt64, path: [[UInt8]]
  ) -> [UInt8]? {
    guard index < size, isWellFormed(path) else { return nil }
    var (first, second) = (index, size - 1)
    var node = leafHash
    for sibling in path {
      if second == 0 { return nil }
      if first & 1 == 1 || first == second {
        node = MerkleTree.nodeHash(sibling, node)
        while first & 1 == 0 && first != 0 {
          first >>= 1
          second >>= 1
        }
      } else {
        node = MerkleTree.nodeHash(node, sibling)
      }
      first >>= 1
      second >>= 1
    }
    return second == 0 ? node : nil
  }

  /// True where the proof shows that the log of the old root is a beginning of that of the new one.
  public static func isConsistent(
    old: UInt64, oldRoot: [UInt8], size: UInt64, root: [UInt8], path: [[UInt8]]
  ) -> Bool {
    guard old <= size, isWellFormed(path) else { return false }
    if old == size { return path.isEmpty && oldRoot == root }
    if old == 0 { return path.isEmpty && oldRoot == SHA256Bytes.hash([UInt8]().span) }
    // Where the old tree is perfect, its root is the start and is not sent.
    var nodes = (old & (old - 1) == 0 ? [oldRoot] : []) + path
    guard !nodes.isEmpty else { return false }
    var (first, second) = (old - 1, size - 1)
    while first & 1 == 1 {
      first >>= 1
      second >>= 1
    }
    var (left, right) = (nodes[0], nodes[0])
    nodes.removeFirst()
    for node in nodes {
      if second == 0 { return false }
      if first & 1 == 1 || first == second {
        left = MerkleTree.nodeHash(node, left)
        right = MerkleTree.nodeHash(node, right)
        while first & 1 == 0 && first != 0 {
          first >>= 1
          second >>= 1
        }
      } else {
        right = MerkleTree.nodeHash(right, node)
      }
      first >>= 1
      second >>= 1
    }
    return second == 0 && left == oldRoot && right == root
  }

  private static func isWellFormed(_ path: [[UInt8]]) -> Bool {
    path.count <= 64 && path.allSatisfy { $0.count == SHA256Bytes.length }
  }
}
