import EventStore

/// What came into view since an earlier look at the same log.
extension LogView {
  /// Whether a row of a block is in view.
  @inline(__always)
  func sees(_ row: Int, of block: BlockColumns) -> Bool {
    block.occurred[row] <= asOf && block.firstPosition + UInt64(row) < size
  }

  /// Whether all events of a block that a later view of the log sees are in this one.
  func seesAll(of block: BlockNumber, like later: LogView) throws -> Bool {
    guard block < BlockNumber(of: size) else { return false }
    if later.asOf <= asOf { return true }
    guard let latest = try snapshot.latestOccurred(ofFullBlock: block) else { return false }
    return latest <= asOf
  }

  /// Subjects of events that are in view and were not, by dense number: later ones of the log, and those that had not
  /// occurred by the earlier as-of.
  ///
  /// - Parameter earlier: of this log, neither larger nor later.
  func changedSubjects(since earlier: LogView, threads: Int) throws -> [Bool] {
    let ticket = Ticket()
    let view = self
    let parts = try Parallel.run(threads) { _ in
      var found: [UInt32] = []
      while let block = try view.nextBlock(ticket, since: earlier) {
        for row in 0..<view.rows(of: block) where block.occurred[row] <= view.asOf {
          if !earlier.sees(row, of: block) { found.append(block.subjects[row]) }
        }
      }
      return found
    }
    var changed = Array(repeating: false, count: snapshot.subjectCount)
    for subject in parts.joined() { changed[Int(subject)] = true }
    return changed
  }

  /// Events in view of some subjects, now and at an earlier look.
  ///
  /// - Parameter isWanted: by subject.
  func eventCounts(
    of isWanted: [Bool], since earlier: LogView, threads: Int
  ) throws -> (now: EventCounts, earlier: EventCounts) {
    let ticket = Ticket()
    let view = self
    struct Found: Sendable {
      var subject: UInt32
      var type: UInt16
      var wasInView: Bool
    }
    let parts = try Parallel.run(threads) { _ in
      var found: [Found] = []
      while let block = try view.nextBlock(ticket) {
        let subjects = block.subjects.span
        // What was erased is of nobody, and in no view.
        for row in 0..<view.rows(of: block) where block.occurred[row] <= view.asOf {
          if !isWanted[Int(subjects[row])] { continue }
          found.append(
            Found(
              subject: subjects[row], type: block.types[row],
              wasInView: earlier.sees(row, of: block)))
        }
      }
      return found
    }
    let none = EventCounts(
      bySubject: Array(repeating: 0, count: snapshot.subjectCount),
      byType: Array(repeating: 0, count: snapshot.typeNames.count))
    var counts = (now: none, earlier: none)
    for found in parts.joined() {
      counts.now.bySubject[Int(found.subject)] += 1
      counts.now.byType[Int(found.type)] += 1
      if !found.wasInView { continue }
      counts.earlier.bySubject[Int(found.subject)] += 1
      counts.earlier.byType[Int(found.type)] += 1
    }
    return counts
  }
}
