/// What a writer knows of the events that have positions: where each id is, and where each subject's chain ends.
///
/// All of it in memory; or, with a ``RunIndex``, in memory only what came behind the events that it covers, and the subjects that
/// were asked for. Where the index fails, or more is asked of it than reading all columns would cost, the columns are read.
struct KnownEvents: ~Copyable {
  private let reader: LogReader
  private let sipHash: SipHash
  private var ids: IDTable
  private var subjects = SubjectTable()
  /// Dense number of each subject of the table; nil where the table's own numbers are these.
  private var numbers: [UInt32]?
  /// How many subjects there are.
  private(set) var subjectCount: UInt32 = 0
  private var index: RunIndex?
  /// How many events are in the index and not in the tables, and how many subjects these have.
  private var covered: UInt64 = 0
  private var coveredSubjects: UInt32 = 0
  /// Last position, behind the covered events, of subjects that are among the covered ones; as of the beginning.
  private var latest: [UInt32: UInt64] = [:]
  /// What the log held then.
  private let opened: UInt64
  private let openedSubjects: UInt32
  private var questions = 0
  /// Why the index was given up; nil while it serves, and where there was none.
  private(set) var fault: String?

  /// Reads columns: those behind the index, or all.
  init(_ reader: LogReader, _ state: StateRecord, _ sipHash: SipHash, _ index: RunIndex?) throws {
    self.reader = reader
    self.sipHash = sipHash
    self.index = index
    opened = state.size
    openedSubjects = state.subjects
    covered = index?.end ?? 0
    coveredSubjects = index?.subjects ?? 0
    ids = IDTable(capacity: Int(state.size - covered))
    if index == nil {
      try loadAll(idsBelow: UInt64.max)
      return
    }
    numbers = []
    subjectCount = coveredSubjects
    try load(from: covered)
    guard subjectCount == openedSubjects else {
      throw ChunkFault(0, "\(subjectCount) names of \(openedSubjects) subjects")
    }
  }

  /// Whether some events are known by the index only.
  var usesIndex: Bool { numbers != nil }

  /// The columns of ids and subjects of a block, and how many of its rows count.
  private func columns(_ number: BlockNumber) throws -> (block: BlockColumns, rows: Int) {
    let block = try reader.indexColumns(block: number, size: opened)
    let rows = number.rows(of: opened)
    guard block.subjects.count >= rows, block.idHashes.count >= rows else {
      throw ChunkFault(
        block.firstPosition, "\(block.subjects.count) rows in the columns of \(rows) events")
    }
    guard block.names(below: openedSubjects, rows: rows) else { throw Self.unnamed(block) }
    return (block, rows)
  }

  /// Takes up what came behind the covered events.
  private mutating func load(from first: UInt64) throws {
    for number in BlockNumber(of: first)..<BlockNumber.all(opened).upperBound {
      let (block, rows) = try columns(number)
      try reader.forEachNewName(block: number, size: opened) { name in
        guard subjectCount < openedSubjects else { return }
        subjects.append(name)
        numbers?.append(subjectCount)
        subjectCount += 1
      }
      ids.insert(block.idHashes.span.extracting(0..<rows), from: block.firstPosition)
      for row in 0..<rows where !block.isErased(row) {
        let subject = block.subjects[row]
        let position = block.firstPosition + UInt64(row)
        if subject < coveredSubjects {
          latest[subject] = position
        } else {
          let place = subject - coveredSubjects
          guard place < subjects.count else { throw Self.unnamed(block) }
          subjects.advance(place, to: position)
        }
      }
    }
  }

  private static func unnamed(_ block: BlockColumns) -> ChunkFault {
    ChunkFault(block.firstPosition, "the column of subjects names one that is not there")
  }

  /// Takes up all columns; what was placed since they were read stays.
  ///
  /// - Parameter end: ids of events behind it are in the table already.
  private mutating func loadAll(idsBelow end: UInt64) throws {
    var placed = SubjectTable()
    swap(&placed, &subjects)
    let placedNumbers = numbers ?? []
    for number in BlockNumber.all(opened) {
      let (block, rows) = try columns(number)
      try reader.forEachNewName(block: number, size: opened) { name in
        if subjects.count < openedSubjects { subjects.append(name) }
      }
      if block.firstPosition < end {
        ids.insert(block.idHashes.span.extracting(0..<rows), from: block.firstPosition)
      }
      for row in 0..<rows where !block.isErased(row) {
        guard block.subjects[row] < subjects.count else { throw Self.unnamed(block) }
        subjects.advance(block.subjects[row], to: block.firstPosition + UInt64(row))
      }
    }
    guard subjects.count == Int(openedSubjects) else {
      throw ChunkFault(0, "\(subjects.count) names of \(openedSubjects) subjects")
    }
    for (place, number) in placedNumbers.enumerated() {
      subjects.take(UInt32(place), of: placed, as: number)
    }
    subjectCount = UInt32(subjects.count)
    numbers = nil
    latest = [:]
    index = nil
  }

  // MARK: The index

  /// Gives back the index while `body` runs, and goes on with the one that it gives, of the same log.
  mutating func renew(_ body: () -> RunIndex?) {
    index = nil
    let other = body()
    if let other, usesIndex, other.end >= covered { index = other }
  }

  /// Asks the index; nil where all columns are in memory by now, because it failed or was asked often.
  private mutating func ask<Output>(
    _ question: (RunIndex) throws -> Output
  ) throws(EventStoreError) -> Output? {
    if !usesIndex { return nil }
    questions += 1
    if let index, questions <= max(1 << 15, Int(covered >> 7)) {
      do {
        return try question(index)
      } catch let error as EventStoreError {
        throw error
      } catch let error as ChunkFault {
        throw reader.translated(error, "read the log")
      } catch {
        fault = (error as? RunIndex.Fault)?.what ?? describe(error, 0).what
      }
    }
    index = nil
    try loadCovered()
    return nil
  }

  private mutating func loadCovered() throws(EventStoreError) {
    do {
      try loadAll(idsBelow: covered)
    } catch {
      throw reader.translated(error, "read the log")
    }
  }

  // MARK: Ids

  /// Asks for the memory of an event that will be looked for soon.
  @inline(__always)
  func prefetch(_ hashes: EventHashes) {
    ids.prefetch(hashes.id)
    subjects.prefetch(hashes.subject)
  }

  @inline(__always)
  func prefetchEntry(_ hashes: EventHashes) { subjects.prefetchEntry(hashes.subject) }

  func cursor(_ hash: UInt64) -> IDTable.Cursor { ids.cursor(hash) }

  /// The next position under the hash of those in memory; nil when there are no more.
  func next(_ cursor: inout IDTable.Cursor) -> UInt64? { ids.next(&cursor) }

  /// Positions of the covered events that may have an id.
  ///
  /// - Returns: nil where all columns have been read instead: then ``cursor(_:)`` begins anew.
  mutating func stored(_ hash: UInt64) throws(EventStoreError) -> [UInt64]? {
    try ask { try $0.positions(of: hash) }
  }

  // MARK: Placing

  /// Takes up an event: number of its subject, its own among the subject's, and where the one before it stands.
  mutating func insert(
    _ hashes: EventHashes, subject name: Span<UInt8>, at position: UInt64
  ) throws(EventStoreError) -> (subject: UInt32, sequence: UInt32, previous: UInt64?) {
    if numbers != nil { _ = try find(name, hashes.subject) }
    let (place, isNew) = subjects.insert(name, hash: hashes.subject)
    if isNew {
      numbers?.append(subjectCount)
      subjectCount += 1
    }
    let (sequence, previous) = subjects.advance(place, to: position)
    ids.insert(hashes.id, position: position)
    return (numbers?[Int(place)] ?? place, sequence, previous)
  }

  /// How many events a subject has.
  mutating func count(of name: Span<UInt8>) throws(EventStoreError) -> UInt32 {
    if numbers != nil { _ = try find(name, KeyedHash.ofProcess.hash(name)) }
    return subjects.count(of: name)
  }

  /// Takes a subject of the covered events into the table; true where it is there.
  private mutating func find(
    _ name: Span<UInt8>, _ hash: UInt64
  ) throws(EventStoreError) -> Bool {
    if subjects.contains(name, hash: hash) { return true }
    let (reader, latest, nameHash) = (reader, latest, RunHash.name(name, sipHash))
    let copy = [UInt8](copying: name)
    let answer = try ask { index -> End? in
      for number in try index.subjects(of: nameHash) {
        guard let last = try latest[number] ?? index.last(of: number) else {
          throw RunIndex.Fault(what: "a subject has no events")
        }
        if let sequence = try Self.sequence(at: last, of: copy, reader) {
          return End(number: number, position: last, sequence: sequence)
        }
      }
      return nil
    }
    guard let end = answer, let found = end else { return false }
    let (place, _) = subjects.insert(name, hash: hash)
    subjects.set(place, last: found.position, events: found.sequence &+ 1)
    numbers?.append(found.number)
    return true
  }

  /// Where a subject's chain ends.
  private struct End {
    var number: UInt32
    var position: UInt64
    var sequence: UInt32
  }

  /// The number of an event among its subject's; nil where that is another one.
  private static func sequence(
    at position: UInt64, of name: [UInt8], _ reader: LogReader
  ) throws -> UInt32? {
    var found: (sequence: UInt32, isOf: Bool)?
    try reader.forEachChunk(from: position, noting: true) { chunk in
      guard chunk.first <= position, position < chunk.first + UInt64(chunk.count) else {
        return false
      }
      let row = Int(position - chunk.first)
      if chunk.kind(row) == ChunkView.erased {
        throw RunIndex.Fault(what: "a subject's last event was erased")
      }
      let line = chunk.bytes.extracting(chunk.lineRange(row))
      found = (chunk.sequence(row), EventIdentity.subject(of: line) == name)
      return false
    }
    guard let found else { throw ChunkFault(position, "a chunk is missing") }
    return found.isOf ? found.sequence : nil
  }
}
