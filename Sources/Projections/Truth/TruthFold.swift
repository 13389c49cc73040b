/// Folds one customer after the other over truth words: the hot path of a replay. One thread.
///
/// An event decides atoms (``TruthPlan``) by what it is and by the members of its facts; time flips each at one known
/// instant. A settle is due only where something happened that can make a condition true, and the decision is looked up by
/// the stage and the bits that matter to it. Values of facts are computed once, at as-of.
///
/// What words cannot answer exactly (a sum beyond 64 bits, a negative amount in the threshold of a window, spans beyond
/// CEL's durations, conditions that time changes again and again) goes to ``CustomerFold``, the whole customer at a time.
struct TruthFold: ~Copyable {
  let compiled: CompiledRules
  let plan: TruthPlan
  private let engine: FoldEngine
  /// The events at hand, and what came of them.
  var customer: FoldedCustomer
  /// But for what ``FlatClasses`` counts.
  private var otherFaults: FaultCounts
  /// Answers general atoms, and holds the strings.
  var evaluator: ProgramEvaluator
  /// Folds whom words cannot.
  var tree: CustomerFold

  let flat: FlatPlan
  var classes: FlatClasses
  let lists: [MemberList]
  let factFeedCount: Int
  let isFirstMatch: Bool
  /// Length of `rfm.within`; nil without.
  let recentWithin: Int64?
  let pool = SlabPool()

  // One customer.
  var words = TruthPlan.Words()
  /// The words one microsecond before the timer at hand.
  var before = TruthPlan.Words()
  /// General atoms that have to be asked anew before their stage decides.
  var dirty: UInt64 = 0
  let flips: Slab<Int64>
  /// No flip that may matter in the stage comes before `wake`, none at all before `stale`.
  var wake = Microseconds.never
  var stale = Microseconds.never
  var stage = 0
  var timerRows = 0
  var newRows = 0
  var looksLeft = 0
  var isLookingAhead = false
  /// The customer has to be folded by the tree evaluator.
  var isBeyond = false
  /// Position of the event that was applied last.
  var position: UInt64 = 0
  var failedConditions: UInt64 = 0
  var failures: [Failure] = []
  /// Values of aggregate facts at as-of, by feed.
  var aggregates: [TimedOutcome]
  var wanted: CustomerValue.Wanted

  // Members of all series, one series after the other; there is room for `capacity` of a customer.
  private var capacity = 0
  /// Where the members of each series begin; its running sums begin as many places later as there are series before it.
  let bases: Slab<Int>
  let counts: Slab<Int>
  var times: Slab<Int64>
  var numbers: Slab<Int32>
  var values: Slab<Int64>
  /// Running sums: before member n stands at n.
  var sums: Slab<Int64>
  /// Of thresholds over a window, by flip: the member that it hangs on.
  let pointers: Slab<Int>
  /// Of `distinct`, by flip: the newest different values, the newest first, and their instants.
  let recentValues: Slab<Int64>
  let recentTimes: Slab<Int64>

  let memo: Slab<Decision>
  static let memoBits = 12
  /// Looks by time alone without a row before the tree evaluator is asked, which counts them as the rules say.
  static let looks = (base: 256, perEvent: 32)

  /// A condition that ended in an error, the first time.
  struct Failure {
    var condition: Int
    var position: UInt64
    var reason: FaultReason
  }

  struct Decision: BitwiseCopyable {
    var isTrue: UInt64
    var isFalse: UInt64
    var stage: Int32
    var taken: Int32
  }

  /// - Parameters:
  ///   - plan: nil for rules that only the tree evaluator folds.
  ///   - followsSegments: stays in segments are found, by the tree evaluator.
  init(
    _ compiled: CompiledRules, plan: TruthPlan?, engine: FoldEngine, followsSegments: Bool = false
  ) {
    self.compiled = compiled
    self.engine = plan == nil || followsSegments ? .tree : engine
    let plan = plan ?? TruthPlan()
    self.plan = plan
    tree = CustomerFold(compiled, followsSegments: followsSegments)
    customer = FoldedCustomer(compiled)
    otherFaults = FaultCounts(compiled)
    wanted = compiled.valueWanted
    let kept = compiled.factStates(keepsAll: false)
    lists = kept.lists
    factFeedCount = kept.states.count
    evaluator = ProgramEvaluator(program: compiled.program, facts: kept.states)
    // Population variables are unset until the population is known.
    evaluator.slots = tree.evaluator.slots
    flat = FlatPlan(compiled, plan)
    classes = FlatClasses(compiled, .empty, flat.effects)
    aggregates = Array(
      repeating: TimedOutcome(failed: .unset, until: Microseconds.never),
      count: compiled.feeds.count)
    isFirstMatch = compiled.isFirstMatch
    recentWithin = compiled.rules.rfm.within
    flips = pool.slab(plan.flips.count, of: Microseconds.never)
    pointers = pool.slab(plan.flips.count, of: 0)
    recentValues = pool.slab(plan.flips.count * plan.longestDistinct, of: 0)
    recentTimes = pool.slab(plan.flips.count * plan.longestDistinct, of: 0)
    memo = pool.slab(
      1 << Self.memoBits, of: Decision(isTrue: 0, isFalse: 0, stage: -1, taken: -1))
    counts = pool.slab(plan.series.count, of: 0)
    bases = pool.slab(plan.series.count, of: 0)
    let empty = SlabPool()
    memberPool = empty
    times = empty.slab(0, of: 0)
    numbers = empty.slab(0, of: 0)
    values = empty.slab(0, of: 0)
    sums = empty.slab(plan.series.count, of: 0)
  }

  private var memberPool: SlabPool

  /// Places the series of the customer at hand one after the other, so that memory is that of its members.
  private mutating func placeMembers() {
    bases.fill(0)
    for event in 0..<customer.events.count {
      let number = Int(customer.events.places[event].number)
      for place in classes.runs[number].range {
        bases[Int(classes.parts[place].series)] += 1
      }
      if number == EventClassTable.own {
        for index in 0..<customer.events.operationCount(event) {
          let operation = customer.events.operation(event, index)
          if operation.isFeed && operation.number < factFeedCount { bases[operation.number] += 1 }
        }
      }
    }
    var members = 0
    for series in 0..<bases.count {
      let own = flat.effects[series].keepsMembers ? bases[series] : 0
      bases[series] = members
      members += own
    }
    if members > capacity { reserve(members) }
  }

  private mutating func reserve(_ members: Int) {
    capacity = members + members / 2
    let fresh = SlabPool()
    times = fresh.slab(capacity, of: 0)
    numbers = fresh.slab(capacity, of: 0)
    values = fresh.slab(capacity, of: 0)
    sums = fresh.slab(capacity + bases.count, of: 0)
    memberPool = fresh
  }

  // MARK: One customer

  /// Folds `events` up to `asOf`; `result` is what came out. There must be at least one event.
  mutating func fold(asOf: Int64, rank: Int) {
    if customer.events.table !== classes.table {
      classes.add(to: &otherFaults.given, compiled)
      classes = FlatClasses(compiled, customer.events.table, flat.effects)
    }
    isBeyond = engine == .tree || !isWithinDurations(asOf)
    if !isBeyond {
      reset(asOf: asOf)
      let applied = run(asOf: asOf)
      if !isBeyond { finish(asOf: asOf) }
      if !isBeyond {
        account(applied)
        customer.result.boundValidity(asOf: asOf, recent: recentWithin)
      }
    }
    if isBeyond { foldByTree(asOf: asOf) }
    if engine == .both { compare(asOf: asOf, rank: rank) }
  }

  /// What events of all customers so far could not give, and how many gave something.
  var faults: FaultCounts {
    var faults = otherFaults
    classes.add(to: &faults.given, compiled)
    return faults
  }

  /// Lends ``customer`` the strings behind its numbers while it is handed on; called again, it takes them back.
  mutating func exchangeStrings() { swap(&customer.interner, &evaluator.interner) }

  /// Set where `engine` is both and a customer came out differently.
  private(set) var difference: EnginesDiffer?

  private mutating func compare(asOf: Int64, rank: Int) {
    tree.events = customer.events
    tree.evaluator.interner = evaluator.interner
    tree.fold(asOf: asOf)
    if difference != nil { return }
    if let what = customer.result.difference(from: tree.result) {
      difference = EnginesDiffer(rank: rank, what: what)
    } else if faults != tree.faults {
      difference = EnginesDiffer(rank: rank, what: "the counts of faults")
    }
  }

  /// Counts what the first events of the customer gave to facts and value, and what they could not give.
  private mutating func account(_ applied: Int) {
    for failure in failures {
      otherFaults.conditions[failure.condition].add(failure.reason, failure.position)
    }
    for event in 0..<applied {
      let number = Int(customer.events.places[event].number)
      if classes.isPlain[number] {
        classes.counts[number] += 1
        continue
      }
      for index in 0..<customer.events.operationCount(event) {
        customer.result.count(
          customer.events.operation(event, index), at: customer.events.occurred[event],
          position: customer.events.position(event), compiled, &otherFaults)
      }
    }
  }

  /// No span between an event and the end of the look ahead is beyond CEL's durations.
  private mutating func isWithinDurations(_ asOf: Int64) -> Bool {
    asOf - customer.events.occurred[0] <= Microseconds.longestDuration
      - Microseconds.nextChangeHorizon
  }

  private mutating func foldByTree(asOf: Int64) {
    swap(&tree.events, &customer.events)
    swap(&tree.evaluator.interner, &evaluator.interner)
    swap(&tree.faults, &otherFaults)
    tree.fold(asOf: asOf)
    swap(&tree.faults, &otherFaults)
    swap(&tree.evaluator.interner, &evaluator.interner)
    swap(&tree.events, &customer.events)
    swap(&tree.result, &customer.result)
  }

  private mutating func reset(asOf: Int64) {
    placeMembers()
    wanted.windowStart = recentWithin.map { asOf - $0 } ?? Microseconds.never
    customer.result.begin(customer.events, wanted: wanted)
    counts.fill(0)
    flips.fill(Microseconds.never)
    pointers.fill(0)
    if flat.states.count > 0 {
      for list in lists { list.reset() }
      for index in 0..<flat.states.count {
        evaluator.facts[Int(flat.states[index])].reset(customer.events.occurred)
      }
    }
    words = plan.start
    dirty = plan.generalAtoms
    wake = Microseconds.never
    stale = Microseconds.never
    stage = 0
    timerRows = 0
    looksLeft = Self.looks.base
    failedConditions = 0
    failures.removeAll(keepingCapacity: true)
    evaluator.stagePrevious = -1
    evaluator.stageName = compiled.initialStageName
    evaluator.stageEnteredAt = customer.result.firstSeen
    evaluator.limit = asOf
    evaluator.readsAnew = false
  }

  /// How many events were applied: all, unless the customer was parked on the way.
  private mutating func run(asOf: Int64) -> Int {
    let count = customer.events.count
    customer.result.since = customer.result.firstSeen
    if !isFirstMatch {
      customer.result.rows.append(
        FoldRow(
          at: customer.result.firstSeen, from: -1, to: 0, transition: -1, isTimer: false, anchor: 0)
      )
    }
    enterStage(customer.result.firstSeen)
    var index = 0
    while index < count {
      let instant = customer.events.occurred[index]
      if instant >= wake {
        advance(to: instant)
        if customer.result.parked != nil || isBeyond { return index }
      }
      apply(index, instant)
      index += 1
      if customer.result.parked != nil || isBeyond { return index }
    }
    advance(to: asOf)
    return index
  }
}
