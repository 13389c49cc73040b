import CEL

/// Finds where a condition holds, for conditions that compare one term with constants.
///
/// The term is a sum of facts, `now` and `stage.entered_at` with whole factors: `since(p) >= days(90)` and
/// `p + days(90) <= now` are the same. `expr` facts are spelled out. What is beyond that has no answer.
struct RegionFinder {
  let rules: Rules
  /// Where the customer stands when the condition is looked at.
  var state: State
  /// Parts looked at so far; beyond the limit nothing has an answer.
  private(set) var steps = 0
  private var expression: CheckedExpression
  private static let stepLimit = 50_000

  struct State: Hashable {
    var stage: String
    /// Nil where it is not known.
    var previous: String?
    /// The stage was entered at this very instant.
    var isEntered: Bool
  }

  init(_ rules: Rules, _ condition: Rules.Condition, _ state: State) {
    self.rules = rules
    self.state = state
    expression = condition.expression
  }

  /// Nil where there is no answer.
  mutating func region() -> Region? { region(expression.expression) }

  private mutating func region(_ node: Expression) -> Region? {
    steps += 1
    if steps > Self.stepLimit { return nil }
    if let name = expression.references[node.id] { return region(ofName: name, node) }
    switch node.kind {
    case .literal(.bool(let flag)): return flag ? .everywhere : .nowhere
    case .call("_&&_", nil, let operands):
      return combine(operands) {
        $0.and($1)
      } stop: {
        $0.isEmpty
      }
    case .call("_||_", nil, let operands):
      return combine(operands) {
        $0.or($1)
      } stop: {
        $0.isEverywhere
      }
    case .call("!_", nil, let operands): return region(operands[0])?.complement
    case .call("_?_:_", nil, let operands):
      guard let choice = region(operands[0]) else { return nil }
      if choice.isEverywhere { return region(operands[1]) }
      if choice.isEmpty { return region(operands[2]) }
      guard let first = region(operands[1]), let second = region(operands[2]) else { return nil }
      guard let left = choice.and(first), let right = choice.complement.and(second) else {
        return nil
      }
      return left.or(right)
    case .call("@in", nil, let operands):
      guard case .list(let members) = operands[1].kind else { return nil }
      var union = Region.nowhere
      for member in members {
        guard let equal = comparison("_==_", operands[0], member), let sum = union.or(equal)
        else { return nil }
        union = sum
      }
      return union
    case .call(let name, nil, let operands) where operands.count == 2:
      return comparison(name, operands[0], operands[1])
    default: return nil
    }
  }

  /// One side may decide alone, so that the other need have no answer.
  private mutating func combine(
    _ operands: [Expression], _ join: (Region, Region) -> Region?, stop: (Region) -> Bool
  ) -> Region? {
    let left = region(operands[0])
    if let left, stop(left) { return left }
    let right = region(operands[1])
    if let right, stop(right) { return right }
    guard let left, let right else { return nil }
    return join(left, right)
  }

  private mutating func region(ofName name: String, _ node: Expression) -> Region? {
    if case .select(_, _, true) = node.kind {
      guard let fact = fact(name), case .aggregate(let aggregate) = fact.kind else { return nil }
      let isAlwaysSet: Bool =
        switch aggregate.function {
        case .count, .sum, .distinct, .active: true
        default: fact.defaultValue != nil
        }
      return isAlwaysSet ? .everywhere : nil
    }
    guard let fact = fact(name), fact.type == .bool else { return nil }
    if case .expression(let condition) = fact.kind {
      return within(condition) { $0.region($0.expression.expression) }
    }
    return Region(term: term(name: fact.name, .bool, 0...1), intervals: [1...1])
  }

  private func fact(_ name: String) -> Rules.Fact? {
    rules.fact(named: name).map { rules.facts[$0] }
  }

  private mutating func within<Answer>(
    _ condition: Rules.Condition, _ body: (inout RegionFinder) -> Answer
  ) -> Answer {
    let outer = expression
    expression = condition.expression
    defer { expression = outer }
    return body(&self)
  }

  // MARK: Comparisons

  private mutating func comparison(
    _ name: String, _ left: Expression, _ right: Expression
  ) -> Region? {
    guard let comparison = ProgramNode.Comparison(function: name) else { return nil }
    let types = [expression.types[left.id], expression.types[right.id]]
    if types.allSatisfy({ $0 == .string }) { return texts(comparison, left, right) }
    if types.allSatisfy({ $0 == .bool }) {
      guard let a = region(left), let b = region(right), let both = a.and(b),
        let neither = a.complement.and(b.complement), let same = both.or(neither)
      else { return nil }
      return comparison == .equal ? same : comparison == .notEqual ? same.complement : nil
    }
    if types.contains(.double) { return doubles(comparison, left, right) }
    guard let a = linear(left), let b = linear(right), let difference = a.minus(b) else {
      return nil
    }
    return region(comparison, difference, types[0])
  }

  /// `difference` compared with 0.
  private func region(
    _ comparison: ProgramNode.Comparison, _ difference: Linear, _ type: Type
  ) -> Region? {
    // `now` comes first and counts upwards, so that an age is one.
    let names = difference.factors.keys.sorted {
      $0 == "now" ? $1 != "now" : $1 != "now" && $0 < $1
    }
    guard let first = names.first, let leading = difference.factors[first] else {
      return comparison.holds(difference.constant, 0) ? .everywhere : .nowhere
    }
    var divisor: Int64 = 0
    for name in names {
      guard let factor = difference.factors[name], factor != .min else { return nil }
      divisor = Self.commonDivisor(divisor, abs(factor))
    }
    if leading < 0 { divisor = -divisor }
    guard difference.constant != .min, divisor != 0 else { return nil }
    let bound = -difference.constant
    let floor = ScalarValue.floorDivide(bound, abs(divisor)).0
    let isWhole = bound % divisor == 0
    var low = floor
    var high = isWhole ? floor : floor + 1
    if divisor < 0 {
      guard low > .min, high > .min else { return nil }
      (low, high) = (-high, -low)
    }
    let kind: Region.Term.Kind =
      switch type {
      case .money: .money
      case .timestamp, .duration: .duration
      default: .int
      }
    let term = term(
      names.compactMap { name in
        difference.factors[name].map { .init(name: name, factor: $0 / divisor) }
      }, kind)
    let turned = divisor < 0 ? comparison.turned : comparison
    return Region(term: term, intervals: turned.intervals(floor: low, ceiling: high))
  }

  private static func commonDivisor(_ a: Int64, _ b: Int64) -> Int64 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  private func term(
    _ factors: [Region.Term.Factor], _ kind: Region.Term.Kind
  ) -> Region.Term {
    var kind = kind
    var domain = Int64.min...Int64.max
    if factors.count == 1, let factor = factors.first {
      if kind == .duration, fact(factor.name)?.type == .timestamp || factor.name == "now" {
        kind = .instant
        domain = Microseconds.firstInstant...Microseconds.lastInstant
      }
      if case .aggregate(let aggregate)? = fact(factor.name)?.kind,
        [.count, .distinct, .active].contains(aggregate.function)
      {
        domain = 0...Int64.max
      }
    }
    if factors.count == 2, kind == .duration, let past = age(factors), past {
      domain = 0...Int64.max
    }
    return Region.Term(factors: factors, kind: kind, domain: domain)
  }

  /// Whether two factors are the age of something that lies in the past; nil where they are no age.
  private func age(_ factors: [Region.Term.Factor]) -> Bool? {
    guard let now = factors.first(where: { $0.name == "now" }), now.factor == 1,
      let other = factors.first(where: { $0.name != "now" }), other.factor == -1
    else { return nil }
    if other.name == "stage.entered_at" { return true }
    guard case .aggregate(let aggregate)? = fact(other.name)?.kind else { return false }
    return aggregate.function == .firstTime || aggregate.function == .lastTime
  }

  private func term(
    name: String, _ kind: Region.Term.Kind, _ domain: ClosedRange<Int64> = Int64.min...Int64.max
  ) -> Region.Term {
    Region.Term(factors: [.init(name: name, factor: 1)], kind: kind, domain: domain)
  }

  // MARK: Sums

  /// A sum of names with whole factors.
  private struct Linear {
    var factors: [String: Int64] = [:]
    var constant: Int64 = 0

    func plus(_ other: Linear, times factor: Int64 = 1) -> Linear? {
      var result = self
      let (scaled, overflow) = other.constant.multipliedReportingOverflow(by: factor)
      let (sum, overflowed) = constant.addingReportingOverflow(scaled)
      if overflow || overflowed { return nil }
      result.constant = sum
      for (name, value) in other.factors {
        let (scaled, overflow) = value.multipliedReportingOverflow(by: factor)
        let (sum, overflowed) = (result.factors[name] ?? 0).addingReportingOverflow(scaled)
        if overflow || overflowed { return nil }
        result.factors[name] = sum == 0 ? nil : sum
      }
      return result
    }

    func minus(_ other: Linear) -> Linear? { plus(other, times: -1) }
  }

  private mutating func linear(_ node: Expression) -> Linear? {
    steps += 1
    if steps > Self.stepLimit { return nil }
    if let name = expression.references[node.id] { return linear(ofName: name) }
    if let bits = constant(node) { return Linear(constant: bits) }
    guard case .call(let name, nil, let operands) = node.kind else { return nil }
    switch name {
    case "since":
      guard let past = linear(operands[0]) else { return nil }
      return linear(ofName: "now")?.minus(past)
    case "in_stage":
      guard let entered = linear(ofName: "stage.entered_at") else { return nil }
      return linear(ofName: "now")?.minus(entered)
    case "_+_", "_-_":
      guard let left = linear(operands[0]), let right = linear(operands[1]) else { return nil }
      return left.plus(right, times: name == "_+_" ? 1 : -1)
    case "-_": return linear(operands[0]).flatMap { Linear().minus($0) }
    case "_*_":
      guard let left = linear(operands[0]), let right = linear(operands[1]) else { return nil }
      if left.factors.isEmpty { return Linear().plus(right, times: left.constant) }
      return right.factors.isEmpty ? Linear().plus(left, times: right.constant) : nil
    default: return nil
    }
  }

  private mutating func linear(ofName name: String) -> Linear? {
    if name == "now" { return Linear(factors: ["now": 1]) }
    // At the instant of entry the stage is as old as nothing.
    if name == "stage.entered_at" {
      return Linear(factors: [state.isEntered ? "now" : name: 1])
    }
    guard let fact = fact(name) else { return nil }
    switch fact.type {
    case .int, .money, .timestamp, .duration: break
    default: return nil
    }
    if case .expression(let condition) = fact.kind {
      return within(condition) { $0.linear($0.expression.expression) }
    }
    return Linear(factors: [fact.name: 1])
  }

  private func constant(_ node: Expression) -> Int64? {
    if case .literal(.int(let value)) = node.kind { return value }
    guard let value = value(node) else { return nil }
    switch value {
    case .int(let number), .money(let number): return number
    case .duration(let span): return ScalarValue.microseconds(span)
    case .timestamp(let instant): return ScalarValue.microseconds(instant)
    default: return nil
    }
  }

  /// The value of a part that reads nothing.
  private func value(_ node: Expression) -> Value? {
    switch node.kind {
    case .literal(let value): return value
    case .call(let name, nil, let operands)
    where ["days", "hours", "weeks", "duration", "timestamp", "double", "int"].contains(name):
      guard operands.allSatisfy({ if case .literal = $0.kind { true } else { false } }) else {
        return nil
      }
      let part = CheckedExpression(
        source: expression.source, expression: node, types: expression.types, references: [:])
      if case .success(let value) = part.evaluate({ _ in nil }) { return value }
      return nil
    default: return nil
    }
  }

  // MARK: Texts and doubles

  private mutating func texts(
    _ comparison: ProgramNode.Comparison, _ left: Expression, _ right: Expression
  ) -> Region? {
    guard comparison == .equal || comparison == .notEqual else { return nil }
    var region: Region?
    for (name, text) in [(left, right), (right, left)] {
      guard case .literal(.string(let wanted)) = text.kind,
        let name = expression.references[name.id]
      else { continue }
      switch name {
      case "stage.name": region = state.stage == wanted ? .everywhere : .nowhere
      case "stage.previous":
        region = state.previous.map { $0 == wanted ? .everywhere : .nowhere }
      default:
        guard let fact = fact(name), case .aggregate = fact.kind else { continue }
        // A number for each text: equal ones have equal numbers, which is all that is asked.
        let number = Int64(bitPattern: Self.number(wanted))
        region = Region(term: term(name: fact.name, .text), intervals: [number...number])
      }
    }
    return comparison == .equal ? region : region?.complement
  }

  /// FNV-1a.
  private static func number(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }

  /// A fact against a constant; doubles are numbered in their order.
  private func doubles(
    _ comparison: ProgramNode.Comparison, _ left: Expression, _ right: Expression
  ) -> Region? {
    for (name, constant, comparison) in [
      (left, right, comparison), (right, left, comparison.turned),
    ] {
      guard let name = expression.references[name.id], let fact = fact(name),
        case .aggregate = fact.kind, let bound = double(constant), bound.isFinite
      else { continue }
      if fact.type == .double {
        let number = Self.order(bound)
        return Region(
          term: term(name: fact.name, .double),
          intervals: comparison.intervals(floor: number, ceiling: number))
      }
      guard fact.type == .int, let low = Int64(exactly: bound.rounded(.down)),
        let high = Int64(exactly: bound.rounded(.up))
      else { return nil }
      return Region(
        term: term([.init(name: fact.name, factor: 1)], .int),
        intervals: comparison.intervals(floor: low, ceiling: high))
    }
    return nil
  }

  private func double(_ node: Expression) -> Double? {
    switch value(node) {
    case .double(let value): value
    case .int(let value): Double(exactly: value)
    default: nil
    }
  }

  private static func order(_ value: Double) -> Int64 {
    let bits = Int64(bitPattern: (value + 0).bitPattern)
    return bits < 0 ? Int64.min &- bits : bits
  }

  /// The double of a number of ``order(_:)``.
  static func double(ofOrder number: Int64) -> Double {
    Double(bitPattern: UInt64(bitPattern: number < 0 ? Int64.min &- number : number))
  }
}

extension ProgramNode.Comparison {
  /// What holds of the operands the other way round.
  fileprivate var turned: ProgramNode.Comparison {
    switch self {
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    default: self
    }
  }

  /// Where x holds beside `bound`, which need not be whole: `floor` and `ceiling` are its neighbours.
  fileprivate func intervals(floor: Int64, ceiling: Int64) -> [ClosedRange<Int64>] {
    let isWhole = floor == ceiling
    func below(_ end: Int64) -> [ClosedRange<Int64>] { [Int64.min...end] }
    func above(_ start: Int64) -> [ClosedRange<Int64>] { [start...Int64.max] }
    switch self {
    case .equal: return isWhole ? [floor...floor] : []
    case .notEqual:
      if !isWhole { return [Int64.min...Int64.max] }
      return (floor > .min ? below(floor - 1) : []) + (floor < .max ? above(floor + 1) : [])
    case .lessOrEqual: return below(floor)
    case .greaterOrEqual: return above(ceiling)
    case .less: return !isWhole ? below(floor) : floor > .min ? below(floor - 1) : []
    case .greater: return !isWhole ? above(ceiling) : floor < .max ? above(floor + 1) : []
    }
  }
}
