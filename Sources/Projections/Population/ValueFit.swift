import EventStore
import Glibc

/// The models of `clv.model` fitted to all buyers, and what follows for each of them.
public struct ValueFit: Sendable {
  public let model: Rules.CLVModel
  /// Microseconds.
  public let unit: Int64
  /// Buyers that are not parked.
  public let customers: Int
  /// Names and values of the purchase model's parameters, time in ``unit``s; nil where it could not be fitted.
  public private(set) var purchases: (names: [String], fit: Fit)?
  public private(set) var spending: Fit?
  /// Why one of the models could not be fitted, in words.
  public private(set) var verdicts: [String] = []

  /// What the models say of one customer.
  struct Customer: Sendable, Equatable {
    var probabilityAlive: Double
    /// Within the horizon.
    var purchases: Double
    /// Minor units; nil where Gamma-Gamma has no answer.
    var value: Int64?
  }

  private let settings: Rules.CLVSettings
  private let asOf: Int64
  private let scale: Double

  /// - Throws: what a thread throws; a fit that fails is a verdict, not an error.
  init(
    _ settings: Rules.CLVSettings, model: Rules.CLVModel, digits: Int,
    buyers: [PendingCustomers.Buyer], asOf: Int64, threads: Int
  ) throws {
    self.settings = settings
    self.model = model
    self.asOf = asOf
    unit = settings.unit
    customers = buyers.count
    scale = pow(10, Double(digits))
    let histories = buyers.map { history($0) }
    do {
      switch model {
      case .bgNBD:
        purchases = (
          BetaGeometricNBD.parameterNames, try BetaGeometricNBD.fit(histories, threads: threads)
        )
      case .mbgNBD:
        purchases = (
          ModifiedBetaGeometricNBD.parameterNames,
          try ModifiedBetaGeometricNBD.fit(histories, threads: threads)
        )
      case .paretoNBD:
        purchases = (ParetoNBD.parameterNames, try ParetoNBD.fit(histories, threads: threads))
      case .bgBB:
        verdicts.append("clv.model bg_bb is not fitted yet")
        return
      }
    } catch let failure as FitFailure {
      verdicts.append("clv.model \(model.rawValue) is not fitted: \(failure.text)")
      return
    }
    do {
      spending = try GammaGamma.fit(
        buyers.map { .init(frequency: Double($0.frequency - 1), mean: mean($0)) },
        threads: threads)
    } catch let failure as FitFailure {
      verdicts.append("Gamma-Gamma is not fitted, so clv_expected stays empty: \(failure.text)")
    }
    if let spending, spending.parameters[1] <= 1 {
      verdicts.append(
        "Gamma-Gamma has q ≤ 1, a population without a mean: clv_expected stays empty where it would rest on it"
      )
    }
  }

  /// Differences between UTC days, in units.
  private func history(_ buyer: PendingCustomers.Buyer) -> PurchaseHistory {
    let today = ScalarValue.floorDivide(asOf, Microseconds.day).0
    let length = Double(Microseconds.day) / Double(unit)
    return PurchaseHistory(
      frequency: Double(buyer.frequency - 1),
      recency: Double(Int64(buyer.lastDay) - Int64(buyer.firstDay)) * length,
      age: Double(today - Int64(buyer.firstDay)) * length)
  }

  /// Mean value of the repeat days in whole currency; 0 without any.
  private func mean(_ buyer: PendingCustomers.Buyer) -> Double {
    buyer.frequency > 1 ? Double(buyer.repeatTotal) / scale / Double(buyer.frequency - 1) : 0
  }

  /// What the models say of each buyer; nil without a purchase model.
  func evaluate(_ buyers: [PendingCustomers.Buyer], threads: Int) throws -> [Customer]? {
    guard let fit = purchases?.fit else { return nil }
    let parameters = fit.parameters
    switch model {
    case .bgNBD: return try evaluate(BetaGeometricNBD(parameters), buyers, threads)
    case .mbgNBD: return try evaluate(ModifiedBetaGeometricNBD(parameters), buyers, threads)
    case .paretoNBD: return try evaluate(ParetoNBD(parameters), buyers, threads)
    case .bgBB: return nil
    }
  }

  private func evaluate(
    _ model: some PurchaseModel, _ buyers: [PendingCustomers.Buyer], _ threads: Int
  ) throws -> [Customer] {
    let gamma = spending.map { GammaGamma($0.parameters) }
    let count = buyers.count
    let fit = self
    return try Parallel.run(threads) { thread in
      (count * thread / threads..<count * (thread + 1) / threads).map {
        fit.customer(buyers[$0], model, gamma)
      }
    }.flatMap { $0 }
  }

  private func customer(
    _ buyer: PendingCustomers.Buyer, _ model: some PurchaseModel, _ gamma: GammaGamma?
  ) -> Customer {
    let history = history(buyer)
    let horizon = Double(settings.horizon) / Double(unit)
    var result = Customer(
      probabilityAlive: model.probabilityAlive(history),
      purchases: model.expectedPurchases(history, within: horizon), value: nil)
    guard let gamma else { return result }
    // Gamma-Gamma knows nothing of a mean that is not above 0: such a customer spends like all.
    let mean = mean(buyer)
    let value = gamma.expectedValue(
      mean > 0 ? .init(frequency: history.frequency, mean: mean) : .init(frequency: 0, mean: 0))
    guard value.isFinite, value >= 0 else { return result }
    let discounted = DiscountedValue.purchases(
      model, history, horizon: horizon, step: 1, rate: settings.discountRate,
      period: Double(settings.discountPeriod ?? unit) / Double(unit))
    let margin = Double(settings.margin.mantissa) / pow(10, Double(settings.margin.scale))
    let amount = (value * discounted * margin * scale).rounded(.toNearestOrEven)
    if amount.magnitude < 9e18 { result.value = Int64(amount) }
    return result
  }
}
