import Glibc

/// What a maximum likelihood fit came to.
package struct Fit: Sendable {
  package var parameters: [Double]
  /// Natural logarithm, without what a prior adds.
  package var logLikelihood: Double
  /// Of each parameter, from the inverse of the observed information (delta method on the logarithms); nil for one at its
  /// boundary.
  package var standardErrors: [Double?]
  /// Covariance of the logarithms of the parameters; 0 for one at its boundary.
  package var logCovariance: [[Double]]
  /// Customers that the fit rests on.
  package var customers: Int
  package var verdicts: [FitVerdict]

  /// Parameters at their boundary are not counted as free.
  package var freeParameters: Int { standardErrors.count { $0 != nil } }
}

/// What is known of parameters before the data, as a parabola in the logarithms of the scaled parameters.
struct LogNormalPrior: Sendable {
  var centers = SIMD4<Double>.zero
  /// 1 ÷ σ²; 0 for none.
  var weights = SIMD4<Double>.zero

  var isEmpty: Bool { weights == .zero }

  func derivatives(_ logs: SIMD4<Double>) -> LogDerivatives {
    let away = logs - centers
    var term = LogDerivatives()
    term.value = -0.5 * (weights * away * away).sum()
    term.gradient = -weights * away
    for axis in 0..<4 { term.hessian[axis, axis] = -weights[axis] }
    return term
  }
}

/// The search for the highest hill of a likelihood, what lies at its top, and what that means.
struct HillClimb: Sendable {
  let names: [String]
  /// What divides each parameter before the search: the mean age for a time, the mean amount for money, else 1.
  let scales: [Double]
  let prior: LogNormalPrior
  /// Where a parameter that grows without end is frozen; shrinking ones at its inverse.
  let limit: Double
  private let count: Int

  init(names: [String], scales: [Double], prior: LogNormalPrior, limit: Double) {
    (self.names, self.scales, self.prior, self.limit) = (names, scales, prior, limit)
    count = names.count
  }

  struct Result: Sendable {
    var logs: SIMD4<Double>
    /// Their exponentials, to the digits that they hold.
    var scaled: [Double]
    /// Of the likelihood alone.
    var derivatives: LogDerivatives
    /// Parameters at their boundary, and whether they grow.
    var frozen: [(parameter: Int, grows: Bool)]
    var isReached: Bool
  }

  typealias Function = MaximumLikelihood.Function

  /// - Throws: ``FitFailure`` where the likelihood has no value.
  /// - Parameters:
  ///   - starts: of scaled parameters.
  ///   - coarse: a likelihood that has the same hills and costs little; nil where `all` does.
  ///   - progress: called after each evaluation, with how many there were.
  func climb(
    starts: [[Double]], coarse: Function?, all: Function, progress: (_ steps: Int) -> Void
  ) throws -> Result {
    var steps = 0
    func target(_ logs: SIMD4<Double>) throws -> LogDerivatives {
      steps += 1
      progress(steps)
      return try all(logs) + prior.derivatives(logs)
    }
    func first(_ logs: SIMD4<Double>) throws -> LogDerivatives {
      guard let coarse else { return try target(logs) }
      return try coarse(logs) + prior.derivatives(logs)
    }
    let search = MaximumLikelihood(
      isFixed: Array(repeating: false, count: count), bound: log(limit))
    var tops: [MaximumLikelihood.Top] = []
    for start in starts {
      var logs = SIMD4<Double>.zero
      for axis in 0..<count { logs[axis] = log(start[axis]) }
      tops.append(try search.maximize(from: logs, first))
    }
    tops.removeAll { !$0.isFinite }
    tops.sort { $0.derivatives.value > $1.derivatives.value }
    if tops.isEmpty { throw Self.nowhere }
    if coarse != nil {
      // Hills that differ by little on the coarse likelihood are both climbed on the true one.
      let best = tops[0].derivatives.value
      var hills: [MaximumLikelihood.Top] = []
      for top in tops where top.derivatives.value > best - 10 - 1e-3 * best.magnitude {
        let isNew = hills.allSatisfy { known in
          let away = known.logs - top.logs
          return (away * away).sum() > 0.25
            && (known.derivatives.value - top.derivatives.value).magnitude > 1e-6
        }
        if isNew && hills.count < 2 { hills.append(top) }
      }
      tops = try hills.map { try search.maximize(from: $0.logs, target) }
      tops.removeAll { !$0.isFinite }
      tops.sort { $0.derivatives.value > $1.derivatives.value }
      if tops.isEmpty { throw Self.nowhere }
    }
    return try settle(tops[0], all, target)
  }

  private static var nowhere: FitFailure {
    FitFailure(
      verdict: FitVerdict(
        code: .notConverged, message: "the likelihood is not a number at any start of the search",
        remedy:
          "look for histories or amounts far out of range, or give parameters with --clv-params"))
  }

  // MARK: Boundaries

  /// Freezes parameters that the likelihood says nothing of but that they are large, or small; rounds the others to the digits
  /// that they hold, so that another machine's rounding does not show.
  private func settle(
    _ top: MaximumLikelihood.Top, _ all: Function, _ target: Function
  ) throws -> Result {
    var top = top
    var isFixed = Array(repeating: false, count: count)
    var frozen: [(parameter: Int, grows: Bool)] = []
    for _ in 0..<count {
      guard let weak = weakAxis(top, isFixed) else { break }
      var best: (top: MaximumLikelihood.Top, grows: Bool)?
      isFixed[weak.axis] = true
      for grows in [true, false] {
        let end = grows ? log(limit) : -log(limit)
        // Along the ridge: the others go with it.
        var logs = top.logs
        let way = (end - logs[weak.axis]) / weak.direction[weak.axis]
        for axis in 0..<count where !isFixed[axis] {
          let moved = logs[axis] + way * weak.direction[axis]
          logs[axis] = min(log(limit) + 5, max(-log(limit) - 5, moved))
        }
        logs[weak.axis] = end
        guard try target(logs).value.isFinite else { continue }
        let found = try MaximumLikelihood(isFixed: isFixed, bound: log(limit) + 6)
          .maximize(from: logs, target)
        if found.derivatives.value > best?.top.derivatives.value ?? -.infinity {
          best = (found, grows)
        }
      }
      guard let best, best.top.derivatives.value >= top.derivatives.value - 1e-6 else {
        isFixed[weak.axis] = false
        break
      }
      top = best.top
      frozen.append((weak.axis, best.grows))
    }
    let covariance = covariance(top.derivatives, isFixed)
    var logs = top.logs
    let scaled = (0..<count).map { axis in
      if let end = frozen.first(where: { $0.parameter == axis }) {
        return end.grows ? limit : 1 / limit
      }
      return Self.rounded(exp(logs[axis]), error: covariance[axis][axis].squareRoot())
    }
    for axis in 0..<count { logs[axis] = log(scaled[axis]) }
    return Result(
      logs: logs, scaled: scaled, derivatives: try all(logs),
      frozen: frozen.sorted { $0.parameter < $1.parameter },
      isReached: top.isReached)
  }

  /// A parameter that the top does not hold: the standard error of its logarithm along the weakest direction is above 20, or it
  /// has run away; with that direction.
  private func weakAxis(
    _ top: MaximumLikelihood.Top, _ isFixed: [Bool]
  ) -> (axis: Int, direction: SIMD4<Double>)? {
    let hessian = top.derivatives.hessian
    let strong = -1 - (0..<4).reduce(0) { $0 + hessian[$1, $1].magnitude }
    let (values, vectors) = hessian.isolating(
      { $0 >= count || isFixed[$0] }, diagonal: strong
    ).eigen()
    guard let weakest = (0..<4).max(by: { values[$0] < values[$1] }) else { return nil }
    let direction = vectors[weakest]
    let free = (0..<count).filter { !isFixed[$0] }
    let hasRunAway = free.contains { top.logs[$0].magnitude > log(limit) - 2 }
    guard let strongest = free.map({ direction[$0].magnitude }).max(),
      values[weakest] > -1 / 400 || hasRunAway
    else { return nil }
    // Of those that move together a shape is named before a scale.
    let movers = free.filter { direction[$0].magnitude > 0.3 * strongest }
    guard let axis = movers.first(where: { scales[$0] == 1 }) ?? movers.first else { return nil }
    return (axis, direction)
  }

  /// Inverse of the information over the free parameters; 0 elsewhere.
  private func covariance(_ derivatives: LogDerivatives, _ isFixed: [Bool]) -> [[Double]] {
    let information = (.zero - derivatives.hessian)
      .isolating({ $0 >= count || isFixed[$0] }, diagonal: 1)
    let (values, vectors) = information.eigen()
    return (0..<count).map { row in
      (0..<count).map { column in
        if isFixed[row] || isFixed[column] { return 0 }
        return (0..<4).reduce(0) { sum, axis in
          sum + vectors[axis][row] * vectors[axis][column] / max(values[axis], 1e-12)
        }
      }
    }
  }

  /// To the decimal digits that matter beside the standard error of its logarithm: a millionth of it.
  private static func rounded(_ value: Double, error: Double) -> Double {
    let digits = min(11, max(4, 1 - Int(floor(log10(max(error, 1e-300) * 1e-6)))))
    let exponent = digits - 1 - Int(floor(log10(value)))
    let power = pow(10, Double(exponent.magnitude))
    return exponent >= 0
      ? (value * power).rounded() / power : (value / power).rounded() * power
  }

  /// - Parameter shift: what has to be added to the logarithm of the likelihood of scaled data.
  func fit(
    _ result: Result, customers: Int, shift: Double, meaning: (Int, Bool) -> String
  ) -> Fit {
    var isFixed = Array(repeating: false, count: count)
    for (parameter, _) in result.frozen { isFixed[parameter] = true }
    let parameters = (0..<count).map { result.scaled[$0] * scales[$0] }
    let information = result.derivatives + prior.derivatives(result.logs)
    let covariance = covariance(information, isFixed)
    var verdicts = result.frozen.map { parameter, grows in
      FitVerdict(
        code: .boundary,
        message:
          "the likelihood has its maximum where `\(names[parameter])` \(grows ? "grows" : "shrinks") without end: \(meaning(parameter, grows))",
        remedy:
          "it stands at \(grows ? "a large" : "a small") value, which changes no forecast; `clv.prior` gives it a finite one",
        parameter: names[parameter])
    }
    if !result.isReached {
      verdicts.append(
        FitVerdict(
          code: .notConverged,
          message: "the search for the maximum ended after \(MaximumLikelihood.stepLimit) steps",
          remedy: "take the parameters with care, or give them with --clv-params"))
    }
    return Fit(
      parameters: parameters, logLikelihood: result.derivatives.value + shift,
      standardErrors: (0..<count).map {
        isFixed[$0] ? nil : parameters[$0] * covariance[$0][$0].squareRoot()
      },
      logCovariance: covariance, customers: customers, verdicts: verdicts)
  }
}
