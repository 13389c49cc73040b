/// Instants in closed form for whole numbers that run in steps: ages and instants cut to units, and what is added to
/// them, taken from them, multiplied, divided or cut again by what stands still. Everything else is searched for.
extension ProgramEvaluator {
  /// The first instant after `now` at which a monotone whole number is another, if that is before `end`; else `end`.
  /// Nil where it has to be searched for.
  mutating func nextStep(_ outcome: TimedOutcome, of index: Int32, _ now: Int64, before end: Int64)
    -> Int64?
  {
    guard outcome.status == .ok, outcome.bits.magnitude < Self.farthest else { return nil }
    let bound = outcome.slope > 0 ? outcome.bits + 1 : outcome.bits - 1
    return crossing(index, bound, isRising: outcome.slope > 0, now, before: end)
  }

  /// The same for its whole quotient by a number.
  mutating func nextQuotient(
    _ outcome: TimedOutcome, by divisor: Int64, of index: Int32, _ now: Int64, before end: Int64
  ) -> Int64? {
    guard outcome.status == .ok, outcome.bits.magnitude < Self.farthest, divisor != 0,
      divisor.magnitude < Self.farthest
    else { return nil }
    let bound = Self.quotientBound(
      outcome.bits / Int64(divisor.magnitude), Int64(divisor.magnitude), slope: outcome.slope)
    guard let bound else { return nil }
    return crossing(index, bound, isRising: outcome.slope > 0, now, before: end)
  }

  /// Beyond it nothing is computed in closed form, so that no step can overflow.
  private static let farthest: UInt64 = 1 << 61

  /// Where a number that rises (falls) leaves the block of one quotient, which is cut toward zero.
  private static func quotientBound(_ quotient: Int64, _ divisor: Int64, slope: Int64) -> Int64? {
    let block = slope > 0 ? quotient : -quotient
    let (far, overflow) = (block >= 0 ? block + 1 : block).multipliedReportingOverflow(by: divisor)
    if overflow { return nil }
    let bound = block >= 0 ? far : far + 1
    return slope > 0 ? bound : -bound
  }

  /// The first instant at which a monotone whole number has risen (fallen) to `bound`, which it has not yet.
  mutating func crossing(
    _ index: Int32, _ bound: Int64, isRising: Bool, _ now: Int64, before end: Int64
  ) -> Int64? {
    if isProbing { return nil }
    isProbing = true
    let reached = reach(index, bound, isRising: isRising, now)
    isProbing = false
    guard let instant = reached else { return nil }
    let found = min(instant, end)
    // Where it may be without a value on the way, only a search can tell.
    guard let bounds = bounds(index, now), bounds.until >= min(found, limit) else { return nil }
    return found
  }

  private mutating func reach(
    _ index: Int32, _ bound: Int64, isRising: Bool, _ now: Int64
  ) -> Int64? {
    if bound.magnitude > Self.farthest { return nil }
    let node = program.nodes[Int(index)]
    switch node.operation {
    case .durationHours: return reachUnit(node, Microseconds.hour, bound, isRising: isRising, now)
    case .durationMinutes:
      return reachUnit(node, Microseconds.minute, bound, isRising: isRising, now)
    case .durationSeconds, .intOfTimestamp:
      return reachUnit(node, Microseconds.second, bound, isRising: isRising, now)
    case .expressionFact where fixed == nil:
      return reach(node.a, bound, isRising: isRising, now)
    case .conditional:
      let condition = evaluate(node.a, at: now)
      guard condition.status == .ok else { return nil }
      return reach(condition.bits != 0 ? node.b : node.c, bound, isRising: isRising, now)
    case .negateInt: return reach(node.a, -bound, isRising: !isRising, now)
    case .addInt, .subtractInt, .multiplyInt, .divideInt, .remainderInt:
      return reachThrough(node, bound, isRising: isRising, now)
    default: return nil
    }
  }

  /// Operations with one side that stands still.
  private mutating func reachThrough(
    _ node: ProgramNode, _ bound: Int64, isRising: Bool, _ now: Int64
  ) -> Int64? {
    let left = evaluate(node.a, at: now)
    let right = evaluate(node.b, at: now)
    guard left.status == .ok, right.status == .ok,
      (left.motion == .still) != (right.motion == .still),
      left.bits.magnitude < Self.farthest, right.bits.magnitude < Self.farthest
    else { return nil }
    let isLeft = left.motion != .still
    let still = isLeft ? right.bits : left.bits
    let moving = isLeft ? node.a : node.b
    switch node.operation {
    case .addInt: return reach(moving, bound - still, isRising: isRising, now)
    case .subtractInt:
      return isLeft
        ? reach(moving, bound + still, isRising: isRising, now)
        : reach(moving, still - bound, isRising: !isRising, now)
    case .multiplyInt:
      if still == 0 { return nil }
      // x × still ≥ bound from x ≥ bound ÷ still on, rounded up; mirrored where it falls or is negative.
      let (size, sign): (Int64, Int64) = (
        still.magnitude > 0 ? Int64(still.magnitude) : 1, isRising ? 1 : -1
      )
      let least = -ScalarValue.floorDivide(-sign * bound, size).0
      let rises = (still > 0) == isRising
      return reach(moving, rises ? least : -least, isRising: rises, now)
    case .divideInt:
      guard isLeft, still > 0 else { return nil }
      guard
        let far = Self.quotientBound(
          isRising ? bound - 1 : bound + 1, still, slope: isRising ? 1 : -1)
      else { return nil }
      return reach(moving, far, isRising: isRising, now)
    case .remainderInt:
      // Within its piece the quotient stays.
      guard isLeft, still != 0, still != -1 else { return nil }
      return reach(moving, bound + (left.bits - left.bits % still), isRising: isRising, now)
    default: return nil
    }
  }

  private mutating func reachUnit(
    _ node: ProgramNode, _ unit: Int64, _ bound: Int64, isRising: Bool, _ now: Int64
  ) -> Int64? {
    let operand = evaluate(node.a, at: now)
    guard operand.status == .ok, operand.motion == .linear, (operand.slope > 0) == isRising else {
      return nil
    }
    // The first value of the operand that counts as `bound`.
    let first: Int64
    if node.operation == .intOfTimestamp {
      let (from, overflow) = (isRising ? bound : bound + 1).multipliedReportingOverflow(by: unit)
      if overflow { return nil }
      first = isRising ? from : from - 1
    } else {
      guard
        let from = Self.quotientBound(isRising ? bound - 1 : bound + 1, unit, slope: operand.slope)
      else { return nil }
      first = from
    }
    let (gap, overflow) = first.subtractingReportingOverflow(operand.bits)
    if overflow { return nil }
    let distance = Int64(clamping: gap.magnitude)
    if gap != 0 && (gap > 0) != isRising { return nil }
    let speed = Int64(clamping: operand.slope.magnitude)
    let steps = distance / speed + (distance % speed == 0 ? 0 : 1)
    let (instant, beyond) = now.addingReportingOverflow(steps)
    return beyond ? Microseconds.never : instant
  }
}
