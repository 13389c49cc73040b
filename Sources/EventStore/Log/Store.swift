/// A store opened for reading.
///
/// ```
/// let store = try Store.open(at: "shop")
/// let snapshot = try store.snapshot()
/// print(snapshot.size)
/// ```
public final class Store: Sendable {
  /// The store's directory.
  public let path: String
  let reader: LogReader

  /// Of the stores that this version makes (docs/format.md).
  public static let formatNumber = StoreFiles.formatNumber

  init(path: String, reader: LogReader) {
    self.path = path
    self.reader = reader
  }

  /// - Throws: `.missing`, `.foreign`, `.truncated`, `.otherFormat`, and `.damaged` also where events are missing that were
  ///   acknowledged; meta pages, length and tree pages of the log's file are checked before LMDB looks at them.
  public static func open(at path: String) throws(EventStoreError) -> Store {
    try open(at: path) { directory throws(EventStoreError) in try LogReader.open(directory) }
  }

  /// As ``open(at:)``, also where acknowledged events are missing: ``verify(threads:progress:)`` says which.
  public static func openIncomplete(at path: String) throws(EventStoreError) -> Store {
    try openInForce(path) { directory throws(EventStoreError) in
      Store(path: path, reader: try LogReader.open(directory))
    }
  }

  static func open(
    at path: String, _ reader: (String) throws(EventStoreError) -> LogReader
  ) throws(EventStoreError) -> Store {
    try openInForce(path) { directory throws(EventStoreError) in
      let known = try HeadFile(path: StoreFiles(path: path).head).known()
      let reader = try reader(directory)
      try HeadFile.check(known, holds: try reader.state().size)
      return Store(path: path, reader: reader)
    }
  }

  /// Opens the generation of the log that is in force; the next one where an erasure took it away meanwhile.
  private static func openInForce(
    _ path: String, _ open: (String) throws(EventStoreError) -> Store
  ) throws(EventStoreError) -> Store {
    let files = StoreFiles(path: path)
    var directory = try files.generation()
    while true {
      do throws(EventStoreError) {
        return try open(directory)
      } catch {
        let other = try files.generation()
        if other == directory { throw error }
        directory = other
      }
    }
  }

  /// Where lines that imports did not take are kept, unless they went elsewhere; the file may be missing.
  public var rejectsPath: String { StoreFiles(path: path).rejects }

  /// The generation of the log that was opened is still in force: nothing was erased since.
  public func isInForce() throws(EventStoreError) -> Bool {
    try StoreFiles(path: path).generation() == reader.directory
  }

  /// What is wrong where it is not, for who would write what it read.
  static func purged(_ path: String) -> EventStoreError {
    EventStoreError(
      .busy, "events were erased from `\(path)` since it was opened here",
      help: "try again: what was read of it may hold what was erased")
  }

  /// 32 hexadecimal digits, given when the store was made; copies have the same.
  public func id() throws(EventStoreError) -> String { try StoreFiles(path: path).id() }

  /// The log as it is now; what is appended later does not show.
  public func snapshot() throws(EventStoreError) -> LogSnapshot {
    LogSnapshot(reader: reader, state: try reader.state())
  }

  /// Bytes of the log on disk.
  public var bytes: Int { Files.size("\(reader.directory)/data.mdb") }
}

/// A prefix of the log that does not change. May be read from several threads at once.
///
/// Events are never changed, so that each call is a short transaction of its own and no reader holds back free pages.
public struct LogSnapshot: Sendable {
  let reader: LogReader
  let state: StateRecord

  /// Number of events.
  public var size: UInt64 { state.size }
  /// Root of the RFC 6962 tree over all leaves, 32 bytes.
  public var root: [UInt8] { state.tree.root }
  /// Earliest `occurred`; nil without events, and where all were erased.
  public var earliestOccurred: Int64? { state.earliest == Int64.max ? nil : state.earliest }
  /// Latest `occurred`, also where its event was erased; nil without events.
  public var latestOccurred: Int64? { state.size == 0 ? nil : state.latest }
  /// When the last event was recorded; nil without events.
  public var latestRecorded: Int64? { state.size == 0 ? nil : state.recorded }
  /// How many numbers subjects have been given; those of the erased are not given again.
  public var subjectCount: Int { Int(state.subjects) }
  /// How many subjects the events name.
  public var namedSubjectCount: Int { Int(state.subjects) - Int(state.erasedSubjects) }
  /// How many events were erased.
  public var erasedCount: UInt64 { state.erased }
  /// Number of control records, and the root of the RFC 6962 tree over them.
  public var registerSize: UInt64 { state.control.size }
  /// Root of the RFC 6962 tree over the control records, 32 bytes.
  public var registerRoot: [UInt8] { state.control.root }
  /// Raw types by number.
  public var typeNames: [[UInt8]] { state.types }

  /// Name of the generation of the log.
  public var generation: String {
    reader.directory.split(separator: "/").last.map(String.init) ?? ""
  }

  /// Those that hold the snapshot's events.
  package var blocks: Range<BlockNumber> { BlockNumber.all(state.size) }

  /// Base columns of a block; the last one may be short.
  package func block(_ number: BlockNumber) throws(EventStoreError) -> BlockColumns {
    try reader.guarded("read columns") {
      let block = try reader.block(number, size: state.size, withIDs: false)
      try check(block)
      return block
    }
  }

  /// Numbers that name subjects and types which the log has; a row for each event of the snapshot.
  private func check(_ block: BlockColumns) throws(ChunkFault) {
    let rows = block.number.rows(of: state.size)
    guard block.count >= rows, block.count <= BlockColumns.length else {
      throw ChunkFault(block.firstPosition, "\(block.count) rows in the columns of \(rows) events")
    }
    guard block.names(below: state.subjects, rows: rows) else {
      throw ChunkFault(block.firstPosition, "the column of subjects names one that is not there")
    }
    guard Int(block.types[..<rows].max() ?? 0) < state.types.count else {
      throw ChunkFault(block.firstPosition, "the column of types names one that is not there")
    }
  }

  /// What payload columns a block has; nil where its lines have to be read.
  package func directory(ofBlock number: BlockNumber) throws(EventStoreError) -> BlockDirectory? {
    try reader.guarded("read columns") {
      guard let bytes = try reader.column(.directory, block: number) else { return nil }
      guard let directory = BlockDirectory(bytes) else {
        throw ChunkFault(number.first, "column 0 is malformed")
      }
      return directory.isComplete || !directory.paths.isEmpty ? directory : nil
    }
  }

  /// Latest `occurred` of a full block, maybe of events behind the snapshot; nil where it is not full.
  package func latestOccurred(ofFullBlock number: BlockNumber) throws(EventStoreError) -> Int64? {
    try reader.guarded("read columns") {
      let found = try reader.withColumn(.directory, block: number) {
        BlockDirectory.latest($0)
      }
      guard let found else { return nil }
      guard let latest = found else {
        throw ChunkFault(number.first, "column 0 is malformed")
      }
      return latest
    }
  }

  /// The payload column of path `path` of a block's directory.
  package func payloadColumn(
    _ path: Int, ofBlock number: BlockNumber
  ) throws(EventStoreError) -> PayloadColumn {
    try reader.guarded("read columns") {
      let column = ColumnNumber.payload(path)
      guard let bytes = try reader.column(column, block: number),
        let payload = PayloadColumn(bytes), payload.tags.count == BlockColumns.length
      else {
        throw ChunkFault(number.first, "column \(column.rawValue) is malformed")
      }
      return payload
    }
  }

  /// The ids of a full block's events; nil where its lines have to be read.
  package func ids(ofBlock number: BlockNumber) throws(EventStoreError) -> IDColumn? {
    try reader.guarded("read columns") {
      guard let bytes = try reader.column(.ids, block: number) else { return nil }
      guard let ids = IDColumn(bytes), ids.count == BlockColumns.length else {
        throw ChunkFault(
          number.first, "column \(ColumnNumber.ids.rawValue) is malformed")
      }
      return ids
    }
  }

  /// Names of all subjects by dense number, UTF-8.
  ///
  /// - Parameter threads: that read them, at least 1.
  /// - Throws: `.damaged` where one is missing.
  public func subjectNames(threads: Int = 1) throws(EventStoreError) -> NameTable {
    try reader.guarded("read names") {
      let (reader, size, count) = (reader, state.size, blocks.count)
      let workers = max(1, min(threads, count))
      let parts = try Parallel.run(workers) { worker in
        var names = NameTable()
        for block in count * worker / workers..<count * (worker + 1) / workers {
          try reader.forEachNewName(block: BlockNumber(block), size: size) { names.append($0) }
        }
        return names
      }
      var names = parts.reduce(into: NameTable()) { $0.append($1) }
      // The last block may have got more since.
      names.truncate(to: subjectCount)
      guard names.count == subjectCount else {
        throw ChunkFault(0, "\(names.count) names of \(subjectCount) subjects")
      }
      return names
    }
  }

  /// Gives each line of a range of positions to `body`, in order; erased events are left out.
  public func forEachLine(
    in positions: Range<UInt64>, _ body: (UInt64, Span<UInt8>) -> Void
  ) throws(EventStoreError) {
    let end = min(positions.upperBound, state.size)
    guard positions.lowerBound < end else { return }
    try reader.guarded("read events") {
      var expected = positions.lowerBound
      try reader.forEachChunk(from: positions.lowerBound, releasing: true) { chunk in
        guard chunk.first < end, expected < end else { return false }
        guard chunk.first <= expected, expected < chunk.first + UInt64(chunk.count) else {
          throw ChunkFault(expected, "a chunk is missing")
        }
        for index in Int(expected - chunk.first)..<chunk.count {
          let position = chunk.first + UInt64(index)
          expected = position + 1
          if position >= end { return false }
          if chunk.kind(index) != ChunkView.erased {
            body(position, chunk.bytes.extracting(chunk.lineRange(index)))
          }
        }
        return expected < end
      }
      guard expected >= end else { throw ChunkFault(expected, "a chunk is missing") }
    }
  }

  /// The line of one event; nil where it was erased or is not there.
  public func line(at position: UInt64) throws(EventStoreError) -> [UInt8]? {
    var line: [UInt8]?
    try forEachLine(in: position..<position + 1) { _, bytes in
      var copy: [UInt8] = []
      copy.append(bytes)
      line = copy
    }
    return line
  }

  /// The header of one event's leaf.
  public func header(at position: UInt64) throws(EventStoreError) -> EventHeader {
    try reader.guarded("read an event") {
      var header: EventHeader?
      try reader.forEachChunk(from: position) { chunk in
        guard chunk.first <= position, position < chunk.first + UInt64(chunk.count) else {
          return false
        }
        header = chunk.header(Int(position - chunk.first))
        return false
      }
      guard let header else { throw ChunkFault(position, "a chunk is missing") }
      return header
    }
  }

  /// Number of events that were recorded by an instant.
  public func size(knownAt instant: Int64) throws(EventStoreError) -> UInt64 {
    var low: UInt64 = 0
    var high = state.size
    while low < high {
      let middle = low + (high - low) / 2
      if try header(at: middle).recorded <= instant { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Latest `occurred` among the first events; nil for none.
  public func latestOccurred(inFirst size: UInt64) throws(EventStoreError) -> Int64? {
    if size >= state.size { return latestOccurred }
    var latest: Int64?
    for number in blocks {
      let block = try block(number)
      guard block.firstPosition < size else { break }
      let rows = min(block.count, number.rows(of: size))
      for row in 0..<rows where !block.isErased(row) {
        latest = max(latest ?? block.occurred[row], block.occurred[row])
      }
    }
    return latest
  }

  /// The root over the first events.
  public func root(ofFirst size: UInt64) throws(EventStoreError) -> [UInt8] {
    if size >= state.size { return root }
    if size == 0 { return MerkleTree().root }
    return try reader.guarded("hash events") { try LeafRanges(reader).root(0..<size) }
  }

  /// The root over the first control records.
  public func registerRoot(ofFirst size: UInt64) throws(EventStoreError) -> [UInt8] {
    var tree = MerkleTree()
    for record in try register().records.prefix(Int(clamping: size)) {
      tree.append(leafHash: record.leafHash)
    }
    return tree.root
  }

  /// All control records.
  ///
  /// - Parameter first: those from a number on alone.
  public func register(from first: UInt64 = 0) throws(EventStoreError) -> Register {
    try reader.guarded("read the register") {
      try reader.register(count: state.control.size, from: first)
    }
  }
}
