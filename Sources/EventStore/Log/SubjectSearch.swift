import Synchronization

/// Finds few subjects and their events without taking all names and columns apart.
extension LogSnapshot {
  /// Dense numbers of some subjects; nil where the log has none of that name.
  ///
  /// - Complexity: linear in the bytes of all names, shared among `threads`; nothing is kept of those that are not wanted.
  public func subjects(
    named names: [[UInt8]], threads: Int
  ) throws(EventStoreError) -> [UInt32?] {
    let wanted = WantedNames(names)
    let found = try reader.guarded("read names") {
      let ticket = Ticket()
      let parts = try Parallel.run(min(threads, max(1, blocks.count))) { _ in
        var found: [(block: BlockNumber, names: WantedNames.Found)] = []
        while true {
          let block = BlockNumber(ticket.take())
          if block >= blocks.upperBound { return found }
          found.append((block, try newNames(block, wanted)))
        }
      }
      return parts.flatMap { $0 }.sorted { $0.block < $1.block }
    }
    var numbers: [UInt32?] = Array(repeating: nil, count: wanted.count)
    var before = 0
    for (_, names) in found {
      for (name, index) in names.matches where before + index < subjectCount {
        numbers[name] = numbers[name] ?? UInt32(before + index)
      }
      before += names.count
    }
    guard before >= subjectCount else {
      throw EventStoreError(
        .damaged,
        "`\(reader.directory)/data.mdb` is damaged at position 0: \(before) names of \(subjectCount) subjects",
        help: "`clm-replay verify` lists all damage; restore the store from a backup")
    }
    return names.map { name in
      // Those of the erased are empty.
      name.isEmpty ? nil : wanted.number(of: name.span).flatMap { numbers[$0] }
    }
  }

  private func newNames(_ block: BlockNumber, _ wanted: WantedNames) throws -> WantedNames.Found {
    let found = try reader.withColumn(.newNames, block: block) { content in
      guard let found = wanted.find(in: content) else {
        throw ChunkFault(block.first, "the column of names is malformed")
      }
      return found
    }
    if let found { return found }
    var open = WantedNames.Found()
    try reader.forEachNewName(block: block, size: state.size) { wanted.note($0, in: &open) }
    return open
  }

  /// Dense number of a subject; nil where the log has none of that name.
  /// - Complexity: linear in the number of subjects; for several names ask ``subjects(named:threads:)``.
  public func subject(named name: Span<UInt8>) throws(EventStoreError) -> UInt32? {
    try subjects(named: [[UInt8](copying: name)], threads: 1)[0]
  }

  /// Dense number of the subject of an event; nil where there is no such position, and where it was erased.
  public func subject(at position: UInt64) throws(EventStoreError) -> UInt32? {
    guard position < size else { return nil }
    let (block, row) = (BlockNumber(of: position), BlockNumber.row(of: position))
    return try reader.guarded("read columns") {
      let found = try reader.withColumn(.subjects, block: block) { content -> Int64? in
        PackedColumn(content)?.value(of: row, in: content)
      }
      var subject = found?.flatMap { UInt32(exactly: $0) }
      if found == nil {
        let open = try reader.block(block, size: state.size, withIDs: false).subjects
        subject = row < open.count ? open[row] : nil
      }
      return subject == BlockColumns.erasedSubject ? nil : subject
    }
  }

  /// All positions of a subject's events, ascending: the last one is searched for, the others follow its chain.
  public func positions(ofSubject subject: UInt32) throws(EventStoreError) -> [UInt64] {
    try events(ofSubjects: [subject], threads: 1) { position, _ in position }
  }

  /// All events of some subjects, in the order of the log: the last one of each is searched for, the others follow its chain.
  ///
  /// - Parameters:
  ///   - subjects: by their numbers.
  ///   - threads: at least 1; the result does not depend on it.
  ///   - body: makes of an event what is wanted; its line is nil where it was erased.
  public func events<Event>(
    ofSubjects subjects: [UInt32], threads: Int,
    _ body: (UInt64, Span<UInt8>?) throws -> Event
  ) throws(EventStoreError) -> [Event] {
    var events: [(position: UInt64, event: Event)] = []
    for last in try lastPositions(ofSubjects: subjects, threads: threads) {
      var next = last
      while let position = next {
        try reader.guarded("read an event") {
          next = try event(at: position) { events.append((position, try body(position, $0))) }
        }
        guard next.map({ $0 < position }) ?? true else {
          throw EventStoreError(
            .damaged, "the chain of a subject does not lead back at position \(position)")
        }
      }
    }
    return events.sorted { $0.position < $1.position }.map(\.event)
  }

  /// Gives the line of an event to `body`; the position of its subject's previous event.
  private func event(at position: UInt64, _ body: (Span<UInt8>?) throws -> Void) throws -> UInt64? {
    var previous: UInt64?
    var isThere = false
    try reader.forEachChunk(from: position) { chunk in
      guard chunk.first <= position, position < chunk.first + UInt64(chunk.count) else {
        return false
      }
      let index = Int(position - chunk.first)
      isThere = true
      previous = chunk.previous(index)
      let line = chunk.bytes.extracting(chunk.lineRange(index))
      try body(chunk.kind(index) == ChunkView.erased ? nil : line)
      return false
    }
    guard isThere else { throw ChunkFault(position, "a chunk is missing") }
    return previous
  }

  /// Where the last event of each subject stands; nil for one without events. Blocks are looked at from the last one on.
  private func lastPositions(
    ofSubjects subjects: [UInt32], threads: Int
  ) throws(EventStoreError) -> [UInt64?] {
    try reader.guarded("read columns") {
      let ticket = Ticket()
      let last = LastPositions(count: subjects.count)
      // Blocks are taken in order, so that what a thread still looks at lies behind what others look at after it.
      _ = try Parallel.run(min(threads, max(1, blocks.count))) { _ in
        while !last.areAllFound {
          let block = blocks.upperBound.advanced(by: -1 - ticket.take())
          if block < blocks.lowerBound { return }
          for (subject, row) in try lastRows(of: subjects, block) {
            last.note(subject, block.first + UInt64(row))
          }
        }
      }
      return last.positions
    }
  }

  /// The last row of each of some subjects that has one in a block.
  private func lastRows(
    of subjects: [UInt32], _ block: BlockNumber
  ) throws -> [(subject: Int, row: Int)] {
    let rows = block.rows(of: state.size)
    let found = try reader.withColumn(.subjects, block: block) {
      content -> [(subject: Int, row: Int)] in
      guard let column = PackedColumn(content) else {
        throw ChunkFault(block.first, "column 1 is malformed")
      }
      return subjects.enumerated().compactMap { index, subject in
        column.lastRow(of: Int64(subject), below: rows, in: content).map { (index, $0) }
      }
    }
    if let found { return found }
    let open = try reader.block(block, size: state.size, withIDs: false).subjects.prefix(rows)
    return subjects.enumerated().compactMap { index, subject in
      open.lastIndex(of: subject).map { (index, $0) }
    }
  }
}

/// Names that are looked for among many.
private struct WantedNames: Sendable {
  struct Found: Sendable {
    /// Number of names that were looked at.
    var count = 0
    var matches: [(name: Int, index: Int)] = []
  }

  private var names = TextDictionary()
  /// By length, and by last byte: whether any wanted name has it. Most others have not.
  private var lengths = Array(repeating: false, count: 256)
  private var ends = Array(repeating: false, count: 256)

  init(_ names: [[UInt8]]) {
    for name in names {
      _ = self.names.insert(name.span)
      guard name.count < 256 else { continue }
      lengths[name.count] = true
      ends[Int(name.last ?? 0)] = true
    }
  }

  var count: Int { names.count }

  func number(of name: Span<UInt8>) -> Int? { names.find(name) }

  func note(_ name: Span<UInt8>, in found: inout Found) {
    if let number = names.find(name) { found.matches.append((number, found.count)) }
    found.count += 1
  }

  /// Looks through a column of names; nil where it is malformed.
  func find(in content: Span<UInt8>) -> Found? {
    guard content.count >= 4 else { return nil }
    let count = Int(content.little(0, 4))
    var found = Found()
    var offset = 4
    while found.count < count {
      guard offset < content.count else { return nil }
      let length = Int(content[offset])
      let end = offset + 1 + length
      guard end <= content.count else { return nil }
      if lengths[length], length == 0 || ends[Int(content[end - 1])] {
        note(content.extracting(offset + 1..<end), in: &found)
      } else {
        found.count += 1
      }
      offset = end
    }
    return found
  }
}

/// The last position of each of some subjects, as far as threads have found them.
private final class LastPositions: Sendable {
  private struct State {
    var positions: [UInt64?]
    var missing: Int
  }

  private let state: Mutex<State>

  init(count: Int) {
    state = Mutex(State(positions: Array(repeating: nil, count: count), missing: count))
  }

  var areAllFound: Bool { state.withLock { $0.missing == 0 } }
  var positions: [UInt64?] { state.withLock { $0.positions } }

  func note(_ subject: Int, _ position: UInt64) {
    state.withLock { state in
      let known = state.positions[subject]
      if known == nil { state.missing -= 1 }
      state.positions[subject] = max(known ?? position, position)
    }
  }
}
