import Glibc

/// Functions that the purchase models are made of.
enum SpecialFunctions {
  /// ln Γ(x) for x > 0.
  @inline(__always)
  static func logGamma(_ x: Double) -> Double { Glibc.lgamma(x).0 }

  /// ln B(a, b).
  static func logBeta(_ a: Double, _ b: Double) -> Double {
    logGamma(a) + logGamma(b) - logGamma(a + b)
  }

  /// ln(exp(a) + exp(b)); either may be −∞.
  @inline(__always)
  static func logAddExp(_ a: Double, _ b: Double) -> Double {
    let high = max(a, b)
    if high == -.infinity { return high }
    return high + log1p(exp(min(a, b) - high))
  }

  /// Gauss's ₂F₁(a, b; c; z) for c > 0 and 0 ≤ z < 1, by its series (DLMF 15.2.1); relative error below 1e-13
  /// where no terms cancel. Slow as z comes near 1, where callers use a form with a smaller z.
  static func hypergeometric(_ a: Double, _ b: Double, _ c: Double, _ z: Double) -> Double {
    var term = 1.0
    var sum = 1.0
    var n = 0.0
    while n < 1_000_000 {
      term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
      sum += term
      n += 1
      if term.magnitude <= 1e-17 * sum.magnitude { break }
    }
    return sum
  }

  /// (1 − z)^power × ₂F₁(a, b; c; z) by Euler's transformation (DLMF 15.8.1), whose terms fall where those of the
  /// series itself rise first: for a + b > c.
  static func scaledHypergeometric(
    _ a: Double, _ b: Double, _ c: Double, _ z: Double, power: Double
  ) -> Double {
    pow(1 - z, power + c - a - b) * hypergeometric(c - a, c - b, c, z)
  }

  /// e^z Γ(s, z), the upper incomplete gamma function without its exponential fall, for any s and z > 0.
  ///
  /// Continued fraction (DLMF 8.9.2, modified Lentz) for z ≥ 1, or where z > s; else the series of the lower function
  /// (DLMF 8.7.3), for s ≤ 0 after steps up by Γ(s + 1, z) = s Γ(s, z) + z^s e^−z.
  static func scaledUpperGamma(_ s: Double, _ z: Double) -> Double {
    if z >= 1 && z > s { return upperGammaFraction(s, z) }
    if s > 0 {
      // Γ(s, z) = Γ(s) − z^s Σ (−z)^n / (n! (s + n))
      var sum = 0.0
      var term = 1.0
      var n = 0.0
      while n < 500 {
        let part = term / (s + n)
        sum += part
        if part.magnitude <= 1e-18 * sum.magnitude { break }
        n += 1
        term *= -z / n
      }
      return exp(z) * (exp(logGamma(s)) - pow(z, s) * sum)
    }
    if s == 0 {
      // E₁(z) = −γ − ln z − Σ (−z)^n / (n n!)
      var sum = 0.0
      var term = 1.0
      for n in 1..<200 {
        term *= -z / Double(n)
        sum += term / Double(n)
        if term.magnitude < 1e-18 { break }
      }
      return exp(z) * (-0.577_215_664_901_532_9 - log(z) - sum)
    }
    return (scaledUpperGamma(s + 1, z) - pow(z, s)) / s
  }

  private static func upperGammaFraction(_ s: Double, _ z: Double) -> Double {
    let tiny = 1e-300
    var b = z + 1 - s
    var c = 1 / tiny
    var d = 1 / b
    var h = d
    var n = 1.0
    while n < 100_000 {
      let an = -n * (n - s)
      b += 2
      d = an * d + b
      if d.magnitude < tiny { d = tiny }
      c = b + an / c
      if c.magnitude < tiny { c = tiny }
      d = 1 / d
      let delta = d * c
      h *= delta
      if (delta - 1).magnitude < 1e-16 { break }
      n += 1
    }
    return pow(z, s) * h
  }
}
