/// A block that is being built; what it becomes depends on its rows and their salts alone.
struct OpenBlock: Sendable {
  let number: BlockNumber
  private var columns: BlockColumns
  /// Names that are new in the block: length u8 · bytes, one after the other.
  private var names: [UInt8] = []
  private var nameCount: UInt32 = 0
  private var payload = PayloadColumnsBuilder()
  private var ids = IDColumnBuilder()
  private var leaves = LeafHashes()
  /// Rows before this one have no leaf hash here, no payload and no id, as long as the block is not filled: what they were
  /// taken from is read when it is (``isShort``).
  private var firstLeaf = 0
  private var shredder = PayloadShredder()
  /// Keys of the chunks that hold it so far.
  var chunkKeys: [UInt64] = []

  init(_ number: BlockNumber) {
    self.number = number
    columns = BlockColumns(number)
  }

  var count: Int { columns.count }

  // MARK: Rows

  /// Rows have been taken up by their columns alone.
  var isShort: Bool { firstLeaf > 0 }

  /// Begins to take up the lines of all rows, ``take(_:_:)``.
  mutating func beginLines() {
    firstLeaf = 0
    leaves = LeafHashes()
  }

  /// Takes up the columns of what the log holds already; the lines may come later.
  mutating func take(_ stored: BlockColumns) {
    firstLeaf = stored.count
    columns.append(stored, rows: stored.count)
    for name in columns.newNames {
      names.append(UInt8(truncatingIfNeeded: name.count))
      names += name
    }
    nameCount = UInt32(columns.newNames.count)
    columns.newNames = []
  }

  /// Takes up an event that the log holds already; its row stands in the columns.
  mutating func take(_ chunk: borrowing ChunkView, _ index: Int) throws(ChunkFault) {
    leaves.add([chunk.leaf(index)], of: chunk.bytes)
    let line = chunk.bytes.extracting(chunk.lineRange(index))
    if chunk.kind(index) == ChunkView.erased { return ids.add(line.extracting(0..<0)) }
    let row = Int(chunk.first - number.first) + index
    PayloadPaths.id(of: line).withText(line) { ids.add($0) }
    do throws(JSONFault) {
      try payload.add(line, row: row, &shredder)
    } catch {
      throw ChunkFault(chunk.first + UInt64(index), "the line is not JSON: \(error.message)")
    }
  }

  /// A chunk with what it needs to stand in a block that is not full.
  struct Draft: Sendable {
    var chunk: ChunkDraft
    var rows: Range<Int>
    /// Its share of the block's new names.
    fileprivate var names: Range<Int>
    fileprivate var nameCount: UInt32
  }

  /// Adds events behind those that there are, in chunks.
  mutating func add(_ part: BlockPart, _ salts: inout SaltSource) -> [Draft] {
    reserve(part.rows.count)
    return ChunkLayout.split(part.rows.count) { Int(part.rows[$0].lineLength) }.map { rows in
      add(rows, of: part, &salts)
    }
  }

  private mutating func reserve(_ rows: Int) {
    columns.subjects.reserveCapacity(count + rows)
    columns.types.reserveCapacity(count + rows)
    columns.occurred.reserveCapacity(count + rows)
    columns.idHashes.reserveCapacity(count + rows)
  }

  private mutating func add(
    _ rows: Range<Int>, of part: BlockPart, _ salts: inout SaltSource
  ) -> Draft {
    let start = count
    let namesStart = names.count
    let namesBefore = nameCount
    let lineBytes = rows.reduce(0) { $0 + Int(part.rows[$1].lineLength) }
    var chunk = ChunkDraft(
      first: part.first + UInt64(rows.lowerBound), count: rows.count, lineBytes: lineBytes)
    part.forEachRun(in: rows) { run, batch in
      var columnOfPath: [Int] = []
      let bytes = batch.bytes.span
      let paths = batch.records.paths
      for number in run {
        let row = part.rows[number]
        let entry = batch.entries[Int(row.entry)]
        let line = bytes.extracting(entry.line)
        salts.withNext { salt in
          chunk.add(
            sequence: row.sequence, recorded: part.recorded, previous: row.previous, salt: salt,
            line: line)
        }
        if !isShort {
          payload.add(
            batch.records.cells.span.extracting(batch.records.cells(of: Int(row.entry))),
            paths: paths, columnOfPath: &columnOfPath, row: count, line)
          ids.add(bytes.extracting(entry.id))
        }
        if row.isFirst {
          names.append(UInt8(truncatingIfNeeded: entry.subject.count))
          names.append(bytes.extracting(entry.subject))
          nameCount += 1
        }
        columns.subjects.append(row.subject)
        columns.types.append(row.type)
        columns.occurred.append(entry.occurred)
        columns.idHashes.append(row.idHash)
      }
    }
    chunk.addLeaves(to: &leaves)
    checkInvariants()
    return Draft(
      chunk: chunk, rows: start..<count, names: namesStart..<names.count,
      nameCount: nameCount - namesBefore)
  }

  /// In debug builds: a row in each column for each event, a leaf for each from ``firstLeaf`` on, chunks of this block in order.
  private func checkInvariants() {
    #if DEBUG
      let counts = [columns.types.count, columns.occurred.count, columns.idHashes.count]
      assert(counts.allSatisfy { $0 == count }, "an event has a row in each column")
      assert(leaves.count + firstLeaf == count, "an event has a leaf")
      assert(count <= BlockColumns.length, "a block has so many events")
      assert(chunkKeys.allSatisfy { BlockNumber(of: $0) == number }, "its chunks are the block's")
      assert(zip(chunkKeys, chunkKeys.dropFirst()).allSatisfy { $0 < $1 }, "chunks are in order")
    #endif
  }

  // MARK: What it becomes

  /// Earliest and latest `occurred` of rows from one on.
  func times(from row: Int) -> (earliest: Int64, latest: Int64)? { columns.times(from: row) }

  func leafHashes(from row: Int) -> [[UInt8]] { leaves.hashes(from: row - firstLeaf) }

  /// A chunk with its columns.
  func sealed(_ draft: Draft) -> SealedValue<UInt64> {
    var bytes = columns.chunkRows(draft.rows)
    bytes.appendLittle(draft.nameCount)
    bytes += names[draft.names]
    return draft.chunk.sealed(columns: bytes)
  }

  /// The columns of a full block, with its root.
  func sealedColumns() -> (columns: [SealedValue<ColumnKey>], root: [UInt8]) {
    var hashes = leaves
    hashes.reduce(levels: BlockDirectory.tileLeaves.trailingZeroBitCount)
    let payload = payload.encoded(count: count)
    let ids = ids.encoded()
    let directory = BlockDirectory(
      columns: columns, tiles: hashes.all, paths: payload.paths, isComplete: payload.isComplete,
      hasIDs: ids != nil)
    var values: [SealedValue<ColumnKey>] = []
    func add(_ column: ColumnNumber, _ content: [UInt8]) {
      values.append(LogTables.columns.sealed(ColumnKey(column, block: number), content))
    }
    add(.directory, directory.encoded())
    add(.subjects, ColumnCoding.encode(columns.subjects))
    add(.types, ColumnCoding.encode(columns.types))
    add(.occurred, ColumnCoding.encode(columns.occurred))
    add(.idHashes, ColumnCoding.encode(columns.idHashes))
    var named: [UInt8] = []
    named.appendLittle(nameCount)
    add(.newNames, named + names)
    if let ids { add(.ids, ids) }
    for (number, column) in payload.columns.enumerated() { add(.payload(number), column) }
    return (values, directory.root)
  }
}

/// A full block as it is stored.
struct BuiltBlock: Sendable {
  var chunks: [SealedValue<UInt64>]
  var columns: [SealedValue<ColumnKey>]
  var root: [UInt8]
  var earliest: Int64
  var latest: Int64

  /// Of a part that is a whole block; on any thread.
  init(_ part: BlockPart, _ salts: inout SaltSource) {
    precondition(part.isWholeBlock, "the part is a whole block")
    var block = OpenBlock(BlockNumber(of: part.first))
    chunks = block.add(part, &salts).map { $0.chunk.sealed() }
    (columns, root) = block.sealedColumns()
    let times = block.times(from: 0)
    earliest = times?.earliest ?? Int64.max
    latest = times?.latest ?? Int64.min
  }
}
