import Glibc

extension ValueFit {
  /// What will come within the horizon, as quantiles of draws.
  package struct Prediction: Sendable {
    package var purchases: PredictionInterval
    /// Discounted, with margin, in minor units; nil without a spending model.
    package var value: MoneyInterval?

    /// How many futures the quantiles are of.
    package static let draws = PredictionDraws.parameterDraws * PredictionDraws.futures

    package struct MoneyInterval: Sendable, Equatable {
      package var low95, low80, high80, high95: Int64
    }
  }

  /// Predictions of each buyer, and of the sum over all; nil without a purchase model.
  ///
  /// - Parameter keys: of each buyer, telling his draws from all others'.
  func predict(
    _ buyers: [Buyer], keys: [UInt64], seed: UInt64, threads: Int
  ) throws -> (each: [Prediction], total: Prediction)? {
    guard let purchases, !buyers.isEmpty else { return nil }
    var spendingFit: Fit?
    var meanAmount: Double?
    switch spending {
    case .gammaGamma(let fit)?: spendingFit = fit
    case .mean(let mean, _)?: meanAmount = mean
    case nil: break
    }
    let discounting = Discounting(settings)
    let draws = PredictionDraws(
      model.kind, purchases: purchases.fit, spendingFit: spendingFit, meanAmount: meanAmount,
      seed: seed, step: 1, horizon: discounting.horizon,
      factors: discounting.schedule.factors)
    let found = try draws.run(
      zip(buyers, keys).map { buyer, key in
        .init(
          key: key, history: history(buyer), mean: mean(buyer),
          isWorthNothing: buyer.keepsNothing)
      }, threads: threads)
    let hasValue = spending != nil
    return (
      found.outcomes.map { Prediction(purchases: $0.purchases, value: $0.value.map(money)) },
      Prediction(
        purchases: PredictionInterval(sorted: found.purchases.sorted()),
        value: hasValue ? money(PredictionInterval(sorted: found.values.sorted())) : nil)
    )
  }

  private func money(_ interval: PredictionInterval) -> Prediction.MoneyInterval {
    .init(
      low95: minor(interval.low95), low80: minor(interval.low80), high80: minor(interval.high80),
      high95: minor(interval.high95))
  }

  private func minor(_ amount: Double) -> Int64 {
    Int64(max(-9e18, min(9e18, (amount * margin * scale).rounded(.toNearestOrEven))))
  }
}
