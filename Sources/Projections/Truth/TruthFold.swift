import CEL

/// Folds one customer after the other over truth words: the hot path of a replay. One thread.
///
/// An event decides atoms (``TruthPlan``) by what it is and by the members of its facts; time flips each at one known
/// instant. A settle is due only where something happened that can make a condition true, and the decision is looked up by
/// the stage and the bits that matter to it. Values of facts are computed once, at as-of.
///
/// What words cannot answer exactly (a sum beyond 64 bits, a negative amount in the threshold of a window, spans beyond
/// CEL's durations, conditions that time changes again and again) goes to ``CustomerFold``, the whole customer at a time.
struct TruthFold {
  let compiled: CompiledRules
  let plan: TruthPlan
  private let engine: FoldEngine
  var events = CustomerEvents()
  var result = FoldResult()
  var faults: FaultCounts
  /// Answers general atoms, and holds the strings.
  var evaluator: ProgramEvaluator
  /// Folds whom words cannot.
  var tree: CustomerFold

  // The plan, flat.
  let pool: SlabPool
  let seriesPrograms: Slab<SeriesProgram>
  let operations: Slab<TruthPlan.Operation>
  let flipKinds: Slab<TruthPlan.Flip>
  let formulas: Slab<TruthPlan.Formula>
  let stages: Slab<StageWords>
  let candidates: Slab<Int32>
  let roots: Slab<Int32>
  let states: Slab<Int32>
  let lists: [MemberList]
  /// Flips that entering a stage sets going.
  let stageAges: Slab<StageAge>
  /// The flip of each general atom, by atom.
  let generalFlips: Slab<Int32>
  /// Of transitions, by condition.
  let targets: Slab<Int>
  let stageNames: Slab<Int64>
  let facts: Slab<AsOfFact>
  /// Of each fact its feed, -1 of an expr, and its root.
  let factFeeds: Slab<Int32>
  let factRoots: Slab<Int32>
  /// -1 where a segment reads the population.
  let segmentRoots: Slab<Int32>
  let factFeedCount: Int
  let isFirstMatch: Bool
  let entryTrue: UInt64
  let entryFalse: UInt64
  let stageAtoms: UInt64
  let longestDistinct: Int
  /// Length of `rfm.within`; nil without.
  let recentWithin: Int64?

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

  struct SeriesProgram: BitwiseCopyable {
    var firstOperation: Int32
    var endOperation: Int32
    var firstState: Int32
    var endState: Int32
    var keep: UInt64
    var setTrue: UInt64
    var setFalse: UInt64
    var touched: UInt64
    var general: UInt64
    var keepsMembers: Bool
    var keepsSums: Bool
  }

  struct StageWords: BitwiseCopyable {
    var risesTrue: UInt64
    var risesFalse: UInt64
    var watched: UInt64
    var matters: UInt64
    var wakes: UInt64
    var mayFail: UInt64
    var firstCandidate: Int32
    var endCandidate: Int32
  }

  /// An aggregate fact, by feed: how its value is found from the members of its series.
  struct AsOfFact: BitwiseCopyable {
    var function: Rules.AggregateFunction
    /// The tree evaluator knows it.
    var hasState: Bool
    var isMoney: Bool
    var isDouble: Bool
    var isTimestamp: Bool
    var hasDefault: Bool
    var series: Int
    /// Microseconds; 0 for all time.
    var within: Int64
    var every: Int64
    var defaultBits: Int64
  }

  /// A condition that ended in an error, the first time.
  struct Failure {
    var condition: Int
    var position: UInt64
    var reason: FaultReason
  }

  struct StageAge: BitwiseCopyable {
    var flip: Int
    var length: Int64
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
    faults = FaultCounts(compiled)
    wanted = compiled.valueWanted
    let kept = compiled.factStates(keepsAll: false)
    lists = kept.lists
    factFeedCount = kept.states.count
    evaluator = ProgramEvaluator(program: compiled.program, facts: kept.states)
    // Population variables are unset until the population is known.
    evaluator.slots = tree.evaluator.slots
    let pool = SlabPool()
    self.pool = pool
    var programs: [SeriesProgram] = []
    var operationList: [TruthPlan.Operation] = []
    var stateList: [Int32] = []
    for series in plan.series {
      let first = (operations: operationList.count, states: stateList.count)
      operationList += series.operations
      stateList += series.states.map { Int32($0) }
      programs.append(
        SeriesProgram(
          firstOperation: Int32(first.operations), endOperation: Int32(operationList.count),
          firstState: Int32(first.states), endState: Int32(stateList.count),
          keep: ~(series.setTrue | series.setFalse), setTrue: series.setTrue,
          setFalse: series.setFalse, touched: series.touched, general: series.general,
          keepsMembers: series.keepsMembers, keepsSums: series.keepsSums))
    }
    seriesPrograms = pool.slab(programs)
    operations = pool.slab(operationList)
    states = pool.slab(stateList)
    flipKinds = pool.slab(plan.flips)
    formulas = pool.slab(plan.formulas)
    roots = pool.slab(plan.conditionRoots)
    var candidateList: [Int32] = []
    var stageList: [StageWords] = []
    for stage in plan.stages {
      let first = candidateList.count
      candidateList += stage.candidates
      stageList.append(
        StageWords(
          risesTrue: stage.risesTrue, risesFalse: stage.risesFalse, watched: stage.watched,
          matters: stage.matters, wakes: stage.wakes, mayFail: stage.mayFail,
          firstCandidate: Int32(first), endCandidate: Int32(candidateList.count)))
    }
    stages = pool.slab(stageList)
    candidates = pool.slab(candidateList)
    stageAges = pool.slab(plan.stageAges.map { StageAge(flip: $0.flip, length: $0.length) })
    var generals = Array(repeating: Int32(-1), count: plan.atoms.count)
    for (number, flip) in plan.flips.enumerated() where flip.kind == .general {
      generals[flip.atom] = Int32(number)
    }
    generalFlips = pool.slab(generals)
    targets = pool.slab(compiled.transitions.map(\.to))
    stageNames = pool.slab(compiled.stageNames)
    facts = pool.slab(compiled.feeds.indices.map { Self.fact($0, compiled, plan) })
    factFeeds = pool.slab(compiled.facts.map { Int32($0.feed) })
    factRoots = pool.slab(compiled.facts.map(\.root))
    segmentRoots = pool.slab(
      compiled.segments.map { $0.readsPopulation ? -1 : $0.condition.root })
    aggregates = Array(
      repeating: TimedOutcome(failed: .unset, until: Microseconds.never),
      count: compiled.feeds.count)
    isFirstMatch = compiled.isFirstMatch
    entryTrue = plan.entryTrue
    entryFalse = plan.entryFalse
    stageAtoms = plan.stageAtoms
    longestDistinct = plan.longestDistinct
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

  private static func fact(
    _ feed: Int, _ compiled: CompiledRules, _ plan: TruthPlan
  ) -> AsOfFact {
    let aggregate = compiled.aggregate(feed)
    let type = compiled.fieldType(ofFeed: feed)
    var fact = AsOfFact(
      function: aggregate?.function ?? .count,
      hasState: plan.needsState.isEmpty || plan.needsState[feed],
      isMoney: type == .money, isDouble: type == .double, isTimestamp: false, hasDefault: false,
      series: compiled.sharedFeeds[feed], within: aggregate?.within ?? 0,
      every: aggregate?.every ?? 1, defaultBits: 0)
    if aggregate != nil {
      let number = compiled.feeds[feed].fact
      let node = compiled.program.nodes[Int(compiled.facts[number].root)]
      fact.isTimestamp = compiled.rules.facts[number].type == .timestamp
      fact.hasDefault = node.c == 1
      fact.defaultBits = node.bits
    }
    return fact
  }

  /// Places the series of the customer at hand one after the other, so that memory is that of its members.
  private mutating func placeMembers() {
    bases.fill(0)
    for place in 0..<events.operations.count {
      let operation = events.operations[place]
      if operation.isFeed && operation.number < factFeedCount { bases[operation.number] += 1 }
    }
    var members = 0
    for series in 0..<bases.count {
      let own = seriesPrograms[series].keepsMembers ? bases[series] : 0
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
    isBeyond = engine == .tree || !isWithinDurations(asOf)
    if !isBeyond {
      reset(asOf: asOf)
      let applied = run(asOf: asOf)
      if !isBeyond { finish(asOf: asOf) }
      if !isBeyond { account(applied) }
    }
    if isBeyond { foldByTree(asOf: asOf) }
    if engine == .both { compare(asOf: asOf, rank: rank) }
  }

  /// What is handed on.
  var customer: FoldedCustomer {
    FoldedCustomer(
      compiled: compiled, events: events, result: result, interner: evaluator.interner)
  }

  /// Set where `engine` is both and a customer came out differently.
  private(set) var difference: EnginesDiffer?

  private mutating func compare(asOf: Int64, rank: Int) {
    tree.events = events
    tree.evaluator.interner = evaluator.interner
    tree.fold(asOf: asOf)
    if difference != nil { return }
    if let what = result.difference(from: tree.result) {
      difference = EnginesDiffer(rank: rank, what: what)
    } else if faults != tree.faults {
      difference = EnginesDiffer(rank: rank, what: "the counts of faults")
    }
  }

  /// Loads the events of a customer of the run at hand; false if there are none.
  mutating func load(
    _ customer: Int, _ loader: inout RunLoader, _ strings: inout StringTranslation
  ) -> Bool {
    loader.load(
      customer, into: &events, compiled: compiled, strings: &strings,
      interner: &evaluator.interner)
  }

  /// No span between an event and the end of the look ahead is beyond CEL's durations.
  private mutating func isWithinDurations(_ asOf: Int64) -> Bool {
    asOf - events.occurred[0] <= Microseconds.longestDuration - Microseconds.nextChangeHorizon
  }

  private mutating func foldByTree(asOf: Int64) {
    swap(&tree.events, &events)
    swap(&tree.evaluator.interner, &evaluator.interner)
    swap(&tree.faults, &faults)
    tree.fold(asOf: asOf)
    swap(&tree.faults, &faults)
    swap(&tree.evaluator.interner, &evaluator.interner)
    swap(&tree.events, &events)
    swap(&tree.result, &result)
  }

  private mutating func reset(asOf: Int64) {
    placeMembers()
    result.rows.removeAll(keepingCapacity: true)
    result.spells.removeAll(keepingCapacity: true)
    result.next = nil
    result.parked = nil
    result.facts.removeAll(keepingCapacity: true)
    result.segments.removeAll(keepingCapacity: true)
    result.leftOut.removeAll(keepingCapacity: true)
    wanted.windowStart = recentWithin.map { asOf - $0 } ?? Microseconds.never
    result.purchases = CustomerValue(wanted)
    result.firstSeen = events.occurred[0]
    result.lastSeen = events.occurred[events.count - 1]
    counts.fill(0)
    flips.fill(Microseconds.never)
    pointers.fill(0)
    if states.count > 0 {
      for list in lists { list.reset() }
      for index in 0..<states.count {
        evaluator.facts[Int(states[index])].reset(events.occurred)
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
    evaluator.stageEnteredAt = result.firstSeen
    evaluator.limit = asOf
    evaluator.readsAnew = false
  }

  /// How many events were applied: all, unless the customer was parked on the way.
  private mutating func run(asOf: Int64) -> Int {
    let count = events.count
    result.since = result.firstSeen
    if !isFirstMatch {
      result.rows.append(
        FoldRow(
          at: result.firstSeen, from: -1, to: 0, transition: -1, isTimer: false, anchor: 0))
    }
    enterStage(result.firstSeen)
    var index = 0
    while index < count {
      let instant = events.occurred[index]
      if instant >= wake {
        advance(to: instant)
        if result.parked != nil || isBeyond { return index }
      }
      apply(index, instant)
      index += 1
      if result.parked != nil || isBeyond { return index }
    }
    advance(to: asOf)
    return index
  }

  private mutating func apply(_ index: Int, _ instant: Int64) {
    position = events.position[index]
    var touched: UInt64 = 0
    var words = words
    for place in Int(events.starts[index])..<Int(events.starts[index + 1]) {
      let operation = events.operations[place]
      let number = operation.number
      guard operation.isFeed, number < factFeedCount else { continue }
      feed(number, operation.value, Int32(truncatingIfNeeded: index), instant, &words)
      let program = seriesPrograms[number]
      touched |= program.touched
      dirty |= program.general
    }
    self.words = words
    timerRows = 0
    looksLeft += Self.looks.perEvent
    let own = stages[stage]
    if index == 0 { return settle(instant, event: 0) }
    if touched & own.matters == 0 { return }
    if dirty & own.matters != 0 { ask(instant) }
    let risen =
      self.words.isTrue & own.risesTrue | self.words.isFalse & own.risesFalse | own.watched
    if risen & touched != 0 { settle(instant, event: index) }
  }

  /// Gives an event to the facts of one group, and to the atoms over them.
  @inline(__always)
  private mutating func feed(
    _ series: Int, _ value: Int64, _ event: Int32, _ instant: Int64,
    _ words: inout TruthPlan.Words
  ) {
    let program = seriesPrograms[series]
    let count = counts[series] + 1
    counts[series] = count
    let last = bases[series] &+ count &- 1
    if program.keepsMembers {
      times[last] = instant
      numbers[last] = event
      values[last] = value
      if program.keepsSums {
        let place = last &+ series
        if count == 1 { sums[place] = 0 }
        let (sum, isOver) = sums[place].addingReportingOverflow(value)
        sums[place &+ 1] = sum
        if isOver { isBeyond = true }
      }
    }
    if program.firstState < program.endState { feedStates(series, program, value, event, instant) }
    words.isTrue = words.isTrue & program.keep | program.setTrue
    words.isFalse = words.isFalse & program.keep | program.setFalse
    for number in Int(program.firstOperation)..<Int(program.endOperation) {
      decide(operations[number], series, value, count, instant, &words)
    }
  }

  private mutating func feedStates(
    _ series: Int, _ program: SeriesProgram, _ value: Int64, _ event: Int32, _ instant: Int64
  ) {
    let list = lists[series]
    list.append(occurred: instant, value: value, event: event)
    for place in Int(program.firstState)..<Int(program.endState) {
      let feed = Int(states[place])
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
    let base = Int(operation.flip) * longestDistinct
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
    if instant < wake && stages[stage].wakes &>> UInt64(flip) & 1 != 0 { wake = instant }
  }
}
