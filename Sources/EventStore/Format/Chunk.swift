/// Some events in a row: one value of table `ev` under the position of the first (docs/format.md, "ev").
///
/// ```
/// flags u8 · count u32
///   · count × { kind u8 · length u32 · sequence u32 · recorded i64 · previous u64 · salt 16 · sum u32 }
///   · lines, each with LF · [columns, if flags & 1] · XXH64
/// columns = count × { subject u32 · type u16 · occurred i64 · idh u64 } · names u32 × { length u8 · bytes }
/// ```
/// Columns stand in the chunks of the open block only; a sealed block keeps them in `col`. The line of an erased event
/// (kind 1) is its 32-byte leaf hash. An event's sum says which one is damaged where the chunk's checksum does not hold.
enum ChunkLayout {
  static let slotLength = 45
  /// Of flags and count.
  static let headLength = 5
  /// Where the header stands in a slot, and where it ends; the sum follows.
  static let headerRange = 5..<41
  /// 16 pages of 4 KiB less LMDB's header of 16 bytes.
  static let maximumBytes = 65_520

  /// The low half of XXH64 over the line, seeded with that over the slot before its sum.
  static func sum(slot: Span<UInt8>, line: Span<UInt8>) -> UInt32 {
    let seed = Checksum.xxh64(slot, seed: 0)
    return UInt32(truncatingIfNeeded: Checksum.xxh64(line, seed: seed))
  }

  /// Which rows stand together in a chunk, from the first row on as many as there is room for.
  ///
  /// - Parameter length: of the line of each row.
  static func split(_ rows: Int, length: (Int) -> Int) -> [Range<Int>] {
    var chunks: [Range<Int>] = []
    var start = 0
    var bytes = headLength + Checksum.length
    for row in 0..<rows {
      let own = slotLength + length(row) + 1
      if row > start && bytes + own > maximumBytes {
        chunks.append(start..<row)
        start = row
        bytes = headLength + Checksum.length
      }
      bytes += own
    }
    if rows > start { chunks.append(start..<rows) }
    return chunks
  }
}

/// A chunk whose parts stand within it, and whose checksum holds unless it was asked for all the same.
struct ChunkView: ~Escapable {
  let first: UInt64
  let count: Int
  let bytes: Span<UInt8>
  private let hasColumns: Bool
  /// Where the line of each event starts.
  private let lineStarts: [Int]
  private let linesEnd: Int
  /// The checksum of the whole holds.
  let isIntact: Bool

  static let erased: UInt8 = 1

  /// - Parameters:
  ///   - first: position of its first event.
  ///   - isIntact: its checksum holds; else it is taken if its parts can be told.
  /// - Throws: what is wrong with the content.
  @_lifetime(copy content)
  init(
    first: UInt64, content: Span<UInt8>, isIntact: Bool = true
  ) throws(ChunkFault) {
    let length = content.count
    guard length >= 5 else { throw ChunkFault(first, "a chunk is too short") }
    let count = Int(content.little(1, 4))
    guard count > 0, count <= 16_384, 5 + count * ChunkLayout.slotLength <= length else {
      throw ChunkFault(first, "a chunk's slot table is malformed")
    }
    var layout = Self.layout(content, count, byLineEnds: false)
    if !isIntact {
      // A damaged length moves all lines behind it, a damaged line end too: the one that finds more events is right.
      let other = Self.layout(content, count, byLineEnds: true)
      let held = [layout, other].map { Self.held(content, count, $0) }
      if held[1] > held[0] { layout = other }
    } else {
      for index in 0..<count {
        let slot = 5 + index * ChunkLayout.slotLength
        let isErased = content[slot] == Self.erased
        guard
          content[slot] == 0
            || isErased && content.little(slot + 1, 4) == UInt64(SHA256Bytes.length),
          RFC3339.range.contains(Int64(bitPattern: content.little(slot + 9, 8)))
        else { throw ChunkFault(first, "a chunk's slot table is malformed") }
      }
    }
    let isLaidOut = content[0] == 1 || content[0] == 0 && layout?.end == content.count
    guard let layout, isLaidOut || !isIntact else {
      throw ChunkFault(first, "a chunk's lines are malformed")
    }
    lineStarts = layout.starts
    linesEnd = layout.end
    self.first = first
    self.count = count
    self.isIntact = isIntact
    bytes = content
    hasColumns = content[0] == 1
  }

  private typealias Layout = (starts: [Int], end: Int)

  /// Where the lines stand by the lengths in the slots, or by their line ends; nil where they do not fit.
  private static func layout(
    _ content: Span<UInt8>, _ count: Int, byLineEnds: Bool
  ) -> Layout? {
    var starts: [Int] = []
    starts.reserveCapacity(count)
    var offset = 5 + count * ChunkLayout.slotLength
    for index in 0..<count {
      starts.append(offset)
      if byLineEnds {
        guard let end = content.firstIndex(of: 0x0a, from: offset) else { return nil }
        offset = end + 1
      } else {
        offset += Int(content.little(5 + index * ChunkLayout.slotLength + 1, 4)) + 1
      }
      guard offset <= content.count else { return nil }
    }
    return (starts, offset)
  }

  /// How many events have their own sum under a layout.
  private static func held(_ content: Span<UInt8>, _ count: Int, _ layout: Layout?) -> Int {
    guard let layout else { return -1 }
    return (0..<count).reduce(0) { held, index in
      let end = index + 1 < count ? layout.starts[index + 1] : layout.end
      return held + (holds(content, index, layout.starts[index]..<end - 1) ? 1 : 0)
    }
  }

  private static func holds(_ content: Span<UInt8>, _ index: Int, _ line: Range<Int>) -> Bool {
    let slot = 5 + index * ChunkLayout.slotLength
    let sumAt = slot + ChunkLayout.headerRange.upperBound
    let sum = ChunkLayout.sum(
      slot: content.extracting(slot..<sumAt), line: content.extracting(line))
    return UInt64(sum) == content.little(sumAt, 4)
  }

  private func slotStart(_ index: Int) -> Int {
    ChunkLayout.headLength + index * ChunkLayout.slotLength
  }

  /// The slot of an event with its sum.
  @_lifetime(copy self)
  func slot(_ index: Int) -> Span<UInt8> {
    bytes.extracting(slotStart(index)..<slotStart(index) + ChunkLayout.slotLength)
  }

  func kind(_ index: Int) -> UInt8 { bytes[slotStart(index)] }

  func lineRange(_ index: Int) -> Range<Int> {
    let end = index + 1 < count ? lineStarts[index + 1] : linesEnd
    return lineStarts[index]..<end - 1
  }

  /// An event's own sum holds, and its line ends.
  func holds(_ index: Int) -> Bool {
    let line = lineRange(index)
    return bytes[line.upperBound] == 0x0a && Self.holds(bytes, index, line)
      && (kind(index) != Self.erased || line.count == SHA256Bytes.length)
  }

  func sequence(_ index: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: bytes.little(slotStart(index) + 5, 4))
  }

  func recorded(_ index: Int) -> Int64 { Int64(bitPattern: bytes.little(slotStart(index) + 9, 8)) }

  /// Position of the subject's previous event; nil for its first.
  func previous(_ index: Int) -> UInt64? {
    let previous = bytes.little(slotStart(index) + 17, 8)
    return previous == UInt64.max ? nil : previous
  }

  /// Where the leaf of an event stands.
  func leaf(_ index: Int) -> LeafPlace {
    let header = slotStart(index) + ChunkLayout.headerRange.lowerBound
    let line = lineRange(index)
    return LeafPlace(
      header: kind(index) == Self.erased ? nil : header, line: line.lowerBound,
      lineLength: line.count)
  }

  /// The slot of an erased event holds nothing of it.
  func isBlank(_ index: Int) -> Bool {
    let slot = slotStart(index)
    return sequence(index) == 0 && previous(index) == nil
      && (slot + 25..<slot + 41).allSatisfy { bytes[$0] == 0 }
  }

  func header(_ index: Int) -> EventHeader {
    let slot = slotStart(index)
    let salt = [UInt8](copying: bytes.extracting(slot + 25..<slot + 41))
    return EventHeader(
      sequence: sequence(index), recorded: recorded(index), previous: previous(index), salt: salt)
  }

  /// The columns of a chunk of the open block; nil where it has none.
  func columns() throws(ChunkFault) -> BlockColumns? {
    guard hasColumns else { return nil }
    var reader = ByteReader(bytes.extracting(linesEnd..<bytes.count))
    do throws(ByteReader.Short) {
      var columns = BlockColumns(BlockNumber(of: first))
      for _ in 0..<count {
        columns.subjects.append(try reader.number(UInt32.self))
        columns.types.append(try reader.number(UInt16.self))
        columns.occurred.append(try reader.number(Int64.self))
        columns.idHashes.append(try reader.number(UInt64.self))
      }
      let names = try reader.number(UInt32.self)
      for _ in 0..<names {
        let length = Int(try reader.number(UInt8.self))
        columns.newNames.append(try reader.array(length))
      }
      if reader.remaining > 0 { throw ByteReader.Short() }
      return columns
    } catch {
      throw ChunkFault(first, "a chunk's columns are malformed")
    }
  }
}

/// What is wrong with a stored value, and at which position.
struct ChunkFault: Error {
  var position: UInt64
  var what: String

  init(_ position: UInt64, _ what: String) {
    self.position = position
    self.what = what
  }
}
