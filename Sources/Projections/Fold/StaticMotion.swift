/// What is known about a node before any event: how its value may change by time alone.
struct StaticMotion: Sendable {
  enum Kind: Sendable {
    /// Constant between events, window ends and rare crossings.
    case still
    case linear
    case monotone
    /// Changes at instants that the evaluator can name, but in no single direction.
    case stepping
  }

  var kind: Kind
  /// 1 never falls, -1 never rises, 0 unknown.
  var direction: Int
  /// Greatest absolute slope of a linear form.
  var slope: Int64
  /// The value changes at most once in this many microseconds, for ever; ``Microseconds/never`` if it ends.
  var step: Int64
  /// So do the bounds between which it is linear or monotone.
  var pieces: Int64
  /// A still int that cannot be negative: a count, a literal.
  var isNonNegative: Bool

  static let still = StaticMotion(
    kind: .still, direction: 0, slope: 0, step: Microseconds.never, pieces: Microseconds.never,
    isNonNegative: false)
  static let nonNegative = StaticMotion(
    kind: .still, direction: 0, slope: 0, step: Microseconds.never, pieces: Microseconds.never,
    isNonNegative: true)

  static func linear(direction: Int, slope: Int64, pieces: Int64 = Microseconds.never)
    -> StaticMotion
  {
    StaticMotion(
      kind: .linear, direction: direction, slope: slope, step: 0, pieces: pieces,
      isNonNegative: false)
  }

  static func monotone(direction: Int, step: Int64, pieces: Int64) -> StaticMotion {
    StaticMotion(
      kind: .monotone, direction: direction, slope: 0, step: step, pieces: pieces,
      isNonNegative: false)
  }

  static func stepping(_ step: Int64) -> StaticMotion {
    if step == Microseconds.never { return .still }
    return StaticMotion(
      kind: .stepping, direction: 0, slope: 0, step: step, pieces: step, isNonNegative: false)
  }

  /// It may serve any function: it changes at most once a minute, at instants that can be named.
  var isSteady: Bool { kind != .linear && step >= Microseconds.minute }

  /// The sum (`sign` 1) or difference (-1) of two; nil where its changes cannot be computed.
  static func sum(_ left: StaticMotion, _ right: StaticMotion, sign: Int) -> StaticMotion? {
    let pieces = min(left.pieces, right.pieces)
    switch (left.kind, right.kind) {
    case (.still, .still):
      return StaticMotion(
        kind: .still, direction: 0, slope: 0, step: Microseconds.never,
        pieces: Microseconds.never,
        isNonNegative: sign > 0 && left.isNonNegative && right.isNonNegative)
    case (.linear, .linear):
      let direction = left.direction == sign * right.direction ? left.direction : 0
      return .linear(direction: direction, slope: left.slope + right.slope, pieces: pieces)
    case (.linear, .still):
      return .linear(direction: left.direction, slope: left.slope, pieces: pieces)
    case (.still, .linear):
      return .linear(direction: sign * right.direction, slope: right.slope, pieces: pieces)
    case (.monotone, .still):
      return .monotone(direction: left.direction, step: left.step, pieces: pieces)
    case (.still, .monotone):
      return .monotone(direction: sign * right.direction, step: right.step, pieces: pieces)
    case (.monotone, .monotone):
      let step = min(left.step, right.step)
      if left.direction != 0 && left.direction == sign * right.direction {
        return .monotone(direction: left.direction, step: step, pieces: pieces)
      }
      return step >= Microseconds.minute ? .stepping(step) : nil
    default:
      guard left.isSteady && right.isSteady else { return nil }
      return .stepping(min(left.step, right.step))
    }
  }

  /// A comparison of two: how often its answer may change; nil where that cannot be computed.
  static func comparison(_ left: StaticMotion, _ right: StaticMotion) -> StaticMotion? {
    let pieces = min(left.pieces, right.pieces)
    switch (left.kind, right.kind) {
    case (.still, .still), (.linear, .linear), (.linear, .still), (.still, .linear),
      (.monotone, .still), (.still, .monotone):
      return .stepping(pieces)
    case (.monotone, .monotone):
      if left.direction != 0 && left.direction == -right.direction { return .stepping(pieces) }
      let step = min(left.step, right.step)
      return step >= Microseconds.minute ? .stepping(min(step, pieces)) : nil
    default:
      guard left.isSteady && right.isSteady else { return nil }
      return .stepping(min(min(left.step, right.step), pieces))
    }
  }

  /// One of two, chosen by a condition that may change once in `switching` microseconds.
  static func choice(_ left: StaticMotion, _ right: StaticMotion, switching: Int64)
    -> StaticMotion
  {
    var result = left
    if left.kind != right.kind {
      if left.kind == .still {
        result = right
      } else if right.kind != .still {
        result = left.kind == .stepping ? left : right
        if result.kind != .stepping { result = .monotone(direction: 0, step: 0, pieces: 0) }
      }
    }
    result.direction = left.direction == right.direction ? left.direction : 0
    if left.kind == .still && right.kind != .still { result.direction = right.direction }
    if right.kind == .still && left.kind != .still { result.direction = left.direction }
    result.slope = max(left.slope, right.slope)
    result.step = min(min(left.step, right.step), switching)
    if result.kind == .linear { result.step = 0 }
    result.pieces = min(min(left.pieces, right.pieces), switching)
    result.isNonNegative = left.isNonNegative && right.isNonNegative
    if switching != Microseconds.never && result.kind == .still { return .stepping(result.step) }
    return result
  }
}
