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

  /// Events in view of some subjects, how many there are now and at an earlier look, and where they stand.
  ///
  /// - Parameter isWanted: by subject.
  func events(
    of isWanted: [Bool], since earlier: LogView, threads: Int
  ) throws -> (now: EventCounts, earlier: EventCounts, rows: BlockRows) {
    let ticket = Ticket()
    let view = self
    struct Found: Sendable {
      var subject: UInt32
      var type: UInt16
      var wasInView: Bool
    }
    let parts = try Parallel.run(threads) { _ in
      var found: [Found] = []
      var rows: [(block: BlockNumber, rows: [Int32])] = []
      while let block = try view.nextBlock(ticket) {
        let subjects = block.subjects.span
        var own: [Int32] = []
        // What was erased is of nobody, and in no view: its instant is later than any.
        for row in 0..<view.rows(of: block) where block.occurred[row] <= view.asOf {
          if !isWanted[Int(subjects[row])] { continue }
          own.append(Int32(truncatingIfNeeded: row))
          found.append(
            Found(
              subject: subjects[row], type: block.types[row],
              wasInView: earlier.sees(row, of: block)))
        }
        rows.append((block.number, own))
      }
      return (found: found, rows: rows)
    }
    let none = EventCounts(
      bySubject: Array(repeating: 0, count: snapshot.subjectCount),
      byType: Array(repeating: 0, count: snapshot.typeNames.count))
    var rows = BlockRows(count: view.blocks.count)
    for part in parts { for (block, own) in part.rows { rows[block] = own } }
    var counts = (now: none, earlier: none, rows: rows)
    for found in parts.flatMap(\.found) {
      counts.now.bySubject[Int(found.subject)] += 1
      counts.now.byType[Int(found.type)] += 1
      if !found.wasInView { continue }
      counts.earlier.bySubject[Int(found.subject)] += 1
      counts.earlier.byType[Int(found.type)] += 1
    }
    return counts
  }
}

/// Rows of events by block, ascending.
struct BlockRows: Sendable {
  private var rows: [[Int32]]

  /// - Parameter count: blocks from the first one on.
  init(count: Int) { rows = Array(repeating: [], count: count) }

  subscript(block: BlockNumber) -> [Int32] {
    get { rows[block.rawValue] }
    set { rows[block.rawValue] = newValue }
  }
}
