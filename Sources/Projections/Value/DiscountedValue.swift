import Glibc

/// The value of purchases to come within a horizon, discounted.
enum DiscountedValue {
  /// A horizon cut into steps, whose purchases are discounted to now from the end of each.
  struct Schedule: Sendable {
    /// Ends of the steps; the last one is the horizon.
    let times: [Double]
    /// What a purchase in each step is worth now.
    let factors: [Double]

    /// - Parameters:
    ///   - rate: for one `period`, effective: what comes after t units is worth (1 + rate)^(−t ÷ period). 0 for none, and then
    ///     a single step will do.
    ///   - horizon, step, period: in the unit of the history; the last step may be shorter.
    init(horizon: Double, step: Double, rate: Double, period: Double) {
      if rate == 0 {
        times = [horizon]
        factors = [1]
        return
      }
      var times: [Double] = []
      while step * Double(times.count + 1) < horizon {
        times.append(step * Double(times.count + 1))
      }
      times.append(horizon)
      self.times = times
      factors = times.map { pow(1 + rate, -$0 / period) }
    }

    /// - Parameter expected: purchases within each of ``times``.
    func worth(_ expected: [Double]) -> Double {
      var worth = 0.0
      var before = 0.0
      for (until, factor) in zip(expected, factors) {
        worth += (until - before) * factor
        before = until
      }
      return worth
    }
  }

  /// Expected purchases within `horizon`, each discounted as ``Schedule`` says.
  static func purchases(
    _ model: some PurchaseModel, _ history: PurchaseHistory, horizon: Double, step: Double,
    rate: Double, period: Double
  ) -> Double {
    let schedule = Schedule(horizon: horizon, step: step, rate: rate, period: period)
    return model.probabilityAlive(history)
      * schedule.worth(
        model.expectedWhileAlive(history.frequency, history.age, within: schedule.times))
  }

  /// Discounted expected residual transactions: the present value of all purchases to come for ever, at a continuous rate
  /// `delta` > 0 for a time unit. ln(1 + d) ÷ period is the one of an effective rate d for a period.
  ///
  /// P. S. Fader, B. G. S. Hardie, K. L. Lee: RFM and CLV, Journal of Marketing Research 42 (2005), 415-430: their equation (2)
  /// is that of Pareto/NBD. Here for every model: the purchase rate against e^−δt is δ ∫ E(t) e^−δt dt by parts, with E the
  /// expected purchases within t, over t to 45 ÷ δ; under BG/BB the same as a sum over opportunities.
  static func residual(
    _ model: some PurchaseModel, _ history: PurchaseHistory, delta: Double
  ) -> Double {
    let alive = model.probabilityAlive(history)
    if alive == 0 { return 0 }
    return alive * residualWhileAlive(model, history.frequency, history.age, delta: delta)
  }

  /// The same of one who has not stopped.
  static func residualWhileAlive(
    _ model: some PurchaseModel, _ frequency: Double, _ age: Double, delta: Double
  ) -> Double {
    let end = 45 / delta
    if type(of: model).countsTime {
      let times = (1...max(1, Int(min(end, 1e6)))).map { Double($0) }
      let expected = model.expectedWhileAlive(frequency, age, within: times)
      var before = 0.0
      var sum = 0.0
      for (time, until) in zip(times, expected) {
        sum += (until - before) * exp(-delta * time)
        before = until
      }
      return sum
    }
    // E bends where the model does: panels double from a small part of the age or of 1 ÷ δ.
    let rule = GaussLegendre.twelve
    var edges = [0.0]
    var edge = min(1 / delta, 1 + age) * 1e-6
    while edge < end {
      edges.append(edge)
      edge = min(2 * edge, edge + 4 / delta)
    }
    edges.append(end)
    var times: [Double] = []
    for (from, to) in zip(edges, edges.dropFirst()) {
      for node in rule.nodes { times.append(from + node * (to - from)) }
    }
    let expected = model.expectedWhileAlive(frequency, age, within: times)
    var sum = 0.0
    for (panel, (from, to)) in zip(edges, edges.dropFirst()).enumerated() {
      for place in rule.weights.indices {
        let index = panel * rule.weights.count + place
        sum += rule.weights[place] * (to - from) * expected[index] * exp(-delta * times[index])
      }
    }
    return delta * sum
  }

  /// The simple lifetime value that people quote: margin of a period × retention ÷ (1 + discount − retention); cash at the
  /// end of each period, the first one after one period.
  static func retention(margin: Double, retention: Double, discount: Double) -> Double {
    margin * retention / (1 + discount - retention)
  }
}
