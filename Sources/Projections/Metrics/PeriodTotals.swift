/// Purchases, and customers in segments, by the periods of some metrics; and what the fold says of faults.
package struct PeriodTotals: Sendable {
  /// Of one period.
  package struct Purchases: Sendable, Equatable {
    /// Customers with a purchase.
    package internal(set) var buyers: Int64 = 0
    package internal(set) var purchases: Int64 = 0
    /// Sum of the purchases in minor units, refunds not taken off; `Int64.max` where it is more than that.
    package internal(set) var amount: Int64 = 0
    /// Sum of the refunds in minor units, likewise.
    package internal(set) var refunded: Int64 = 0

    /// Of one purchase in minor units, half to even; nil without any.
    package var mean: Int64? {
      purchases == 0
        ? nil : Int64(exactly: Rounding.halfToEven(Int128(amount), by: Int128(purchases)))
    }
  }

  /// Names of the periods, as ``Metrics`` has them.
  package let labels: [String]
  /// Where each begins, and where the last one ends, in microseconds.
  package let starts: [Int64]
  /// Periods that are over at as-of: all of them, or all but the last.
  package let whole: Int
  /// By period; zero without `clv`.
  package let purchases: [Purchases]
  /// By segment in file order, then by period: customers in it at the period's end (in the last one at as-of). Empty for a
  /// segment that reads the population, which is known at as-of only.
  package let segments: [[Int64]]
  /// Stages, parked customers and faults of the same fold.
  package let summary: ReplaySummary

  /// - Parameters:
  ///   - compiled: the rules of `metrics`, without what these read beside them.
  ///   - view: what `metrics` folded.
  ///   - threads: at least 1; the result does not depend on it.
  /// - Throws: what the store throws.
  package init(
    _ compiled: CompiledRules, like metrics: Metrics, view: LogView, threads: Int
  ) throws {
    let periods = metrics.periods
    let replayer = Replayer(compiled, view: view, threads: threads, followsSegments: true)
    let directory = try replayer.directory()
    var found = PeriodTotalsSink(compiled, periods)
    summary = try replayer.run(directory) {
      PeriodTotalsSink(compiled, periods)
    } keep: { folded in
      for sink in folded.sinks { found.add(sink) }
    }
    (labels, starts) = (periods.labels, periods.starts)
    let isOver = view.asOf == Int64.max || view.asOf + 1 >= periods.starts[periods.count]
    whole = isOver ? periods.count : periods.count - 1
    purchases = found.purchases
    segments = compiled.rules.segments.enumerated().map { number, segment in
      if segment.readsPopulation { return [] }
      var inside: Int64 = 0
      return found.changes[number].map { change in
        inside += change
        return inside
      }
    }
  }
}

/// Gathers them of the customers that one thread folds.
private struct PeriodTotalsSink: FoldSink {
  private let compiled: CompiledRules
  private let periods: Periods
  private(set) var purchases: [PeriodTotals.Purchases]
  /// By segment, then by period: who came in less who went out.
  private(set) var changes: [[Int64]]

  init(_ compiled: CompiledRules, _ periods: Periods) {
    self.compiled = compiled
    self.periods = periods
    purchases = Array(repeating: PeriodTotals.Purchases(), count: periods.count)
    changes = compiled.rules.segments.map { _ in Array(repeating: 0, count: periods.count) }
  }

  /// One that is parked is left out, as by ``Metrics``.
  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {
    guard fold.result.parked == nil else { return }
    for spell in fold.result.spells {
      changes[Int(spell.segment)][periods.index(of: spell.from)] += 1
      if spell.to != Microseconds.never {
        changes[Int(spell.segment)][periods.index(of: spell.to)] -= 1
      }
    }
    if fold.result.purchases.all.count > 0 || compiled.refundFeed != nil { addMoney(fold) }
  }

  private mutating func addMoney(_ fold: borrowing FoldedCustomer) {
    var last = -1
    for event in 0..<fold.events.count {
      for place in 0..<fold.events.operationCount(event) {
        let operation = fold.events.operation(event, place)
        guard operation.isFeed else { continue }
        if operation.number == compiled.purchaseFeed {
          let period = periods.index(of: fold.events.occurred[event])
          purchases[period].purchases += 1
          if period != last { purchases[period].buyers += 1 }
          last = period
          purchases[period].amount = purchases[period].amount.saturatingSum(operation.value)
        } else if operation.number == compiled.refundFeed {
          let period = periods.index(of: fold.events.occurred[event])
          // A refund may be written with a sign or without.
          let amount = Int64(clamping: operation.value.magnitude)
          purchases[period].refunded = purchases[period].refunded.saturatingSum(amount)
        }
      }
    }
  }

  mutating func add(_ other: PeriodTotalsSink) {
    for period in purchases.indices {
      let more = other.purchases[period]
      purchases[period].buyers += more.buyers
      purchases[period].purchases += more.purchases
      purchases[period].amount = purchases[period].amount.saturatingSum(more.amount)
      purchases[period].refunded = purchases[period].refunded.saturatingSum(more.refunded)
    }
    for segment in changes.indices {
      for period in changes[segment].indices {
        changes[segment][period] += other.changes[segment][period]
      }
    }
  }
}
