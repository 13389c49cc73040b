/// One move from stage to stage, or the entry.
struct FoldRow: Sendable, Equatable {
  var at: Int64
  /// -1 for the entry row.
  var from: Int32
  var to: Int32
  /// Number of the transition (stages with conditions: of the new stage); -1 for the entry row.
  var transition: Int32
  var isTimer: Bool
  /// Number of the customer's event behind it; -1 without.
  var anchor: Int32
}

/// A stay in a segment.
struct FoldSpell: Sendable, Equatable {
  var segment: Int32
  var from: Int64
  /// `never` while it lasts.
  var to: Int64
  var isTimer: Bool
  /// Number of the customer's event behind the entry; -1 without.
  var anchor: Int32
}

/// What folding one customer left; reused from customer to customer.
struct FoldResult: Sendable {
  var rows: [FoldRow] = []
  /// By segment and time; empty unless they are followed.
  var spells: [FoldSpell] = []
  var stage: Int32 = 0
  var since: Int64 = 0
  var firstSeen: Int64 = 0
  var lastSeen: Int64 = 0
  var next: (at: Int64, to: Int32)?
  var parked: (at: Int64, reason: ParkReason, transitions: [Int32])?
  /// Values of the facts at as-of, in file order; empty where parked.
  var facts: [TimedOutcome] = []
  /// Segments that hold at as-of, by number; those that read the population are left for later.
  var segments: [Bool] = []
  var purchases = CustomerValue()
  /// Facts that left out events of this customer, and how many, in file order.
  var leftOut: [LeftOut] = []
  /// The first instant after as-of at which time alone may change anything of this, or a fault that is counted of it; never
  /// too late, maybe too early. Events beyond as-of are another matter.
  private(set) var staleAt = Microseconds.never

  /// Begins a new customer.
  mutating func begin(_ events: CustomerEvents, wanted: CustomerValue.Wanted) {
    rows.removeAll(keepingCapacity: true)
    spells.removeAll(keepingCapacity: true)
    next = nil
    parked = nil
    facts.removeAll(keepingCapacity: true)
    segments.removeAll(keepingCapacity: true)
    leftOut.removeAll(keepingCapacity: true)
    staleAt = Microseconds.never
    purchases = CustomerValue(wanted)
    firstSeen = events.occurred[0]
    lastSeen = events.occurred[events.count - 1]
  }

  /// It does not hold from an instant after as-of on.
  @inline(__always)
  mutating func holds(until instant: Int64) { staleAt = min(staleAt, instant) }

  /// Takes account of what changes with time whatever the rules say of facts and stages, once all else is known.
  ///
  /// - Parameter recent: length of `rfm.within`; nil without.
  mutating func boundValidity(asOf: Int64, recent: Int64?) {
    if let parked {
      // Only who was found to need too many looks ahead is parked by as-of itself.
      if parked.reason == .budget && parked.at == asOf { holds(until: asOf + 1) }
      return
    }
    holds(until: asOf + Microseconds.validityReach)
    // Spans beyond CEL's durations are errors, which other parts of the fold look for.
    let longest = firstSeen + Microseconds.longestDuration + 1
    for instant in [longest, longest - Microseconds.nextChangeHorizon] where instant > asOf {
      holds(until: instant)
    }
    if let recent, let first = purchases.firstRecent { holds(until: first + recent) }
  }

  /// Takes account of a look ahead that ended without a change.
  ///
  /// - Parameter wake: no change comes before it; it comes into sight once as-of is near enough.
  mutating func holds(withoutChangeBefore wake: Int64) {
    if wake != Microseconds.never { holds(until: wake - Microseconds.nextChangeHorizon) }
  }

  /// Takes back the last `count` rows and parks the customer.
  ///
  /// - Parameter chain: the transitions that led there, any number of times.
  mutating func park(
    at instant: Int64, _ reason: ParkReason, _ chain: [Int32], takingBack count: Int
  ) {
    var transitions: [Int32] = []
    for transition in chain where !transitions.contains(transition) {
      transitions.append(transition)
    }
    rows.removeLast(count)
    parked = (instant, reason, transitions)
  }

  /// The transitions of the last rows of a settle, which have chased each other with `last`.
  func chain(of rows: Int, and last: Int32) -> [Int32] {
    self.rows.suffix(rows).map(\.transition) + [last]
  }

  /// The transitions of the ten rows before the last `rows`.
  func chain(before rows: Int) -> [Int32] {
    self.rows.suffix(10 + rows).dropLast(rows).map(\.transition)
  }

  /// Counts what an event gives to facts and value, and what it could not give.
  mutating func count(
    _ what: CustomerEvents.Operation, at instant: Int64, position: UInt64,
    _ compiled: CompiledRules, _ faults: inout FaultCounts
  ) {
    let number = what.number
    if what.isAliasFault {
      faults.aliases[number].add(what.reason, position)
    } else if !what.isFeed {
      for feed in compiled.feedGroups[number] {
        leaveOut(feed, what.reason, position: position, compiled, &faults)
      }
    } else if number == compiled.refundFeed {
      purchases.addRefund(at: instant, amount: what.value)
    } else if number < compiled.firstExtraFeed {
      faults.given[number] += 1
      if number == compiled.purchaseFeed {
        if what.value < 0 { faults.negativePurchases.add(position) }
        purchases.addPurchase(at: instant, amount: what.value)
      }
    }
  }

  /// Counts an event that gave a feed nothing.
  mutating func leaveOut(
    _ feed: Int, _ reason: FaultReason, position: UInt64, _ compiled: CompiledRules,
    _ faults: inout FaultCounts
  ) {
    faults.feeds[feed].add(reason, position)
    let fact = Int32(compiled.feeds[feed].fact)
    if fact >= 0 { leaveOut(fact) }
  }

  /// Counts an event that a fact left out.
  private mutating func leaveOut(_ fact: Int32) {
    if let index = leftOut.firstIndex(where: { $0.fact == fact }) {
      leftOut[index].events += 1
    } else {
      leftOut.append(LeftOut(fact: fact, events: 1))
      leftOut.sort { $0.fact < $1.fact }
    }
  }

  struct LeftOut: Sendable, Equatable {
    var fact: Int32
    var events: Int32
  }
}
