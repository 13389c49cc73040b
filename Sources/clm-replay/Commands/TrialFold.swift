import EventStore
import Projections

/// A log folded under rules that no view has yet, to see what they make of it; nothing is written.
struct TrialFold {
  let report: FaultReport
  /// Set where customers are parked.
  let parked: CommandError?
  private let view: LogView

  init(_ path: String, _ compiled: CompiledRules, _ times: FoldTimes) throws {
    let opened = try OpenedStore(path)
    view = try opened.logView(asOf: times.asOf, knownAt: times.knownAt)
    let view = view
    let summary = try opened.run {
      try Replayer(compiled, view: view, threads: Threads.count(nil)).summary()
    }
    report = try opened.run { try FaultReport(summary, view: view) }
    parked = ParkedNotice.error(summary, exit: .problems)
  }

  /// How often the rules do what they say in this log.
  func coverage(_ compiled: CompiledRules) throws -> RuleCoverage {
    try CommandError.translating {
      try RuleCoverage.of(view, compiled, threads: Threads.count(nil))
    }
  }
}
