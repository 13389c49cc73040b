/// What is known at as-of.
extension TruthFold {
  mutating func finish(asOf: Int64) {
    customer.result.stage = Int32(stage)
    customer.result.since = evaluator.stageEnteredAt
    guard customer.result.parked == nil else { return }
    evaluator.limit = Microseconds.reach(after: asOf)
    computeFacts(asOf)
    evaluator.fixed = ProgramEvaluator.FixedFacts(aggregates: aggregates, expressions: nil)
    evaluator.stateChanged()
    for index in 0..<flat.factFeeds.count {
      let feed = Int(flat.factFeeds[index])
      if feed >= 0 {
        customer.result.facts.append(aggregates[feed])
        continue
      }
      let root = flat.factRoots[index]
      let outcome = evaluator.evaluate(root, at: asOf)
      customer.result.facts.append(outcome)
      customer.result.holds(until: evaluator.frozen(outcome, of: root, asOf).until)
    }
    for index in 0..<flat.segmentRoots.count {
      if flat.segmentRoots[index] < 0 {
        customer.result.segments.append(false)
        continue
      }
      let outcome = evaluator.evaluate(flat.segmentRoots[index], at: asOf)
      // Whether it failed at another instant is for the tree evaluator to find.
      if outcome.status == .error { isBeyond = true }
      customer.result.segments.append(outcome.isTrue)
      customer.result.holds(until: outcome.until)
    }
    evaluator.fixed = nil
    evaluator.stateChanged()
    if !isBeyond { lookAhead(asOf) }
  }

  private mutating func computeFacts(_ asOf: Int64) {
    for feed in 0..<factFeedCount {
      let fact = flat.aggregates[feed]
      if fact.hasState {
        aggregates[feed] = evaluator.facts[feed].value(at: asOf)
        customer.result.holds(until: aggregates[feed].until)
      } else {
        aggregates[feed] = value(fact, asOf)
        if fact.within > 0 { boundValidity(fact, asOf) }
      }
    }
  }

  /// A window holds what it holds until its first member leaves; `active` also until one moves to the next span.
  private mutating func boundValidity(_ fact: FlatPlan.AsOfFact, _ asOf: Int64) {
    let base = bases[fact.series]
    let end = counts[fact.series]
    let first = first(fact.series, within: fact.within, at: asOf)
    if first == end { return }
    customer.result.holds(until: times[base + first] + fact.within)
    guard fact.function == .active else { return }
    for place in first..<end {
      let age = asOf - times[base + place]
      customer.result.holds(until: asOf + fact.every - age % fact.every)
    }
  }

  private mutating func value(_ fact: FlatPlan.AsOfFact, _ asOf: Int64) -> TimedOutcome {
    let base = bases[fact.series]
    let end = counts[fact.series]
    let first = fact.within > 0 ? first(fact.series, within: fact.within, at: asOf) : 0
    let count = end - first
    switch fact.function {
    case .count: return TimedOutcome(Int64(count))
    case .distinct: return TimedOutcome(Int64(distinct(base, first..<end, isDouble: fact.isDouble)))
    case .active: return TimedOutcome(spans(base, first..<end, fact.every, asOf))
    case .sum:
      let total = sum(fact.series, first..<end)
      return Int64(exactly: total).map { TimedOutcome($0) }
        ?? TimedOutcome(failed: .unset, until: Microseconds.never)
    case .avg, .min, .max, .first, .firstTime, .last, .lastTime: break
    }
    if count == 0 {
      return fact.hasDefault
        ? TimedOutcome(fact.defaultBits) : TimedOutcome(failed: .unset, until: Microseconds.never)
    }
    switch fact.function {
    case .avg:
      let total = sum(fact.series, first..<end)
      return fact.isMoney
        ? TimedOutcome(Int64(truncatingIfNeeded: total / Int128(count)))
        : TimedOutcome(TimedOutcome.double(Double(total) / Double(count)))
    case .min, .max:
      return TimedOutcome(extreme(fact.series, first..<end, isLeast: fact.function == .min))
    case .first: return TimedOutcome(values[base + first])
    case .firstTime: return TimedOutcome(times[base + first])
    case .last: return TimedOutcome(values[base + end - 1])
    default: return TimedOutcome(times[base + end - 1])
    }
  }

  /// Running sums fit 64 bits; so may not the difference of two.
  private mutating func sum(_ series: Int, _ range: Range<Int>) -> Int128 {
    if range.isEmpty { return 0 }
    let base = bases[series] + series
    return Int128(sums[base + range.upperBound]) - Int128(sums[base + range.lowerBound])
  }

  private mutating func distinct(_ base: Int, _ range: Range<Int>, isDouble: Bool) -> Int {
    if range.count > 32 {
      var found: Set<Int64> = []
      for place in range { found.insert(key(base + place, isDouble)) }
      return found.count
    }
    var found = 0
    for place in range {
      let value = key(base + place, isDouble)
      var earlier = range.lowerBound
      while earlier < place && key(base + earlier, isDouble) != value { earlier += 1 }
      if earlier == place { found += 1 }
    }
    return found
  }

  /// 0.0 and -0.0 are one value.
  @inline(__always)
  private mutating func key(_ place: Int, _ isDouble: Bool) -> Int64 {
    let value = values[place]
    return isDouble && value == Int64.min ? 0 : value
  }

  /// How many spans of `every`, counted back from `instant`, hold a member.
  private mutating func spans(_ base: Int, _ range: Range<Int>, _ every: Int64, _ instant: Int64)
    -> Int64
  {
    var found: Int64 = 0
    var last: Int64 = -1
    for place in range.reversed() {
      let span = (instant - times[base + place]) / every
      if span != last {
        found += 1
        last = span
      }
    }
    return found
  }

  /// The first settle by time alone after as-of that changes the stage, or parks.
  private mutating func lookAhead(_ asOf: Int64) {
    let end = Microseconds.horizon(after: asOf)
    isLookingAhead = true
    defer { isLookingAhead = false }
    if plan.generalAtoms != 0 {
      // What was valid until as-of only because nothing later was looked for is asked again.
      evaluator.stateChanged()
      dirty = plan.generalAtoms
      catchUp(asOf)
      ask(asOf)
    }
    findWake()
    if wake == Microseconds.never { return }
    // Looks may count faults, so that nothing is said beyond the first one.
    customer.result.holds(until: wake)
    let rows = customer.result.rows.count
    let timers = timerRows
    advance(to: end)
    timerRows = timers
    if let parked = customer.result.parked {
      customer.result.next = (parked.at, -1)
      customer.result.parked = nil
    } else if customer.result.rows.count > rows {
      customer.result.next = (customer.result.rows[rows].at, Int32(stage))
    } else {
      customer.result.holds(withoutChangeBefore: wake)
    }
    customer.result.rows.removeLast(customer.result.rows.count - rows)
    stage = Int(customer.result.stage)
  }
}
