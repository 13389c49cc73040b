/// Roots over ranges of the log's leaves: those of full blocks and of 256 leaves stand in the blocks' directories, the rest is
/// hashed from the events.
final class LeafRanges {
  private let reader: LogReader
  private var directories: [BlockNumber: BlockDirectory] = [:]
  private var openBlocks: Set<BlockNumber> = []
  /// Roots over more than one block, by the range's lower bound and length.
  private var large: [Range<UInt64>: [UInt8]] = [:]
  /// Leaf hashes of the chunk that was looked into last.
  private var chunkFirst: UInt64 = 0
  private var chunkHashes: [[UInt8]] = []

  init(_ reader: LogReader) { self.reader = reader }

  /// The root over a range whose lower bound is a multiple of the largest power of two not above its length, as all ranges
  /// of proofs are.
  func root(_ range: Range<UInt64>) throws -> [UInt8] {
    let count = UInt64(range.count)
    if count == 1 { return try leaf(range.lowerBound) }
    if count & (count - 1) == 0, let known = try known(range.lowerBound, count) { return known }
    if let known = large[range] { return known }
    let half: UInt64 = 1 << UInt64(63 - (count - 1).leadingZeroBitCount)
    let middle = range.lowerBound + half
    let node = MerkleTree.nodeHash(
      try root(range.lowerBound..<middle), try root(middle..<range.upperBound))
    if count > UInt64(BlockColumns.length) { large[range] = node }
    return node
  }

  private func known(_ first: UInt64, _ count: UInt64) throws -> [UInt8]? {
    let tile = UInt64(BlockDirectory.tileLeaves)
    guard count == UInt64(BlockColumns.length) || count == tile, first % count == 0 else {
      return nil
    }
    guard let directory = try directory(BlockNumber(of: first)) else { return nil }
    return count == tile
      ? directory.tiles[Int(first / tile) % BlockDirectory.tileCount] : directory.root
  }

  private func directory(_ block: BlockNumber) throws -> BlockDirectory? {
    if let known = directories[block] { return known }
    if openBlocks.contains(block) { return nil }
    guard let bytes = try reader.column(.directory, block: block) else {
      openBlocks.insert(block)
      return nil
    }
    guard let directory = BlockDirectory(bytes) else {
      throw ChunkFault(block.first, "column 0 is malformed")
    }
    directories[block] = directory
    return directory
  }

  func leaf(_ position: UInt64) throws -> [UInt8] {
    if position < chunkFirst || position >= chunkFirst + UInt64(chunkHashes.count) {
      chunkHashes = []
      try reader.forEachChunk(from: position) { chunk in
        chunkFirst = chunk.first
        var hashes = LeafHashes()
        hashes.add((0..<chunk.count).map { chunk.leaf($0) }, of: chunk.bytes)
        chunkHashes = hashes.all
        return false
      }
    }
    guard position >= chunkFirst, position < chunkFirst + UInt64(chunkHashes.count) else {
      throw ChunkFault(position, "a chunk is missing")
    }
    return chunkHashes[Int(position - chunkFirst)]
  }
}
