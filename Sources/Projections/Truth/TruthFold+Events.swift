/// Events to members and atoms.
extension TruthFold {
  mutating func apply(_ index: Int, _ instant: Int64) {
    position = customer.events.position(index)
    let number = Int(customer.events.places[index].number)
    let first = Int(customer.events.places[index].first)
    var touched = classes.touched[number]
    dirty |= classes.general[number]
    var words = words
    for place in classes.runs[number].range {
      let part = classes.parts[place]
      feed(
        Int(part.series), part.place < 0 ? 0 : customer.events.values[first &+ Int(part.place)],
        Int32(truncatingIfNeeded: index), instant, &words)
    }
    if number == EventClassTable.own { touched |= applyOwn(index, instant, &words) }
    self.words = words
    timerRows = 0
    looksLeft += Self.looks.perEvent
    let own = flat.masks[stage]
    if index == 0 { return settle(instant, event: 0) }
    if touched & own.matters == 0 { return }
    if dirty & own.matters != 0 { ask(instant) }
    let risen =
      self.words.isTrue & own.risesTrue | self.words.isFalse & own.risesFalse | own.watched
    if risen & touched != 0 { settle(instant, event: index) }
  }

  /// Applies an event that has no class; the atoms that it decided.
  private mutating func applyOwn(
    _ event: Int, _ instant: Int64, _ words: inout TruthPlan.Words
  ) -> UInt64 {
    var touched: UInt64 = 0
    for index in 0..<customer.events.operationCount(event) {
      let operation = customer.events.operation(event, index)
      guard operation.isFeed, operation.number < factFeedCount else { continue }
      feed(
        operation.number, operation.value, Int32(truncatingIfNeeded: event), instant, &words)
      touched |= flat.effects[operation.number].touched
      dirty |= flat.effects[operation.number].general
    }
    return touched
  }

  /// Gives an event to the facts of one group, and to the atoms over them.
  @inline(__always)
  private mutating func feed(
    _ series: Int, _ value: Int64, _ event: Int32, _ instant: Int64,
    _ words: inout TruthPlan.Words
  ) {
    let effects = flat.effects[series]
    let count = counts[series] + 1
    counts[series] = count
    let last = bases[series] &+ count &- 1
    if effects.keepsMembers {
      times[last] = instant
      numbers[last] = event
      values[last] = value
      if effects.keepsSums {
        let place = last &+ series
        if count == 1 { sums[place] = 0 }
        let (sum, isOver) = sums[place].addingReportingOverflow(value)
        sums[place &+ 1] = sum
        if isOver { isBeyond = true }
      }
    }
    let states = flat.stateRuns[series]
    if !states.isEmpty { feedStates(series, states, value, event, instant) }
    words.isTrue = words.isTrue & ~effects.setFalse | effects.setTrue
    words.isFalse = words.isFalse & ~effects.setTrue | effects.setFalse
    for number in flat.operationRuns[series].range {
      decide(flat.operations[number], series, value, count, instant, &words)
    }
  }

  private mutating func feedStates(
    _ series: Int, _ own: SlabRun, _ value: Int64, _ event: Int32, _ instant: Int64
  ) {
    let list = lists[series]
    list.append(occurred: instant, value: value, event: event)
    for place in own.range {
      let feed = Int(flat.states[place])
      evaluator.facts[feed].advance(to: instant)
      // The tree evaluator counts what leaves the range of its type as a fault.
      if evaluator.add(feed, occurred: instant, value: value, event: event) { isBeyond = true }
    }
    list.release(before: instant)
    evaluator.stateChanged()
  }

  // MARK: Atoms by events

  @inline(__always)
  private mutating func decide(
    _ operation: TruthPlan.Operation, _ series: Int, _ value: Int64, _ count: Int,
    _ instant: Int64, _ words: inout TruthPlan.Words
  ) {
    let bit = operation.bit
    switch operation.code {
    case .flip: set(operation.flip, instant &+ operation.within)
    case .countAll: Self.set(&words, bit, Int64(count) >= operation.bound)
    case .countWithin:
      let place = Int64(count) - operation.bound
      hold(
        operation, &words, at: instant,
        until: place >= 0
          ? times[bases[series] &+ Int(place)] &+ operation.within : Int64.min)
    case .sumAll:
      Self.set(&words, bit, sums[bases[series] &+ series &+ count] >= operation.bound)
    case .sumWithin: decideSum(operation, series, value, count, instant, &words)
    case .last:
      Self.set(&words, bit, operation.comparison.holds(value, operation.bound))
      if operation.flip >= 0 { set(operation.flip, instant &+ operation.within) }
    case .first:
      if count == 1 { Self.set(&words, bit, operation.comparison.holds(value, operation.bound)) }
    case .firstTime:
      if count == 1 {
        Self.set(&words, bit, false)
        set(operation.flip, instant &+ operation.within)
      }
    case .greatest:
      decideExtreme(operation, value >= operation.bound, count, instant, &words)
    case .least: decideExtreme(operation, value <= operation.bound, count, instant, &words)
    case .distinct: decideDistinct(operation, value, instant, &words)
    }
  }

  /// The newest member from which on the sum reaches the bound: with no amount below zero it only moves forward.
  private mutating func decideSum(
    _ operation: TruthPlan.Operation, _ series: Int, _ value: Int64, _ count: Int,
    _ instant: Int64, _ words: inout TruthPlan.Words
  ) {
    if value < 0 {
      isBeyond = true
      return
    }
    let base = bases[series] + series
    let total = sums[base + count]
    var place = pointers[Int(operation.flip)]
    while place + 1 < count && total - sums[base + place + 1] >= operation.bound { place += 1 }
    pointers[Int(operation.flip)] = place
    let isReached = total - sums[base + place] >= operation.bound
    hold(
      operation, &words, at: instant,
      until: isReached ? times[bases[series] + place] + operation.within : Int64.min)
  }

  @inline(__always)
  private mutating func decideExtreme(
    _ operation: TruthPlan.Operation, _ reaches: Bool, _ count: Int, _ instant: Int64,
    _ words: inout TruthPlan.Words
  ) {
    let isHeld = count > 1 && words.isTrue & operation.bit != 0
    if operation.flip < 0 {
      Self.set(&words, operation.bit, reaches || isHeld)
      return
    }
    let flip = flips[Int(operation.flip)]
    if reaches || !isHeld || flip == Microseconds.never || flip <= instant {
      Self.set(&words, operation.bit, reaches)
      set(operation.flip, instant &+ operation.within)
    }
  }

  private mutating func decideDistinct(
    _ operation: TruthPlan.Operation, _ value: Int64, _ instant: Int64,
    _ words: inout TruthPlan.Words
  ) {
    let wanted = Int(operation.bound)
    let base = Int(operation.flip) * plan.longestDistinct
    var length = pointers[Int(operation.flip)]
    var place = 0
    while place < length && recentValues[base + place] != value { place += 1 }
    if place == length {
      if length < wanted { length += 1 } else { place -= 1 }
    }
    pointers[Int(operation.flip)] = length
    while place > 0 {
      recentValues[base + place] = recentValues[base + place - 1]
      recentTimes[base + place] = recentTimes[base + place - 1]
      place -= 1
    }
    recentValues[base] = value
    recentTimes[base] = instant
    if length < wanted { return hold(operation, &words, at: instant, until: Int64.min) }
    let oldest = recentTimes[base + wanted - 1]
    hold(
      operation, &words, at: instant,
      until: operation.within > 0 ? oldest + operation.within : Microseconds.never)
  }

  /// A threshold over a window holds until the one member that it hangs on leaves.
  @inline(__always)
  private mutating func hold(
    _ operation: TruthPlan.Operation, _ words: inout TruthPlan.Words, at instant: Int64,
    until: Int64
  ) {
    let holds = until > instant
    Self.set(&words, operation.bit, holds)
    set(operation.flip, holds ? until : Microseconds.never)
  }

  @inline(__always)
  static func set(_ words: inout TruthPlan.Words, _ bit: UInt64, _ holds: Bool) {
    if holds {
      words.isTrue |= bit
      words.isFalse &= ~bit
    } else {
      words.isTrue &= ~bit
      words.isFalse |= bit
    }
  }

  @inline(__always)
  mutating func set(_ flip: Int32, _ instant: Int64) {
    flips[Int(flip)] = instant
    if instant < stale { stale = instant }
    if instant < wake && flat.masks[stage].wakes &>> UInt64(flip) & 1 != 0 { wake = instant }
  }
}
