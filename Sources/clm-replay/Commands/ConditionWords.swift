import CEL
import Projections

/// Comparisons of rules in words: `at least 4 purchases within 365 days`.
struct ConditionWords {
  let rules: Rules
  let checked: CheckedExpression?
  let words: SpokenText

  init(_ rules: Rules, _ checked: CheckedExpression?) {
    self.rules = rules
    self.checked = checked
    words = SpokenText(rules)
  }

  /// A comparison in words, and the part of it whose value tells the rest; nil for what has no words of its own.
  func comparison(_ term: Explanation.Term) -> (text: String, subject: Explanation.Term)? {
    guard case .call(let name, nil, let operands) = term.expression.kind, operands.count == 2
    else { return nil }
    func argument(_ operand: Expression) -> Explanation.Term? {
      term.arguments.first { $0.expression.id == operand.id }
    }
    if name == "@in" {
      guard let subject = argument(operands[0]), let noun = noun(operands[0]),
        case .list(let elements) = operands[1].kind
      else { return nil }
      let texts = elements.compactMap { constant($0, nil)?.text }
      guard texts.count == elements.count else { return nil }
      return ("\(noun) is one of \(texts.joined(separator: ", "))", subject)
    }
    guard let relation = Relation(rawValue: name) else { return nil }
    if let limit = constant(operands[1], argument(operands[1])), let subject = argument(operands[0])
    {
      return sentence(operands[0], relation, limit).map { ($0, subject) }
    }
    if let limit = constant(operands[0], argument(operands[0])), let subject = argument(operands[1])
    {
      return sentence(operands[1], relation.turned, limit).map { ($0, subject) }
    }
    return nil
  }

  /// What a fact is: `the number of purchases within 365 days`; nil for an `expr`.
  func meaning(of name: String) -> String? { rules.facts.first { $0.name == name }.flatMap(noun) }

  // MARK: Sentences

  private enum Relation: String {
    case atLeast = "_>=_"
    case above = "_>_"
    case atMost = "_<=_"
    case below = "_<_"
    case equal = "_==_"
    case other = "_!=_"

    /// With the sides exchanged.
    var turned: Relation {
      switch self {
      case .atLeast: .atMost
      case .above: .below
      case .atMost: .atLeast
      case .below: .above
      case .equal, .other: self
      }
    }

    /// Before a number of things or a length of time.
    func before(length isLength: Bool) -> String {
      switch self {
      case .atLeast: "at least"
      case .above: "more than"
      case .atMost: "at most"
      case .below: isLength ? "less than" : "fewer than"
      case .equal: "exactly"
      case .other: "not exactly"
      }
    }

    /// Between a value and its limit.
    func between(_ type: Type) -> String {
      let isInstant = if case .timestamp = type { true } else { false }
      return switch self {
      case .atLeast: isInstant ? "at or after" : "at least"
      case .above: isInstant ? "after" : "above"
      case .atMost: isInstant ? "at or before" : "at most"
      case .below: isInstant ? "before" : "below"
      case .equal: "is"
      case .other: "is not"
      }
    }
  }

  private struct Constant {
    var text: String
    var isOne: Bool
  }

  private func sentence(
    _ subject: Expression, _ relation: Relation, _ limit: Constant
  ) -> String? {
    if case .call("since", _, let arguments) = subject.kind, let instant = arguments.first,
      let noun = noun(instant)
    {
      return "\(relation.before(length: true)) \(limit.text) since \(noun)"
    }
    if case .call("in_stage", _, _) = subject.kind {
      return "\(relation.before(length: true)) \(limit.text) in the stage"
    }
    if let fact = fact(subject), let things = things(fact) {
      let name = limit.isOne ? things.one : things.many
      return "\(relation.before(length: false)) \(limit.text) \(name)\(things.within)"
    }
    guard let noun = noun(subject), let type = checked?.types[subject.id] else { return nil }
    return "\(noun) \(relation.between(type)) \(limit.text)"
  }

  /// A text that says the same at any time.
  private func constant(_ expression: Expression, _ term: Explanation.Term?) -> Constant? {
    switch expression.kind {
    case .literal(let value):
      let isOne = if case .int(1) = value { true } else { false }
      // Beside an amount a bare 0 is one.
      return Constant(text: words.text(value), isOne: isOne)
    case .call(let name, nil, let arguments):
      let isClosed = arguments.allSatisfy { if case .literal = $0.kind { true } else { false } }
      guard isClosed, !arguments.isEmpty, let term, case .value(let value) = term.value,
        ["days", "hours", "weeks", "money", "duration", "timestamp", "-_"].contains(name)
      else { return nil }
      return Constant(text: words.text(value), isOne: false)
    default: return nil
    }
  }

  // MARK: What is compared

  private func fact(_ expression: Expression) -> Rules.Fact? {
    guard let name = checked?.references[expression.id] else { return nil }
    let short = name.hasPrefix("facts.") ? String(name.dropFirst("facts.".count)) : name
    return rules.facts.first { $0.name == short }
  }

  private func noun(_ expression: Expression) -> String? {
    if let fact = fact(expression) { return noun(fact) ?? fact.name }
    switch checked?.references[expression.id] {
    case "stage.name": return "the stage"
    case "stage.previous": return "the stage before"
    case "stage.entered_at": return "the entry into the stage"
    case "now": return "now"
    case let name?: return name
    case nil: return nil
    }
  }

  private func noun(_ fact: Rules.Fact) -> String? {
    guard case .aggregate(let aggregate) = fact.kind else { return nil }
    if let things = things(fact) { return "the number of \(things.many)\(things.within)" }
    let what = target(aggregate)
    let kind =
      switch aggregate.function {
      case .sum: "total"
      case .min: "lowest"
      case .max: "highest"
      case .avg: "average"
      case .first, .firstTime: "first"
      case .last, .lastTime: "last"
      case .count, .distinct, .active: ""
      }
    return "the \(kind) \(what)\(within(aggregate))"
  }

  /// What a fact counts.
  private func things(_ fact: Rules.Fact) -> (one: String, many: String, within: String)? {
    guard case .aggregate(let aggregate) = fact.kind else { return nil }
    let names = aggregate.aliases.map { rules.aliases[$0].name }
    switch aggregate.function {
    case .count:
      guard aggregate.field == nil else {
        let field = target(aggregate)
        return (field, Self.plural(field), within(aggregate))
      }
      return (
        names.joined(separator: " or "), names.map(Self.plural).joined(separator: " or "),
        within(aggregate)
      )
    case .distinct:
      let field = target(aggregate)
      return ("different \(field)", "different \(Self.plural(field))", within(aggregate))
    case .active:
      guard let every = aggregate.every, let length = aggregate.within else { return nil }
      let span =
        "of \(SpokenText.length(microseconds: every)) with a \(names.joined(separator: " or "))"
      return (
        "span \(span)", "spans \(span)",
        ", of the last \(length / every)\(condition(of: aggregate))"
      )
    default: return nil
    }
  }

  private func target(_ aggregate: Rules.Aggregate) -> String {
    let names = aggregate.aliases.map { rules.aliases[$0].name }.joined(separator: " or ")
    return aggregate.field.map { "\(names) \($0)" } ?? names
  }

  private func within(_ aggregate: Rules.Aggregate) -> String {
    let window = aggregate.within.map { " within \(SpokenText.length(microseconds: $0))" } ?? ""
    return window + condition(of: aggregate)
  }

  private func condition(of aggregate: Rules.Aggregate) -> String {
    aggregate.condition.map { " (where \($0.text))" } ?? ""
  }

  static func plural(_ word: String) -> String {
    if word.hasSuffix("s") { return word }
    let vowels: [Character] = ["a", "e", "i", "o", "u"]
    if word.hasSuffix("y"), let before = word.dropLast().last, !vowels.contains(before) {
      return "\(word.dropLast())ies"
    }
    if word.hasSuffix("ch") || word.hasSuffix("sh") || word.hasSuffix("x") { return word + "es" }
    return word + "s"
  }
}
