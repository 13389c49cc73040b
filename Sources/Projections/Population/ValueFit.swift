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
  /// The parameters were given, not fitted.
  public let isGiven: Bool

  /// What the models say of one customer.
  struct Customer: Sendable, Equatable {
    var probabilityAlive: Double
    /// Within the horizon.
    var purchases: Double
    /// Minor units; nil where Gamma-Gamma has no answer.
    var value: Int64?
  }

  public let settings: Rules.CLVSettings
  private let asOf: Int64
  private let scale: Double
  private var grouped = GroupedHistories([])

  /// - Parameter given: parameters of an earlier fit, which are taken as they are.
  /// - Throws: what a thread throws; a fit that fails is a verdict, not an error.
  init(
    _ settings: Rules.CLVSettings, model: Rules.CLVModel, digits: Int,
    buyers: [PendingCustomers.Buyer], asOf: Int64, threads: Int, given: ValueParameters? = nil
  ) throws {
    self.settings = settings
    self.model = model
    self.asOf = asOf
    unit = settings.unit
    customers = buyers.count
    scale = pow(10, Double(digits))
    isGiven = given != nil
    let (histories, grouped) = try group(buyers, threads)
    self.grouped = grouped
    if let given {
      try take(given, grouped, threads)
      return
    }
    do {
      purchases = (
        model.kind.parameterNames, try model.kind.fit(histories, grouped, threads: threads)
      )
    } catch let failure as FitFailure {
      verdicts.append("clv.model \(model.rawValue) is not fitted: \(failure.text)")
      return
    }
    do {
      spending = try GammaGamma.fit(spendings(buyers), threads: threads)
    } catch let failure as FitFailure {
      verdicts.append("Gamma-Gamma is not fitted, so clv_expected stays empty: \(failure.text)")
    }
    judgeSpending()
  }

  private func group(
    _ buyers: [PendingCustomers.Buyer], _ threads: Int
  ) throws -> ([PurchaseHistory], GroupedHistories) {
    let fit = self
    let histories = try MaximumLikelihood.map(buyers.count, threads: threads) {
      fit.history(buyers[$0])
    }
    return (histories, GroupedHistories(histories))
  }

  private func spendings(_ buyers: [PendingCustomers.Buyer]) -> [GammaGamma.Spending] {
    buyers.map { .init(frequency: Double($0.frequency - 1), mean: mean($0)) }
  }

  /// Parameters of another fit, with the likelihood of these buyers under them.
  private mutating func take(
    _ given: ValueParameters, _ grouped: GroupedHistories, _ threads: Int
  ) throws {
    let likelihood = HistoriesLikelihood(grouped: grouped, threads: threads)
    purchases = (
      model.kind.parameterNames,
      Fit(
        parameters: given.purchases,
        logLikelihood: try likelihood.value(model.kind.init(given.purchases)),
        standardErrors: nil, customers: customers)
    )
    if given.spending == nil {
      verdicts.append("the parameters given have none of Gamma-Gamma: clv_expected stays empty")
    }
    spending = given.spending.map {
      Fit(parameters: $0, logLikelihood: .nan, standardErrors: nil, customers: customers)
    }
    judgeSpending()
  }

  private mutating func judgeSpending() {
    guard let spending, spending.parameters[1] <= 1 else { return }
    verdicts.append(
      "Gamma-Gamma has q ≤ 1, a population without a mean: clv_expected stays empty where it would rest on it"
    )
  }

  /// Differences between UTC days, in units; under `bg_bb` opportunities of one unit each.
  private func history(_ buyer: PendingCustomers.Buyer) -> PurchaseHistory {
    let today = ScalarValue.floorDivide(asOf, Microseconds.day).0
    if model == .bgBB {
      let age = (today - Int64(buyer.firstDay)) * Microseconds.day / unit
      return PurchaseHistory(
        frequency: Double(buyer.opportunities), recency: Double(buyer.lastOpportunity),
        age: Double(age))
    }
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
    return try evaluate(model.kind.init(fit.parameters), buyers, threads)
  }

  /// What is to come for one who is still alive depends on frequency and age alone: it is computed once for each pair.
  private struct Prospect: Sendable {
    var term: AgeTerm
    var purchases: Double
    /// Discounted.
    var worth: Double
  }

  private func evaluate(
    _ model: some PurchaseModel, _ buyers: [PendingCustomers.Buyer], _ threads: Int
  ) throws -> [Customer] {
    let gamma = spending.map { GammaGamma($0.parameters) }
    let fit = self
    let grouped = grouped
    let horizon = Double(settings.horizon) / Double(unit)
    let period = Double(settings.discountPeriod ?? unit) / Double(unit)
    let prospects = try MaximumLikelihood.map(grouped.ages.count, threads: threads) { place in
      let pair = grouped.ages[place]
      return Prospect(
        term: model.ageTerm(pair.frequency, pair.time),
        purchases: model.expectedWhileAlive(pair.frequency, pair.time, within: horizon),
        worth: DiscountedValue.whileAlive(
          model, pair.frequency, pair.time, horizon: horizon, step: 1,
          rate: fit.settings.discountRate, period: period))
    }
    let alive = try MaximumLikelihood.map(grouped.histories.count, threads: threads) { place in
      let history = grouped.histories[place]
      let recency = grouped.recencies[Int(history.recency)]
      return model.probabilityAlive(
        prospects[Int(history.age)].term, model.recencyTerm(recency.frequency, recency.time))
    }
    return try MaximumLikelihood.map(buyers.count, threads: threads) { index in
      let place = Int(grouped.ofCustomer[index])
      let prospect = prospects[Int(grouped.histories[place].age)]
      return Customer(
        probabilityAlive: alive[place], purchases: alive[place] * prospect.purchases,
        value: fit.value(buyers[index], alive[place] * prospect.worth, gamma))
    }
  }

  /// Value of discounted purchases to come, in minor units, half to even; nil without an answer of Gamma-Gamma.
  private func value(
    _ buyer: PendingCustomers.Buyer, _ discounted: Double, _ gamma: GammaGamma?
  ) -> Int64? {
    guard let gamma else { return nil }
    // Under `monetary: net`: who returned what he bought has shown what he is worth.
    if buyer.keepsNothing { return 0 }
    // Gamma-Gamma knows nothing of a mean that is not above 0: such a customer spends like all.
    let mean = mean(buyer)
    let frequency = Double(buyer.frequency - 1)
    let value = gamma.expectedValue(
      mean > 0 ? .init(frequency: frequency, mean: mean) : .init(frequency: 0, mean: 0))
    guard value.isFinite, value >= 0 else { return nil }
    let margin = Double(settings.margin.mantissa) / pow(10, Double(settings.margin.scale))
    let amount = (value * discounted * margin * scale).rounded(.toNearestOrEven)
    return amount.magnitude < 9e18 ? Int64(amount) : nil
  }
}

extension Rules.CLVModel {
  var kind: any PurchaseModel.Type {
    switch self {
    case .bgNBD: BetaGeometricNBD.self
    case .mbgNBD: ModifiedBetaGeometricNBD.self
    case .paretoNBD: ParetoNBD.self
    case .bgBB: BetaGeometricBetaBinomial.self
    }
  }

  /// Names of the parameters, in the order of the paper.
  public var parameterNames: [String] { kind.parameterNames }
}
