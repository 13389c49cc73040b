import CEL

/// Folds one customer again and looks at one of its rows.
public struct Explainer {
  let compiled: CompiledRules
  let lines: [EventLine]
  let customer: String
  let asOf: Int64

  /// - Parameters:
  ///   - compiled: the rules.
  ///   - customer: its name.
  ///   - lines: all events of the customer in view, of all joined subjects, in any order.
  ///   - asOf: microseconds since 1970.
  public init(_ compiled: CompiledRules, customer: String, lines: [EventLine], asOf: Int64) {
    self.compiled = compiled
    self.lines = lines
    self.customer = customer
    self.asOf = asOf
  }

  /// The customer as a view holds it; nil if no event is left (all ignored, or none in view).
  public func record() -> CustomerRecord? {
    var fold = CustomerFold(compiled)
    let taken = fold.load(lines)
    if taken.isEmpty { return nil }
    fold.fold(asOf: asOf)
    return fold.record(customer: customer, lines: taken)
  }

  /// Explains row `index` of the customer's transitions; nil if there is none such.
  public func explain(row index: Int) -> Explanation? {
    var fold = CustomerFold(compiled, keepsAll: true)
    let taken = fold.load(lines)
    if taken.isEmpty { return nil }
    let tracer = RowTracer(index, lines: taken)
    fold.observer = tracer
    fold.fold(asOf: asOf)
    guard fold.result.rows.indices.contains(index) else { return nil }
    let row = fold.named(fold.result.rows[index], taken)
    let record = fold.record(customer: customer, lines: taken)
    return Explanation(
      customer: customer, transition: row, stay: nil, rule: tracer.rule, expression: tracer.term,
      checked: tracer.checked, facts: tracer.facts, considered: tracer.considered,
      minimal: MinimalEvidence(fold, row: index, customer: customer, lines: taken),
      next: record.current?.next,
      parked: record.parked)
  }

  /// Explains the latest stay in a segment that began by `at`; without one, what its condition came to at as-of. Nil if no
  /// event is left.
  ///
  /// - Parameters:
  ///   - segment: its number in the rules.
  ///   - at: microseconds since 1970; nil is as-of.
  ///   - population: what the segment may read beside the facts.
  public func explain(
    segment: Int, at: Int64?, population: PopulationValues?
  ) -> Explanation? {
    var fold = CustomerFold(compiled, keepsAll: true, followsSegments: true)
    let taken = fold.load(lines)
    if taken.isEmpty { return nil }
    fold.fold(asOf: asOf)
    let spells = fold.result.spells.filter { Int($0.segment) == segment }
    let latest = spells.lastIndex { $0.from <= at ?? asOf }
    let spell = latest.map { named(spells[$0], fold, taken) }
    let record = fold.record(customer: customer, lines: taken)
    let declared = compiled.rules.segments[segment]
    var explanation = Explanation(
      customer: customer, transition: nil,
      stay: .init(
        segment: declared.name, holds: spells.last.map { $0.to == Microseconds.never } ?? false,
        spell: spell),
      rule: .init(id: declared.name, line: declared.place.line, text: declared.condition.text),
      expression: nil, checked: declared.condition.expression, facts: [], considered: [],
      next: record.current?.next,
      parked: record.parked)
    if let latest {
      let tracer = SegmentTracer(segment: segment, target: latest, lines: taken)
      fold.observer = tracer
      fold.fold(asOf: asOf)
      explanation.expression = tracer.term
      explanation.facts = tracer.facts
    } else if fold.result.parked == nil {
      trace(segment, &fold, population, taken, &explanation)
    }
    return explanation
  }

  /// The condition of a segment at as-of.
  private func trace(
    _ segment: Int, _ fold: inout CustomerFold, _ population: PopulationValues?,
    _ taken: [EventLine], _ explanation: inout Explanation
  ) {
    let scoreNames = PopulationValues.scoreNames(&fold.evaluator)
    population?.set(&fold.evaluator, scoreNames: scoreNames)
    let condition = compiled.segments[segment].condition
    fold.evaluator.limit = asOf
    var moments = ConditionTrace.Moments(
      fold.evaluator, nil, asOf, isTimer: false, readsAnew: true)
    if case .value(.bool(true)) = moments.value(condition.root, .bool) {
      explanation.stay?.holds = true
    }
    if let lowered = condition.lowered {
      explanation.expression = ConditionTrace.term(
        lowered.checked.expression, lowered, &moments)
    }
    explanation.facts = ConditionTrace.facts(condition.root, fold, taken, &moments)
  }

  private func named(
    _ spell: FoldSpell, _ fold: CustomerFold, _ taken: [EventLine]
  ) -> SegmentSpells.Spell {
    SegmentSpells.Spell(
      customer: customer, segment: compiled.rules.segments[Int(spell.segment)].name,
      from: spell.from, to: spell.to == Microseconds.never ? nil : spell.to,
      isTimer: spell.isTimer, anchor: fold.anchor(spell.anchor, taken))
  }
}
