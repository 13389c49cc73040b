import Glibc

/// Pareto/NBD: purchases come as a Poisson process whose rate is gamma distributed (r, α), and a customer stops at a
/// time that is exponential with a gamma distributed rate (s, β).
///
/// D. C. Schmittlein, D. G. Morrison, R. Colombo: Counting Your Customers, Management Science 33 (1987), 1-24; formulas as
/// in P. S. Fader, B. G. S. Hardie: A Note on Deriving the Pareto/NBD Model and Related Expressions (2005).
public struct ParetoNBD: PurchaseModel {
  public static let parameterNames = ["r", "alpha", "s", "beta"]
  public let r, alpha, s, beta: Double

  public init(_ parameters: [Double]) {
    (r, alpha, s, beta) = (parameters[0], parameters[1], parameters[2], parameters[3])
  }

  public var parameters: [Double] { [r, alpha, s, beta] }

  /// ln of ₂F₁(…; z(time)) ÷ (max(α, β) + time)^(r + s + x).
  private func logPart(_ x: Double, _ time: Double) -> Double {
    let sum = r + s + x
    let high = max(alpha, beta)
    let second = alpha >= beta ? s + 1 : r + x
    let z = (alpha - beta).magnitude / (high + time)
    // c − a = 1, so that Euler's form has falling terms only.
    let scaled = SpecialFunctions.hypergeometric(1, sum + 1 - second, sum + 1, z)
    return log(scaled) + (1 - second) * log1p(-z) - sum * log(high + time)
  }

  /// Of equation (18).
  public func logHead(_ x: Double) -> Double {
    SpecialFunctions.logGamma(r + x) - SpecialFunctions.logGamma(r) + r * log(alpha)
      + s * log(beta)
  }

  public func ageTerm(_ frequency: Double, _ age: Double) -> AgeTerm {
    AgeTerm(
      frequency: frequency, age: age,
      logAlive: -(r + frequency) * log(alpha + age) - s * log(beta + age),
      part: recencyTerm(frequency, age).part)
  }

  public func recencyTerm(_ frequency: Double, _ recency: Double) -> RecencyTerm {
    RecencyTerm(
      recency: recency, part: log(s / (r + s + frequency)) + logPart(frequency, recency))
  }

  /// ln of A₀ (equation 20): the weight of having stopped between the last purchase and as-of; −∞ where there is no time.
  public func logGone(_ age: AgeTerm, _ recency: RecencyTerm) -> Double {
    let ratio = age.part - recency.part
    return ratio >= 0 ? -.infinity : recency.part + log(-expm1(ratio))
  }

  /// Equation (41), without P(alive).
  public func expectedWhileAlive(_ x: Double, _ age: Double, within time: Double) -> Double {
    (r + x) / (alpha + age) * Self.lifetime(beta + age, s, time)
  }

  /// Expected time alive within `time`: β ÷ (s − 1) × (1 − (β ÷ (β + t))^(s − 1)), and its limit at s = 1.
  private static func lifetime(_ beta: Double, _ s: Double, _ time: Double) -> Double {
    let span = log1p(time / beta)
    if (s - 1).magnitude < 1e-9 { return beta * span }
    return -beta * expm1((1 - s) * span) / (s - 1)
  }

  /// Discounted expected residual transactions: the present value of all purchases to come, at a continuous rate
  /// `delta` for a time unit.
  ///
  /// P. S. Fader, B. G. S. Hardie, K. L. Lee: RFM and CLV, Journal of Marketing Research 42 (2005), 415-430, equation (2).
  public func discountedResidual(_ history: PurchaseHistory, delta: Double) -> Double {
    let z = delta * (beta + history.age)
    // Ψ(s, s; z) = e^z Γ(1 − s, z) (DLMF 13.6.6)
    let psi = SpecialFunctions.scaledUpperGamma(1 - s, z)
    let x = history.frequency
    let logarithm =
      r * log(alpha) + s * log(beta) + (s - 1) * log(delta)
      + SpecialFunctions.logGamma(r + x + 1) - SpecialFunctions.logGamma(r)
      - (r + x + 1) * log(alpha + history.age) - logLikelihood(history)
    return exp(logarithm) * psi
  }
}
