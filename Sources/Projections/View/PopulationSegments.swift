import CEL

/// Evaluates segments that read the population, once it is known, over the facts that a view holds.
struct PopulationSegments {
  private let compiled: CompiledRules
  private var evaluator: Evaluator
  let numbers: [Int]
  /// Facts whose text one of the segments reads; of others it need not be looked at.
  private let readsText: [Bool]
  /// Numbers of the names of the 125 scores.
  private var scoreNames: [Int64] = []
  /// Where each fact's value goes: its feed, or -1 − number of the expr fact.
  private let places: [Int]
  private let roots: [Int32]
  private var answer = Answer()
  private let unset = Outcome(failed: .unset, until: Microseconds.never)

  /// Numbers of the segments that hold, and of those that ended in an error.
  struct Answer {
    var holding: [Int] = []
    var failed: [Int] = []
  }

  init(_ compiled: CompiledRules) {
    self.compiled = compiled
    evaluator = Evaluator(program: compiled.program, facts: [])
    evaluator.slots = Array(
      repeating: unset, count: Rules.populationVariables(compiled.rules.population).count)
    evaluator.fixed = Evaluator.FixedFacts(
      aggregates: Array(repeating: unset, count: compiled.feeds.count),
      expressions: Array(repeating: unset, count: compiled.program.expressionFactCount))
    numbers = compiled.segments.indices.filter { compiled.segments[$0].readsPopulation }
    var reached: Set<Int32> = []
    func visit(_ node: Int32) {
      guard reached.insert(node).inserted else { return }
      compiled.program.forEachOperand(of: node) { visit($0) }
    }
    for number in numbers { visit(compiled.segments[number].condition.root) }
    roots = numbers.map { compiled.segments[$0].condition.root }
    places = compiled.facts.map { fact in
      fact.feed >= 0 ? fact.feed : -1 - Int(compiled.program.nodes[Int(fact.root)].b)
    }
    readsText = compiled.facts.map { reached.contains($0.root) }
    for code in 0..<125 {
      let name = RFMNames.name(r: code / 25 + 1, f: code / 5 % 5 + 1, m: code % 5 + 1)
      scoreNames.append(evaluator.interner.number(of: name))
    }
  }

  /// Reads one record and asks all segments that read the population.
  mutating func next(
    _ decoder: inout ByteDecoder, scores: RFM.Scores?, asOf: Int64
  ) throws(ByteDecoder.Damaged) -> Answer {
    answer.holding.removeAll(keepingCapacity: true)
    answer.failed.removeAll(keepingCapacity: true)
    let isParked = try read(&decoder)
    if isParked { return answer }
    set(scores)
    evaluator.limit = asOf
    evaluator.stateChanged()
    for (number, root) in zip(numbers, roots) {
      let outcome = evaluator.evaluate(root, at: asOf)
      if outcome.isTrue { answer.holding.append(number) }
      if outcome.status == .error { answer.failed.append(number) }
    }
    return answer
  }

  private mutating func set(_ scores: RFM.Scores?) {
    guard let scores else {
      for slot in 2...5 { evaluator.slots[slot] = unset }
      return
    }
    evaluator.slots[2] = Outcome(Int64(scores.r))
    evaluator.slots[3] = Outcome(Int64(scores.f))
    evaluator.slots[4] = Outcome(Int64(scores.m))
    evaluator.slots[5] = Outcome(scoreNames[scores.code])
  }

  /// Takes facts and stage from a record (``RecordCoding``); true where the customer is parked.
  private mutating func read(_ decoder: inout ByteDecoder) throws(ByteDecoder.Damaged) -> Bool {
    try decoder.skipText()
    for _ in 0..<(try decoder.count()) { try decoder.skipText() }
    _ = try decoder.signed()
    let isParked = try decoder.number() == 1
    if isParked {
      try RecordCoding.skipParked(&decoder)
    } else {
      try readCurrent(&decoder)
    }
    let (stage, from) = try RecordCoding.skipRows(&decoder)
    guard compiled.stageNames.indices.contains(stage) else { throw ByteDecoder.Damaged() }
    evaluator.stagePrevious =
      from > 0 && from <= compiled.stageNames.count ? compiled.stageNames[from - 1] : -1
    return isParked
  }

  private mutating func readCurrent(_ decoder: inout ByteDecoder) throws(ByteDecoder.Damaged) {
    let stage = try decoder.index()
    guard compiled.stageNames.indices.contains(stage) else { throw ByteDecoder.Damaged() }
    evaluator.stageName = compiled.stageNames[stage]
    evaluator.stageEnteredAt = try decoder.signed()
    _ = try decoder.signed()
    if try decoder.number() == 1 {
      _ = try decoder.signed()
      _ = try decoder.index()
    }
    guard try decoder.count() == places.count else { throw ByteDecoder.Damaged() }
    for (index, place) in places.enumerated() {
      let outcome = try readFact(index, &decoder)
      if place >= 0 {
        evaluator.fixed?.aggregates[place] = outcome
      } else {
        evaluator.fixed?.expressions[-1 - place] = outcome
      }
    }
    for _ in 0..<(try decoder.count()) { _ = try decoder.index() }
    _ = try decoder.number()
    _ = try decoder.number()
    _ = try decoder.signed()
    if try decoder.number() == 1 { _ = try decoder.signed() }
  }

  private mutating func readFact(
    _ index: Int, _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) -> Outcome {
    guard try decoder.number() == 1 else { return unset }
    switch compiled.factForms[index] {
    case .fixed: return Outcome(Int64(bitPattern: try decoder.fixed()))
    case .text:
      if readsText[index] {
        return Outcome(evaluator.interner.number(of: try decoder.string()))
      }
      try decoder.skipText()
      return unset
    case .signed: return Outcome(try decoder.signed())
    }
  }
}
