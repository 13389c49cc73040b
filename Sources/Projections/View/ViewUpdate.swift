import EventStore

/// Brings a view up to date: folds only those whose records may be others, and takes over all others as bytes.
///
/// What comes out is what a rebuild makes, byte for byte but for how records lie in chunks. Totals are those of before, less
/// what the customers who go came to, plus what they come to now: both are folded.
struct ViewUpdate {
  /// Why a view has to be built anew; in words, behind "because".
  struct Refusal: Error {
    var reason: String
  }

  private let compiled: CompiledRules
  private let reader: ViewReader
  private let view: LogView
  private let earlier: LogView
  private let threads: Int
  private let engine: FoldEngine
  private let mostShare: Int

  /// - Parameter mostShare: where more than one customer in so many has to be folded, a rebuild is due.
  init(
    _ compiled: CompiledRules, _ reader: ViewReader, view: LogView, threads: Int,
    engine: FoldEngine, mostShare: Int
  ) {
    self.mostShare = mostShare
    self.compiled = compiled
    self.reader = reader
    self.view = view
    self.threads = threads
    self.engine = engine
    earlier = LogView(
      snapshot: view.snapshot, size: reader.manifest.size, asOf: reader.manifest.asOf)
  }

  /// What it comes to before it is written.
  struct Prepared {
    var summary: ReplaySummary
    /// Chunks that are made anew, by their number before.
    var spliced: [Int: RecordSplice.Chunk]
    var patches: [Int: BucketHashes.Patch]
    var joined: [[UInt8]: [UInt8]]
    var folded: Int64
    /// What links came to, as a view keeps it.
    var links: [UInt8]?
  }

  /// Folds whom it has to.
  /// - Throws: ``Refusal`` where a rebuild is due.
  func prepare() throws -> Prepared {
    let scope = try UpdateScope(
      compiled, reader, view: view, earlier: earlier, threads: threads)
    let customers = Int(reader.manifest.customers)
    if max(scope.now.count, scope.before.count) > max(64, customers / mostShare) {
      throw Refusal(
        reason: "\(max(scope.now.count, scope.before.count)) of \(customers) customers may change")
    }
    let gone = Set(scope.before.names(andOf: scope.now)).sorted {
      $0.lexicographicallyPrecedes($1)
    }
    let (before, after, fresh) = try fold(scope, known: try reader.anchors(of: gone))
    var summary = try tally()
    guard summary.replace(before, with: after) else {
      throw Refusal(reason: "the first event of a fault is none any more")
    }
    let splice = RecordSplice(reader, gone: gone, fresh: fresh)
    var prepared = Prepared(
      summary: summary, spliced: try spliced(splice), patches: [:], joined: [:],
      folded: after.customers, links: scope.now.encodedJoins)
    for chunk in prepared.spliced.values {
      for leaf in chunk.removed {
        prepared.patches[Int(leaf.bucket), default: .init()].removed.append(leaf.hash)
      }
      for subject in chunk.unjoined { prepared.joined[subject] = [] }
    }
    let removed = prepared.spliced.values.reduce(0) { $0 + $1.removed.count }
    // The records that go are those of the customers that were folded as they were: else one of both is damaged.
    guard removed == before.customers else { throw ByteDecoder.Damaged() }
    for record in fresh {
      prepared.patches[Int(record.leaf.bucket), default: .init()].added.append(record.leaf.hash)
    }
    for (subject, rank) in scope.now.allOthers {
      prepared.joined[Array(scope.now.names.bytes(of: subject))] = Array(
        scope.now.name(of: rank))
    }
    return prepared
  }

  private func tally() throws -> ReplaySummary {
    guard let bytes = try reader.value(ViewFiles.meta, ViewFiles.tallyKey) else {
      throw ByteDecoder.Damaged()
    }
    return try TallyCoding.decoded(bytes, compiled, asOf: view.asOf)
  }

  /// - Parameter known: ids of events by their positions.
  private func fold(
    _ scope: UpdateScope, known: [UInt64: [UInt8]]
  ) throws -> (before: ReplaySummary, after: ReplaySummary, fresh: [RecordSplice.Fresh]) {
    func replayer(_ view: LogView) -> Replayer {
      Replayer(compiled, view: view, threads: threads, engine: engine)
    }
    var runs: [PendingRecords] = []
    let (compiled, now) = (compiled, scope.now)
    let (after, before) = try replayer(view).run(
      now, counting: scope.before, by: replayer(earlier), among: scope.rows
    ) {
      RecordSink(compiled, now)
    } keep: {
      runs += $0.runs
    }
    // Most anchors are those of before; looking up the others reads lines.
    let missing = Set(runs.flatMap(\.anchors)).subtracting(known.keys).sorted()
    let found = try AnchorIDs(view: view, threads: threads).find([missing]).list(0)
    var ids = known
    for (index, position) in missing.enumerated() { ids[position] = found[index] }
    var fresh: [RecordSplice.Fresh] = []
    for run in runs {
      let own = EventIDs(run.anchors.map { ids[$0] ?? [] })
      run.forEachRecord(own.list(0)) { record in
        fresh.append(
          RecordSplice.Fresh(
            name: [UInt8](copying: record.bytes.extracting(record.name)),
            bytes: [UInt8](copying: record.bytes), staleAt: record.entry.staleAt,
            buyer: record.entry.buyer, recent: record.entry.recent, leaf: record.leaf))
      }
    }
    return (before, after, fresh)
  }

  private func spliced(_ splice: RecordSplice) throws -> [Int: RecordSplice.Chunk] {
    let touched = splice.touched
    let ticket = Ticket()
    let parts = try Parallel.run(min(threads, max(1, touched.count))) { _ in
      var found: [(Int, RecordSplice.Chunk)] = []
      while true {
        let next = ticket.take()
        if next >= touched.count { return found }
        found.append((touched[next], try splice.splice(touched[next])))
      }
    }
    return Dictionary(uniqueKeysWithValues: parts.joined())
  }

  // MARK: Writing

  /// The levels that go on being shared: of the others there is so little left that it is copied.
  ///
  /// Each level that is kept has more left than twice all behind it, so that there are few.
  func kept(_ prepared: Prepared) -> Int {
    let levels = reader.levels
    var left = Array(repeating: 0, count: levels.levels.count)
    for (index, number) in reader.chunks.numbers.enumerated() where prepared.spliced[index] == nil {
      left[levels.level(of: number)] += 1
    }
    var behind = prepared.spliced.values.reduce(0) { $0 + $1.packed.count }
    var kept = left.count
    // Numbers are used once; long before they run out all is copied.
    if reader.nextChunk > UInt32.max / 2 { return 0 }
    while kept > 0 && left[kept - 1] <= 2 * behind {
      kept -= 1
      behind += left[kept]
    }
    return kept
  }

  /// Writes the generation; the hashes of the leaves of its output root are given back.
  func write(_ prepared: Prepared, to draft: GenerationDraft, kept: Int) throws -> [[UInt8]] {
    try writeChunks(prepared, draft, kept)
    try writeJoined(prepared, draft, kept)
    return try writeHashes(prepared, draft, kept)
  }

  private func writeChunks(
    _ prepared: Prepared, _ draft: GenerationDraft, _ kept: Int
  ) throws {
    let (levels, chunks) = (reader.levels, reader.chunks)
    // A view without customers has no chunk.
    for index in 0..<max(1, chunks.count) {
      if let spliced = prepared.spliced[index] {
        draft.queue(spliced.packed)
      } else if index < chunks.count {
        let number = chunks.numbers[index]
        if levels.level(of: number) < kept {
          draft.share(index, of: chunks)
        } else {
          draft.queue(index, of: chunks, try levels.content(ofChunk: number).value)
        }
      }
      if draft.queuedBytes > 8 << 20 { try draft.flush() }
    }
    try draft.flush()
  }

  private func writeJoined(
    _ prepared: Prepared, _ draft: GenerationDraft, _ kept: Int
  ) throws {
    var joined: [GenerationDraft.Joined] = []
    for level in reader.levels.levels[kept...] {
      var later: [GenerationDraft.Joined] = []
      try level.environment.read { transaction in
        try transaction.forEach(level.environment.table(ViewFiles.joined)) { subject, customer in
          later.append((subject, [UInt8](copying: customer)))
          return true
        }
      }
      joined = Self.merged(joined, later)
    }
    var fresh = prepared.joined.map { (subject: $0.key, customer: $0.value) }
    fresh.sort { $0.subject.lexicographicallyPrecedes($1.subject) }
    joined = Self.merged(joined, fresh)
    if kept == 0 { joined.removeAll { $0.customer.isEmpty } }
    try draft.write(joinedInOrder: joined)
  }

  /// Two lists by subject as one; what the later one says stands above the earlier.
  private static func merged(
    _ earlier: [GenerationDraft.Joined], _ later: [GenerationDraft.Joined]
  ) -> [GenerationDraft.Joined] {
    if earlier.isEmpty { return later }
    var merged: [GenerationDraft.Joined] = []
    merged.reserveCapacity(earlier.count + later.count)
    var next = 0
    for pair in later {
      while next < earlier.count, earlier[next].subject.lexicographicallyPrecedes(pair.subject) {
        merged.append(earlier[next])
        next += 1
      }
      if next < earlier.count, earlier[next].subject == pair.subject { next += 1 }
      merged.append(pair)
    }
    return merged + earlier[next...]
  }

  private func writeHashes(
    _ prepared: Prepared, _ draft: GenerationDraft, _ kept: Int
  ) throws -> [[UInt8]] {
    guard let bytes = try reader.value(ViewFiles.meta, ViewFiles.leavesKey),
      bytes.count == OutputRoot.bucketCount * SHA256Bytes.length
    else { throw ByteDecoder.Damaged() }
    var leaves = (0..<OutputRoot.bucketCount).map {
      Array(bytes[$0 * SHA256Bytes.length..<($0 + 1) * SHA256Bytes.length])
    }
    let levels = reader.levels.levels
    var copied: Set<Int> = kept == 0 ? Set(0..<OutputRoot.bucketCount) : []
    if kept > 0 {
      for level in levels[kept...] {
        try level.environment.read { transaction in
          try transaction.forEach(level.environment.table(ViewFiles.hashes)) { bucket, _ in
            copied.insert(Int(bucket))
            return true
          }
        }
      }
    }
    var stored: [(bucket: UInt32, bytes: [UInt8])] = []
    for bucket in copied.union(prepared.patches.keys).sorted() {
      let key = UInt32(bucket)
      let patch = prepared.patches[bucket].map { BucketHashes.Stored.patch($0) }
      let all = try levels.map { level in
        try level.value(ViewFiles.hashes, key)
      }
      func joined(_ range: Range<Int>) throws -> BucketHashes.Stored {
        try BucketHashes.joined(
          all[range].compactMap { $0 }.map { try BucketHashes.decoded($0) }
            + (patch.map { [$0] } ?? []))
      }
      stored.append((key, BucketHashes.encoded(try joined(kept..<levels.count))))
      if patch == nil { continue }
      guard case .whole(let hashes) = try joined(0..<levels.count) else {
        throw ByteDecoder.Damaged()
      }
      leaves[bucket] = BucketHashes.leaf(hashes)
    }
    try draft.write(stored)
    return leaves
  }

  /// All buyers as they stand in the chunks of the new generation; ranks are numbers of records.
  func buyers(_ draft: GenerationDraft) throws -> Buyers {
    if compiled.rules.clv == nil { return Buyers() }
    let (chunks, levels) = (draft.chunks, draft.levels)
    let firsts = chunks.firstRecords
    let threads = threads
    let parts = try Parallel.run(threads) { thread in
      var buyers = Buyers()
      for index in chunks.count * thread / threads..<chunks.count * (thread + 1) / threads {
        let content = try levels.content(ofChunk: chunks.numbers[index])
        try BuyerCoding.forEach(
          content.buyers, from: firsts[index], records: chunks.records[index]
        ) { buyers.add($0, $1) }
      }
      return buyers
    }
    return parts.dropFirst().reduce(into: parts[0]) { $0.add($1) }
  }
}

extension CustomerDirectory {
  /// The names of all customers of this directory and another.
  fileprivate func names(andOf other: CustomerDirectory) -> [[UInt8]] {
    [self, other].flatMap { directory in
      directory.subjects.map { Array(directory.names.bytes(of: $0)) }
    }
  }
}
