/// The one writer of a store. One thread at a time.
///
/// ```
/// let writer = try LogWriter.open(at: "shop", creating: true, waitSeconds: 10)
/// let outcomes = try writer.append(batch)   // durable when it returns
/// ```
package final class LogWriter {
  package let path: String
  private let lock: Files.Lock
  private let reader: LogReader
  let sipHash: SipHash
  private let clock: () -> Int64
  private let files: StoreFiles
  private let committer: Committer
  private var placer: Placer
  private let upkeep: RunUpkeep
  /// How many events the index on disk covers.
  private var indexEnd: UInt64 = 0
  /// The index on disk is of no use, or could not be written.
  private var isIndexDamaged = false
  private var isIndexGivenUp = false
  /// What was met that needs no answer, a line each.
  package private(set) var notices: [String] = []
  /// An append is under way or failed: what stands in memory is not what stands in the log.
  private var isBroken = false

  /// Opens a store for appending, and makes it where `creating` says so.
  ///
  /// - Parameters:
  ///   - waitSeconds: how long to wait for another writer.
  ///   - expectedBytes: of lines that will be appended, about: for many of them the log's ids and subjects are read into memory.
  /// - Throws: `.busy` naming the holder, or what ``Store/open(at:)`` throws.
  package static func open(
    at path: String, creating: Bool, waitSeconds: Double, command: String = "",
    expectedBytes: Int = 0, clock: @escaping () -> Int64 = { Files.now() }
  ) throws(EventStoreError) -> LogWriter {
    try open(
      at: path, creating: creating, waitSeconds: waitSeconds, command: command,
      expectedBytes: expectedBytes, limits: RunLimits(), clock: clock)
  }

  /// - Parameter limits: of the index.
  static func open(
    at path: String, creating: Bool, waitSeconds: Double, command: String = "",
    expectedBytes: Int = 0, limits: RunLimits, clock: @escaping () -> Int64 = { Files.now() }
  ) throws(EventStoreError) -> LogWriter {
    let files = StoreFiles(path: path)
    if creating && (!Files.exists(path) || (Files.isDirectory(path) && Files.list(path).isEmpty)) {
      try files.create()
    }
    let lock = try takeLock(files, waitSeconds, command: command)
    return try LogWriter(files, lock, expectedBytes, limits, clock: clock)
  }

  /// Who writes to a store, as it said itself.
  static func holder(of path: String) -> String {
    do throws(SystemError) {
      let text = String(decoding: try Files.read(StoreFiles(path: path).lock), as: UTF8.self)
      return text.split(separator: "\n").first.map(String.init) ?? "another process"
    } catch {
      return "another process"
    }
  }

  /// Takes the store's lock, and removes what a killed erasure left.
  static func takeLock(
    _ files: StoreFiles, _ waitSeconds: Double, command: String
  ) throws(EventStoreError) -> Files.Lock {
    _ = try files.generation()
    let lock = try waitForLock(files, waitSeconds)
    lock.describe(
      "pid \(Files.processID()) on \(Files.hostName()), since \(RFC3339.text(Files.now())): \(command)\n"
    )
    try files.removeStaleGenerations()
    return lock
  }

  private static func waitForLock(
    _ files: StoreFiles, _ waitSeconds: Double
  ) throws(EventStoreError) -> Files.Lock {
    let deadline = Files.monotonicSeconds() + waitSeconds
    while true {
      do throws(SystemError) {
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
    _ files: StoreFiles, _ lock: Files.Lock, _ expectedBytes: Int, _ limits: RunLimits,
    clock: @escaping () -> Int64
  ) throws(EventStoreError) {
    path = files.path
    self.files = files
    self.lock = lock
    self.clock = clock
    let known = try HeadFile(path: files.head).known()
    let environment = try LogReader.openWritable(
      try files.generation(),
      replacing: [
        LogTables.meta.replaced(),
        // Chunks of the block that is not full are packed anew; it is the one of `head`, or a later one.
        LogTables.events.replaced(from: BlockNumber(of: known ?? 0).first),
      ])
    reader = LogReader(environment)
    let state = try reader.state()
    try HeadFile.check(known, holds: state.size)
    sipHash = try reader.idHashKey()
    upkeep = RunUpkeep(files: files, reader: reader, sipHash: sipHash, limits: limits)
    var index: RunIndex?
    do throws(RunIndex.Fault) {
      index = try RunIndex.open(files, reader, size: state.size)
      indexEnd = index?.end ?? 0
    } catch {
      isIndexDamaged = true
      notices.append("the index of `\(files.path)` is made again: \(error.what)")
    }
    if index == nil && !isIndexDamaged && upkeep.isDue(end: 0, size: state.size) {
      notices.append("`\(files.path)` has no index yet: it is made of \(state.size) events")
    }
    // What is asked of the index costs about as much for a line as the columns of a hundred events.
    if expectedBytes > state.size { index = nil }
    placer = try Self.placer(reader, state, sipHash, index, clock)
    committer = try Committer(files, reader, environment, state)
  }

  private static func placer(
    _ reader: LogReader, _ state: StateRecord, _ sipHash: SipHash, _ index: RunIndex?,
    _ clock: @escaping () -> Int64
  ) throws(EventStoreError) -> Placer {
    do {
      return try Placer(reader, state, sipHash, index: index, clock: clock)
    } catch {
      throw reader.translated(error, "read the log")
    }
  }

  /// Brings the index on disk up to the log, where it is due; between appends.
  ///
  /// It is derived: where that fails, ``notices`` says so, and nothing else is the worse for it.
  package func maintain() {
    if let fault = placer.indexFault, !isIndexDamaged {
      isIndexDamaged = true
      notices.append("the index of `\(path)` is made again: \(fault)")
    }
    guard !isBroken, !isIndexGivenUp, isIndexDamaged || upkeep.isDue(end: indexEnd, size: size)
    else { return }
    placer.renewIndex { () -> RunIndex? in
      do {
        try upkeep.run(size: size, anew: isIndexDamaged)
        isIndexDamaged = false
        let index = try RunIndex.open(files, reader, size: size)
        indexEnd = index?.end ?? 0
        return index
      } catch {
        isIndexGivenUp = true
        let what = (error as? RunIndex.Fault)?.what ?? describe(error, 0).what
        notices.append(
          "the index of `\(path)` could not be written, which takes time only: \(what)")
        return nil
      }
    }
  }

  package var size: UInt64 { committer.state.size }
  package var root: [UInt8] { committer.state.tree.root }

  // MARK: Appending

  /// Appends what is new of a batch, in one durable commit; an outcome for each event.
  ///
  /// - Parameter sameValue: JSON equality of two lines.
  /// - Throws: `.diskFull`, `.io`; then nothing of the batch was appended, except where the last flush failed: what the log
  ///   holds is read again at the next append.
  package func append(
    _ batch: EventBatch,
    sameValue: (Span<UInt8>, Span<UInt8>) -> Bool = { JSONEquality.sameValue($0, $1) }
  ) throws(EventStoreError) -> [AppendOutcome] {
    try recover()
    isBroken = true
    var outcomes: [AppendOutcome] = []
    outcomes.reserveCapacity(batch.count)
    var parts: [BlockPart] = []
    placer.begin(batch, committed: size)
    for number in 0..<batch.count {
      outcomes.append(try placer.place(number, sameValue) { parts.append($0) })
    }
    try commit(parts)
    isBroken = false
    return outcomes
  }

  // MARK: In stages

  /// Begins appends in stages: ``place`` and ``commit(_:)`` may then be called by two threads at once, each in its own order.
  func begin() throws(EventStoreError) {
    try recover()
    isBroken = true
  }

  /// Gives positions to what is new of a batch, for commits that follow in the order in which parts are given.
  ///
  /// - Parameters:
  ///   - hashes: of its events.
  ///   - committed: how many events the log holds by now.
  ///   - outcome: given the number of each event, and what became of it.
  ///   - filled: given each part that has become full.
  func place(
    _ batch: EventBatch, hashes: [EventHashes], committed: UInt64,
    outcome: (Int, AppendOutcome) -> Void, filled: (BlockPart) -> Void
  ) throws(EventStoreError) {
    try placer.place(
      batch, hashes: hashes, committed: committed, outcome: outcome, filled: filled)
  }

  /// Events have positions and are in no part yet.
  var hasRest: Bool { placer.hasRest }

  /// The part that holds them; nil without any.
  func rest() -> BlockPart? { placer.rest() }

  /// Writes what was placed, in one durable commit.
  func commit(_ items: [Committer.Item]) throws(EventStoreError) { try committer.commit(items) }

  /// All that was placed is committed.
  func end() { isBroken = false }

  /// Appends groups of a batch's events, each as a whole and if its condition holds, in one durable commit.
  ///
  /// A group of which the log has all events is a duplicate, and its condition is not asked.
  func append(
    _ batch: EventBatch, groups: [AppendGroup]
  ) throws(EventStoreError) -> [Result<[AppendOutcome], AppendError>] {
    try recover()
    isBroken = true
    var results: [Result<[AppendOutcome], AppendError>] = []
    var parts: [BlockPart] = []
    placer.begin(batch, committed: size)
    for group in groups {
      do {
        results.append(.success(try add(group, batch, &parts)))
      } catch let error as AppendError {
        results.append(.failure(error))
      } catch let error as EventStoreError {
        throw error
      } catch {
        throw EventStoreError(.io, "cannot append: \(error)")
      }
    }
    try commit(parts)
    isBroken = false
    return results
  }

  private func commit(_ parts: [BlockPart]) throws(EventStoreError) {
    placer.end()
    var parts = parts
    if let rest = placer.rest() { parts.append(rest) }
    if !parts.isEmpty { try committer.commit(parts.map { .part($0) }) }
  }

  private func add(
    _ group: AppendGroup, _ batch: EventBatch, _ parts: inout [BlockPart]
  ) throws -> [AppendOutcome] {
    // Looked at first, so that a group that cannot be taken leaves no trace.
    var isNew = false
    for number in group.entries {
      switch try placer.find(number, JSONEquality.sameValue) {
      case .appended: isNew = true
      case .duplicate: break
      case .conflict(let position): throw AppendError.otherEvent(at: position)
      case .erased(let position): throw AppendError.erased(at: position)
      }
    }
    if isNew {
      try check(group.condition)
      try checkWithin(group, batch)
    }
    var outcomes: [AppendOutcome] = []
    for number in group.entries {
      outcomes.append(try placer.place(number, JSONEquality.sameValue) { parts.append($0) })
    }
    return outcomes
  }

  /// The same id twice in one group has to be the same event.
  private func checkWithin(
    _ group: AppendGroup, _ batch: EventBatch
  ) throws(AppendError) {
    let hashes = group.entries.map { placer.hash(of: $0) }
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
          let position = placer.size + UInt64(earlier - group.entries.lowerBound)
          throw .otherEvent(at: position)
        }
      }
    }
  }

  private func check(_ condition: AppendCondition) throws(AppendError) {
    let actual: UInt64
    switch condition {
    case .always: return
    case .logHas(let events):
      actual = placer.size
      if actual == events { return }
    case .subjectHas(let events, let subject):
      do {
        actual = UInt64(try placer.count(ofSubject: Array(subject.utf8).span))
      } catch {
        throw .store(error)
      }
      if actual == UInt64(events) { return }
    }
    throw .conflict(condition, actual: actual)
  }

  /// After a commit that failed, what stands in memory is read from the log again: it holds all of the commit or nothing.
  private func recover() throws(EventStoreError) {
    guard isBroken else { return }
    let state = try reader.state()
    placer = try Self.placer(reader, state, sipHash, nil, clock)
    try committer.restart(state)
    isBroken = false
  }
}
