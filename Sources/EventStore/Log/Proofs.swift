/// That an event stands at a position of a log of a certain size and root (RFC 6962, 2.1.1).
public struct InclusionProof: Sendable, Equatable {
  /// Of the event, from 0.
  public var position: UInt64
  /// SHA-256(0x00 ‖ header ‖ line).
  public var leafHash: [UInt8]
  /// The 40 bytes in front of the line in the leaf; nil where the event was erased.
  public var header: EventHeader?
  /// The event as received; nil where it was erased.
  public var line: [UInt8]?
  /// Hashes from the leaf upwards.
  public var path: [[UInt8]]
}

/// A subject's events with the proof of each: numbers and previous positions in their headers leave no gap from the first
/// to the last of them (docs/evidence.md says what this shows and what it cannot).
public struct SubjectProof: Sendable, Equatable {
  /// Whom all events name.
  public var subject: String
  /// Number of events of the log that the proofs are for.
  public var size: UInt64
  /// Of that log, 32 bytes.
  public var root: [UInt8]
  /// In order, from the subject's first event on.
  public var events: [InclusionProof]

  /// Why the proof does not hold; nil where it does.
  ///
  /// Checked are each event's inclusion under ``root``, its subject, and that the chain is without gaps from the subject's
  /// first event on.
  public func fault() -> String? {
    var previous: UInt64?
    for (number, event) in events.enumerated() {
      guard let header = event.header, let line = event.line else {
        return "event \(number) was erased"
      }
      let root = MerkleProof.root(
        leafHash: header.leafHash(line: line.span), at: event.position, in: size, path: event.path)
      guard root == self.root else { return "position \(event.position) is not under the root" }
      guard Int(header.sequence) == number, header.previous == previous else {
        return "an event is left out before position \(event.position)"
      }
      guard EventIdentity.subject(of: line.span) == Array(subject.utf8) else {
        return "the event at position \(event.position) is of another subject"
      }
      previous = event.position
    }
    return nil
  }
}

extension LogSnapshot {
  /// The tree of the first `size` events: this snapshot's, or that of an older checkpoint.
  private func checkedSize(_ size: UInt64?) throws(EventStoreError) -> UInt64 {
    let size = size ?? self.size
    if size > self.size {
      throw EventStoreError(
        .noPosition, "the log has \(self.size) events, not \(size)",
        help: "it is older than what the proof shall be for, or was rolled back")
    }
    return size
  }

  /// Proof of one event in the log of the first `size` events.
  /// - Throws: `.noPosition` where there is no such position.
  public func inclusionProof(
    of position: UInt64, in size: UInt64? = nil
  ) throws(EventStoreError) -> InclusionProof {
    let size = try checkedSize(size)
    guard position < size else {
      throw EventStoreError(
        .noPosition, "there is no position \(position): the log has \(size) events, from 0 on")
    }
    return try proof(position, size, try root(ofFirst: size), LeafRanges(reader))
  }

  private func proof(
    _ position: UInt64, _ size: UInt64, _ root: [UInt8], _ ranges: LeafRanges
  ) throws(EventStoreError) -> InclusionProof {
    try reader.guarded("prove an event") {
      let path = try MerkleProof.inclusion(of: position, in: size) { try ranges.root($0) }
      let leafHash = try ranges.leaf(position)
      let found = MerkleProof.root(leafHash: leafHash, at: position, in: size, path: path)
      guard found == root else { throw ChunkFault(position, "the events do not lead to the root") }
      let line = try self.line(at: position)
      return InclusionProof(
        position: position, leafHash: leafHash,
        header: line == nil ? nil : try header(at: position), line: line, path: path)
    }
  }

  /// That the log of the first `old` events is a beginning of this one (RFC 6962, 2.1.2).
  public func consistencyProof(from old: UInt64) throws(EventStoreError) -> [[UInt8]] {
    let old = try checkedSize(old)
    let oldRoot = try root(ofFirst: old)
    return try reader.guarded("prove consistency") {
      let ranges = LeafRanges(reader)
      let path = try MerkleProof.consistency(from: old, to: size) { try ranges.root($0) }
      guard
        MerkleProof.isConsistent(old: old, oldRoot: oldRoot, size: size, root: root, path: path)
      else { throw ChunkFault(0, "the events do not lead to the root") }
      return path
    }
  }

  /// All events of a subject in the log of the first `size` events, with their proofs.
  /// - Throws: `.noSubject` where the log knows no such subject.
  public func subjectProof(
    of subject: String, in size: UInt64? = nil
  ) throws(EventStoreError) -> SubjectProof {
    let size = try checkedSize(size)
    let root = try root(ofFirst: size)
    let name = Array(subject.utf8)
    guard let number = try self.subject(named: name.span) else {
      throw EventStoreError(.noSubject, "the log has no subject `\(subject)`")
    }
    let ranges = LeafRanges(reader)
    var proof = SubjectProof(subject: subject, size: size, root: root, events: [])
    for position in try positions(ofSubject: number) where position < size {
      proof.events.append(try self.proof(position, size, root, ranges))
    }
    return proof
  }

  /// A control record and its path in the tree over the first `size` records, of all unless given.
  /// - Throws: `.noPosition` where there is no such record, or there are not so many.
  public func recordProof(
    of number: UInt64, in size: UInt64? = nil
  ) throws(EventStoreError) -> (record: ControlRecord, path: [[UInt8]]) {
    let records = try register().records
    let size = size ?? UInt64(records.count)
    guard size <= UInt64(records.count) else {
      throw EventStoreError(
        .noPosition, "the register has \(records.count) control records, not \(size)",
        help: "it is older than what the proof shall be for, or was rolled back")
    }
    guard number < size else {
      throw EventStoreError(
        .noPosition, "there is no control record \(number): the register has \(size)")
    }
    let hashes = records.map(\.leafHash)
    let path = MerkleProof.inclusion(of: number, in: size) { MerkleProof.root(of: $0, hashes) }
    return (records[Int(number)], path)
  }
}
