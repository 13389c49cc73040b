import EventStore

/// Records of a run of customers as a view holds them.
struct PackedRun: Sendable {
  var chunks: [PackedChunk] = []
  var leaves: [OutputRoot.Leaf] = []
}

/// Makes records of the customers that one thread folds.
struct RecordSink: FoldSink {
  private let directory: CustomerDirectory
  private let rules: Rules
  /// How the value of each fact is written.
  private let forms: [RecordCoding.ValueForm]
  private var run: PendingRecords

  init(_ compiled: CompiledRules, _ directory: CustomerDirectory) {
    self.directory = directory
    rules = compiled.rules
    forms = compiled.facts.map { RecordCoding.ValueForm($0.type) }
    run = PendingRecords(rules)
  }

  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {
    run.add(fold, rank: rank, forms, directory)
  }

  mutating func endRun() -> PendingRecords {
    defer { run = PendingRecords(rules, after: run) }
    return run
  }
}

/// Folds all customers and packs their records, in order.
struct RecordPacker {
  let replayer: Replayer
  let directory: CustomerDirectory
  /// Runs that are packed at a time, since what is packed is held until it is taken.
  private static let runsAtATime = 48

  init(_ replayer: Replayer) throws {
    self.replayer = replayer
    directory = try replayer.directory()
  }

  /// - Parameters:
  ///   - start: customers that were folded before, and what they came to; nil for none.
  ///   - progress: told the share of the customers that is folded.
  ///   - fold: called with each run in order, before its ids are known.
  ///   - keep: called with what is packed, in order.
  ///   - mark: told how far the replay is, once all up to there was kept.
  func run(
    from start: ReplayPoint? = nil, progress: (Double) -> Void = { _ in },
    fold: (PendingRecords) -> Void = { _ in }, keep: ([PackedRun]) throws -> Void,
    mark: (ReplayPoint) throws -> Void = { _ in }
  ) throws -> ReplaySummary {
    let (compiled, directory) = (replayer.compiled, directory)
    var reached = start?.customers ?? 0
    return try replayer.runAnchored(
      directory, from: start, progress: progress, { RecordSink(compiled, directory) }, fold: fold
    ) { runs, ids, point in
      let threads = replayer.threads
      let groups = (runs.count + Self.runsAtATime - 1) / Self.runsAtATime
      let units = ReplayPass.packingUnits * directory.events(of: reached..<point.customers)
      var done = 0
      try Parallel.ahead(groups) { number in
        let first = number * Self.runsAtATime
        return try Self.pack(runs, first..<min(first + Self.runsAtATime, runs.count), ids, threads)
      } take: { packed in
        try keep(packed)
        replayer.meter?.add(units * (done + 1) / groups - units * done / groups)
        done += 1
      }
      try mark(point)
      reached = point.customers
    }
  }

  private static func pack(
    _ runs: [PendingRecords], _ range: Range<Int>, _ ids: EventIDs, _ threads: Int
  ) throws -> [PackedRun] {
    let ticket = Ticket()
    let parts = try Parallel.run(threads) { _ in
      var packed: [(number: Int, run: PackedRun)] = []
      while true {
        let number = range.lowerBound + ticket.take()
        if number >= range.upperBound { return packed }
        packed.append((number, runs[number].packed(ids.list(number))))
      }
    }
    return parts.flatMap { $0 }.sorted { $0.number < $1.number }.map(\.run)
  }
}
