/// The event behind a timer (contract §5, fine print).
extension TruthFold {
  /// Of each comparison or `has` whose outcome differs from one microsecond earlier: the events that leave a window now, or
  /// else those that give its timestamps; the last of them, -1 for none.
  mutating func anchorOfTimer(_ conditions: [Int], _ instant: Int64) -> Int32 {
    var best: Int32 = -1
    for condition in conditions {
      for comparison in plan.comparisons[condition] where differs(comparison, instant) {
        note(comparison.feeds, instant, &best)
      }
    }
    return best
  }

  private mutating func differs(_ comparison: TruthPlan.Comparison, _ instant: Int64) -> Bool {
    if comparison.formula >= 0 {
      return status(comparison.formula, words) != status(comparison.formula, before)
    }
    evaluator.readsAnew = true
    defer { evaluator.readsAnew = false }
    let now = evaluator.evaluate(comparison.node, at: instant)
    let earlier = evaluator.evaluate(comparison.node, at: instant - 1)
    return !now.isSame(as: earlier)
  }

  private mutating func note(_ feeds: [Int], _ instant: Int64, _ best: inout Int32) {
    var moving: Int32 = -1
    for feed in feeds { moving = max(moving, lastMoving(feed, at: instant)) }
    if moving < 0 {
      for feed in feeds { moving = max(moving, giving(feed, at: instant)) }
    }
    best = max(best, moving)
  }

  /// The last event that leaves the fact's window at exactly `instant`, or moves to another span of `active`.
  private mutating func lastMoving(_ feed: Int, at instant: Int64) -> Int32 {
    let fact = flat.aggregates[feed]
    let (series, within) = (fact.series, fact.within)
    if within == 0 { return -1 }
    let base = bases[series]
    var last: Int32 = -1
    if fact.function == .active {
      for place in first(series, within: within, at: instant - 1)..<counts[series] {
        let age = instant - times[base + place]
        if age == within || age > 0 && age % fact.every == 0 { last = numbers[base + place] }
      }
      return last
    }
    // Members stand by time: those that leave now are the last that are out.
    let place = first(series, within: within, at: instant) - 1
    if place >= 0 && times[base + place] == instant - within { last = numbers[base + place] }
    return last
  }

  /// The first member that is in a window at an instant.
  mutating func first(_ series: Int, within: Int64, at instant: Int64) -> Int {
    let base = bases[series]
    var low = 0
    var high = counts[series]
    while low < high {
      let middle = (low + high) / 2
      if times[base + middle] + within <= instant { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The last event that gives a timestamp; -1 where the fact is none, or is unset.
  private mutating func giving(_ feed: Int, at instant: Int64) -> Int32 {
    let fact = flat.aggregates[feed]
    if !fact.isTimestamp { return -1 }
    let series = fact.series
    let base = bases[series]
    let first = fact.within > 0 ? first(series, within: fact.within, at: instant) : 0
    let end = counts[series]
    if first == end { return -1 }
    switch fact.function {
    case .first, .firstTime: return numbers[base + first]
    case .last, .lastTime: return numbers[base + end - 1]
    case .min, .max:
      let extreme = extreme(series, first..<end, isLeast: fact.function == .min)
      for place in (first..<end).reversed() where values[base + place] == extreme {
        return numbers[base + place]
      }
      return -1
    default: return -1
    }
  }

  /// The least or greatest value of some members that are whole numbers.
  mutating func extreme(_ series: Int, _ range: Range<Int>, isLeast: Bool) -> Int64 {
    let base = bases[series]
    var found = values[base + range.lowerBound]
    for place in range.dropFirst() {
      let value = values[base + place]
      found = isLeast ? min(found, value) : max(found, value)
    }
    return found
  }
}
