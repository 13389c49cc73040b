import CEL

/// A plan and its rules laid out in flat memory, as one thread's fold reads them.
struct FlatPlan {
  private let pool = SlabPool()
  /// By feed, for the first of each group: what an event does, its operations, and the facts whose state it changes.
  let effects: Slab<TruthPlan.Effects>
  let operations: Slab<TruthPlan.Operation>
  let operationRuns: Slab<SlabRun>
  let states: Slab<Int32>
  let stateRuns: Slab<SlabRun>
  let flips: Slab<TruthPlan.Flip>
  /// The flip of each general atom, by atom.
  let generalFlips: Slab<Int32>
  let formulas: Slab<TruthPlan.Formula>
  /// By condition.
  let roots: Slab<Int32>
  /// The target of each transition.
  let targets: Slab<Int>
  /// By stage: what is looked at in it, the conditions to be tried, and the number of its name.
  let masks: Slab<TruthPlan.Masks>
  let candidates: Slab<Int32>
  let candidateRuns: Slab<SlabRun>
  let stageNames: Slab<Int64>
  /// Flips that entering a stage sets going.
  let stageAges: Slab<TruthPlan.StageAge>
  /// By feed.
  let aggregates: Slab<AsOfFact>
  /// Of each fact its feed, -1 of an expr, and its root.
  let factFeeds: Slab<Int32>
  let factRoots: Slab<Int32>
  /// -1 where a segment reads the population.
  let segmentRoots: Slab<Int32>

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

  init(_ compiled: CompiledRules, _ plan: TruthPlan) {
    effects = pool.slab(plan.series.map(\.effects))
    (operations, operationRuns) = pool.slab(lists: plan.series.map(\.operations))
    (states, stateRuns) = pool.slab(lists: plan.series.map { $0.states.map { Int32($0) } })
    flips = pool.slab(plan.flips)
    var generals = Array(repeating: Int32(-1), count: plan.atoms.count)
    for (number, flip) in plan.flips.enumerated() where flip.kind == .general {
      generals[flip.atom] = Int32(number)
    }
    generalFlips = pool.slab(generals)
    formulas = pool.slab(plan.formulas)
    roots = pool.slab(plan.conditionRoots)
    targets = pool.slab(compiled.transitions.map(\.to))
    masks = pool.slab(plan.stages.map(\.masks))
    (candidates, candidateRuns) = pool.slab(lists: plan.stages.map(\.candidates))
    stageNames = pool.slab(compiled.stageNames)
    stageAges = pool.slab(plan.stageAges)
    aggregates = pool.slab(plan.needsState.indices.map { Self.fact($0, compiled, plan) })
    factFeeds = pool.slab(compiled.facts.map { Int32($0.feed) })
    factRoots = pool.slab(compiled.facts.map(\.root))
    segmentRoots = pool.slab(
      compiled.segments.map { $0.readsPopulation ? -1 : $0.condition.root })
  }

  private static func fact(
    _ feed: Int, _ compiled: CompiledRules, _ plan: TruthPlan
  ) -> AsOfFact {
    let aggregate = compiled.aggregate(feed)
    let type = compiled.fieldType(ofFeed: feed)
    var fact = AsOfFact(
      function: aggregate?.function ?? .count,
      hasState: plan.needsState[feed],
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
}
