/// What is to be known of a fit beside its numbers: a code for programs, a sentence, and what to do.
public struct FitVerdict: Sendable, Equatable {
  /// Stable names.
  public enum Code: String, Sendable {
    /// Nobody bought again: there is no fit.
    case noRepeaters = "no_repeaters"
    /// One buyer is no population: there is no fit.
    case oneCustomer = "one_customer"
    /// Fewer than 30 bought again: intervals are wide.
    case fewRepeaters = "few_repeaters"
    /// The likelihood rises as a parameter grows, or shrinks, without end.
    case boundary
    /// All amounts are 0: value is expected purchases × 0.
    case amountsZero = "amounts_zero"
    /// What a customer spends does not vary: value is expected purchases × the mean amount.
    case spendTooSteady = "spend_too_steady"
    /// Customers whose amounts are not above 0 on average.
    case negativeAmounts = "negative_amounts"
    /// Gamma-Gamma with q ≤ 1: a population without a mean.
    case spendWithoutMean = "spend_without_mean"
    /// Parameters given have none of the spending model.
    case noSpendingGiven = "no_spending_given"
    /// The search ended before its stop rule was met.
    case notConverged = "not_converged"
  }

  /// Below so many customers who bought again, standard errors are wide.
  static let fewRepeaters = 30

  /// Stable, for programs.
  public var code: Code
  /// Lower case, no full stop.
  public var message: String
  /// What to do about it.
  public var remedy: String
  /// Name of the parameter, of a boundary.
  public var parameter: String?

  /// Message and remedy in one line.
  public var text: String { "\(message); \(remedy)" }
}

/// Why the data carry no fit.
public struct FitFailure: Error, Sendable, Equatable {
  package var verdict: FitVerdict
  package var text: String { verdict.text }
}
