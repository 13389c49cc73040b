/// Gathers the purchases of the customers that one thread folds.
struct PurchaseCollector: FoldSink {
  private let compiled: CompiledRules
  /// Purchases up to this instant, inclusive, are what models are fitted to.
  private let cut: Int64
  private let wanted: CustomerValue.Wanted
  private(set) var log = PurchaseLog()
  private(set) var customers: Int64 = 0
  /// Ranks of those whose rules do not determine a stage.
  private(set) var parked: [UInt32] = []
  private var days: [Int32] = []

  init(_ compiled: CompiledRules, cut: Int64, unit: Int64) {
    self.compiled = compiled
    self.cut = cut
    wanted = CustomerValue.Wanted(opportunity: unit, isNet: compiled.valueWanted.isNet)
  }

  /// One that is parked is counted and left out, as from the fits of a replay.
  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {
    guard fold.result.parked == nil else {
      parked.append(rank)
      return
    }
    customers += 1
    if fold.result.purchases.all.count == 0 { return }
    days.removeAll(keepingCapacity: true)
    var known = CustomerValue(wanted)
    var spentLater: Int64 = 0
    for event in 0..<fold.events.count {
      let instant = fold.events.occurred[event]
      for place in 0..<fold.events.operationCount(event) {
        let operation = fold.events.operation(event, place)
        guard operation.isFeed else { continue }
        if operation.number == compiled.purchaseFeed {
          let day = Int32(clamping: ScalarValue.floorDivide(instant, Microseconds.day).0)
          if days.last != day { days.append(day) }
          if instant <= cut {
            known.addPurchase(at: instant, amount: operation.value)
          } else {
            spentLater = spentLater.saturatingSum(operation.value)
          }
        } else if operation.number == compiled.refundFeed && instant <= cut {
          known.addRefund(at: instant, amount: operation.value)
        }
      }
    }
    if known.all.count > 0 {
      log.add(Buyer(known, rank), days: days, spentLater: spentLater)
    } else {
      log.addLate(rank, firstDay: days[0])
    }
  }

  mutating func add(_ other: PurchaseCollector) {
    log.add(other.log)
    customers += other.customers
    parked += other.parked
  }
}
