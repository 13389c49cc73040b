import EventStore
import Glibc

/// One model: how it was fitted, what it expects, and how that compares with what happened.
public struct ModelForecast: Sendable {
  /// A fit of the purchase or of the spending model.
  public struct Parameters: Sendable {
    /// As the model calls them, in the order of ``values``.
    public var names: [String]
    /// Time in units, money in whole currency.
    public var values: [Double]
    /// nil where the data say nothing of a parameter.
    public var standardErrors: [Double?]
    /// Natural logarithm.
    public var logLikelihood: Double
    /// To how many it was fitted.
    public var customers: Int
  }

  /// Within the horizon, of all customers of the calibration.
  public struct Total: Sendable {
    /// Expected, not discounted.
    public var purchases: Double
    /// Minor units; nil where some customer's value has no answer.
    public var value: Int64?
  }

  /// Of one who makes the first purchase now.
  package struct Newcomer: Sendable {
    /// Repeat purchases within the horizon.
    package var purchases: Double
    /// The same, discounted.
    package var discounted: Double
    /// margin × amount of these purchases, and with the first one: minor units.
    package var value: Int64?
    package var valueWithFirst: Int64?
  }

  /// Which one.
  public let model: Rules.CLVModel
  /// Of the purchase model; nil without a fit.
  public internal(set) var parameters: Parameters?
  /// 2 k − 2 ln L, with k free parameters; nil without a fit.
  public internal(set) var aic: Double?
  /// k ln n − 2 ln L, with n customers; nil without a fit.
  public internal(set) var bic: Double?
  /// Of Gamma-Gamma; nil without a fit.
  public internal(set) var spending: Parameters?
  /// What is to be known of the fit; none where all is well.
  public internal(set) var verdicts: [FitVerdict]
  /// Nil without a fit.
  public internal(set) var total: Total?
  /// Prediction intervals of the total, where they were asked for.
  package internal(set) var predictedTotal: ValueFit.Prediction?
  package internal(set) var newcomer: Newcomer?
  package internal(set) var tracking: [TrackingRow] = []
  package internal(set) var error: HoldoutError?
  package internal(set) var frequencies: [FrequencyRow] = []
  package internal(set) var aliveRows: [AliveRow] = []

  let fitted: ValueFit
  /// Kept where rows of customers are asked for.
  private(set) var values: [ValueFit.Customer] = []
  private(set) var predictions: [ValueFit.Prediction] = []
  private(set) var forecasts: [Double] = []
  private(set) var actual: [Int32] = []
  /// What is to come for ever and within the horizon for one of each pair while alive, and each customer's pair.
  private(set) var prospects: [Prospect] = []
  private(set) var pairOfCustomer: [Int32] = []

  struct Prospect: Sendable {
    /// Purchases within the horizon, discounted.
    var worth: Double
    /// All to come, discounted; nil without a rate.
    var residual: Double?
  }

  /// `ok`, or the code of the first verdict.
  public var verdict: String { verdicts.first?.code.rawValue ?? "ok" }

  /// Its likelihood is of purchases in continuous time, so that it can be held against that of the others.
  public var isComparable: Bool { model != .bgBB }

  init(
    _ model: Rules.CLVModel, _ settings: Rules.CLVSettings, digits: Int, _ log: PurchaseLog,
    _ periods: TrackingPeriods, cut: Int64, keepsCustomers: Bool, draws: IntervalDraws?,
    threads: Int
  ) throws {
    self.model = model
    fitted = try ValueFit(
      settings, model: model, digits: digits, buyers: log.buyers, asOf: cut, threads: threads)
    verdicts = fitted.verdicts
    guard let fit = fitted.purchases?.fit, let kind = fitted.purchaseModel else { return }
    parameters = Parameters(
      names: model.parameterNames, values: fit.parameters, standardErrors: fit.standardErrors,
      logLikelihood: fit.logLikelihood, customers: fit.customers)
    let free = Double(fit.freeParameters)
    aic = 2 * free - 2 * fit.logLikelihood
    bic = free * Glibc.log(Double(fit.customers)) - 2 * fit.logLikelihood
    spending = fitted.spendingParameters
    let discounting = Discounting(settings)
    newcomer = fitted.newcomer(kind, discounting)
    guard let values = try fitted.evaluate(log.buyers, threads: threads) else { return }
    total = Self.total(values)
    let cohort = CalibrationCohort(log, fitted.clock, periods)
    try compare(kind, cohort, values, threads: threads)
    if let draws,
      let found = try fitted.predict(
        log.buyers, keys: draws.keys, seed: draws.seed, threads: threads)
    {
      predictedTotal = found.total
      if keepsCustomers { predictions = found.each }
    }
    guard keepsCustomers else {
      (forecasts, actual) = ([], [])
      return
    }
    self.values = values
    pairOfCustomer = cohort.pairOfCustomer
    prospects = try Self.prospects(kind, cohort.pairs, discounting, threads: threads)
  }

  private static func prospects(
    _ model: some PurchaseModel, _ pairs: [CalibrationCohort.Pair], _ discounting: Discounting,
    threads: Int
  ) throws -> [Prospect] {
    try Pieces.map(pairs.count, length: 64, threads: threads) { range in
      pairs[range].map { pair in
        Prospect(
          worth: discounting.worth(model, pair.frequency, pair.age),
          residual: discounting.residualWhileAlive(model, pair.frequency, pair.age))
      }
    }.flatMap { $0 }
  }

  private static func total(_ values: [ValueFit.Customer]) -> Total {
    var total = Total(purchases: 0, value: nil)
    var sum: Int128? = 0
    for customer in values {
      total.purchases += customer.purchases
      if let before = sum, let value = customer.value {
        sum = before + Int128(value)
      } else {
        sum = nil
      }
    }
    total.value = sum.flatMap { Int64(exactly: $0) }
    return total
  }

  private mutating func compare(
    _ kind: some PurchaseModel, _ cohort: CalibrationCohort, _ values: [ValueFit.Customer],
    threads: Int
  ) throws {
    let alive = values.map(\.probabilityAlive)
    let expected = try cohort.expectedSoFar(kind, threads: threads)
    let later = try cohort.forecasts(kind, alive: alive, threads: threads)
    tracking = cohort.rows(expectedSoFar: expected, forecastSoFar: later.soFar)
    if later.soFar.isEmpty { return }
    let buyers = cohort.log.buyers
    actual = cohort.actual
    forecasts = cohort.pairOfCustomer.indices.map {
      alive[$0] * later.whileAlive[Int(cohort.pairOfCustomer[$0])]
    }
    let chances = try cohort.chances(kind, threads: threads)
    let active = cohort.pairOfCustomer.indices.map {
      alive[$0] * chances[Int(cohort.pairOfCustomer[$0])]
    }
    let money = buyers.indices.map { index in
      fitted.amount(of: buyers[index]).map { $0 * forecasts[index] }
    }
    error = HoldoutError(
      forecasts: forecasts, actual: actual, money: money, spent: cohort.log.spentLater,
      scale: fitted.scale)
    let clock = fitted.clock
    frequencies = FrequencyRow.rows(
      frequencies: buyers.map {
        clock.countsOpportunities ? Int($0.opportunities) : Int($0.frequency - 1)
      }, forecasts: forecasts, actual: actual)
    aliveRows = AliveRow.rows(alive: alive, active: active, actual: actual)
  }
}

extension ValueFit {
  var spendingParameters: ModelForecast.Parameters? {
    guard case .gammaGamma(let spending)? = spending else { return nil }
    return ModelForecast.Parameters(
      names: GammaGamma.parameterNames, values: spending.parameters,
      standardErrors: spending.standardErrors, logLikelihood: spending.logLikelihood,
      customers: spending.customers)
  }

  func newcomer(
    _ model: some PurchaseModel, _ discounting: Discounting
  ) -> ModelForecast.Newcomer {
    let new = PurchaseHistory(frequency: 0, recency: 0, age: 0)
    let alive = model.probabilityAlive(new)
    let purchases = alive * model.expectedWhileAlive(0, 0, within: [discounting.horizon])[0]
    let discounted = alive * discounting.worth(model, 0, 0)
    let amount = amount(frequency: 0, mean: 0)
    return ModelForecast.Newcomer(
      purchases: purchases, discounted: discounted,
      value: amount.flatMap { value($0, times: discounted) },
      valueWithFirst: amount.flatMap { value($0, times: 1 + discounted) })
  }
}
