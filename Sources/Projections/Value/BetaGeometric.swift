import Glibc

/// BG/NBD: purchases come as a Poisson process whose rate is gamma distributed (r, α), and a customer may stop after each
/// purchase with a probability that is beta distributed (a, b). Who has bought only once has not stopped.
///
/// P. S. Fader, B. G. S. Hardie, K. L. Lee: "Counting Your Customers" the Easy Way, Marketing Science 24 (2005), 275-284.
public struct BetaGeometricNBD: PurchaseModel {
  public static let parameterNames = ["r", "alpha", "a", "b"]
  public let r, alpha, a, b: Double

  public init(_ parameters: [Double]) {
    (r, alpha, a, b) = (parameters[0], parameters[1], parameters[2], parameters[3])
  }

  public var parameters: [Double] { [r, alpha, a, b] }

  /// Of equation (6), rearranged so that no factor can leave the range of a double.
  public func logHead(_ x: Double) -> Double {
    SpecialFunctions.logGamma(r + x) - SpecialFunctions.logGamma(r) + r * log(alpha)
      + SpecialFunctions.logGamma(a + b) + SpecialFunctions.logGamma(b + x)
      - SpecialFunctions.logGamma(b) - SpecialFunctions.logGamma(a + b + x)
  }

  public func logTail(_ history: PurchaseHistory) -> Double {
    let x = history.frequency
    let alive = -(r + x) * log(alpha + history.age)
    if x == 0 { return alive }
    let gone = log(a / (b + x - 1)) - (r + x) * log(alpha + history.recency)
    return SpecialFunctions.logAddExp(alive, gone)
  }

  /// The odds of having stopped after the last purchase.
  private func oddsGone(_ history: PurchaseHistory) -> Double {
    let x = history.frequency
    if x == 0 { return 0 }
    return a / (b + x - 1)
      * exp((r + x) * (log(alpha + history.age) - log(alpha + history.recency)))
  }

  /// Fader, Hardie: Computing P(alive) Using the BG/NBD Model (2008).
  public func probabilityAlive(_ history: PurchaseHistory) -> Double {
    1 / (1 + oddsGone(history))
  }

  /// Equation (10).
  public func expectedPurchases(_ history: PurchaseHistory, within time: Double) -> Double {
    let x = history.frequency
    let z = time / (alpha + history.age + time)
    let expected = nearOne(a) { a in
      (a + b + x - 1) / (a - 1)
        * (1
          - SpecialFunctions.scaledHypergeometric(r + x, b + x, a + b + x - 1, z, power: r + x))
    }
    return expected / (1 + oddsGone(history))
  }

  /// Equation (9).
  public func expectedPurchases(ofNewCustomerWithin time: Double) -> Double {
    let z = time / (alpha + time)
    return nearOne(a) { a in
      (a + b - 1) / (a - 1)
        * (1 - SpecialFunctions.scaledHypergeometric(r, b, a + b - 1, z, power: r))
    }
  }
}

/// MBG/NBD: as BG/NBD, but a customer may stop after the first purchase already.
///
/// E. P. Batislam, M. Denizel, A. Filiztekin: Empirical validation and comparison of models for customer base analysis,
/// International Journal of Research in Marketing 24 (2007), 201-209; D. Hoppe, U. Wagner: Customer Base Analysis: The Case
/// for a Central Variant of the Betageometric/NBD Model, Marketing ZFP 29 (2007), 75-90.
public struct ModifiedBetaGeometricNBD: PurchaseModel {
  public static let parameterNames = ["r", "alpha", "a", "b"]
  public let r, alpha, a, b: Double

  public init(_ parameters: [Double]) {
    (r, alpha, a, b) = (parameters[0], parameters[1], parameters[2], parameters[3])
  }

  public var parameters: [Double] { [r, alpha, a, b] }

  public func logHead(_ x: Double) -> Double {
    SpecialFunctions.logGamma(r + x) - SpecialFunctions.logGamma(r) + r * log(alpha)
      + SpecialFunctions.logGamma(a + b) + SpecialFunctions.logGamma(b + x + 1)
      - SpecialFunctions.logGamma(b) - SpecialFunctions.logGamma(a + b + x + 1)
  }

  public func logTail(_ history: PurchaseHistory) -> Double {
    let x = history.frequency
    let alive = -(r + x) * log(alpha + history.age)
    let gone = log(a / (b + x)) - (r + x) * log(alpha + history.recency)
    return SpecialFunctions.logAddExp(alive, gone)
  }

  private func oddsGone(_ history: PurchaseHistory) -> Double {
    let x = history.frequency
    return a / (b + x) * exp((r + x) * (log(alpha + history.age) - log(alpha + history.recency)))
  }

  public func probabilityAlive(_ history: PurchaseHistory) -> Double {
    1 / (1 + oddsGone(history))
  }

  public func expectedPurchases(_ history: PurchaseHistory, within time: Double) -> Double {
    let x = history.frequency
    let z = time / (alpha + history.age + time)
    let expected = nearOne(a) { a in
      (a + b + x) / (a - 1)
        * (1
          - SpecialFunctions.scaledHypergeometric(r + x, b + x + 1, a + b + x, z, power: r + x))
    }
    return expected / (1 + oddsGone(history))
  }

  public func expectedPurchases(ofNewCustomerWithin time: Double) -> Double {
    let z = time / (alpha + time)
    return nearOne(a) { a in
      b / (a - 1) * (1 - SpecialFunctions.scaledHypergeometric(r, b + 1, a + b, z, power: r))
    }
  }
}

/// The value of a smooth function with a removable gap at a = 1: there, the mean of both sides.
private func nearOne(_ a: Double, _ body: (Double) -> Double) -> Double {
  if (a - 1).magnitude > 1e-5 { return body(a) }
  return (body(1 - 1e-4) + body(1 + 1e-4)) / 2
}
