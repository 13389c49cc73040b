/// The register: all control records of a store, in order.
public struct Register: Sendable {
  /// By number, without gaps: from 0, or from the first one that was asked for.
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

  /// Erasures with the time at which each was, in order.
  public var erasures: [(recorded: Int64, number: UInt64, erasure: Erasure)] {
    records.compactMap { record in
      guard case .erasure(let erasure) = record.content else { return nil }
      return (record.recorded, record.number, erasure)
    }
  }

  /// The first erasure of events below `size` behind a control record: what was computed from them by then cannot be computed
  /// again. Nil where there is none.
  public func erasure(
    ofFirst size: UInt64, after number: UInt64
  ) -> (recorded: Int64, number: UInt64)? {
    erasures.first { $0.number > number && $0.erasure.positions.first ?? size < size }
      .map { ($0.recorded, $0.number) }
  }

  /// Views that an erasure removed, and that nobody served or dropped since, each with the record of its last switch.
  public var awaited: [(number: UInt64, view: ViewSwitch)] {
    let erased = Set(erasures.map(\.recorded))
    return Set(dropped.map(\.view.view)).sorted().compactMap { name in
      guard let last = dropped.last(where: { $0.view.view == name }),
        erased.contains(last.recorded),
        let entry = switches.last(where: { $0.view.view == name }), entry.number < last.number
      else { return nil }
      return (entry.number, entry.view)
    }
  }

  /// Copies that were made of the log, with the time at which each was, in order.
  public var backups: [(recorded: Int64, number: UInt64, backup: BackupMade)] {
    records.compactMap { record in
      guard case .backup(let backup) = record.content else { return nil }
      return (record.recorded, record.number, backup)
    }
  }

  /// Where events were erased, as the records say.
  var erased: PositionRanges { PositionRanges.union(erasures.map(\.erasure.positions)) }

  /// Whether a record speaks of anything but views and backups: then the log may not be what it was before.
  public var speaksOfMoreThanViews: Bool {
    records.contains { record in
      switch record.content {
      case .viewSwitch, .rulesAccepted, .viewDropped, .viewPruned, .backup: false
      default: true
      }
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
  /// The first `count` control records, less those before `first`.
  /// - Throws: ``ChunkFault`` without a position where one is missing or damaged.
  func register(count: UInt64, from first: UInt64 = 0) throws -> Register {
    var records: [ControlRecord] = []
    let first = min(first, count)
    try environment.read { transaction in
      try transaction.forEach(control, from: first) { key, content in
        let number = first + UInt64(records.count)
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
    guard first + UInt64(records.count) == count else {
      throw ControlFault(number: first + UInt64(records.count), what: "is missing")
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
