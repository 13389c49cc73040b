/// What the check of one block found, and what the walk needs of it.
struct BlockFindings: Sendable {
  var block: BlockNumber
  var problems: [(position: UInt64, what: String)] = []
  /// All events of the block were there.
  var isWhole = true
  /// The roots that the block's leaves make: one over a full block, leaves of one that is not.
  var subtrees: [(root: [UInt8], leaves: UInt64)] = []
  var firstRecorded = Int64.max
  var lastRecorded = Int64.min
  var earliest = Int64.max
  var latest = Int64.min
  /// Events that were erased.
  var erased: UInt64 = 0
  /// Behind the highest number of a type.
  var types: UInt32 = 0
  var chains: [Chain] = []

  /// A subject's events in the block.
  struct Chain: Sendable {
    var subject: UInt32
    var first: UInt64
    /// Of the first one: its number and where its predecessor stands.
    var sequence: UInt32
    var previous: UInt64?
    var last: UInt64
    /// The number that the subject's next event has.
    var next: UInt32
  }

  mutating func add(_ position: UInt64, _ what: String) {
    // A damaged block names its events only so often.
    if problems.count < 1000 { problems.append((position, what)) }
  }
}

/// Checks blocks one by one; several threads may do so at once.
struct BlockVerifier: Sendable {
  let reader: LogReader
  let state: StateRecord
  let sipHash: SipHash
  let names: NameTable
  private let types: NameTable
  /// Where control records say that events were erased.
  private let erased: PositionRanges

  init(
    reader: LogReader, state: StateRecord, sipHash: SipHash, names: NameTable,
    erased: PositionRanges
  ) {
    self.reader = reader
    self.state = state
    self.sipHash = sipHash
    self.names = names
    self.erased = erased
    var types = NameTable()
    for type in state.types { types.append(type) }
    self.types = types
  }

  func verify(_ number: BlockNumber) -> BlockFindings {
    let first = number.first
    let end = min(state.size, number.end)
    var columns: BlockColumns?
    var walk = BlockWalk(
      number, first: first, sipHash: sipHash, names: names, types: types, erased: erased)
    var unread: (any Error)?
    do {
      columns = try reader.block(number, size: state.size, withIDs: true)
    } catch {
      walk.findings.isWhole = false
      if reader.isSealed(number) { walk.add(error, first) } else { unread = error }
    }
    let directory = end == number.end ? directory(number, &walk) : nil
    let next = visitChunks(from: first, end: end, columns, &walk)
    if next < end { walk.miss(next..<end) }
    // The open block's columns stand in its chunks: what is wrong with those says why it could not be read.
    if let unread, walk.findings.problems.isEmpty { walk.add(unread, first) }
    walk.finish()
    if let directory, walk.findings.isWhole {
      verifyDirectory(number, directory, columns ?? BlockColumns(number), &walk)
    }
    return walk.findings
  }

  /// Goes on behind damage; the position behind the last event found.
  private func visitChunks(
    from first: UInt64, end: UInt64, _ columns: BlockColumns?, _ walk: inout BlockWalk
  ) -> UInt64 {
    var next = first
    do {
      try reader.environment.read { transaction in
        try transaction.forEachEvenDamaged(reader.events, from: first, releasing: true) {
          stored, content, isIntact in
          if stored >= end { return false }
          if stored > next { walk.miss(next..<stored) }
          if stored < next { walk.add(ChunkFault(stored, "two chunks hold this position"), stored) }
          next = stored
          do {
            let chunk = try ChunkView(first: stored, content: content, isIntact: isIntact)
            walk.take(chunk, end: end, columns)
            next = min(end, stored + UInt64(chunk.count))
          } catch {
            // Where it ends the next one says.
            walk.lost = describe(error, stored).what
          }
          return next < end
        }
      }
    } catch {
      walk.add(error, next)
    }
    return next
  }

  /// A full block's directory as it is stored; nil where it is not there, which is noted.
  private func directory(
    _ number: BlockNumber, _ walk: inout BlockWalk
  ) -> (bytes: [UInt8], said: BlockDirectory)? {
    do {
      guard let bytes = try reader.column(.directory, block: number) else {
        walk.findings.add(number.first, "the directory of the block is missing")
        return nil
      }
      guard let said = BlockDirectory(bytes) else {
        walk.findings.add(number.first, "the directory of the block is malformed")
        return nil
      }
      walk.payload = try PayloadCheck(said, rows: BlockColumns.length) { path in
        guard let column = try reader.column(.payload(path), block: number) else {
          throw ChunkFault(number.first, "payload column \(path) of the block is missing")
        }
        guard let read = PayloadColumn(column), read.encoded() == column else {
          throw ChunkFault(number.first, "payload column \(path) of the block is malformed")
        }
        return read
      }
      return (bytes, said)
    } catch {
      let (position, what) = describe(error, number.first)
      walk.findings.add(position, what)
      return nil
    }
  }

  /// Holds a full block's directory and ids against what its lines gave.
  private func verifyDirectory(
    _ number: BlockNumber, _ directory: (bytes: [UInt8], said: BlockDirectory),
    _ columns: BlockColumns, _ walk: inout BlockWalk
  ) {
    let said = directory.said
    if said.tiles != walk.tiles || said.root != walk.findings.subtrees.first?.root {
      walk.findings.add(number.first, "the hashes of the block are not those in its directory")
    }
    let made = BlockDirectory(
      columns: columns, tiles: said.tiles, paths: said.paths, isComplete: said.isComplete,
      hasIDs: said.hasIDs)
    if made.root == said.root && made.encoded() != directory.bytes {
      walk.findings.add(
        number.first, "the directory of the block says something else than its columns")
    }
    do {
      try verifyIDs(number, said, &walk)
    } catch {
      walk.add(error, number.first)
    }
  }

  /// Holds a full block's ids against those of its lines; earlier versions kept none.
  private func verifyIDs(
    _ number: BlockNumber, _ directory: BlockDirectory, _ walk: inout BlockWalk
  ) throws {
    let stored = try reader.column(.ids, block: number)
    if stored == nil && directory.hasIDs != true { return }
    if directory.hasIDs != true || stored.map({ walk.ids.isEncoded(as: $0) }) != true {
      walk.findings.add(
        number.first, "the column of ids says something else than the block's lines")
    }
  }
}

/// One block's events in order.
private struct BlockWalk {
  private let first: UInt64
  private let sipHash: SipHash
  private let names: NameTable
  private let types: NameTable
  private let erased: PositionRanges
  var findings: BlockFindings
  /// Roots over 256 leaves each, of a full block.
  var tiles: [[UInt8]] = []
  /// The payload columns; nil where there are none to be held against the lines.
  var payload: PayloadCheck?
  var ids = IDColumnBuilder()
  /// What is wrong with the chunk at hand, whose parts cannot be told.
  var lost: String?
  private var hashes = LeafHashes()
  private var leaves: [LeafPlace] = []
  private var chains = ChainIndex()
  private var shredder = PayloadShredder(maximumPaths: Int(PayloadShredder.lost))
  private var cells: [PayloadShredder.Cell] = []
  private var key: [UInt8] = []

  init(
    _ number: BlockNumber, first: UInt64, sipHash: SipHash, names: NameTable, types: NameTable,
    erased: PositionRanges
  ) {
    self.erased = erased
    self.first = first
    self.sipHash = sipHash
    self.names = names
    self.types = types
    findings = BlockFindings(block: number)
  }

  mutating func add(_ error: any Error, _ position: UInt64) {
    findings.isWhole = false
    let (position, what) = describe(error, position)
    findings.add(position, what)
  }

  mutating func miss(_ positions: Range<UInt64>) {
    findings.isWhole = false
    let which =
      positions.count == 1
      ? "the event is" : "events \(positions.lowerBound) to \(positions.upperBound - 1) are"
    findings.add(
      positions.lowerBound, lost.map { "\(which) lost: \($0)" } ?? "\(which) missing")
    lost = nil
  }

  mutating func take(_ chunk: borrowing ChunkView, end: UInt64, _ columns: BlockColumns?) {
    let count = min(chunk.count, Int(end - chunk.first))
    var damaged: [Int] = []
    leaves.removeAll(keepingCapacity: true)
    for index in 0..<count {
      if chunk.holds(index) { leaves.append(chunk.leaf(index)) } else { damaged.append(index) }
    }
    noteDamage(chunk, damaged)
    let isWhole = damaged.isEmpty
    hashes.add(leaves, of: chunk.bytes)
    for index in 0..<count {
      let position = chunk.first + UInt64(index)
      if !isWhole && damaged.contains(index) { continue }
      let recorded = chunk.recorded(index)
      if recorded < findings.lastRecorded { findings.add(position, "`recorded` goes back") }
      findings.firstRecorded = min(findings.firstRecorded, recorded)
      findings.lastRecorded = max(findings.lastRecorded, recorded)
      let isErased = chunk.kind(index) == ChunkView.erased
      if isErased {
        ids.add(chunk.bytes.extracting(0..<0))
        findings.erased += 1
        if !erased.contains(position) {
          findings.add(position, "the event was erased, and no control record says so")
        }
        if !chunk.isBlank(index) {
          findings.add(position, "the event was erased, and its slot says something of it")
        }
      } else if erased.contains(position) {
        findings.add(position, "a control record says that the event was erased, and it is there")
      }
      guard let columns else { continue }
      let row = Int(position - columns.firstPosition)
      guard row < columns.count else {
        findings.add(position, "the event has no row in the columns")
        continue
      }
      if isErased {
        if !columns.isErased(row) || columns.types[row] != 0
          || columns.occurred[row] != BlockColumns.erasedOccurred
        {
          findings.add(position, "the event was erased, and the columns say something of it")
        }
        continue
      }
      if row + 8 < columns.count { names.prefetch(columns.subjects[row + 8]) }
      verify(chunk, index, position, row, columns)
    }
  }

  private mutating func noteDamage(_ chunk: borrowing ChunkView, _ damaged: [Int]) {
    if chunk.isIntact && damaged.isEmpty { return }
    findings.isWhole = false
    for index in damaged {
      findings.add(chunk.first + UInt64(index), "the event's checksum does not hold")
    }
    if damaged.isEmpty {
      findings.add(
        chunk.first, "the checksum of a chunk of \(chunk.count) events does not hold; theirs do")
    }
  }

  /// Holds the columns of one event against its line, and notes its place in the subject's chain.
  private mutating func verify(
    _ chunk: borrowing ChunkView, _ index: Int, _ position: UInt64, _ row: Int,
    _ columns: BlockColumns
  ) {
    let line = chunk.bytes.extracting(chunk.lineRange(index))
    cells.removeAll(keepingCapacity: true)
    let event: EventAttributes
    do throws(JSONFault) {
      guard let read = try shredder.read(line, into: &cells) else {
        return findings.add(position, "the line is no object")
      }
      event = read
    } catch {
      return findings.add(position, "the line is not JSON: \(error.message)")
    }
    let cells = cells
    payload?.check(cells.span, known: shredder.paths, row: row, line)
    let (subject, type) = (event.subject, event.type)
    let (source, id, time) = (event.source, event.id, event.time)
    id.withText(line) { ids.add($0) }
    guard
      subject.kind == .string, type.kind == .string, source.kind == .string, id.kind == .string,
      time.kind == .string
    else { return findings.add(position, "the line lacks an attribute") }
    let number = columns.subjects[row]
    let isNamed =
      Int(number) < names.count && subject.withText(line) { names.isName(number, $0) }
    if !isNamed {
      findings.add(position, "the column of subjects names another one than the line")
    } else if !chains.add(
      number, position, sequence: chunk.sequence(index), previous: chunk.previous(index),
      to: &findings.chains)
    {
      findings.add(position, "the subject's chain does not lead to its previous event")
    }
    findings.earliest = min(findings.earliest, columns.occurred[row])
    findings.latest = max(findings.latest, columns.occurred[row])
    let typeNumber = UInt32(columns.types[row])
    findings.types = max(findings.types, typeNumber + 1)
    if Int(typeNumber) >= types.count || !type.withText(line, { types.isName(typeNumber, $0) }) {
      findings.add(position, "the column of types names another one than the line")
    }
    if time.withText(line, { RFC3339.microseconds($0) }) != columns.occurred[row] {
      findings.add(position, "the column of times says another one than the line")
    }
    let hash = source.withText(line) { source in
      id.withText(line) { sipHash.hash(source: source, id: $0, in: &key) }
    }
    if hash != columns.idHashes[row] {
      findings.add(position, "the hash of source and id is another one than the line's")
    }
  }

  /// Hashes up to the block's root, and says what payload columns have that lines have not.
  mutating func finish() {
    if findings.isWhole { payload?.finish() }
    for difference in payload?.differences ?? [] {
      findings.add(
        first + UInt64(difference.row),
        difference.column.map {
          "payload column \($0) of the block says something else than its lines"
        } ?? "the payload columns of the block have other paths than its lines")
    }
    guard findings.isWhole else { return }
    if hashes.count == BlockColumns.length {
      hashes.reduce(levels: BlockDirectory.tileLeaves.trailingZeroBitCount)
      tiles = hashes.all
      hashes.reduce(levels: BlockDirectory.tileCount.trailingZeroBitCount)
      findings.subtrees = [(hashes.all[0], UInt64(BlockColumns.length))]
    } else {
      findings.subtrees = hashes.all.map { ($0, 1) }
    }
  }
}

/// The chains of a block's subjects.
private struct ChainIndex {
  /// Open addressing; number of the chain + 1, 0 for free. A block has at most 16,384 subjects.
  private var slots = [UInt16](repeating: 0, count: 1 << 15)

  /// Takes up an event; false where it does not follow its subject's one before.
  mutating func add(
    _ subject: UInt32, _ position: UInt64, sequence: UInt32, previous: UInt64?,
    to chains: inout [BlockFindings.Chain]
  ) -> Bool {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: (UInt64(subject) &* 0x9E37_79B9_7F4A_7C15) >> 40) & mask
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if chains[number].subject == subject {
        let isNext = previous == chains[number].last && sequence == chains[number].next
        chains[number].last = position
        chains[number].next = sequence &+ 1
        return isNext
      }
      slot = (slot + 1) & mask
    }
    chains.append(
      BlockFindings.Chain(
        subject: subject, first: position, sequence: sequence, previous: previous, last: position,
        next: sequence &+ 1))
    slots[slot] = UInt16(chains.count)
    return true
  }
}
