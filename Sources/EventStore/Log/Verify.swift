/// What ``Store/verify(progress:)`` found.
public struct VerifyReport: Sendable {
  public struct Problem: Sendable {
    /// Nil where it concerns no single event.
    public var position: UInt64?
    public var what: String
  }

  public var size: UInt64
  /// The root that the log claims, 32 bytes.
  public var root: [UInt8]
  public var problems: [Problem] = []
  public var isOK: Bool { problems.isEmpty }
}

extension Store {
  /// Reads every stored byte: checksums, positions without gaps, the root, columns against lines, subject chains.
  ///
  /// Damage is reported by position and reading goes on behind it.
  public func verify(progress: (Double) -> Void) throws(EventStoreError) -> VerifyReport {
    let state = try reader.state()
    var verification = Verification(
      reader: reader, state: state, sipHash: try reader.idHashKey(),
      report: VerifyReport(size: state.size, root: state.tree.root))
    verification.run(progress)
    return verification.report
  }
}

/// One walk over the log, block by block.
private struct Verification {
  let reader: LogReader
  let state: StateRecord
  let sipHash: SipHash
  var report: VerifyReport
  private var tree = MerkleTree()
  private var names = NameTable()
  /// By subject: position of the last event seen, and how many.
  private var last: [UInt64] = []
  private var sequences: [UInt32] = []
  private var recorded = Int64.min
  private var isWhole = true
  /// What the lines of the block at hand give to its payload columns.
  private var payload = PayloadColumnsBuilder()
  private var shredder = PayloadShredder()
  private let paths = PayloadPaths([])
  private var values: [PayloadValue]

  init(reader: LogReader, state: StateRecord, sipHash: SipHash, report: VerifyReport) {
    self.reader = reader
    self.state = state
    self.sipHash = sipHash
    self.report = report
    values = paths.makeValues()
  }

  private mutating func add(_ position: UInt64?, _ what: String) {
    // A damaged block names each of its events only so often.
    if report.problems.count < 10_000 {
      report.problems.append(VerifyReport.Problem(position: position, what: what))
    }
  }

  private mutating func add(_ error: any Error, _ position: UInt64) {
    isWhole = false
    if let fault = error as? ChunkFault {
      add(fault.position, fault.what)
    } else if let error = error as? EventStoreError {
      add(position, error.message)
    } else if let error = error as? LMDBError {
      add(position, "\(error.operation): \(error.text)")
    } else {
      add(position, "\(error)")
    }
  }

  mutating func run(_ progress: (Double) -> Void) {
    let blocks = Int((state.size + UInt64(BlockColumns.length) - 1) >> 14)
    for block in 0..<blocks {
      verify(block)
      progress(Double(block + 1) / Double(blocks))
    }
    if isWhole {
      if tree.size != state.size {
        add(nil, "\(tree.size) events are stored, the state record says \(state.size)")
      } else if tree != state.tree {
        add(nil, "the root over the events is not the one of the state record")
      }
      if names.count != Int(state.subjects) {
        add(nil, "\(names.count) names are stored, the state record says \(state.subjects)")
      }
    }
  }

  private mutating func verify(_ number: Int) {
    let first = UInt64(number) << 14
    var columns: BlockColumns?
    do {
      columns = try reader.block(number, size: state.size, withIDs: true)
      for name in try reader.newNames(block: number, size: state.size) { names.append(name) }
    } catch {
      add(error, first)
    }
    while last.count < names.count {
      last.append(UInt64.max)
      sequences.append(0)
    }
    let end = min(state.size, first + UInt64(BlockColumns.length))
    var next = first
    let before = tree
    payload = PayloadColumnsBuilder()
    while next < end {
      next = verifyChunk(at: next, end: end, columns)
    }
    verifyDirectory(number, first, end, before)
  }

  /// Checks one chunk; the position behind it, or behind what is missing.
  private mutating func verifyChunk(at position: UInt64, end: UInt64, _ columns: BlockColumns?)
    -> UInt64
  {
    var next = end
    var found = false
    let key = [UInt8].bigEndian(position)
    let reader = self.reader
    do {
      try reader.environment.read { transaction in
        try transaction.forEach(reader.events, from: key.span) { key, value in
          let stored = key.bigEndian
          next = min(stored, end)
          if stored != position { return false }
          found = true
          let chunk = try ChunkView(key: key, value: value)
          next = chunk.first + UInt64(chunk.count)
          verify(chunk, columns)
          return false
        }
      }
    } catch {
      add(error, position)
      // Where the chunk ends is not known; the next key says.
      next = nextKey(after: position, end: end)
      return next
    }
    if !found {
      isWhole = false
      add(position, "events \(position) to \(next - 1) are missing")
    }
    return next
  }

  private func nextKey(after position: UInt64, end: UInt64) -> UInt64 {
    let key = [UInt8].bigEndian(position + 1)
    var next = end
    do {
      try reader.environment.read { transaction in
        try transaction.forEach(reader.events, from: key.span) { key, _ in
          let stored = key.bigEndian
          next = min(stored, end)
          return false
        }
      }
    } catch {
      return end
    }
    return next
  }

  private mutating func verify(_ chunk: borrowing ChunkView, _ columns: BlockColumns?) {
    for index in 0..<chunk.count {
      let position = chunk.first + UInt64(index)
      tree.append(leafHash: LeafHashing.hash(chunk, index))
      if chunk.kind(index) == ChunkView.erased { continue }
      let header = chunk.header(index)
      if header.recorded < recorded { add(position, "`recorded` goes back") }
      recorded = max(recorded, header.recorded)
      guard let columns else { continue }
      let row = Int(position - columns.firstPosition)
      guard row < columns.count else {
        add(position, "the event has no row in the columns")
        continue
      }
      verify(
        chunk.bytes.extracting(chunk.lineRange(index)), position, header, row, columns)
    }
  }

  /// Holds the columns of one event against its line, and its place in the subject's chain.
  private mutating func verify(
    _ line: Span<UInt8>, _ position: UInt64, _ header: EventHeader, _ row: Int,
    _ columns: BlockColumns
  ) {
    var scanner = JSONScanner(line)
    do throws(JSONFault) {
      try scanner.checkDocument()
    } catch {
      add(position, "the line is not JSON: \(error.message)")
      return
    }
    payload.add(line, row: row, &shredder)
    paths.extract(line, into: &values)
    func text(_ value: PayloadValue) -> [UInt8]? {
      value.kind == .string ? value.text.decoded(in: line) : nil
    }
    guard let subject = text(paths.subject(values)), let type = text(paths.type(values)),
      let source = text(paths.source(values)), let id = text(paths.id(values)),
      let time = text(paths.time(values))
    else {
      add(position, "the line lacks an attribute")
      return
    }
    let number = columns.subjects[row]
    if Int(number) >= names.count || !names.isName(number, subject.span) {
      add(position, "the column of subjects names another one than the line")
    } else {
      verifyChain(number, position, header)
    }
    let typeNumber = Int(columns.types[row])
    if typeNumber >= state.types.count || state.types[typeNumber] != type {
      add(position, "the column of types names another one than the line")
    }
    if RFC3339.microseconds(time.span) != columns.occurred[row] {
      add(position, "the column of times says another one than the line")
    }
    var key: [UInt8] = []
    key.appendLittle(UInt32(source.count))
    key += source
    key += id
    if sipHash.hash(key.span) != columns.idHashes[row] {
      add(position, "the hash of source and id is another one than the line's")
    }
  }

  private mutating func verifyChain(_ subject: UInt32, _ position: UInt64, _ header: EventHeader) {
    let number = Int(subject)
    let previous = last[number] == UInt64.max ? nil : last[number]
    if isWhole && (header.previous != previous || header.sequence != sequences[number]) {
      add(position, "the subject's chain does not lead to its previous event")
    }
    last[number] = position
    sequences[number] = header.sequence + 1
  }

  /// Holds a full block's directory and payload columns against what its lines gave.
  private mutating func verifyDirectory(
    _ number: Int, _ first: UInt64, _ end: UInt64, _ before: MerkleTree
  ) {
    guard end - first == UInt64(BlockColumns.length), isWhole else { return }
    do {
      guard let bytes = try reader.column(.directory, block: number) else { return }
      guard let directory = BlockDirectory(bytes) else {
        add(first, "the directory of the block is malformed")
        return
      }
      var expected = before
      expected.appendSubtree(directory.root, leaves: UInt64(BlockColumns.length))
      if expected != tree { add(first, "the root of the block is not the one in its directory") }
      try verifyPayload(number, first, directory)
    } catch {
      add(error, first)
    }
  }

  private mutating func verifyPayload(
    _ number: Int, _ first: UInt64, _ directory: BlockDirectory
  ) throws {
    // A block without payload columns is read from its lines.
    if directory.paths.isEmpty && !directory.isComplete { return }
    let expected = payload.encoded(count: BlockColumns.length)
    if directory.paths != expected.paths || directory.isComplete != expected.isComplete {
      add(first, "the payload columns of the block have other paths than its lines")
      return
    }
    for (path, column) in expected.columns.enumerated()
    where try reader.column(.payload(path), block: number) != column {
      add(first, "payload column \(path) of the block says something else than its lines")
    }
  }
}
