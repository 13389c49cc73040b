import EventStore

/// How long customers take to come again: by the period of their first purchase, and each against the own habit. Sums over
/// customers, in any order.
struct PurchaseRhythm: Sendable {
  struct Cohort: Sendable {
    var buyers: Int64 = 0
    var repeatBuyers: Int64 = 0
    /// Between one purchase and the next, and between the first two, in microseconds.
    var gaps: [Int64] = []
    var firstGaps: [Int64] = []
  }

  /// Who has been away for longer than the own habit lets expect.
  struct Overdue: Sendable {
    var rank: UInt32
    var purchases: Int64
    var lastPurchase: Int64
    /// Twice the median of days between days with a purchase.
    var doubledRhythm: Int64
    /// UTC days from the last one with a purchase to as-of's.
    var sinceDays: Int64
    /// Sum of purchases, in minor units.
    var spend: Int64
  }

  /// By period.
  private(set) var cohorts: [Cohort]
  private(set) var overdue: [Overdue] = []

  init(periods: Int) { cohorts = Array(repeating: Cohort(), count: periods) }

  /// - Parameters:
  ///   - purchases: instants and amounts of one customer, in order.
  ///   - factor: a customer is overdue who has been away for more than this many times the own median.
  mutating func add(
    _ purchases: [(at: Int64, amount: Int64)], rank: UInt32, _ periods: Periods, asOf: Int64,
    factor: Double
  ) {
    guard let first = purchases.first, let last = purchases.last else { return }
    let cohort = periods.index(of: first.at)
    cohorts[cohort].buyers += 1
    if purchases.count > 1 {
      cohorts[cohort].repeatBuyers += 1
      cohorts[cohort].firstGaps.append(purchases[1].at - first.at)
    }
    var dayGaps: [Int64] = []
    for (purchase, next) in zip(purchases, purchases.dropFirst()) {
      cohorts[cohort].gaps.append(next.at - purchase.at)
      let days = Self.day(next.at) - Self.day(purchase.at)
      if days > 0 { dayGaps.append(days) }
    }
    // Two gaps are the fewest that are a habit.
    guard dayGaps.count > 1 else { return }
    dayGaps.sort()
    let doubled = dayGaps[(dayGaps.count - 1) / 2] + dayGaps[dayGaps.count / 2]
    let since = Self.day(asOf) - Self.day(last.at)
    guard Double(2 * since) > factor * Double(doubled) else { return }
    let spend = purchases.reduce(Int128(0)) { $0 + Int128($1.amount) }
    overdue.append(
      Overdue(
        rank: rank, purchases: Int64(purchases.count), lastPurchase: last.at,
        doubledRhythm: doubled, sinceDays: since, spend: Int64(clamping: spend)))
  }

  private static func day(_ instant: Int64) -> Int64 {
    ScalarValue.floorDivide(instant, Microseconds.day).0
  }

  mutating func add(_ other: PurchaseRhythm) {
    for index in cohorts.indices {
      cohorts[index].buyers += other.cohorts[index].buyers
      cohorts[index].repeatBuyers += other.cohorts[index].repeatBuyers
      cohorts[index].gaps += other.cohorts[index].gaps
      cohorts[index].firstGaps += other.cohorts[index].firstGaps
    }
    overdue += other.overdue
  }
}
