/// Erases subjects from a store: makes the log's next generation without them, and switches to it by one rename.
///
/// Free pages and gaps of a file keep what was erased in place, so that a new file is made value by value. Whoever reads the
/// generation before keeps it; nobody writes to the store meanwhile. Until the switch nothing has happened to the log; behind it
/// the generation before is removed, by the next writer where this one is killed.
///
/// ```
/// let eraser = try StoreEraser.open(at: "shop", waitSeconds: 10, command: "forget")
/// let plan = try eraser.store.snapshot().erasurePlan(of: ["C-1042"], threads: 2)
/// let outcome = try eraser.erase(plan, reason: "on request", views: [], threads: 2) { _ in }
/// ```
public final class StoreEraser {
  /// As it is before the erasure.
  public let store: Store
  private let files: StoreFiles
  private let lock: Files.Lock
  private let environment: WritableEnvironment

  private init(
    _ store: Store, _ files: StoreFiles, _ lock: Files.Lock, _ environment: WritableEnvironment
  ) {
    self.store = store
    self.files = files
    self.lock = lock
    self.environment = environment
  }

  /// Takes the store's lock, which goes with the value.
  ///
  /// - Parameters:
  ///   - path: the directory of the store.
  ///   - waitSeconds: how long to wait for another writer.
  ///   - command: how other processes shall know this one while it holds the store.
  /// - Throws: `.busy` naming the holder, or what ``Store/open(at:)`` throws.
  public static func open(
    at path: String, waitSeconds: Double, command: String
  ) throws(EventStoreError) -> StoreEraser {
    let files = StoreFiles(path: path)
    let lock = try LogWriter.takeLock(files, waitSeconds, command: command)
    var opened: WritableEnvironment?
    let store = try Store.open(at: path) { directory throws(EventStoreError) in
      let environment = try LogReader.openWritable(directory, replacing: [])
      opened = environment
      return LogReader(environment)
    }
    guard let opened else { preconditionFailure("it was opened where nothing was thrown") }
    return StoreEraser(store, files, lock, opened)
  }

  /// Makes the next generation and switches to it.
  ///
  /// - Parameters:
  ///   - plan: of the log as it is now.
  ///   - reason: at most ``Erasure/mostReasonBytes``.
  ///   - views: in force; they are noted as dropped, since they may hold what is erased.
  ///   - threads: at least 1; the result does not depend on it.
  ///   - progress: given the share that is done, 0 to 1.
  ///   - beforeSwitch: called when all is ready; it removes the views. Where it throws, nothing is erased.
  /// - Throws: `.diskFull` and others; then the log is as it was.
  public func erase(
    _ plan: ErasurePlan, reason: String, views: [ViewDropped], threads: Int,
    progress: (Double) -> Void = { _ in }, beforeSwitch: (ErasureOutcome) throws -> Void
  ) throws -> ErasureOutcome {
    let rejects = RejectsErasure(path: files.rejects, plan, try store.reader.idHashKey())
    do {
      // Until another generation is in force nobody adds to the register of this one.
      let outcome = try environment.write { transaction in
        let state = try store.reader.state(in: transaction)
        guard state.size == plan.size else { throw Store.purged(files.path) }
        let next = try NextGeneration(files, store.reader, plan, state, threads: threads)
        var outcome = try next.make(reason: reason, views: views, progress: progress)
        outcome.rejects = try rejects.prepare()
        try files.noteErasures()
        try next.place()
        try beforeSwitch(outcome)
        if outcome.rejects > 0 { try rejects.commit() }
        Files.remove(files.index)
        try Files.syncDirectory(files.path)
        try next.switchTo()
        return outcome
      }
      try files.removeStaleGenerations()
      try Files.syncDirectory(files.log)
      if let left = try files.staleGeneration() {
        throw EventStoreError(
          .io,
          "they were erased from the log, and `\(left)`, which holds them still, cannot be removed",
          help: "remove it; nobody needs it any more")
      }
      return outcome
    } catch {
      rejects.discard()
      let failure = translated(error)
      do throws(EventStoreError) {
        try files.removeStaleGenerations()
      } catch {
        // What cannot be removed now the next writer removes.
        throw failure
      }
      throw failure
    }
  }

  private func translated(_ error: any Error) -> any Error {
    guard
      error is ChunkFault || error is ControlFault || error is TableFault
        || error is any SystemFailure
    else { return error }
    var failure = store.reader.translated(error, "erase from the store `\(files.path)`")
    if failure.code == .diskFull { failure.help = "nothing was erased; make room and try again" }
    return failure
  }
}

extension Store {
  /// Bytes that a next generation of the log takes beside this one, at most.
  public func bytesOfNextGeneration() throws(EventStoreError) -> Int {
    try reader.guarded("read the log") {
      try reader.environment.read { transaction in
        try transaction.bytes(of: reader.events) + transaction.bytes(of: reader.columns)
          + transaction.bytes(of: reader.control) + transaction.bytes(of: reader.meta)
      }
    }
  }

  /// Bytes that are free where the log is; nil where the system does not say.
  public var bytesFree: Int? { Files.freeBytes(StoreFiles(path: path).log) }

  /// How many entries of the store's rejects file hold something of subjects of a plan.
  public func rejects(of plan: ErasurePlan) throws(EventStoreError) -> Int {
    let sipHash = try reader.idHashKey()
    return try reader.guarded("read the rejects file") {
      try RejectsErasure(path: StoreFiles(path: path).rejects, plan, sipHash).count()
    }
  }
}

/// What was erased, and how it can be shown.
public struct ErasureOutcome: Sendable {
  /// A subject, and what ties it to the register.
  public struct Subject: Sendable {
    /// As it was given; the store does not keep it.
    public var name: String
    /// How many events it had.
    public var events: Int
    /// 32 random bytes, which the store does not keep.
    public var nonce: [UInt8]
    /// SHA-256(nonce ‖ name), as the control record has it.
    public var hash: [UInt8]
  }

  /// Who was erased, in the order given.
  public var subjects: [Subject]
  /// Where the events stood.
  public var positions: PositionRanges
  /// The control record, and its path in the tree over the register.
  public var record: ControlRecord
  /// The audit path of the control record, 32 bytes a hash, from the leaf up.
  public var path: [[UInt8]]
  /// How many entries went from the store's rejects file.
  public var rejects = 0
  /// The log behind it; size and root are those before.
  let state: StateRecord
  private let reader: LogReader

  init(
    subjects: [Subject], positions: PositionRanges, record: ControlRecord, path: [[UInt8]],
    state: StateRecord, reader: LogReader
  ) {
    self.subjects = subjects
    self.positions = positions
    self.record = record
    self.path = path
    self.state = state
    self.reader = reader
  }

  /// What the store is now, to be signed.
  public func checkpoint(origin: String) -> Checkpoint {
    Checkpoint(origin: origin, LogSnapshot(reader: reader, state: state))
  }
}
