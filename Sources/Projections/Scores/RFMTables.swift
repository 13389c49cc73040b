extension RFMPopulation {
  /// Customers who have something in common, and what they bought.
  package struct Group: Sendable {
    package private(set) var customers = 0
    private var age: Int128 = 0
    private var days: Int128 = 0
    private var money: Int128 = 0

    mutating func add(_ entry: Entry, asOf: Int64) {
      customers += 1
      age += Int128(asOf) - Int128(entry.recency)
      days += Int128(entry.frequency)
      money += Int128(entry.monetary)
    }

    /// Mean time since the last purchase in days of 24 hours; nil without customers.
    package var recencyDays: Double? {
      customers == 0 ? nil : Double(age) / Double(Microseconds.day) / Double(customers)
    }

    /// Mean number of UTC days with a purchase.
    package var frequency: Double? {
      customers == 0 ? nil : Double(days) / Double(customers)
    }

    /// Mean of purchases less refunds in minor units, half to even.
    package var monetary: Int64? {
      customers == 0
        ? nil : Int64(exactly: Rounding.halfToEven(money, by: Int128(customers)))
    }

    /// Sum of purchases less refunds in minor units; nil where out of range.
    package var total: Int64? { Int64(exactly: money) }
  }

  /// The eleven segments, in their order.
  package var segments: [(standing: Standing, group: Group)] {
    var groups = Standing.segments.map { _ in Group() }
    for entry in entries where entry.standing.isSegment {
      groups[entry.standing.number].add(entry, asOf: asOf)
    }
    return Array(zip(Standing.segments, groups))
  }

  /// The 25 pairs of R and F, both from 5 down.
  package var grid: [(r: Int, f: Int, group: Group)] {
    var groups = Array(repeating: Group(), count: 25)
    for entry in entries {
      guard let scores = entry.code else { continue }
      groups[Int(5 - scores.r) * 5 + Int(5 - scores.f)].add(entry, asOf: asOf)
    }
    return groups.enumerated().map { (r: 5 - $0 / 5, f: 5 - $0 % 5, group: $1) }
  }
}
