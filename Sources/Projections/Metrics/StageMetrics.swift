/// Moves between stages, by period: sums over customers, in any order.
struct StageMetrics: Sendable {
  /// Of one stage in one period.
  struct Cell: Sendable {
    /// Change of the population: prefix sums over periods give it.
    var change: Int64 = 0
    var entries: Int64 = 0
    var exits: Int64 = 0
    var toNext: Int64 = 0
    var down: Int64 = 0
    var stuck: Int64 = 0
    var dropped: Int64 = 0
    var churned: Int64 = 0
    var wonBack: Int64 = 0
    /// Lengths of the stays that ended, in microseconds.
    var dwell: [Int64] = []
  }

  struct Move: Hashable, Sendable {
    var period: Int
    /// -1 for an entry.
    var from: Int32
    var to: Int32
  }

  private let stages: Int
  private(set) var cells: [Cell]
  /// Rows, and distinct customers.
  private(set) var flow: [Move: (rows: Int64, customers: Int64)] = [:]
  private var seen: Set<Move> = []

  init(periods: Int, stages: Int) {
    self.stages = stages
    cells = Array(repeating: Cell(), count: periods * stages)
  }

  func cell(_ period: Int, _ stage: Int) -> Cell { cells[period * stages + stage] }

  /// Adds the rows of one customer.
  mutating func add(_ rows: [FoldRow], _ plan: MetricsPlan, _ periods: Periods, asOf: Int64) {
    seen.removeAll(keepingCapacity: true)
    for (index, row) in rows.enumerated() {
      let stage = Int(row.to)
      let period = periods.index(of: row.at)
      let entry = period * stages + stage
      cells[entry].entries += 1
      cells[entry].change += 1
      let next = index + 1 < rows.count ? rows[index + 1] : nil
      let stuckAt = row.at.addingReportingOverflow(plan.settings.stuckAfter)
      let isStuck =
        !stuckAt.overflow && stuckAt.partialValue <= asOf
        && (next.map { $0.at > stuckAt.partialValue } ?? true)
      let goesDown = next.map { $0.to < row.to } ?? false
      if isStuck { cells[entry].stuck += 1 }
      if goesDown { cells[entry].down += 1 }
      if isStuck || goesDown { cells[entry].dropped += 1 }
      if let next {
        if next.to == row.to + 1 { cells[entry].toNext += 1 }
        let exit = periods.index(of: next.at) * stages
        cells[exit + stage].exits += 1
        cells[exit + stage].change -= 1
        cells[exit + stage].dwell.append(next.at - row.at)
        switch (plan.isChurned[stage], plan.isChurned[Int(next.to)]) {
        case (false, true): cells[exit + stage].churned += 1
        case (true, false): cells[exit + Int(next.to)].wonBack += 1
        default: break
        }
      }
      let move = Move(period: period, from: row.from, to: row.to)
      flow[move, default: (0, 0)].rows += 1
      if seen.insert(move).inserted { flow[move, default: (0, 0)].customers += 1 }
    }
  }

  mutating func add(_ other: StageMetrics) {
    for index in cells.indices {
      let from = other.cells[index]
      cells[index].change += from.change
      cells[index].entries += from.entries
      cells[index].exits += from.exits
      cells[index].toNext += from.toNext
      cells[index].down += from.down
      cells[index].stuck += from.stuck
      cells[index].dropped += from.dropped
      cells[index].churned += from.churned
      cells[index].wonBack += from.wonBack
      cells[index].dwell += from.dwell
    }
    for (move, count) in other.flow {
      flow[move, default: (0, 0)].rows += count.rows
      flow[move, default: (0, 0)].customers += count.customers
    }
  }
}
