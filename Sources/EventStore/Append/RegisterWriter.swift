import Synchronization

/// A store whose register can be written: control records are appended, events are not.
///
/// May be used while another process imports: the two share LMDB's one write transaction at a time, not the writer's lock.
public final class RegisterWriter: Sendable {
  /// The same store, to be read.
  public let store: Store
  private let environment: WritableEnvironment

  private init(_ store: Store, _ environment: WritableEnvironment) {
    self.store = store
    self.environment = environment
  }

  /// - Throws: what ``Store/open(at:)`` throws.
  public static func open(at path: String) throws(EventStoreError) -> RegisterWriter {
    var opened: WritableEnvironment?
    let store = try Store.open(at: path) { directory throws(EventStoreError) in
      let environment = try LogReader.openWritable(
        directory, replacing: [LogTables.meta.replaced()])
      opened = environment
      return LogReader(environment)
    }
    guard let opened else { preconditionFailure("it was opened where nothing was thrown") }
    return RegisterWriter(store, opened)
  }

  /// Appends a control record for a view that comes into force; durable when it returns.
  ///
  /// The rules file is stored with the first record of its hash.
  ///
  /// - Parameters:
  ///   - view: what came into force.
  ///   - waitSeconds: how long to wait for another's commit, which takes part of a second unless its process was
  ///     stopped.
  /// - Throws: `.busy` naming who holds the store; then the record may still come.
  public func register(
    _ view: ViewSwitch, waitSeconds: Double
  ) throws(EventStoreError) {
    try append(.viewSwitch(view), waitSeconds: waitSeconds)
  }

  /// Appends a control record for a rules file that is accepted; as ``register(_:waitSeconds:)``.
  public func accept(
    _ rules: RulesAccepted, waitSeconds: Double
  ) throws(EventStoreError) {
    try append(.rulesAccepted(rules), waitSeconds: waitSeconds)
  }

  /// Appends a control record for a view that is dropped; as ``register(_:waitSeconds:)``.
  public func note(_ dropped: ViewDropped, waitSeconds: Double) throws(EventStoreError) {
    try append(.viewDropped(dropped), waitSeconds: waitSeconds)
  }

  /// Appends a control record for generations that are pruned; as ``register(_:waitSeconds:)``.
  public func note(_ pruned: ViewPruned, waitSeconds: Double) throws(EventStoreError) {
    try append(.viewPruned(pruned), waitSeconds: waitSeconds)
  }

  /// Appends a control record for a copy that was made; as ``register(_:waitSeconds:)``.
  public func note(_ backup: BackupMade, waitSeconds: Double) throws(EventStoreError) {
    try append(.backup(backup), waitSeconds: waitSeconds)
  }

  private func append(
    _ content: ControlRecord.Content, waitSeconds: Double
  ) throws(EventStoreError) {
    // LMDB waits for its writer without limit, so that a thread of its own does.
    let outcome = RegisterOutcome()
    let isStarted = Parallel.detach {
      do throws(EventStoreError) {
        try self.append(content, now: Files.now())
        outcome.set(.success(()))
      } catch {
        outcome.set(.failure(error))
      }
    }
    guard isStarted else {
      throw EventStoreError(.io, "cannot start a thread to write to the register")
    }
    let deadline = Files.monotonicSeconds() + waitSeconds
    while true {
      if let result = outcome.get() { return try result.get() }
      if Files.monotonicSeconds() >= deadline {
        throw EventStoreError(
          .busy,
          "the store `\(store.path)` is being written by \(LogWriter.holder(of: store.path))",
          help: "try again, or wait longer with --wait")
      }
      Files.sleep(milliseconds: 1)
    }
  }

  private func append(_ content: ControlRecord.Content, now: Int64) throws(EventStoreError) {
    let reader = store.reader
    try reader.guarded("write to the register of `\(store.path)`") {
      try environment.write { transaction in
        // An erasure holds LMDB's write transaction until another generation is in force.
        guard try store.isInForce() else { throw Store.purged(store.path) }
        var state = try reader.state(in: transaction)
        var recorded = now
        var known: Set<[UInt8]> = []
        try transaction.forEach(reader.control) { number, content in
          do throws(ByteReader.Short) {
            let record = try ControlRecord(number: number, bytes: [UInt8](copying: content))
            recorded = max(recorded, record.recorded)
            if case .viewSwitch(let earlier) = record.content, earlier.rules != nil {
              known.insert(earlier.rulesHash)
            }
          } catch {
            throw ControlFault(number: number, what: "is malformed")
          }
          return true
        }
        let record: ControlRecord
        switch content {
        case .viewSwitch(var view):
          if known.contains(view.rulesHash) { view.rules = nil }
          record = ControlRecord(number: state.control.size, recorded: recorded, view)
        case .rulesAccepted(let rules):
          record = ControlRecord(number: state.control.size, recorded: recorded, rules)
        case .viewDropped(let dropped):
          record = ControlRecord(number: state.control.size, recorded: recorded, dropped)
        case .viewPruned(let pruned):
          record = ControlRecord(number: state.control.size, recorded: recorded, pruned)
        case .backup(let backup):
          record = ControlRecord(number: state.control.size, recorded: recorded, backup)
        case .erasure:
          preconditionFailure("an erasure is noted with the log's next generation")
        case .unknown(let kind):
          throw ControlFault(number: state.control.size, what: "would be of kind \(kind)")
        }
        try transaction.put(reader.control, record.number, record.bytes, appending: true)
        state.control.append(leafHash: record.leafHash)
        try transaction.put(reader.meta, StateRecord.key, state.encoded())
      }
    }
  }
}

/// What became of a record that a thread of its own appends.
private final class RegisterOutcome: Sendable {
  private let result = Mutex<Result<Void, EventStoreError>?>(nil)

  func set(_ value: Result<Void, EventStoreError>) { result.withLock { $0 = value } }
  func get() -> Result<Void, EventStoreError>? { result.withLock { $0 } }
}
