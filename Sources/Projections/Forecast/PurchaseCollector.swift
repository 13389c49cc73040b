/// Gathers the purchases of the customers that one thread folds.
struct PurchaseCollector: FoldCollector {
  private let compiled: CompiledRules
  /// Purchases up to this instant, inclusive, are what models are fitted to.
  private let cut: Int64
  private let unit: Int64
  private(set) var log = PurchaseLog()
  private(set) var customers: Int64 = 0
  /// Ranks of those whose rules do not determine a stage.
  private(set) var parked: [UInt32] = []
  private var days: [Int32] = []

  init(_ compiled: CompiledRules, cut: Int64, unit: Int64) {
    self.compiled = compiled
    self.cut = cut
    self.unit = unit
  }

  mutating func forgetStrings() {}

  /// One that is parked is counted and left out, as from the fits of a replay.
  mutating func add(_ fold: CustomerFold, rank: UInt32) {
    guard fold.result.parked == nil else {
      parked.append(rank)
      return
    }
    customers += 1
    if fold.result.purchases.count == 0 { return }
    days.removeAll(keepingCapacity: true)
    var known = CustomerValue()
    var spentLater: Int64 = 0
    for event in 0..<fold.events.count {
      let instant = fold.events.occurred[event]
      for place in Int(fold.events.starts[event])..<Int(fold.events.starts[event + 1]) {
        let operation = fold.events.operations[place]
        guard operation.isFeed else { continue }
        if operation.number == compiled.purchaseFeed {
          let day = Int32(clamping: ScalarValue.floorDivide(instant, Microseconds.day).0)
          if days.last != day { days.append(day) }
          if instant <= cut {
            known.addPurchase(at: instant, amount: operation.value, unit: unit)
          } else {
            let (sum, overflow) = spentLater.addingReportingOverflow(operation.value)
            spentLater = overflow ? (operation.value < 0 ? .min : .max) : sum
          }
        } else if operation.number == compiled.refundFeed && instant <= cut {
          known.addRefund(amount: operation.value)
        }
      }
    }
    if known.count > 0 {
      log.add(Self.buyer(known, rank), days: days, spentLater: spentLater)
    } else {
      log.addLate(rank, firstDay: days[0])
    }
  }

  private static func buyer(_ value: CustomerValue, _ rank: UInt32) -> PendingCustomers.Buyer {
    PendingCustomers.Buyer(
      rank: rank, recency: value.lastPurchase, frequency: value.days,
      monetary: Int64(clamping: value.net), firstDay: Int32(clamping: value.firstDay),
      lastDay: Int32(clamping: value.lastDay), repeatTotal: Int64(clamping: value.repeatTotal),
      opportunities: Int32(clamping: value.opportunities),
      lastOpportunity: Int32(clamping: value.lastOpportunity))
  }

  mutating func add(_ other: PurchaseCollector) {
    log.add(other.log)
    customers += other.customers
    parked += other.parked
  }
}
