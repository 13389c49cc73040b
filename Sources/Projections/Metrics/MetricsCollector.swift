/// Gathers the metrics of the customers that one thread folds.
struct MetricsCollector: FoldSink {
  private let plan: MetricsPlan
  private let periods: Periods
  private let asOf: Int64
  /// Aliases that a rate reads.
  private let isTimed: [Bool]
  private(set) var stages: StageMetrics
  private(set) var activity: ActivityMetrics
  private(set) var rhythm: PurchaseRhythm
  /// What is broken down, by the value of the field; all under none without one.
  private(set) var slices: [ByteString?: Slice] = [:]
  private(set) var events: EventMetrics
  private(set) var parked: Int64 = 0
  private(set) var customers: Int64 = 0
  /// When customers with one value of the field were active, and how far they came.
  struct Slice: Sendable {
    var activity: ActivityMetrics
    var funnel: FunnelMetrics
  }

  /// What one customer bought.
  struct Buyer: Sendable {
    var rank: UInt32
    /// Purchases less refunds, in minor units.
    var net: Int64
    var purchases: Int64
    var firstAt: Int64
    var firstPosition: UInt64
  }
  private(set) var buyers: [Buyer] = []
  /// By number of a string of the fold its number as a channel; -1 where that is not known.
  private var channelNumbers: [Int32] = []
  private var active: [Int] = []
  private var purchases: [(at: Int64, amount: Int64)] = []
  private var firstPurchase: (at: Int64, position: UInt64)?
  private var times: [[(event: Int, at: Int64)]]
  /// The customer's latest answer, and the first value of the field that tables are broken down by.
  private var answer: EventMetrics.Answer?
  private var slice: ByteString?

  init(_ plan: MetricsPlan, _ periods: Periods, asOf: Int64) {
    self.plan = plan
    self.periods = periods
    self.asOf = asOf
    let rules = plan.compiled.rules
    isTimed = rules.aliases.indices.map { alias in
      plan.funnel.contains(alias)
        || rules.rates.contains { $0.from == alias || $0.to == alias }
    }
    stages = StageMetrics(periods: periods.count, stages: rules.stages.count)
    activity = ActivityMetrics(periods: periods.count)
    rhythm = PurchaseRhythm(periods: periods.count)
    events = EventMetrics(
      periods: periods.count, rates: rules.rates.count, aliases: rules.aliases.count)
    times = Array(repeating: [], count: rules.aliases.count)
    if plan.breakdownFeed == nil { slices[nil] = emptySlice }
  }

  private var emptySlice: Slice {
    Slice(
      activity: ActivityMetrics(periods: periods.count),
      funnel: FunnelMetrics(periods: periods.count, steps: plan.funnel.count))
  }

  mutating func beginRun(stringsAnew: Bool) { if stringsAnew { channelNumbers.removeAll() } }

  /// Adds a customer that has been folded; one that is parked is counted and left out.
  mutating func add(_ fold: borrowing FoldedCustomer, rank: UInt32) {
    guard fold.result.parked == nil else {
      parked += 1
      return
    }
    customers += 1
    active.removeAll(keepingCapacity: true)
    purchases.removeAll(keepingCapacity: true)
    firstPurchase = nil
    answer = nil
    slice = nil
    for alias in times.indices where isTimed[alias] {
      times[alias].removeAll(keepingCapacity: true)
    }
    events.channels.beginCustomer()
    stages.add(fold.result.rows, plan, periods, asOf: asOf)
    var row = 0
    for event in 0..<fold.events.count {
      // The stage before the event: what time had settled by then, and what earlier events had.
      let at = fold.events.occurred[event]
      while row < fold.result.rows.count, Self.isBefore(fold.result.rows[row], event, at) {
        row += 1
      }
      addEvent(event, fold, rank: rank, stage: fold.result.rows[max(0, row - 1)].to)
    }
    activity.addPurchases(purchases)
    rhythm.add(
      purchases, rank: rank, periods, asOf: asOf, factor: plan.settings.overdueFactor)
    if let answer { events.addLatest(answer, stage: fold.result.stage) }
    addSlice()
    if fold.result.purchases.all.count > 0, let first = firstPurchase {
      buyers.append(
        Buyer(
          rank: rank, net: Int64(clamping: fold.result.purchases.all.net),
          purchases: fold.result.purchases.all.count, firstAt: first.at,
          firstPosition: first.position))
    }
    for (number, rate) in plan.compiled.rules.rates.enumerated() {
      events.addRate(
        number, from: times[rate.from], to: times[rate.to], within: rate.within, periods,
        asOf: asOf)
    }
  }

  private mutating func addSlice() {
    var own = slices[slice] ?? emptySlice
    slices[slice] = nil
    own.activity.addActivity(active)
    if !plan.funnel.isEmpty {
      own.funnel.add(
        plan.funnel.map { times[$0] }, within: plan.settings.funnelWithin, periods, asOf: asOf)
    }
    slices[slice] = own
  }

  private static func isBefore(_ row: FoldRow, _ event: Int, _ at: Int64) -> Bool {
    if row.at != at { return row.at < at }
    return row.isTimer || row.anchor < event || row.from < 0
  }

  private mutating func addEvent(
    _ event: Int, _ fold: borrowing FoldedCustomer, rank: UInt32, stage: Int32
  ) {
    let at = fold.events.occurred[event]
    var amount: Int64?
    var isActive = false
    var score: Double?
    // Few aliases are one event: their channels stand behind them.
    for place in 0..<fold.events.operationCount(event) {
      let operation = fold.events.operation(event, place)
      guard operation.isFeed else {
        if !operation.isAliasFault && operation.number == plan.scoreFeed {
          events.unreadScores.add(operation.reason, fold.events.position(event))
        }
        continue
      }
      if operation.number == plan.compiled.purchaseFeed {
        amount = operation.value
        purchases.append((at, operation.value))
        if firstPurchase == nil { firstPurchase = (at, fold.events.position(event)) }
        if plan.activity == .purchases { isActive = true }
        continue
      }
      switch plan.extra(operation.number) {
      case .alias(let alias)?:
        if plan.activity == .any || plan.activity == .alias(alias) { isActive = true }
        if isTimed[alias] { times[alias].append((event, at)) }
        let counts = plan.compiled.rules.clv?.purchase.alias == alias
        events.channels.add(
          alias, channel: channel(of: alias, event, fold), amount: counts ? amount : nil)
      case .score?: score = scoreValue(operation.value)
      case .breakdown?: if slice == nil { slice = breakdownText(operation.value, fold) }
      case .referred?:
        events.referrals.append(
          .init(
            referrer: rank, referred: text(operation.value, fold), at: at,
            position: fold.events.position(event)))
      case .channel?, nil: break
      }
    }
    if isActive {
      let period = periods.index(of: at)
      if active.last != period { active.append(period) }
    }
    if let score, let answers = plan.answers {
      let found = EventMetrics.Answer(
        score: score, period: periods.index(of: at),
        channel: events.channels.names[channel(of: answers, event, fold)])
      if events.addAnswer(found, stage: stage) { answer = found }
    }
  }

  private func breakdownText(_ bits: Int64, _ fold: borrowing FoldedCustomer) -> ByteString {
    switch plan.breakdownType {
    case .int: ByteString(String(bits))
    case .bool: ByteString(bits == 0 ? "false" : "true")
    default: text(bits, fold)
    }
  }

  private func scoreValue(_ bits: Int64) -> Double {
    plan.hasWholeScores ? Double(bits) : Double(bitPattern: UInt64(bitPattern: bits))
  }

  private mutating func channel(
    of alias: Int, _ event: Int, _ fold: borrowing FoldedCustomer
  ) -> Int {
    guard let feed = plan.channelFeeds[alias] else { return 0 }
    for place in 0..<fold.events.operationCount(event) {
      let operation = fold.events.operation(event, place)
      if operation.isFeed && operation.number == feed { return channel(operation.value, fold) }
    }
    return 0
  }

  /// The channel that a string of the fold names.
  private mutating func channel(_ string: Int64, _ fold: borrowing FoldedCustomer) -> Int {
    let place = Int(string)
    let missing = place + 1 - channelNumbers.count
    if missing > 0 { channelNumbers += Array(repeating: -1, count: missing) }
    if channelNumbers[place] < 0 {
      channelNumbers[place] = Int32(events.channels.number(of: text(string, fold)))
    }
    return Int(channelNumbers[place])
  }

  private func text(_ number: Int64, _ fold: borrowing FoldedCustomer) -> ByteString {
    ByteString(fold.interner.string(number))
  }

  mutating func add(_ other: MetricsCollector) {
    stages.add(other.stages)
    activity.add(other.activity)
    rhythm.add(other.rhythm)
    for (value, part) in other.slices {
      if var own = slices[value] {
        slices[value] = nil
        own.activity.add(part.activity)
        own.funnel.add(part.funnel)
        slices[value] = own
      } else {
        slices[value] = part
      }
    }
    events.add(other.events)
    parked += other.parked
    customers += other.customers
    buyers += other.buyers
  }
}
