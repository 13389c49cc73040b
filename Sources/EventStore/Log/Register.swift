import Synchronization

/// The register: all control records of a store, in order.
public struct Register: Sendable {
  public private(set) var records: [ControlRecord]

  init(records: [ControlRecord]) { self.records = records }

  /// Switches of views with the time at which each was recorded, in order.
  public var switches: [(recorded: Int64, number: UInt64, view: ViewSwitch)] {
    records.compactMap { record in
      guard case .viewSwitch(let view) = record.content else { return nil }
      return (record.recorded, record.number, view)
    }
  }

  /// The rules file of a hash, 32 bytes; nil where no view was ever served under it.
  public func rules(hash: [UInt8]) -> [UInt8]? {
    switches.first { $0.view.rulesHash == hash && $0.view.rules != nil }?.view.rules
  }

  /// Rules files that were accepted, with the time at which each was, in order.
  public var accepted: [(recorded: Int64, number: UInt64, rules: RulesAccepted)] {
    records.compactMap { record in
      guard case .rulesAccepted(let rules) = record.content else { return nil }
      return (record.recorded, record.number, rules)
    }
  }

  /// Views that were dropped, with the time at which each was, in order.
  public var dropped: [(recorded: Int64, number: UInt64, view: ViewDropped)] {
    records.compactMap { record in
      guard case .viewDropped(let view) = record.content else { return nil }
      return (record.recorded, record.number, view)
    }
  }

  /// Generations that were pruned, with the time at which they were, in order.
  public var pruned: [(recorded: Int64, number: UInt64, view: ViewPruned)] {
    records.compactMap { record in
      guard case .viewPruned(let view) = record.content else { return nil }
      return (record.recorded, record.number, view)
    }
  }

  /// The latest switch of a view under the same model and version with other content than `rulesHash`; nil also where that
  /// content was accepted since.
  public func otherContent(
    view: String, model: String, version: Int64, rulesHash: [UInt8]
  ) -> (recorded: Int64, view: ViewSwitch)? {
    let other = switches.last {
      $0.view.view == view && $0.view.model == model && $0.view.version == version
        && $0.view.rulesHash != rulesHash
    }
    guard let other else { return nil }
    let wanted = RulesAccepted(view: view, model: model, version: version, rulesHash: rulesHash)
    if accepted.contains(where: { $0.number > other.number && $0.rules == wanted }) { return nil }
    return (other.recorded, other.view)
  }
}

extension LogReader {
  /// The first `count` control records.
  /// - Throws: ``ChunkFault`` without a position where one is missing or damaged.
  func register(count: UInt64) throws -> Register {
    var records: [ControlRecord] = []
    try environment.read { transaction in
      try transaction.forEach(control) { key, content in
        let number = UInt64(records.count)
        if number == count { return false }
        guard key == number else { throw ControlFault(number: number, what: "is missing") }
        do throws(ByteReader.Short) {
          records.append(
            try ControlRecord(number: number, bytes: [UInt8](copying: content))
          )
        } catch {
          throw ControlFault(number: number, what: "is malformed")
        }
        return true
      }
    }
    guard UInt64(records.count) == count else {
      throw ControlFault(number: UInt64(records.count), what: "is missing")
    }
    return Register(records: records)
  }
}

/// What is wrong with a control record.
struct ControlFault: Error {
  var number: UInt64
  var what: String

  var text: String { "control record \(number) \(what)" }
}

extension Store {
  /// Appends a control record for a view that comes into force; durable when it returns.
  ///
  /// May run while another process imports: the two share LMDB's one write transaction at a time, not the writer's lock.
  /// The store must have been opened with `registering`. The rules file is stored with the first record of its hash.
  /// - Parameter waitSeconds: how long to wait for another's commit, which takes part of a second unless its process was
  ///   stopped.
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
          .busy, "the store `\(path)` is being written by \(LogWriter.holder(of: path))",
          help: "try again, or wait longer with --wait")
      }
      Files.sleep(milliseconds: 1)
    }
  }

  private func append(_ content: ControlRecord.Content, now: Int64) throws(EventStoreError) {
    try reader.guarded("write to the register of `\(path)`") {
      try reader.environment.write { transaction in
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
