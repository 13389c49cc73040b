import EventStore

/// Folds a whole log under one rules file and gives the customers to sinks.
public struct Replayer {
  package let compiled: CompiledRules
  package let view: LogView
  let threads: Int
  private let followsSegments: Bool
  private let engine: FoldEngine
  let meter: WorkMeter?
  /// What is done at a time.
  var portions = Portions()

  /// How much is done at a time; what comes out does not depend on it.
  struct Portions: Sendable {
    /// Memory for the events of one pass: a pass reads the log once for a run of customers. What may be used grows
    /// with the number of customers, so that the number of passes does not grow with the log.
    var passBytes = 120 << 20
    var passBytesPerCustomer = 128
    /// What is held before its ids are looked up, in bytes: each look-up reads the log, and rules may move customers any number
    /// of times.
    var heldBytes = 48 << 20
    /// What is folded slowly is not held longer than that.
    var heldSeconds = 2.0
    /// Runs that are folded before they are handed on; nil as the sink says.
    var runs: Int?
  }

  /// - Parameters:
  ///   - compiled: the rules.
  ///   - view: what of the log is in view.
  ///   - threads: at least 1; the result does not depend on it.
  ///   - followsSegments: find when customers were in segments.
  ///   - engine: what folds customers; the result does not depend on it.
  ///   - meter: told how far it is.
  public init(
    _ compiled: CompiledRules, view: LogView, threads: Int, followsSegments: Bool = false,
    engine: FoldEngine = .words, meter: WorkMeter? = nil
  ) {
    self.meter = meter
    self.engine = engine
    self.compiled = compiled
    self.followsSegments = followsSegments
    self.view = view
    self.threads = max(1, threads)
  }

  /// Folds all customers and counts them only.
  /// - Throws: what the store throws.
  public func summary() throws -> ReplaySummary { try counts(of: try directory()) }

  /// Folds the customers of a directory and counts them only.
  func counts(of directory: CustomerDirectory) throws -> ReplaySummary {
    try run(directory) {
      CountingSink()
    } keep: { _ in
    }
  }

  func directory() throws -> CustomerDirectory {
    try view.directory(
      compiled, names: try view.snapshot.subjectNames(threads: threads), threads: threads)
  }

  /// Folds all customers.
  ///
  /// - Parameters:
  ///   - start: customers that were folded before, and what they came to; nil for none.
  ///   - progress: told the share that is done.
  ///   - make: a sink, for each thread and each stretch of runs.
  ///   - keep: called with the runs in order.
  func run<Sink: FoldSink>(
    _ directory: CustomerDirectory, from start: ReplayPoint? = nil,
    progress: (Double) -> Void = { _ in },
    _ make: @escaping @Sendable () -> Sink, keep: (FoldedRuns<Sink>) throws -> Void
  ) throws -> ReplaySummary {
    var summary = start?.summary ?? ReplaySummary(compiled, asOf: view.asOf)
    summary.faults.identity = directory.identityFaults
    let done = start?.customers ?? 0
    let passes = passes(directory).filter { $0.upperBound > done }
    let plan = TruthPlanBuilder.plan(compiled)
    let events = directory.events(of: done..<directory.count)
    meter?.begin(
      total: ReplayPass.readingUnits * passes.count * Int(view.size)
        + (ReplayPass.foldingUnits + ReplayPass.lookUpUnits + ReplayPass.packingUnits
          + ReplayPass.finishingUnits) * events,
      events: events)
    for ranks in passes {
      let pass = ReplayPass(
        compiled: compiled, view: view, directory: directory, ranks: ranks, threads: threads,
        followsSegments: followsSegments, engine: engine, plan: plan,
        meter: meter)
      let first = max(0, done - ranks.lowerBound) / EventSlice.runLength
      try pass.run(
        into: &summary, from: first, runsAtATime: portions.runs ?? Sink.runsAtATime, make,
        keep: keep)
      progress(Double(ranks.upperBound) / Double(directory.count))
    }
    return summary
  }

  /// Customers of each pass, by their ranks.
  ///
  /// - Parameter halves: of the memory of a pass: 2 are all.
  func passes(_ directory: CustomerDirectory, halves: Int = 2) -> [Range<Int>] {
    Self.passes(
      directory.counts, bytesPerEvent: bytesPerEvent(directory), halves: halves,
      portions: portions)
  }

  /// What an event takes while its pass is folded, at most, on average.
  func bytesPerEvent(_ directory: CustomerDirectory) -> Int {
    let reader = EventReader(compiled, types: view.snapshot.typeNames)
    var bytes = 0
    for (type, count) in directory.typeCounts.enumerated() {
      bytes += count * RunEvents.bytes(values: reader.mostValues(ofType: type))
    }
    return bytes / max(1, directory.eventCount) + 1
  }

  /// Runs of customers whose events fit the memory of a pass.
  ///
  /// - Parameter halves: of that memory: 2 are all.
  static func passes(
    _ counts: [UInt32], bytesPerEvent: Int, halves: Int = 2,
    portions: Portions = Portions()
  ) -> [Range<Int>] {
    let bytes = (portions.passBytes + portions.passBytesPerCustomer * counts.count) / 2 * halves
    let eventsPerPass = max(1, bytes / bytesPerEvent)
    var passes: [Range<Int>] = []
    var start = 0
    var events = 0
    for (rank, count) in counts.enumerated() {
      if events > 0 && events + Int(count) > eventsPerPass {
        passes.append(start..<rank)
        start = rank
        events = 0
      }
      events += Int(count)
    }
    if start < counts.count { passes.append(start..<counts.count) }
    return passes
  }
}

extension Replayer {
  /// Folds customers, and counts some as they were, by one reading of the log where both fit the memory of a pass.
  ///
  /// - Parameters:
  ///   - earlier: customers of an earlier look at the log.
  ///   - other: that looks so; sees nothing that this one does not see.
  ///   - rows: among which all events of both are.
  ///   - make: a sink for each thread.
  ///   - keep: called with the runs in order.
  func run<Sink: FoldSink>(
    _ directory: CustomerDirectory, counting earlier: CustomerDirectory, by other: Replayer,
    among rows: BlockRows, _ make: @escaping @Sendable () -> Sink,
    keep: (FoldedRuns<Sink>) throws -> Void
  ) throws -> (now: ReplaySummary, before: ReplaySummary) {
    let (own, others) = (passes(directory, halves: 1), other.passes(earlier, halves: 1))
    guard own.count == 1, others.count == 1 else {
      let before = try other.counts(of: earlier)
      return (try run(directory, make, keep: keep), before)
    }
    let plan = TruthPlanBuilder.plan(compiled)
    func pass(_ view: LogView, _ directory: CustomerDirectory, _ ranks: Range<Int>) -> ReplayPass {
      ReplayPass(
        compiled: compiled, view: view, directory: directory, ranks: ranks, threads: threads,
        engine: engine, among: rows, plan: plan)
    }
    func summary(_ view: LogView, _ directory: CustomerDirectory) -> ReplaySummary {
      var summary = ReplaySummary(compiled, asOf: view.asOf)
      summary.faults.identity = directory.identityFaults
      return summary
    }
    let (ownPass, otherPass) = (
      pass(view, directory, own[0]), pass(other.view, earlier, others[0])
    )
    let read = try ownPass.readBlocks(with: otherPass)
    var (now, before) = (summary(view, directory), summary(other.view, earlier))
    guard let otherRead = read.other else { preconditionFailure("two passes give two readings") }
    try otherPass.fold(
      otherRead, into: &before, from: 0, runsAtATime: CountingSink.runsAtATime,
      { CountingSink() }, keep: { _ in })
    try ownPass.fold(
      read.own, into: &now, from: 0, runsAtATime: Sink.runsAtATime, make, keep: keep)
    return (now, before)
  }
}

/// For who asks for the counts of a replay and nothing else.
private struct CountingSink: FoldSink {
  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {}
}
