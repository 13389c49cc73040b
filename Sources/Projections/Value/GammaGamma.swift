import Glibc

/// Gamma-Gamma: what a customer spends at a purchase is gamma distributed (p, ν), and ν is gamma distributed (q, γ).
///
/// P. S. Fader, B. G. S. Hardie: The Gamma-Gamma Model of Monetary Value (2013).
package struct GammaGamma: Sendable {
  package static let parameterNames = ["p", "q", "gamma"]
  package let p, q, gamma: Double

  package init(_ parameters: [Double]) {
    (p, q, gamma) = (parameters[0], parameters[1], parameters[2])
  }

  /// What the model knows of a customer: mean value of the repeat days, and how many there are.
  package struct Spending: Sendable {
    package var frequency: Double
    package var mean: Double
    package init(frequency: Double, mean: Double) {
      self.frequency = frequency
      self.mean = mean
    }
  }

  /// Equation (1a); frequency and mean are above 0.
  package func logLikelihood(_ spending: Spending) -> Double {
    let total = spending.frequency * spending.mean
    return head(spending.frequency).value - p * spending.frequency * log1p(gamma / total)
      - q * log1p(total / gamma) - log(spending.mean)
  }

  /// −ln B(p x, q), the part that depends on nothing but the frequency, with derivatives in the logarithms of p, q, γ.
  func head(_ x: Double) -> LogDerivatives {
    let u = p * x
    let byQ = SpecialFunctions.rising(q, u)
    let byU = SpecialFunctions.rising(u, q)
    var head = LogDerivatives()
    head.value =
      q >= u ? byQ.value - SpecialFunctions.logGamma(u) : byU.value - SpecialFunctions.logGamma(q)
    head.gradient = SIMD4(u * byU.first, q * byQ.first, 0, 0)
    // ψ'(u + q), which the mixed derivative needs, by either difference.
    let mixed = SpecialFunctions.trigamma(u + q)
    head.hessian[0, 0] = u * byU.first + u * u * byU.second
    head.hessian[1, 1] = q * byQ.first + q * q * byQ.second
    head.hessian.set(0, 1, u * q * mixed)
    return head
  }

  /// Equation (5): expected mean value of a purchase; the mean of all customers for one without a repeat. A mean below 0 counts
  /// as 0. Infinite or negative where p x + q ≤ 1: the distribution has no mean then.
  package func expectedValue(_ spending: Spending) -> Double {
    let x = spending.frequency
    return (gamma + x * max(0, spending.mean)) * p / (p * x + q - 1)
  }
}

/// The likelihood of many spendings.
struct SpendingLikelihood: Sendable {
  private let threads: Int
  /// What each spent at all repeats, by frequency.
  private var totals: [Double] = []
  /// Customers of one frequency, a stretch of them at a time.
  private var stretches: [(frequency: Double, range: Range<Int>)] = []
  private var frequencies: [(frequency: Double, weight: Double)] = []
  /// Sum of ln z.
  private var logs = 0.0

  /// - Parameter unit: of money, which means are divided by.
  init(_ all: [GammaGamma.Spending], unit: Double = 1, threads: Int) {
    self.threads = threads
    var byFrequency: [Double: [Double]] = [:]
    for spending in all {
      let mean = spending.mean / unit
      byFrequency[spending.frequency, default: []].append(mean * spending.frequency)
      logs += log(mean)
    }
    let length = 4096
    for (frequency, own) in byFrequency.sorted(by: { $0.key < $1.key }) {
      frequencies.append((frequency, Double(own.count)))
      for first in stride(from: 0, to: own.count, by: length) {
        let range = first..<min(first + length, own.count)
        stretches.append(
          (frequency, totals.count + range.lowerBound..<totals.count + range.upperBound))
      }
      totals += own
    }
  }

  func derivatives(_ model: GammaGamma) throws -> LogDerivatives {
    var sum = LogDerivatives()
    for (frequency, weight) in frequencies { sum.add(model.head(frequency), weight: weight) }
    sum.value -= logs
    let (totals, stretches) = (totals, stretches)
    let parts = try Pieces.map(stretches.count, threads: threads) { place in
      Self.tail(model, stretches[place].frequency, totals[stretches[place].range])
    }
    for part in parts { sum.add(part, weight: 1) }
    return sum
  }

  /// Σ −p x ln(1 + γ ÷ y) − q ln(1 + y ÷ γ) over totals y of one frequency x.
  private static func tail(
    _ model: GammaGamma, _ x: Double, _ totals: ArraySlice<Double>
  ) -> LogDerivatives {
    let (u, q, gamma) = (model.p * x, model.q, model.gamma)
    // Logarithms of products that stay within the range of a double; sums of γ ÷ (γ + y) and of its square.
    var (byTotal, byGamma) = (0.0, 0.0)
    var (product, inverse) = (1.0, 1.0)
    var (share, squares) = (0.0, 0.0)
    for total in totals {
      let ratio = gamma / total
      // Beside 1 a ratio far from it would lose digits, which u or q multiply.
      if ratio > 1e-3 && ratio < 1e3 {
        product *= 1 + ratio
        inverse *= 1 + 1 / ratio
        if product > 1e290 || inverse > 1e290 {
          byTotal += log(product)
          byGamma += log(inverse)
          (product, inverse) = (1, 1)
        }
      } else {
        byTotal += log1p(ratio)
        byGamma += log1p(1 / ratio)
      }
      let part = ratio / (1 + ratio)
      share += part
      squares += part * part
    }
    byTotal += log(product)
    byGamma += log(inverse)
    let rest = Double(totals.count) - share
    var sum = LogDerivatives()
    sum.value = -u * byTotal - q * byGamma
    sum.gradient = SIMD4(-u * byTotal, -q * byGamma, q * rest - u * share, 0)
    sum.hessian[0, 0] = -u * byTotal
    sum.hessian[1, 1] = -q * byGamma
    sum.hessian.set(0, 2, -u * share)
    sum.hessian.set(1, 2, q * rest)
    sum.hessian[2, 2] = -(u + q) * (share - squares)
    return sum
  }
}
