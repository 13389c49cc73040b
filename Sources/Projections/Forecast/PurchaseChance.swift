import Glibc

/// Probability that a customer who has not stopped by as-of buys at least once within a time after it.
enum PurchaseChance {
  static func whileAlive(
    _ model: some PurchaseModel, _ frequency: Double, _ age: Double, within time: Double
  ) -> Double? {
    switch model {
    case let model as any BetaGeometric:
      // Nobody stops but at a purchase, so that a Poisson process of gamma distributed rate has to be silent.
      return -expm1(-(model.r + frequency) * log1p(time / (model.alpha + age)))
    case let model as ParetoNBD: return pareto(model, frequency, age, time)
    case let model as BetaGeometricBetaBinomial: return opportunities(model, frequency, age, time)
    default: return nil
    }
  }

  /// The first purchase comes at u after as-of if there is none and no end before it: ∫ E[λ exp(−(λ + μ) u)] du with λ gamma
  /// distributed (r + x, α + T) and μ (s, β + T). In p = 1 − ((α + T) ÷ (α + T + u))^(r + x), the distribution of u without an end,
  /// it is ∫ ((β + T) ÷ (β + T + u(p)))^s dp, whose integrand falls from 1.
  private static func pareto(
    _ model: ParetoNBD, _ frequency: Double, _ age: Double, _ time: Double
  ) -> Double {
    let (rate, alpha) = (model.r + frequency, model.alpha + age)
    let beta = model.beta + age
    let end = -expm1(-rate * log1p(time / alpha))
    return Simpson.integral(0, end) { p in
      let later = alpha * expm1(-log1p(-p) / rate)
      return exp(-model.s * log1p(later / beta))
    }
  }

  /// 1 less the probability to be silent at all opportunities, or to stop before one of them and be silent until then.
  private static func opportunities(
    _ model: BetaGeometricBetaBinomial, _ x: Double, _ n: Double, _ time: Double
  ) -> Double {
    // E[(1 − p)^j] and E[(1 − θ)^j]
    var (silent, stays) = (1.0, 1.0)
    var none = 0.0
    var opportunity = n
    while opportunity + 1 <= n + time {
      let all = model.gamma + model.delta + opportunity
      none += silent * stays * model.gamma / all
      stays *= (model.delta + opportunity) / all
      silent *= (model.beta + opportunity - x) / (model.alpha + model.beta + opportunity)
      opportunity += 1
    }
    return 1 - (none + silent * stays)
  }
}

/// Simpson's rule on halves of halves, until both agree: for a smooth function between 0 and 1.
enum Simpson {
  private static let tolerance = 1e-11

  static func integral(_ from: Double, _ to: Double, _ f: (Double) -> Double) -> Double {
    if to <= from { return 0 }
    let middle = (from + to) / 2
    let values = (f(from), f(middle), f(to))
    return part(from, to, values, depth: 40, f)
  }

  private static func part(
    _ from: Double, _ to: Double, _ values: (Double, Double, Double), depth: Int,
    _ f: (Double) -> Double
  ) -> Double {
    let middle = (from + to) / 2
    let (left, right) = (f((from + middle) / 2), f((middle + to) / 2))
    let width = (to - from) / 6
    let whole = width * (values.0 + 4 * values.1 + values.2)
    let halves = width / 2 * (values.0 + 4 * left + 2 * values.1 + 4 * right + values.2)
    // What is left is about a fifteenth of the difference.
    if depth == 0 || (halves - whole).magnitude <= 15 * tolerance {
      return halves + (halves - whole) / 15
    }
    return part(from, middle, (values.0, left, values.1), depth: depth - 1, f)
      + part(middle, to, (values.1, right, values.2), depth: depth - 1, f)
  }
}
