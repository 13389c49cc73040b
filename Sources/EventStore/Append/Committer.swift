/// Writes what was placed, in order. One thread at a time.
final class Committer {
  private let files: StoreFiles
  private let reader: LogReader
  private let environment: WritableEnvironment
  private(set) var state: StateRecord
  private var open: OpenBlock
  private var salts: SaltSource
  private var headSlot: Int

  /// What a commit is made of.
  enum Item: Sendable {
    /// Events of a block that has others before or behind them.
    case part(BlockPart)
    /// A whole block, built already, with what it was built of.
    case block(BuiltBlock, BlockPart)

    var part: BlockPart {
      switch self {
      case .part(let part), .block(_, let part): part
      }
    }
  }

  init(
    _ files: StoreFiles, _ reader: LogReader, _ environment: WritableEnvironment,
    _ state: StateRecord,
    salts: SaltSource = SaltSource()
  ) throws(EventStoreError) {
    self.files = files
    self.reader = reader
    self.environment = environment
    self.state = state
    self.salts = salts
    headSlot = HeadFile(path: files.head).olderSlot()
    open = try Self.openBlock(reader, state)
  }

  /// Begins anew with what the log holds.
  func restart(_ state: StateRecord) throws(EventStoreError) {
    open = try Self.openBlock(reader, state)
    self.state = state
  }

  private static func openBlock(
    _ reader: LogReader, _ state: StateRecord
  ) throws(EventStoreError) -> OpenBlock {
    try reader.guarded("read the log") {
      let number = BlockNumber(of: state.size)
      var open = OpenBlock(number)
      if number.rows(of: state.size) == 0 { return open }
      open.take(try reader.block(number, size: state.size, withIDs: true))
      try reader.forEachChunk(from: number.first, releasing: true) { chunk in
        guard chunk.first < state.size else { return false }
        open.chunkKeys.append(chunk.first)
        return true
      }
      return open
    }
  }

  /// Appends what was placed behind what the log holds, in one durable commit.
  func commit(_ items: [Item]) throws(EventStoreError) {
    var next = state
    try reader.guarded("append to the store `\(files.path)`") {
      try environment.write { transaction in
        // Control records may have been appended by another process; events may not.
        let current = try reader.state(in: transaction)
        guard current.tree == state.tree else {
          throw EventStoreError(
            .busy, "another process has appended to `\(files.path)`", help: "open the store again")
        }
        next.control = current.control
        for item in items {
          switch item {
          case .part(let part): try put(part, &next, &transaction)
          case .block(let block, let part): try put(block, part, &next, &transaction)
          }
        }
        try transaction.put(reader.meta, StateRecord.key, next.encoded())
      }
    }
    state = next
    HeadFile(path: files.head).write(size: state.size, root: state.tree.root, slot: headSlot)
    headSlot = 1 - headSlot
  }

  private func put(
    _ block: BuiltBlock, _ part: BlockPart, _ next: inout StateRecord,
    _ transaction: inout WriteTransaction
  ) throws {
    try put(block.chunks, reader.events, &transaction)
    try put(block.columns, reader.columns, &transaction)
    next.tree.appendSubtree(block.root, leaves: UInt64(BlockColumns.length))
    next.take(part, earliest: block.earliest, latest: block.latest)
    open = OpenBlock(BlockNumber(of: next.size))
  }

  private func put(
    _ part: BlockPart, _ next: inout StateRecord, _ transaction: inout WriteTransaction
  ) throws {
    let before = open.count
    let stored = part.isBlockEnd && before > 0 ? try storedChunks(transaction) : []
    if part.isBlockEnd && open.isShort { try takeLines(of: stored) }
    let drafts = open.add(part, &salts)
    for hash in open.leafHashes(from: before) { next.tree.append(leafHash: hash) }
    if let times = open.times(from: before) {
      next.take(part, earliest: times.earliest, latest: times.latest)
    }
    guard part.isBlockEnd else {
      for draft in drafts {
        open.chunkKeys.append(draft.chunk.first)
        try put([open.sealed(draft)], reader.events, &transaction)
      }
      return
    }
    if before == 0 {
      try put(drafts.map { $0.chunk.sealed() }, reader.events, &transaction)
    } else {
      try repack(stored, drafts, &transaction)
    }
    try put(open.sealedColumns().columns, reader.columns, &transaction)
    open = OpenBlock(BlockNumber(of: next.size))
  }

  private typealias StoredChunk = (first: UInt64, content: [UInt8])

  /// The chunks of the open block that the log holds.
  private func storedChunks(_ transaction: borrowing WriteTransaction) throws -> [StoredChunk] {
    var stored: [StoredChunk] = []
    for first in open.chunkKeys {
      guard let content = try transaction.get(reader.events, first) else {
        throw ChunkFault(first, "a chunk is missing")
      }
      stored.append((first, content))
    }
    return stored
  }

  /// Takes up the lines of the open block, which a commit is about to fill.
  private func takeLines(of stored: [StoredChunk]) throws {
    open.beginLines()
    for value in stored {
      let chunk = try ChunkView(first: value.first, content: value.content.span)
      for index in 0..<chunk.count { try open.take(chunk, index) }
    }
  }

  /// Packs the chunks of earlier commits and those of this one anew, without columns.
  private func repack(
    _ stored: [StoredChunk], _ drafts: [OpenBlock.Draft], _ transaction: inout WriteTransaction
  ) throws {
    for value in stored { try transaction.delete(reader.events, value.first) }
    var stored = stored
    for draft in drafts {
      let value = draft.chunk.sealed()
      stored.append((value.key, [UInt8](copying: value.content)))
    }
    var lengths: [Int] = []
    for value in stored {
      let chunk = try ChunkView(first: value.first, content: value.content.span)
      for index in 0..<chunk.count { lengths.append(chunk.lineRange(index).count) }
    }
    var packed = ChunkLayout.split(lengths.count) { lengths[$0] }.map { rows in
      ChunkDraft(
        first: open.number.first + UInt64(rows.lowerBound), count: rows.count,
        lineBytes: lengths[rows].reduce(0, +))
    }
    var number = 0
    for value in stored {
      let chunk = try ChunkView(first: value.first, content: value.content.span)
      for index in 0..<chunk.count {
        if packed[number].isFull { number += 1 }
        packed[number].add(chunk, index)
      }
    }
    try put(packed.map { $0.sealed() }, reader.events, &transaction)
  }

  private func put<Key>(
    _ values: [SealedValue<Key>], _ table: Table<Key>, _ transaction: inout WriteTransaction
  ) throws {
    for value in values { try transaction.put(table, value, appending: true) }
  }
}

extension StateRecord {
  /// Takes up what the log has with a part, its leaves apart.
  fileprivate mutating func take(_ part: BlockPart, earliest: Int64, latest: Int64) {
    recorded = part.recorded
    self.earliest = min(self.earliest, earliest)
    self.latest = max(self.latest, latest)
    subjects = part.subjects
    types = part.types
  }
}
