import CEL

/// What one condition came to, and what it was before: its sub-expressions, and the events behind its facts.
struct ConditionTrace {
  /// The state before the event at hand, or before a timer's settle.
  struct State {
    var facts: [FactState]
    var name: Int64
    var previous: Int64
    var enteredAt: Int64

    init(_ fold: CustomerFold) {
      facts = fold.evaluator.facts
      name = fold.evaluator.stageName
      previous = fold.evaluator.stagePrevious
      enteredAt = fold.evaluator.stageEnteredAt
    }
  }

  /// What nodes are now, and what they were before the event, or one microsecond before a timer.
  struct Moments {
    private var now: ProgramEvaluator
    private var before: ProgramEvaluator
    let instant: Int64
    private let earlier: Int64

    /// - Parameter readsAnew: windows have moved beyond `instant` since.
    init(
      _ evaluator: ProgramEvaluator, _ state: State?, _ instant: Int64, isTimer: Bool,
      readsAnew: Bool = false
    ) {
      now = evaluator
      before = evaluator
      if readsAnew {
        now.readsAnew = true
        now.stateChanged()
        before = now
      }
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

    mutating func value(_ node: Int32, _ type: Type) -> Explanation.Known {
      let outcome = now.evaluate(node, at: instant)
      return Self.known(outcome, type, now.interner)
    }

    mutating func before(_ node: Int32, _ type: Type) -> Explanation.Known {
      let outcome = before.evaluate(node, at: earlier)
      return Self.known(outcome, type, before.interner)
    }

    private static func known(
      _ outcome: TimedOutcome, _ type: Type, _ interner: Interner
    ) -> Explanation.Known {
      switch outcome.status {
      case .ok: .value(ScalarValue.value(outcome.bits, type, interner: interner))
      case .unset: .unset
      case .error: .error
      }
    }
  }

  static func term(
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
        if let term = Self.term(operand, lowered, &moments) {
          arguments.append(term)
        }
      }
    }
    return Explanation.Term(
      expression: expression, text: text, type: type, value: moments.value(node, type),
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

  /// The facts under a condition, with the events of `lines` that they rest on.
  static func facts(
    _ root: Int32, _ fold: CustomerFold, _ lines: [EventLine], _ moments: inout Moments
  ) -> [Explanation.FactEvidence] {
    var facts: [Explanation.FactEvidence] = []
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
        evidence.events = contributions(fact.feed, fold, lines, moments.instant)
      }
      evidence.leftOut =
        fold.result.leftOut.first { Int($0.fact) == index }.map { Int($0.events) } ?? 0
      facts.append(evidence)
    }
    return facts
  }

  private static func contributions(
    _ feed: Int, _ fold: CustomerFold, _ lines: [EventLine], _ instant: Int64
  ) -> [Explanation.Contribution] {
    let state = fold.evaluator.facts[feed]
    guard let list = state.list else { return [] }
    let range = state.members(at: instant)
    var members = Array(range)
    switch state.function {
    case .first, .firstTime: members = range.first.map { [$0] } ?? []
    case .last, .lastTime: members = range.last.map { [$0] } ?? []
    case .min, .max:
      let outcome = state.read(anewAt: instant, interner: fold.evaluator.interner)
      members = range.filter { outcome.status == .ok && list.value($0) == outcome.bits }
    default: break
    }
    let field = fold.compiled.feeds[feed].targets.first?.field ?? -1
    let fieldType =
      field >= 0
      ? fold.compiled.fields[field].field.type.celType : Type.int
    return members.map { member in
      let line = lines[Int(list.event(member))]
      let adds: Value =
        switch state.function {
        case .count, .active: .int(1)
        case .firstTime, .lastTime: .timestamp(ScalarValue.timestamp(list.occurred(member)))
        default:
          ScalarValue.value(
            list.value(member), fieldType, interner: fold.evaluator.interner)
        }
      return Explanation.Contribution(
        position: line.position, id: line.id, at: line.occurred, type: line.type, adds: adds,
        line: line)
    }
  }
}
