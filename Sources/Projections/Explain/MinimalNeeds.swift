import CEL

/// What a condition asks of any set of events for which it holds, so that sets that are too small are not folded one by one.
///
/// It asks for too little, never for too much: what it does not understand asks for nothing, and windows are taken as endless.
indirect enum MinimalNeeds {
  case nothing
  /// So many of the events that are set.
  case count([Bool], Int)
  /// Events whose values, 0 where there is none or it is negative, add up to at least so much.
  case sum([Int64], Int64)
  case all([MinimalNeeds])
  case any([MinimalNeeds])

  /// How many things are asked for.
  var weight: Int {
    switch self {
    case .nothing: 0
    case .count, .sum: 1
    case .all(let needs), .any(let needs): needs.reduce(1) { $0 + $1.weight }
    }
  }

  /// Without what asks for nothing.
  var simplified: MinimalNeeds {
    func isNothing(_ needs: MinimalNeeds) -> Bool {
      if case .nothing = needs { true } else { false }
    }
    switch self {
    case .nothing, .count, .sum: return self
    case .all(let needs):
      let left = needs.map(\.simplified).filter { !isNothing($0) }
      return left.isEmpty ? .nothing : left.count == 1 ? left[0] : .all(left)
    case .any(let needs):
      let left = needs.map(\.simplified)
      if left.contains(where: isNothing) { return .nothing }
      return left.count == 1 ? left[0] : .any(left)
    }
  }

  /// Whether `chosen`, the events of `others` and no more than `room` of them, may be enough.
  func canBeMet(_ chosen: [Int], room: Int, others: ArraySlice<Int>) -> Bool {
    switch self {
    case .nothing: return true
    case .all(let needs):
      return needs.allSatisfy { $0.canBeMet(chosen, room: room, others: others) }
    case .any(let needs):
      return needs.contains { $0.canBeMet(chosen, room: room, others: others) }
    case .count(let feeds, let wanted):
      var missing = wanted - chosen.count { feeds[$0] }
      if missing <= 0 { return true }
      if missing > room { return false }
      for other in others where feeds[other] {
        missing -= 1
        if missing == 0 { return true }
      }
      return false
    case .sum(let values, let wanted):
      return canReach(values, wanted, chosen, room, others)
    }
  }

  private func canReach(
    _ values: [Int64], _ wanted: Int64, _ chosen: [Int], _ room: Int, _ others: ArraySlice<Int>
  ) -> Bool {
    var sum = 0.0
    for event in chosen { sum += Double(max(0, values[event])) }
    // Nothing is said of sums that a double does not hold.
    if Double(wanted).magnitude > 4e15 || sum.magnitude > 4e15 { return true }
    if sum >= Double(wanted) { return true }
    var largest: [Int64] = []
    for other in others where values[other] > 0 {
      if largest.count < room {
        largest.append(values[other])
        largest.sort()
      } else if let least = largest.first, values[other] > least {
        largest[0] = values[other]
        largest.sort()
      }
    }
    for value in largest { sum += Double(value) }
    return sum >= Double(wanted)
  }
}

/// Reads the needs of conditions.
struct MinimalNeedsReader {
  private let compiled: CompiledRules
  private let events: CustomerEvents
  private var evaluator: ProgramEvaluator
  private var lowered: LoweredExpression

  /// What a row asks for: its condition, and that its stage was come to before.
  ///
  /// - Parameter fold: one that has loaded the events.
  static func needs(_ fold: CustomerFold, of row: FoldRow) -> MinimalNeeds {
    if row.transition < 0 { return .nothing }
    let taken = condition(Int(fold.compiled.isFirstMatch ? row.to : row.transition), fold)
    if fold.compiled.isFirstMatch { return taken.simplified }
    return MinimalNeeds.all([taken, reaching(Int(row.from), fold, [])]).simplified
  }

  private static func condition(_ condition: Int, _ fold: CustomerFold) -> MinimalNeeds {
    var reader = MinimalNeedsReader(fold, condition: condition)
    return reader?.needs() ?? .nothing
  }

  /// What it takes to come to a stage at all, by stages that are not visited yet.
  private static func reaching(
    _ stage: Int, _ fold: CustomerFold, _ visited: Set<Int>
  ) -> MinimalNeeds {
    if stage == 0 || visited.count > 3 { return .nothing }
    var ways: [MinimalNeeds] = []
    let visited = visited.union([stage])
    for (number, transition) in fold.compiled.transitions.enumerated()
    where transition.to == stage {
      let before = transition.from.filter { !visited.contains($0) }
      if before.isEmpty { continue }
      let there = MinimalNeeds.any(before.map { reaching($0, fold, visited) })
      ways.append(.all([condition(number, fold), there]).simplified)
    }
    return MinimalNeeds.any(ways).simplified
  }

  private init?(_ fold: CustomerFold, condition: Int) {
    guard let lowered = fold.compiled.conditions[condition].lowered else { return nil }
    compiled = fold.compiled
    events = fold.events
    evaluator = fold.evaluator
    self.lowered = lowered
  }

  private mutating func needs() -> MinimalNeeds { needs(lowered.checked.expression) }

  private mutating func needs(_ expression: Expression) -> MinimalNeeds {
    guard case .call(let name, nil, let operands) = expression.kind, operands.count == 2 else {
      return .nothing
    }
    switch name {
    case "_&&_": return .all([needs(operands[0]), needs(operands[1])])
    case "_||_": return .any([needs(operands[0]), needs(operands[1])])
    case "_>=_", "_>_", "_==_": return comparison(operands[0], name, operands[1])
    case "_<=_": return comparison(operands[1], "_>=_", operands[0])
    case "_<_": return comparison(operands[1], "_>_", operands[0])
    default: return .nothing
    }
  }

  private mutating func comparison(
    _ greater: Expression, _ name: String, _ less: Expression
  ) -> MinimalNeeds {
    let floor = floor(greater, name, less)
    // Whatever the relation: without a value the comparison is an error, and does not hold.
    return .all([floor, someValue(greater), someValue(less)])
  }

  private mutating func floor(
    _ greater: Expression, _ name: String, _ less: Expression
  ) -> MinimalNeeds {
    guard let fact = aggregate(greater), var wanted = constant(less) else { return .nothing }
    if name == "_>_" {
      if wanted == Int64.max { return .nothing }
      wanted += 1
    }
    switch fact.aggregate.function {
    case .count, .distinct, .active:
      return wanted <= 0 ? .nothing : .count(feeds(fact.feed), Int(wanted))
    case .sum:
      guard let type = compiled.fieldType(ofFeed: fact.feed), type == .money || type == .int else {
        return .nothing
      }
      return wanted <= 0 ? .nothing : .sum(values(fact.feed), wanted)
    default: return .nothing
    }
  }

  /// A fact without default that may be unset needs an event, also inside of `since`.
  private func someValue(_ expression: Expression) -> MinimalNeeds {
    if case .call("since", _, let arguments) = expression.kind, let instant = arguments.first {
      return someValue(instant)
    }
    guard let fact = aggregate(expression), fact.hasNoDefault else { return .nothing }
    switch fact.aggregate.function {
    case .count, .sum, .distinct, .active: return .nothing
    default: return .count(feeds(fact.feed), 1)
    }
  }

  private func aggregate(
    _ expression: Expression
  ) -> (aggregate: Rules.Aggregate, feed: Int, hasNoDefault: Bool)? {
    guard let name = lowered.checked.references[expression.id] else { return nil }
    guard let index = compiled.rules.fact(named: name),
      case .aggregate(let aggregate) = compiled.rules.facts[index].kind
    else { return nil }
    let hasNoDefault = compiled.rules.facts[index].defaultValue == nil
    return (aggregate, compiled.facts[index].feed, hasNoDefault)
  }

  /// A whole number or an amount that is the same at any time.
  private mutating func constant(_ expression: Expression) -> Int64? {
    switch expression.kind {
    case .literal: break
    case .call("money", nil, let arguments), .call("-_", nil, let arguments):
      guard case .literal? = arguments.first?.kind, arguments.count == 1 else { return nil }
    default: return nil
    }
    switch lowered.checked.types[expression.id] {
    case .int, .money: break
    default: return nil
    }
    let node = lowered.nodeOf[expression.id]
    guard node >= 0 else { return nil }
    let outcome = evaluator.evaluate(node, at: events.occurred.first ?? 0)
    return outcome.status == .ok ? outcome.bits : nil
  }

  private func values(_ feed: Int) -> [Int64] {
    (0..<events.count).map { event in
      var sum: Int64 = 0
      for number in 0..<events.operationCount(event) {
        let operation = events.operation(event, number)
        if compiled.feeds(of: operation).contains(feed) {
          sum = sum.addingReportingOverflow(operation.value).partialValue
        }
      }
      return sum
    }
  }

  private func feeds(_ feed: Int) -> [Bool] {
    (0..<events.count).map { event in
      (0..<events.operationCount(event)).contains {
        compiled.feeds(of: events.operation(event, $0)).contains(feed)
      }
    }
  }
}
