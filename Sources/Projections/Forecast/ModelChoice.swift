/// Which of the fitted models to take, and why.
public struct ModelChoice: Sendable, Equatable {
  /// By what models were held against each other.
  public enum Measure: String, Sendable {
    /// Root mean square error of the forecasts of customers.
    case holdout
    /// The Bayesian information criterion; lower is better.
    case bic
  }

  /// Nil where no model could be fitted, or none that can be held against another.
  public var model: Rules.CLVModel?
  /// Nil where there was nothing to choose.
  public var measure: Measure?
  /// A sentence for people, no full stop.
  public var reason: String

  /// By the holdout where there is one, else by BIC. The mean square is least for a forecast that is the expectation, where the
  /// mean absolute error would favour too low ones: most customers buy nothing.
  ///
  /// - Parameter text: of a number, for people.
  static func among(_ models: [ModelForecast], _ text: (Double) -> String) -> ModelChoice {
    let fitted = models.filter { $0.parameters != nil }
    let comparable = fitted.filter(\.isComparable)
    let leftOut =
      fitted.count > comparable.count
      ? "; bg_bb is left out of the choice: it counts opportunities, not purchases in continuous time, so that neither its likelihood nor its errors compare"
      : ""
    guard let first = comparable.first else {
      return ModelChoice(
        reason: fitted.isEmpty
          ? "no model could be fitted"
          : "bg_bb is the only one fitted, and it counts opportunities: nothing compares with it")
    }
    if comparable.count == 1 {
      return ModelChoice(
        model: first.model, reason: "\(first.model.rawValue) is the only one fitted\(leftOut)")
    }
    func choose(
      _ measure: Measure, _ words: String, _ value: (ModelForecast) -> Double?
    ) -> ModelChoice? {
      let ranked = comparable.enumerated().compactMap { place, model in
        value(model).map { (value: $0, place: place, model: model.model) }
      }.filter { $0.value.isFinite }.sorted { ($0.value, $0.place) < ($1.value, $1.place) }
      guard let best = ranked.first else { return nil }
      let others = ranked.dropFirst().map { "\($0.model.rawValue) \(text($0.value))" }
      return ModelChoice(
        model: best.model, measure: measure,
        reason: "\(best.model.rawValue) \(words) \(text(best.value))"
          + (others.isEmpty ? "" : " (\(others.joined(separator: ", ")))") + leftOut)
    }
    return choose(
      .holdout, "forecasts the purchases of each customer best: root mean square error",
      { $0.error?.rootMeanSquare })
      ?? choose(
        .bic, "has the lowest BIC (k ln n − 2 ln L), without a holdout to tell:", { $0.bic })
      ?? ModelChoice(reason: "no model has a likelihood that can be compared")
  }
}
