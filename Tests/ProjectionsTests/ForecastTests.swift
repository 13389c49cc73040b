import Foundation
import Testing

@testable import Projections

/// Tracking tables, errors and probabilities of `value`, on purchases that can be counted by hand.
@Suite struct ForecastTests {
  private func buyer(_ rank: UInt32, _ known: [Int32], opportunities: Int32 = 0) throws
    -> Buyer
  {
    var value = CustomerValue()
    for day in known { value.addPurchase(at: Int64(day) * Microseconds.day, amount: 0) }
    var buyer = Buyer(value, rank)
    buyer.opportunities = opportunities
    return buyer
  }

  /// Three customers, cut at the end of day 20, as-of day 33, periods of a week.
  private func cohort(_ model: Rules.CLVModel = .bgNBD) throws -> CalibrationCohort {
    var log = PurchaseLog()
    log.add(try buyer(0, [0, 7, 8]), days: [0, 7, 8, 21, 33], spentLater: 0)
    // On the day of the cut, but after it.
    log.add(try buyer(1, [3]), days: [3, 20], spentLater: 0)
    log.add(try buyer(2, [20]), days: [20], spentLater: 0)
    let periods = try #require(
      TrackingPeriods(length: 7, firstDay: 0, cutDay: 20, lastDay: 33))
    return CalibrationCohort(log, PurchaseClock(model, unit: 7 * Microseconds.day), periods)
  }

  private static let model = ModifiedBetaGeometricNBD([0.524838, 6.182988, 0.891356, 1.614])

  @Test func `periods end with the cut, the first and the last may be short`() throws {
    let periods = try cohort().periods

    #expect(periods.ends == [6, 13, 20, 27, 33])
    #expect(periods.calibration == 3)
    #expect((0..<5).map { periods.start(of: $0) } == [0, 7, 14, 21, 28])
    let odd = try #require(TrackingPeriods(length: 7, firstDay: 0, cutDay: 9, lastDay: 9))
    #expect(odd.ends == [2, 9] && odd.calibration == 2)
    #expect(TrackingPeriods(length: 1, firstDay: 0, cutDay: 30_000, lastDay: 30_000) == nil)
  }

  @Test func `a purchase after the cut is of the holdout, even on the cut's own day`() throws {
    let cohort = try cohort()

    #expect(cohort.actualByPeriod == [0, 2, 0, 2, 1])
    #expect(cohort.actual == [2, 1, 0])
  }

  @Test func `expected purchases are summed over the days of first purchases`() throws {
    let cohort = try cohort()

    let found = try cohort.expectedSoFar(Self.model, threads: 1)

    func new(_ days: Double) -> Double {
      Self.model.expectedPurchases(ofNewCustomerWithin: days / 7)
    }
    let expected = [
      new(6) + new(3), new(13) + new(10), new(20) + new(17) + new(0),
      new(27) + new(24) + new(7), new(33) + new(30) + new(13),
    ]
    for (one, other) in zip(found, expected) { #expect((one - other).magnitude < 1e-12) }
    #expect(try cohort.expectedSoFar(Self.model, threads: 3) == found)
  }

  @Test func `a forecast is the sum of what each history lets expect`() throws {
    let cohort = try cohort()
    let histories = [
      PurchaseHistory(frequency: 2, recency: 8.0 / 7, age: 20.0 / 7),
      PurchaseHistory(frequency: 0, recency: 0, age: 17.0 / 7),
      PurchaseHistory(frequency: 0, recency: 0, age: 0),
    ]
    let alive = histories.map { Self.model.probabilityAlive($0) }

    let found = try cohort.forecasts(Self.model, alive: alive, threads: 2)

    for (place, time) in [1, 13.0 / 7].enumerated() {
      let sum = histories.reduce(0) { $0 + Self.model.expectedPurchases($1, within: time) }
      #expect((found.soFar[place] - sum).magnitude < 1e-12)
    }
    let rows = cohort.rows(
      expectedSoFar: try cohort.expectedSoFar(Self.model, threads: 1), forecastSoFar: found.soFar)
    #expect(rows.map(\.actualSoFar) == [0, 2, 2, 4, 5])
    #expect(rows.map(\.isHoldout) == [false, false, false, true, true])
    #expect(rows[2].to == "1970-01-21" && rows[3].from == "1970-01-22")
    #expect(rows[2].forecast == nil)
    #expect((try #require(rows[4].forecastSoFar) - 2 - found.soFar[1]).magnitude < 1e-12)
  }

  @Test func `under BG-BB an opportunity counts once, on its first day`() throws {
    var log = PurchaseLog()
    // Weeks from day 0: a second purchase in the first week is none, two in the second are one.
    log.add(
      try buyer(0, [0, 3, 7, 9], opportunities: 1), days: [0, 3, 7, 9, 15, 16], spentLater: 0)
    let periods = try #require(TrackingPeriods(length: 7, firstDay: 0, cutDay: 13, lastDay: 20))
    let cohort = CalibrationCohort(
      log, PurchaseClock(.bgBB, unit: 7 * Microseconds.day), periods)

    #expect(cohort.actualByPeriod == [0, 1, 1])
    #expect(cohort.actual == [1])
    let history = try #require(cohort.clock.history(log.days(of: 0), at: 20))
    #expect(history == PurchaseHistory(frequency: 2, recency: 2, age: 2))
  }

  @Test(arguments: [1.0, 10, 39, 300])
  func `to buy nothing has the probability that the likelihood gives it`(time: Double) throws {
    let new = PurchaseHistory(frequency: 0, recency: 0, age: 0)
    let silent = PurchaseHistory(frequency: 0, recency: 0, age: time)
    func check(_ model: some PurchaseModel) throws {
      let chance = PurchaseChance.whileAlive(model, 0, 0, within: time)
      let found = model.probabilityAlive(new) * chance
      let expected = -expm1(model.logLikelihood(silent))
      #expect((found - expected).magnitude < 1e-9, "\(model): \(found) \(expected)")
    }
    try check(BetaGeometricNBD([0.242593, 4.413532, 0.792886, 2.425752]))
    try check(Self.model)
    try check(ParetoNBD([0.553282, 10.577753, 0.606171, 11.666907]))
    try check(ParetoNBD([2.5, 40, 3, 0.02]))
    try check(BetaGeometricBetaBinomial([1.203522, 0.749716, 0.656718, 2.783442]))
  }

  @Test func `errors are those of customers, and what is not defined is not given`() throws {
    let error = HoldoutError(
      forecasts: [0.5, 1, 3], actual: [0, 2, 4], money: [5, 10, 30], spent: [0, 1500, 4500],
      scale: 100)

    #expect(error.forecast == 4.5 && error.actual == 6 && error.bias == -0.25)
    #expect((error.meanAbsolute - 2.5 / 3).magnitude < 1e-12)
    #expect((error.rootMeanSquare - (2.25 / 3).squareRoot()).magnitude < 1e-12)
    // Away from the means 1.5 and 2: (−1, −0.5, 1.5) and (−2, 0, 2).
    #expect((try #require(error.correlation) - 5 / (3.5 * 8).squareRoot()).magnitude < 1e-12)
    #expect(error.moneyForecast == 45 && error.moneyActual == 60)

    let nothing = HoldoutError(
      forecasts: [0.2, 0.3], actual: [0, 0], money: [1, nil], spent: [0, 0], scale: 100)
    #expect(nothing.bias == nil && nothing.correlation == nil && nothing.moneyForecast == nil)
    let equal = HoldoutError(
      forecasts: [0.1, 0.1], actual: [0, 1], money: [], spent: [], scale: 1)
    #expect(equal.correlation == nil)
  }

  @Test func `customers are put together by frequency, and by tenths of P(alive)`() {
    let rows = FrequencyRow.rows(
      frequencies: [0, 0, 7, 12], forecasts: [0.1, 0.2, 3, 4], actual: [0, 1, 2, 5])
    #expect(rows.count == 8)
    #expect(rows[0].customers == 2 && rows[0].actual == 1)
    #expect(rows[7].customers == 2 && rows[7].actual == 7 && rows[7].forecast == 7)

    let bins = AliveRow.rows(
      alive: [0, 0.05, 0.1, 0.95, 1], active: [0, 0, 0, 0.5, 0.5], actual: [0, 1, 0, 0, 2])
    #expect(bins.map(\.customers) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2])
    #expect(bins[9].active == 1 && bins[9].expectedActive == 1)
  }
}
