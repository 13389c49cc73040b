/// When customers were active, and how they bought: sums over customers, in any order.
struct ActivityMetrics: Sendable {
  struct Lifecycle: Sendable {
    var new: Int64 = 0
    var returning: Int64 = 0
    var resurrecting: Int64 = 0
    var dormant: Int64 = 0
  }

  struct Buyer: Sendable {
    /// Purchases, in minor units.
    var spend: Int64
    var orders: Int64
  }

  private(set) var lifecycle: [Lifecycle]
  struct CohortAge: Hashable, Sendable {
    /// Period of the first activity, and periods since.
    var first: Int
    var age: Int
  }

  /// Active customers; where there are none, nothing stands.
  private(set) var cohorts: [CohortAge: Int64] = [:]
  /// Customers by the age at which they were active for the last time.
  private(set) var lastAges: [CohortAge: Int64] = [:]
  private(set) var buyers: [Buyer] = []
  private(set) var repeatBuyers: Int64 = 0
  private(set) var repeatDayBuyers: Int64 = 0
  /// Microseconds between purchases, and UTC days between days with one.
  private(set) var gaps: [Int64] = []
  private(set) var dayGaps: [Int64] = []

  init(periods: Int) {
    lifecycle = Array(repeating: Lifecycle(), count: periods)
  }

  /// - Parameter active: distinct periods with activity, in order.
  mutating func addActivity(_ active: [Int]) {
    guard let first = active.first, let last = active.last else { return }
    lastAges[CohortAge(first: first, age: last - first), default: 0] += 1
    for (place, period) in active.enumerated() {
      cohorts[CohortAge(first: first, age: period - first), default: 0] += 1
      if place == 0 {
        lifecycle[period].new += 1
      } else if active[place - 1] == period - 1 {
        lifecycle[period].returning += 1
      } else {
        lifecycle[period].resurrecting += 1
      }
      let isFollowed = place + 1 < active.count && active[place + 1] == period + 1
      if !isFollowed && period + 1 < lifecycle.count { lifecycle[period + 1].dormant += 1 }
    }
  }

  /// - Parameter purchases: instants and amounts, in order.
  mutating func addPurchases(_ purchases: [(at: Int64, amount: Int64)]) {
    guard let first = purchases.first else { return }
    var spend: Int128 = Int128(first.amount)
    var days = 1
    var day = ScalarValue.floorDivide(first.at, Microseconds.day).0
    var before = first.at
    for purchase in purchases.dropFirst() {
      spend += Int128(purchase.amount)
      gaps.append(purchase.at - before)
      before = purchase.at
      let next = ScalarValue.floorDivide(purchase.at, Microseconds.day).0
      if next != day {
        days += 1
        dayGaps.append(next - day)
        day = next
      }
    }
    buyers.append(Buyer(spend: Int64(clamping: spend), orders: Int64(purchases.count)))
    if purchases.count > 1 { repeatBuyers += 1 }
    if days > 1 { repeatDayBuyers += 1 }
  }

  mutating func add(_ other: ActivityMetrics) {
    for index in lifecycle.indices {
      lifecycle[index].new += other.lifecycle[index].new
      lifecycle[index].returning += other.lifecycle[index].returning
      lifecycle[index].resurrecting += other.lifecycle[index].resurrecting
      lifecycle[index].dormant += other.lifecycle[index].dormant
    }
    for (key, count) in other.cohorts { cohorts[key, default: 0] += count }
    for (key, count) in other.lastAges { lastAges[key, default: 0] += count }
    buyers += other.buyers
    repeatBuyers += other.repeatBuyers
    repeatDayBuyers += other.repeatDayBuyers
    gaps += other.gaps
    dayGaps += other.dayGaps
  }
}
