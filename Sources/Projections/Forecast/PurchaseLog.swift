/// What buyers bought, in flat arrays by rank: their history up to a cut, and the days of all their purchases.
///
/// A buyer's first purchase is at the cut or before it; who came later is counted only.
struct PurchaseLog: Sendable {
  /// At the cut, as a replay as of then would have them.
  private(set) var buyers: [Buyer] = []
  /// UTC days since 1970 with a purchase, rising; those of one buyer after those of the one before.
  private var days: [Int32] = []
  private var ends: [Int] = []
  /// Purchases after the cut, in minor units.
  private(set) var spentLater: [Int64] = []
  /// Customers whose first purchase is after the cut, and its day.
  private(set) var late: [(rank: UInt32, firstDay: Int32)] = []

  var count: Int { buyers.count }

  /// All days of a buyer; the first `frequency` of them are at the cut or before it.
  func days(of buyer: Int) -> ArraySlice<Int32> {
    days[(buyer == 0 ? 0 : ends[buyer - 1])..<ends[buyer]]
  }

  mutating func add(_ buyer: Buyer, days own: [Int32], spentLater: Int64) {
    buyers.append(buyer)
    days += own
    ends.append(days.count)
    self.spentLater.append(spentLater)
  }

  mutating func addLate(_ rank: UInt32, firstDay: Int32) { late.append((rank, firstDay)) }

  mutating func add(_ other: PurchaseLog) {
    let start = days.count
    buyers += other.buyers
    days += other.days
    ends += other.ends.map { $0 + start }
    spentLater += other.spentLater
    late += other.late
  }

  /// The same in the order of ranks: threads take customers in no order.
  func sorted() -> PurchaseLog {
    var sorted = PurchaseLog()
    sorted.late = late.sorted { $0.rank < $1.rank }
    sorted.buyers.reserveCapacity(buyers.count)
    sorted.days.reserveCapacity(days.count)
    sorted.ends.reserveCapacity(ends.count)
    sorted.spentLater.reserveCapacity(spentLater.count)
    for place in buyers.indices.sorted(by: { buyers[$0].rank < buyers[$1].rank }) {
      sorted.buyers.append(buyers[place])
      sorted.days += days(of: place)
      sorted.ends.append(sorted.days.count)
      sorted.spentLater.append(spentLater[place])
    }
    return sorted
  }
}
