/// What is known about a node before any event: how it may change by time alone, and between which values.
///
/// Rates are changes a minute that may go on for ever; what ends (a window, one crossing of an age) counts nothing.
struct StaticMotion: Sendable {
  /// How the value runs within a piece.
  enum Kind: Sendable {
    case still
    /// Timestamps and durations in microseconds, with a constant slope.
    case linear
    /// In steps, never falling or never rising.
    case monotone
  }

  var kind: Kind
  /// 1 never falls, -1 never rises within a piece, 0 unknown.
  var direction = 0
  /// Greatest absolute slope of a linear form.
  var slope: Int64 = 0
  /// How often the value changes; infinite for a linear form.
  var changes = 0.0
  /// How often the bounds come between which it is still, linear or monotone.
  var pieces = 0.0
  /// How often it may come to have a value, or to have none.
  var switches = 0.0
  /// Where the value lies, if there is one.
  var range = Interval.all

  /// The rate of a condition that may still be scheduled.
  static let fastest = 1.0

  static let still = StaticMotion(kind: .still)

  static func still(_ range: Interval) -> StaticMotion { StaticMotion(kind: .still, range: range) }

  /// Looked at anew so often, at instants that can be named.
  static func stepping(_ rate: Double, switches: Double, _ range: Interval = .all) -> StaticMotion {
    StaticMotion(kind: .still, changes: rate, pieces: rate, switches: switches, range: range)
  }

  static let now = StaticMotion(
    kind: .linear, direction: 1, slope: 1, changes: .infinity, range: .timestamps)

  /// It may serve any function: it changes at most once a minute, at instants that can be named.
  var isSteady: Bool { kind != .linear && changes <= Self.fastest }
  /// Something of it goes on for ever, so that ranges may decide what single pieces do not.
  var recurs: Bool { pieces > 0 }

  /// How often something comes that is looked at anew at every change of its parts.
  private static func changes(_ left: StaticMotion, _ right: StaticMotion) -> Double {
    left.changes + right.changes
  }

  /// A strict operation on two whose result stands still between changes of either.
  private static func frozen(
    _ left: StaticMotion, _ right: StaticMotion, _ range: Interval
  ) -> StaticMotion {
    .stepping(changes(left, right), switches: left.switches + right.switches, range)
  }

  /// A strict operation on two that runs as `moving` does, in pieces of both.
  private static func running(
    _ moving: StaticMotion, _ other: StaticMotion, direction: Int, _ range: Interval
  ) -> StaticMotion {
    StaticMotion(
      kind: moving.kind, direction: direction, slope: moving.slope,
      changes: moving.changes + other.changes, pieces: moving.pieces + other.pieces,
      switches: moving.switches + other.switches, range: range)
  }

  // MARK: Operations

  /// The sum (`sign` 1) or difference (-1) of two.
  static func sum(_ left: StaticMotion, _ right: StaticMotion, sign: Int) -> StaticMotion {
    let range = sign > 0 ? left.range + right.range : left.range - right.range
    if left.kind == .still && right.kind == .still { return frozen(left, right, range) }
    if right.kind == .still { return running(left, right, direction: left.direction, range) }
    if left.kind == .still {
      return running(right, left, direction: sign * right.direction, range)
    }
    let isOneWay = left.direction == sign * right.direction
    if left.kind == .monotone && (!isOneWay || left.direction == 0) {
      return frozen(left, right, range)
    }
    var result = running(left, right, direction: isOneWay ? left.direction : 0, range)
    result.slope = left.slope + right.slope
    return result
  }

  func negated() -> StaticMotion {
    var result = self
    result.direction = -direction
    result.range = -range
    return result
  }

  /// A product keeps the direction of a monotone factor if the other stands still and has one sign.
  static func product(_ left: StaticMotion, _ right: StaticMotion, isDouble: Bool) -> StaticMotion {
    var range = left.range * right.range
    // Beyond the range of doubles a product may be no number.
    if isDouble && !range.isFinite { range = .all }
    switch (left.kind, right.kind) {
    case (.monotone, .still): return running(left, right, direction: left.scaled(by: right), range)
    case (.still, .monotone): return running(right, left, direction: right.scaled(by: left), range)
    default: return frozen(left, right, range)
    }
  }

  private func scaled(by factor: StaticMotion) -> Int {
    factor.range.low >= 0 ? direction : factor.range.high <= 0 ? -direction : 0
  }

  /// - Parameters:
  ///   - isWhole: cut toward zero.
  ///   - divisor: where it is a constant.
  static func quotient(
    _ left: StaticMotion, _ right: StaticMotion, isWhole: Bool, divisor: Int64?
  ) -> StaticMotion {
    let range = isWhole ? left.range.quotient(by: right.range) : .all
    var result = frozen(left, right, range)
    if left.kind == .monotone && right.kind == .still {
      result = running(left, right, direction: left.scaled(by: right), range)
    }
    if let divisor, divisor != 0 {
      // Whole quotients by a constant change that much more seldom.
      if isWhole && left.kind == .monotone {
        result.changes = left.changes / Double(divisor.magnitude) + left.pieces
      }
    } else {
      result.switches += right.changes
    }
    return result
  }

  /// A remainder runs with its dividend and falls back at each multiple of the divisor.
  static func remainder(
    _ left: StaticMotion, _ right: StaticMotion, divisor: Int64?
  ) -> StaticMotion {
    let range = left.range.remainder(by: right.range)
    var result = frozen(left, right, range)
    if left.kind == .monotone && right.kind == .still {
      result = running(left, right, direction: left.direction, range)
      let length = divisor.map { Double($0.magnitude) } ?? 1
      result.pieces += length > 0 ? left.changes / length : 0
    }
    if divisor ?? 0 == 0 { result.switches += right.changes }
    return result
  }

  /// A linear form cut to whole units steps in its direction.
  func stepped(unit: Int64, _ range: Interval) -> StaticMotion {
    var result = self
    result.range = range
    guard kind == .linear else { return result }
    result.kind = .monotone
    result.slope = 0
    result.changes = rate(unit) + pieces
    return result
  }

  /// How often a linear form passes a length in microseconds.
  func rate(_ length: Int64) -> Double {
    Double(slope) * Double(Microseconds.minute) / Double(length)
  }

  /// The result of a function that looks at whole values.
  static func function(of parts: [StaticMotion]) -> StaticMotion {
    let rate = parts.reduce(0) { $0 + $1.changes }
    return .stepping(rate, switches: rate)
  }

  /// One of two, chosen by a condition.
  static func choice(
    _ condition: StaticMotion, _ left: StaticMotion, _ right: StaticMotion
  ) -> StaticMotion {
    let moving = left.kind == .still ? right : left
    var direction = moving.direction
    if left.kind != .still && right.kind != .still && left.direction != right.direction {
      direction = 0
    }
    return StaticMotion(
      kind: moving.kind, direction: direction, slope: max(left.slope, right.slope),
      changes: max(left.changes, right.changes) + condition.changes,
      pieces: max(left.pieces, right.pieces) + condition.changes,
      switches: max(left.switches, right.switches) + condition.changes,
      range: left.range.union(right.range))
  }

  /// The value of an expr fact: where its text ends in an error, its default or none.
  func fact(defaultRange: Interval?) -> StaticMotion {
    var result = self
    result.changes += switches
    result.pieces += switches
    if let defaultRange {
      result.switches = 0
      result.range = range.union(defaultRange)
    }
    return result
  }

  // MARK: Truth

  /// A comparison of two: how often its answer may change.
  static func comparison(
    _ left: StaticMotion, _ right: StaticMotion, decided: Bool
  ) -> StaticMotion {
    let switches = left.switches + right.switches
    if decided { return .stepping(switches, switches: switches, .truth) }
    let bothRun = left.kind == .monotone && right.kind == .monotone
    let isOneWay = left.direction != 0 && left.direction == -right.direction
    let rate =
      bothRun && !isOneWay ? changes(left, right) : left.pieces + right.pieces
    return .stepping(rate, switches: switches, .truth)
  }

  static func logical(_ left: StaticMotion, _ right: StaticMotion) -> StaticMotion {
    .stepping(changes(left, right), switches: changes(left, right), .truth)
  }
}
