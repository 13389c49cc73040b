import Glibc

/// Pareto/NBD: purchases come as a Poisson process whose rate is gamma distributed (r, α), and a customer stops at a
/// time that is exponential with a gamma distributed rate (s, β).
///
/// D. C. Schmittlein, D. G. Morrison, R. Colombo: Counting Your Customers, Management Science 33 (1987), 1-24; formulas as
/// in P. S. Fader, B. G. S. Hardie: A Note on Deriving the Pareto/NBD Model and Related Expressions (2005).
///
/// The likelihood is taken before its integral is written as two Gauss hypergeometric functions, whose arguments come near
/// 1 where α and β differ much:
///
///     L = Γ(r + x) ÷ Γ(r) α^r β^s { (α + T)^−(r + x) (β + T)^−s + s ∫ (α + t)^−(r + x) (β + t)^−(s + 1) dt, t from t_x to T }
///
/// The integral is one of a smooth falling function, and is computed by Gauss and Legendre's rule on panels none of which
/// is longer than its distance to the nearer pole, −min(α, β), or falls by more than e^−8: at most about 50 panels for α and β from
/// 1e-10 to 1e10 of the mean age, each with a relative error below 1e-16.
struct ParetoNBD: PurchaseModel {
  static let parameterNames = ["r", "alpha", "s", "beta"]
  static let isTime = [false, true, false, true]
  let r, alpha, s, beta: Double
  private let logAlpha, logBeta, logS: Double

  init(_ parameters: [Double]) {
    (r, alpha, s, beta) = (parameters[0], parameters[1], parameters[2], parameters[3])
    (logAlpha, logBeta, logS) = (log(alpha), log(beta), log(s))
  }

  var parameters: [Double] { [r, alpha, s, beta] }

  static func starts(rate: Double, span: Double) -> [[Double]] {
    var starts: [[Double]] = []
    for r in [0.3, 2] {
      for (s, stops) in [(0.5, 0.2), (0.5, 1), (2, 8)] {
        starts.append([r, r / (rate * (1 + stops)), s, s * span / stops])
      }
    }
    return starts
  }

  static func meaning(of parameter: Int, grows: Bool) -> String {
    switch (parameter, grows) {
    case (0, true), (1, true): "customers do not differ in how often they buy"
    case (2, true): "customers do not differ in how long they stay"
    case (2, false), (3, true): "no customer is seen to stop"
    case (3, false): "those who do not come back have stopped at once"
    default: "a few buy all the time and the others hardly ever"
    }
  }

  func heads(_ frequencies: [Double]) -> [LogDerivatives] {
    var rising = RisingLogarithms(r)
    return frequencies.map { frequency in
      rising.advance(to: frequency)
      var head = LogDerivatives()
      head.value = rising.value
      head.gradient[0] = rising.first
      head.hessian[0, 0] = rising.second
      return head
    }
  }

  /// ln of α^r β^s (α + t)^−(r + x) (β + t)^−s.
  private func alive(_ x: Double, _ t: Double) -> LogDerivatives {
    let (one, two) = (log1p(t / alpha), log1p(t / beta))
    let (u, v) = (t / (alpha + t), t / (beta + t))
    var term = LogDerivatives()
    term.value = -(r + x) * one - x * logAlpha - s * two
    term.gradient = SIMD4(-r * one, r * u - x * (1 - u), -s * two, s * v)
    term.hessian[0, 0] = -r * one
    term.hessian.set(0, 1, r * u)
    term.hessian[1, 1] = -(r + x) * u * (1 - u)
    term.hessian[2, 2] = -s * two
    term.hessian.set(2, 3, s * v)
    term.hessian[3, 3] = -s * v * (1 - v)
    return term
  }

  /// ln of the integrand at t with its factor s.
  private func stopping(_ x: Double, _ t: Double) -> Double {
    -(r + x) * log1p(t / alpha) - x * logAlpha - (s + 1) * log1p(t / beta) - logBeta + logS
  }

  func cells(_ frequency: Double, _ times: ArraySlice<Double>) -> [HistoryCell] {
    var cells: [HistoryCell] = []
    cells.reserveCapacity(times.count)
    var tail = ScaledTerm.zero
    var after = times[times.endIndex - 1]
    for time in times.reversed() {
      if time < after { tail = integral(frequency, time, after).adding(tail) }
      let alive = alive(frequency, time)
      cells.append(
        HistoryCell(
          logAlive: alive.value, ageTerm: ScaledTerm(alive).adding(tail, sign: -1),
          recencyTerm: tail))
      after = time
    }
    cells.reverse()
    return cells
  }

  private func integral(_ x: Double, _ from: Double, _ to: Double) -> ScaledTerm {
    var sum = ScaledTerm()
    sum.scale = stopping(x, from)
    let pole = min(alpha, beta)
    // What the second derivatives have apart from squares of the first ones.
    var curvature = SymmetricMatrix.zero
    var start = from
    while start < to {
      let slope = (r + x) / (alpha + start) + (s + 1) / (beta + start)
      let longest = min(pole + start, 8 / slope)
      let length = min(longest, to - start)
      let isShort = length * slope < 1 && length < 0.2 * (pole + start)
      let rule = isShort ? GaussLegendre.six : .twelve
      for index in rule.nodes.indices {
        let t = start + rule.nodes[index] * length
        let (one, two) = (log1p(t / alpha), log1p(t / beta))
        let logarithm =
          -(r + x) * one - x * logAlpha - (s + 1) * two - logBeta + logS - sum.scale
        let weight = rule.weights[index] * length * exp(logarithm)
        let (u, v) = (t / (alpha + t), t / (beta + t))
        let first = SIMD4(-r * one, r * u - x * (1 - u), 1 - s * two, s * v - (1 - v))
        sum.value += weight
        sum.gradient += weight * first
        sum.hessian = sum.hessian + .square(first, times: weight)
        curvature.rows.0 += weight * SIMD4(-r * one, r * u, 0, 0)
        curvature.rows.1 += weight * SIMD4(r * u, -(r + x) * u * (1 - u), 0, 0)
        curvature.rows.2 += weight * SIMD4(0, 0, -s * two, s * v)
        curvature.rows.3 += weight * SIMD4(0, 0, s * v, -(s + 1) * v * (1 - v))
      }
      start = length < longest ? to : start + length
      if stopping(x, start) < sum.scale - 50 { break }
    }
    sum.hessian = sum.hessian + curvature
    return sum
  }

  /// Equation (41), without P(alive).
  func expectedWhileAlive(_ x: Double, _ age: Double, within times: [Double]) -> [Double] {
    times.map { (r + x) / (alpha + age) * Self.lifetime(beta + age, s, $0) }
  }

  /// Expected time alive within `time`: β ÷ (s − 1) × (1 − (β ÷ (β + t))^(s − 1)), and its limit at s = 1.
  private static func lifetime(_ beta: Double, _ s: Double, _ time: Double) -> Double {
    let span = log1p(time / beta)
    let power = (1 - s) * span
    return power.magnitude < 1e-12 ? beta * span : beta * span * (expm1(power) / power)
  }
}
