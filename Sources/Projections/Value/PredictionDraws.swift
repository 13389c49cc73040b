import Glibc

/// Prediction intervals: what lies between quantiles of draws.
package struct PredictionInterval: Sendable, Equatable {
  /// Quantiles 2.5, 10, 90 and 97.5 %, as the smallest drawn value that so large a share of all does not exceed.
  package var low95, low80, high80, high95: Double

  /// - Parameter sorted: rising, not empty.
  init(sorted: [Double]) {
    func quantile(_ thousandths: Int) -> Double {
      sorted[max(0, (sorted.count * thousandths + 999) / 1000 - 1)]
    }
    low95 = quantile(25)
    low80 = quantile(100)
    high80 = quantile(900)
    high95 = quantile(975)
  }
}

/// Draws of what customers will do: parameters from the normal distribution of their logarithms around the fit, and under each
/// the customer's own state, purchases and amounts by the story of the models.
///
/// ``parameterDraws`` sets of parameters, the same for all customers (so that totals know of their error), and
/// ``futures`` futures of each customer under each.
struct PredictionDraws: Sendable {
  static let parameterDraws = 200
  static let futures = 5

  /// What an amount is drawn from.
  enum Spending: Sendable {
    /// By draw of parameters.
    case gammaGamma([GammaGamma])
    /// As it stands: of a customer with repeats his own mean.
    case mean(Double)
    case none
  }

  struct Customer: Sendable {
    /// Tells this customer's draws from all others'.
    var key: UInt64
    var history: PurchaseHistory
    /// Mean amount of the repeat days.
    var mean: Double
    /// No money is expected of him whatever he buys.
    var isWorthNothing = false
  }

  struct Outcome: Sendable {
    var purchases: PredictionInterval
    /// In the unit of the amounts, discounted, without margin; nil without a spending model.
    var value: PredictionInterval?
  }

  let models: [any PurchaseModel]
  let spending: Spending
  private let seed: UInt64
  private let step: Double
  private let horizon: Double
  private let factors: [Double]

  /// - Parameters:
  ///   - step, horizon: in the unit of the histories.
  ///   - factors: discounts at the ends of the steps; one alone where nothing is discounted.
  init(
    _ kind: any PurchaseModel.Type, purchases: Fit, spendingFit: Fit?, meanAmount: Double?,
    seed: UInt64, step: Double, horizon: Double, factors: [Double]
  ) {
    self.seed = seed
    self.horizon = horizon
    self.factors = factors
    self.step = factors.count == 1 ? horizon : step
    models = Self.parameters(purchases, seed: seed, stream: 1).map { kind.init($0) }
    if let spendingFit {
      spending = .gammaGamma(
        Self.parameters(spendingFit, seed: seed, stream: 2).map { GammaGamma($0) })
    } else if let meanAmount {
      spending = .mean(meanAmount)
    } else {
      spending = .none
    }
  }

  /// e^(ln θ + L z), with L Lᵀ the covariance of the logarithms; θ itself where there is none.
  private static func parameters(_ fit: Fit, seed: UInt64, stream: UInt64) -> [[Double]] {
    let root = lowerRoot(fit.logCovariance)
    return (0..<parameterDraws).map { number in
      var random = RandomSource(seed, stream, UInt64(number))
      let normals = fit.parameters.map { _ in random.normal() }
      return fit.parameters.indices.map { row in
        if root.isEmpty { return fit.parameters[row] }
        let move = (0...row).reduce(0) { $0 + root[row][$1] * normals[$1] }
        // Twenty standard errors of a fit with hardly any data leave the range of what a model can be asked.
        return fit.parameters[row] * exp(min(20, max(-20, move)))
      }
    }
  }

  /// Cholesky's L; rows without variance stay 0.
  static func lowerRoot(_ matrix: [[Double]]) -> [[Double]] {
    var root = matrix.map { $0.map { _ in 0.0 } }
    for row in matrix.indices {
      for column in 0...row {
        var sum = matrix[row][column]
        for k in 0..<column { sum -= root[row][k] * root[column][k] }
        if row == column {
          root[row][row] = max(0, sum).squareRoot()
        } else if root[column][column] > 0 {
          root[row][column] = sum / root[column][column]
        }
      }
    }
    return root
  }

  /// Intervals of each customer, and the sums over all customers of each draw.
  func run(
    _ customers: [Customer], threads: Int
  ) throws -> (outcomes: [Outcome], purchases: [Double], values: [Double]) {
    let length = 1024
    let blocks = (customers.count + length - 1) / length
    let draws = Self.parameterDraws * Self.futures
    let parts = try Pieces.map(blocks, threads: threads) { block in
      run(customers[block * length..<min(customers.count, (block + 1) * length)])
    }
    var outcomes: [Outcome] = []
    outcomes.reserveCapacity(customers.count)
    var purchases = Array(repeating: 0.0, count: draws)
    var values = purchases
    for part in parts {
      outcomes += part.outcomes
      for draw in 0..<draws {
        purchases[draw] += part.purchases[draw]
        values[draw] += part.values[draw]
      }
    }
    return (outcomes, purchases, values)
  }

  private func run(
    _ customers: ArraySlice<Customer>
  ) -> (outcomes: [Outcome], purchases: [Double], values: [Double]) {
    let draws = Self.parameterDraws * Self.futures
    let grouped = GroupedHistories(customers.map(\.history))
    var purchases = Array(repeating: 0.0, count: draws * customers.count)
    var values = purchases
    for (number, model) in models.enumerated() {
      draw(model, number, customers, grouped, &purchases, &values)
    }
    var (sums, worths) = (
      Array(repeating: 0.0, count: draws), Array(repeating: 0.0, count: draws)
    )
    var outcomes: [Outcome] = []
    for place in 0..<customers.count {
      let range = place * draws..<(place + 1) * draws
      for (draw, index) in range.enumerated() {
        sums[draw] += purchases[index]
        worths[draw] += values[index]
      }
      var outcome = Outcome(
        purchases: PredictionInterval(sorted: purchases[range].sorted()), value: nil)
      if hasSpending { outcome.value = PredictionInterval(sorted: values[range].sorted()) }
      outcomes.append(outcome)
    }
    return (outcomes, sums, worths)
  }

  private var hasSpending: Bool {
    if case .none = spending { return false }
    return true
  }

  private func draw(
    _ model: some PurchaseModel, _ number: Int, _ customers: ArraySlice<Customer>,
    _ grouped: GroupedHistories, _ purchases: inout [Double], _ values: inout [Double]
  ) {
    let alive = HistoriesLikelihood.probabilitiesAlive(model, grouped)
    var future = FutureDraw(step: step, horizon: horizon)
    let draws = Self.parameterDraws * Self.futures
    for (place, customer) in customers.enumerated() {
      var random = RandomSource(seed, 3, customer.key, UInt64(number))
      for own in 0..<Self.futures {
        if random.uniform() >= alive[Int(grouped.ofCustomer[place])] { continue }
        future.clear()
        model.drawFuture(
          customer.history.frequency, customer.history.age, &random, into: &future)
        let index = place * draws + number * Self.futures + own
        purchases[index] = future.total
        if purchases[index] > 0 { values[index] = value(future, customer, number, &random) }
      }
    }
  }

  private func value(
    _ future: FutureDraw, _ customer: Customer, _ number: Int, _ random: inout RandomSource
  ) -> Double {
    if customer.isWorthNothing { return 0 }
    let x = customer.history.frequency
    var value = 0.0
    switch spending {
    case .none: return 0
    case .mean(let all):
      let amount = x > 0 ? max(0, customer.mean) : all
      for (count, factor) in zip(future.counts, factors) { value += count * amount * factor }
    case .gammaGamma(let models):
      let model = models[number]
      let scale =
        (model.gamma + x * max(0, customer.mean)) / random.gamma(model.p * x + model.q)
      for (count, factor) in zip(future.counts, factors) where count > 0 {
        value += scale * random.gamma(model.p * count) * factor
      }
    }
    return value
  }
}
