import EventStore

/// What is left of a run of customers, with events of which the ids are wanted.
protocol AnchoredRun: Sendable {
  /// Positions of the events; ``EventIDs/none`` stands for no event.
  var anchors: [UInt64] { get }
  /// What it takes in memory.
  var bytes: Int { get }
}

extension Replayer {
  /// What is held before its ids are looked up, in bytes: each look-up reads the log, and rules may move customers any number of
  /// times.
  private static let heldBytes = 48 << 20

  /// Folds all customers and finds the ids of the events behind what is left of them.
  ///
  /// - Parameters:
  ///   - progress: told the share that is done.
  ///   - make: a sink, for each thread and each stretch of runs.
  ///   - fold: called with each run in order, before its ids are known.
  ///   - keep: called with runs in order and the ids of their events, a list for each run.
  func runAnchored<Sink: FoldSink>(
    _ directory: CustomerDirectory, progress: (Double) -> Void = { _ in },
    _ make: @escaping @Sendable () -> Sink, fold: (Sink.Run) -> Void = { _ in },
    keep: ([Sink.Run], EventIDs) throws -> Void
  ) throws -> ReplaySummary where Sink.Run: AnchoredRun {
    var held: [Sink.Run] = []
    var (bytes, events) = (0, 0)
    func release() throws {
      if held.isEmpty { return }
      let ids = try AnchorIDs(view: view, threads: threads).find(held.map(\.anchors))
      try keep(held, ids)
      meter?.add(ReplayPass.keepingUnits * events)
      held = []
      (bytes, events) = (0, 0)
    }
    let summary = try run(directory, progress: progress, make) { folded in
      for run in folded.runs {
        fold(run)
        held.append(run)
        bytes += run.bytes
      }
      events += folded.events
      if bytes >= Self.heldBytes { try release() }
    }
    try release()
    return summary
  }
}
