/// A chunk that is being filled, in memory of its final size.
struct ChunkDraft: Sendable {
  /// Position of its first event.
  let first: UInt64
  private var value: [UInt8]
  private var count = 0
  private let capacity: Int
  private var lineEnd: Int

  /// - Parameters:
  ///   - count: how many events will be added.
  ///   - lineBytes: how many bytes their lines have, without line ends.
  init(first: UInt64, count: Int, lineBytes: Int) {
    self.first = first
    capacity = count
    lineEnd = ChunkLayout.headLength + count * ChunkLayout.slotLength
    value = Array(repeating: 0, count: lineEnd + lineBytes + count + Checksum.length)
    var room = value.mutableSpan
    room.put(UInt32(count), at: 1)
  }

  /// All events have been added.
  var isFull: Bool { count == capacity }

  /// Adds an event, its place in its subject's chain and its salt, 16 bytes.
  mutating func add(
    sequence: UInt32, recorded: Int64, previous: UInt64, salt: Span<UInt8>, line: Span<UInt8>
  ) {
    let slot = ChunkLayout.headLength + count * ChunkLayout.slotLength
    let sumAt = slot + ChunkLayout.headerRange.upperBound
    let lineStart = lineEnd
    count += 1
    lineEnd += line.count + 1
    var room = value.mutableSpan
    room.put(UInt32(line.count), at: slot + 1)
    room.put(sequence, at: slot + 5)
    room.put(recorded, at: slot + 9)
    room.put(previous, at: slot + 17)
    room.put(salt, at: slot + 25)
    let sum = ChunkLayout.sum(slot: room.span.extracting(slot..<sumAt), line: line)
    room.put(sum, at: sumAt)
    room.put(line, at: lineStart)
    room[lineStart + line.count] = 0x0a
  }

  /// Adds an event that was erased: its leaf hash, and in place of when it was recorded when the one before it was, so that
  /// times still never decrease.
  mutating func addErased(leafHash: Span<UInt8>, recorded: Int64) {
    let slot = ChunkLayout.headLength + count * ChunkLayout.slotLength
    let sumAt = slot + ChunkLayout.headerRange.upperBound
    let lineStart = lineEnd
    count += 1
    lineEnd += leafHash.count + 1
    var room = value.mutableSpan
    room[slot] = ChunkView.erased
    room.put(UInt32(leafHash.count), at: slot + 1)
    room.put(recorded, at: slot + 9)
    room.put(UInt64.max, at: slot + 17)
    let sum = ChunkLayout.sum(slot: room.span.extracting(slot..<sumAt), line: leafHash)
    room.put(sum, at: sumAt)
    room.put(leafHash, at: lineStart)
    room[lineStart + leafHash.count] = 0x0a
  }

  /// Adds an event of another chunk as it is.
  mutating func add(_ chunk: borrowing ChunkView, _ index: Int) {
    let slot = ChunkLayout.headLength + count * ChunkLayout.slotLength
    let line = chunk.bytes.extracting(chunk.lineRange(index))
    let lineStart = lineEnd
    count += 1
    lineEnd += line.count + 1
    var room = value.mutableSpan
    room.put(chunk.slot(index), at: slot)
    room.put(line, at: lineStart)
    room[lineStart + line.count] = 0x0a
  }

  /// Hashes its events; none of them is erased.
  func addLeaves(to hashes: inout LeafHashes) {
    let bytes = value.span
    var leaves: [LeafPlace] = []
    leaves.reserveCapacity(count)
    var line = ChunkLayout.headLength + capacity * ChunkLayout.slotLength
    for index in 0..<count {
      let slot = ChunkLayout.headLength + index * ChunkLayout.slotLength
      let length = Int(bytes.number(at: slot + 1) as UInt32)
      leaves.append(
        LeafPlace(
          header: slot + ChunkLayout.headerRange.lowerBound, line: line, lineLength: length))
      line += length + 1
    }
    hashes.add(leaves, of: bytes)
  }

  /// The value as it is stored.
  /// - Parameter columns: of a chunk of the open block.
  consuming func sealed(columns: [UInt8]? = nil) -> SealedValue<UInt64> {
    var value = value
    if let columns {
      value.removeLast(Checksum.length)
      value[0] = 1
      value += columns
      return LogTables.events.sealed(first, value)
    }
    return LogTables.events.sealed(first, inPlace: value)
  }
}
