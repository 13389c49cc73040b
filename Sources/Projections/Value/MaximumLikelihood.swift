import EventStore
import Glibc

/// What a maximum likelihood fit came to.
public struct Fit: Sendable {
  public var parameters: [Double]
  public var logLikelihood: Double
  /// Of each parameter, from the inverse of the observed information (delta method on the logarithms); nil where it is not
  /// positive definite.
  public var standardErrors: [Double]?
  /// Customers that the fit rests on.
  public var customers: Int
}

/// Why the data carry no fit.
public enum FitFailure: Error, Sendable, Equatable {
  /// Fewer than this many customers with a repeat purchase.
  case tooFewRepeaters(found: Int, needed: Int)
  /// The likelihood has no maximum inside: a parameter ran to 0 or to infinity.
  case noMaximum(parameter: String)
  case notConverged

  public var text: String {
    switch self {
    case .tooFewRepeaters(let found, let needed):
      "\(found) customers bought again, and a fit needs at least \(needed)"
    case .noMaximum(let parameter):
      "the likelihood has no maximum: `\(parameter)` runs away (customers too much alike?)"
    case .notConverged: "the search for the maximum did not converge"
    }
  }
}

/// Finds the maximum of a likelihood over positive parameters: the same result on every machine and for any number of
/// threads, since sums are cut into the same pieces.
///
/// Nelder and Mead's simplex on the logarithms of the parameters finds the hill, Newton's method its top (derivatives by
/// central differences), until a step changes no parameter by more than 1e-9 relative.
enum MaximumLikelihood {
  static let repeatersNeeded = 10
  /// A parameter beyond these has run away.
  private static let range = 1e-7...1e9

  static func maximize(
    from start: [Double], names: [String], customers: Int,
    _ logLikelihood: ([Double]) throws -> Double
  ) throws -> Fit {
    func value(_ logs: [Double]) throws -> Double {
      let parameters = logs.map { exp($0) }
      guard parameters.allSatisfy(range.contains) else { return -.infinity }
      let value = try logLikelihood(parameters)
      return value.isNaN ? -.infinity : value
    }
    var best = start.map { log($0) }
    best = try simplex(best, size: 0.5, value)
    best = try simplex(best, size: 0.05, value)
    var isAtTop = false
    var hessian: [[Double]] = []
    for _ in 0..<30 {
      let (gradient, second) = try derivatives(best, value)
      hessian = second
      guard let inverse = inverse(second.map { $0.map { -$0 } }) else { break }
      let step = inverse.map { row in zip(row, gradient).reduce(0) { $0 + $1.0 * $1.1 } }
      let here = try value(best)
      var scale = 1.0
      var next = zip(best, step).map { $0 + scale * $1 }
      while try value(next) < here - 1e-9 * max(1, here.magnitude) && scale > 1e-4 {
        scale /= 2
        next = zip(best, step).map { $0 + scale * $1 }
      }
      if scale <= 1e-4 { break }
      best = next
      if (step.map(\.magnitude).max() ?? 0) * scale < 1e-7 {
        isAtTop = true
        break
      }
    }
    let parameters = best.map { exp($0) }
    for (name, parameter) in zip(names, parameters)
    where parameter < range.lowerBound * 10 || parameter > range.upperBound / 10 {
      throw FitFailure.noMaximum(parameter: name)
    }
    if !isAtTop { throw FitFailure.notConverged }
    var errors: [Double]?
    if let covariance = inverse(hessian.map { $0.map { -$0 } }),
      covariance.indices.allSatisfy({ covariance[$0][$0] > 0 })
    {
      errors = covariance.indices.map { parameters[$0] * covariance[$0][$0].squareRoot() }
    }
    return Fit(
      parameters: parameters, logLikelihood: try value(best), standardErrors: errors,
      customers: customers)
  }

  /// Sums over pieces of fixed size on all threads, added up in order.
  static func sum(
    _ count: Int, threads: Int, _ part: @escaping @Sendable (Range<Int>) -> Double
  ) throws -> Double {
    let length = 4096
    let pieces = (count + length - 1) / length
    if pieces <= 1 || threads <= 1 {
      var total = 0.0
      for piece in 0..<pieces { total += part(piece * length..<min(count, (piece + 1) * length)) }
      return total
    }
    let ticket = Ticket()
    let found = try Parallel.run(min(threads, pieces)) { _ in
      var parts: [(piece: Int, sum: Double)] = []
      while true {
        let piece = ticket.take()
        if piece >= pieces { return parts }
        parts.append((piece, part(piece * length..<min(count, (piece + 1) * length))))
      }
    }
    return found.flatMap { $0 }.sorted { $0.piece < $1.piece }.reduce(0) { $0 + $1.sum }
  }

  // MARK: Simplex

  /// J. A. Nelder, R. Mead: A simplex method for function minimization, Computer Journal 7 (1965), 308-313.
  private static func simplex(
    _ start: [Double], size: Double, _ value: ([Double]) throws -> Double
  ) throws -> [Double] {
    let count = start.count
    var points = [start]
    for index in 0..<count {
      var point = start
      point[index] += size
      points.append(point)
    }
    var values = try points.map { try value($0) }
    func sort() {
      let order = values.indices.sorted { values[$0] > values[$1] }
      points = order.map { points[$0] }
      values = order.map { values[$0] }
    }
    for _ in 0..<2000 {
      sort()
      let spread = values[0] - values[count]
      if spread < 1e-6 * max(1, values[0].magnitude) * 1e-4 { break }
      let center = (0..<count).map { axis in
        points[0..<count].reduce(0) { $0 + $1[axis] } / Double(count)
      }
      func along(_ factor: Double) -> [Double] {
        (0..<count).map { center[$0] + factor * (points[count][$0] - center[$0]) }
      }
      let mirrored = along(-1)
      let mirroredValue = try value(mirrored)
      if mirroredValue > values[0] {
        let far = along(-2)
        let farValue = try value(far)
        (points[count], values[count]) =
          farValue > mirroredValue ? (far, farValue) : (mirrored, mirroredValue)
      } else if mirroredValue > values[count - 1] {
        (points[count], values[count]) = (mirrored, mirroredValue)
      } else {
        let near = along(mirroredValue > values[count] ? -0.5 : 0.5)
        let nearValue = try value(near)
        if nearValue > max(values[count], mirroredValue) {
          (points[count], values[count]) = (near, nearValue)
        } else {
          for index in 1...count {
            points[index] = zip(points[index], points[0]).map { ($0 + $1) / 2 }
            values[index] = try value(points[index])
          }
        }
      }
    }
    sort()
    return points[0]
  }

  // MARK: Derivatives

  private static func derivatives(
    _ point: [Double], _ value: ([Double]) throws -> Double
  ) throws -> (gradient: [Double], hessian: [[Double]]) {
    let count = point.count
    let step = 1e-4
    func at(_ moves: [(axis: Int, by: Double)]) throws -> Double {
      var moved = point
      for move in moves { moved[move.axis] += move.by }
      return try value(moved)
    }
    let here = try value(point)
    var gradient = Array(repeating: 0.0, count: count)
    var hessian = Array(repeating: Array(repeating: 0.0, count: count), count: count)
    for i in 0..<count {
      let up = try at([(i, step)])
      let down = try at([(i, -step)])
      gradient[i] = (up - down) / (2 * step)
      hessian[i][i] = (up - 2 * here + down) / (step * step)
      for j in 0..<i {
        let mixed =
          (try at([(i, step), (j, step)]) - at([(i, step), (j, -step)])
            - at([(i, -step), (j, step)]) + at([(i, -step), (j, -step)])) / (4 * step * step)
        hessian[i][j] = mixed
        hessian[j][i] = mixed
      }
    }
    return (gradient, hessian)
  }

  /// Inverse of a symmetric matrix by Gauss and Jordan with pivots; nil where it is singular.
  private static func inverse(_ matrix: [[Double]]) -> [[Double]]? {
    let count = matrix.count
    var left = matrix
    var right = (0..<count).map { row in (0..<count).map { $0 == row ? 1.0 : 0.0 } }
    for column in 0..<count {
      let pivot = (column..<count).max { left[$0][column].magnitude < left[$1][column].magnitude }
      guard let pivot, left[pivot][column].magnitude > 1e-12, left[pivot][column].isFinite else {
        return nil
      }
      left.swapAt(column, pivot)
      right.swapAt(column, pivot)
      let factor = left[column][column]
      for index in 0..<count {
        left[column][index] /= factor
        right[column][index] /= factor
      }
      for row in 0..<count where row != column {
        let factor = left[row][column]
        for index in 0..<count {
          left[row][index] -= factor * left[column][index]
          right[row][index] -= factor * right[column][index]
        }
      }
    }
    return right
  }
}

extension PurchaseModel {
  /// Fits the model.
  ///
  /// - Throws: ``FitFailure``.
  public static func fit(_ all: [PurchaseHistory], threads: Int = 1) throws -> Fit {
    let repeaters = all.count { $0.frequency > 0 }
    guard repeaters >= MaximumLikelihood.repeatersNeeded else {
      throw FitFailure.tooFewRepeaters(
        found: repeaters, needed: MaximumLikelihood.repeatersNeeded)
    }
    let grouped = GroupedHistories(all)
    let meanAge = all.reduce(0) { $0 + $1.age } / Double(all.count)
    // Time is a scale: a start that follows it makes the search the same in days and in weeks.
    var start = Array(repeating: 1.0, count: parameterNames.count)
    for (index, name) in parameterNames.enumerated() where name == "alpha" || name == "beta" {
      start[index] = max(meanAge, 1e-3) / 3
    }
    return try MaximumLikelihood.maximize(
      from: start, names: parameterNames, customers: all.count
    ) { parameters in
      let model = Self(parameters)
      return try MaximumLikelihood.sum(grouped.histories.count, threads: threads) { range in
        // Histories stand by frequency, so that its part is computed once for each.
        var sum = 0.0
        var frequency = -1.0
        var head = 0.0
        for index in range {
          let history = grouped.histories[index]
          if history.frequency != frequency {
            frequency = history.frequency
            head = model.logHead(frequency)
          }
          sum += grouped.weights[index] * (head + model.logTail(history))
        }
        return sum
      }
    }
  }
}

extension GammaGamma {
  /// Fits the model to customers with a repeat and a mean above 0; others are left out.
  ///
  /// - Throws: ``FitFailure``.
  public static func fit(_ all: [Spending], threads: Int = 1) throws -> Fit {
    let usable = all.filter { $0.frequency > 0 && $0.mean > 0 }.sorted {
      ($0.frequency, $0.mean) < ($1.frequency, $1.mean)
    }
    guard usable.count >= MaximumLikelihood.repeatersNeeded else {
      throw FitFailure.tooFewRepeaters(
        found: usable.count, needed: MaximumLikelihood.repeatersNeeded)
    }
    let mean = usable.reduce(0) { $0 + $1.mean } / Double(usable.count)
    return try MaximumLikelihood.maximize(
      from: [1, 2, mean], names: parameterNames, customers: usable.count
    ) { parameters in
      let model = GammaGamma(parameters)
      return try MaximumLikelihood.sum(usable.count, threads: threads) { range in
        var sum = 0.0
        var frequency = 0.0
        var head = 0.0
        for index in range {
          if usable[index].frequency != frequency {
            frequency = usable[index].frequency
            head = model.logHead(frequency)
          }
          sum += head + model.logTail(usable[index])
        }
        return sum
      }
    }
  }
}
