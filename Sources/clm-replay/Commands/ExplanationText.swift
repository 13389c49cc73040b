import CEL
import EventStore
import Projections

/// An explanation as people read it.
struct ExplanationText {
  private let explanation: Explanation
  private let subject: CustomerAccess
  private let facts: FactText

  init(_ explanation: Explanation, _ subject: CustomerAccess) {
    self.explanation = explanation
    self.subject = subject
    facts = FactText(currencyDigits: subject.compiled.rules.currency.digits)
  }

  var text: String {
    var lines = [headline]
    if let rule = explanation.rule {
      let rules = subject.compiled.rules
      lines.append(
        "\(explanation.stay == nil ? "rule" : "segment") \(rule.id), \(rules.file):\(rule.line), model \(rules.modelName) v\(rules.modelVersion)"
      )
      lines.append("")
      lines.append("  \(rule.text)")
      lines.append("")
      if let term = explanation.expression { lines += conditions(term, depth: 0) }
    } else {
      lines.append("the customer's first event: everybody enters here")
    }
    let withEvents = explanation.facts.filter { !$0.events.isEmpty || $0.leftOut > 0 }
    if !withEvents.isEmpty {
      lines.append("")
      for fact in withEvents { lines += evidence(fact) }
    }
    let rejected = explanation.considered
    if !rejected.isEmpty {
      lines.append("")
      lines.append(
        "tried before, and not so: \(rejected.map { "\($0.id) (\(text(of: $0.value)))" }.joined(separator: ", "))"
      )
    }
    lines.append("")
    if let parked = explanation.parked {
      lines.append(
        "parked at \(RFC3339.text(parked.at)): \(parkedText(parked))"
      )
    } else {
      lines.append("next: \(nextText(explanation.next))")
    }
    lines.append("as of \(RFC3339.text(subject.asOf))")
    if let served = subject.served { lines.append(served.text) }
    return lines.joined(separator: "\n") + "\n"
  }

  private var headline: String {
    if let stay = explanation.stay { return headline(stay) }
    guard let row = explanation.transition else { return explanation.customer }
    let at = RFC3339.text(row.at)
    let move =
      row.from.map { "moved from \($0) to \(row.to)" } ?? "entered \(row.to)"
    return "\(explanation.customer) \(move) on \(at), \(cause(row.isTimer, row.anchor))"
  }

  private func headline(_ stay: Explanation.Stay) -> String {
    let name = "\(explanation.customer) \(stay.holds ? "is" : "is not") in \(stay.segment)"
    guard let spell = stay.spell, let from = spell.from else {
      return "\(name); values as of \(RFC3339.text(subject.asOf))"
    }
    let entry = "\(RFC3339.text(from)), \(cause(spell.isTimer == true, spell.anchor))"
    guard let to = spell.to else { return "\(name) since \(entry)" }
    return "\(name); was in it from \(entry), to \(RFC3339.text(to))"
  }

  private func cause(_ isTimer: Bool, _ anchor: CustomerRecord.Anchor?) -> String {
    guard let anchor else { return "by time alone" }
    let event = "event #\(anchor.position) \(anchor.eventID)"
    return isTimer ? "by time alone, since \(event)" : "at \(event)"
  }

  // MARK: Conditions

  /// Comparisons, one a line, under the `&&` and `||` that join them.
  private func conditions(_ term: Explanation.Term, depth: Int) -> [String] {
    let joins = term.type == .bool && term.arguments.contains { $0.type == .bool }
    let mark = isTrue(term.value) ? "+" : "-"
    let indent = String(repeating: "  ", count: depth + 1)
    if joins {
      let name = joiner(term)
      var lines = ["\(indent)\(mark) \(name)"]
      for argument in flattened(term, name) { lines += conditions(argument, depth: depth + 1) }
      return lines
    }
    var line = "\(indent)\(mark) \(term.text)"
    let values = term.arguments.map { argument in
      let now = text(of: argument.value)
      let before = text(of: argument.before)
      return now == before
        ? "\(argument.text) = \(now)" : "\(argument.text) = \(now), was \(before)"
    }
    if !values.isEmpty { line += "    [\(values.joined(separator: "; "))]" }
    if isTrue(term.value) && !isTrue(term.before) { line += "    <- changed now" }
    return [line]
  }

  private func joiner(_ term: Explanation.Term) -> String {
    let inner = term.arguments.first.map { term.text.dropFirst($0.text.count) } ?? ""
    if inner.drop(while: { $0 == " " || $0 == ")" || $0 == "\n" }).hasPrefix("||") {
      return "any of"
    }
    if inner.drop(while: { $0 == " " || $0 == ")" || $0 == "\n" }).hasPrefix("&&") {
      return "all of"
    }
    return term.text
  }

  /// `a && b && c` is one list, however it was nested.
  private func flattened(_ term: Explanation.Term, _ name: String) -> [Explanation.Term] {
    guard name == "all of" || name == "any of" else { return term.arguments }
    return term.arguments.flatMap { argument -> [Explanation.Term] in
      let joins = argument.type == .bool && argument.arguments.contains { $0.type == .bool }
      return joins && joiner(argument) == name ? flattened(argument, name) : [argument]
    }
  }

  private func isTrue(_ known: Explanation.Known) -> Bool {
    if case .value(.bool(true)) = known { return true }
    return false
  }

  private func text(of known: Explanation.Known) -> String {
    switch known {
    case .value(let value): facts.text(value)
    case .unset: "unset"
    case .error: "error"
    }
  }

  // MARK: Evidence

  private func evidence(_ fact: Explanation.FactEvidence) -> [String] {
    var head = "\(fact.name) = \(text(of: fact.value))"
    if text(of: fact.before) != text(of: fact.value) { head += ", was \(text(of: fact.before))" }
    if fact.leftOut > 0 { head += "  (\(FactText.leftOut(fact.leftOut)))" }
    var lines = [head]
    let shown = fact.events.suffix(12)
    if shown.count < fact.events.count {
      lines.append(
        "  (\(fact.events.count - shown.count) earlier events; all of them with --format json)")
    }
    for event in shown {
      lines.append(
        "  #\(event.position) \(RFC3339.text(event.at)) \(event.type) \(event.id)  \(facts.text(event.adds))"
      )
    }
    return lines
  }
}
