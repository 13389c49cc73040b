/// Looks for ways to a goal: reads the conditions on the paths to it, makes events of what they ask for, and folds them.
struct WhyNotSearch {
  private let compiled: CompiledRules
  private let customer: String
  private let lines: [EventLine]
  private let asOf: Int64
  private let goal: WhyNotGoal
  private var probe: WhyNotProbe
  private var planner: WhyNotPlanner
  private var notUnderstood: [String] = []
  private var blocked: [WhyNot.Blocked] = []
  /// Ways that are looked at, longest paths, ways that are told.
  private static let planLimit = 160
  private static let pathLimit = 12
  private static let told = 5

  private struct Plan {
    var events: [WhyNotEvent]
    var at: Int64
    var reached: Int64 = 0
    var transitions: [String] = []
    /// Where the instant ends.
    var stage: Int32 = -1
    var isTight = false

    var amount: Int64 { events.reduce(0) { $0 &+ ($1.amount?.value ?? 0) } }

    /// As few events of each alias, as little of an amount, and no later.
    func isAsGood(as other: Plan) -> Bool {
      if reached > other.reached || at > other.at || amount > other.amount { return false }
      return events.allSatisfy { event in
        events.count { $0.alias == event.alias } <= other.events.count { $0.alias == event.alias }
      }
    }
  }

  init(
    _ compiled: CompiledRules, customer: String, lines: [EventLine], asOf: Int64, _ goal: WhyNotGoal
  ) {
    self.compiled = compiled
    self.customer = customer
    self.lines = lines
    self.asOf = asOf
    self.goal = goal
    probe = WhyNotProbe(compiled, customer: customer, lines: lines, asOf: asOf, goal)
    planner = WhyNotPlanner(compiled, customer: customer, at: asOf)
  }

  mutating func run() -> WhyNot? {
    var fold = CustomerFold(compiled, keepsAll: true)
    let taken = fold.load(lines)
    if taken.isEmpty { return nil }
    fold.fold(asOf: asOf)
    let record = fold.record(customer: customer, lines: taken)
    var result = WhyNot(
      customer: customer, goal: name, isSegment: isSegment, stage: record.current?.stage,
      isThere: false, parked: record.parked, ways: [], blocked: [], tried: 0, notUnderstood: [])
    if record.parked != nil { return result }
    result.isThere = probe.isThere(at: asOf)
    if result.isThere { return result }
    let leaving = leavings(fold, taken)
    let plans = best(folded(plans(fold)))
    result.ways = plans.map { way($0, leaving) }
    result.blocked = Array(blocked.prefix(2))
    result.tried = probe.folds
    result.notUnderstood = notUnderstood
    return result
  }

  private var isSegment: Bool { if case .segment = goal { true } else { false } }

  private var name: String {
    switch goal {
    case .stage(let stage): compiled.rules.stages[stage].name
    case .segment(let segment): compiled.rules.segments[segment].name
    }
  }

  // MARK: What the conditions ask for

  /// Plans for now, and for the instants at which time alone will move the customer.
  private mutating func plans(_ loaded: CustomerFold) -> [Plan] {
    var fold = loaded
    var instants = [asOf]
    for row in probe.rows where row.at > asOf && instants.count < 3 && row.at != instants.last {
      instants.append(row.at)
    }
    var wanted: [(demands: [WhyNotDemand], at: Int64)] = [([], asOf)]
    for instant in instants where !probe.isThere(at: instant) {
      fold.fold(asOf: instant)
      if fold.result.parked != nil { break }
      var reader = WhyNotDemandReader(fold, at: instant)
      for way in ways(from: Int(fold.result.stage), &reader) where !way.isEmpty {
        wanted.append((way, instant))
      }
      for text in reader.notUnderstood where !notUnderstood.contains(text) {
        notUnderstood.append(text)
      }
    }
    planner.prepare(wanted.flatMap(\.demands))
    var plans: [Plan] = []
    for (demands, instant) in wanted {
      guard let events = planner.plan(demands) else { continue }
      if plans.contains(where: { $0.at == instant && $0.events == events }) { continue }
      plans.append(Plan(events: events, at: instant))
    }
    // Of equally many the earlier ones stand first.
    let order = plans.indices.sorted { (plans[$0].events.count, $0) < (plans[$1].events.count, $1) }
    return order.prefix(Self.planLimit).map { plans[$0] }
  }

  private func ways(
    from stage: Int, _ reader: inout WhyNotDemandReader
  ) -> [WhyNotDemandReader.Way] {
    switch goal {
    case .stage(let target):
      return compiled.isFirstMatch
        ? firstMatch(target, &reader) : ways(from: stage, to: target, &reader)
    case .segment(let segment):
      guard let lowered = compiled.segments[segment].condition.lowered else { return [] }
      let here = reader.ways(lowered, holds: true)
      var all = here
      // A segment may ask for the stage.
      for target in compiled.rules.stages.indices where target != stage {
        let there =
          compiled.isFirstMatch
          ? firstMatch(target, &reader) : ways(from: stage, to: target, &reader)
        all += WhyNotDemandReader.product(there, here).filter { !all.contains($0) }
        if all.count > 2 * Self.planLimit { break }
      }
      return all
    }
  }

  /// The condition of the stage holds, and none above it.
  private func firstMatch(
    _ target: Int, _ reader: inout WhyNotDemandReader
  ) -> [WhyNotDemandReader.Way] {
    var ways: [WhyNotDemandReader.Way] = [[]]
    for number in 0...target {
      guard let lowered = compiled.conditions[number].lowered else { continue }
      ways = WhyNotDemandReader.product(ways, reader.ways(lowered, holds: number == target))
    }
    return ways
  }

  private func ways(
    from stage: Int, to target: Int, _ reader: inout WhyNotDemandReader
  ) -> [WhyNotDemandReader.Way] {
    var known: [Int: [WhyNotDemandReader.Way]] = [:]
    var all: [WhyNotDemandReader.Way] = []
    for path in paths(from: stage, to: target) {
      var ways: [WhyNotDemandReader.Way] = [[]]
      for transition in path {
        guard let lowered = compiled.conditions[transition].lowered else { continue }
        let step = known[transition] ?? reader.ways(lowered, holds: true)
        known[transition] = step
        ways = WhyNotDemandReader.product(ways, step)
      }
      all += ways.filter { !all.contains($0) }
    }
    return all
  }

  /// Transitions one after the other, the shortest paths first; none visits a stage twice.
  private func paths(from stage: Int, to target: Int) -> [[Int]] {
    var found: [[Int]] = []
    var open: [(path: [Int], stages: [Int])] = [([], [stage])]
    while !open.isEmpty && found.count < Self.pathLimit {
      var next: [(path: [Int], stages: [Int])] = []
      for (path, stages) in open {
        for transition in compiled.leaving[stages[stages.count - 1]] {
          let to = compiled.transitions[transition].to
          if to == target {
            found.append(path + [transition])
          } else if !stages.contains(to), next.count < 200 {
            next.append((path + [transition], stages + [to]))
          }
        }
      }
      open = next
    }
    return Array(found.prefix(Self.pathLimit))
  }

  // MARK: What comes of it

  /// Those that lead to the goal, each with as few of its events as do.
  private mutating func folded(_ plans: [Plan]) -> [Plan] {
    probe.load(plans.flatMap(\.events))
    var found: [Plan] = []
    var first = 0
    for plan in plans {
      var chosen = Array(first..<first + plan.events.count)
      first += plan.events.count
      if probe.workLeft <= 0 { break }
      let outcome = probe.run(chosen, at: plan.at)
      guard let reached = outcome.reached else {
        note(plan, outcome.rows)
        continue
      }
      var kept = Plan(events: plan.events, at: plan.at, reached: reached)
      kept.transitions = transitions(outcome.rows)
      kept.stage = outcome.stage
      var index = chosen.count
      while index > 0 {
        index -= 1
        if probe.workLeft <= 0 { break }
        var fewer = chosen
        fewer.remove(at: index)
        let without = probe.run(fewer, at: plan.at)
        guard let earlier = without.reached, earlier <= kept.reached else { continue }
        chosen = fewer
        kept.events.remove(at: index)
        kept.reached = earlier
        kept.transitions = transitions(without.rows)
        kept.stage = without.stage
        // Others may have become needless.
        index = chosen.count
      }
      kept.isTight = probe.workLeft > 0
      if !kept.events.isEmpty || kept.at == asOf { found.append(kept) }
    }
    return found
  }

  private func transitions(_ rows: [FoldRow]) -> [String] {
    rows.map { compiled.conditionName(Int($0.transition)) }
  }

  /// A move elsewhere.
  private mutating func note(_ plan: Plan, _ rows: [FoldRow]) {
    guard !plan.events.isEmpty, let row = rows.first, row.at == plan.at, row.transition >= 0,
      !blocked.contains(where: { $0.transition == compiled.conditionName(Int(row.transition)) })
    else { return }
    blocked.append(
      WhyNot.Blocked(
        events: additions(plan), at: plan.at,
        transition: compiled.conditionName(Int(row.transition)),
        to: compiled.rules.stages[Int(row.to)].name))
  }

  /// The cheapest few, none of which another one makes needless.
  private mutating func best(_ plans: [Plan]) -> [Plan] {
    let order = plans.indices.sorted { left, right in
      (plans[left].events.count, plans[left].reached, plans[left].amount, left)
        < (plans[right].events.count, plans[right].reached, plans[right].amount, right)
    }
    var best: [Plan] = []
    for index in order where !best.contains(where: { $0.isAsGood(as: plans[index]) }) {
      best.append(plans[index])
      if best.count == Self.told { break }
    }
    return best.map { lessened($0) }
  }

  /// The same way with the least amount that does.
  private mutating func lessened(_ plan: Plan) -> Plan {
    guard plan.events.contains(where: { $0.amount != nil }) else { return plan }
    var plan = plan
    var low = Swift.min(plan.amount, 0) - 1
    var high = plan.amount
    // The least less first: that is what the conditions said.
    var next = high - 1
    while high - low > 1 {
      if probe.workLeft <= 0 {
        plan.isTight = false
        break
      }
      let events = planner.with(total: next, plan.events)
      probe.load(events)
      let outcome = probe.run(Array(events.indices), at: plan.at)
      if let reached = outcome.reached, reached <= plan.reached {
        high = next
        plan.events = events
        plan.reached = reached
        plan.transitions = transitions(outcome.rows)
        plan.stage = outcome.stage
      } else {
        low = next
      }
      next = low + (high - low) / 2
    }
    return plan
  }

  // MARK: What is told

  private func additions(_ plan: Plan) -> [WhyNot.Addition] {
    plan.events.enumerated().map { number, event in
      event.addition(number + 1, at: plan.at, subject: customer, compiled.rules)
    }
  }

  private mutating func way(_ plan: Plan, _ leavings: [WhyNot.Deadline]) -> WhyNot.Way {
    let passes = goal != .stage(Int(plan.stage)) && plan.stage >= 0
    return WhyNot.Way(
      events: additions(plan), at: plan.at, reached: plan.reached, transitions: plan.transitions,
      onward: passes ? compiled.rules.stages[Int(plan.stage)].name : nil,
      isTight: plan.isTight, until: deadline(plan, leavings))
  }

  /// When something leaves a window, the soonest first.
  private func leavings(_ fold: CustomerFold, _ taken: [EventLine]) -> [WhyNot.Deadline] {
    var found: [WhyNot.Deadline] = []
    for (index, fact) in compiled.facts.enumerated() where fact.feed >= 0 {
      let state = fold.evaluator.facts[fact.feed]
      guard state.within > 0, let list = state.list else { continue }
      for member in state.members(at: asOf).prefix(4) {
        let at = list.occurred(member) + state.within
        found.append(
          WhyNot.Deadline(
            at: at, event: taken[Int(list.event(member))], fact: compiled.rules.facts[index].name))
      }
    }
    return Array(found.sorted { ($0.at, $0.fact) < ($1.at, $1.fact) }.prefix(12))
  }

  /// The first of them at which the events of a plan do not do any more, though they do a microsecond before.
  private mutating func deadline(_ plan: Plan, _ leavings: [WhyNot.Deadline]) -> WhyNot.Deadline? {
    if plan.events.isEmpty || plan.reached != plan.at { return nil }
    probe.load(plan.events)
    let all = Array(plan.events.indices)
    for leaving in leavings where leaving.at > plan.at {
      if probe.workLeft <= 0 || probe.isThere(at: leaving.at) { return nil }
      if probe.run(all, at: leaving.at).reached == leaving.at { continue }
      return probe.run(all, at: leaving.at - 1).reached == leaving.at - 1 ? leaving : nil
    }
    return nil
  }
}
