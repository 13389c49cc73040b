import Glibc

/// BG/NBD: purchases come as a Poisson process whose rate is gamma distributed (r, α), and a customer may stop after each
/// repeat purchase with a probability that is beta distributed (a, b). Who has bought only once has not stopped.
///
/// P. S. Fader, B. G. S. Hardie, K. L. Lee: "Counting Your Customers" the Easy Way, Marketing Science 24 (2005), 275-284.
struct BetaGeometricNBD: BetaGeometric {
  let r, alpha, a, b: Double
  static let chancesAtFirst = 0.0

  init(_ parameters: [Double]) {
    (r, alpha, a, b) = (parameters[0], parameters[1], parameters[2], parameters[3])
  }
}

/// MBG/NBD: as BG/NBD, but a customer may stop after the first purchase already.
///
/// E. P. Batislam, M. Denizel, A. Filiztekin: Empirical validation and comparison of models for customer base analysis,
/// International Journal of Research in Marketing 24 (2007), 201-209; D. Hoppe, U. Wagner: Customer Base Analysis: The Case
/// for a Central Variant of the Betageometric/NBD Model, Marketing ZFP 29 (2007), 75-90.
struct ModifiedBetaGeometricNBD: BetaGeometric {
  let r, alpha, a, b: Double
  static let chancesAtFirst = 1.0

  init(_ parameters: [Double]) {
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
  static var parameterNames: [String] { ["r", "alpha", "a", "b"] }
  static var isTime: [Bool] { [false, true, false, false] }
  var parameters: [Double] { [r, alpha, a, b] }

  static func starts(rate: Double, span: Double) -> [[Double]] {
    var starts: [[Double]] = []
    for r in [0.3, 2] {
      for (a, b) in [(0.3, 3.0), (0.8, 1.5), (0.3, 0.05)] {
        starts.append([r, r / (rate * (1 + a / b)), a, b])
      }
    }
    return starts
  }

  static func meaning(of parameter: Int, grows: Bool) -> String {
    meaningOfChances(
      parameter, grows: grows, otherwise: "a few buy all the time and the others hardly ever")
  }

  /// Of equation (6) of Fader, Hardie and Lee, with α^r in the terms: Γ(r + x) ÷ Γ(r) and B(a, b + chances) ÷ B(a, b) as products,
  /// which lose nothing however large a parameter is.
  func heads(_ frequencies: [Double]) -> [LogDerivatives] {
    var rising = RisingLogarithms(r)
    var head = LogDerivatives()
    var chance = 0.0
    return frequencies.map { frequency in
      rising.advance(to: frequency)
      while chance < frequency + Self.chancesAtFirst {
        let (lower, upper) = (b + chance, a + b + chance)
        let (share, rest) = (a / upper, b / upper)
        head.value -= log1p(a / lower)
        head.gradient += SIMD4(0, 0, -share, share * (b / lower))
        head.hessian[2, 2] -= share * (1 - share)
        head.hessian.set(2, 3, head.hessian[2, 3] + share * rest)
        // d²/d(ln b)²: of first order, less b² (1 ÷ (b + i)² − 1 ÷ (a + b + i)²).
        head.hessian[3, 3] +=
          share * (b / lower) - share * (b / lower) * ((b / lower) + rest)
        chance += 1
      }
      var all = head
      all.value += rising.value
      all.gradient[0] += rising.first
      all.hessian[0, 0] += rising.second
      return all
    }
  }

  /// ln of α^r (α + t)^−(r + x).
  private func silent(_ x: Double, _ t: Double) -> LogDerivatives {
    let one = log1p(t / alpha)
    let u = t / (alpha + t)
    var term = LogDerivatives()
    term.value = -(r + x) * one - x * log(alpha)
    term.gradient = SIMD4(-r * one, r * u - x * (1 - u), 0, 0)
    term.hessian[0, 0] = -r * one
    term.hessian.set(0, 1, r * u)
    term.hessian[1, 1] = -(r + x) * u * (1 - u)
    return term
  }

  func cells(_ frequency: Double, _ times: ArraySlice<Double>) -> [HistoryCell] {
    let chances = frequency + Self.chancesAtFirst
    // Having stopped at the last chance, beside having passed it.
    var stopped = LogDerivatives()
    if chances > 0 {
      let rest = b / (b + chances - 1)
      stopped.value = log(a / (b + chances - 1))
      stopped.gradient = SIMD4(0, 0, 1, -rest)
      stopped.hessian[3, 3] = -rest * (1 - rest)
    }
    return times.map { time in
      let silent = silent(frequency, time)
      return HistoryCell(
        logAlive: silent.value, ageTerm: ScaledTerm(silent),
        recencyTerm: chances > 0 ? ScaledTerm(silent + stopped) : .zero)
    }
  }

  // MARK: Purchases to come

  /// Equation (10) of Fader, Hardie and Lee, its numerator, as a sum of positive terms: the n-th purchase to come is made if
  /// the Poisson process has n by then and the customer has passed the n − 1 chances to stop before it, so that
  ///
  ///     E = Σ P(N(t) = j) C_j,  C_j = Σ B(a, b + chances + i) ÷ B(a, b + chances) over i < j
  ///
  /// with N(t) negative binomial (r + x, t ÷ (α + T + t)). Where that has too many terms, an integral over the chance to stop.
  func expectedWhileAlive(_ x: Double, _ age: Double, within times: [Double]) -> [Double] {
    let size = r + x
    let passed = b + x + Self.chancesAtFirst
    var series = PurchasesWhileAlive(size: size, a: a, b: passed)
    return times.map { time in
      let ratio = time / (alpha + age)
      if ratio <= 0 { return 0 }
      return series.sum(ratio) ?? series.integral(ratio)
    }
  }
}

/// Expected purchases of a customer whose rate is gamma distributed (size, 1) and whose chance to stop after each purchase is
/// beta distributed (a, b).
private struct PurchasesWhileAlive {
  let size, a, b: Double
  /// (size + j) ÷ (j + 1), and C_(j + 1).
  private var factors: [Double] = []
  private var counts: [Double] = []
  private var survival = 1.0

  init(size: Double, a: Double, b: Double) {
    (self.size, self.a, self.b) = (size, a, b)
  }

  private mutating func extend() {
    let j = Double(factors.count)
    factors.append((size + j) / (j + 1))
    counts.append((counts.last ?? 0) + survival)
    survival *= (b + j) / (a + b + j)
  }

  /// Nil where it would take more than a few thousand terms, or begin below the range of a double.
  mutating func sum(_ ratio: Double) -> Double? {
    let mean = size * ratio
    let logarithm = size * log1p(ratio)
    if logarithm > 600 || mean + 40 * (1 + ratio) + 10 * (mean * (1 + ratio)).squareRoot() > 3000 {
      return nil
    }
    let z = ratio / (1 + ratio)
    var probability = exp(-logarithm)
    var sum = 0.0
    var j = 0
    while true {
      if j == factors.count { extend() }
      probability *= z * factors[j]
      let part = probability * counts[j]
      sum += part
      j += 1
      // Once terms fall, what is left is below a geometric series.
      let falls = max(z, z * (size + Double(j)) / Double(j + 1)) * Double(j + 1) / Double(j)
      if falls < 1, part * falls <= 1e-17 * sum * (1 - falls) { return sum }
      if j > 20_000 { return nil }
    }
  }

  /// ∫ (1 − (1 + p ratio)^−size) ÷ p over the beta distribution of p, in y = ln(p ÷ (1 − p)); beyond both ends the
  /// integrand is a power of p or of 1 − p to the last digit.
  func integral(_ ratio: Double) -> Double {
    func logPurchases(_ p: Double) -> Double {
      log(-expm1(-size * log1p(p * ratio))) - log(p)
    }
    let low = log(1e-17) - log(1 + b + (size + 1) * ratio)
    let high = -log(1e-17) + log(1 + a + (size + 1))
    let logBeta = SpecialFunctions.logBeta(a, b)
    func f(_ y: Double) -> Double {
      let logP = y < 0 ? y - log1p(exp(y)) : -log1p(exp(-y))
      let logQ = y < 0 ? -log1p(exp(y)) : -y - log1p(exp(-y))
      return a * logP + b * logQ + logPurchases(exp(logP)) - logBeta
    }
    let (value, reachesLow, reachesHigh) = Quadrature.logIntegral(low, high, f)
    var sum = exp(value)
    if reachesLow { sum += exp(f(low)) / a }
    if reachesHigh { sum += exp(f(high)) / b }
    return sum
  }
}
