/// Gives events their positions: finds what repeats, and links each subject's chain. In order, one thread at a time.
struct Placer: ~Copyable {
  private let reader: LogReader
  private let sipHash: SipHash
  private let clock: () -> Int64
  /// Number of events that have a position.
  private(set) var size: UInt64
  private var recorded: Int64
  private var known: KnownEvents
  private var types: [[UInt8]]
  private var typeNumbers: [[UInt8]: UInt16] = [:]
  /// What is being filled.
  private var part: BlockPart
  /// Parts that may not be committed yet: their events do not stand in the log.
  private var inFlight: [BlockPart] = []
  private var lastChunk: StoredChunk?
  /// Where the event is expected that comes next: behind one that was there already.
  private var predicted: UInt64?

  // Of the batch at hand.
  private var batch = EventBatch()
  private var bytes: [UInt8] = []
  private var hashes: [EventHashes] = []
  private var typeMap: [Int32] = []
  /// The number of the batch in `part`; nil until it takes an event of it.
  private var batchIndex: UInt32?

  /// A part with more is given away before its block is full.
  private static let mostLineBytes = 32 << 20
  /// Memory is asked for so many events before it is looked at, in two steps.
  private static let ahead = 12

  /// Reads columns: those behind the index, or all.
  init(
    _ reader: LogReader, _ state: StateRecord, _ sipHash: SipHash, index: RunIndex? = nil,
    clock: @escaping () -> Int64
  ) throws {
    self.reader = reader
    self.sipHash = sipHash
    self.clock = clock
    size = state.size
    recorded = state.recorded
    types = state.types
    known = try KnownEvents(reader, state, sipHash, index)
    part = BlockPart(first: state.size)
    for (number, type) in types.enumerated() { typeNumbers[type] = UInt16(number) }
  }

  /// Why the index on disk was given up; nil where it serves.
  var indexFault: String? { known.fault }

  /// Gives back the index while `body` runs, and goes on with the one that it gives.
  mutating func renewIndex(_ body: () -> RunIndex?) { known.renew(body) }

  /// How many events a subject has.
  mutating func count(ofSubject name: Span<UInt8>) throws(EventStoreError) -> UInt32 {
    try known.count(of: name)
  }

  // MARK: Batches

  /// Takes up a batch whose events will be placed.
  ///
  /// - Parameters:
  ///   - hashes: of its events; computed here where they are not given.
  ///   - committed: how many events the log holds by now.
  mutating func begin(_ batch: EventBatch, hashes: [EventHashes]? = nil, committed: UInt64) {
    self.batch = batch
    bytes = batch.bytes
    self.hashes = hashes ?? batch.hashes(sipHash)
    typeMap = Array(repeating: -1, count: batch.records.types.count)
    batchIndex = nil
    inFlight.removeAll { $0.end <= committed }
  }

  /// Lets go of the batch, of which only what was new is kept.
  mutating func end() {
    if batchIndex != nil && part.lastBatchRows * 4 < batch.count { part.compactLast() }
    batch = EventBatch()
    bytes = []
    hashes = []
  }

  /// Takes what is new of a batch.
  mutating func place(
    _ batch: EventBatch, hashes: [EventHashes], committed: UInt64,
    outcome: (Int, AppendOutcome) -> Void, filled: (BlockPart) -> Void
  ) throws(EventStoreError) {
    begin(batch, hashes: hashes, committed: committed)
    for number in hashes.indices {
      outcome(number, try place(number, JSONEquality.sameValue, filled))
    }
    end()
  }

  /// Takes an event, if it is new.
  ///
  /// - Parameter filled: given what has become full.
  @inline(__always)
  mutating func place(
    _ number: Int, _ sameValue: (Span<UInt8>, Span<UInt8>) -> Bool,
    _ filled: (BlockPart) -> Void
  ) throws(EventStoreError) -> AppendOutcome {
    if number + 2 * Self.ahead < hashes.count {
      known.prefetch(hashes[number + 2 * Self.ahead])
      known.prefetchEntry(hashes[number + Self.ahead])
    }
    let outcome = try find(number, sameValue)
    if case .appended = outcome { try take(number, filled) }
    return outcome
  }

  func hash(of number: Int) -> UInt64 { hashes[number].id }

  /// What would become of an event now.
  mutating func find(
    _ number: Int, _ sameValue: (Span<UInt8>, Span<UInt8>) -> Bool
  ) throws(EventStoreError) -> AppendOutcome {
    if let expected = predicted, expected < part.first, expected < size {
      let known = try event(at: expected)
      if !known.isErased, isLine(number, known.line) {
        predicted = expected + 1
        return .duplicate(of: expected)
      }
    }
    predicted = nil
    if known.usesIndex, let positions = try known.stored(hashes[number].id) {
      for position in positions {
        if let outcome = try compare(number, position, sameValue) { return outcome }
      }
    }
    var cursor = known.cursor(hashes[number].id)
    while let position = known.next(&cursor) {
      if let outcome = try compare(number, position, sameValue) { return outcome }
    }
    return .appended(position: size)
  }

  /// What becomes of an event beside one whose id has the same hash; nil where the ids differ.
  private mutating func compare(
    _ number: Int, _ position: UInt64, _ sameValue: (Span<UInt8>, Span<UInt8>) -> Bool
  ) throws(EventStoreError) -> AppendOutcome? {
    let known = try event(at: position)
    if known.isErased { return .erased(position: position) }
    if isLine(number, known.line) {
      predicted = position + 1
      return .duplicate(of: position)
    }
    guard let ids = EventIdentity(known.line.span), isIdentity(number, ids) else { return nil }
    let line = bytes.span.extracting(batch.entries[number].line)
    return sameValue(line, known.line.span)
      ? .duplicate(of: position) : .conflict(with: position)
  }

  private func isLine(_ number: Int, _ line: ArraySlice<UInt8>) -> Bool {
    bytes.span.extracting(batch.entries[number].line).isEqual(to: line.span)
  }

  private func isIdentity(_ number: Int, _ ids: EventIdentity) -> Bool {
    let bytes = bytes.span
    let entry = batch.entries[number]
    return bytes.extracting(entry.source).isEqual(to: ids.source.span)
      && bytes.extracting(entry.id).isEqual(to: ids.id.span)
  }

  private mutating func take(
    _ number: Int, _ filled: (BlockPart) -> Void
  ) throws(EventStoreError) {
    let entry = batch.entries[number]
    let type = try typeNumber(entry)
    let index: UInt32
    if let known = batchIndex {
      index = known
    } else {
      index = UInt32(part.batches.count)
      part.batches.append(batch)
      batchIndex = index
    }
    let bytes = bytes
    let (subject, sequence, previous) = try known.insert(
      hashes[number], subject: bytes.span.extracting(entry.subject), at: size)
    part.append(
      BlockPart.Row(
        batch: index, entry: UInt32(number), subject: subject, sequence: sequence,
        previous: previous ?? UInt64.max, idHash: hashes[number].id,
        lineLength: UInt32(entry.line.count), type: type))
    size += 1
    if part.isBlockEnd || part.lineBytes >= Self.mostLineBytes { filled(give()) }
  }

  private mutating func typeNumber(
    _ entry: EventRecords.Entry
  ) throws(EventStoreError) -> UInt16 {
    let local = Int(entry.type)
    if typeMap[local] >= 0 { return UInt16(typeMap[local]) }
    let name = batch.records.types.withText(local) { [UInt8](copying: $0) }
    if let number = typeNumbers[name] {
      typeMap[local] = Int32(number)
      return number
    }
    guard types.count < Int(UInt16.max) else {
      throw EventStoreError(
        .limit, "a store holds at most 65,535 different event types",
        help: "put what varies into the payload, not into the type")
    }
    let number = UInt16(types.count)
    types.append(name)
    typeNumbers[name] = number
    typeMap[local] = Int32(number)
    return number
  }

  // MARK: Parts

  var hasRest: Bool { !part.rows.isEmpty }

  /// What was taken and not given away yet; nil for nothing.
  mutating func rest() -> BlockPart? { part.rows.isEmpty ? nil : give() }

  private mutating func give() -> BlockPart {
    recorded = max(clock(), recorded)
    part.recorded = recorded
    part.subjects = known.subjectCount
    part.types = types
    let given = part
    inFlight.append(given)
    part = BlockPart(first: size)
    batchIndex = nil
    return given
  }

  // MARK: Known events

  /// The line of an event that has a position.
  private mutating func event(
    at position: UInt64
  ) throws(EventStoreError) -> (line: ArraySlice<UInt8>, isErased: Bool) {
    if position >= part.first { return (part.line(position), false) }
    if let first = inFlight.first, position >= first.first,
      let other = inFlight.first(where: { position < $0.end })
    {
      return (other.line(position), false)
    }
    if lastChunk?.contains(position) != true {
      var found: StoredChunk?
      try reader.guarded("read an event") {
        try reader.forEachChunk(from: position, noting: true) { chunk in
          found = StoredChunk(chunk)
          return false
        }
      }
      lastChunk = found
    }
    guard let chunk = lastChunk, chunk.contains(position) else {
      throw EventStoreError(.damaged, "the event at position \(position) is missing")
    }
    return chunk.event(at: position)
  }
}

/// The last chunk that was looked into: an import of known events asks for one line after the other.
private struct StoredChunk {
  private let first: UInt64
  private var kinds: [UInt8] = []
  private var lines: [UInt8] = []
  private var ends: [Int] = []

  init(_ chunk: borrowing ChunkView) {
    first = chunk.first
    for index in 0..<chunk.count {
      kinds.append(chunk.kind(index))
      lines.append(chunk.bytes.extracting(chunk.lineRange(index)))
      ends.append(lines.count)
    }
  }

  func contains(_ position: UInt64) -> Bool {
    position >= first && position < first + UInt64(kinds.count)
  }

  func event(at position: UInt64) -> (line: ArraySlice<UInt8>, isErased: Bool) {
    let index = Int(position - first)
    let line = lines[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    return (line, kinds[index] == ChunkView.erased)
  }
}
