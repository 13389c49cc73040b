import EventStore

/// Folds a whole log under one rules file and gives the customers to sinks.
public struct Replayer {
  public let compiled: CompiledRules
  public let view: LogView
  let threads: Int
  private let followsSegments: Bool
  private let engine: FoldEngine
  let meter: WorkMeter?
  /// Memory for the events of one pass: a pass reads the log once for a run of customers. What may be used grows
  /// with the number of customers, so that the number of passes does not grow with the log.
  private static let passBytes = 120 << 20
  private static let passBytesPerCustomer = 128

  /// - Parameters:
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
    try view.directory(compiled, names: try view.snapshot.subjectNames(), threads: threads)
  }

  /// Folds all customers.
  ///
  /// - Parameters:
  ///   - progress: told the share that is done.
  ///   - make: a sink, for each thread and each stretch of runs.
  ///   - keep: called with the runs in order.
  func run<Sink: FoldSink>(
    _ directory: CustomerDirectory, progress: (Double) -> Void = { _ in },
    _ make: @escaping @Sendable () -> Sink, keep: (FoldedRuns<Sink>) throws -> Void
  ) throws -> ReplaySummary {
    var summary = ReplaySummary(compiled, asOf: view.asOf)
    summary.faults.identity = directory.identityFaults
    let passes = Self.passes(directory.counts, bytesPerEvent: bytesPerEvent(directory))
    let plan = TruthPlanBuilder.plan(compiled)
    let events = directory.eventCount
    meter?.begin(
      total: ReplayPass.readingUnits * passes.count * Int(view.size)
        + (ReplayPass.foldingUnits + ReplayPass.keepingUnits)
          * events,
      events: events)
    for (number, ranks) in passes.enumerated() {
      let pass = ReplayPass(
        compiled: compiled, view: view, directory: directory, ranks: ranks, threads: threads,
        followsSegments: followsSegments, engine: engine, plan: plan,
        meter: meter)
      try pass.run(into: &summary, make, keep: keep)
      progress(Double(number + 1) / Double(passes.count))
    }
    return summary
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
    _ counts: [UInt32], bytesPerEvent: Int, halves: Int = 2
  ) -> [Range<Int>] {
    let bytes = (passBytes + passBytesPerCustomer * counts.count) / 2 * halves
    let eventsPerPass = bytes / bytesPerEvent
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

/// For who asks for the counts of a replay and nothing else.
private struct CountingSink: FoldSink {
  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {}
}
