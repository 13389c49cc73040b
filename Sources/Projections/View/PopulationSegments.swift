import CEL

/// Evaluates segments that read the population, once it is known, over the facts that a view holds.
struct PopulationSegments {
  private let compiled: CompiledRules
  private var evaluator: ProgramEvaluator
  let numbers: [Int]
  /// Facts whose text one of the segments reads; of others it need not be looked at.
  private let readsText: [Bool]
  private let scoreNames: [Int64]
  /// The segments read facts, stages or the time, not the population alone.
  let readsRecords: Bool
  /// Answers by score, 0 for none, where nothing else is read.
  private var known: [Answer?] = Array(repeating: nil, count: 126)
  /// Where each fact's value goes: its feed, or -1 − number of the expr fact.
  private let places: [Int]
  private let roots: [Int32]
  private let forms: [RecordCoding.ValueForm]
  private var answer = Answer()
  private let unset = TimedOutcome(failed: .unset, until: Microseconds.never)

  /// What is known of all customers, by record.
  struct Population: Sendable {
    var scores: [RFM.Scores?]
    /// Empty without a fitted model.
    var values: [ValueFit.Customer?]
    var ranks: PopulationRanks

    func value(_ record: Int) -> ValueFit.Customer? { values.isEmpty ? nil : values[record] }

    func of(_ record: Int) -> PopulationValues {
      let value = value(record)
      return PopulationValues(
        expected: value?.value, probabilityAlive: value?.probabilityAlive, scores: scores[record],
        ranks: ranks.values.map { $0[record] })
    }
  }

  /// Numbers of the segments that hold, and of those that ended in an error.
  struct Answer {
    var holding: [Int] = []
    var failed: [Int] = []
  }

  init(_ compiled: CompiledRules) {
    self.compiled = compiled
    evaluator = ProgramEvaluator(program: compiled.program, facts: [])
    evaluator.slots = Array(
      repeating: unset, count: Rules.populationVariables(compiled.rules.population).count)
    scoreNames = PopulationValues.scoreNames(&evaluator)
    evaluator.fixed = ProgramEvaluator.FixedFacts(
      aggregates: Array(repeating: unset, count: compiled.feeds.count),
      expressions: Array(repeating: unset, count: compiled.program.expressionFactCount))
    numbers = compiled.segments.indices.filter { compiled.segments[$0].readsPopulation }
    var reached: Set<Int32> = []
    func visit(_ node: Int32) {
      guard reached.insert(node).inserted else { return }
      compiled.program.forEachOperand(of: node) { visit($0) }
    }
    for number in numbers { visit(compiled.segments[number].condition.root) }
    readsRecords = reached.contains {
      switch compiled.program.nodes[Int($0)].operation {
      case .fact, .expressionFact, .now, .stageName, .stagePrevious, .stageEnteredAt: true
      default: false
      }
    }
    roots = numbers.map { compiled.segments[$0].condition.root }
    places = compiled.facts.map { fact in
      fact.feed >= 0 ? fact.feed : -1 - Int(compiled.program.nodes[Int(fact.root)].b)
    }
    forms = compiled.facts.map { RecordCoding.ValueForm($0.type) }
    readsText = compiled.facts.map { reached.contains($0.root) }
  }

  /// Reads one record and asks all segments that read the population.
  mutating func next(
    _ decoder: inout ByteDecoder, record: Int, _ population: Population, asOf: Int64
  ) throws(ByteDecoder.Damaged) -> Answer {
    let isParked = try read(&decoder)
    if isParked { return Answer() }
    return ask(record, population, asOf: asOf)
  }

  /// Asks all segments of a customer who is not parked, where no record has to be read for it.
  mutating func next(record: Int, _ population: Population, asOf: Int64) -> Answer {
    if !population.values.isEmpty || !population.ranks.values.isEmpty {
      return ask(record, population, asOf: asOf)
    }
    let code = population.scores[record].map { $0.code + 1 } ?? 0
    if let answer = known[code] { return answer }
    let answer = ask(record, population, asOf: asOf)
    known[code] = answer
    return answer
  }

  private mutating func ask(_ record: Int, _ population: Population, asOf: Int64) -> Answer {
    answer.holding.removeAll(keepingCapacity: true)
    answer.failed.removeAll(keepingCapacity: true)
    population.of(record).set(&evaluator, scoreNames: scoreNames)
    evaluator.limit = asOf
    for (number, root) in zip(numbers, roots) {
      let outcome = evaluator.evaluate(root, at: asOf)
      if outcome.isTrue { answer.holding.append(number) }
      if outcome.status == .error { answer.failed.append(number) }
    }
    return answer
  }

  /// Takes facts and stage from a record (``RecordCoding``); true where the customer is parked.
  private mutating func read(_ decoder: inout ByteDecoder) throws(ByteDecoder.Damaged) -> Bool {
    let scanned = try RecordCoding.scan(&decoder, facts: places.count) {
      (index: Int, decoder: inout ByteDecoder) throws(ByteDecoder.Damaged) in
      try readFact(index, &decoder)
    }
    guard compiled.stageNames.indices.contains(scanned.stage),
      scanned.from <= compiled.stageNames.count
    else { throw ByteDecoder.Damaged() }
    evaluator.stageName = compiled.stageNames[scanned.stage]
    evaluator.stageEnteredAt = scanned.since
    evaluator.stagePrevious = scanned.from > 0 ? compiled.stageNames[scanned.from - 1] : -1
    return scanned.isParked
  }

  private mutating func readFact(
    _ index: Int, _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) {
    let form = forms[index]
    var outcome = unset
    if case .text = form, readsText[index] {
      if try decoder.number() == 1 {
        outcome = TimedOutcome(evaluator.interner.number(of: try decoder.string()))
      }
    } else if let bits = try RecordCoding.scalar(form, &decoder) {
      outcome = TimedOutcome(bits)
    }
    let place = places[index]
    if place >= 0 {
      evaluator.fixed?.aggregates[place] = outcome
    } else {
      evaluator.fixed?.expressions?[-1 - place] = outcome
    }
  }
}
