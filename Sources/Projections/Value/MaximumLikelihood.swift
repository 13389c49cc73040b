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
/// central differences), until a step changes no parameter by more than 1e-7 relative; as its steps shrink quadratically, the
/// last one leaves less than 1e-12.
enum MaximumLikelihood {
  static let repeatersNeeded = 10
  /// A parameter beyond these has run away.
  private static let range = 1e-7...1e9

  /// A likelihood of all customers, and of a sample of them that is enough to find the hill.
  struct Target {
    var all: ([Double]) throws -> Double
    /// Nil where all are few.
    var sample: (([Double]) throws -> Double)?
  }

  static func maximize(
    from start: [Double], names: [String], customers: Int, _ target: Target
  ) throws -> Fit {
    func guarded(
      _ likelihood: @escaping ([Double]) throws -> Double
    ) -> ([Double]) throws -> Double {
      { logs in
        let parameters = logs.map { exp($0) }
        guard parameters.allSatisfy(range.contains) else { return -.infinity }
        let value = try likelihood(parameters)
        return value.isNaN ? -.infinity : value
      }
    }
    let value = guarded(target.all)
    let origin = start.map { log($0) }
    if let sample = target.sample.map(guarded) {
      // The sample's hill may lie where Newton's method finds no way up: then all have to search.
      let near = try hill(origin, sample)
      if let top = try top(near, value) { return try fit(top, names, customers, value) }
    }
    let near = try hill(origin, value)
    guard let top = try top(near, value) else {
      try refuseRunaways(near.map { exp($0) }, names)
      throw FitFailure.notConverged
    }
    return try fit(top, names, customers, value)
  }

  private static func hill(
    _ origin: [Double], _ value: ([Double]) throws -> Double
  ) throws -> [Double] {
    try simplex(try simplex(origin, size: 0.5, value), size: 0.05, value)
  }

  /// Newton's method; nil where it does not come to rest.
  private static func top(
    _ start: [Double], _ value: ([Double]) throws -> Double
  ) throws -> (logs: [Double], hessian: [[Double]])? {
    var best = start
    for _ in 0..<30 {
      let (gradient, hessian) = try derivatives(best, value)
      guard let inverse = inverse(hessian.map { $0.map { -$0 } }) else { return nil }
      let step = inverse.map { row in zip(row, gradient).reduce(0) { $0 + $1.0 * $1.1 } }
      let here = try value(best)
      var scale = 1.0
      var next = zip(best, step).map { $0 + scale * $1 }
      while try value(next) < here - 1e-9 * max(1, here.magnitude) && scale > 1e-4 {
        scale /= 2
        next = zip(best, step).map { $0 + scale * $1 }
      }
      if scale <= 1e-4 { return nil }
      best = next
      // So near the top the second derivatives are those of the top.
      if (step.map(\.magnitude).max() ?? 0) * scale < 1e-7 { return (best, hessian) }
    }
    return nil
  }

  private static func fit(
    _ top: (logs: [Double], hessian: [[Double]]), _ names: [String], _ customers: Int,
    _ value: ([Double]) throws -> Double
  ) throws -> Fit {
    let parameters = top.logs.map { exp($0) }
    try refuseRunaways(parameters, names)
    var errors: [Double]?
    if let covariance = inverse(top.hessian.map { $0.map { -$0 } }),
      covariance.indices.allSatisfy({ covariance[$0][$0] > 0 })
    {
      errors = covariance.indices.map { parameters[$0] * covariance[$0][$0].squareRoot() }
    }
    return Fit(
      parameters: parameters, logLikelihood: try value(top.logs), standardErrors: errors,
      customers: customers)
  }

  private static func refuseRunaways(_ parameters: [Double], _ names: [String]) throws {
    for (name, parameter) in zip(names, parameters)
    where parameter < range.lowerBound * 10 || parameter > range.upperBound / 10 {
      throw FitFailure.noMaximum(parameter: name)
    }
  }

  /// Sums over pieces of fixed size on all threads, added up in order.
  static func sum(
    _ count: Int, pieceLength length: Int = 4096, threads: Int,
    _ part: @escaping @Sendable (Range<Int>) -> Double
  ) throws -> Double {
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
    let ups = try (0..<count).map { try at([($0, step)]) }
    let downs = try (0..<count).map { try at([($0, -step)]) }
    let gradient = (0..<count).map { (ups[$0] - downs[$0]) / (2 * step) }
    var hessian = Array(repeating: Array(repeating: 0.0, count: count), count: count)
    for i in 0..<count {
      hessian[i][i] = (ups[i] - 2 * here + downs[i]) / (step * step)
      for j in 0..<i {
        // Of second order like the diagonal, from two more values only.
        let both = try at([(i, step), (j, step)]) + at([(i, -step), (j, -step)])
        let alone = ups[i] + downs[i] + ups[j] + downs[j]
        hessian[i][j] = (both - alone + 2 * here) / (2 * step * step)
        hessian[j][i] = hessian[i][j]
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
