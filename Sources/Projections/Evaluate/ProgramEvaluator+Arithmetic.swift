extension ProgramEvaluator {
  // MARK: Time

  /// Sums and differences of timestamps and durations: linear forms stay linear until they leave CEL's range.
  mutating func time(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let left = evaluate(node.a, at: now)
    let right = evaluate(node.b, at: now)
    let until = min(left.until, right.until)
    if left.status != .ok { return TimedOutcome(failed: left.status, until: until) }
    if right.status != .ok { return TimedOutcome(failed: right.status, until: until) }
    // Values are within ±2.6e17 and ±9.3e15, so neither sum can overflow.
    let isSum = node.operation == .timestampPlusDuration || node.operation == .addDuration
    let value = isSum ? left.bits + right.bits : left.bits - right.bits
    let slope = isSum ? left.slope + right.slope : left.slope - right.slope
    let isTimestamp =
      node.operation == .timestampPlusDuration || node.operation == .timestampMinusDuration
    let lowest = isTimestamp ? Microseconds.firstInstant : -Microseconds.longestDuration
    let highest = isTimestamp ? Microseconds.lastInstant : Microseconds.longestDuration
    var outcome = TimedOutcome(value, until: until)
    if value < lowest || value > highest {
      var back = Microseconds.never
      if value < lowest && slope > 0 {
        back = now + (lowest - value + slope - 1) / slope
      } else if value > highest && slope < 0 {
        back = now + (value - highest - slope - 1) / -slope
      }
      return TimedOutcome(failed: .error, until: min(until, back))
    }
    if slope != 0 {
      outcome.motion = .linear
      outcome.slope = slope
      let room = slope > 0 ? (highest - value) / slope : (value - lowest) / -slope
      outcome.until = min(until, now + room + 1)
    }
    return outcome
  }

  /// Whole units of a timestamp (toward the past) or a duration (toward zero).
  mutating func whole(_ node: ProgramNode, _ unit: Int64, _ now: Int64) -> TimedOutcome {
    var outcome = evaluate(node.a, at: now)
    outcome.onlyFalls = false
    guard outcome.status == .ok else { return outcome }
    outcome.bits =
      node.operation == .intOfTimestamp
      ? ScalarValue.floorDivide(outcome.bits, unit).0 : outcome.bits / unit
    if outcome.motion == .linear {
      outcome.motion = .monotone
      outcome.slope = outcome.slope > 0 ? 1 : -1
    }
    return outcome
  }

  mutating func calendar(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    var operand = evaluate(node.a, at: now)
    if operand.motion == .monotone { operand = frozen(operand, of: node.a, now) }
    guard operand.status == .ok else {
      return TimedOutcome(failed: operand.status, until: operand.until)
    }
    let offset = Int64(node.b) * Microseconds.second
    guard let accessor = ProgramNode.Accessor(rawValue: node.bits) else {
      return TimedOutcome(failed: .error, until: operand.until)
    }
    let read = CalendarReading.read(accessor, at: operand.bits + offset)
    var outcome = TimedOutcome(read.value, until: operand.until)
    if operand.motion == .linear {
      let speed = Int64(clamping: operand.slope.magnitude)
      let here = operand.bits + offset
      let change =
        operand.slope > 0
        ? (read.to - here + speed - 1) / speed : (here - read.from) / speed + 1
      outcome.until = min(operand.until, now + change)
    }
    return outcome
  }

  // MARK: Numbers

  /// The parts of a strict operation on two numbers that may run in steps.
  private struct Pair {
    var left: TimedOutcome
    var right: TimedOutcome
    var until: Int64
    /// The direction of the sum (`sign` 1) or difference; nil where there is none.
    var failure: TimedOutcome?
  }

  /// The next step of either part.
  private mutating func frozenUntil(_ pair: Pair, _ node: ProgramNode, _ now: Int64) -> Int64 {
    min(frozen(pair.left, of: node.a, now).until, frozen(pair.right, of: node.b, now).until)
  }

  private mutating func pair(_ node: ProgramNode, _ now: Int64) -> Pair {
    let left = evaluate(node.a, at: now)
    let right = evaluate(node.b, at: now)
    var pair = Pair(left: left, right: right, until: min(left.until, right.until), failure: nil)
    if left.status != .ok {
      pair.failure = failed(left.status, pair)
    } else if right.status != .ok {
      pair.failure = failed(right.status, pair)
    }
    return pair
  }

  /// An error keeps the motion of its parts, so that a search can find where it ends.
  private func failed(_ status: TimedOutcome.Status, _ pair: Pair) -> TimedOutcome {
    var outcome = TimedOutcome(failed: status, until: pair.until)
    if pair.left.motion == .monotone || pair.right.motion == .monotone {
      outcome.motion = .monotone
      outcome.slope = pair.left.motion == .monotone ? pair.left.slope : pair.right.slope
    }
    return outcome
  }

  mutating func sum(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let pair = pair(node, now)
    if let failure = pair.failure { return failure }
    let isSum = node.operation == .addInt || node.operation == .addDouble
    var outcome: TimedOutcome
    if node.operation == .addDouble || node.operation == .subtractDouble {
      let value =
        isSum ? pair.left.double + pair.right.double : pair.left.double - pair.right.double
      outcome = TimedOutcome(TimedOutcome.double(value), until: pair.until)
    } else {
      let (value, overflow) =
        isSum
        ? pair.left.bits.addingReportingOverflow(pair.right.bits)
        : pair.left.bits.subtractingReportingOverflow(pair.right.bits)
      if overflow { return failed(.error, pair) }
      outcome = TimedOutcome(value, until: pair.until)
    }
    let left = pair.left.motion == .monotone ? pair.left.slope : 0
    let right = (pair.right.motion == .monotone ? pair.right.slope : 0) * (isSum ? 1 : -1)
    if left != 0 || right != 0 {
      if left == 0 || right == 0 || left == right {
        outcome.motion = .monotone
        outcome.slope = left != 0 ? left : right
      } else {
        outcome.until = frozenUntil(pair, node, now)
      }
    }
    return outcome
  }

  mutating func negation(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    var outcome = evaluate(node.a, at: now)
    outcome.onlyFalls = false
    outcome.slope = -outcome.slope
    guard outcome.status == .ok else { return outcome }
    if node.operation == .negateDouble {
      outcome.bits = TimedOutcome.double(-outcome.double)
    } else {
      let (value, overflow) = Int64(0).subtractingReportingOverflow(outcome.bits)
      if overflow {
        outcome.status = .error
      }
      outcome.bits = value
    }
    return outcome
  }

  mutating func product(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let pair = pair(node, now)
    if let failure = pair.failure { return failure }
    let isDouble = node.operation == .multiplyDouble
    var outcome: TimedOutcome
    if isDouble {
      outcome = TimedOutcome(
        TimedOutcome.double(pair.left.double * pair.right.double), until: pair.until)
    } else {
      let (value, overflow) = pair.left.bits.multipliedReportingOverflow(by: pair.right.bits)
      if overflow { return failed(.error, pair) }
      outcome = TimedOutcome(value, until: pair.until)
    }
    let moving = pair.left.motion == .monotone ? pair.left : pair.right
    guard moving.motion == .monotone else { return outcome }
    if pair.left.motion == .monotone && pair.right.motion == .monotone {
      outcome.until = frozenUntil(pair, node, now)
      return outcome
    }
    let factor = pair.left.motion == .monotone ? pair.right : pair.left
    outcome.motion = .monotone
    let isNegative = isDouble ? factor.double < 0 : factor.bits < 0
    outcome.slope = isNegative ? -moving.slope : moving.slope
    return outcome
  }

  mutating func quotient(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let pair = pair(node, now)
    if let failure = pair.failure { return failure }
    var outcome: TimedOutcome
    switch node.operation {
    case .divideDouble:
      outcome = TimedOutcome(
        TimedOutcome.double(pair.left.double / pair.right.double), until: pair.until)
    case .ratioOfMoney:
      if pair.right.bits == 0 { return failed(.error, pair) }
      outcome = TimedOutcome(
        TimedOutcome.double(Double(pair.left.bits) / Double(pair.right.bits)), until: pair.until)
    default:
      if pair.right.bits == 0 { return failed(.error, pair) }
      let (value, overflow) = pair.left.bits.dividedReportingOverflow(by: pair.right.bits)
      if overflow { return failed(.error, pair) }
      outcome = TimedOutcome(value, until: pair.until)
    }
    if pair.right.motion == .monotone {
      outcome.until = frozenUntil(pair, node, now)
    } else if pair.left.motion == .monotone {
      let isNegative =
        node.operation == .divideDouble ? pair.right.double < 0 : pair.right.bits < 0
      outcome.motion = .monotone
      outcome.slope = isNegative ? -pair.left.slope : pair.left.slope
    }
    return outcome
  }

  /// Runs with its dividend as long as the whole quotient stays the same.
  mutating func remainder(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let pair = pair(node, now)
    if let failure = pair.failure { return failure }
    let divisor = pair.right.bits
    if divisor == 0 { return failed(.error, pair) }
    // The remainder by -1 is 0; the machine's instruction would trap on the lowest number.
    let value = divisor == -1 ? 0 : pair.left.bits % divisor
    var outcome = TimedOutcome(value, until: pair.until)
    if pair.right.motion == .monotone {
      outcome.until = frozenUntil(pair, node, now)
    } else if pair.left.motion == .monotone, divisor != -1 {
      let block = pair.left.bits / divisor
      outcome.motion = .monotone
      outcome.slope = pair.left.slope
      if isProbing { return outcome }
      if let turn = nextQuotient(pair.left, by: divisor, of: node.a, now, before: pair.until) {
        outcome.until = turn
        return outcome
      }
      outcome.until = firstChange(from: now, before: pair.until) { evaluator, instant in
        let dividend = evaluator.evaluate(node.a, at: instant)
        return dividend.status != .ok || dividend.bits / divisor != block
      }
    }
    return outcome
  }

  mutating func intOfDouble(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    var outcome = evaluate(node.a, at: now)
    outcome.onlyFalls = false
    guard outcome.status == .ok else { return outcome }
    let value = outcome.double
    // CEL: strictly between the ends of the range (the upper one is not a double).
    guard value > -9_223_372_036_854_775_808.0, value < 9_223_372_036_854_775_808.0 else {
      outcome.status = .error
      return outcome
    }
    outcome.bits = Int64(value)
    return outcome
  }
}
