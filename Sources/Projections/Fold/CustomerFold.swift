/// Folds one customer after the other: facts over windows, the stage, its timers. One thread.
///
/// Steps of one instant (contract §5): what time alone changed is settled first, then each event is applied
/// and settled. `wake` is the first later instant at which time alone may change a condition that matters in
/// the current stage, so that nothing happens between two steps.
struct CustomerFold {
  let compiled: CompiledRules
  var evaluator: ProgramEvaluator
  var events = CustomerEvents()
  var result = FoldResult()
  var faults: FaultCounts
  /// Comparisons of each condition, by its root, as far as anchors have asked for them.
  var anchored: [Int32: [AnchoredComparison]] = [:]
  /// Told of each step, for explanations.
  var observer: (any FoldObserver)?
  /// Facts, segments and the next change at as-of are left out.
  var wantsRowsOnly = false

  private(set) var stage = 0
  private var timerRows = 0
  private var wake = Microseconds.never
  private var failedConditions: [Bool]
  private var failedSegments: [Bool]
  /// Segments to be evaluated at every step, since they may be a fault at any.
  private var watched: [Int] = []
  private var watchWake = Microseconds.never
  /// Who is in which segment since when is followed at every step.
  private let followsSegments: Bool
  /// Of each segment the place of its open spell in the result; -1 without.
  private var openSpells: [Int]
  private var spellWake = Microseconds.never
  private var position: UInt64 = 0
  private let isFirstMatch: Bool
  /// Roots of the conditions, flat for the hot path.
  private let roots: [Int32]
  private let targets: [Int]
  /// Transitions that may leave each stage, one list after the other, and where each list begins.
  private let leaving: [Int32]
  private let leavingStarts: [Int]
  /// Roots of facts; of segments, -1 where they read the population.
  private let factRoots: [Int32]
  /// Members of facts, by the first feed of a group; the facts that get what it gets, one group after the other.
  private let lists: [MemberList]
  private let followers: [Int32]
  private let followerStarts: [Int]
  private let segmentRoots: [Int32]
  /// Segments that may be a fault in any log, and those that may be one in a long or timed one.
  private let mayFail: [Int]
  private let mayFailByTime: [Int]
  private let hasTimestampFields: Bool
  private var wanted: CustomerValue.Wanted
  static let timerRowLimit = 1000
  private let budget: LookBudget
  /// Instants at which time alone may still be looked at in vain, for stages and for stays in segments.
  private var looksLeft = 0
  private var spellLooksLeft = 0

  /// - Parameters:
  ///   - keepsAll: facts keep all their events, for explanations.
  ///   - followsSegments: spells in segments are found, of those that do not read the population.
  init(
    _ compiled: CompiledRules, keepsAll: Bool = false, followsSegments: Bool = false,
    budget: LookBudget = .standard
  ) {
    self.compiled = compiled
    self.budget = budget
    self.followsSegments = followsSegments
    openSpells = Array(repeating: -1, count: compiled.segments.count)
    let kept = compiled.factStates(keepsAll: keepsAll)
    lists = kept.lists
    let groups = compiled.feedGroups.prefix(kept.states.count)
    followers = groups.flatMap { $0.map { Int32($0) } }
    followerStarts = groups.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    evaluator = ProgramEvaluator(program: compiled.program, facts: kept.states)
    // Population variables are unset until the population is known.
    evaluator.slots = Array(
      repeating: TimedOutcome(failed: .unset, until: Microseconds.never),
      count: Rules.populationVariables(compiled.rules.population).count)
    faults = FaultCounts(compiled)
    failedConditions = Array(repeating: false, count: compiled.conditions.count)
    failedSegments = Array(repeating: false, count: compiled.segments.count)
    isFirstMatch = compiled.isFirstMatch
    roots = compiled.conditions.map(\.root)
    targets = compiled.transitions.map(\.to)
    leaving = compiled.leaving.flatMap { $0.map { Int32($0) } }
    leavingStarts = compiled.leaving.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    factRoots = compiled.facts.map(\.root)
    segmentRoots = compiled.segments.map { $0.readsPopulation ? -1 : $0.condition.root }
    let own = compiled.segments.indices.filter { !compiled.segments[$0].readsPopulation }
    mayFail = own.filter { compiled.segments[$0].mayFail }
    mayFailByTime = own.filter {
      compiled.segments[$0].mayFail || compiled.segments[$0].mayFailByTime
    }
    wanted = compiled.valueWanted
    hasTimestampFields = compiled.hasTimestampFields
  }

  /// Folds `events` up to `asOf`; `result` is what came out. There must be at least one event.
  mutating func fold(asOf: Int64) {
    reset(asOf: asOf)
    var index = 0
    let count = events.count
    while index < count {
      let instant = events.occurred[index]
      if index > 0 {
        runTimers(through: instant)
        if result.parked != nil { break }
      }
      while index < count, events.occurred[index] == instant {
        apply(index)
        index += 1
        if result.parked != nil { break }
      }
      if result.parked != nil { break }
    }
    if result.parked == nil { runTimers(through: asOf) }
    finish(asOf: asOf)
  }

  private mutating func reset(asOf: Int64) {
    for list in lists { list.reset() }
    for index in evaluator.facts.indices { evaluator.facts[index].reset(events.occurred) }
    wanted.windowStart = compiled.rules.rfm.within.map { asOf - $0 } ?? Microseconds.never
    result.begin(events, wanted: wanted)
    stage = 0
    timerRows = 0
    looksLeft = budget.base
    spellLooksLeft = budget.base
    wake = Microseconds.never
    watchWake = Microseconds.never
    spellWake = Microseconds.never
    for index in openSpells.indices { openSpells[index] = -1 }
    for index in failedConditions.indices { failedConditions[index] = false }
    for index in failedSegments.indices { failedSegments[index] = false }
    evaluator.stagePrevious = -1
    evaluator.stageName = compiled.initialStageName
    evaluator.stageEnteredAt = result.firstSeen
    evaluator.limit = asOf
    evaluator.readsAnew = false
    evaluator.stateChanged()
    let isLong = hasTimestampFields || asOf - result.firstSeen > Microseconds.longestDuration
    watched = isLong ? mayFailByTime : mayFail
  }

  // MARK: Steps

  private mutating func apply(_ index: Int) {
    let instant = events.occurred[index]
    position = events.position(index)
    observer?.willApply(event: index, fold: self)
    let fed = feed(index, instant)
    timerRows = 0
    looksLeft += budget.perEvent
    spellLooksLeft += budget.perEvent
    if index == 0 {
      if !isFirstMatch {
        result.rows.append(
          FoldRow(at: instant, from: -1, to: 0, transition: -1, isTimer: false, anchor: 0))
      }
      settle(instant, event: index)
    } else if fed & compiled.stageReads[stage] != 0 || instant >= wake {
      settle(instant, event: index)
    }
    if result.parked == nil {
      watch(instant)
      if followsSegments { followSegments(instant, event: index, before: nil) }
    }
  }

  /// Gives an event to its facts; which facts changed, as bits.
  private mutating func feed(_ index: Int, _ instant: Int64) -> UInt64 {
    var fed: UInt64 = 0
    for number in 0..<events.operationCount(index) {
      let what = events.operation(index, number)
      result.count(what, at: instant, position: position, compiled, &faults)
      let number = what.number
      guard what.isFeed, number < evaluator.facts.count else { continue }
      let list = lists[number]
      list.append(occurred: instant, value: what.value, event: Int32(index))
      for place in followerStarts[number]..<followerStarts[number + 1] {
        let feed = Int(followers[place])
        fed |= 1 << UInt64(feed & 63)
        evaluator.facts[feed].advance(to: instant)
        if evaluator.add(feed, occurred: instant, value: what.value, event: Int32(index)) {
          result.leaveOut(feed, .outOfRange, position: position, compiled, &faults)
        }
      }
      list.release(before: instant)
    }
    if fed != 0 { evaluator.stateChanged() }
    return fed
  }

  /// Settles every instant up to and including `end` at which time alone may change something.
  private mutating func runTimers(through end: Int64) {
    while result.parked == nil {
      let instant = min(wake, watchWake, spellWake)
      if instant > end { return }
      let before = followsSegments ? stageState : nil
      let rows = result.rows.count
      let spells = result.spells.count
      // Stays are followed in some folds only, so what is looked at for them alone changes nothing else.
      let isForStage = wake == instant || watchWake == instant
      if wake == instant { settle(instant, event: -1) }
      if result.parked == nil && isForStage { watch(instant) }
      if result.parked == nil && followsSegments {
        followSegments(instant, event: -1, before: before)
      }
      if isForStage && result.rows.count == rows { looksLeft -= 1 }
      if !isForStage && result.spells.count == spells { spellLooksLeft -= 1 }
      if result.parked == nil && (looksLeft < 0 || spellLooksLeft < 0) {
        park(instant, .budget, waking(instant))
      }
    }
  }

  /// The transitions (or stages with conditions) that would have to be looked at again first.
  private mutating func waking(_ instant: Int64) -> [Int32] {
    if wake == Microseconds.never || wake > min(watchWake, spellWake) { return [] }
    let candidates =
      isFirstMatch
      ? roots.indices.prefix(stage + 1).map { Int32($0) }
      : Array(leaving[leavingStarts[stage]..<leavingStarts[stage + 1]])
    return candidates.filter {
      let root = roots[Int($0)]
      return root >= 0 && evaluator.evaluate(root, at: instant).until == wake
    }
  }

  // MARK: Settling

  /// Takes transitions at one instant until none holds. `event` is -1 for a timer.
  private mutating func settle(_ instant: Int64, event: Int) {
    if isFirstMatch {
      settleFirstMatch(instant, event: event)
    } else {
      settleTransitions(instant, event: event)
    }
    if event < 0 && result.parked == nil && timerRows >= Self.timerRowLimit {
      park(instant, .timers, result.chain(before: newRows), takingBack: newRows)
    }
  }

  private var newRows = 0

  private mutating func settleTransitions(_ instant: Int64, event: Int) {
    newRows = 0
    let isTimer = event < 0
    var anchor = Int32(event)
    var visited: [Int] = []
    while true {
      var taken = -1
      wake = Microseconds.never
      for place in leavingStarts[stage]..<leavingStarts[stage + 1] {
        let candidate = Int(leaving[place])
        let outcome = evaluate(candidate, instant)
        wake = min(wake, outcome.until)
        if outcome.isTrue {
          taken = candidate
          break
        }
      }
      if taken < 0 { break }
      let target = targets[taken]
      if target == stage || visited.contains(target) {
        park(
          instant, .chase, result.chain(of: newRows, and: Int32(taken)), takingBack: newRows)
        return
      }
      if isTimer && newRows == 0 {
        anchor = anchorOfTimer([roots[taken]], instant)
      }
      observer?.willTake(condition: taken, at: instant, event: event, fold: self)
      result.rows.append(
        FoldRow(
          at: instant, from: Int32(stage), to: Int32(target), transition: Int32(taken),
          isTimer: isTimer, anchor: anchor))
      newRows += 1
      if isTimer { timerRows += 1 }
      visited.append(stage)
      move(to: target, at: instant)
    }
    if wake <= instant { wake = instant + 1 }
  }

  private mutating func settleFirstMatch(_ instant: Int64, event: Int) {
    newRows = 0
    wake = Microseconds.never
    var holding = roots.count - 1
    for candidate in roots.indices {
      if roots[candidate] < 0 {
        holding = candidate
        break
      }
      let outcome = evaluate(candidate, instant)
      wake = min(wake, outcome.until)
      if outcome.isTrue {
        holding = candidate
        break
      }
    }
    if wake <= instant { wake = instant + 1 }
    let isEntry = result.rows.isEmpty
    if !isEntry && holding == stage { return }
    let isTimer = event < 0
    var anchor = Int32(event)
    if isTimer {
      anchor = anchorOfTimer(roots[0...max(holding, stage)].filter { $0 >= 0 }, instant)
    }
    observer?.willTake(condition: isEntry ? -1 : holding, at: instant, event: event, fold: self)
    result.rows.append(
      FoldRow(
        at: instant, from: isEntry ? -1 : Int32(stage), to: Int32(holding),
        transition: isEntry ? -1 : Int32(holding), isTimer: isTimer, anchor: anchor))
    newRows = 1
    if isTimer { timerRows += 1 }
    move(to: holding, at: instant)
    if isEntry { evaluator.stagePrevious = -1 }
  }

  private mutating func move(to target: Int, at instant: Int64) {
    evaluator.stagePrevious = compiled.stageNames[stage]
    stage = target
    evaluator.stageName = compiled.stageNames[target]
    evaluator.stageEnteredAt = instant
    evaluator.stateChanged()
  }

  @inline(__always)
  private mutating func evaluate(_ condition: Int, _ instant: Int64) -> TimedOutcome {
    let outcome = evaluator.evaluate(roots[condition], at: instant)
    if outcome.status == .error && !isLookingAhead && !failedConditions[condition] {
      failedConditions[condition] = true
      faults.conditions[condition].add(
        evaluator.reason(ofFailed: roots[condition], at: instant), position)
    }
    return outcome
  }

  private mutating func park(
    _ instant: Int64, _ reason: ParkReason, _ chain: [Int32], takingBack rows: Int = 0
  ) {
    result.park(at: instant, reason, chain, takingBack: rows)
    wake = Microseconds.never
    watchWake = Microseconds.never
    spellWake = Microseconds.never
    if isLookingAhead { return }
    for spell in openSpells where spell >= 0 { result.spells[spell].to = instant }
  }

  // MARK: Segments that may be a fault

  private mutating func watch(_ instant: Int64) {
    if watched.isEmpty { return }
    watchWake = Microseconds.never
    for segment in watched where !failedSegments[segment] {
      let outcome = evaluator.evaluate(segmentRoots[segment], at: instant)
      if outcome.status == .error {
        failedSegments[segment] = true
        faults.segments[segment].add(
          evaluator.reason(ofFailed: segmentRoots[segment], at: instant), position)
      } else {
        watchWake = min(watchWake, outcome.until)
      }
    }
  }

  // MARK: Spells in segments

  /// Where the customer stands, apart from the facts.
  struct StageState {
    var name: Int64
    var previous: Int64
    var enteredAt: Int64
    var rows: Int
  }

  private var stageState: StageState {
    StageState(
      name: evaluator.stageName, previous: evaluator.stagePrevious,
      enteredAt: evaluator.stageEnteredAt, rows: result.rows.count)
  }

  /// Begins and ends spells after a step. `event` is -1 for a timer, `before` the state it found.
  private mutating func followSegments(_ instant: Int64, event: Int, before: StageState?) {
    spellWake = Microseconds.never
    for segment in segmentRoots.indices where segmentRoots[segment] >= 0 {
      let outcome = evaluator.evaluate(segmentRoots[segment], at: instant)
      spellWake = min(spellWake, outcome.until)
      let open = openSpells[segment]
      if outcome.isTrue == (open >= 0) { continue }
      if open >= 0 {
        result.spells[open].to = instant
        openSpells[segment] = -1
        continue
      }
      observer?.willEnter(segment: segment, at: instant, event: event, fold: self)
      openSpells[segment] = result.spells.count
      result.spells.append(
        FoldSpell(
          segment: Int32(segment), from: instant, to: Microseconds.never, isTimer: event < 0,
          anchor: event < 0 ? anchorOfEntry(segment, instant, before) : Int32(event)))
    }
    if spellWake <= instant { spellWake = instant + 1 }
  }

  /// The event behind an entry by time alone; where only the stage's move brought it, the one behind the move.
  private mutating func anchorOfEntry(
    _ segment: Int, _ instant: Int64, _ before: StageState?
  ) -> Int32 {
    let anchor = anchorOfTimer([segmentRoots[segment]], instant, before: before)
    if anchor < 0, let before, result.rows.count > before.rows {
      return result.rows[before.rows].anchor
    }
    return anchor
  }

  // MARK: The end

  private var isLookingAhead = false

  private mutating func finish(asOf: Int64) {
    result.stage = Int32(stage)
    result.since = evaluator.stageEnteredAt
    // Where two begin at one instant, the events behind them stand in order.
    result.spells.sort {
      ($0.segment, $0.from, $0.anchor) < ($1.segment, $1.from, $1.anchor)
    }
    guard result.parked == nil, !wantsRowsOnly else {
      result.boundValidity(asOf: asOf, recent: compiled.rules.rfm.within)
      return
    }
    // What was valid until as-of only because nothing later was looked for is asked again.
    evaluator.limit = Microseconds.reach(after: asOf)
    evaluator.stateChanged()
    for root in factRoots {
      let outcome = evaluator.evaluate(root, at: asOf)
      result.facts.append(outcome)
      result.holds(until: evaluator.frozen(outcome, of: root, asOf).until)
    }
    for (index, root) in segmentRoots.enumerated() {
      if root < 0 {
        result.segments.append(false)
        continue
      }
      let outcome = evaluator.evaluate(root, at: asOf)
      if outcome.status == .error && !failedSegments[index] {
        failedSegments[index] = true
        faults.segments[index].add(evaluator.reason(ofFailed: root, at: asOf), position)
      }
      result.segments.append(outcome.isTrue)
      result.holds(until: outcome.until)
    }
    if let waking = lookAhead(asOf: asOf) {
      result.next = nil
      result.facts.removeAll(keepingCapacity: true)
      result.segments.removeAll(keepingCapacity: true)
      park(asOf, .budget, waking)
    }
    result.boundValidity(asOf: asOf, recent: compiled.rules.rfm.within)
  }

  /// The first settle by time alone after as-of that changes the stage, or parks.
  ///
  /// - Returns: nil, or the transitions that would have to be looked at again and again beyond the budget.
  private mutating func lookAhead(asOf: Int64) -> [Int32]? {
    if wake == Microseconds.never { return nil }
    let end = Microseconds.horizon(after: asOf)
    isLookingAhead = true
    defer { isLookingAhead = false }
    let rows = result.rows.count
    let observer = observer
    self.observer = nil
    defer { self.observer = observer }
    let before = (
      stage, evaluator.stageName, evaluator.stagePrevious, evaluator.stageEnteredAt, timerRows
    )
    var instant = asOf
    var exhausted: [Int32]?
    looksLeft = budget.base + budget.perEvent * events.count
    settleAgain(instant)
    // Looks may count faults, so that nothing is said beyond the first one.
    result.holds(until: wake)
    while wake <= end {
      instant = wake
      settle(instant, event: -1)
      looksLeft -= 1
      if result.parked != nil {
        result.next = (instant, -1)
        break
      }
      if result.rows.count > rows {
        result.next = (instant, Int32(stage))
        break
      }
      if looksLeft < 0 {
        exhausted = waking(instant)
        break
      }
    }
    if result.next == nil { result.holds(withoutChangeBefore: wake) }
    result.parked = nil
    if result.rows.count > rows { result.rows.removeLast(result.rows.count - rows) }
    (stage, evaluator.stageName, evaluator.stagePrevious, evaluator.stageEnteredAt, timerRows) =
      before
    evaluator.stateChanged()
    return exhausted
  }

  /// Finds `wake` anew at an instant that has been settled.
  private mutating func settleAgain(_ instant: Int64) {
    wake = Microseconds.never
    if isFirstMatch {
      for root in roots.prefix(stage + 1) {
        if root < 0 { break }
        wake = min(wake, evaluator.evaluate(root, at: instant).until)
      }
    } else {
      for place in leavingStarts[stage]..<leavingStarts[stage + 1] {
        wake = min(wake, evaluator.evaluate(roots[Int(leaving[place])], at: instant).until)
      }
    }
    if wake <= instant { wake = instant + 1 }
  }
}

/// Told of the steps of a fold before they change its state.
protocol FoldObserver: AnyObject {
  func willApply(event: Int, fold: CustomerFold)
  /// `condition` is a transition, or a stage; -1 for the entry of stages with conditions.
  func willTake(condition: Int, at instant: Int64, event: Int, fold: CustomerFold)
  /// After a step, whose settle is done; told only where segments are followed.
  func willEnter(segment: Int, at instant: Int64, event: Int, fold: CustomerFold)
}
