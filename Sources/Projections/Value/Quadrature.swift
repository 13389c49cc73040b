import Glibc

/// Gauss and Legendre's rule on [0, 1] (DLMF 3.5(v)): exact for polynomials of degree 2 × order − 1.
struct GaussLegendre: Sendable {
  let nodes: [Double]
  let weights: [Double]

  /// Enough for what falls by at most e^−1 within a panel that is short beside its distance to the next pole.
  static let six = GaussLegendre(order: 6)
  /// Enough for what falls by at most e^−8 within a panel no longer than its distance to the next pole: relative error of the
  /// panel below 1e-16, since ∫e^−κs has the error κ^2n (n!)^4 ÷ ((2n + 1) (2n)!³) (DLMF 3.5.19).
  static let twelve = GaussLegendre(order: 12)

  init(order: Int) {
    var nodes: [Double] = []
    var weights: [Double] = []
    for index in 0..<order {
      // Newton's method from Tricomi's guess at the zeros of the Legendre polynomial.
      var x = cos(Double.pi * (Double(index) + 0.75) / (Double(order) + 0.5))
      var slope = 1.0
      for _ in 0..<100 {
        var (before, here) = (1.0, x)
        for degree in 2...order {
          let n = Double(degree)
          (before, here) = (here, ((2 * n - 1) * x * here - (n - 1) * before) / n)
        }
        slope = Double(order) * (x * here - before) / (x * x - 1)
        let step = here / slope
        x -= step
        if step.magnitude < 1e-16 { break }
      }
      nodes.append((1 - x) / 2)
      weights.append(1 / ((1 - x * x) * slope * slope))
    }
    self.nodes = nodes
    self.weights = weights
  }
}

enum Quadrature {
  /// ln ∫ exp(f(y)) dy over low ... high, of a function with one maximum that is analytic at least π from the real axis, as
  /// products of powers of logistic functions of y are. Relative error about 1e-13.
  ///
  /// The stretch within e^−50 of the maximum is found by bisection and cut into panels by slope and curvature.
  ///
  /// - Returns: also whether the integrand is still within e^−50 of its maximum at either end.
  static func logIntegral(
    _ low: Double, _ high: Double, _ f: (Double) -> Double
  ) -> (log: Double, reachesLow: Bool, reachesHigh: Bool) {
    let depth = 50.0
    let peak = maximum(low, high, f)
    let top = f(peak)
    func edge(_ outside: Double) -> Double {
      if f(outside) > top - depth { return outside }
      var (inner, outer) = (peak, outside)
      for _ in 0..<60 {
        let middle = (inner + outer) / 2
        if f(middle) > top - depth { inner = middle } else { outer = middle }
        if (outer - inner).magnitude < 1e-3 * (outer - peak).magnitude { break }
      }
      return outer
    }
    let (from, to) = (edge(low), edge(high))
    var sum = 0.0
    let rule = GaussLegendre.twelve
    /// Panels from the peak outwards: steps shrink until the integrand changes little enough between the ends and the middle.
    func walk(_ direction: Double, _ end: Double) {
      var start = peak
      var length = 2.0
      while (end - start) * direction > 0 {
        length = min(2, length * 2)
        var stop = start + direction * length
        while true {
          if (stop - end) * direction > 0 { stop = end }
          let (left, middle, right) = (f(start), f((start + stop) / 2), f(stop))
          if (left - right).magnitude <= 8 && (left + right - 2 * middle).magnitude <= 2
            || length < 1e-12
          {
            break
          }
          length /= 2
          stop = start + direction * length
        }
        for (node, weight) in zip(rule.nodes, rule.weights) {
          sum += weight * (stop - start).magnitude * exp(f(start + node * (stop - start)) - top)
        }
        start = stop
      }
    }
    walk(-1, from)
    walk(1, to)
    return (top + log(sum), from == low, to == high)
  }

  /// Where a function with one maximum has it, by golden sections.
  private static func maximum(_ low: Double, _ high: Double, _ f: (Double) -> Double) -> Double {
    let golden = (5.0.squareRoot() - 1) / 2
    var (left, right) = (low, high)
    var (one, two) = (right - golden * (right - left), left + golden * (right - left))
    var (first, second) = (f(one), f(two))
    for _ in 0..<80 where right - left > 1e-9 * (1 + left.magnitude) {
      if first >= second {
        (right, two, second) = (two, one, first)
        one = right - golden * (right - left)
        first = f(one)
      } else {
        (left, one, first) = (one, two, second)
        two = left + golden * (right - left)
        second = f(two)
      }
    }
    return (left + right) / 2
  }
}
