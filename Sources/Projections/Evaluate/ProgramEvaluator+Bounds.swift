/// Ranges of values that hold for longer than a single piece of a moving expression.
extension ProgramEvaluator {
  /// An expression has a value in `range` at every instant from now on and before `until`.
  struct Bounds {
    var range: Interval
    var until: Int64
  }

  /// Nil where it has no value now, or where nothing can be said.
  mutating func bounds(_ index: Int32, _ now: Int64) -> Bounds? {
    let place = Int(index)
    if boundsMemo[place].stamp == stamp, boundsMemo[place].instant == now {
      return boundsMemo[place].bounds
    }
    let found = boundsAnew(index, now)
    boundsMemo[place] = (stamp, now, found)
    return found
  }

  private mutating func boundsAnew(_ index: Int32, _ now: Int64) -> Bounds? {
    let node = program.nodes[Int(index)]
    switch node.operation {
    case .now:
      let end = min(limit, Microseconds.lastInstant)
      return end < now ? nil : Bounds(range: Interval(now, end), until: end + 1)
    case .addInt: return both(node, now, .wholeNumbers) { $0 + $1 } ?? piece(index, now)
    case .subtractInt: return both(node, now, .wholeNumbers) { $0 - $1 } ?? piece(index, now)
    case .multiplyInt, .multiplyMoney:
      return both(node, now, .wholeNumbers) { $0 * $1 } ?? piece(index, now)
    case .divideInt, .divideMoney:
      return both(node, now, .wholeNumbers) { $0.quotient(by: $1) } ?? piece(index, now)
    case .remainderInt:
      return both(node, now, .wholeNumbers) { $0.remainder(by: $1) } ?? piece(index, now)
    case .addDouble: return both(node, now, .finite) { $0 + $1 } ?? piece(index, now)
    case .subtractDouble: return both(node, now, .finite) { $0 - $1 } ?? piece(index, now)
    case .multiplyDouble: return both(node, now, .finite) { $0 * $1 } ?? piece(index, now)
    case .timestampPlusDuration:
      return both(node, now, .timestamps) { $0 + $1 } ?? piece(index, now)
    case .timestampMinusDuration:
      return both(node, now, .timestamps) { $0 - $1 } ?? piece(index, now)
    case .addDuration: return both(node, now, .durations) { $0 + $1 } ?? piece(index, now)
    case .subtractDuration, .timestampMinusTimestamp:
      return both(node, now, .durations) { $0 - $1 } ?? piece(index, now)
    case .negateInt: return one(node, now, .wholeNumbers) { -$0 }
    case .negateDouble: return one(node, now, .finite) { -$0 }
    case .timestampAccessor:
      let range = ProgramNode.Accessor(rawValue: node.bits)?.range ?? .all
      return one(node, now, .finite) { _ in range }
    case .durationHours: return units(node, Microseconds.hour, now)
    case .durationMinutes: return units(node, Microseconds.minute, now)
    case .durationSeconds: return units(node, Microseconds.second, now)
    case .durationMilliseconds: return one(node, now, .finite) { _ in Interval(-999, 999) }
    case .intOfTimestamp:
      return one(node, now, .wholeNumbers) { $0.floored(unit: Microseconds.second) }
    case .intOfDouble: return one(node, now, .wholeNumbers) { $0.truncated }
    case .doubleOfInt: return one(node, now, .finite) { $0 }
    case .durationOfInt:
      let unit = Interval(node.bits)
      return one(node, now, .durations) { $0 * unit } ?? piece(index, now)
    case .conditional: return choice(node, now) ?? piece(index, now)
    case .expressionFact where fixed == nil:
      // Where the text has no value now, the default stands until that may change.
      return bounds(node.a, now) ?? piece(index, now)
    default: return piece(index, now)
    }
  }

  /// The range of an operation on two, if it has a value for all of them.
  private mutating func both(
    _ node: ProgramNode, _ now: Int64, _ valid: Interval, _ body: (Interval, Interval) -> Interval
  ) -> Bounds? {
    guard let left = bounds(node.a, now), let right = bounds(node.b, now) else { return nil }
    let range = body(left.range, right.range)
    guard range.lies(within: valid) else { return nil }
    return Bounds(range: range, until: min(left.until, right.until))
  }

  private mutating func one(
    _ node: ProgramNode, _ now: Int64, _ valid: Interval, _ body: (Interval) -> Interval
  ) -> Bounds? {
    guard let operand = bounds(node.a, now) else { return nil }
    let range = body(operand.range)
    return range.lies(within: valid) ? Bounds(range: range, until: operand.until) : nil
  }

  private mutating func units(_ node: ProgramNode, _ unit: Int64, _ now: Int64) -> Bounds? {
    one(node, now, .finite) { $0.quotient(by: Interval(unit)) }
  }

  /// Whichever branch is taken, as long as the condition has a value.
  private mutating func choice(_ node: ProgramNode, _ now: Int64) -> Bounds? {
    guard let condition = truth(node.a, now), let left = bounds(node.b, now),
      let right = bounds(node.c, now)
    else { return nil }
    return Bounds(
      range: left.range.union(right.range), until: min(condition, min(left.until, right.until)))
  }

  /// Until when a condition has a value, true or false; nil where it has none.
  private mutating func truth(_ index: Int32, _ now: Int64) -> Int64? {
    let node = program.nodes[Int(index)]
    switch node.operation {
    case .compareBits, .compareDouble, .compareIntDouble, .compareDoubleInt:
      guard let left = bounds(node.a, now), let right = bounds(node.b, now) else { return nil }
      return min(left.until, right.until)
    case .and, .or:
      guard let left = truth(node.a, now), let right = truth(node.b, now) else { return nil }
      return min(left, right)
    case .not: return truth(node.a, now)
    case .expressionFact where fixed == nil:
      if let until = truth(node.a, now) { return until }
      fallthrough
    default:
      let outcome = evaluate(index, at: now)
      return outcome.status == .ok ? outcome.until : nil
    }
  }

  /// What is known without looking inside: the value, or the line on which it runs, until the end of the piece.
  private mutating func piece(_ index: Int32, _ now: Int64) -> Bounds? {
    let outcome = evaluate(index, at: now)
    guard outcome.status == .ok else { return nil }
    switch outcome.motion {
    case .still: return Bounds(range: range(of: outcome.bits, index), until: outcome.until)
    case .linear:
      let length = Double(outcome.until - 1 - now) * Double(outcome.slope)
      let end = (Double(outcome.bits) + length)
      // Far ends lose a few microseconds to rounding; one part in 2^50 is more than that.
      let slack = max(end.magnitude, Double(outcome.bits).magnitude) / 1_125_899_906_842_624
      let here = Interval(outcome.bits)
      return Bounds(
        range: here.union(Interval(low: end - slack, high: end + slack)), until: outcome.until)
    case .monotone: return nil
    }
  }

  private func range(of bits: Int64, _ index: Int32) -> Interval {
    Lowering.range(of: bits, program.types[Int(index)])
  }
}

extension Interval {
  static let wholeNumbers = Interval(low: -9.2e18, high: 9.2e18)
  static let finite = Interval(low: -.greatestFiniteMagnitude, high: .greatestFiniteMagnitude)
}
