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

  /// ln of A₀ (equation 20): the weight of having stopped between the last purchase and as-of; −∞ where there is no time.
  private func logGone(_ history: PurchaseHistory) -> Double {
    if history.age <= history.recency { return -.infinity }
    let first = logPart(history.frequency, history.recency)
    let last = logPart(history.frequency, history.age)
    let ratio = last - first
    return ratio >= 0 ? -.infinity : first + log(-expm1(ratio))
  }

  private func logAlive(_ history: PurchaseHistory) -> Double {
    -(r + history.frequency) * log(alpha + history.age) - s * log(beta + history.age)
  }

  /// Of equation (18).
  public func logHead(_ x: Double) -> Double {
    SpecialFunctions.logGamma(r + x) - SpecialFunctions.logGamma(r) + r * log(alpha)
      + s * log(beta)
  }

  public func logTail(_ history: PurchaseHistory) -> Double {
    let gone = log(s / (r + s + history.frequency)) + logGone(history)
    return SpecialFunctions.logAddExp(logAlive(history), gone)
  }

  public func probabilityAlive(_ history: PurchaseHistory) -> Double {
    let gone = log(s) - log(r + s + history.frequency) + logGone(history)
    return 1 / (1 + exp(gone - logAlive(history)))
  }

  /// Equation (41).
  public func expectedPurchases(_ history: PurchaseHistory, within time: Double) -> Double {
    let base = beta + history.age
    let rate = (r + history.frequency) / (alpha + history.age)
    return probabilityAlive(history) * rate * Self.lifetime(base, s, time)
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
