import EventStore
import Glibc

/// A purchase model with its spending model, fitted to buyers: all that a forecast asks of them.
struct FittedModel: Sendable {
  let fit: ValueFit
  let clock: ForecastClock

  init(
    _ model: Rules.CLVModel, _ settings: Rules.CLVSettings, digits: Int,
    buyers: [PendingCustomers.Buyer], asOf: Int64, threads: Int
  ) throws {
    fit = try ValueFit(
      settings, model: model, digits: digits, buyers: buyers, asOf: asOf, threads: threads)
    clock = ForecastClock(model, unit: settings.unit)
    scale = pow(10, Double(digits))
  }

  private let scale: Double

  /// Nil where it could not be fitted.
  var purchases: Fit? { fit.purchases?.fit }
  var model: (any PurchaseModel)? { purchases.map { fit.model.kind.init($0.parameters) } }

  // MARK: Money

  /// Expected value of a purchase in whole currency; nil without an answer of the spending model.
  ///
  /// - Parameters:
  ///   - frequency: days with a purchase, less the first one.
  ///   - mean: of the money of these days.
  func amount(frequency: Double, mean: Double) -> Double? {
    let amount: Double
    switch fit.spending {
    case .gammaGamma(let spending)?:
      amount = GammaGamma(spending.parameters).expectedValue(
        .init(frequency: frequency, mean: mean))
    case .mean(let all, _)?: amount = frequency > 0 ? max(0, mean) : all
    case nil: return nil
    }
    return amount.isFinite && amount >= 0 ? amount : nil
  }

  func amount(of buyer: PendingCustomers.Buyer) -> Double? {
    if buyer.keepsNothing && fit.spending != nil { return 0 }
    return amount(frequency: Double(buyer.frequency - 1), mean: mean(of: buyer))
  }

  /// Mean money of the days after the first, in whole currency; 0 without any.
  func mean(of buyer: PendingCustomers.Buyer) -> Double {
    buyer.frequency > 1 ? Double(buyer.repeatTotal) / scale / Double(buyer.frequency - 1) : 0
  }

  /// margin × amount × purchases in minor units, half to even.
  func value(_ amount: Double, times purchases: Double) -> Int64? {
    let margin =
      Double(fit.settings.margin.mantissa) / pow(10, Double(fit.settings.margin.scale))
    let value = (amount * purchases * margin * scale).rounded(.toNearestOrEven)
    return value.magnitude < 9e18 ? Int64(value) : nil
  }
}

/// What is to come, discounted: the horizon in steps of one unit, or for ever at a continuous rate.
struct Discounting: Sendable {
  /// Units.
  let horizon: Double
  private let rate: Double
  private let period: Double

  /// - Parameter horizon: microseconds; that of the settings unless given.
  init(_ settings: Rules.CLVSettings, horizon: Int64? = nil) {
    self.horizon = Double(horizon ?? settings.horizon) / Double(settings.unit)
    rate = settings.discountRate
    period = Double(settings.discountPeriod ?? settings.unit) / Double(settings.unit)
  }

  /// For a time unit; nil where nothing is discounted, and all that is to come for ever may have no bound.
  var delta: Double? { rate > 0 ? log1p(rate) / period : nil }

  /// Expected purchases within the horizon (or a shorter time) of one who has not stopped, each discounted from the end of its unit.
  func worth(_ model: some PurchaseModel, _ frequency: Double, _ age: Double) -> Double {
    let schedule = DiscountedValue.Schedule(
      horizon: horizon, step: 1, rate: rate, period: period)
    return schedule.worth(model.expectedWhileAlive(frequency, age, within: schedule.times))
  }

  /// Discounted expected residual transactions (DERT) of one who has not stopped; nil where nothing is discounted.
  func residualWhileAlive(
    _ model: some PurchaseModel, _ frequency: Double, _ age: Double
  ) -> Double? {
    delta.map { DiscountedValue.residualWhileAlive(model, frequency, age, delta: $0) }
  }
}
