import EventStore

/// Folds a log under two sides at once, customer by customer, so that nothing has to be kept of those who are the same.
struct ComparisonPass {
  private let plan: ComparisonPlan
  private let passes: BothSides<ReplayPass>
  private let threads: Int
  private let keepsAll: Bool
  /// Runs of customers that are folded before their differences are handed on.
  private static let runsAtATime = 64

  /// - Parameter passes: over the same ranks of directories that were united.
  init(_ plan: ComparisonPlan, _ passes: BothSides<ReplayPass>, threads: Int, keepsAll: Bool) {
    self.plan = plan
    self.passes = passes
    self.threads = threads
    self.keepsAll = keepsAll
  }

  /// - Parameters:
  ///   - summaries: get the counts of each side.
  ///   - keep: called with the differences in the order of the customers' names.
  func run(
    into counts: inout ComparisonCounts, _ summaries: inout BothSides<ReplaySummary>,
    keep: ([Difference]) throws -> Void
  ) throws {
    let read = BothSides(a: try passes.a.readBlocks(), b: try passes.b.readBlocks())
    summaries.a.add(read.a)
    summaries.b.add(read.b)
    let runCount = passes.a.runCount
    let step = keepsAll ? Self.runsAtATime : max(1, runCount)
    for first in stride(from: 0, to: runCount, by: step) {
      let ticket = Ticket()
      let work = self
      let parts = try Parallel.run(threads) { _ in
        try work.fold(first..<min(first + step, runCount), read, ticket)
      }
      for part in parts {
        counts.add(part.counts)
        summaries.a.add(part.sums.a.counts, part.sums.a.faults, passes.a.directory)
        summaries.b.add(part.sums.b.counts, part.sums.b.faults, passes.b.directory)
      }
      for run in parts.flatMap(\.runs).sorted(by: { $0.number < $1.number }) {
        try keep(run.differences)
      }
    }
  }

  /// What one thread makes of the runs that it takes.
  private struct Part: Sendable {
    var runs: [(number: Int, differences: [Difference])] = []
    var counts: ComparisonCounts
    var sums: BothSides<Sums>
  }

  private struct Sums: Sendable {
    var counts: FoldCounts
    var faults: FaultCounts

    init(_ compiled: CompiledRules) {
      counts = FoldCounts(compiled)
      faults = FaultCounts(compiled)
    }
  }

  private func fold(
    _ range: Range<Int>, _ read: BothSides<ReadEvents>, _ ticket: Ticket
  ) throws -> Part {
    var sums = BothSides(a: Sums(passes.a.compiled), b: Sums(passes.b.compiled))
    var runs: [(number: Int, differences: [Difference])] = []
    var sink = ComparisonSink(plan, keepsAll: keepsAll)
    var a = RunFolder(passes.a, read.a)
    var b = RunFolder(passes.b, read.b)
    let ranks = passes.a.ranks
    let directory = passes.a.directory
    while true {
      let run = range.lowerBound + ticket.take()
      if run >= range.upperBound { break }
      _ = a.begin(run)
      _ = b.begin(run)
      let start = ranks.lowerBound + run * EventSlice.runLength
      for customer in 0..<RunFolder.customers(of: run, in: ranks) {
        let rank = start + customer
        let has = BothSides(
          a: a.fold(customer: customer, rank: rank), b: b.fold(customer: customer, rank: rank))
        if has.a { sums.a.counts.add(a.fold.customer, rank: UInt32(rank)) }
        if has.b { sums.b.counts.add(b.fold.customer, rank: UInt32(rank)) }
        if has.a || has.b {
          sink.add(&a.fold, &b.fold, has: has, rank: UInt32(rank)) {
            directory.text(of: UInt32(rank))
          }
        }
      }
      if keepsAll { runs.append((run, sink.endRun())) }
    }
    sums.a.faults = a.fold.faults
    sums.b.faults = b.fold.faults
    return Part(runs: runs, counts: sink.counts, sums: sums)
  }
}
