/// What the models, RFM and the historical value know of a customer who bought something.
struct Buyer: Sendable {
  /// In the directory of customers.
  var rank: UInt32
  /// No money is to be expected, under `clv.monetary: net` only (``CustomerValue/keepsNothing``).
  var keepsNothing: Bool
  /// Instant of the last purchase.
  var recency: Int64
  /// UTC days with a purchase.
  var frequency: Int64
  /// Purchases less refunds, in minor units.
  var monetary: Int64
  /// UTC days since 1970.
  var firstDay: Int32
  var lastDay: Int32
  /// Money of the days after the first, in minor units: purchases, less refunds under `clv.monetary: net`
  /// (``CustomerValue/repeatTotal``).
  var repeatTotal: Int64
  var opportunities: Int32
  var lastOpportunity: Int32
}

extension Buyer {
  init(_ value: CustomerValue, _ rank: UInt32) {
    self.rank = rank
    keepsNothing = value.keepsNothing
    recency = value.all.lastPurchase
    frequency = value.all.days
    monetary = Int64(clamping: value.all.net)
    firstDay = Int32(clamping: value.firstDay)
    lastDay = Int32(clamping: value.all.lastDay)
    repeatTotal = Int64(clamping: value.repeatTotal)
    opportunities = Int32(clamping: value.opportunities)
    lastOpportunity = Int32(clamping: value.lastOpportunity)
  }
}

/// Customers who bought something and are not parked, in the order in which they were folded.
struct Buyers: Sendable {
  private(set) var all: [Buyer] = []
  /// Those who bought within `rfm.within`, with what they bought in it; empty where the rules set none.
  private(set) var recent: [RFM.Measures] = []

  var bytes: Int {
    MemoryLayout<Buyer>.stride * all.count + MemoryLayout<RFM.Measures>.stride * recent.count
  }

  /// Growing by copies would take twice as much; what is not written takes no memory.
  mutating func reserve(_ count: Int) { all.reserveCapacity(count) }

  /// Takes a customer, if it is one of them.
  mutating func add(_ result: FoldResult, rank: UInt32) {
    guard result.parked == nil, result.purchases.all.count > 0 else { return }
    all.append(Buyer(result.purchases, rank))
    if result.purchases.recent.count > 0 {
      recent.append(RFM.Measures(result.purchases.recent, rank: rank))
    }
  }

  /// Takes a buyer that is known already.
  mutating func add(_ buyer: Buyer, _ recent: RFM.Measures?) {
    all.append(buyer)
    if let recent { self.recent.append(recent) }
  }

  mutating func add(_ other: Buyers) {
    all += other.all
    recent += other.recent
  }

  /// RFM scores by rank; nil for who is not scored.
  ///
  /// - Parameter customers: of the directory.
  func scores(
    _ settings: Rules.RFMSettings, customers: Int, threads: Int
  ) throws -> [RFM.Scores?] {
    let isRecent = settings.within != nil
    let scored = try RFM.scores(
      recency: isRecent ? recent.map(\.recency) : all.map(\.recency),
      frequency: isRecent ? recent.map(\.frequency) : all.map(\.frequency),
      monetary: isRecent ? recent.map(\.monetary) : all.map(\.monetary),
      ties: settings.ties, threads: threads)
    let ranks = isRecent ? recent.map(\.rank) : all.map(\.rank)
    var byRank: [RFM.Scores?] = Array(repeating: nil, count: customers)
    for (rank, scores) in zip(ranks, scored) { byRank[Int(rank)] = scores }
    return byRank
  }
}

/// Margin × (purchases less refunds) of buyers, each rounded, added up.
struct HistoricalValue: Sendable {
  private let margin: Rules.Factor?
  private var sum: Int128 = 0

  init(_ rules: Rules) { margin = rules.clv?.margin }

  /// Takes a customer that is not parked.
  mutating func add(_ result: FoldResult) { add(amount(of: result) ?? 0) }

  mutating func add(_ buyer: Buyer) {
    if let margin { add(margin.times(buyer.monetary) ?? 0) }
  }

  mutating func add(_ amount: Int64) { sum += Int128(amount) }

  /// What one customer is worth so far, in minor units; nil for who bought nothing or is parked.
  func amount(of result: FoldResult) -> Int64? {
    guard let margin, result.parked == nil, result.purchases.all.count > 0 else { return nil }
    return margin.times(Int64(clamping: result.purchases.all.net))
  }

  mutating func add(_ other: HistoricalValue) { sum += other.sum }

  /// Minor units; nil without `clv`, and where it is out of range.
  var minorUnits: Int64? { margin == nil ? nil : Int64(exactly: sum) }
}
