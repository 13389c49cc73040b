import Glibc

/// BG/BB: time is a row of opportunities; while a customer is there, he buys at each with a probability that is beta distributed
/// (α, β), and before each he stops with one that is beta distributed (γ, δ).
///
/// Frequency counts the opportunities after the first purchase at which he bought, recency is the last of them (0 without any),
/// age is how many there were.
///
/// P. S. Fader, B. G. S. Hardie, J. Shang: Customer-Base Analysis in a Discrete-Time Noncontractual Setting, Marketing Science 29
/// (2010), 1086-1108.
public struct BetaGeometricBetaBinomial: PurchaseModel {
  public static let parameterNames = ["alpha", "beta", "gamma", "delta"]
  public static let isTimeScaled = false
  public let alpha, beta, gamma, delta: Double

  public init(_ parameters: [Double]) {
    (alpha, beta, gamma, delta) = (parameters[0], parameters[1], parameters[2], parameters[3])
  }

  public var parameters: [Double] { [alpha, beta, gamma, delta] }

  public func logHead(_ x: Double) -> Double {
    -SpecialFunctions.logBeta(alpha, beta) - SpecialFunctions.logBeta(gamma, delta)
  }

  /// The first term of equation (5).
  public func ageTerm(_ x: Double, _ n: Double) -> AgeTerm {
    AgeTerm(
      frequency: x, age: n,
      logAlive: SpecialFunctions.logBeta(alpha + x, beta + n - x)
        + SpecialFunctions.logBeta(gamma, delta + n), part: 0)
  }

  /// The first term of the sum in equation (5).
  public func recencyTerm(_ x: Double, _ recency: Double) -> RecencyTerm {
    RecencyTerm(
      recency: recency,
      part: SpecialFunctions.logBeta(alpha + x, beta + recency - x)
        + SpecialFunctions.logBeta(gamma + 1, delta + recency))
  }

  /// The sum in equation (5): he stopped before one of the opportunities since the last purchase.
  public func logGone(_ age: AgeTerm, _ recency: RecencyTerm) -> Double {
    var term = 1.0
    var sum = 0.0
    var opportunity = recency.recency
    while opportunity < age.age {
      sum += term
      term *=
        (beta + opportunity - age.frequency) / (alpha + beta + opportunity)
        * ((delta + opportunity) / (gamma + 1 + delta + opportunity))
      opportunity += 1
    }
    return sum == 0 ? -.infinity : recency.part + log(sum)
  }

  /// Equation (13), as a sum over the opportunities to come: he is still there, and buys.
  public func expectedWhileAlive(_ x: Double, _ n: Double, within time: Double) -> Double {
    var alive = 1.0
    var sum = 0.0
    var opportunity = n
    while opportunity + 1 <= n + time {
      alive *= (delta + opportunity) / (gamma + delta + opportunity)
      sum += alive
      opportunity += 1
    }
    return (alpha + x) / (alpha + beta + n) * sum
  }
}
