import Glibc

/// A symmetric matrix of up to four rows: second derivatives in the logarithms of a model's parameters.
struct SymmetricMatrix: Sendable, Equatable {
  var rows: (SIMD4<Double>, SIMD4<Double>, SIMD4<Double>, SIMD4<Double>)

  static let zero = SymmetricMatrix(rows: (.zero, .zero, .zero, .zero))

  /// scale × v vᵀ.
  @inline(__always)
  static func square(_ v: SIMD4<Double>, times scale: Double = 1) -> SymmetricMatrix {
    let s = v * scale
    return SymmetricMatrix(rows: (s * v[0], s * v[1], s * v[2], s * v[3]))
  }

  @inline(__always)
  static func + (left: SymmetricMatrix, right: SymmetricMatrix) -> SymmetricMatrix {
    SymmetricMatrix(
      rows: (
        left.rows.0 + right.rows.0, left.rows.1 + right.rows.1, left.rows.2 + right.rows.2,
        left.rows.3 + right.rows.3
      ))
  }

  @inline(__always)
  static func - (left: SymmetricMatrix, right: SymmetricMatrix) -> SymmetricMatrix {
    SymmetricMatrix(
      rows: (
        left.rows.0 - right.rows.0, left.rows.1 - right.rows.1, left.rows.2 - right.rows.2,
        left.rows.3 - right.rows.3
      ))
  }

  @inline(__always)
  static func * (left: SymmetricMatrix, scale: Double) -> SymmetricMatrix {
    SymmetricMatrix(
      rows: (
        left.rows.0 * scale, left.rows.1 * scale, left.rows.2 * scale, left.rows.3 * scale
      ))
  }

  static func == (left: SymmetricMatrix, right: SymmetricMatrix) -> Bool {
    left.rows == right.rows
  }

  subscript(row: Int, column: Int) -> Double {
    get {
      switch row {
      case 0: rows.0[column]
      case 1: rows.1[column]
      case 2: rows.2[column]
      default: rows.3[column]
      }
    }
    set {
      switch row {
      case 0: rows.0[column] = newValue
      case 1: rows.1[column] = newValue
      case 2: rows.2[column] = newValue
      default: rows.3[column] = newValue
      }
    }
  }

  /// Sets an entry and its mirror image.
  @inline(__always)
  mutating func set(_ row: Int, _ column: Int, _ value: Double) {
    self[row, column] = value
    self[column, row] = value
  }

  /// The same without what couples some rows to the others; these have `diagonal` alone.
  func isolating(_ isApart: (Int) -> Bool, diagonal: Double) -> SymmetricMatrix {
    var matrix = self
    for axis in 0..<4 where isApart(axis) {
      for other in 0..<4 { matrix.set(axis, other, 0) }
      matrix[axis, axis] = diagonal
    }
    return matrix
  }

  var isFinite: Bool {
    (0..<4).allSatisfy { row in (0..<4).allSatisfy { self[row, $0].isFinite } }
  }

  /// Eigenvalues, and the eigenvectors of length 1 at the same places, by Jacobi's rotations: what is small keeps the
  /// absolute error of what is large.
  func eigen() -> (values: SIMD4<Double>, vectors: [SIMD4<Double>]) {
    var matrix = self
    var vectors: [SIMD4<Double>] = (0..<4).map {
      var unit = SIMD4<Double>.zero
      unit[$0] = 1
      return unit
    }
    for _ in 0..<60 {
      var off = 0.0
      var diagonal = 0.0
      for row in 0..<4 {
        diagonal += matrix[row, row] * matrix[row, row]
        for column in 0..<row { off += matrix[row, column] * matrix[row, column] }
      }
      if off <= 1e-36 * diagonal { break }
      for p in 0..<3 {
        for q in p + 1..<4 where matrix[p, q] != 0 {
          // The rotation that makes [p, q] zero, of the two the smaller one.
          let theta = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
          let t =
            (theta < 0 ? -1.0 : 1.0) / (theta.magnitude + (theta * theta + 1).squareRoot())
          let c = 1 / (t * t + 1).squareRoot()
          let s = t * c
          for k in 0..<4 {
            let (kp, kq) = (matrix[k, p], matrix[k, q])
            matrix[k, p] = c * kp - s * kq
            matrix[k, q] = s * kp + c * kq
          }
          for k in 0..<4 {
            let (pk, qk) = (matrix[p, k], matrix[q, k])
            matrix[p, k] = c * pk - s * qk
            matrix[q, k] = s * pk + c * qk
          }
          (vectors[p], vectors[q]) = (
            c * vectors[p] - s * vectors[q], s * vectors[p] + c * vectors[q]
          )
        }
      }
    }
    return (SIMD4(matrix[0, 0], matrix[1, 1], matrix[2, 2], matrix[3, 3]), vectors)
  }
}

/// The logarithm of something positive, with its first and second derivatives in the logarithms of the parameters.
struct LogDerivatives: Sendable {
  var value = 0.0
  var gradient = SIMD4<Double>.zero
  var hessian = SymmetricMatrix.zero

  @inline(__always)
  static func + (left: LogDerivatives, right: LogDerivatives) -> LogDerivatives {
    LogDerivatives(
      value: left.value + right.value, gradient: left.gradient + right.gradient,
      hessian: left.hessian + right.hessian)
  }

  @inline(__always)
  mutating func add(_ other: LogDerivatives, weight: Double) {
    value += weight * other.value
    gradient += weight * other.gradient
    hessian = hessian + other.hessian * weight
  }
}

/// A number e^scale × value with its derivatives in the logarithms of the parameters, all under one scale, so that none leaves
/// the range of a double. Sums and differences lose no more than their size asks for.
struct ScaledTerm: Sendable {
  var scale = -Double.infinity
  var value = 0.0
  var gradient = SIMD4<Double>.zero
  var hessian = SymmetricMatrix.zero

  static let zero = ScaledTerm()

  @inline(__always)
  init() {}

  @inline(__always)
  init(_ log: LogDerivatives) {
    scale = log.value
    value = 1
    gradient = log.gradient
    hessian = log.hessian + .square(log.gradient)
  }

  /// self + sign × other.
  @inline(__always)
  func adding(_ other: ScaledTerm, sign: Double = 1) -> ScaledTerm {
    if other.scale == -.infinity { return self }
    var sum = self
    sum.scale = max(scale, other.scale)
    let mine = exp(scale - sum.scale)
    let theirs = sign * exp(other.scale - sum.scale)
    sum.value = mine * value + theirs * other.value
    sum.gradient = mine * gradient + theirs * other.gradient
    sum.hessian = hessian * mine + other.hessian * theirs
    return sum
  }

  /// Natural logarithm of the number.
  var log: Double { scale + Glibc.log(value) }

  /// Its logarithm with derivatives.
  @inline(__always)
  var derivatives: LogDerivatives {
    let first = gradient / value
    return LogDerivatives(
      value: scale + Glibc.log(value), gradient: first,
      hessian: hessian * (1 / value) - .square(first))
  }
}
