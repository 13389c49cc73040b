/// Column 0 of a block: what the block holds, and the hashes over its events (docs/format.md, "col").
///
/// ```
/// count u32 · paths u16 · complete u8 · earliest i64 · latest i64 · 64 roots of 256 leaves · root of the block
/// · paths × { steps u8 · steps × { length u8 · bytes } } · ids u8
/// ```
package struct BlockDirectory: Sendable {
  var count: UInt32
  /// Every value of `data`, three members deep, stands in one of the columns.
  package var isComplete: Bool
  var earliest: Int64
  var latest: Int64
  /// Roots over 256 leaves each.
  var tiles: [[UInt8]]
  var root: [UInt8]
  /// Encoded paths of payload columns; that of path n is column 16 + n.
  private(set) var paths: [[UInt8]]
  /// Whether column 6 holds the ids; nil in blocks of versions that did not say.
  private(set) var hasIDs: Bool?

  static let tileLeaves = 256
  static let tileCount = BlockColumns.length / tileLeaves

  init(
    columns: BlockColumns, tiles: [[UInt8]], paths: [[UInt8]], isComplete: Bool, hasIDs: Bool?
  ) {
    count = UInt32(columns.count)
    self.isComplete = isComplete
    let times = columns.times()
    earliest = times?.earliest ?? 0
    latest = times?.latest ?? 0
    self.tiles = tiles
    self.paths = paths
    self.hasIDs = hasIDs
    var tree = MerkleTree()
    for tile in tiles { tree.appendSubtree(tile, leaves: UInt64(Self.tileLeaves)) }
    root = tree.root
  }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittle(count)
    bytes.appendLittle(UInt16(paths.count))
    bytes.append(isComplete ? 1 : 0)
    bytes.appendLittle(earliest)
    bytes.appendLittle(latest)
    for tile in tiles { bytes += tile }
    bytes += root
    for path in paths { bytes += path }
    if let hasIDs { bytes.append(hasIDs ? 1 : 0) }
    return bytes
  }

  /// Latest `occurred` of the block, of its encoded directory; nil where malformed.
  static func latest(_ bytes: Span<UInt8>) -> Int64? {
    bytes.count < 23 ? nil : Int64(bitPattern: bytes.little(15, 8))
  }

  /// Nil where malformed.
  init?(_ bytes: [UInt8]) {
    var reader = ByteReader(bytes.span)
    do throws(ByteReader.Short) {
      count = try reader.number(UInt32.self)
      let pathCount = try reader.number(UInt16.self)
      isComplete = try reader.number(UInt8.self) == 1
      earliest = try reader.number(Int64.self)
      latest = try reader.number(Int64.self)
      tiles = []
      for _ in 0..<Self.tileCount { tiles.append(try reader.array(SHA256Bytes.length)) }
      root = try reader.array(SHA256Bytes.length)
      paths = []
      for _ in 0..<pathCount {
        let steps = try reader.number(UInt8.self)
        var path = [steps]
        for _ in 0..<steps {
          let length = try reader.number(UInt8.self)
          path.append(length)
          path += try reader.array(Int(length))
        }
        paths.append(path)
      }
      hasIDs = reader.remaining > 0 ? try reader.number(UInt8.self) == 1 : nil
    } catch {
      return nil
    }
  }

  /// Number of the payload column of a path of members; nil where it has none.
  package func column(of steps: [[UInt8]]) -> Int? {
    var path = [UInt8(truncatingIfNeeded: steps.count)]
    for step in steps {
      if step.count > 255 { return nil }
      path.append(UInt8(step.count))
      path += step
    }
    return paths.firstIndex(of: path)
  }
}
