import EventStore
import Glibc

/// What a fit takes beside the data: all off unless given.
struct FitSettings: Sendable {
  /// Of a parameter by name: median in the unit of the data, and standard deviation of the logarithm.
  struct Prior: Sendable {
    var name: String
    var median: Double
    var sigma: Double
  }

  /// What is taken off the mean log-likelihood of a customer for the squares of the logarithms of the parameters, times and
  /// money divided by their means.
  var penalizer = 0.0
  var priors: [Prior] = []

  static let none = FitSettings()

  /// Every parameter has a finite best value, whatever the data.
  func holdsAll(of names: [String]) -> Bool {
    penalizer > 0 || names.allSatisfy { name in priors.contains { $0.name == name } }
  }

  func prior(_ names: [String], _ scales: [Double], customers: Double) -> LogNormalPrior {
    var prior = LogNormalPrior()
    for (axis, name) in names.enumerated() {
      var weight = 2 * penalizer * customers
      var sum = 0.0
      for own in priors where own.name == name {
        let precision = 1 / (own.sigma * own.sigma)
        weight += precision
        sum += precision * log(own.median / scales[axis])
      }
      prior.weights[axis] = weight
      prior.centers[axis] = weight > 0 ? sum / weight : 0
    }
    return prior
  }
}

extension PurchaseModel {
  /// Fits the model.
  ///
  /// - Throws: ``FitFailure``.
  static func fit(
    _ all: [PurchaseHistory], threads: Int = 1, settings: FitSettings = .none
  ) throws -> Fit {
    try fit(GroupedHistories(all), threads: threads, settings: settings)
  }

  static func fit(
    _ grouped: GroupedHistories, threads: Int, settings: FitSettings = .none,
    progress: (_ steps: Int) -> Void = { _ in }
  ) throws -> Fit {
    let customers = grouped.customers
    let repeaters = grouped.frequencies.reduce(0) { $0 + ($1.value > 0 ? $1.weight : 0) }
    // Without any buyer not even a prior has a scale.
    if customers == 0 || !settings.holdsAll(of: parameterNames) {
      try refuse(customers: customers, repeaters: repeaters)
    }
    let sums = grouped.sums
    let span = sums.age > 0 ? sums.age / customers : 1
    let scales = isTime.map { $0 && !countsTime ? span : 1 }
    let scaled = countsTime ? grouped : grouped.scaled(1 / span)
    let climb = HillClimb(
      names: parameterNames, scales: scales,
      prior: settings.prior(parameterNames, scales, customers: customers), limit: 1e10)
    func function(_ grouped: GroupedHistories, _ threads: Int) -> MaximumLikelihood.Function {
      let likelihood = HistoriesLikelihood(grouped: grouped, threads: threads)
      return { logs in
        try likelihood.derivatives(Self((0..<4).map { exp(logs[$0]) }))
      }
    }
    let isLarge = !countsTime && grouped.groups.count > 4000
    // Half a purchase stands for none.
    let rate = max(0.5, sums.frequency) / (countsTime ? max(1, sums.age) : customers)
    let result = try climb.climb(
      starts: starts(rate: rate, span: countsTime ? span : 1),
      coarse: isLarge ? function(scaled.coarse(steps: 24), 1) : nil, all: function(scaled, threads),
      progress: progress)
    var fit = climb.fit(
      result, customers: Int(customers), shift: countsTime ? 0 : -sums.frequency * log(span),
      meaning: meaning(of:grows:))
    if Int(repeaters) < FitVerdict.fewRepeaters {
      fit.verdicts.append(
        FitVerdict(
          code: .fewRepeaters,
          message:
            "\(Int(repeaters)) of \(Int(customers)) buyers bought again: standard errors and intervals are wide",
          remedy: "more history, or `clv.prior` with what is known of other populations"))
    }
    return fit
  }

  private static func refuse(customers: Double, repeaters: Double) throws {
    if customers == 1 {
      throw FitFailure(
        verdict: FitVerdict(
          code: .oneCustomer, message: "one buyer is no population",
          remedy: "give parameters of another population with --clv-params"))
    }
    if repeaters == 0 {
      throw FitFailure(
        verdict: FitVerdict(
          code: .noRepeaters,
          message: "none of \(Int(customers)) buyers bought on a second day",
          remedy:
            "wait for repeat purchases, or give parameters of another population with --clv-params"
        ))
    }
  }
}

extension GammaGamma {
  /// Fits the model to customers with a repeat and a mean above 0; others are left out. Where what a customer spends does not
  /// vary, the fit carries ``FitVerdict/Code/spendTooSteady``, and its parameters are not to be used.
  ///
  /// - Throws: ``FitFailure``.
  static func fit(
    _ all: [Spending], threads: Int = 1, settings: FitSettings = .none,
    progress: (_ steps: Int) -> Void = { _ in }
  ) throws -> Fit {
    let usable = all.filter { $0.frequency > 0 && $0.mean > 0 }
    let repeaters = all.count { $0.frequency > 0 }
    if usable.isEmpty {
      throw FitFailure(
        verdict: repeaters > 0
          ? FitVerdict(
            code: .amountsZero,
            message:
              "none of \(repeaters) customers who bought again spent more than 0 on average: value is expected purchases × 0",
            remedy: "see whether `clv.purchase` names the right field")
          : FitVerdict(
            code: .noRepeaters, message: "none of \(all.count) buyers bought on a second day",
            remedy: "wait for repeat purchases"))
    }
    let mean = usable.reduce(0) { $0 + $1.mean } / Double(usable.count)
    let scales = [1, 1, mean]
    let likelihood = SpendingLikelihood(usable, unit: mean, threads: threads)
    let climb = HillClimb(
      names: parameterNames, scales: scales,
      prior: settings.prior(parameterNames, scales, customers: Double(usable.count)), limit: 1e7)
    let result = try climb.climb(
      starts: starts, coarse: nil,
      all: { logs in try likelihood.derivatives(GammaGamma((0..<3).map { exp(logs[$0]) })) },
      progress: progress)
    var fit = climb.fit(
      result, customers: usable.count, shift: -Double(usable.count) * log(mean),
      meaning: meaning(of:grows:))
    if result.frozen.contains(where: { $0.parameter == 0 && $0.grows }) {
      fit.verdicts = [
        FitVerdict(
          code: .spendTooSteady,
          message:
            "what a customer spends hardly varies between purchases (fixed prices, subscriptions), so that Gamma-Gamma runs to infinity: value is expected purchases × the customer's mean amount, the mean of all where there is no repeat",
          remedy:
            "nothing, where prices are fixed; else see whether `clv.purchase` names the right field"
        )
      ]
    }
    return fit
  }

  private static var starts: [[Double]] {
    var starts: [[Double]] = []
    for p in [1.0, 10] {
      for q in [1.5, 4.0, 30] { starts.append([p, q, max(0.5, q - 1) / p]) }
    }
    return starts
  }

  private static func meaning(of parameter: Int, grows: Bool) -> String {
    switch (parameter, grows) {
    case (0, true), (2, false): "what a customer spends does not vary"
    case (1, true), (2, true): "customers do not differ in what they spend"
    default: "what customers spend has no typical size"
    }
  }
}
