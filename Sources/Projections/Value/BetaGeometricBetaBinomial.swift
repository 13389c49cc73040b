import Glibc

/// BG/BB: time is a row of opportunities; while a customer is there, he buys at each with a probability that is beta distributed
/// (α, β), and before each he stops with one that is beta distributed (γ, δ).
///
/// Frequency counts the opportunities after the first purchase at which he bought, recency is the last of them (0 without any),
/// age is how many there were.
///
/// P. S. Fader, B. G. S. Hardie, J. Shang: Customer-Base Analysis in a Discrete-Time Noncontractual Setting, Marketing Science 29
/// (2010), 1086-1108.
struct BetaGeometricBetaBinomial: PurchaseModel {
  static let parameterNames = ["alpha", "beta", "gamma", "delta"]
  static let isTime = [false, false, false, false]
  static let countsTime = true
  let alpha, beta, gamma, delta: Double

  init(_ parameters: [Double]) {
    (alpha, beta, gamma, delta) = (parameters[0], parameters[1], parameters[2], parameters[3])
  }

  var parameters: [Double] { [alpha, beta, gamma, delta] }

  static func starts(rate: Double, span: Double) -> [[Double]] {
    let share = min(0.9, max(0.05, 1.5 * rate))
    var starts: [[Double]] = []
    for size in [1.0, 6] {
      for (gamma, delta) in [(0.5, 4.0), (0.3, 1.0), (3, 60)] {
        starts.append([size * share, size * (1 - share), gamma, delta])
      }
    }
    return starts
  }

  static func meaning(of parameter: Int, grows: Bool) -> String {
    meaningOfChances(
      parameter, grows: grows, otherwise: "a few buy at every opportunity and the others at none")
  }

  func heads(_ frequencies: [Double]) -> [LogDerivatives] {
    Array(repeating: LogDerivatives(), count: frequencies.count)
  }

  /// Γ(c + n) ÷ Γ(c) of c = a sum of two parameters, for n = 0, 1, …
  private struct RisingSum {
    let first, second: Int
    let c, d: Double
    private(set) var table: [LogDerivatives] = [LogDerivatives()]

    init(_ first: Int, _ c: Double, _ second: Int, _ d: Double, upTo count: Int, sign: Double) {
      (self.first, self.second, self.c, self.d) = (first, second, c, d)
      table.reserveCapacity(count + 1)
      var term = LogDerivatives()
      for i in 0..<count {
        let sum = c + d + Double(i)
        let (u, v) = (c / sum, d / sum)
        term.value += sign * log(sum)
        term.gradient[first] += sign * u
        term.hessian[first, first] += sign * u * (1 - u)
        if first != second {
          term.gradient[second] += sign * v
          term.hessian[second, second] += sign * v * (1 - v)
          term.hessian.set(first, second, term.hessian[first, second] - sign * u * v)
        }
        table.append(term)
      }
    }

    init(_ parameter: Int, _ c: Double, upTo count: Int) {
      self.init(parameter, c, parameter, 0, upTo: count, sign: 1)
    }

    subscript(_ n: Int) -> LogDerivatives { table[n] }
  }

  func cells(_ frequency: Double, _ times: ArraySlice<Double>) -> [HistoryCell] {
    let x = Int(frequency)
    let horizon = Int(times[times.endIndex - 1])
    let buying = RisingSum(0, alpha, upTo: x)[x]
    let passing = RisingSum(1, beta, upTo: horizon)
    let chances = RisingSum(0, alpha, 1, beta, upTo: horizon, sign: -1)
    let staying = RisingSum(3, delta, upTo: horizon)
    let stops = RisingSum(2, gamma, 3, delta, upTo: horizon + 1, sign: -1)
    var leaving = LogDerivatives()
    leaving.value = log(gamma)
    leaving.gradient[2] = 1

    var cells: [HistoryCell] = []
    var tail = ScaledTerm.zero
    var after = horizon
    for time in times.reversed() {
      let n = Int(time)
      // The sum in equation (5): he stopped before one of the opportunities since the last purchase.
      while after > n {
        after -= 1
        let bought = buying + passing[after - x] + chances[after]
        tail = tail.adding(ScaledTerm(bought + leaving + staying[after] + stops[after + 1]))
      }
      // Its first term.
      let alive = buying + passing[n - x] + chances[n] + staying[n] + stops[n]
      cells.append(
        HistoryCell(
          logAlive: alive.value, ageTerm: ScaledTerm(alive).adding(tail, sign: -1),
          recencyTerm: tail))
    }
    cells.reverse()
    return cells
  }

  /// Equation (13), as a sum over the opportunities to come: he is still there, and buys.
  func expectedWhileAlive(_ x: Double, _ n: Double, within times: [Double]) -> [Double] {
    let longest = times.max() ?? 0
    var sums = [0.0]
    var alive = 1.0
    var opportunity = n
    while opportunity + 1 <= n + longest {
      alive *= (delta + opportunity) / (gamma + delta + opportunity)
      sums.append(sums[sums.count - 1] + alive)
      opportunity += 1
    }
    return times.map { (alpha + x) / (alpha + beta + n) * sums[max(0, Int($0))] }
  }
}
