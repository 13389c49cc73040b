/// The block that is not full yet.
struct OpenBlock {
  let firstPosition: UInt64
  var columns: BlockColumns
  var payload = PayloadColumnsBuilder()
  var ids = IDColumnBuilder()
  /// Roots over 256 events each, as they fill.
  var tiles: [[UInt8]] = []
  private var shredder = PayloadShredder()
  private var tree = MerkleTree()
  /// Keys of the chunks that hold it so far.
  var chunkKeys: [UInt64] = []

  init(firstPosition: UInt64) {
    self.firstPosition = firstPosition
    columns = BlockColumns(firstPosition: firstPosition)
  }

  /// Takes up an event that the log holds already; its row stands in the columns.
  mutating func add(_ chunk: borrowing ChunkView, _ index: Int) throws(ChunkFault) {
    let leaf = LeafHashing.hash(chunk, index)
    if let tile = tree.append(leafHash: leaf, filling: UInt64(BlockDirectory.tileLeaves)) {
      tiles.append(tile)
    }
    let line = chunk.bytes.extracting(chunk.lineRange(index))
    if chunk.kind(index) == ChunkView.erased { return ids.add(line.extracting(0..<0)) }
    let row = Int(chunk.first - firstPosition) + index
    PayloadPaths.id(of: line).withText(line) { ids.add($0) }
    do throws(JSONFault) {
      try payload.add(line, row: row, &shredder)
    } catch {
      throw ChunkFault(chunk.first + UInt64(index), "the line is not JSON: \(error.message)")
    }
  }
}

/// Puts the events of one commit into chunks, and seals blocks as they fill.
struct Appender {
  let reader: LogReader
  var state: StateRecord
  var open: OpenBlock
  var salts: SaltSource
  private var chunk = ChunkBuilder()
  private var chunkFirst: UInt64
  /// New names of the open block before `chunk`.
  private var chunkNames: Int
  /// The open block's number for each path of the batch.
  private var columnOfPath: [Int] = []
  /// Chunks of this commit in the open block, not yet put, each with its share of the block's new names.
  private var finished: [(key: UInt64, builder: ChunkBuilder, names: Range<Int>)] = []

  init(
    reader: LogReader, state: StateRecord, open: OpenBlock, salts: SaltSource
  ) {
    self.reader = reader
    self.state = state
    self.open = open
    self.salts = salts
    chunkFirst = state.size
    chunkNames = open.columns.newNames.count
  }

  mutating func add(
    _ batch: EventBatch, _ number: Int, idHash: UInt64, type: UInt16,
    _ subjects: inout SubjectTable, _ transaction: inout WriteTransaction
  ) throws {
    let entry = batch.entries[number]
    let bytes = batch.bytes.span
    let position = state.size
    let name = bytes.extracting(entry.subject)
    let line = bytes.extracting(entry.line)
    let (subject, isNew) = subjects.insert(name)
    let (sequence, previous) = subjects.advance(subject, to: position)
    let header = EventHeader(
      sequence: sequence, recorded: state.recorded, previous: previous, salt: salts.next())
    let leaf = header.leafHash(line: line)
    if !chunk.hasRoom(for: line.count) { endChunk() }
    chunk.add(kind: 0, header: header, line: line)
    open.columns.subjects.append(subject)
    open.columns.types.append(type)
    open.columns.occurred.append(entry.occurred)
    open.columns.idHashes.append(idHash)
    open.ids.add(bytes.extracting(entry.id))
    if isNew { open.columns.newNames.append([UInt8](copying: name)) }
    let tile = state.tree.append(leafHash: leaf, filling: UInt64(BlockDirectory.tileLeaves))
    if let tile { open.tiles.append(tile) }
    open.payload.add(
      batch.cells(of: number), paths: batch.shredder.paths, columnOfPath: &columnOfPath,
      row: open.columns.count - 1, line)
    state.earliest = min(state.earliest, entry.occurred)
    state.latest = max(state.latest, entry.occurred)
    state.subjects = UInt32(subjects.count)
    if open.columns.count == BlockColumns.length { try seal(&transaction) }
  }

  private mutating func endChunk() {
    guard chunk.count > 0 else { return }
    let names = open.columns.newNames.count
    finished.append((chunkFirst, chunk, chunkNames..<names))
    chunk = ChunkBuilder()
    chunkFirst = state.size
    chunkNames = names
  }

  /// Ends the commit: what is left of the open block goes into chunks with their columns.
  mutating func finish(_ transaction: inout WriteTransaction) throws {
    endChunk()
    for index in finished.indices {
      let key = finished[index].key
      open.chunkKeys.append(key)
      let row = Int(key - open.firstPosition)
      let columns = open.columns.encodedInline(
        rows: row..<row + Int(finished[index].builder.count), names: finished[index].names)
      let sealed = finished[index].builder.finish(first: key, columns: columns)
      try transaction.put(
        reader.events, sealed.key.span, sealed.value.span, appending: true)
    }
    finished = []
    let key = StateRecord.key
    let value = state.encoded()
    try transaction.put(reader.meta, key.span, value.span)
  }

  // MARK: Sealing

  /// Writes the columns of a full block, and its chunks without columns.
  private mutating func seal(_ transaction: inout WriteTransaction) throws {
    endChunk()
    try repack(&transaction)
    try putColumns(&transaction)
    open = OpenBlock(firstPosition: state.size)
    finished = []
    columnOfPath = []
    chunkFirst = state.size
    chunkNames = 0
  }

  /// Packs the chunks of earlier commits and those of this one anew.
  private mutating func repack(_ transaction: inout WriteTransaction) throws {
    guard !open.chunkKeys.isEmpty else {
      for index in finished.indices {
        let sealed = finished[index].builder.finish(first: finished[index].key, columns: nil)
        try transaction.put(reader.events, sealed.key.span, sealed.value.span, appending: true)
      }
      return
    }
    var builder = ChunkBuilder()
    var packed: [(key: [UInt8], value: [UInt8])] = []
    var first = open.firstPosition
    var position = first
    func pack(_ value: [UInt8], _ key: [UInt8]) throws {
      let chunk = try ChunkView(key: key.span, value: value.span)
      for index in 0..<chunk.count {
        let line = chunk.bytes.extracting(chunk.lineRange(index))
        if !builder.hasRoom(for: line.count) {
          packed.append(builder.finish(first: first, columns: nil))
          first = position
        }
        builder.add(kind: chunk.kind(index), header: chunk.header(index), line: line)
        position += 1
      }
    }
    for number in open.chunkKeys {
      let key = [UInt8].bigEndian(number)
      guard let value = try transaction.get(reader.events, key.span) else {
        throw ChunkFault(number, "a chunk is missing")
      }
      try pack(value, key)
      try transaction.delete(reader.events, key.span)
    }
    for index in finished.indices {
      let sealed = finished[index].builder.finish(first: finished[index].key, columns: nil)
      try pack(sealed.value, sealed.key)
    }
    packed.append(builder.finish(first: first, columns: nil))
    for chunk in packed {
      try transaction.put(reader.events, chunk.key.span, chunk.value.span, appending: true)
    }
  }

  private mutating func putColumns(_ transaction: inout WriteTransaction) throws {
    let block = Int(open.firstPosition >> 14)
    let columns = open.columns
    let payload = open.payload.encoded(count: columns.count)
    let ids = open.ids.encoded()
    let directory = BlockDirectory(
      columns: columns, tiles: open.tiles, paths: payload.paths, isComplete: payload.isComplete,
      hasIDs: ids != nil)
    try put(.directory, block, directory.encoded(), &transaction)
    try put(
      .subjects, block, ColumnCoding.encode(columns.subjects.map { Int64($0) }), &transaction)
    try put(.types, block, ColumnCoding.encode(columns.types.map { Int64($0) }), &transaction)
    try put(.occurred, block, ColumnCoding.encode(columns.occurred), &transaction)
    try put(
      .idHashes, block, ColumnCoding.encode(columns.idHashes.map { Int64(bitPattern: $0) }),
      &transaction)
    var names: [UInt8] = []
    names.appendLittle(UInt32(columns.newNames.count))
    for name in columns.newNames {
      names.append(UInt8(name.count))
      names += name
    }
    try put(.newNames, block, names, &transaction)
    if let ids { try put(.ids, block, ids, &transaction) }
    for (number, column) in payload.columns.enumerated() {
      try put(.payload(number), block, column, &transaction)
    }
  }

  private func put(
    _ column: ColumnNumber, _ block: Int, _ content: [UInt8],
    _ transaction: inout WriteTransaction
  ) throws {
    let key = column.key(block: block)
    var value = content
    Checksum.seal(&value, table: "col", key: key.span)
    try transaction.put(reader.columns, key.span, value.span, appending: true)
  }
}

/// Random salts, taken from the system in large pieces.
struct SaltSource {
  private var bytes: [UInt8] = []
  private var offset = 0

  mutating func next() -> [UInt8] {
    if offset + EventHeader.saltLength > bytes.count {
      bytes = Files.random(1 << 16)
      offset = 0
    }
    defer { offset += EventHeader.saltLength }
    return Array(bytes[offset..<offset + EventHeader.saltLength])
  }
}
