/// Finds the atoms of a rules file's conditions.
struct TruthPlanBuilder {
  private let compiled: CompiledRules
  private var atoms: [TruthPlan.Atom] = []
  private var atomNumbers: [TruthPlan.Atom: Int] = [:]
  private var formulas: [TruthPlan.Formula] = []
  /// Formulas of comparisons, by node.
  private var leaves: [Int32: Int32] = [:]
  private var generals: [Int32: Int32] = [:]
  private var needsState: [Bool]

  /// Words have that many bits.
  static let atomLimit = 64
  /// The longest list of recent values that `distinct` is decided with.
  static let distinctLimit: Int64 = 16

  /// Nil for rules that only the tree evaluator folds: more stages or conditions than a word has bits, or segments that
  /// have to be watched at every step. Where there are more atoms than that, the longest conditions are one general atom
  /// each.
  static func plan(_ compiled: CompiledRules, atomLimit: Int = Self.atomLimit) -> TruthPlan? {
    let own = compiled.segments.filter { !$0.readsPopulation }
    if own.contains(where: { $0.mayFail }) { return nil }
    if compiled.hasTimestampFields && own.contains(where: { $0.mayFailByTime }) { return nil }
    if compiled.stageNames.count > 64 || compiled.conditions.count > 64 { return nil }
    var whole: Set<Int> = []
    while true {
      var builder = TruthPlanBuilder(compiled)
      let roots = builder.roots(whole)
      if builder.atoms.count <= atomLimit { return builder.build(roots) }
      guard let longest = builder.longest(roots, but: whole) else { return nil }
      whole.insert(longest)
    }
  }

  /// The condition with the most atoms.
  private func longest(_ roots: [Int32], but whole: Set<Int>) -> Int? {
    let sizes = roots.indices.map { index -> Int in
      if whole.contains(index) || roots[index] < 0 { return 0 }
      var found: Set<Int32> = []
      visitAtoms(under: roots[index]) { found.insert($0) }
      return found.count
    }
    guard let most = sizes.max(), most > 1 else { return nil }
    return sizes.firstIndex(of: most)
  }

  private func visitAtoms(under root: Int32, _ body: (Int32) -> Void) {
    let formula = formulas[Int(root)]
    switch formula.kind {
    case .atom: body(formula.a)
    case .not: visitAtoms(under: formula.a, body)
    case .and, .or:
      visitAtoms(under: formula.a, body)
      visitAtoms(under: formula.b, body)
    case .isTrue, .isFalse: break
    }
  }

  private init(_ compiled: CompiledRules) {
    self.compiled = compiled
    needsState = Array(repeating: false, count: compiled.feeds.count)
  }

  private var program: Program { compiled.program }

  // MARK: Formulas

  /// - Parameter whole: conditions that are one atom.
  private mutating func roots(_ whole: Set<Int>) -> [Int32] {
    compiled.conditions.enumerated().map { index, condition in
      if condition.root < 0 { return -1 }
      return whole.contains(index) ? general(condition.root) : formula(condition.root)
    }
  }

  private mutating func build(_ roots: [Int32]) -> TruthPlan {
    for atom in atoms where atom.form == .general { requireStates(under: Int32(atom.bound)) }
    for (index, condition) in compiled.conditions.enumerated() where mayFail(index) {
      requireStates(under: condition.root)
    }
    requireStatesOfValues()
    var plan = TruthPlan(
      atoms: atoms, formulas: formulas, conditionRoots: roots,
      comparisons: compiled.conditions.map { comparisons(under: $0.root) },
      series: compiled.feeds.map { _ in TruthPlan.Series() }, flips: [], stages: [],
      needsState: needsState)
    addSeries(&plan)
    for index in atoms.indices { addAtom(index, to: &plan) }
    addStages(&plan)
    return plan
  }

  private mutating func add(_ kind: TruthPlan.Formula.Kind, _ a: Int32 = 0, _ b: Int32 = 0) -> Int32
  {
    formulas.append(TruthPlan.Formula(kind: kind, a: a, b: b))
    return Int32(formulas.count - 1)
  }

  private mutating func atom(_ atom: TruthPlan.Atom) -> Int32 {
    if let known = atomNumbers[atom] { return add(.atom, Int32(known)) }
    atomNumbers[atom] = atoms.count
    atoms.append(atom)
    return add(.atom, Int32(atoms.count - 1))
  }

  private mutating func formula(_ index: Int32) -> Int32 {
    let node = program.nodes[Int(index)]
    switch node.operation {
    case .and, .or:
      let left = formula(node.a)
      let right = formula(node.b)
      return add(node.operation == .and ? .and : .or, left, right)
    case .not: return add(.not, formula(node.a))
    case .constant: return add(node.bits != 0 ? .isTrue : .isFalse)
    case .compareBits:
      if let known = leaves[index] { return known }
      if let threshold = threshold(node) {
        leaves[index] = threshold
        return threshold
      }
      return general(index)
    default: return general(index)
    }
  }

  private mutating func general(_ index: Int32) -> Int32 {
    let number = atom(TruthPlan.Atom(form: .general, feed: -1, bound: Int64(index)))
    if isComparison(index) { leaves[index] = -1 }
    return number
  }

  /// A comparison with a constant in terms of thresholds; nil where there is no such form.
  private mutating func threshold(_ node: ProgramNode) -> Int32? {
    let (left, right) = (program.nodes[Int(node.a)], program.nodes[Int(node.b)])
    if right.operation == .constant { return threshold(left, node.comparison, right.bits) }
    if left.operation == .constant { return threshold(right, node.comparison.mirrored, left.bits) }
    return nil
  }

  private mutating func threshold(
    _ operand: ProgramNode, _ comparison: ProgramNode.Comparison, _ bound: Int64
  ) -> Int32? {
    switch operand.operation {
    case .fact: return threshold(feed: Int(operand.a), operand, comparison, bound)
    case .timestampMinusTimestamp:
      guard program.nodes[Int(operand.a)].operation == .now else { return nil }
      let since = program.nodes[Int(operand.b)]
      if since.operation == .stageEnteredAt {
        return atLeast(.stageIsOld, -1, comparison, bound)
      }
      guard since.operation == .fact, since.c == 0,
        let aggregate = compiled.aggregate(Int(since.a)), (aggregate.within ?? 0) == 0
      else { return nil }
      switch aggregate.function {
      case .lastTime: return atLeast(.lastIsOld, Int(since.a), comparison, bound)
      case .firstTime: return atLeast(.firstIsOld, Int(since.a), comparison, bound)
      default: return nil
      }
    default: return nil
    }
  }

  private mutating func threshold(
    feed: Int, _ fact: ProgramNode, _ comparison: ProgramNode.Comparison, _ bound: Int64
  ) -> Int32? {
    guard let aggregate = compiled.aggregate(feed) else { return nil }
    let type = compiled.fieldType(ofFeed: feed)
    switch aggregate.function {
    case .count: return atLeast(.countAtLeast, feed, comparison, bound)
    case .sum:
      return type == .double ? nil : atLeast(.sumAtLeast, feed, comparison, bound)
    case .distinct:
      if type == .double || bound < 0 || bound >= Self.distinctLimit { return nil }
      return atLeast(.distinctAtLeast, feed, comparison, bound)
    case .max:
      return type == .string ? nil : atLeast(.greatestAtLeast, feed, comparison, bound)
    case .min: return type == .string ? nil : atMost(feed, comparison, bound)
    case .last:
      return atom(
        TruthPlan.Atom(form: .lastCompares, feed: feed, bound: bound, comparison: comparison))
    case .first:
      if (aggregate.within ?? 0) > 0 { return nil }
      return atom(
        TruthPlan.Atom(form: .firstCompares, feed: feed, bound: bound, comparison: comparison))
    default: return nil
    }
  }

  private mutating func atLeast(
    _ form: TruthPlan.Atom.Form, _ feed: Int, _ comparison: ProgramNode.Comparison, _ bound: Int64
  ) -> Int32? {
    if bound == .max { return nil }
    func wanted(_ bound: Int64) -> TruthPlan.Atom {
      TruthPlan.Atom(form: form, feed: feed, bound: bound)
    }
    switch comparison {
    case .greaterOrEqual: return atom(wanted(bound))
    case .greater: return atom(wanted(bound + 1))
    case .less: return add(.not, atom(wanted(bound)))
    case .lessOrEqual: return add(.not, atom(wanted(bound + 1)))
    case .equal, .notEqual:
      let reached = atom(wanted(bound))
      let equal = add(.and, reached, add(.not, atom(wanted(bound + 1))))
      return comparison == .equal ? equal : add(.not, equal)
    }
  }

  private mutating func atMost(
    _ feed: Int, _ comparison: ProgramNode.Comparison, _ bound: Int64
  ) -> Int32? {
    if bound == .min { return nil }
    func wanted(_ bound: Int64) -> TruthPlan.Atom {
      TruthPlan.Atom(form: .leastAtMost, feed: feed, bound: bound)
    }
    switch comparison {
    case .lessOrEqual: return atom(wanted(bound))
    case .less: return atom(wanted(bound - 1))
    case .greater: return add(.not, atom(wanted(bound)))
    case .greaterOrEqual: return add(.not, atom(wanted(bound - 1)))
    case .equal, .notEqual:
      let reached = atom(wanted(bound))
      let equal = add(.and, reached, add(.not, atom(wanted(bound - 1))))
      return comparison == .equal ? equal : add(.not, equal)
    }
  }

  // MARK: What anchors and the tree evaluator need

  private func isComparison(_ index: Int32) -> Bool {
    program.nodes[Int(index)].operation.traits.isQuestion
  }

  /// In the order in which they are met first.
  private func comparisons(under root: Int32) -> [TruthPlan.Comparison] {
    if root < 0 { return [] }
    var seen: Set<Int32> = []
    var found: [TruthPlan.Comparison] = []
    func visit(_ index: Int32) {
      guard seen.insert(index).inserted else { return }
      if isComparison(index) {
        found.append(
          TruthPlan.Comparison(
            node: index, formula: leaves[index] ?? -1, feeds: program.feeds(under: index)))
      }
      program.forEachOperand(of: index) { visit($0) }
    }
    visit(root)
    return found
  }

  private mutating func requireStates(under root: Int32) {
    for feed in program.feeds(under: root) { needsState[feed] = true }
  }

  /// Facts whose value at as-of is not found from their members alone.
  private mutating func requireStatesOfValues() {
    for (feed, _) in compiled.feeds.enumerated() {
      guard let aggregate = compiled.aggregate(feed) else { continue }
      switch (aggregate.function, compiled.fieldType(ofFeed: feed)) {
      case (.sum, .double), (.avg, .double), (.min, .double), (.max, .double), (.min, .string),
        (.max, .string):
        needsState[feed] = true
      default: break
      }
    }
  }

  private func mayFail(_ condition: Int) -> Bool {
    let root = compiled.conditions[condition].root
    if root < 0 { return false }
    let failure = program.mayFail(root)
    return failure.any || failure.byTime && compiled.hasTimestampFields
  }

  // MARK: Events to atoms

  private func addSeries(_ plan: inout TruthPlan) {
    for (feed, _) in compiled.feeds.enumerated() {
      guard let aggregate = compiled.aggregate(feed) else { continue }
      let series = compiled.sharedFeeds[feed]
      if needsState[feed] { plan.series[series].states.append(feed) }
      if aggregate.function != .count || (aggregate.within ?? 0) > 0 {
        plan.series[series].effects.keepsMembers = true
      }
      if !needsState[feed], aggregate.function == .sum || aggregate.function == .avg {
        plan.series[series].effects.keepsSums = true
      }
    }
    // Sums that conditions read are kept, also where the tree evaluator knows the fact.
    for atom in atoms where atom.form == .sumAtLeast {
      plan.series[compiled.sharedFeeds[atom.feed]].effects.keepsSums = true
    }
  }

  private func addAtom(_ index: Int, to plan: inout TruthPlan) {
    let atom = atoms[index]
    let bit = UInt64(1) << UInt64(index)
    if atom.form == .general {
      addGeneral(index, bit, Int32(atom.bound), &plan)
      return
    }
    if atom.form == .stageIsOld {
      if atom.bound <= 0 {
        plan.entryTrue |= bit
        return
      }
      plan.entryFalse |= bit
      plan.stageAges.append(
        TruthPlan.StageAge(flip: plan.flips.count, length: atom.bound))
      plan.flips.append(TruthPlan.Flip(kind: .constant, atom: index, setTrue: bit))
      return
    }
    addFactAtom(index, atom, bit, &plan)
  }

  private func addGeneral(_ index: Int, _ bit: UInt64, _ node: Int32, _ plan: inout TruthPlan) {
    plan.generalAtoms |= bit
    if program.readsStage(under: node) { plan.stageAtoms |= bit }
    plan.flips.append(TruthPlan.Flip(kind: .general, atom: index))
    for feed in program.feeds(under: node) {
      plan.series[compiled.sharedFeeds[feed]].effects.touched |= bit
      plan.series[compiled.sharedFeeds[feed]].effects.general |= bit
    }
  }

  private func addFactAtom(
    _ index: Int, _ atom: TruthPlan.Atom, _ bit: UInt64, _ plan: inout TruthPlan
  ) {
    guard let aggregate = compiled.aggregate(atom.feed) else { return }
    let series = compiled.sharedFeeds[atom.feed]
    let within = aggregate.within ?? 0
    let value = valueWithoutEvents(atom)
    if value == true { plan.start.isTrue |= bit }
    if value == false { plan.start.isFalse |= bit }
    plan.series[series].effects.touched |= bit
    var operation = TruthPlan.Operation(
      code: .flip, bit: bit, flip: Int32(plan.flips.count), bound: atom.bound, within: within,
      comparison: atom.comparison)
    var flip = TruthPlan.Flip(
      kind: .constant, atom: index, setTrue: value == true ? bit : 0,
      setFalse: value == false ? bit : 0, series: series, within: within)
    var hasFlip = within > 0
    switch atom.form {
    case .countAtLeast:
      // With no bound to reach nothing ever changes.
      if atom.bound <= 0 { return }
      if atom.bound == 1 { plan.series[series].effects.setTrue |= bit }
      if atom.bound == 1 && within == 0 { return }
      operation.code = within == 0 ? .countAll : atom.bound == 1 ? .flip : .countWithin
    case .sumAtLeast:
      operation.code = within == 0 ? .sumAll : .sumWithin
    case .distinctAtLeast:
      if atom.bound <= 0 { return }
      operation.code = .distinct
      plan.longestDistinct = max(plan.longestDistinct, Int(atom.bound))
      hasFlip = true
    case .greatestAtLeast, .leastAtMost:
      operation.code = atom.form == .greatestAtLeast ? .greatest : .least
      flip.kind = .extreme
    case .lastCompares: operation.code = .last
    case .firstCompares: operation.code = .first
    case .lastIsOld, .firstIsOld:
      if atom.bound <= 0 {
        plan.series[series].effects.setTrue |= bit
        return
      }
      flip.setTrue = bit
      operation.within = atom.bound
      hasFlip = true
      if atom.form == .firstIsOld {
        operation.code = .firstTime
      } else {
        plan.series[series].effects.setFalse |= bit
      }
    case .stageIsOld, .general: return
    }
    if hasFlip { plan.flips.append(flip) } else { operation.flip = -1 }
    plan.series[series].operations.append(operation)
  }

  /// What an atom is before any event, and after the last one left its window; nil where its fact is unset.
  private func valueWithoutEvents(_ atom: TruthPlan.Atom) -> Bool? {
    switch atom.form {
    case .countAtLeast, .sumAtLeast, .distinctAtLeast: return 0 >= atom.bound
    case .lastIsOld, .firstIsOld, .stageIsOld, .general: return nil
    case .greatestAtLeast: return defaultBits(atom.feed).map { $0 >= atom.bound }
    case .leastAtMost: return defaultBits(atom.feed).map { $0 <= atom.bound }
    case .lastCompares, .firstCompares:
      return defaultBits(atom.feed).map { atom.comparison.holds($0, atom.bound) }
    }
  }

  private func defaultBits(_ feed: Int) -> Int64? {
    let node = program.nodes[Int(compiled.facts[compiled.feeds[feed].fact].root)]
    return node.c == 1 ? node.bits : nil
  }

  // MARK: Stages

  private func addStages(_ plan: inout TruthPlan) {
    for stage in compiled.stageNames.indices {
      let candidates =
        compiled.isFirstMatch ? Array(compiled.conditions.indices) : compiled.leaving[stage]
      var masks = TruthPlan.Masks()
      for candidate in candidates {
        let root = plan.conditionRoots[candidate]
        if root < 0 { continue }
        var own = TruthPlan.Masks()
        literals(root, positive: true, &own)
        masks.risesTrue |= own.risesTrue
        masks.risesFalse |= own.risesFalse
        let all = own.risesTrue | own.risesFalse
        masks.matters |= all
        if mayFail(candidate) {
          masks.mayFail |= 1 << UInt64(candidate)
          masks.watched |= all
        }
        // A stage with a condition ends where that does.
        if compiled.isFirstMatch && candidate == stage { masks.watched |= all }
      }
      for (number, flip) in plan.flips.enumerated() {
        let bit = UInt64(1) << UInt64(flip.atom)
        let brings =
          flip.kind == .constant
          ? (flip.setTrue & masks.risesTrue) | (flip.setFalse & masks.risesFalse)
          : bit & (masks.risesTrue | masks.risesFalse)
        if brings | (bit & masks.watched) != 0 { masks.wakes |= 1 << UInt64(number) }
      }
      plan.stages.append(TruthPlan.Stage(masks: masks, candidates: candidates.map { Int32($0) }))
    }
  }

  private func literals(_ index: Int32, positive: Bool, _ into: inout TruthPlan.Masks) {
    let formula = formulas[Int(index)]
    switch formula.kind {
    case .isTrue, .isFalse: return
    case .atom:
      let bit = UInt64(1) << UInt64(formula.a)
      if positive { into.risesTrue |= bit } else { into.risesFalse |= bit }
    case .not: literals(formula.a, positive: !positive, &into)
    case .and, .or:
      literals(formula.a, positive: positive, &into)
      literals(formula.b, positive: positive, &into)
    }
  }
}

extension ProgramNode.Comparison {
  /// The same with its sides exchanged.
  var mirrored: ProgramNode.Comparison {
    switch self {
    case .equal: .equal
    case .notEqual: .notEqual
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }
}
