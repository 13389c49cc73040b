// Rounding calls the C library's ceil, floor and round, which the import links.
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The `math` extension.
extension Functions {
  /// Nil if no function of that name takes the value.
  static func mathematics(_ name: String, _ value: Value) -> Outcome? {
    switch (name, value) {
    case ("math.ceil", .double(let number)): .success(.double(number.rounded(.up)))
    case ("math.floor", .double(let number)): .success(.double(number.rounded(.down)))
    case ("math.round", .double(let number)):
      .success(.double(number.rounded(.toNearestOrAwayFromZero)))
    case ("math.abs", .double(let number)): .success(.double(number.magnitude))
    case ("math.abs", .uint), ("math.abs", .int(0...)), ("math.abs", .money(0...)):
      .success(value)
    case ("math.abs", .int), ("math.abs", .money): negate(value)
    case ("math.sign", .int(let number)): .success(.int(number.signum()))
    case ("math.sign", .uint(let number)): .success(.uint(min(number, 1)))
    case ("math.sign", .double(let number)):
      .success(.double(number > 0 ? 1 : number < 0 ? -1 : number))
    default: nil
    }
  }

  /// `math.greatest` and `math.least` of the arguments or of one list; nil for other names and arguments.
  static func variadic(_ name: String, _ arguments: [Value]) -> Outcome? {
    if name != "math.greatest" && name != "math.least" { return nil }
    var members = arguments
    if arguments.count == 1, case .list(let elements) = arguments[0] {
      members = elements
      if members.isEmpty { return fail(.argument, "\(name)() of an empty list") }
    }
    guard var best = members.first, members.allSatisfy(isNumeric) else { return nil }
    for member in members.dropFirst() {
      switch compare(member, best) {
      case .notComparable: return nil
      case .unordered: break
      case .order(let order):
        if name == "math.greatest" ? order > 0 : order < 0 { best = member }
      }
    }
    return .success(best)
  }

  private static func isNumeric(_ value: Value) -> Bool {
    switch value {
    case .int, .uint, .double, .money: true
    default: false
    }
  }
}
