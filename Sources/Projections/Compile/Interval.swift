/// A range that holds every value of an expression: ints, money (minor units), doubles, instants and lengths (microseconds).
///
/// Both ends belong to it. They are doubles; where a whole number has no double of its own the end lies further out,
/// so that the range is never too narrow.
struct Interval: Sendable, Equatable {
  var low: Double
  var high: Double

  static let all = Interval(low: -.infinity, high: .infinity)
  static let truth = Interval(low: 0, high: 1)
  static let nonNegative = Interval(low: 0, high: .infinity)
  static let timestamps = Interval(Microseconds.firstInstant, Microseconds.lastInstant)
  static let durations = Interval(-Microseconds.longestDuration, Microseconds.longestDuration)
  private static let exactLimit = 9_007_199_254_740_992.0

  init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  init(_ low: Int64, _ high: Int64) {
    self.init(
      low: Self.outward(Double(low), down: true), high: Self.outward(Double(high), down: false))
  }

  init(_ value: Int64) { self.init(value, value) }

  private static func outward(_ value: Double, down: Bool) -> Double {
    if value.magnitude < exactLimit || !value.isFinite { return value }
    return down ? value.nextDown : value.nextUp
  }

  /// The narrowest range around some results; all numbers where one of them is none.
  private static func around(_ results: [Double]) -> Interval {
    guard !results.contains(where: \.isNaN), let low = results.min(), let high = results.max()
    else { return .all }
    return Interval(low: outward(low, down: true), high: outward(high, down: false))
  }

  var isFinite: Bool { low.isFinite && high.isFinite }
  var containsZero: Bool { low <= 0 && high >= 0 }
  func lies(within other: Interval) -> Bool { low >= other.low && high <= other.high }
  func contains(_ value: Int64) -> Bool {
    let point = Interval(value)
    return point.high >= low && point.low <= high
  }

  // MARK: Arithmetic

  func union(_ other: Interval) -> Interval {
    Interval(low: min(low, other.low), high: max(high, other.high))
  }

  /// What is left within `other`; `other` where nothing is.
  func clamped(to other: Interval) -> Interval {
    let low = max(low, other.low)
    let high = min(high, other.high)
    return low <= high ? Interval(low: low, high: high) : other
  }

  static func + (left: Interval, right: Interval) -> Interval {
    let low = left.low + right.low
    let high = left.high + right.high
    if low.isNaN || high.isNaN { return .all }
    return Interval(low: outward(low, down: true), high: outward(high, down: false))
  }

  static prefix func - (operand: Interval) -> Interval {
    Interval(low: -operand.high, high: -operand.low)
  }

  static func - (left: Interval, right: Interval) -> Interval { left + -right }

  static func * (left: Interval, right: Interval) -> Interval {
    around([
      left.low * right.low, left.low * right.high, left.high * right.low, left.high * right.high,
    ])
  }

  /// The whole quotient, toward zero; all numbers where the divisor may be 0.
  func quotient(by divisor: Interval) -> Interval {
    if divisor.containsZero { return .all }
    let exact = Self.around([
      low / divisor.low, low / divisor.high, high / divisor.low, high / divisor.high,
    ])
    return exact.truncated
  }

  /// Whole numbers toward zero.
  var truncated: Interval {
    Interval(low: low.rounded(.towardZero), high: high.rounded(.towardZero))
  }

  /// Whole units toward minus infinity.
  func floored(unit: Int64) -> Interval {
    Interval(low: (low / Double(unit)).rounded(.down), high: (high / Double(unit)).rounded(.down))
  }

  /// The remainder, which has the dividend's sign; all numbers where the divisor may be 0.
  func remainder(by divisor: Interval) -> Interval {
    if divisor.containsZero { return .all }
    let greatest = max(divisor.low.magnitude, divisor.high.magnitude) - 1
    return Interval(
      low: low >= 0 ? 0 : -min(greatest, low.magnitude),
      high: high <= 0 ? 0 : min(greatest, high.magnitude))
  }

  // MARK: Comparison

  /// What a comparison of any value of `left` with any of `right` comes to; nil where that depends on which.
  static func decide(
    _ comparison: ProgramNode.Comparison, _ left: Interval, _ right: Interval
  ) -> Bool? {
    switch comparison {
    case .less: return left.high < right.low ? true : left.low >= right.high ? false : nil
    case .lessOrEqual: return left.high <= right.low ? true : left.low > right.high ? false : nil
    case .greater: return decide(.less, right, left)
    case .greaterOrEqual: return decide(.lessOrEqual, right, left)
    case .equal: return left.high < right.low || left.low > right.high ? false : nil
    case .notEqual: return decide(.equal, left, right).map { !$0 }
    }
  }
}
