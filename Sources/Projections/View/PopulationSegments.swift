import CEL

/// Evaluates segments that read the population, once it is known, over the facts that a view holds.
struct PopulationSegments {
  private let compiled: CompiledRules
  private let evaluator: Evaluator
  let numbers: [Int]

  init(_ compiled: CompiledRules) {
    self.compiled = compiled
    evaluator = Evaluator(program: compiled.program, facts: [])
    evaluator.slots = Array(
      repeating: Outcome(failed: .unset, until: Microseconds.never),
      count: Rules.populationVariables(compiled.rules.population).count)
    numbers = compiled.segments.indices.filter { compiled.segments[$0].readsPopulation }
  }

  /// Numbers of the segments that hold, and of those that ended in an error.
  func evaluate(
    _ record: CustomerRecord, scores: RFM.Scores?, asOf: Int64
  ) -> (holding: [Int], failed: [Int]) {
    guard let current = record.current, !numbers.isEmpty else { return ([], []) }
    var aggregates = Array(
      repeating: Outcome(failed: .unset, until: Microseconds.never), count: compiled.feeds.count)
    var expressions: [Outcome] = []
    for (fact, value) in zip(compiled.facts, current.facts) {
      let outcome = outcome(value)
      if fact.feed >= 0 { aggregates[fact.feed] = outcome } else { expressions.append(outcome) }
    }
    evaluator.fixed = Evaluator.FixedFacts(aggregates: aggregates, expressions: expressions)
    evaluator.stageName = evaluator.interner.number(of: current.stage)
    evaluator.stageEnteredAt = current.since
    evaluator.stagePrevious =
      record.rows.last?.from.map { evaluator.interner.number(of: $0) } ?? -1
    let unset = Outcome(failed: .unset, until: Microseconds.never)
    evaluator.slots[2] = scores.map { Outcome(Int64($0.r)) } ?? unset
    evaluator.slots[3] = scores.map { Outcome(Int64($0.f)) } ?? unset
    evaluator.slots[4] = scores.map { Outcome(Int64($0.m)) } ?? unset
    evaluator.slots[5] =
      scores.map { Outcome(evaluator.interner.number(of: $0.name)) } ?? unset
    evaluator.limit = asOf
    evaluator.stateChanged()
    var holding: [Int] = []
    var failed: [Int] = []
    for number in numbers {
      let outcome = evaluator.evaluate(compiled.segments[number].condition.root, at: asOf)
      if outcome.isTrue { holding.append(number) }
      if outcome.status == .error { failed.append(number) }
    }
    return (holding, failed)
  }

  private func outcome(_ value: Value?) -> Outcome {
    guard let value else { return Outcome(failed: .unset, until: Microseconds.never) }
    switch value {
    case .bool(let flag): return Outcome(flag ? 1 : 0)
    case .int(let number), .money(let number): return Outcome(number)
    case .uint(let number): return Outcome(Int64(bitPattern: number))
    case .double(let number): return Outcome(Outcome.double(number))
    case .string(let text): return Outcome(evaluator.interner.number(of: text))
    case .timestamp(let instant): return Outcome(ScalarValue.microseconds(instant))
    case .duration(let length): return Outcome(ScalarValue.microseconds(length))
    case .null, .bytes, .list, .map, .type:
      return Outcome(failed: .unset, until: Microseconds.never)
    }
  }
}
