import Glibc

/// Functions that the models are made of, for positive arguments.
enum SpecialFunctions {
  /// ln Γ(x) for x > 0.
  @inline(__always)
  static func logGamma(_ x: Double) -> Double { Glibc.lgamma(x).0 }

  /// ln B(a, b).
  static func logBeta(_ a: Double, _ b: Double) -> Double {
    let (small, large) = (min(a, b), max(a, b))
    return logGamma(small) - rising(large, small).value
  }

  /// ln Γ(v + u) − ln Γ(v) and its first and second derivatives in v at fixed u: no digits are lost where v is large.
  static func rising(_ v: Double, _ u: Double) -> (value: Double, first: Double, second: Double) {
    // Up to 10, by Γ(x + 1) = x Γ(x); from there by Stirling's series (DLMF 5.11.1, 5.11.2), whose error is below 1e-17.
    var value = 0.0
    var first = 0.0
    var second = 0.0
    var (low, high) = (v, v + u)
    // Not high − low, which has lost the end of u where v is large.
    var gap = u
    while low < 10 {
      value += log(low)
      first += 1 / low
      second -= 1 / (low * low)
      if high < 10 {
        value -= log(high)
        first -= 1 / high
        second += 1 / (high * high)
        high += 1
      } else {
        gap -= 1
      }
      low += 1
    }
    let (below, above) = (Stirling(low), Stirling(high))
    let ratio = log1p(gap / low)
    value += (low - 0.5) * ratio + gap * (log(high) - 1) + above.value - below.value
    first += ratio + above.first - below.first
    second += -gap / (low * high) + above.second - below.second
    return (value, first, second)
  }

  /// ψ'(x), the second derivative of ln Γ.
  static func trigamma(_ x: Double) -> Double {
    var sum = 0.0
    var x = x
    while x < 10 {
      sum += 1 / (x * x)
      x += 1
    }
    return sum + 1 / x + Stirling(x).second
  }

  /// What Stirling's series adds to (x − ½) ln x − x + ½ ln 2π, to ln x, and to 1 ÷ x.
  private struct Stirling {
    let value, first, second: Double

    private static let numerators: [Double] = [1, -1, 1, -1, 5, -691, 7, -3617]
    private static let denominators: [Double] = [6, 30, 42, 30, 66, 2730, 6, 510]

    init(_ x: Double) {
      // Bernoulli's numbers B_2k: value Σ B_2k ÷ (2k (2k − 1) x^(2k − 1)).
      var (value, first, second) = (0.0, -0.5 / x, 0.5 / (x * x))
      var power = 1 / x
      for index in Self.numerators.indices {
        let number = Self.numerators[index] / Self.denominators[index]
        let order = 2 * Double(index + 1)
        value += number / (order * (order - 1)) * power
        first -= number / order * power / x
        second += number * power / (x * x)
        power /= x * x
      }
      (self.value, self.first, self.second) = (value, first, second)
    }
  }
}
