import CEL

/// What more of a fact a condition asks for.
struct WhyNotDemand: Equatable {
  enum Kind: Equatable {
    /// So many events more.
    case count(Int64)
    /// So many events more whose field has values that were not there before.
    case fresh(Int64)
    /// Events whose field adds up to so much, in minor units or as a whole number.
    case sum(Int64)
    /// An event whose field has this value, as JSON.
    case value(String)
  }
  /// Index of the fact.
  var fact: Int
  /// Index of one of its aliases.
  var alias: Int
  var kind: Kind
}

/// Reads out of conditions that do not hold what events would make them hold. What only time brings asks for nothing.
///
/// Ways are guesses until they are folded; what is not understood is noted.
struct WhyNotDemandReader {
  /// All of them together; a way for each alternative.
  typealias Way = [WhyNotDemand]

  static let limit = 24
  let compiled: CompiledRules
  private var evaluator: ProgramEvaluator
  private let instant: Int64
  /// Sub-expressions that only guesses were made of.
  private(set) var notUnderstood: [String] = []

  /// - Parameter fold: one that has come to `instant`.
  init(_ fold: CustomerFold, at instant: Int64) {
    compiled = fold.compiled
    evaluator = fold.evaluator
    evaluator.readsAnew = true
    evaluator.limit = instant
    evaluator.stateChanged()
    self.instant = instant
  }

  /// Ways to make a condition hold, or not hold.
  mutating func ways(_ lowered: LoweredExpression, holds: Bool) -> [Way] {
    ways(lowered.checked.expression, lowered, holds)
  }

  static func product(_ left: [Way], _ right: [Way]) -> [Way] {
    var result: [Way] = []
    for way in left {
      for other in right where result.count < limit {
        let both = way + other.filter { !way.contains($0) }
        if !result.contains(both) { result.append(both) }
      }
    }
    return result
  }

  private mutating func ways(
    _ expression: Expression, _ lowered: LoweredExpression, _ wanted: Bool
  ) -> [Way] {
    if isTrue(expression, lowered) == wanted { return [[]] }
    guard case .call(let name, nil, let operands) = expression.kind else {
      return leaf(expression, lowered, wanted)
    }
    switch name {
    case "!_": return ways(operands[0], lowered, !wanted)
    case "_&&_", "_||_":
      let left = ways(operands[0], lowered, wanted)
      let right = ways(operands[1], lowered, wanted)
      if (name == "_&&_") == wanted { return Self.product(left, right) }
      return Array((left + right.filter { !left.contains($0) }).prefix(Self.limit))
    case "_?_:_":
      let first = Self.product(
        ways(operands[0], lowered, true), ways(operands[1], lowered, wanted))
      let second = Self.product(
        ways(operands[0], lowered, false), ways(operands[2], lowered, wanted))
      return Array((first + second).prefix(Self.limit))
    case "@in":
      guard wanted, case .list(let elements) = operands[1].kind else { break }
      return elements.flatMap { comparison(operands[0], "_==_", $0, lowered) ?? [[]] }
    default:
      if let relation = wanted ? name : Self.negated[name],
        let found = comparison(operands[0], relation, operands[1], lowered)
          ?? Self.turned[relation].flatMap({ comparison(operands[1], $0, operands[0], lowered) })
      {
        return found
      }
    }
    return leaf(expression, lowered, wanted)
  }

  private static let negated = [
    "_>=_": "_<_", "_>_": "_<=_", "_<=_": "_>_", "_<_": "_>=_", "_==_": "_!=_", "_!=_": "_==_",
  ]
  private static let turned = [
    "_>=_": "_<=_", "_>_": "_<_", "_<=_": "_>=_", "_<_": "_>_", "_==_": "_==_", "_!=_": "_!=_",
  ]

  // MARK: Leaves

  /// What is no comparison of a fact with something fixed.
  private mutating func leaf(
    _ expression: Expression, _ lowered: LoweredExpression, _ wanted: Bool
  ) -> [Way] {
    if case .select(_, _, test: true) = expression.kind, wanted,
      let fact = facts(under: expression, lowered).first
    {
      return isAggregate(fact) ? events(fact, 1) : guesses(expression, lowered)
    }
    // A fact that is a condition itself.
    if let fact = fact(expression, lowered), let inner = compiled.facts[fact].lowered {
      return ways(inner, holds: wanted)
    }
    return guesses(expression, lowered)
  }

  /// One event, or two, for any of the facts that an expression reads; time alone where it reads none.
  private mutating func guesses(_ expression: Expression, _ lowered: LoweredExpression) -> [Way] {
    let facts = facts(under: expression, lowered)
    if !facts.isEmpty {
      let bytes = Array(lowered.checked.source.utf8)
      let text = String(
        decoding: bytes[expression.range.clamped(to: 0..<bytes.count)], as: UTF8.self)
      if !notUnderstood.contains(text) { notUnderstood.append(text) }
    }
    return [[]] + facts.flatMap { events($0, 1) + events($0, 2) }.prefix(Self.limit - 1)
  }

  /// Nil where it is no fact, or age of one, against something fixed.
  private mutating func comparison(
    _ subject: Expression, _ relation: String, _ limit: Expression, _ lowered: LoweredExpression
  ) -> [Way]? {
    guard Self.isFixed(limit) else { return nil }
    if case .call("since", _, let arguments) = subject.kind, let instant = arguments.first,
      let fact = fact(instant, lowered), isAggregate(fact)
    {
      // A new event makes an age small; only time makes it large.
      let isUnset = outcome(instant, lowered)?.status == .unset
      let wantsSmall = relation == "_<_" || relation == "_<=_"
      return isUnset || wantsSmall ? events(fact, 1) : [[]]
    }
    if case .call("in_stage", _, _) = subject.kind { return [[]] }
    guard let fact = fact(subject, lowered), let now = outcome(subject, lowered),
      case .aggregate(let aggregate) = compiled.rules.facts[fact].kind,
      let wanted = outcome(limit, lowered), wanted.status == .ok
    else { return nil }
    let type = lowered.checked.types[limit.id]
    switch aggregate.function {
    case .count, .distinct, .active, .sum:
      guard let missing = missing(now, relation, wanted.bits, type, fact) else { return nil }
      if missing <= 0 { return [[]] }
      switch aggregate.function {
      case .sum: return each(fact, .sum(missing))
      case .distinct: return each(fact, .fresh(missing))
      case .active: return each(fact, .count(1))
      default: return missing > 10_000 ? [[]] : each(fact, .count(missing))
      }
    case .last, .max, .min, .first:
      let values = values(relation, wanted.bits, type, aggregate)
      return values.isEmpty ? nil : values.flatMap { each(fact, .value($0)) }
    case .firstTime, .lastTime: return events(fact, 1)
    case .avg: return nil
    }
  }

  /// How much more a number has to be; 0 where more of it does not help.
  private func missing(
    _ now: TimedOutcome, _ relation: String, _ wanted: Int64, _ type: Type, _ fact: Int
  ) -> Int64? {
    switch (compiled.facts[fact].type, type) {
    case (.int, .int), (.money, .money), (.money, .int): break
    default: return nil
    }
    guard now.status == .ok else { return nil }
    let (difference, overflow) = wanted.subtractingReportingOverflow(now.bits)
    if overflow { return nil }
    switch relation {
    case "_>=_", "_==_": return difference
    case "_>_": return difference == Int64.max ? nil : difference + 1
    case "_!=_": return 1
    default: return 0
    }
  }

  /// Values of a field for which the comparison holds; the nearest ones.
  private func values(
    _ relation: String, _ limit: Int64, _ type: Type, _ aggregate: Rules.Aggregate
  ) -> [String] {
    guard let field = aggregate.field, let alias = aggregate.aliases.first,
      let declared = compiled.rules.aliases[alias].fields.first(where: { $0.name == field })
    else { return [] }
    let value = ScalarValue.value(limit, type, interner: evaluator.interner)
    let literal = WhyNotLiteral(compiled.rules)
    let near = literal.near(value, relation, declared.type)
    // What is only to be another may be any other.
    return relation == "_!=_" ? near + [literal.any(declared.type, at: instant)] : near
  }

  // MARK: What names stand for

  private func each(_ fact: Int, _ kind: WhyNotDemand.Kind) -> [Way] {
    guard case .aggregate(let aggregate) = compiled.rules.facts[fact].kind else { return [] }
    return aggregate.aliases.map { [WhyNotDemand(fact: fact, alias: $0, kind: kind)] }
  }

  private func events(_ fact: Int, _ count: Int64) -> [Way] { each(fact, .count(count)) }

  private func isAggregate(_ fact: Int) -> Bool { compiled.facts[fact].feed >= 0 }

  private func fact(_ expression: Expression, _ lowered: LoweredExpression) -> Int? {
    guard let name = lowered.checked.references[expression.id] else { return nil }
    return compiled.rules.fact(named: name)
  }

  /// Aggregates that an expression reads, through `expr` facts too.
  private func facts(under expression: Expression, _ lowered: LoweredExpression) -> [Int] {
    let node = lowered.nodeOf[expression.id]
    guard node >= 0 else { return [] }
    let feeds = compiled.program.feeds(under: node)
    return compiled.facts.indices.filter { fact in
      compiled.facts[fact].feed >= 0 && feeds.contains(compiled.facts[fact].feed)
    }
  }

  static func isFixed(_ expression: Expression) -> Bool {
    switch expression.kind {
    case .literal: true
    case .call(let name, nil, let arguments):
      ["days", "hours", "weeks", "money", "duration", "timestamp", "-_"].contains(name)
        && arguments.allSatisfy { isFixed($0) }
    default: false
    }
  }

  private mutating func outcome(
    _ expression: Expression, _ lowered: LoweredExpression
  ) -> TimedOutcome? {
    let node = lowered.nodeOf[expression.id]
    return node >= 0 ? evaluator.evaluate(node, at: instant) : nil
  }

  /// An error is neither.
  private mutating func isTrue(_ expression: Expression, _ lowered: LoweredExpression) -> Bool? {
    guard let outcome = outcome(expression, lowered), outcome.status == .ok else { return nil }
    return outcome.isTrue
  }
}
