import Glibc

/// The value of purchases to come within a horizon, discounted.
public enum DiscountedValue {
  /// Expected purchases within `horizon`, cut into steps of `step` (the last one may be shorter), each step's purchases
  /// discounted to now from its end.
  ///
  /// - Parameters:
  ///   - rate: for one `period`, effective: what comes after t units is worth (1 + rate)^(−t ÷ period). 0 for none.
  ///   - horizon, step, period: in the unit of the history.
  public static func purchases(
    _ model: some PurchaseModel, _ history: PurchaseHistory, horizon: Double, step: Double,
    rate: Double, period: Double
  ) -> Double {
    model.probabilityAlive(history)
      * whileAlive(
        model, history.frequency, history.age, horizon: horizon, step: step, rate: rate,
        period: period)
  }

  /// The same of a customer who has not stopped by as-of: it depends on frequency and age alone.
  static func whileAlive(
    _ model: some PurchaseModel, _ frequency: Double, _ age: Double, horizon: Double, step: Double,
    rate: Double, period: Double
  ) -> Double {
    if rate == 0 { return model.expectedWhileAlive(frequency, age, within: horizon) }
    var value = 0.0
    var before = 0.0
    var number = 1.0
    while true {
      let end = min(step * number, horizon)
      let until = model.expectedWhileAlive(frequency, age, within: end)
      value += (until - before) * pow(1 + rate, -end / period)
      before = until
      if end >= horizon { return value }
      number += 1
    }
  }

  /// The simple lifetime value that people quote: margin of a period × retention ÷ (1 + discount − retention); cash at the
  /// end of each period, the first one after one period.
  public static func retention(margin: Double, retention: Double, discount: Double) -> Double {
    margin * retention / (1 + discount - retention)
  }
}
