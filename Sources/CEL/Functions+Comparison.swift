/// Equality and order.
extension Functions {
  /// Equality by CEL: numbers on one line (an int beside a double is converted to double), NaN unequal
  /// to itself, strings by code points, lists and maps by members; other mixes of types are unequal.
  ///
  /// Lists that hold one another many times over have more members than can be looked at: beyond
  /// ``Limits/comparedValues`` of them, values are unequal here and an error in ``call(_:_:)``.
  public static func equal(_ left: Value, _ right: Value) -> Bool {
    var equality = Equality()
    let isEqual = equality.holds(left, right)
    return isEqual && equality.remaining >= 0
  }

  /// Equality that counts the members it looks at.
  struct Equality {
    private(set) var remaining = Limits.comparedValues

    /// The answer, or an error if members were left out.
    func outcome(_ answer: Bool) -> Outcome {
      remaining >= 0
        ? .success(.bool(answer))
        : fail(.argument, "the values have more than \(Limits.comparedValues) members")
    }

    mutating func holds(_ left: Value, _ right: Value) -> Bool {
      remaining -= 1
      if remaining < 0 { return false }
      switch (left, right) {
      case (.null, .null): return true
      case (.bool(let a), .bool(let b)): return a == b
      case (.string(let a), .string(let b)): return a.utf8.elementsEqual(b.utf8)
      case (.bytes(let a), .bytes(let b)): return a == b
      case (.timestamp(let a), .timestamp(let b)): return a == b
      case (.duration(let a), .duration(let b)): return a == b
      case (.money(let a), .money(let b)): return a == b
      case (.type(let a), .type(let b)): return a.name == b.name
      case (.list(let a), .list(let b)):
        return a.count == b.count && zip(a, b).allSatisfy { holds($0, $1) }
      case (.map(let a), .map(let b)):
        return a.count == b.count
          && a.allSatisfy { entry in
            b.contains { holds($0.key, entry.key) && holds($0.value, entry.value) }
          }
      default: return compareNumbers(left, right) == .order(0)
      }
    }
  }

  enum Comparison: Equatable {
    /// Negative, zero or positive.
    case order(Int)
    /// One of them is NaN.
    case unordered
    case notComparable
  }

  static func order(_ name: String, _ left: Value, _ right: Value) -> Outcome {
    switch compare(left, right) {
    case .notComparable:
      return noOverload(name, [left, right])
    case .unordered:
      return .success(.bool(false))
    case .order(let order):
      let result: Bool
      switch name {
      case "_<_": result = order < 0
      case "_<=_": result = order <= 0
      case "_>_": result = order > 0
      default: result = order >= 0
      }
      return .success(.bool(result))
    }
  }

  static func compare(_ left: Value, _ right: Value) -> Comparison {
    switch (left, right) {
    case (.bool(let a), .bool(let b)):
      return .order((a ? 1 : 0) - (b ? 1 : 0))
    case (.string(let a), .string(let b)):
      return bytewise(a.utf8, b.utf8)
    case (.bytes(let a), .bytes(let b)):
      return bytewise(a, b)
    case (.timestamp(let a), .timestamp(let b)):
      return a.seconds == b.seconds
        ? ordered(a.nanoseconds, b.nanoseconds) : ordered(a.seconds, b.seconds)
    case (.duration(let a), .duration(let b)):
      return ordered(a.nanoseconds, b.nanoseconds)
    case (.money(let a), .money(let b)):
      return ordered(a, b)
    default:
      return compareNumbers(left, right)
    }
  }

  private static func compareNumbers(_ left: Value, _ right: Value) -> Comparison {
    switch (left, right) {
    case (.int(let a), .int(let b)): ordered(a, b)
    case (.uint(let a), .uint(let b)): ordered(a, b)
    case (.int(let a), .uint(let b)): a < 0 ? .order(-1) : ordered(UInt64(a), b)
    case (.uint(let a), .int(let b)): b < 0 ? .order(1) : ordered(a, UInt64(b))
    default:
      if let a = double(left), let b = double(right) {
        a.isNaN || b.isNaN ? .unordered : ordered(a, b)
      } else {
        .notComparable
      }
    }
  }

  private static func double(_ value: Value) -> Double? {
    switch value {
    case .int(let number): Double(number)
    case .uint(let number): Double(number)
    case .double(let number): number
    default: nil
    }
  }

  private static func ordered<Number: Comparable>(_ a: Number, _ b: Number) -> Comparison {
    .order(a < b ? -1 : a == b ? 0 : 1)
  }

  /// The order of UTF-8 bytes is that of code points.
  private static func bytewise<Bytes: Sequence<UInt8>>(_ a: Bytes, _ b: Bytes) -> Comparison {
    if a.lexicographicallyPrecedes(b) { return .order(-1) }
    return .order(b.lexicographicallyPrecedes(a) ? 1 : 0)
  }
}
