/// The step at which two histories part, where both sides are folded up to it: which rule decides, and what of it differs.
struct DivergenceLook {
  let sides: BothSides<ComparedSide>
  /// The first row that differs of the side that moves first.
  private let rows: BothSides<FoldRow?>
  private let positions: BothSides<UInt64?>
  private let taker: SideName
  /// Stage before the row; nil where the row is the entry.
  private let stage: String?

  init(
    sides: BothSides<ComparedSide>, both: BothSides<DivergenceTracer.Folded>, row: Int,
    taker: SideName, isShared: Bool
  ) {
    self.sides = sides
    self.taker = taker
    var rows = BothSides<FoldRow?>(a: nil, b: nil)
    var positions = BothSides<UInt64?>(a: nil, b: nil)
    for side in [SideName.a, .b] where side == taker || isShared {
      rows[side] = both[side].rows[row]
      positions[side] = both[side].position(of: row)
    }
    self.rows = rows
    self.positions = positions
    stage = rows[taker].flatMap { sides[taker].stageName($0.from) }
  }

  /// The rule that each side follows at the step; nil where it stays for want of one.
  private func rule(_ side: SideName) -> String? {
    let own = sides[side]
    if let row = rows[side] {
      return own.compiled.isFirstMatch ? own.stageName(row.to) : own.transitionName(row.transition)
    }
    // It stays because the stage that it has holds.
    return own.compiled.isFirstMatch ? stage : nil
  }

  private func number(_ rule: String?, _ side: SideName) -> Int? {
    guard let rule else { return nil }
    let compiled = sides[side].compiled
    return compiled.conditions.indices.first { compiled.conditionName($0) == rule }
  }

  /// Conditions that have to be looked at: both sides' rules.
  func numbers(_ side: SideName) -> [Int] {
    [number(rule(.a), side), number(rule(.b), side)].compactMap { $0 }
  }

  /// What needs no condition: the first stage, where a rule leads, the event behind it.
  func withoutConditions() -> Divergence? {
    guard let a = rows.a, let b = rows.b else { return nil }
    let ends = BothSides(a: sides.a.stageName(a.to), b: sides.b.stageName(b.to))
    if a.from < 0 && !(sides.a.compiled.isFirstMatch && sides.b.compiled.isFirstMatch) {
      if ends.a != ends.b { return found(.firstStage, nil, ends.a, ends.b) }
    }
    guard rule(.a) == rule(.b) else { return nil }
    if ends.a != ends.b { return found(.to, rule(.a), ends.a, ends.b) }
    return found(
      .anchor, rule(.a), positions.a.map { "#\($0)" }, positions.b.map { "#\($0)" })
  }

  private func found(
    _ reason: Divergence.Reason, _ rule: String?, _ a: String?, _ b: String?
  ) -> Divergence {
    Divergence(
      reason: reason, rule: rule,
      sides: BothSides(a: a.map { .init(text: $0) }, b: b.map { .init(text: $0) }))
  }

  /// What of the deciding rule differs.
  func divergence(_ outcomes: BothSides<PointTracer.Outcomes>) -> Divergence {
    let leader = decidingSide
    guard let rule = rule(leader), let own = number(rule, leader) else {
      return found(.order, rule(taker), rule(.a), rule(.b))
    }
    let ownTerm = outcomes[leader][own]?.term
    guard let counterpart = number(rule, leader.other) else {
      return oneSided(.rule, rule, leader, ownTerm)
    }
    if !leaves(counterpart, leader.other) {
      return found(.from, rule, stages(rule, .a), stages(rule, .b))
    }
    guard let other = outcomes[leader.other][counterpart], !other.holds else {
      return found(.order, rule, self.rule(.a), self.rule(.b))
    }
    var terms = ClauseFinder.Pair(a: nil, b: nil)
    terms[leader] = ownTerm
    terms[leader.other] = other.term
    let isInBoth = ownTerm != nil && other.term != nil
    return Divergence(
      reason: .clause, rule: rule,
      sides: Self.clauses(isInBoth ? ClauseFinder.narrow(terms) : terms))
  }

  /// The side whose rule decides: the other's one, where the other side tries it before the counterpart of the taker's.
  private var decidingSide: SideName {
    let other = taker.other
    guard rule(taker) != nil else { return other }
    guard let theirs = number(rule(other), other) else { return taker }
    guard let counterpart = number(rule(taker), other) else { return taker }
    return theirs < counterpart ? other : taker
  }

  private func leaves(_ condition: Int, _ side: SideName) -> Bool {
    let own = sides[side]
    if own.compiled.isFirstMatch { return true }
    return own.compiled.transitions[condition].from.contains {
      own.rules.stages[$0].name == stage
    }
  }

  /// The stages that a transition leaves.
  private func stages(_ rule: String, _ side: SideName) -> String? {
    guard let number = number(rule, side), !sides[side].compiled.isFirstMatch else { return nil }
    let own = sides[side]
    return own.compiled.transitions[number].from.map { own.rules.stages[$0].name }
      .joined(separator: ", ")
  }

  private func oneSided(
    _ reason: Divergence.Reason, _ rule: String, _ side: SideName, _ term: Explanation.Term?
  ) -> Divergence {
    var terms = ClauseFinder.Pair(a: nil, b: nil)
    terms[side] = term
    return Divergence(reason: reason, rule: rule, sides: Self.clauses(terms))
  }

  static func clauses(_ terms: ClauseFinder.Pair) -> BothSides<Divergence.Clause?> {
    func clause(_ term: Explanation.Term?) -> Divergence.Clause? {
      term.map {
        Divergence.Clause(
          text: $0.text, holds: ClauseFinder.holds($0), values: ClauseFinder.values(of: $0))
      }
    }
    return BothSides(a: clause(terms.a), b: clause(terms.b))
  }
}
