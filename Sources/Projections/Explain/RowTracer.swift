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
    var moments = Moments(fold.evaluator, before, instant, isTimer: event < 0)
    if let lowered = compiledCondition.lowered {
      term = Self.makeTerm(lowered.checked.expression, lowered, &moments)
    }
    traceFacts(compiledCondition.root, fold, &moments)
    traceConsidered(condition, fold, &moments)
  }

  /// What nodes are now, and what they were before the event, or one microsecond before a timer.
  private struct Moments {
    private var now: Evaluator
    private var before: Evaluator
    let instant: Int64
    private let earlier: Int64

    init(_ evaluator: Evaluator, _ state: State?, _ instant: Int64, isTimer: Bool) {
      now = evaluator
      before = evaluator
      self.instant = instant
      earlier = isTimer && state != nil ? instant - 1 : instant
      guard let state else { return }
      before.facts = state.facts
      before.stageName = state.name
      before.stagePrevious = state.previous
      before.stageEnteredAt = state.enteredAt
      before.readsAnew = true
      before.stateChanged()
    }

    var interner: Interner { now.interner }

    mutating func value(_ node: Int32, _ type: Type) -> Explanation.Known {
      let outcome = now.evaluate(node, at: instant)
      return Self.known(outcome, type, now.interner)
    }

    mutating func before(_ node: Int32, _ type: Type) -> Explanation.Known {
      let outcome = before.evaluate(node, at: earlier)
      return Self.known(outcome, type, before.interner)
    }

    private static func known(
      _ outcome: Outcome, _ type: Type, _ interner: Interner
    ) -> Explanation.Known {
      switch outcome.status {
      case .ok: .value(ScalarValue.value(outcome.bits, type, interner: interner))
      case .unset: .unset
      case .error: .error
      }
    }
  }

  private static func makeTerm(
    _ expression: Expression, _ lowered: LoweredExpression, _ moments: inout Moments
  ) -> Explanation.Term? {
    let node = lowered.nodeOf[expression.id]
    let type = lowered.checked.types[expression.id]
    guard node >= 0, Lowering.isScalar(type) else { return nil }
    let bytes = Array(lowered.checked.source.utf8)
    let text = String(
      decoding: bytes[expression.range.clamped(to: 0..<bytes.count)], as: UTF8.self)
    var arguments: [Explanation.Term] = []
    if lowered.checked.references[expression.id] == nil {
      for operand in operands(of: expression) {
        if case .literal = operand.kind { continue }
        if let term = makeTerm(operand, lowered, &moments) {
          arguments.append(term)
        }
      }
    }
    return Explanation.Term(
      text: text, type: type, value: moments.value(node, type),
      before: moments.before(node, type), arguments: arguments)
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

  private func traceFacts(_ root: Int32, _ fold: CustomerFold, _ moments: inout Moments) {
    var reached: Set<Int32> = []
    func visit(_ node: Int32) {
      guard node >= 0, reached.insert(node).inserted else { return }
      fold.compiled.program.forEachOperand(of: node) { visit($0) }
    }
    visit(root)
    for (index, fact) in fold.compiled.facts.enumerated() where reached.contains(fact.root) {
      var evidence = Explanation.FactEvidence(
        name: fold.compiled.rules.facts[index].name, type: fact.type,
        value: moments.value(fact.root, fact.type),
        before: moments.before(fact.root, fact.type), events: [])
      if fact.feed >= 0 {
        evidence.events = contributions(fact.feed, fold, moments.instant)
      }
      facts.append(evidence)
    }
  }

  private func contributions(
    _ feed: Int, _ fold: CustomerFold, _ instant: Int64
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

  private func traceConsidered(
    _ condition: Int, _ fold: CustomerFold, _ moments: inout Moments
  ) {
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
          id: compiled.conditionName(other), value: moments.value(root, .bool)))
    }
  }
}
