import EventStore

/// What came into view since an earlier look at the same log.
extension LogView {
  /// Subjects of events that are in view and were not, by dense number: later ones of the log, and those that had not
  /// occurred by the earlier as-of.
  ///
  /// - Parameter earlier: of this log, neither larger nor later.
  func changedSubjects(since earlier: LogView, threads: Int) throws -> [Bool] {
    let ticket = Ticket()
    let view = self
    let firstNew = BlockNumber(of: earlier.size)
    let parts = try Parallel.run(threads) { _ in
      var found: [UInt32] = []
      while true {
        let number = BlockNumber(ticket.take())
        if number >= view.blocks.upperBound { return found }
        if number < firstNew {
          if view.asOf <= earlier.asOf { continue }
          if let latest = try view.snapshot.latestOccurred(ofFullBlock: number),
            latest <= earlier.asOf
          {
            continue
          }
        }
        let block = try view.snapshot.block(number)
        for row in 0..<view.rows(of: block) where block.occurred[row] <= view.asOf {
          let wasKnown = block.firstPosition + UInt64(row) < earlier.size
          if !wasKnown || block.occurred[row] > earlier.asOf { found.append(block.subjects[row]) }
        }
      }
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
      while true {
        let number = BlockNumber(ticket.take())
        if number >= view.blocks.upperBound { return found }
        let block = try view.snapshot.block(number)
        let subjects = block.subjects.span
        // What was erased is of nobody, and in no view.
        for row in 0..<view.rows(of: block) where block.occurred[row] <= view.asOf {
          let occurred = block.occurred[row]
          if !isWanted[Int(subjects[row])] { continue }
          found.append(
            Found(
              subject: subjects[row], type: block.types[row],
              wasInView: block.firstPosition + UInt64(row) < earlier.size
                && occurred <= earlier.asOf))
        }
      }
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
