/// Some events in a row: one value of table `ev` under the position of the first (docs/format.md, "ev").
///
/// ```
/// flags u8 · count u32 · count × { kind u8 · length u32 · sequence u32 · recorded i64 · previous u64 · salt 16 }
///   · lines, each with LF · [columns, if flags & 1] · XXH64
/// columns = count × { subject u32 · type u16 · occurred i64 · idh u64 } · names u32 × { length u8 · bytes }
/// ```
/// Columns stand in the chunks of the open block only; a sealed block keeps them in `col`. The line of an erased event
/// (kind 1) is its 32-byte leaf hash.
struct ChunkBuilder {
  private var slots: [UInt8] = []
  private var lines: [UInt8] = []
  private(set) var count: UInt32 = 0

  static let slotLength = 41
  /// 16 pages of 4 KiB less LMDB's header of 16 bytes.
  static let maximumBytes = 65_520
  private static let fixedBytes = 5 + Checksum.length

  var byteCount: Int { Self.fixedBytes + slots.count + lines.count }

  func hasRoom(for line: Int) -> Bool {
    count == 0 || byteCount + Self.slotLength + line + 1 <= Self.maximumBytes
  }

  mutating func add(kind: UInt8, header: EventHeader, line: Span<UInt8>) {
    slots.append(kind)
    slots.appendLittle(UInt32(line.count))
    slots.appendLittle(header.sequence)
    slots.appendLittle(header.recorded)
    slots.appendLittle(header.previous ?? UInt64.max)
    slots += header.salt
    lines.append(line)
    lines.append(0x0a)
    count += 1
  }

  /// The sealed value; the builder is empty afterwards.
  mutating func finish(first: UInt64, columns: [UInt8]?) -> (key: [UInt8], value: [UInt8]) {
    var value: [UInt8] = []
    value.reserveCapacity(byteCount + (columns?.count ?? 0))
    value.append(columns == nil ? 0 : 1)
    value.appendLittle(count)
    value += slots
    value += lines
    if let columns { value += columns }
    let key = [UInt8].bigEndian(first)
    Checksum.seal(&value, table: "ev", key: key.span)
    slots.removeAll(keepingCapacity: true)
    lines.removeAll(keepingCapacity: true)
    count = 0
    return (key, value)
  }
}

/// A chunk whose checksum holds and whose parts stand within it.
struct ChunkView: ~Escapable {
  let first: UInt64
  let count: Int
  let bytes: Span<UInt8>
  private let hasColumns: Bool
  /// Where the line of each event starts.
  private let lineStarts: [Int]
  private let linesEnd: Int

  static let erased: UInt8 = 1

  /// - Throws: what is wrong with the value.
  @_lifetime(copy value)
  init(key: Span<UInt8>, value: Span<UInt8>) throws(ChunkFault) {
    guard key.count == 8 else { throw ChunkFault(0, "a key of table `ev` is malformed") }
    let first = key.bigEndian
    guard let length = Checksum.contentLength(value, table: "ev", key: key) else {
      throw ChunkFault(first, "the checksum of a chunk does not hold")
    }
    let content = value.extracting(0..<length)
    guard length >= 5 else { throw ChunkFault(first, "a chunk is too short") }
    let count = Int(content.little(1, 4))
    guard count > 0, count <= 16_384, 5 + count * ChunkBuilder.slotLength <= length else {
      throw ChunkFault(first, "a chunk's slot table is malformed")
    }
    var starts: [Int] = []
    starts.reserveCapacity(count)
    var offset = 5 + count * ChunkBuilder.slotLength
    for index in 0..<count {
      let slot = 5 + index * ChunkBuilder.slotLength
      let lineLength = Int(content.little(slot + 1, 4))
      let kind = content[slot]
      guard kind == 0 || kind == Self.erased && lineLength == SHA256Bytes.length else {
        throw ChunkFault(first, "a chunk's slot table is malformed")
      }
      starts.append(offset)
      offset += lineLength + 1
      guard offset <= length else { throw ChunkFault(first, "a chunk's lines are malformed") }
    }
    self.first = first
    self.count = count
    bytes = content
    hasColumns = content[0] & 1 != 0
    lineStarts = starts
    linesEnd = offset
  }

  private func slot(_ index: Int) -> Int { 5 + index * ChunkBuilder.slotLength }

  func kind(_ index: Int) -> UInt8 { bytes[slot(index)] }

  func lineRange(_ index: Int) -> Range<Int> {
    let end = index + 1 < count ? lineStarts[index + 1] : linesEnd
    return lineStarts[index]..<end - 1
  }

  func sequence(_ index: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: bytes.little(slot(index) + 5, 4))
  }

  func recorded(_ index: Int) -> Int64 { Int64(bitPattern: bytes.little(slot(index) + 9, 8)) }

  /// Position of the subject's previous event; nil for its first.
  func previous(_ index: Int) -> UInt64? {
    let previous = bytes.little(slot(index) + 17, 8)
    return previous == UInt64.max ? nil : previous
  }

  /// What the leaf hash of an event is made of: 0x00 ‖ header ‖ line. The slot holds the header from its fifth byte on.
  func appendLeaf(_ index: Int, to input: inout [UInt8]) {
    input.append(0)
    EventHeader.appendStart(to: &input)
    let slot = slot(index)
    input.append(bytes.extracting(slot + 5..<slot + ChunkBuilder.slotLength))
    input.append(bytes.extracting(lineRange(index)))
  }

  func header(_ index: Int) -> EventHeader {
    let slot = slot(index)
    let salt = [UInt8](copying: bytes.extracting(slot + 25..<slot + 41))
    return EventHeader(
      sequence: sequence(index), recorded: recorded(index), previous: previous(index), salt: salt)
  }

  /// The columns of a chunk of the open block; nil where it has none.
  func columns() throws(ChunkFault) -> BlockColumns? {
    guard hasColumns else { return nil }
    var reader = ByteReader(bytes.extracting(linesEnd..<bytes.count))
    do throws(ByteReader.Short) {
      var columns = BlockColumns(firstPosition: first)
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
