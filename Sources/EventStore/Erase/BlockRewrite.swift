/// Makes blocks of the log without some of their events.
struct BlockRewrite: Sendable {
  let reader: LogReader
  let plan: ErasurePlan
  /// Of the subjects that go.
  private let names: TextDictionary

  init(_ reader: LogReader, _ plan: ErasurePlan) {
    self.reader = reader
    self.plan = plan
    names = plan.names
  }

  /// A block as it is stored.
  struct Block: Sendable {
    var chunks: [SealedValue<UInt64>] = []
    /// Nothing for the block that is not full.
    var columns: [SealedValue<ColumnKey>] = []
  }

  /// A block that has events of the plan, without them.
  func block(_ number: BlockNumber) throws -> Block {
    let first = number.first
    let rows = plan.rows[number] ?? []
    var isErased = Array(repeating: false, count: BlockColumns.length)
    for row in rows { isErased[row] = true }
    let isFull = try reader.column(.directory, block: number) != nil
    var open = OpenBlock(number)
    if isFull {
      open.take(try columns(number, rows))
      open.beginLines()
    }
    var result = Block()
    var recorded = try recorded(before: first)
    var next = first
    try reader.forEachChunk(from: first, releasing: true) { chunk in
      guard BlockNumber(of: chunk.first) == number, chunk.first < plan.size else { return false }
      guard chunk.first == next else { throw ChunkFault(next, "a chunk is missing") }
      next += UInt64(chunk.count)
      let draft = draft(chunk, isErased, &recorded)
      guard isFull else {
        result.chunks.append(draft.sealed(columns: try chunkColumns(chunk, isErased)))
        return true
      }
      let value = draft.sealed()
      let made = try ChunkView(first: chunk.first, content: value.content)
      for index in 0..<made.count { try open.take(made, index) }
      result.chunks.append(value)
      return true
    }
    guard next == min(plan.size, number.end) else {
      throw ChunkFault(next, "a chunk is missing")
    }
    if isFull { result.columns = open.sealedColumns().columns }
    return result
  }

  /// The base columns of a full block.
  private func columns(_ number: BlockNumber, _ rows: [Int]) throws -> BlockColumns {
    var columns = try reader.block(number, size: plan.size, withIDs: true)
    try reader.forEachNewName(block: number, size: plan.size) { name in
      columns.newNames.append(kept(name))
    }
    for row in rows { columns.erase(row) }
    return columns
  }

  /// A name, or nothing of one that goes.
  private func kept(_ name: Span<UInt8>) -> [UInt8] {
    names.find(name) == nil ? [UInt8](copying: name) : []
  }

  private func chunkColumns(
    _ chunk: borrowing ChunkView, _ isErased: [Bool]
  ) throws -> [UInt8] {
    guard var columns = try chunk.columns() else {
      throw ChunkFault(chunk.first, "a chunk of the block that is not full has no columns")
    }
    for index in 0..<chunk.count where isErased[BlockNumber.row(of: chunk.first) + index] {
      columns.erase(index)
    }
    var bytes = columns.chunkRows(0..<chunk.count)
    bytes.appendLittle(UInt32(columns.newNames.count))
    for name in columns.newNames {
      let name = kept(name.span)
      bytes.append(UInt8(name.count))
      bytes += name
    }
    return bytes
  }

  /// - Parameter recorded: when the last event before was that stays.
  private func draft(
    _ chunk: borrowing ChunkView, _ isErased: [Bool], _ recorded: inout Int64
  ) -> ChunkDraft {
    let start = BlockNumber.row(of: chunk.first)
    var bytes = 0
    for index in 0..<chunk.count {
      bytes += isErased[start + index] ? SHA256Bytes.length : chunk.lineRange(index).count
    }
    var draft = ChunkDraft(first: chunk.first, count: chunk.count, lineBytes: bytes)
    for index in 0..<chunk.count {
      guard isErased[start + index] else {
        recorded = chunk.recorded(index)
        draft.add(chunk, index)
        continue
      }
      var hash = LeafHashes()
      hash.add([chunk.leaf(index)], of: chunk.bytes)
      let leafHash = hash.all[0]
      draft.addErased(leafHash: leafHash.span, recorded: recorded)
    }
    return draft
  }

  /// When the last event before a position was recorded that stays; the earliest instant where there is none.
  private func recorded(before first: UInt64) throws -> Int64 {
    if first == 0 { return RFC3339.range.lowerBound }
    let end = plan.positions.range(of: first - 1)?.lowerBound ?? first
    if end == 0 { return RFC3339.range.lowerBound }
    var recorded: Int64?
    try reader.forEachChunk(from: end - 1) { chunk in
      if chunk.first < end, end <= chunk.first + UInt64(chunk.count) {
        recorded = chunk.recorded(Int(end - 1 - chunk.first))
      }
      return false
    }
    guard let recorded else { throw ChunkFault(end - 1, "a chunk is missing") }
    return recorded
  }
}
