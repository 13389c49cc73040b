/// The root of an RFC 6962 tree that only grows, kept as its peaks.
public struct MerkleTree: Sendable, Equatable {
  /// Number of leaves.
  public private(set) var size: UInt64 = 0
  /// Roots of the perfect subtrees that the leaves fill, the largest first; one for each bit of ``size``.
  private(set) var peaks: [[UInt8]] = []

  /// The tree of no leaves, whose root is SHA-256 of nothing.
  public init() {}

  init(size: UInt64, peaks: [[UInt8]]) {
    self.size = size
    self.peaks = peaks
  }

  /// SHA-256(0x00 ‖ leaf).
  public static func leafHash(_ leaf: Span<UInt8>) -> [UInt8] {
    SHA256Bytes.hash(prefix: 0, leaf)
  }

  /// SHA-256(0x01 ‖ left ‖ right).
  public static func nodeHash(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [1]
    bytes.reserveCapacity(65)
    bytes += left
    bytes += right
    return SHA256Bytes.hash(bytes.span)
  }

  /// Adds a leaf behind the others.
  public mutating func append(leafHash: [UInt8]) {
    appendSubtree(leafHash, leaves: 1)
  }

  /// Appends a perfect subtree; its number of leaves is a power of two that divides ``size``.
  mutating func appendSubtree(_ root: [UInt8], leaves: UInt64) {
    precondition(size % leaves == 0, "a subtree begins at a multiple of its size")
    var node = root
    var width = leaves
    while size & width != 0, let left = peaks.popLast() {
      node = Self.nodeHash(left, node)
      width <<= 1
    }
    peaks.append(node)
    size += leaves
    checkInvariants()
  }

  /// In debug builds: a peak of 32 bytes for each bit of the size.
  func checkInvariants() {
    assert(peaks.count == size.nonzeroBitCount, "a tree has a peak for each bit of its size")
    assert(peaks.allSatisfy { $0.count == SHA256Bytes.length }, "a peak is a hash")
  }

  /// The root over all leaves; SHA-256 of nothing for none.
  public var root: [UInt8] {
    guard var node = peaks.last else { return SHA256Bytes.hash([UInt8]().span) }
    for peak in peaks.dropLast().reversed() { node = Self.nodeHash(peak, node) }
    return node
  }
}
