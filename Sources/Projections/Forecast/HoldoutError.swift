import Glibc

/// A forecast beside what happened in the holdout.
package struct HoldoutError: Sendable, Equatable {
  /// Repeat purchases in the holdout of all customers of the calibration, as forecast and as they came.
  package internal(set) var forecast = 0.0
  package internal(set) var actual: Int64 = 0
  /// Forecast ÷ actual − 1; nil where nothing was bought.
  package internal(set) var bias: Double?
  /// Mean of |forecast − actual| over customers.
  package internal(set) var meanAbsolute = 0.0
  /// Square root of the mean of (forecast − actual)².
  package internal(set) var rootMeanSquare = 0.0
  /// Pearson's, over customers; nil where one of both does not vary.
  package internal(set) var correlation: Double?
  /// Money spent in the holdout in whole currency, before margin and refunds: amount × forecast, and as it came; nil without an
  /// answer of the spending model.
  package internal(set) var moneyForecast: Double?
  package internal(set) var moneyActual = 0.0

  /// - Parameter money: expected of each customer; nil without an answer.
  init(forecasts: [Double], actual: [Int32], money: [Double?], spent: [Int64], scale: Double) {
    let count = Double(max(1, forecasts.count))
    var (absolute, squares) = (0.0, 0.0)
    for (forecast, actual) in zip(forecasts, actual) {
      self.forecast += forecast
      self.actual += Int64(actual)
      let error = forecast - Double(actual)
      absolute += error.magnitude
      squares += error * error
    }
    if self.actual > 0 { bias = forecast / Double(self.actual) - 1 }
    meanAbsolute = absolute / count
    rootMeanSquare = (squares / count).squareRoot()
    correlation = Self.correlation(forecasts, actual)
    moneyActual = spent.reduce(0) { $0 + Double($1) } / scale
    if !money.contains(nil) { moneyForecast = money.reduce(0) { $0 + ($1 ?? 0) } }
  }

  private static func correlation(_ left: [Double], _ right: [Int32]) -> Double? {
    let count = Double(left.count)
    if left.count < 2 { return nil }
    let means = (
      left.reduce(0, +) / count, Double(right.reduce(0) { $0 + Int64($1) }) / count
    )
    var (both, first, second) = (0.0, 0.0, 0.0)
    for (l, r) in zip(left, right) {
      let away = (l - means.0, Double(r) - means.1)
      both += away.0 * away.1
      first += away.0 * away.0
      second += away.1 * away.1
    }
    // Forecasts that are equal but for rounding do not vary.
    let isConstant = first <= 1e-18 * count * means.0 * means.0 || second == 0
    return isConstant ? nil : both / (first * second).squareRoot()
  }
}

/// Customers by their repeat purchases in the calibration.
package struct FrequencyRow: Sendable, Equatable {
  /// The last row holds those with so many or more.
  package static let last = 7

  package var frequency: Int
  package var customers: Int64 = 0
  package var actual: Int64 = 0
  package var forecast = 0.0

  /// All rows, those without customers included.
  static func rows(frequencies: [Int], forecasts: [Double], actual: [Int32]) -> [FrequencyRow] {
    var rows = (0...last).map { FrequencyRow(frequency: $0) }
    for customer in frequencies.indices {
      let row = min(last, frequencies[customer])
      rows[row].customers += 1
      rows[row].actual += Int64(actual[customer])
      rows[row].forecast += forecasts[customer]
    }
    return rows
  }
}

/// Customers by their P(alive) at the cut, in tenths: [0, 0.1), [0.1, 0.2), … [0.9, 1].
package struct AliveRow: Sendable, Equatable {
  static let count = 10

  package var tenth: Int
  package var customers: Int64 = 0
  /// Sums over customers.
  package var alive = 0.0
  package var active: Int64 = 0
  /// Probabilities to buy at least once in the holdout.
  package var expectedActive = 0.0

  package var from: Double { Double(tenth) / Double(Self.count) }
  package var to: Double { Double(tenth + 1) / Double(Self.count) }

  static func rows(alive: [Double], active: [Double], actual: [Int32]) -> [AliveRow] {
    var rows = (0..<count).map { AliveRow(tenth: $0) }
    for customer in alive.indices {
      let tenth = Int(min(Double(count - 1), max(0, alive[customer] * Double(count))))
      rows[tenth].customers += 1
      rows[tenth].alive += alive[customer]
      rows[tenth].expectedActive += active[customer]
      if actual[customer] > 0 { rows[tenth].active += 1 }
    }
    return rows
  }
}
