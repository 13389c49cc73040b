import CEL

/// Two conditions that came out differently, narrowed to the smallest part that explains it.
struct ClauseFinder {
  typealias Term = Explanation.Term
  typealias Pair = BothSides<Term?>

  /// - Parameter pair: both there, and one of them alone holds.
  static func narrow(_ pair: Pair) -> Pair {
    guard let a = pair.a, let b = pair.b else { return pair }
    if let negated = narrowNegation(a, b) { return negated }
    if let chosen = narrowChoice(a, b) { return chosen }
    guard let name = logicalName(a, b) else { return pair }
    let (left, right) = (operands(of: a, name), operands(of: b, name))
    var (alone, others) = (left.map(\.self), right.map(\.self))
    for (one, other) in paired(left, right) {
      alone.removeAll { $0.expression.id == one.expression.id }
      others.removeAll { $0.expression.id == other.expression.id }
      // Of `&&` and `||` alike the part that holds on the side where the whole does is the one.
      if holds(one) != holds(other) && holds(one) == holds(a) {
        return narrow(Pair(a: one, b: other))
      }
    }
    // What one side alone asks for.
    let isAnd = name == "_&&_"
    if let extra = alone.first(where: { holds($0) != isAnd && holds(a) != isAnd }) {
      return Pair(a: extra, b: nil)
    }
    if let extra = others.first(where: { holds($0) != isAnd && holds(b) != isAnd }) {
      return Pair(a: nil, b: extra)
    }
    return pair
  }

  static func holds(_ term: Term) -> Bool { holds(term.value) }

  static func holds(_ known: Explanation.Known) -> Bool {
    if case .value(.bool(true)) = known { true } else { false }
  }

  /// What a part reads: the operands of a comparison that are not constant, else the part itself.
  static func values(of term: Term) -> [Divergence.Value] {
    let operands = term.arguments.filter { !isConstant($0) }
    let read = operands.isEmpty ? [term] : operands
    return read.map { Divergence.Value(text: $0.text, value: $0.value) }
  }

  /// `days(90)`.
  private static func isConstant(_ term: Term) -> Bool {
    guard case .call(_, _, let arguments) = term.expression.kind, term.arguments.isEmpty else {
      return false
    }
    return !arguments.isEmpty
      && arguments.allSatisfy { if case .literal = $0.kind { true } else { false } }
  }

  // MARK: Operators

  private static func call(_ term: Term) -> String? {
    if case .call(let name, nil, _) = term.expression.kind { name } else { nil }
  }

  private static func narrowNegation(_ a: Term, _ b: Term) -> Pair? {
    guard call(a) == "!_", call(b) == "!_", let one = a.arguments.first,
      let other = b.arguments.first, holds(one) != holds(other)
    else { return nil }
    return narrow(Pair(a: one, b: other))
  }

  /// `condition ? one : other`.
  private static func narrowChoice(_ a: Term, _ b: Term) -> Pair? {
    guard call(a) == "_?_:_", call(b) == "_?_:_", a.arguments.count == 3, b.arguments.count == 3
    else { return nil }
    let places = holds(a.arguments[0]) != holds(b.arguments[0]) ? [0] : [1, 2]
    for place in places {
      let (one, other) = (a.arguments[place], b.arguments[place])
      if holds(one) != holds(other) && (place == 0 || holds(one) == holds(a)) {
        return narrow(Pair(a: one, b: other))
      }
    }
    return nil
  }

  /// The operator by which both are taken apart; a condition without one is a list of one.
  private static func logicalName(_ a: Term, _ b: Term) -> String? {
    let logical = [a, b].compactMap(call).filter { $0 == "_&&_" || $0 == "_||_" }
    guard let name = logical.first, logical.allSatisfy({ $0 == name }) else { return nil }
    return name
  }

  private static func operands(of term: Term, _ name: String) -> [Term] {
    call(term) == name ? term.arguments.flatMap { operands(of: $0, name) } : [term]
  }

  // MARK: Pairs

  /// Parts that are each other's: the same text, else the same but for constants, else the same operator; where as many are
  /// left on both sides, in their order.
  private static func paired(_ left: [Term], _ right: [Term]) -> [(Term, Term)] {
    var pairs: [(Term, Term)] = []
    var (left, right) = (left, right)
    for key in [\Term.text, \Term.shape] {
      var rest: [Term] = []
      for term in left {
        if let place = right.firstIndex(where: { $0[keyPath: key] == term[keyPath: key] }) {
          pairs.append((term, right.remove(at: place)))
        } else {
          rest.append(term)
        }
      }
      left = rest
    }
    return left.count == right.count ? pairs + zip(left, right) : pairs
  }
}

extension Explanation.Term {
  /// The text with constants left out, blanks too: `purchases_365d>=#`.
  fileprivate var shape: String {
    var shape = ""
    Self.append(expression, to: &shape)
    return shape
  }

  private static func append(_ expression: Expression, to shape: inout String) {
    switch expression.kind {
    case .literal: shape += "#"
    case .identifier(let name): shape += name
    case .select(let operand, let field, let isTest):
      append(operand, to: &shape)
      shape += isTest ? "?\(field)" : ".\(field)"
    case .call(let name, let target, let arguments):
      if let target {
        append(target, to: &shape)
        shape += "."
      }
      shape += "\(name)("
      for argument in arguments {
        append(argument, to: &shape)
        shape += ","
      }
      shape += ")"
    case .list(let elements): for element in elements { append(element, to: &shape) }
    case .map, .message, .comprehension: shape += "\(expression.id)"
    }
  }
}
