import Glibc

/// What is to come, discounted: the horizon in steps of one unit, or for ever at a continuous rate.
struct Discounting: Sendable {
  /// Steps of one unit up to the horizon; the last one may be shorter.
  let schedule: DiscountedValue.Schedule
  /// For a time unit; nil where nothing is discounted, and all that is to come for ever may have no bound.
  let delta: Double?
  /// Units.
  let horizon: Double

  /// - Parameter horizon: microseconds; that of the settings unless given.
  init(_ settings: Rules.CLVSettings, horizon: Int64? = nil) {
    let unit = Double(settings.unit)
    let (rate, period) = (
      settings.discountRate, Double(settings.discountPeriod ?? settings.unit) / unit
    )
    self.horizon = Double(horizon ?? settings.horizon) / unit
    delta = rate > 0 ? log1p(rate) / period : nil
    schedule = DiscountedValue.Schedule(
      horizon: self.horizon, step: 1, rate: rate, period: period)
  }

  /// Expected purchases within the horizon (or a shorter time) of one who has not stopped, each discounted from the end of its unit.
  func worth(_ model: some PurchaseModel, _ frequency: Double, _ age: Double) -> Double {
    schedule.worth(model.expectedWhileAlive(frequency, age, within: schedule.times))
  }

  /// Discounted expected residual transactions (DERT) of one who has not stopped; nil where nothing is discounted.
  func residualWhileAlive(
    _ model: some PurchaseModel, _ frequency: Double, _ age: Double
  ) -> Double? {
    delta.map { DiscountedValue.residualWhileAlive(model, frequency, age, delta: $0) }
  }
}
