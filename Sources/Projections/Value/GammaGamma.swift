import Glibc

/// Gamma-Gamma: what a customer spends at a purchase is gamma distributed (p, ν), and ν is gamma distributed (q, γ).
///
/// P. S. Fader, B. G. S. Hardie: The Gamma-Gamma Model of Monetary Value (2013).
public struct GammaGamma: Sendable {
  public static let parameterNames = ["p", "q", "gamma"]
  public let p, q, gamma: Double

  public init(_ parameters: [Double]) {
    (p, q, gamma) = (parameters[0], parameters[1], parameters[2])
  }

  /// What the model knows of a customer: mean value of the repeat days, and how many there are.
  public struct Spending: Sendable {
    public var frequency: Double
    public var mean: Double
    public init(frequency: Double, mean: Double) {
      self.frequency = frequency
      self.mean = mean
    }
  }

  /// Equation (1a); frequency and mean are above 0.
  public func logLikelihood(_ spending: Spending) -> Double {
    logHead(spending.frequency) + logTail(spending)
  }

  /// The part that depends on nothing but the frequency.
  func logHead(_ x: Double) -> Double {
    SpecialFunctions.logGamma(p * x + q) - SpecialFunctions.logGamma(p * x)
      - SpecialFunctions.logGamma(q) + q * log(gamma) + p * x * log(x)
  }

  func logTail(_ spending: Spending) -> Double {
    let x = spending.frequency
    return (p * x - 1) * log(spending.mean) - (p * x + q) * log(gamma + spending.mean * x)
  }

  /// Equation (5): expected mean value of a purchase; the mean of all customers for one without a repeat. Infinite or
  /// negative where p x + q ≤ 1: the distribution has no mean then.
  public func expectedValue(_ spending: Spending) -> Double {
    let x = spending.frequency
    return (gamma + x * spending.mean) * p / (p * x + q - 1)
  }
}
