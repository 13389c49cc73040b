import Glibc

/// What may still come of a customer, drawn by the story of a model: purchases in each step of a horizon.
struct FutureDraw: Sendable {
  /// Purchases in each step; the last step may be shorter.
  private(set) var counts: [Double]
  /// Length of a step.
  let step: Double
  let horizon: Double

  init(step: Double, horizon: Double) {
    self.step = min(step, horizon)
    self.horizon = horizon
    counts = Array(repeating: 0, count: max(1, Int((horizon / self.step).rounded(.up))))
  }

  var total: Double { counts.reduce(0, +) }

  mutating func clear() { for index in counts.indices { counts[index] = 0 } }

  mutating func add(at time: Double) {
    counts[min(counts.count - 1, Int(time / step))] += 1
  }

  /// The first `count` of `all` events that are uniform over 0 ..< `end`.
  mutating func add(
    _ count: Double, of all: Double, until end: Double, _ random: inout RandomSource
  ) {
    if count == all && all <= 1000 {
      for _ in 0..<Int(count) { add(at: end * random.uniform()) }
      return
    }
    if all <= 1000 {
      // Gaps of uniform events are exponential up to their sum.
      var times: [Double] = []
      var sum = 0.0
      for _ in 0...Int(all) {
        sum += random.exponential()
        times.append(sum)
      }
      for time in times.prefix(Int(count)) { add(at: end * time / sum) }
      return
    }
    // So many lie where they are expected.
    let last = end * count / all
    for index in counts.indices {
      let from = Double(index) * step
      let part = min(last, from + step) - from
      if part <= 0 { break }
      counts[index] += count * part / last
    }
  }
}

extension ParetoNBD {
  func drawFuture(
    _ x: Double, _ age: Double, _ random: inout RandomSource, into draw: inout FutureDraw
  ) {
    let rate = random.gamma(r + x) / (alpha + age)
    let stop = random.gamma(s) / (beta + age)
    let end = min(draw.horizon, random.exponential() / stop)
    let count = random.poisson(rate * end)
    draw.add(count, of: count, until: end, &random)
  }
}

extension BetaGeometric {
  func drawFuture(
    _ x: Double, _ age: Double, _ random: inout RandomSource, into draw: inout FutureDraw
  ) {
    let rate = random.gamma(r + x) / (alpha + age)
    let stop = random.beta(a, b + x + Self.chancesAtFirst)
    let all = random.poisson(rate * draw.horizon)
    // The purchase after which he stops: geometric.
    let last = stop >= 1 ? 1 : (random.exponential() / -log1p(-stop)).rounded(.down) + 1
    draw.add(min(all, last), of: all, until: draw.horizon, &random)
  }
}

extension BetaGeometricBetaBinomial {
  func drawFuture(
    _ x: Double, _ n: Double, _ random: inout RandomSource, into draw: inout FutureDraw
  ) {
    let buys = random.beta(alpha + x, beta + n - x)
    let stops = random.beta(gamma, delta + n)
    var opportunity = 1.0
    while opportunity <= draw.horizon {
      if random.uniform() < stops { return }
      // At its end, so that it falls into the step that it ends.
      if random.uniform() < buys { draw.add(at: opportunity - 0.5) }
      opportunity += 1
    }
  }
}
