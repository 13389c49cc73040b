import Glibc

/// Finds maxima of smooth functions of the logarithms of up to four positive parameters, by Newton's method within a region
/// of trust: J. J. Moré, D. C. Sorensen: Computing a Trust Region Step, SIAM Journal on Scientific and Statistical Computing 4
/// (1983), 553-572. With exact derivatives it needs one evaluation a step and ends in at most ``stepLimit`` steps.
///
/// It stops where a step would add less than 1e-10 to the function (or what its rounding hides): a measure that knows neither units
/// nor how flat the hill is. Newton's method is then quadratic, so that the last step, which is still taken, leaves nothing.
struct MaximumLikelihood: Sendable {
  static let stepLimit = 200
  /// Value and derivatives in the logarithms of the parameters.
  typealias Function = (SIMD4<Double>) throws -> LogDerivatives

  struct Top: Sendable {
    var logs: SIMD4<Double>
    var derivatives: LogDerivatives
    var steps: Int
    /// False where the steps ran out: never seen.
    var isReached: Bool

    var isFinite: Bool { derivatives.value.isFinite && derivatives.hessian.isFinite }
  }

  /// Directions that a search must not move in: parameters that the function does not have, or that are frozen.
  private let isFixed: [Bool]
  /// Logarithms of parameters are kept between this and its negative.
  private let bound: Double

  init(isFixed: [Bool], bound: Double) {
    self.isFixed = isFixed + Array(repeating: true, count: 4 - isFixed.count)
    self.bound = bound
  }

  func maximize(from start: SIMD4<Double>, _ function: Function) throws -> Top {
    let (low, high) = (-bound, bound)
    var logs = start
    var here = try function(logs)
    var radius = 1.0
    var isLast = false
    for step in 1...Self.stepLimit {
      // Who leaves the range stands still at its end, as long as the slope leads outwards.
      var held = isFixed
      for axis in 0..<4 where !held[axis] {
        if logs[axis] <= low && here.gradient[axis] < 0 { held[axis] = true }
        if logs[axis] >= high && here.gradient[axis] > 0 { held[axis] = true }
      }
      let move = Self.step(here, held, radius: radius)
      let noise = max(1e-10, 1e-15 * here.value.magnitude)
      if move.gain <= noise {
        if isLast || move.length == 0 {
          return Top(logs: logs, derivatives: here, steps: step, isReached: true)
        }
        isLast = true
      }
      var next = logs + move.step
      for axis in 0..<4 where !held[axis] { next[axis] = min(high, max(low, next[axis])) }
      let there = try function(next)
      let gain = there.value - here.value
      let isSound = there.value.isFinite && there.hessian.isFinite
      if isSound, gain >= 0.1 * move.gain - 4 * noise {
        if gain > 0.5 * move.gain && move.length > 0.9 * radius { radius = min(8, 2 * radius) }
        (logs, here) = (next, there)
      } else {
        if isLast { return Top(logs: logs, derivatives: here, steps: step, isReached: true) }
        radius = 0.25 * min(radius, max(move.length, 1e-12))
        if radius < 1e-10 {
          return Top(logs: logs, derivatives: here, steps: step, isReached: move.gain < 1e-6)
        }
      }
    }
    return Top(logs: logs, derivatives: here, steps: Self.stepLimit, isReached: false)
  }

  /// The highest point of the parabola within the radius, what it promises, and its length.
  private static func step(
    _ here: LogDerivatives, _ held: [Bool], radius: Double
  ) -> (step: SIMD4<Double>, gain: Double, length: Double) {
    var gradient = here.gradient
    for axis in 0..<4 where held[axis] { gradient[axis] = 0 }
    let (values, vectors) = here.hessian.isolating({ held[$0] }, diagonal: -1).eigen()
    let along = SIMD4(
      (gradient * vectors[0]).sum(), (gradient * vectors[1]).sum(),
      (gradient * vectors[2]).sum(), (gradient * vectors[3]).sum())
    func part(_ shift: Double) -> SIMD4<Double> {
      var part = SIMD4<Double>.zero
      for axis in 0..<4 where along[axis] != 0 { part[axis] = along[axis] / (shift - values[axis]) }
      return part
    }
    func length(_ part: SIMD4<Double>) -> Double { (part * part).sum().squareRoot() }
    let highest = values.max()
    var move: SIMD4<Double>
    if highest < 0, length(part(0)) <= radius {
      move = part(0)
    } else {
      // The length falls as the shift grows: bisection between where it is too long and where it is not.
      var low = max(0, highest)
      var high = low + max(length(along) / radius, 1e-300)
      for _ in 0..<200 {
        let middle = low + (high - low) / 2
        if middle == low || middle == high { break }
        if length(part(middle)) > radius { low = middle } else { high = middle }
      }
      move = part(high)
      // No slope along the axis on which it curves upwards: go there all the same.
      let missing = radius * radius - (move * move).sum()
      if highest > 0, missing > 1e-6 * radius * radius,
        let axis = (0..<4).first(where: { values[$0] == highest })
      {
        move[axis] += (move[axis] < 0 ? -1 : 1) * missing.squareRoot()
      }
    }
    var step = SIMD4<Double>.zero
    for axis in 0..<4 { step += move[axis] * vectors[axis] }
    for axis in 0..<4 where held[axis] { step[axis] = 0 }
    let gain = (along * move).sum() + 0.5 * (values * move * move).sum()
    return (step, gain, length(move))
  }
}
