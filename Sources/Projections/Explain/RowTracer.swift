import CEL

/// Watches a fold until it takes one row, and notes values as they are and as they were.
final class RowTracer: FoldObserver {
  private let target: Int
  private let lines: [EventLine]
  private(set) var rule: Explanation.Rule?
  private(set) var term: Explanation.Term?
  private(set) var facts: [Explanation.FactEvidence] = []
  private(set) var considered: [Explanation.Considered] = []

  /// The state before the event at hand, or before a timer's settle.
  private struct State {
    var facts: [FactState]
    var name: Int64
    var previous: Int64
    var enteredAt: Int64
  }
  private var before: State?
  private var settle: (at: Int64, event: Int) = (.min, -1)

  init(_ target: Int, lines: [EventLine]) {
    self.target = target
    self.lines = lines
  }

  func willApply(event: Int, fold: CustomerFold) {
    before = state(fold)
  }

  func willTake(condition: Int, at instant: Int64, event: Int, fold: CustomerFold) {
    if event < 0 && settle != (instant, event) { before = state(fold) }
    settle = (instant, event)
    guard fold.result.rows.count == target, condition >= 0 else { return }
    trace(condition, instant, event, fold)
  }

  private func state(_ fold: CustomerFold) -> State {
    State(
      facts: fold.evaluator.facts, name: fold.evaluator.stageName,
      previous: fold.evaluator.stagePrevious, enteredAt: fold.evaluator.stageEnteredAt)
  }

  // MARK: The row

  private func trace(_ condition: Int, _ instant: Int64, _ event: Int, _ fold: CustomerFold) {
    let compiled = fold.compiled
    let compiledCondition = compiled.conditions[condition]
    if compiled.isFirstMatch {
      let stage = compiled.rules.stages[condition]
      var text = ""
      if case .firstMatch(let stages) = compiled.rules.form { text = stages[condition]?.text ?? "" }
      rule = Explanation.Rule(id: stage.name, line: stage.place.line, text: text)
    } else {
      let transition = compiled.transitions[condition]
      rule = Explanation.Rule(
        id: transition.id, line: transition.place.line, text: transition.condition.text)
    }
    let earlier = Earlier(fold, before, instant, isTimer: event < 0)
    if let lowered = compiledCondition.lowered {
      term = makeTerm(lowered.checked.expression, lowered, fold, instant, earlier)
    }
    traceFacts(compiledCondition.root, fold, instant, earlier)
    traceConsidered(condition, fold, instant)
  }

  /// Evaluates nodes as they were before the event, or one microsecond before a timer.
  private struct Earlier {
    let fold: CustomerFold
    let state: State?
    let instant: Int64
    let isTimer: Bool

    init(_ fold: CustomerFold, _ state: State?, _ instant: Int64, isTimer: Bool) {
      self.fold = fold
      self.state = state
      self.instant = instant
      self.isTimer = isTimer
    }

    func evaluate(_ node: Int32) -> Outcome {
      let evaluator = fold.evaluator
      guard let state else { return evaluator.evaluate(node, at: instant) }
      let now = (
        evaluator.facts, evaluator.stageName, evaluator.stagePrevious, evaluator.stageEnteredAt
      )
      evaluator.facts = state.facts
      evaluator.stageName = state.name
      evaluator.stagePrevious = state.previous
      evaluator.stageEnteredAt = state.enteredAt
      evaluator.readsAnew = true
      evaluator.stateChanged()
      let outcome = evaluator.evaluate(node, at: isTimer ? instant - 1 : instant)
      (evaluator.facts, evaluator.stageName, evaluator.stagePrevious, evaluator.stageEnteredAt) =
        now
      evaluator.readsAnew = false
      evaluator.stateChanged()
      return outcome
    }
  }

  private func known(_ outcome: Outcome, _ type: Type, _ fold: CustomerFold) -> Explanation.Known {
    switch outcome.status {
    case .ok:
      .value(ScalarValue.value(outcome.bits, type, interner: fold.evaluator.interner))
    case .unset: .unset
    case .error: .error
    }
  }

  private func makeTerm(
    _ expression: Expression, _ lowered: LoweredExpression, _ fold: CustomerFold,
    _ instant: Int64, _ earlier: Earlier
  ) -> Explanation.Term? {
    let node = lowered.nodeOf[expression.id]
    let type = lowered.checked.types[expression.id]
    guard node >= 0, Lowering.isScalar(type) else { return nil }
    let bytes = Array(lowered.checked.source.utf8)
    let text = String(
      decoding: bytes[expression.range.clamped(to: 0..<bytes.count)], as: UTF8.self)
    var arguments: [Explanation.Term] = []
    if lowered.checked.references[expression.id] == nil {
      for operand in Self.operands(of: expression) {
        if case .literal = operand.kind { continue }
        if let term = makeTerm(operand, lowered, fold, instant, earlier) {
          arguments.append(term)
        }
      }
    }
    return Explanation.Term(
      text: text, type: type,
      value: known(fold.evaluator.evaluate(node, at: instant), type, fold),
      before: known(earlier.evaluate(node), type, fold), arguments: arguments)
  }

  private static func operands(of expression: Expression) -> [Expression] {
    switch expression.kind {
    case .literal, .identifier, .message: []
    case .select(let operand, _, let test): test ? [] : [operand]
    case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
    case .list(let elements): elements
    case .map(let pairs): pairs.flatMap { [$0.key, $0.value] }
    case .comprehension(_, let range, _, _): [range]
    }
  }

  // MARK: Facts

  private func traceFacts(
    _ root: Int32, _ fold: CustomerFold, _ instant: Int64, _ earlier: Earlier
  ) {
    var reached: Set<Int32> = []
    func visit(_ node: Int32) {
      guard node >= 0, reached.insert(node).inserted else { return }
      fold.forEachOperand(of: node) { visit($0) }
    }
    visit(root)
    for (index, fact) in fold.compiled.facts.enumerated() where reached.contains(fact.root) {
      var evidence = Explanation.FactEvidence(
        name: fold.compiled.rules.facts[index].name, type: fact.type,
        value: known(fold.evaluator.evaluate(fact.root, at: instant), fact.type, fold),
        before: known(earlier.evaluate(fact.root), fact.type, fold), events: [])
      if fact.feed >= 0 {
        evidence.events = contributions(fact.feed, fact.type, fold, instant)
      }
      facts.append(evidence)
    }
  }

  private func contributions(
    _ feed: Int, _ type: Type, _ fold: CustomerFold, _ instant: Int64
  ) -> [Explanation.Contribution] {
    let state = fold.evaluator.facts[feed]
    let range = state.members(at: instant)
    var members = Array(range)
    switch state.function {
    case .first, .firstTime: members = range.first.map { [$0] } ?? []
    case .last, .lastTime: members = range.last.map { [$0] } ?? []
    case .min, .max:
      let outcome = state.read(anewAt: instant, interner: fold.evaluator.interner)
      members = range.filter { outcome.status == .ok && state.values[$0] == outcome.bits }
    default: break
    }
    let field = fold.compiled.feeds[feed].targets.first?.field ?? -1
    let fieldType =
      field >= 0
      ? CompiledRulesBuilder.type(of: fold.compiled.fields[field].field.type) : Type.int
    return members.map { member in
      let line = lines[Int(state.events[member])]
      let adds: Value =
        switch state.function {
        case .count, .active: .int(1)
        case .firstTime, .lastTime: .timestamp(ScalarValue.timestamp(state.occurred[member]))
        default:
          ScalarValue.value(
            state.values[member], fieldType, interner: fold.evaluator.interner)
        }
      return Explanation.Contribution(
        position: line.position, id: line.id, at: line.occurred, type: line.type, adds: adds)
    }
  }

  private func traceConsidered(_ condition: Int, _ fold: CustomerFold, _ instant: Int64) {
    let compiled = fold.compiled
    let above =
      compiled.isFirstMatch
      ? Array(compiled.conditions.indices) : compiled.leaving[fold.stage]
    for other in above {
      if other == condition { break }
      let root = compiled.conditions[other].root
      guard root >= 0 else { continue }
      considered.append(
        Explanation.Considered(
          id: compiled.conditionName(other),
          value: known(fold.evaluator.evaluate(root, at: instant), .bool, fold)))
    }
  }
}
