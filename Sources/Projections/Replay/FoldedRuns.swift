/// A stretch of runs, folded.
struct FoldedRuns<Sink: FoldSink>: Sendable {
  /// In the order of the customers.
  let runs: [Sink.Run]
  /// One a thread.
  let sinks: [Sink]
  /// Events of the customers.
  let events: Int
  /// How far the replay is behind them.
  let point: ReplayPoint
}
