import CEL

/// Evaluates lowered expressions on the state of one customer (or of one event): value and valid-until at once.
///
/// A value that is changed in place, so that nothing has to be checked or counted on the hot path; its arrays are reused
/// from customer to customer.
struct ProgramEvaluator {
  let program: Program
  private let nodes: [ProgramNode]
  var interner: Interner
  var facts: [FactState]
  private let ordersStrings: [Bool]

  /// Value slots of the event at hand, for `where` conditions.
  var slots: [TimedOutcome] = []

  var stageName: Int64 = 0
  /// Number of a string; -1 until the first transition.
  var stagePrevious: Int64 = -1
  var stageEnteredAt: Int64 = 0

  /// No change later than this is looked for.
  var limit: Int64 = Microseconds.lastInstant

  /// Values at as-of in place of states, for conditions that are read once the population is known.
  var fixed: FixedFacts?

  struct FixedFacts {
    /// By feed.
    var aggregates: [TimedOutcome]
    /// By number of the expr fact; nil where they are computed from the aggregates.
    var expressions: [TimedOutcome]?
  }

  /// Facts are computed anew from their members, so that any instant since the last event may be asked for.
  var readsAnew = false {
    didSet { stateChanged() }
  }
  /// Values of expr facts, good for one instant of one state; those of searches lack their `until`.
  private var memo: [(stamp: Int, instant: Int64, outcome: TimedOutcome)]
  private var probeMemo: [(stamp: Int, instant: Int64, outcome: TimedOutcome)]
  /// Ranges by node, likewise.
  var boundsMemo: [(stamp: Int, instant: Int64, bounds: Bounds?)]
  private(set) var stamp = 1
  /// A search looks at values only: none is searched for within it.
  var isProbing = false

  init(program: Program, facts: [FactState]) {
    self.program = program
    nodes = program.nodes
    interner = program.interner
    self.facts = facts
    ordersStrings = facts.map(\.ordersStrings)
    memo = Array(
      repeating: (0, 0, TimedOutcome(0)), count: program.expressionFactCount)
    probeMemo = memo
    boundsMemo = Array(repeating: (0, 0, nil), count: program.nodes.count)
  }

  /// To be called whenever facts, slots or stage have changed.
  mutating func stateChanged() { stamp &+= 1 }

  /// Gives an event to a fact; true if its sum left the range of its type.
  @inline(__always)
  mutating func add(_ feed: Int, occurred: Int64, value: Int64, event: Int32) -> Bool {
    if ordersStrings[feed] {
      let interner = interner
      return facts[feed].add(occurred: occurred, value: value, event: event) {
        interner.isLess($0, $1)
      }
    }
    return facts[feed].add(occurred: occurred, value: value, event: event) { _, _ in false }
  }

  // MARK: One node

  mutating func evaluate(_ index: Int32, at now: Int64) -> TimedOutcome {
    let node = nodes[Int(index)]
    switch node.operation {
    case .constant: return TimedOutcome(node.bits)
    case .constantError: return TimedOutcome(failed: .error, until: Microseconds.never)
    case .fact:
      if let known = fixed?.aggregates { return known[Int(node.a)] }
      if readsAnew { return facts[Int(node.a)].value(anewAt: now, interner: interner) }
      // A search comes back: what it looks at must not leave the windows.
      if isProbing { return facts[Int(node.a)].value(aheadAt: now, interner: interner) }
      return facts[Int(node.a)].value(at: now)
    case .expressionFact: return expressionFact(node, now)
    case .eventSlot: return slots[Int(node.a)]
    case .now:
      var outcome = TimedOutcome(now, until: Microseconds.lastInstant + 1)
      outcome.motion = .linear
      outcome.slope = 1
      return outcome
    case .stageName: return TimedOutcome(stageName)
    case .stagePrevious:
      if stagePrevious < 0 { return TimedOutcome(failed: .unset, until: Microseconds.never) }
      return TimedOutcome(stagePrevious)
    case .stageEnteredAt: return TimedOutcome(stageEnteredAt)
    case .has: return has(node, now)
    case .and, .or: return logical(node, now)
    case .not:
      var outcome = evaluate(node.a, at: now)
      if outcome.status == .ok { outcome.bits = outcome.bits == 0 ? 1 : 0 }
      outcome.onlyFalls = false
      outcome.turns = false
      return outcome
    case .conditional: return conditional(node, now)
    case .compareBits, .compareDouble, .compareIntDouble, .compareDoubleInt, .compareString:
      return comparison(node, now)
    case .inBits: return membership(node, now)
    case .inMoving: return movingMembership(node, now)
    case .addInt, .subtractInt, .addDouble, .subtractDouble:
      return sum(node, now)
    case .timestampPlusDuration, .timestampMinusDuration, .timestampMinusTimestamp, .addDuration,
      .subtractDuration:
      return time(node, now)
    case .negateInt, .negateDouble: return negation(node, now)
    case .multiplyInt, .multiplyMoney, .multiplyDouble: return product(node, now)
    case .divideInt, .divideMoney, .divideDouble, .ratioOfMoney: return quotient(node, now)
    case .remainderInt: return remainder(node, now)
    case .timestampAccessor: return calendar(node, now)
    case .durationHours: return whole(node, Microseconds.hour, now)
    case .durationMinutes: return whole(node, Microseconds.minute, now)
    case .durationSeconds: return whole(node, Microseconds.second, now)
    case .intOfTimestamp: return whole(node, Microseconds.second, now)
    case .durationMilliseconds:
      var outcome = frozen(evaluate(node.a, at: now), of: node.a, now)
      if outcome.status == .ok { outcome.bits = outcome.bits % Microseconds.second / 1000 }
      return outcome
    case .intOfDouble: return intOfDouble(node, now)
    case .doubleOfInt:
      var outcome = evaluate(node.a, at: now)
      if outcome.status == .ok { outcome.bits = TimedOutcome.double(Double(outcome.bits)) }
      return outcome
    case .durationOfInt:
      var outcome = frozen(evaluate(node.a, at: now), of: node.a, now)
      guard outcome.status == .ok else { return outcome }
      let (length, overflow) = outcome.bits.multipliedReportingOverflow(by: node.bits)
      if overflow || length.magnitude > Microseconds.longestDuration.magnitude {
        return TimedOutcome(failed: .error, until: outcome.until)
      }
      outcome.bits = length
      outcome.onlyFalls = false
      return outcome
    case .call: return call(program.calls[Int(node.a)], now)
    case .tree: return tree(program.trees[Int(node.a)], now)
    }
  }

  // MARK: Facts

  private mutating func expressionFact(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let number = Int(node.b)
    if let known = fixed?.expressions { return known[number] }
    if isProbing {
      if probeMemo[number].stamp == stamp, probeMemo[number].instant == now {
        return probeMemo[number].outcome
      }
    } else if memo[number].stamp == stamp, memo[number].instant == now {
      return memo[number].outcome
    }
    var outcome = evaluate(node.a, at: now)
    // The default changes hands where an error ends or begins.
    outcome.until = untilFailing(outcome, of: node.a, now)
    if outcome.status != .ok {
      let until = outcome.until
      outcome =
        node.c == 1
        ? TimedOutcome(node.bits, until: until) : TimedOutcome(failed: .unset, until: until)
    }
    if isProbing {
      probeMemo[number] = (stamp, now, outcome)
    } else {
      memo[number] = (stamp, now, outcome)
    }
    return outcome
  }

  /// Until when a node goes on having a value, or none: an error of a moving part ends or begins at some instant.
  private mutating func untilFailing(
    _ outcome: TimedOutcome, of index: Int32, _ now: Int64
  ) -> Int64 {
    if outcome.motion != .monotone || isProbing || hasValue(index, now, outcome) {
      return outcome.until
    }
    let failed = outcome.status != .ok
    return firstChange(from: now, before: outcome.until) { evaluator, instant in
      (evaluator.evaluate(index, at: instant).status != .ok) != failed
    }
  }

  /// It has a value until the end of its piece, as far as ranges tell.
  private mutating func hasValue(_ index: Int32, _ now: Int64, _ outcome: TimedOutcome) -> Bool {
    guard outcome.status == .ok, let bounds = bounds(index, now) else { return false }
    return bounds.until >= min(outcome.until, limit)
  }

  private mutating func has(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let operand = evaluate(node.a, at: now)
    return TimedOutcome(operand.status == .ok ? 1 : 0, until: operand.until)
  }

  // MARK: Logic

  /// `&&` and `||`: one operand may decide alone, and then its validity counts, whatever becomes of the other.
  private mutating func logical(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    let decisive: Int64 = node.operation == .and ? 0 : 1
    let left = evaluate(node.a, at: now)
    if left.status == .ok && left.bits == decisive {
      if left.until == Microseconds.never { return left }
      let right = evaluate(node.b, at: now)
      if right.status == .ok && right.bits == decisive && right.until > left.until { return right }
      return left
    }
    let right = evaluate(node.b, at: now)
    if right.status == .ok && right.bits == decisive { return right }
    let until = min(left.until, right.until)
    if left.status != .ok { return TimedOutcome(failed: left.status, until: until) }
    if right.status != .ok { return TimedOutcome(failed: right.status, until: until) }
    return TimedOutcome(1 - decisive, until: until)
  }

  private mutating func conditional(_ node: ProgramNode, _ now: Int64) -> TimedOutcome {
    var condition = evaluate(node.a, at: now)
    condition.until = untilFailing(condition, of: node.a, now)
    if condition.status != .ok {
      return TimedOutcome(failed: condition.status, until: condition.until)
    }
    var outcome = evaluate(condition.bits != 0 ? node.b : node.c, at: now)
    outcome.until = min(outcome.until, condition.until)
    if condition.until != Microseconds.never { outcome.onlyFalls = false }
    return outcome
  }

  // MARK: Search

  /// The first instant after `now` at which `changed` holds, if it does before `end`; else `end`.
  ///
  /// `changed` must be monotone on the way: once true it stays true. It may look at values, not at their `until`;
  /// within a search the answer is `end`.
  mutating func firstChange(
    from now: Int64, before end: Int64, _ changed: (inout ProgramEvaluator, Int64) -> Bool
  ) -> Int64 {
    let last = min(end - 1, limit)
    if last <= now || isProbing { return end }
    isProbing = true
    defer { isProbing = false }
    var low = now
    var step: Int64 = 1
    var high = now
    repeat {
      low = high
      high = last - now <= step ? last : now + step
      step = step > Int64.max / 8 ? Int64.max / 4 : step * 8
      if changed(&self, high) {
        while high - low > 1 {
          let middle = low + (high - low) / 2
          if changed(&self, middle) { high = middle } else { low = middle }
        }
        return high
      }
    } while high < last
    return end
  }

  /// The outcome of a node now, as a value that stands still: a moving one until its next step.
  mutating func frozen(_ outcome: TimedOutcome, of index: Int32, _ now: Int64) -> TimedOutcome {
    var outcome = outcome
    switch outcome.motion {
    case .still: return outcome
    case .linear: outcome.until = min(outcome.until, now + 1)
    case .monotone:
      if isProbing { break }
      let first = outcome
      if program.types[Int(index)] == .int,
        let step = nextStep(first, of: index, now, before: first.until)
      {
        outcome.until = step
        break
      }
      outcome.until = firstChange(from: now, before: outcome.until) { evaluator, instant in
        !evaluator.evaluate(index, at: instant).isSame(as: first)
      }
    }
    outcome.motion = .still
    outcome.slope = 0
    return outcome
  }

  // MARK: General calls

  private mutating func call(_ call: LoweredCall, _ now: Int64) -> TimedOutcome {
    if let test = call.textTest {
      let text = evaluate(call.arguments[0], at: now)
      let part = evaluate(call.arguments[1], at: now)
      let until = min(text.until, part.until)
      if text.status != .ok { return TimedOutcome(failed: text.status, until: until) }
      if part.status != .ok { return TimedOutcome(failed: part.status, until: until) }
      let holds = test.holds(interner.string(text.bits), interner.string(part.bits))
      return TimedOutcome(holds ? 1 : 0, until: until)
    }
    var until = Microseconds.never
    var values: [Value] = []
    var failure: TimedOutcome.Status?
    for (argument, type) in zip(call.arguments, call.argumentTypes) {
      let outcome = frozen(evaluate(argument, at: now), of: argument, now)
      until = min(until, outcome.until)
      if outcome.status != .ok {
        if failure == nil { failure = outcome.status }
        continue
      }
      values.append(ScalarValue.value(outcome.bits, type, interner: interner))
    }
    if let failure { return TimedOutcome(failed: failure, until: until) }
    return outcome(of: Functions.call(call.function, values), call.resultType, until)
  }

  private mutating func tree(_ tree: LoweredTree, _ now: Int64) -> TimedOutcome {
    var until = Microseconds.never
    var bound: [String: Result<Value, EvaluationError>] = [:]
    for variable in tree.variables {
      let outcome = frozen(evaluate(variable.node, at: now), of: variable.node, now)
      until = min(until, outcome.until)
      switch outcome.status {
      case .ok:
        bound[variable.name] = .success(
          ScalarValue.value(outcome.bits, variable.type, interner: interner))
      case .unset: bound[variable.name] = .failure(EvaluationError(code: .unset, message: ""))
      case .error: bound[variable.name] = .failure(EvaluationError(code: .argument, message: ""))
      }
    }
    let values = bound
    return outcome(of: tree.expression.evaluate { values[$0] }, tree.resultType, until)
  }

  private mutating func outcome(
    of result: Result<Value, EvaluationError>, _ type: Type, _ until: Int64
  ) -> TimedOutcome {
    switch result {
    case .failure(let error):
      return TimedOutcome(failed: error.code == .unset ? .unset : .error, until: until)
    case .success(let value):
      switch value {
      case .bool(let flag): return TimedOutcome(flag ? 1 : 0, until: until)
      case .int(let number), .money(let number): return TimedOutcome(number, until: until)
      case .uint(let number): return TimedOutcome(Int64(bitPattern: number), until: until)
      case .double(let number): return TimedOutcome(TimedOutcome.double(number), until: until)
      case .string(let text): return TimedOutcome(interner.number(of: text), until: until)
      case .timestamp(let instant):
        return TimedOutcome(ScalarValue.microseconds(instant), until: until)
      case .duration(let length):
        return TimedOutcome(ScalarValue.microseconds(length), until: until)
      case .null, .bytes, .list, .map, .type:
        // A part of another tree asked for by an explanation: it has a value, but none of 64 bits.
        return TimedOutcome(0, until: until)
      }
    }
  }
}
