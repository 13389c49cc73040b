/// The customers whom models are fitted to, and what they did, in the time of one kind of model.
struct CalibrationCohort: Sendable {
  let log: PurchaseLog
  let clock: PurchaseClock
  let periods: TrackingPeriods
  /// By customer: repeat purchases after the cut.
  let actual: [Int32]
  /// By period, of all of them.
  let actualByPeriod: [Int64]
  /// Days of first purchases, rising, and how many made theirs then.
  let firstDays: [(day: Int64, customers: Int64)]

  /// Customers of whom a model expects the same while they are alive: equal frequency and age.
  struct Pair: Sendable {
    var frequency: Double
    var age: Double
  }
  let pairs: [Pair]
  let pairOfCustomer: [Int32]

  init(_ log: PurchaseLog, _ clock: PurchaseClock, _ periods: TrackingPeriods) {
    self.log = log
    self.clock = clock
    self.periods = periods
    var actual: [Int32] = []
    actual.reserveCapacity(log.count)
    var byPeriod = Array(repeating: Int64(0), count: periods.ends.count)
    var firsts: [Int32: Int64] = [:]
    var pairs: [Pair] = []
    var numbers: [Int64: Int32] = [:]
    var pairOfCustomer: [Int32] = []
    pairOfCustomer.reserveCapacity(log.count)
    for index in 0..<log.count {
      let buyer = log.buyers[index]
      let days = log.days(of: index)
      firsts[buyer.firstDay, default: 0] += 1
      let lastKnown = days[days.startIndex + Int(buyer.frequency) - 1]
      var later: Int32 = 0
      clock.forEachRepeat(days) { day in
        let isLater = day > lastKnown
        if isLater { later += 1 }
        byPeriod[periods.index(of: Int64(day), isLater: isLater)] += 1
      }
      actual.append(later)
      let history = clock.history(buyer, at: periods.cutDay)
      let key = Int64(history.frequency) << 32 | (periods.cutDay - Int64(buyer.firstDay))
      let number = numbers[key] ?? Int32(pairs.count)
      if Int(number) == pairs.count {
        numbers[key] = number
        pairs.append(Pair(frequency: history.frequency, age: history.age))
      }
      pairOfCustomer.append(number)
    }
    self.actual = actual
    actualByPeriod = byPeriod
    firstDays = firsts.sorted { $0.key < $1.key }.map { (Int64($0.key), $0.value) }
    self.pairs = pairs
    self.pairOfCustomer = pairOfCustomer
  }

  /// Expected repeat purchases by the end of each period of all who had bought by then: Σ n(s) E[X(t − s)] over the days s of
  /// first purchases.
  ///
  /// P. S. Fader, B. G. S. Hardie, K. L. Lee: Implementing the BG/NBD Model for Customer Base Analysis in Excel (2005), the
  /// tracking plot; as figures 2 and 3 of "Counting Your Customers" the Easy Way (2005).
  func expectedSoFar(_ model: some PurchaseModel, threads: Int) throws -> [Double] {
    // Ages in days at which a new customer is asked about.
    var isAsked = Array(repeating: false, count: Int(periods.lastDay - periods.firstDay) + 1)
    for end in periods.ends {
      for first in firstDays where first.day <= end { isAsked[Int(end - first.day)] = true }
    }
    let ages = isAsked.indices.filter { isAsked[$0] }
    let clock = clock
    let alive = model.probabilityAlive(PurchaseHistory(frequency: 0, recency: 0, age: 0))
    let parts = try Pieces.map(ages.count, length: 256, threads: threads) { range in
      model.expectedWhileAlive(0, 0, within: ages[range].map { clock.time(from: 0, to: Int64($0)) })
    }
    var expected = Array(repeating: 0.0, count: isAsked.count)
    for (age, value) in zip(ages, parts.flatMap { $0 }) { expected[age] = alive * value }
    return periods.ends.map { end in
      firstDays.reduce(0) { sum, first in
        first.day <= end
          ? sum + Double(first.customers) * expected[Int(end - first.day)] : sum
      }
    }
  }

  /// Expected purchases of all customers from the cut to the end of each later period, given their histories, and those of one
  /// of each pair who is alive to the end of the last.
  func forecasts(
    _ model: some PurchaseModel, alive: [Double], threads: Int
  ) throws -> (soFar: [Double], whileAlive: [Double]) {
    let times = periods.ends[periods.calibration...].map {
      clock.time(from: periods.cutDay, to: $0)
    }
    if times.isEmpty { return ([], Array(repeating: 0, count: pairs.count)) }
    var weights = Array(repeating: 0.0, count: pairs.count)
    for (customer, pair) in pairOfCustomer.enumerated() { weights[Int(pair)] += alive[customer] }
    let (pairs, aliveOfPair) = (pairs, weights)
    let parts = try Pieces.map(pairs.count, length: 128, threads: threads) { range in
      var sums = Array(repeating: 0.0, count: times.count)
      var last: [Double] = []
      for pair in range {
        let expected = model.expectedWhileAlive(
          pairs[pair].frequency, pairs[pair].age, within: times)
        for (place, value) in expected.enumerated() { sums[place] += aliveOfPair[pair] * value }
        last.append(expected[expected.count - 1])
      }
      return (sums, last)
    }
    var sums = Array(repeating: 0.0, count: times.count)
    for part in parts {
      for place in sums.indices { sums[place] += part.0[place] }
    }
    return (sums, parts.flatMap(\.1))
  }

  /// Probability that one of each pair who is alive at the cut buys at least once in the holdout.
  func chances(_ model: some PurchaseModel, threads: Int) throws -> [Double] {
    let time = clock.time(from: periods.cutDay, to: periods.lastDay)
    let pairs = pairs
    return try Pieces.map(pairs.count, length: 128, threads: threads) { range in
      range.map {
        PurchaseChance.whileAlive(model, pairs[$0].frequency, pairs[$0].age, within: time)
      }
    }.flatMap { $0 }
  }

  /// The tracking table, without the forecast.
  func rows(expectedSoFar: [Double], forecastSoFar: [Double]) -> [TrackingRow] {
    var rows: [TrackingRow] = []
    var soFar: Int64 = 0
    var atCut: Int64 = 0
    for (period, end) in periods.ends.enumerated() {
      soFar += actualByPeriod[period]
      if period < periods.calibration { atCut = soFar }
      var row = TrackingRow(
        from: Days.text(periods.start(of: period)), to: Days.text(end), endDay: end,
        isHoldout: period >= periods.calibration, actual: actualByPeriod[period],
        expected: expectedSoFar[period] - (period == 0 ? 0 : expectedSoFar[period - 1]),
        actualSoFar: soFar, expectedSoFar: expectedSoFar[period])
      if row.isHoldout {
        let later = period - periods.calibration
        row.forecast = forecastSoFar[later] - (later == 0 ? 0 : forecastSoFar[later - 1])
        row.forecastSoFar = Double(atCut) + forecastSoFar[later]
      }
      rows.append(row)
    }
    return rows
  }
}
