extension ProgramEvaluator {
  mutating func comparison(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    var outcome = compared(node, now)
    if node.c == 0 || outcome.status != .ok || outcome.until > limit || isProbing { return outcome }
    // A side goes on changing for ever: its range may decide for longer than its next piece.
    if let until = decided(node, outcome, now) { outcome.until = max(until, outcome.until) }
    return outcome
  }

  /// Until when the ranges of both sides leave no other answer than now; nil where they do not decide.
  private mutating func decided(_ node: ProgramNode, _ outcome: TimedOutcome, _ now: Int64)
    -> Int64?
  {
    guard let left = bounds(node.a, now), let right = bounds(node.b, now),
      Interval.decide(node.comparison, left.range, right.range) == (outcome.bits != 0)
    else { return nil }
    return min(left.until, right.until)
  }

  private mutating func compared(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let left = evaluate(node.a, at: now)
    let right = evaluate(node.b, at: now)
    let until = min(left.until, right.until)
    if left.motion == .still && right.motion == .still {
      if left.status != .ok { return TimedOutcome(failed: left.status, until: until) }
      if right.status != .ok { return TimedOutcome(failed: right.status, until: until) }
      var outcome = TimedOutcome(holds(node, left, right) ? 1 : 0, until: until)
      if left.onlyFalls && right.until == Microseconds.never {
        outcome.until = untilFallen(node, left, right, outcome)
      } else if left.turns && right.until == Microseconds.never {
        outcome.until = untilTurned(node, right, outcome, now)
      }
      return outcome
    }
    if left.motion == .monotone || right.motion == .monotone {
      return steppingComparison(node, left, right, now)
    }
    if left.status != .ok { return TimedOutcome(failed: left.status, until: until) }
    if right.status != .ok { return TimedOutcome(failed: right.status, until: until) }
    // Both linear in microseconds: the sign of the difference changes at an instant in closed form.
    let gap = left.bits - right.bits
    let slope = left.slope - right.slope
    let change = linearChange(node.comparison, gap: gap, slope: slope, now)
    return TimedOutcome(holds(node, left, right) ? 1 : 0, until: min(until, change))
  }

  /// Of a value that time can only lower against one that stands still.
  private func untilFallen(
    _ node: ProgramNode, _ left: TimedOutcome, _ right: TimedOutcome, _ outcome: TimedOutcome
  ) -> Int64 {
    let isAbove: Bool
    switch node.comparison {
    case .greaterOrEqual, .greater: isAbove = outcome.bits != 0
    case .less, .lessOrEqual: isAbove = outcome.bits == 0
    case .equal, .notEqual: return outcome.until
    }
    // Fallen below the bound it cannot rise again by time alone.
    if !isAbove { return Microseconds.never }
    let operand = program.nodes[Int(node.a)]
    guard node.operation == .compareBits, operand.operation == .fact, !readsAnew,
      facts.span[Int(operand.a)].function == .count
    else { return outcome.until }
    let isStrict = node.comparison == .greater || node.comparison == .lessOrEqual
    let bound = isStrict ? right.bits &+ 1 : right.bits
    return facts.span[Int(operand.a)].instantBelow(bound)
  }

  /// Of spans of `active` against a number that stands still: the first instant at which the answer may be another.
  private func untilTurned(
    _ node: ProgramNode, _ right: TimedOutcome, _ outcome: TimedOutcome, _ now: Int64
  ) -> Int64 {
    let operand = program.nodes[Int(node.a)]
    guard node.operation == .compareBits, operand.operation == .fact, !readsAnew, fixed == nil,
      right.bits.magnitude < 1 << 40
    else { return outcome.until }
    let bound = right.bits
    let isTrue = outcome.bits != 0
    let (low, high): (Int64, Int64)
    switch node.comparison {
    case .less: (low, high) = isTrue ? (.min, bound - 1) : (bound, .max)
    case .lessOrEqual: (low, high) = isTrue ? (.min, bound) : (bound + 1, .max)
    case .greater: (low, high) = isTrue ? (bound + 1, .max) : (.min, bound)
    case .greaterOrEqual: (low, high) = isTrue ? (bound, .max) : (.min, bound - 1)
    case .equal, .notEqual: return outcome.until
    }
    return facts.span[Int(operand.a)].instant(outside: low, high, after: now)
  }

  private func holds(_ node: ProgramNode, _ left: TimedOutcome, _ right: TimedOutcome) -> Bool {
    switch node.operation {
    case .compareDouble: return node.comparison.holds(left.double, right.double)
    case .compareIntDouble: return node.comparison.holds(Double(left.bits), right.double)
    case .compareDoubleInt: return node.comparison.holds(left.double, Double(right.bits))
    case .compareString:
      return node.comparison.holds(
        ByteString(interner.string(left.bits)),
        ByteString(interner.string(right.bits)))
    default: return node.comparison.holds(left.bits, right.bits)
    }
  }

  /// The first instant after `now` at which a comparison of `gap + slope × (u − now)` with 0 turns.
  func linearChange(
    _ comparison: ProgramNode.Comparison, gap: Int64, slope: Int64, _ now: Int64
  ) -> Int64 {
    if slope == 0 { return Microseconds.never }
    let distance = Int64(clamping: gap.magnitude)
    let speed = Int64(clamping: slope.magnitude)
    let approaches = (gap < 0) == (slope > 0) && gap != 0
    /// The first instant at which the gap is closed or beyond.
    func reached() -> Int64 { saturated(now, distance / speed + (distance % speed == 0 ? 0 : 1)) }
    /// The first instant at which it is beyond.
    func passed() -> Int64 { saturated(now, distance / speed + 1) }
    switch comparison {
    case .equal, .notEqual:
      if gap == 0 { return now + 1 }
      return approaches && distance % speed == 0
        ? saturated(now, distance / speed) : Microseconds.never
    case .less, .greaterOrEqual:
      if gap < 0 { return slope > 0 ? reached() : Microseconds.never }
      return slope < 0 ? passed() : Microseconds.never
    case .greater, .lessOrEqual:
      if gap > 0 { return slope < 0 ? reached() : Microseconds.never }
      return slope > 0 ? passed() : Microseconds.never
    }
  }

  private func saturated(_ now: Int64, _ length: Int64) -> Int64 {
    let (sum, overflow) = now.addingReportingOverflow(length)
    return overflow ? Microseconds.never : sum
  }

  /// At least one side runs in steps. Where the difference runs in one direction its sign is searched for by
  /// bisection, else both sides are looked at again at the next step of either.
  private mutating func steppingComparison(
    _ node: ProgramNode, _ left: TimedOutcome, _ right: TimedOutcome, _ now: Int64
  ) -> TimedOutcome {
    if isProbing || left.status != .ok || right.status != .ok {
      return steppingOutcome(node, left, right, min(left.until, right.until), now)
    }
    // A look at the ranges is cheaper than a search.
    let answer = TimedOutcome(holds(node, left, right) ? 1 : 0)
    if let until = decided(node, answer, now), until > limit {
      return TimedOutcome(answer.bits, until: until)
    }
    if let until = crossing(node, left, right, now) {
      return TimedOutcome(answer.bits, until: until)
    }
    return steppingOutcome(node, left, right, min(left.until, right.until), now)
  }

  /// Of whole numbers, one of which stands still: when the other gets there, or beyond.
  private mutating func crossing(
    _ node: ProgramNode, _ left: TimedOutcome, _ right: TimedOutcome, _ now: Int64
  ) -> Int64? {
    guard node.operation == .compareBits, (left.motion == .still) != (right.motion == .still)
    else { return nil }
    let end = min(left.until, right.until)
    let isLeft = left.motion != .still
    let moving = isLeft ? left : right
    let bound = isLeft ? right.bits : left.bits
    let isRising = moving.slope > 0
    if bound.magnitude > 1 << 60 { return nil }
    let index = isLeft ? node.a : node.b
    if moving.bits == bound { return nextStep(moving, of: index, now, before: end) }
    // Moving away from it: it has passed, and its value is all that could end.
    if (moving.bits > bound) == isRising { return nil }
    return crossing(index, bound, isRising: isRising, now, before: end)
  }

  private mutating func steppingOutcome(
    _ node: ProgramNode, _ left: TimedOutcome, _ right: TimedOutcome, _ end: Int64, _ now: Int64
  ) -> TimedOutcome {
    let isOneWay =
      left.motion == .still || right.motion == .still
      || (left.slope > 0) != (right.slope > 0)
    var until = end
    if isOneWay {
      let first = sign(node, left, right)
      until = firstChange(from: now, before: until) { evaluator, instant in
        let left = evaluator.evaluate(node.a, at: instant)
        let right = evaluator.evaluate(node.b, at: instant)
        return evaluator.sign(node, left, right) != first
      }
    } else {
      until = min(
        frozen(left, of: node.a, now).until, frozen(right, of: node.b, now).until)
    }
    if left.status != .ok { return TimedOutcome(failed: left.status, until: until) }
    if right.status != .ok { return TimedOutcome(failed: right.status, until: until) }
    return TimedOutcome(holds(node, left, right) ? 1 : 0, until: until)
  }

  /// -1, 0, 1 as left is less, equal, greater; 2 and 3 for errors, 4 where a double is NaN.
  private func sign(_ node: ProgramNode, _ left: TimedOutcome, _ right: TimedOutcome) -> Int {
    if left.status != .ok { return left.status == .unset ? 2 : 3 }
    if right.status != .ok { return right.status == .unset ? 2 : 3 }
    var probe = node
    probe.comparison = .less
    if holds(probe, left, right) { return -1 }
    probe.comparison = .equal
    if holds(probe, left, right) { return 0 }
    probe.comparison = .greater
    return holds(probe, left, right) ? 1 : 4
  }

  mutating func membership(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let operand = evaluate(node.a, at: now)
    if operand.status != .ok {
      return TimedOutcome(failed: operand.status, until: operand.until)
    }
    var isMember = false
    var until = operand.until
    for index in Int(node.b)..<Int(node.b + node.c) {
      let element = program.nodes[Int(program.lists[index])].bits
      if element == operand.bits { isMember = true }
      if operand.motion == .linear {
        until = min(
          until,
          linearChange(.equal, gap: operand.bits - element, slope: operand.slope, now))
      }
    }
    if operand.motion == .monotone {
      // Each element is met (or left) once; look again at the first such instant.
      for index in Int(node.b)..<Int(node.b + node.c) {
        let element = program.nodes[Int(program.lists[index])].bits
        func side(_ outcome: TimedOutcome) -> Int {
          if outcome.status != .ok { return 2 }
          return outcome.bits < element ? -1 : (outcome.bits == element ? 0 : 1)
        }
        let first = side(operand)
        until = firstChange(from: now, before: until) { evaluator, instant in
          side(evaluator.evaluate(node.a, at: instant)) != first
        }
      }
    }
    if node.bits != 0 && !isMember && until <= limit && !isProbing,
      let bounds = bounds(node.a, now), bounds.until > until,
      !program.lists[Int(node.b)..<Int(node.b + node.c)].contains(where: {
        bounds.range.contains(program.nodes[Int($0)].bits)
      })
    {
      until = bounds.until
    }
    return TimedOutcome(isMember ? 1 : 0, until: until)
  }

  /// Elements that move: equality with any, unless the operand or an element has no value.
  mutating func movingMembership(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let operand = evaluate(node.a, at: now)
    if operand.status != .ok { return TimedOutcome(failed: operand.status, until: operand.until) }
    var isMember = false
    var until = Microseconds.never
    var failure: TimedOutcome.Status?
    let first = Int(node.b + node.c)
    for index in first..<(first + Int(node.c)) {
      let answer = evaluate(program.lists[index], at: now)
      until = min(until, answer.until)
      if answer.isTrue { isMember = true }
      if answer.status != .ok && failure == nil { failure = answer.status }
    }
    if let failure { return TimedOutcome(failed: failure, until: until) }
    return TimedOutcome(isMember ? 1 : 0, until: until)
  }
}
