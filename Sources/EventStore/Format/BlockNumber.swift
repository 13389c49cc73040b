/// Which block of 16,384 events of a log, from 0.
///
/// Positions become blocks and rows here and nowhere else.
package struct BlockNumber: Hashable, Comparable, Sendable {
  /// From 0.
  package let rawValue: Int

  private static let rowBits = BlockColumns.length.trailingZeroBitCount

  /// - Parameter number: from 0.
  package init(_ number: Int) { rawValue = number }

  /// The block that holds a position.
  package init(of position: UInt64) { rawValue = Int(position >> Self.rowBits) }

  /// The blocks that hold the first `size` events, in order; the last one may not be full.
  package static func all(_ size: UInt64) -> Range<BlockNumber> {
    BlockNumber(0)..<BlockNumber(of: size + UInt64(BlockColumns.length) - 1)
  }

  /// The blocks that the first `size` events fill.
  package static func full(_ size: UInt64) -> Range<BlockNumber> {
    BlockNumber(0)..<BlockNumber(of: size)
  }

  /// The row of a position in its block.
  package static func row(of position: UInt64) -> Int {
    Int(position & UInt64(BlockColumns.length - 1))
  }

  /// Position of the first row.
  package var first: UInt64 { UInt64(rawValue) << Self.rowBits }

  /// The position behind the last row of the full block.
  package var end: UInt64 { first + UInt64(BlockColumns.length) }

  /// How many rows the block has in a log of `size` events.
  package func rows(of size: UInt64) -> Int {
    size <= first ? 0 : Int(min(size - first, UInt64(BlockColumns.length)))
  }

  package static func < (left: BlockNumber, right: BlockNumber) -> Bool {
    left.rawValue < right.rawValue
  }
}

extension BlockNumber: Strideable {
  package func distance(to other: BlockNumber) -> Int { other.rawValue - rawValue }
  package func advanced(by blocks: Int) -> BlockNumber { BlockNumber(rawValue + blocks) }
}
