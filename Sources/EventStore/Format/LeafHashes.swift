/// Hashes of leaves in a row, in one buffer.
struct LeafHashes: Sendable {
  private var bytes: [UInt8] = []

  var count: Int { bytes.count / SHA256Bytes.length }

  var all: [[UInt8]] { hashes(from: 0) }

  /// From a number on.
  func hashes(from first: Int) -> [[UInt8]] {
    stride(from: first * SHA256Bytes.length, to: bytes.count, by: SHA256Bytes.length).map {
      Array(bytes[$0..<$0 + SHA256Bytes.length])
    }
  }

  /// What stands before the header of each leaf, from its fifth byte on: 0x00, version, kind and format of the line.
  private static let start: [UInt8] = {
    var start: [UInt8] = [0]
    EventHeader.appendStart(to: &start)
    return start
  }()

  /// Adds those of events of a chunk: SHA-256(0x00 ‖ header ‖ line).
  ///
  /// - Parameter leaves: where they stand in its bytes; the header without version, kind and format of the line, as a slot
  ///   holds it.
  mutating func add(_ leaves: [LeafPlace], of chunk: Span<UInt8>) {
    SHA256Bytes.append(
      hashesOf: leaves, in: chunk, start: Self.start,
      headerLength: ChunkLayout.headerRange.count, to: &bytes)
  }

  /// Puts parents in the place of their children; the number of hashes is a multiple of 2^levels.
  mutating func reduce(levels: Int) {
    for _ in 0..<levels { SHA256Bytes.reducePairs(&bytes) }
  }
}
