import Glibc

/// BG/NBD: purchases come as a Poisson process whose rate is gamma distributed (r, α), and a customer may stop after each
/// repeat purchase with a probability that is beta distributed (a, b). Who has bought only once has not stopped.
///
/// P. S. Fader, B. G. S. Hardie, K. L. Lee: "Counting Your Customers" the Easy Way, Marketing Science 24 (2005), 275-284.
public struct BetaGeometricNBD: BetaGeometric {
  public let r, alpha, a, b: Double
  static let chancesAtFirst = 0.0

  public init(_ parameters: [Double]) {
    (r, alpha, a, b) = (parameters[0], parameters[1], parameters[2], parameters[3])
  }
}

/// MBG/NBD: as BG/NBD, but a customer may stop after the first purchase already.
///
/// E. P. Batislam, M. Denizel, A. Filiztekin: Empirical validation and comparison of models for customer base analysis,
/// International Journal of Research in Marketing 24 (2007), 201-209; D. Hoppe, U. Wagner: Customer Base Analysis: The Case
/// for a Central Variant of the Betageometric/NBD Model, Marketing ZFP 29 (2007), 75-90.
public struct ModifiedBetaGeometricNBD: BetaGeometric {
  public let r, alpha, a, b: Double
  static let chancesAtFirst = 1.0

  public init(_ parameters: [Double]) {
    (r, alpha, a, b) = (parameters[0], parameters[1], parameters[2], parameters[3])
  }
}

/// What both share: they differ in the chances to stop that a customer had, x or x + 1 after x repeat purchases.
protocol BetaGeometric: PurchaseModel {
  var r: Double { get }
  var alpha: Double { get }
  var a: Double { get }
  var b: Double { get }
  /// Chances to stop that the first purchase gives.
  static var chancesAtFirst: Double { get }
}

extension BetaGeometric {
  public static var parameterNames: [String] { ["r", "alpha", "a", "b"] }
  public var parameters: [Double] { [r, alpha, a, b] }

  /// Of equation (6) of Fader, Hardie and Lee, rearranged so that no factor can leave the range of a double.
  public func logHead(_ x: Double) -> Double {
    let chances = x + Self.chancesAtFirst
    return SpecialFunctions.logGamma(r + x) - SpecialFunctions.logGamma(r) + r * log(alpha)
      + SpecialFunctions.logGamma(a + b) + SpecialFunctions.logGamma(b + chances)
      - SpecialFunctions.logGamma(b) - SpecialFunctions.logGamma(a + b + chances)
  }

  public func ageTerm(_ frequency: Double, _ age: Double) -> AgeTerm {
    AgeTerm(
      frequency: frequency, age: age, logAlive: -(r + frequency) * log(alpha + age), part: 0)
  }

  public func recencyTerm(_ frequency: Double, _ recency: Double) -> RecencyTerm {
    let chances = frequency + Self.chancesAtFirst
    let gone =
      chances == 0
      ? -.infinity : log(a / (b + chances - 1)) - (r + frequency) * log(alpha + recency)
    return RecencyTerm(recency: recency, part: gone)
  }

  /// Its ratio to the likelihood of being alive gives P(alive) as in Fader, Hardie: Computing P(alive) Using the BG/NBD Model (2008).
  public func logGone(_ age: AgeTerm, _ recency: RecencyTerm) -> Double { recency.part }

  /// Equation (10) of Fader, Hardie and Lee, its numerator.
  public func expectedWhileAlive(_ x: Double, _ age: Double, within time: Double) -> Double {
    let chances = x + Self.chancesAtFirst
    let z = time / (alpha + age + time)
    return nearOne(a) { a in
      let c = a + b + chances - 1
      return c / (a - 1)
        * (1 - SpecialFunctions.scaledHypergeometric(r + x, b + chances, c, z, power: r + x))
    }
  }
}

/// The value of a smooth function with a removable gap at a = 1: there, the mean of both sides.
private func nearOne(_ a: Double, _ body: (Double) -> Double) -> Double {
  if (a - 1).magnitude > 1e-5 { return body(a) }
  return (body(1 - 1e-4) + body(1 + 1e-4)) / 2
}
