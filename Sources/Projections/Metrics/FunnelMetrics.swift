import EventStore

/// How far customers came through steps in order: sums over customers, in any order.
///
/// Each event of the first step begins an attempt, which takes the earliest event of each next step and ends where the next one
/// does not come before the time is up. Of a customer's attempts in one period the one that comes furthest counts, the earliest
/// of these.
struct FunnelMetrics: Sendable {
  struct Step: Sendable {
    var customers: Int64 = 0
    /// Who came to the step before, and whose time is not up.
    var open: Int64 = 0
    /// Since the step before, in microseconds.
    var times: [Int64] = []
  }

  /// By period, then by step.
  private(set) var steps: [[Step]]

  init(periods: Int, steps: Int) {
    self.steps = Array(repeating: Array(repeating: Step(), count: steps), count: periods)
  }

  /// - Parameters:
  ///   - events: of one customer, by step: numbers and instants, in order.
  ///   - within: an event counts before this much time has passed since the first step, in microseconds.
  mutating func add(
    _ events: [[(event: Int, at: Int64)]], within: Int64, _ periods: Periods, asOf: Int64
  ) {
    var best: [Int64] = []
    var isOpen = false
    var period = -1
    for start in events[0] {
      let own = periods.index(of: start.at)
      if own != period {
        count(best, isOpen: isOpen, period)
        (best, isOpen, period) = ([], false, own)
      }
      let marks = Self.attempt(events, from: start, within: within)
      if marks.count > best.count { best = marks }
      if asOf - start.at < within - 1 { isOpen = true }
    }
    count(best, isOpen: isOpen, period)
  }

  /// The instants of the steps that an attempt comes to.
  private static func attempt(
    _ events: [[(event: Int, at: Int64)]], from start: (event: Int, at: Int64), within: Int64
  ) -> [Int64] {
    var marks = [start.at]
    var last = start.event
    for step in events.dropFirst() {
      var low = 0
      var high = step.count
      while low < high {
        let middle = (low + high) / 2
        if step[middle].event > last { high = middle } else { low = middle + 1 }
      }
      guard low < step.count, step[low].at - start.at < within else { break }
      marks.append(step[low].at)
      last = step[low].event
    }
    return marks
  }

  private mutating func count(_ marks: [Int64], isOpen: Bool, _ period: Int) {
    if marks.isEmpty { return }
    for index in marks.indices {
      steps[period][index].customers += 1
      if index > 0 { steps[period][index].times.append(marks[index] - marks[index - 1]) }
    }
    if isOpen && marks.count < steps[period].count { steps[period][marks.count].open += 1 }
  }

  mutating func add(_ other: FunnelMetrics) {
    for period in steps.indices {
      for index in steps[period].indices {
        let from = other.steps[period][index]
        steps[period][index].customers += from.customers
        steps[period][index].open += from.open
        steps[period][index].times += from.times
      }
    }
  }
}
