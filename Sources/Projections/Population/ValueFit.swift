import EventStore
import Glibc

/// The models of `clv.model` fitted to all buyers, and what follows for each of them.
package struct ValueFit: Sendable {
  package let model: Rules.CLVModel
  /// Microseconds.
  package let unit: Int64
  /// Buyers that are not parked.
  package let customers: Int
  /// Names and values of the purchase model's parameters, time in ``unit``s; nil where it could not be fitted.
  package private(set) var purchases: (names: [String], fit: Fit)?
  package private(set) var spending: Spending?
  /// What is to be known of both models.
  package private(set) var verdicts: [FitVerdict] = []
  /// The parameters were given, not fitted.
  package let isGiven: Bool

  /// What a purchase is worth.
  package enum Spending: Sendable {
    case gammaGamma(Fit)
    /// In its place: the mean of the customer's own repeat days, of one without any the mean of all such means, in whole
    /// currency, over so many customers.
    case mean(Double, customers: Int)
  }

  /// What the models say of one customer.
  struct Customer: Sendable, Equatable {
    var probabilityAlive: Double
    /// Within the horizon.
    var purchases: Double
    /// Minor units; nil where the spending model has no answer.
    var value: Int64?
  }

  package let settings: Rules.CLVSettings
  let clock: PurchaseClock
  /// UTC day of as-of, since 1970.
  private let today: Int64
  /// Minor units of a whole one.
  let scale: Double
  private var grouped = GroupedHistories([])

  /// - Parameters:
  ///   - given: parameters of an earlier fit, which are taken as they are.
  ///   - progress: called at each step of a search, with how many there were.
  /// - Throws: what a thread throws; a fit that fails is a verdict, not an error.
  init(
    _ settings: Rules.CLVSettings, model: Rules.CLVModel, digits: Int,
    buyers: [Buyer], asOf: Int64, threads: Int, given: ValueParameters? = nil,
    progress: (_ steps: Int) -> Void = { _ in }
  ) throws {
    self.settings = settings
    self.model = model
    clock = PurchaseClock(model, unit: settings.unit)
    today = ScalarValue.floorDivide(asOf, Microseconds.day).0
    unit = settings.unit
    customers = buyers.count
    scale = pow(10, Double(digits))
    isGiven = given != nil
    let fit = self
    grouped = GroupedHistories(
      try Pieces.mapEach(buyers.count, threads: threads) { fit.history(buyers[$0]) })
    let spendings = spendings(buyers)
    tellAmounts(spendings)
    if let given {
      try take(given, spendings, threads)
      return
    }
    do {
      let fit = try model.kind.fit(
        grouped, threads: threads, settings: fitSettings(.purchases),
        progress: progress)
      purchases = (model.kind.parameterNames, fit)
      verdicts = fit.verdicts + verdicts
    } catch let failure as FitFailure {
      verdicts = [failure.verdict]
      return
    }
    try fitSpending(spendings, threads, progress)
  }

  private mutating func fitSpending(
    _ spendings: [GammaGamma.Spending], _ threads: Int, _ progress: (Int) -> Void
  ) throws {
    do {
      let fit = try GammaGamma.fit(
        spendings, threads: threads, settings: fitSettings(.spending),
        progress: progress)
      verdicts += fit.verdicts
      if fit.verdicts.contains(where: { $0.code == .spendTooSteady }) {
        spending = Self.meanSpending(spendings)
      } else {
        spending = .gammaGamma(fit)
        judge(fit)
      }
    } catch let failure as FitFailure {
      verdicts.append(failure.verdict)
      if failure.verdict.code == .amountsZero { spending = Self.meanSpending(spendings) }
    }
  }

  /// A prior of the purchase model is of the one that the rules name, not of another with parameters of the same names.
  private func fitSettings(_ part: Rules.Prior.Part) -> FitSettings {
    FitSettings(
      penalizer: settings.penalizer,
      priors: settings.prior.filter {
        $0.part == part && (part == .spending || model == settings.model)
      }.map { .init(name: $0.name, median: $0.median, sigma: $0.sigma) })
  }

  private static func meanSpending(_ spendings: [GammaGamma.Spending]) -> Spending {
    let repeaters = spendings.filter { $0.frequency > 0 }
    let sum = repeaters.reduce(0) { $0 + max(0, $1.mean) }
    return .mean(sum / Double(max(1, repeaters.count)), customers: repeaters.count)
  }

  private func spendings(_ buyers: [Buyer]) -> [GammaGamma.Spending] {
    buyers.map { .init(frequency: Double($0.frequency - 1), mean: mean($0)) }
  }

  private mutating func tellAmounts(_ spendings: [GammaGamma.Spending]) {
    let repeaters = spendings.count { $0.frequency > 0 }
    let below = spendings.count { $0.frequency > 0 && $0.mean <= 0 }
    if below == 0 || below == repeaters { return }
    let isNet = settings.monetary == .net
    verdicts.append(
      FitVerdict(
        code: .negativeAmounts,
        message:
          "\(below) of \(repeaters) customers who bought again spent 0 or less on average: they are left out of the fit of Gamma-Gamma and \(isNet ? "expected to bring nothing" : "valued as if it were 0")",
        remedy: isNet
          ? "nothing, where they returned what they bought"
          : "see whether such purchases belong to another alias, such as refunds"))
  }

  /// Parameters of another fit, with the likelihood of these buyers under them.
  private mutating func take(
    _ given: ValueParameters, _ spendings: [GammaGamma.Spending], _ threads: Int
  ) throws {
    func fit(_ parameters: [Double], _ logLikelihood: Double) -> Fit {
      Fit(
        parameters: parameters, logLikelihood: logLikelihood, standardErrors: [],
        logCovariance: [], customers: customers, verdicts: [])
    }
    let likelihood = HistoriesLikelihood(grouped: grouped, threads: threads)
    purchases = (
      model.kind.parameterNames,
      fit(
        given.purchases, try likelihood.derivatives(model.kind.init(given.purchases)).value)
    )
    switch given.spending {
    case .gammaGamma(let parameters)?:
      let fit = fit(parameters, .nan)
      spending = .gammaGamma(fit)
      judge(fit)
    case .mean(let mean, let customers)?: spending = .mean(mean, customers: customers)
    case nil:
      verdicts.append(
        FitVerdict(
          code: .noSpendingGiven,
          message: "the parameters given have none of Gamma-Gamma: clv_expected stays empty",
          remedy: "save them from a replay that fitted both"))
    }
  }

  private mutating func judge(_ spending: Fit) {
    guard spending.parameters[1] <= 1 else { return }
    verdicts.append(
      FitVerdict(
        code: .spendWithoutMean,
        message:
          "Gamma-Gamma has q ≤ 1, a population without a mean: clv_expected stays empty where it would rest on it",
        remedy: "look for a few amounts far above all others"))
  }

  /// At as-of.
  func history(_ buyer: Buyer) -> PurchaseHistory {
    clock.history(buyer, at: today)
  }

  /// The purchase model as fitted; nil where it could not be.
  var purchaseModel: (any PurchaseModel)? { purchases.map { model.kind.init($0.fit.parameters) } }

  /// What the models say of each buyer; nil without a purchase model.
  func evaluate(_ buyers: [Buyer], threads: Int) throws -> [Customer]? {
    guard let purchaseModel else { return nil }
    return try evaluate(purchaseModel, buyers, threads)
  }

  /// What is to come of customers with one history.
  private struct Prospect: Sendable {
    var alive: Double
    /// Within the horizon.
    var purchases: Double
    /// Discounted.
    var worth: Double
  }

  private func evaluate(
    _ model: some PurchaseModel, _ buyers: [Buyer], _ threads: Int
  ) throws -> [Customer] {
    let fit = self
    let grouped = grouped
    let schedule = Discounting(settings).schedule
    let likelihood = HistoriesLikelihood(grouped: grouped, threads: threads)
    let prospects = try likelihood.byFrequency(model) { frequency, cells in
      var prospects: [Prospect] = []
      var age = Int32(-1)
      var (purchases, worth) = (0.0, 0.0)
      for group in grouped.groups[frequency.groups] {
        // Groups of one age follow each other.
        if group.age != age {
          age = group.age
          let expected = model.expectedWhileAlive(
            frequency.value, grouped.times[Int(age)], within: schedule.times)
          (purchases, worth) = (expected[expected.count - 1], schedule.worth(expected))
        }
        let alive = HistoriesLikelihood.probabilityAlive(
          group, cells, first: frequency.cells.lowerBound)
        prospects.append(
          Prospect(alive: alive, purchases: alive * purchases, worth: alive * worth))
      }
      return prospects
    }.flatMap { $0 }
    return try Pieces.mapEach(buyers.count, threads: threads) { index in
      let prospect = prospects[Int(grouped.ofCustomer[index])]
      return Customer(
        probabilityAlive: prospect.alive, purchases: prospect.purchases,
        value: fit.amount(of: buyers[index]).flatMap { fit.value($0, times: prospect.worth) })
    }
  }
}
