import EventStore

/// What is left of a run of customers, with events of which the ids are wanted.
protocol AnchoredRun: Sendable {
  /// Positions of the events; ``EventIDs/none`` stands for no event.
  var anchors: [UInt64] { get }
  /// What it takes in memory.
  var bytes: Int { get }
}

extension Replayer {
  /// Folds all customers and finds the ids of the events behind what is left of them.
  ///
  /// - Parameters:
  ///   - start: customers that were folded before, and what they came to; nil for none.
  ///   - progress: told the share that is done.
  ///   - make: a sink, for each thread and each stretch of runs.
  ///   - fold: called with each run in order, before its ids are known.
  ///   - keep: called with runs in order, the ids of their events, a list for each run, and how far the replay is behind them.
  func runAnchored<Sink: FoldSink>(
    _ directory: CustomerDirectory, from start: ReplayPoint? = nil,
    progress: (Double) -> Void = { _ in },
    _ make: @escaping @Sendable () -> Sink, fold: (Sink.Run) -> Void = { _ in },
    keep: ([Sink.Run], EventIDs, ReplayPoint) throws -> Void
  ) throws -> ReplaySummary where Sink.Run: AnchoredRun {
    var held: [Sink.Run] = []
    var (bytes, events) = (0, 0)
    var released = Files.monotonicSeconds()
    var point: ReplayPoint?
    func release() throws {
      guard let behind = point else { return }
      let ids = try AnchorIDs(view: view, threads: threads).find(held.map(\.anchors))
      meter?.add(ReplayPass.lookUpUnits * events)
      try keep(held, ids, behind)
      held = []
      point = nil
      (bytes, events) = (0, 0)
      released = Files.monotonicSeconds()
    }
    let summary = try run(directory, from: start, progress: progress, make) { folded in
      for run in folded.runs {
        fold(run)
        held.append(run)
        bytes += run.bytes
      }
      events += folded.events
      point = folded.point
      if bytes >= portions.heldBytes
        || Files.monotonicSeconds() - released >= portions.heldSeconds
      {
        try release()
      }
    }
    try release()
    return summary
  }
}
