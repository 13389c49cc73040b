import EventStore
import Projections

/// A log folded under rules that no view has yet, to see what they make of it; nothing is written.
struct TrialFold {
  let report: FaultReport
  /// Set where customers are parked.
  let parked: CommandError?

  init(_ path: String, _ compiled: CompiledRules, _ times: FoldTimes) throws {
    let opened = try OpenedStore(path)
    let view = try opened.logView(asOf: times.asOf, knownAt: times.knownAt)
    let summary = try opened.run {
      try Replayer(compiled, view: view, threads: Threads.count(nil)).summary()
    }
    report = try opened.run { try FaultReport(summary, view: view) }
    parked = ParkedNotice.error(summary, exit: .problems)
  }
}
