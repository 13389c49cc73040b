/// The one writer of a store. One thread at a time.
///
/// ```
/// let writer = try LogWriter.open(at: "shop", creating: true, waitSeconds: 10)
/// let outcomes = try writer.append(batch)   // durable when it returns
/// ```
public final class LogWriter {
  public let path: String
  private let files: StoreFiles
  private let reader: LogReader
  private let lock: Files.Lock
  private let clock: () -> Int64
  private let sipHash: SipHash
  private var state: StateRecord
  private var index: IDTable
  private var subjects: SubjectTable
  private var open: OpenBlock
  private var typeNumbers: [[UInt8]: UInt16] = [:]
  private var salts = SaltSource()
  private var commits = 0
  private var lastChunk: StoredChunk?
  /// An append is under way or failed: what stands in memory is not what stands in the log.
  private var isBroken = false

  /// Opens a store for appending, and makes it where `creating` says so.
  ///
  /// - Parameter waitSeconds: how long to wait for another writer.
  /// - Throws: `.busy` naming the holder, or what ``Store/open(at:)`` throws.
  public static func open(
    at path: String, creating: Bool, waitSeconds: Double, command: String = "",
    clock: @escaping () -> Int64 = { Files.now() }
  ) throws(EventStoreError) -> LogWriter {
    let files = StoreFiles(path: path)
    if creating && (!Files.exists(path) || (Files.isDirectory(path) && Files.list(path).isEmpty)) {
      try files.create()
    }
    _ = try files.generation()
    let lock = try takeLock(files, waitSeconds)
    lock.describe(
      "pid \(Files.processID()) on \(Files.hostName()), since \(RFC3339.text(Files.now())): \(command)\n"
    )
    return try LogWriter(files, lock: lock, clock: clock)
  }

  /// Who writes to a store, as it said itself.
  static func holder(of path: String) -> String {
    do throws(LMDBError) {
      let text = String(decoding: try Files.read(StoreFiles(path: path).lock), as: UTF8.self)
      return text.split(separator: "\n").first.map(String.init) ?? "another process"
    } catch {
      return "another process"
    }
  }

  private static func takeLock(
    _ files: StoreFiles, _ waitSeconds: Double
  ) throws(EventStoreError) -> Files.Lock {
    let deadline = Files.monotonicSeconds() + waitSeconds
    while true {
      do throws(LMDBError) {
        if let lock = try Files.lock(files.lock) { return lock }
      } catch {
        throw EventStoreError(error, "lock the store `\(files.path)`", path: files.path)
      }
      if Files.monotonicSeconds() >= deadline {
        throw EventStoreError(
          .busy, "the store `\(files.path)` is being written by \(holder(of: files.path))",
          help: "try again, or wait longer with --wait")
      }
      Files.sleep(milliseconds: 50)
    }
  }

  private init(
    _ files: StoreFiles, lock: Files.Lock, clock: @escaping () -> Int64
  ) throws(EventStoreError) {
    path = files.path
    self.files = files
    self.lock = lock
    self.clock = clock
    let known = try HeadFile(path: files.head).known()
    reader = try LogReader.open(
      try files.generation(), mode: .writing, replacing: ["meta", "ev"])
    state = try reader.state()
    try HeadFile.check(known, holds: state.size)
    sipHash = try reader.idHashKey()
    index = IDTable(capacity: Int(state.size))
    subjects = SubjectTable()
    open = OpenBlock(firstPosition: state.size & ~UInt64(BlockColumns.length - 1))
    try loadIndexes()
  }

  /// Reads the columns once: names, ids, and where each subject's chain ends.
  private func loadIndexes() throws(EventStoreError) {
    let state = self.state
    for (number, type) in state.types.enumerated() { typeNumbers[type] = UInt16(number) }
    try reader.guarded("read the log") {
      let blocks = Int((state.size + UInt64(BlockColumns.length) - 1) >> 14)
      for number in 0..<blocks { try loadIndexes(block: number) }
      guard subjects.count == Int(state.subjects) else {
        throw ChunkFault(0, "\(subjects.count) names of \(state.subjects) subjects")
      }
      try loadOpenBlock()
    }
  }

  private func loadIndexes(block number: Int) throws {
    let names = try reader.newNames(block: number, size: state.size)
    for name in names { _ = subjects.insert(name.span) }
    let block = try reader.indexColumns(block: number, size: state.size)
    let rows = Int(min(state.size - block.firstPosition, UInt64(BlockColumns.length)))
    guard block.subjects.count >= rows, block.idHashes.count >= rows else {
      throw ChunkFault(
        block.firstPosition, "\(block.subjects.count) rows in the columns of \(rows) events")
    }
    index.insert(block.idHashes.span.extracting(0..<rows), from: block.firstPosition)
    for row in 0..<rows {
      guard Int(block.subjects[row]) < subjects.count else {
        throw ChunkFault(
          block.firstPosition, "the column of subjects names one that is not there")
      }
      subjects.advance(block.subjects[row], to: block.firstPosition + UInt64(row))
    }
  }

  private func loadOpenBlock() throws {
    let first = open.firstPosition
    guard state.size > first else { return }
    let block = try reader.block(Int(first >> 14), size: state.size, withIDs: true)
    let names = block.newNames
    open.columns.append(block, rows: block.count)
    open.columns.newNames = names
    try reader.forEachChunk(from: first) { chunk in
      guard chunk.first < state.size else { return false }
      open.chunkKeys.append(chunk.first)
      for index in 0..<chunk.count { try open.add(chunk, index) }
      return true
    }
  }

  public var size: UInt64 { state.size }
  public var root: [UInt8] { state.tree.root }

  // MARK: Appending

  /// Appends what is new of a batch, in one durable commit; an outcome for each event.
  ///
  /// - Parameter sameValue: JSON equality of two lines.
  /// - Throws: `.diskFull`, `.io`; then nothing of the batch was appended, except where the last flush failed: what the log
  ///   holds is read again at the next append.
  public func append(
    _ batch: EventBatch,
    sameValue: (Span<UInt8>, Span<UInt8>) -> Bool = { JSONEquality.sameValue($0, $1) }
  ) throws(EventStoreError) -> [AppendOutcome] {
    try recover()
    isBroken = true
    var outcomes: [AppendOutcome] = []
    outcomes.reserveCapacity(batch.count)
    var pending: [Pending] = []
    let bytes = batch.bytes.span
    for number in batch.entries.indices {
      let entry = batch.entries[number]
      let hash = idHash(entry, bytes)
      let outcome = try place(number, entry, hash, batch, pending, sameValue)
      outcomes.append(outcome)
      if case .appended(let position) = outcome {
        index.insert(hash, position: position)
        pending.append(Pending(entry: number, idHash: hash))
      }
    }
    if !pending.isEmpty { try commit(pending, batch) }
    isBroken = false
    return outcomes
  }

  /// Appends groups of a batch's events, each as a whole and if its condition holds, in one durable commit.
  ///
  /// A group of which the log has all events is a duplicate, and its condition is not asked.
  func append(
    _ batch: EventBatch, groups: [AppendGroup]
  ) throws(EventStoreError) -> [Result<[AppendOutcome], AppendError>] {
    try recover()
    isBroken = true
    var results: [Result<[AppendOutcome], AppendError>] = []
    var pending: [Pending] = []
    for group in groups {
      do {
        results.append(.success(try add(group, batch, &pending)))
      } catch let error as AppendError {
        results.append(.failure(error))
      } catch let error as EventStoreError {
        throw error
      } catch {
        throw EventStoreError(.io, "cannot append: \(error)")
      }
    }
    if !pending.isEmpty { try commit(pending, batch) }
    isBroken = false
    return results
  }

  private func add(
    _ group: AppendGroup, _ batch: EventBatch, _ pending: inout [Pending]
  ) throws -> [AppendOutcome] {
    // Looked at first, so that a group that cannot be taken leaves no trace.
    let bytes = batch.bytes.span
    var isNew = false
    var hashes: [UInt64] = []
    for number in group.entries {
      let hash = idHash(batch.entries[number], bytes)
      hashes.append(hash)
      switch try place(
        number, batch.entries[number], hash, batch, pending, JSONEquality.sameValue)
      {
      case .appended: isNew = true
      case .duplicate: break
      case .conflict(let position): throw AppendError.otherEvent(at: position)
      case .erased(let position): throw AppendError.erased(at: position)
      }
    }
    if isNew {
      try check(group.condition, batch, pending)
      try checkWithin(group, hashes, batch, pending)
    }
    var outcomes: [AppendOutcome] = []
    for (number, hash) in zip(group.entries, hashes) {
      let outcome = try place(
        number, batch.entries[number], hash, batch, pending, JSONEquality.sameValue)
      outcomes.append(outcome)
      if case .appended(let position) = outcome {
        index.insert(hash, position: position)
        pending.append(Pending(entry: number, idHash: hash))
      }
    }
    return outcomes
  }

  /// The same id twice in one group has to be the same event.
  private func checkWithin(
    _ group: AppendGroup, _ hashes: [UInt64], _ batch: EventBatch, _ pending: [Pending]
  ) throws(AppendError) {
    if hashes.count < 2 || Set(hashes).count == hashes.count { return }
    let bytes = batch.bytes.span
    for (later, hash) in zip(group.entries, hashes) {
      for (earlier, other) in zip(group.entries, hashes) where earlier < later && other == hash {
        let (left, right) = (batch.entries[earlier], batch.entries[later])
        let isSameID =
          bytes.extracting(left.source).isEqual(to: bytes.extracting(right.source))
          && bytes.extracting(left.id).isEqual(to: bytes.extracting(right.id))
        let isSame = JSONEquality.sameValue(
          bytes.extracting(left.line), bytes.extracting(right.line))
        if isSameID && !isSame {
          let position = state.size + UInt64(pending.count + earlier - group.entries.lowerBound)
          throw .otherEvent(at: position)
        }
      }
    }
  }

  private func check(
    _ condition: AppendCondition, _ batch: EventBatch, _ pending: [Pending]
  ) throws(AppendError) {
    let actual: UInt64
    switch condition {
    case .always: return
    case .logHas(let events):
      actual = state.size + UInt64(pending.count)
      if actual == events { return }
    case .subjectHas(let events, let subject):
      let name = Array(subject.utf8)
      let bytes = batch.bytes.span
      var count = UInt64(subjects.count(of: name.span))
      for event in pending
      where bytes.extracting(batch.entries[event.entry].subject).isEqual(to: name.span) {
        count += 1
      }
      actual = count
      if actual == UInt64(events) { return }
    }
    throw .conflict(condition, actual: actual)
  }

  /// After a commit that failed, what stands in memory is read from the log again: it holds all of the commit or nothing.
  private func recover() throws(EventStoreError) {
    guard isBroken else { return }
    state = try reader.state()
    index = IDTable(capacity: Int(state.size))
    subjects = SubjectTable()
    open = OpenBlock(firstPosition: state.size & ~UInt64(BlockColumns.length - 1))
    typeNumbers = [:]
    salts = SaltSource()
    lastChunk = nil
    try loadIndexes()
    isBroken = false
  }

  private struct Pending {
    var entry: Int
    var idHash: UInt64
  }

  private func idHash(_ entry: EventBatch.Entry, _ bytes: Span<UInt8>) -> UInt64 {
    var key: [UInt8] = []
    key.appendLittle(UInt32(entry.source.count))
    key.append(bytes.extracting(entry.source))
    key.append(bytes.extracting(entry.id))
    return sipHash.hash(key.span)
  }

  /// Whether an event is new, or what it repeats.
  private func place(
    _ number: Int, _ entry: EventBatch.Entry, _ hash: UInt64, _ batch: EventBatch,
    _ pending: [Pending], _ sameValue: (Span<UInt8>, Span<UInt8>) -> Bool
  ) throws(EventStoreError) -> AppendOutcome {
    let bytes = batch.bytes.span
    let line = bytes.extracting(entry.line)
    var cursor = index.cursor(hash)
    while let position = index.next(&cursor) {
      if position >= state.size {
        let other = batch.entries[pending[Int(position - state.size)].entry]
        guard bytes.extracting(entry.source).isEqual(to: bytes.extracting(other.source)),
          bytes.extracting(entry.id).isEqual(to: bytes.extracting(other.id))
        else { continue }
        return sameValue(line, bytes.extracting(other.line))
          ? .duplicate(of: position) : .conflict(with: position)
      }
      let stored = try storedEvent(position)
      if stored.isErased { return .erased(position: position) }
      let storedLine = stored.line.span
      if line.isEqual(to: storedLine) { return .duplicate(of: position) }
      guard
        let ids = EventIdentity(storedLine),
        bytes.extracting(entry.source).isEqual(to: ids.source.span),
        bytes.extracting(entry.id).isEqual(to: ids.id.span)
      else { continue }
      return sameValue(line, storedLine) ? .duplicate(of: position) : .conflict(with: position)
    }
    return .appended(position: state.size + UInt64(pending.count))
  }

  /// The last chunk that was looked into: an import of known events asks for one line after the other.
  private struct StoredChunk {
    var first: UInt64
    var kinds: [UInt8]
    var lines: [UInt8]
    var ends: [Int]

    init(_ chunk: borrowing ChunkView) {
      first = chunk.first
      kinds = []
      lines = []
      ends = []
      for index in 0..<chunk.count {
        kinds.append(chunk.kind(index))
        lines.append(chunk.bytes.extracting(chunk.lineRange(index)))
        ends.append(lines.count)
      }
    }

    func contains(_ position: UInt64) -> Bool {
      position >= first && position < first + UInt64(kinds.count)
    }
  }

  private func storedEvent(
    _ position: UInt64
  ) throws(EventStoreError) -> (line: ArraySlice<UInt8>, isErased: Bool) {
    if lastChunk?.contains(position) != true {
      try reader.guarded("read an event") {
        try reader.forEachChunk(from: position) { chunk in
          lastChunk = StoredChunk(chunk)
          return false
        }
      }
    }
    guard let chunk = lastChunk, chunk.contains(position) else {
      throw EventStoreError(.damaged, "the event at position \(position) is missing")
    }
    let index = Int(position - chunk.first)
    let line = chunk.lines[(index == 0 ? 0 : chunk.ends[index - 1])..<chunk.ends[index]]
    return (line, chunk.kinds[index] == ChunkView.erased)
  }

  // MARK: Committing

  private func commit(_ pending: [Pending], _ batch: EventBatch) throws(EventStoreError) {
    lastChunk = nil
    var next = state
    next.recorded = max(clock(), state.recorded)
    let reader = self.reader
    try reader.guarded("append to the store `\(path)`") {
      try reader.environment.write { transaction in
        // Control records may have been appended by another process; events may not.
        let current = try reader.state(in: transaction)
        guard current.tree == state.tree else {
          throw EventStoreError(
            .busy, "another process has appended to `\(path)`", help: "open the store again")
        }
        next.control = current.control
        // Moved, not copied: after a failed commit they are read again anyway.
        var appender = Appender(
          reader: reader, state: next, open: open, salts: salts)
        open = OpenBlock(firstPosition: 0)
        salts = SaltSource()
        for event in pending {
          try appender.add(
            batch, event.entry, idHash: event.idHash,
            type: try typeNumber(batch.entries[event.entry], batch.bytes.span, &appender.state),
            &subjects, &transaction)
        }
        try appender.finish(&transaction)
        next = appender.state
        open = appender.open
        salts = appender.salts
      }
    }
    state = next
    commits += 1
    HeadFile(path: files.head).write(size: state.size, root: state.tree.root, commit: commits)
  }

  private func typeNumber(
    _ entry: EventBatch.Entry, _ bytes: Span<UInt8>, _ state: inout StateRecord
  ) throws(EventStoreError) -> UInt16 {
    var name: [UInt8] = []
    name.append(bytes.extracting(entry.type))
    if let number = typeNumbers[name] { return number }
    guard state.types.count < Int(UInt16.max) else {
      throw EventStoreError(
        .limit, "a store holds at most 65,535 different event types",
        help: "put what varies into the payload, not into the type")
    }
    let number = UInt16(state.types.count)
    state.types.append(name)
    typeNumbers[name] = number
    return number
  }
}

/// The decoded `source` and `id` of a stored line.
struct EventIdentity {
  /// The decoded `subject` of a line; nil where it has none.
  static func subject(of line: Span<UInt8>) -> [UInt8]? {
    var values = paths.makeValues()
    paths.extract(line, into: &values)
    let subject = paths.subject(values)
    return subject.kind == .string ? subject.text.decoded(in: line) : nil
  }

  var source: [UInt8] = []
  var id: [UInt8] = []

  private static let paths = PayloadPaths([])

  init?(_ line: Span<UInt8>) {
    var values = Self.paths.makeValues()
    Self.paths.extract(line, into: &values)
    let source = Self.paths.source(values)
    let id = Self.paths.id(values)
    guard source.kind == .string, id.kind == .string else { return nil }
    self.source = source.text.decoded(in: line)
    self.id = id.text.decoded(in: line)
  }
}
