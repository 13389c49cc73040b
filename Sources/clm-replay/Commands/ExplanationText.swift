import CEL
import EventStore
import Projections

/// An explanation as people read it.
struct ExplanationText {
  private let explanation: Explanation
  private let subject: CustomerAccess
  private let words: SpokenText
  private let conditionWords: ConditionWords

  init(_ explanation: Explanation, _ subject: CustomerAccess) {
    self.explanation = explanation
    self.subject = subject
    words = SpokenText(subject.compiled.rules)
    conditionWords = ConditionWords(subject.compiled.rules, explanation.checked)
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
      if let term = explanation.expression {
        lines += conditions(term, depth: 0)
        lines += ["", legend(term)]
      }
    } else {
      lines.append("the customer's first event: everybody enters here")
    }
    let withEvents = explanation.facts.filter { !$0.events.isEmpty || $0.leftOut > 0 }
    var contents = EventContents(subject.compiled)
    for fact in withEvents { lines += [""] + evidence(fact, &contents) }
    if let minimal = explanation.minimal { lines += [""] + evidence(minimal, &contents) }
    let rejected = explanation.considered
    if !rejected.isEmpty {
      lines.append("")
      lines.append(
        "tried before, and did not hold: \(rejected.map { "\($0.id)\(reason($0.value))" }.joined(separator: ", "))"
      )
    }
    lines.append("")
    if let parked = explanation.parked {
      lines.append("parked at \(SpokenText.instant(parked.at)): \(parkedText(parked))")
    } else {
      lines.append("next: \(nextText(explanation.next))")
    }
    lines.append("as of \(SpokenText.instant(subject.asOf))")
    if let served = subject.served { lines.append(served.text) }
    return lines.joined(separator: "\n") + "\n"
  }

  private var headline: String {
    if let stay = explanation.stay { return headline(stay) }
    guard let row = explanation.transition else { return explanation.customer }
    let move =
      row.from.map { "moved from \($0) to \(row.to)" } ?? "entered \(row.to)"
    return
      "\(explanation.customer) \(move) on \(SpokenText.instant(row.at)), \(cause(row.isTimer, row.anchor))"
  }

  private func headline(_ stay: Explanation.Stay) -> String {
    let name = "\(explanation.customer) \(stay.holds ? "is" : "is not") in \(stay.segment)"
    guard let spell = stay.spell, let from = spell.from else {
      return "\(name); values as of \(SpokenText.instant(subject.asOf))"
    }
    let entry = "\(SpokenText.instant(from)), \(cause(spell.isTimer == true, spell.anchor))"
    guard let to = spell.to else { return "\(name) since \(entry)" }
    return "\(name); was in it from \(entry), to \(SpokenText.instant(to))"
  }

  private func cause(_ isTimer: Bool, _ anchor: CustomerRecord.Anchor?) -> String {
    guard let anchor else { return "by time alone" }
    let event = "event #\(anchor.position) \(anchor.eventID)"
    return isTimer ? "by time alone, since \(event)" : "at \(event)"
  }

  /// Why a condition that did not hold has no answer.
  private func reason(_ known: Explanation.Known) -> String {
    if case .value = known { return "" }
    return " (\(words.text(known)))"
  }

  // MARK: Conditions

  private static let changedMark = "    <- became true now"

  /// Comparisons, one a line, under the `&&` and `||` that join them.
  private func conditions(_ term: Explanation.Term, depth: Int) -> [String] {
    let indent = "\(String(repeating: "  ", count: depth + 1))\(isTrue(term.value) ? "+" : "-") "
    let changed = isTrue(term.value) && !isTrue(term.before) ? Self.changedMark : ""
    if let join = join(term) {
      var lines = [indent + join]
      for argument in flattened(term, join) { lines += conditions(argument, depth: depth + 1) }
      return lines
    }
    if let (text, subject) = conditionWords.comparison(term) {
      let change = words.change(subject.value, from: subject.before)
      return ["\(indent)\(text): \(change)    [\(term.text)]\(changed)"]
    }
    let values = term.arguments.map {
      "\($0.text) = \(words.change($0.value, from: $0.before))"
    }
    let shown = values.isEmpty ? "" : "    [\(values.joined(separator: "; "))]"
    return ["\(indent)\(term.text)\(shown)\(changed)"]
  }

  private func legend(_ term: Explanation.Term) -> String {
    let isTimer = explanation.transition?.isTimer ?? explanation.stay?.spell?.isTimer
    let changed =
      isTimer.map {
        ", <- became true \($0 ? "at that instant, by time alone" : "with that event")"
      }
    return "  + holds, - does not hold\(hasChange(term) ? changed ?? "" : "")"
  }

  /// Whether a line is marked as changed.
  private func hasChange(_ term: Explanation.Term) -> Bool {
    if join(term) == nil { return isTrue(term.value) && !isTrue(term.before) }
    return term.arguments.contains { hasChange($0) }
  }

  /// What a term asks of the terms in it; nil for a comparison.
  private func join(_ term: Explanation.Term) -> String? {
    guard term.type == .bool, term.arguments.contains(where: { $0.type == .bool }) else {
      return nil
    }
    if case .call(let name, _, _) = term.expression.kind {
      if name == "_&&_" { return "all of" }
      if name == "_||_" { return "any of" }
      if name == "!_" { return "not" }
    }
    return term.text
  }

  /// `a && b && c` is one list, however it was nested.
  private func flattened(_ term: Explanation.Term, _ name: String) -> [Explanation.Term] {
    guard name == "all of" || name == "any of" else { return term.arguments }
    return term.arguments.flatMap { argument -> [Explanation.Term] in
      join(argument) == name ? flattened(argument, name) : [argument]
    }
  }

  private func isTrue(_ known: Explanation.Known) -> Bool {
    if case .value(.bool(true)) = known { return true }
    return false
  }

  // MARK: Evidence

  private func evidence(
    _ fact: Explanation.FactEvidence, _ contents: inout EventContents
  ) -> [String] {
    var head = fact.name
    if let meaning = conditionWords.meaning(of: fact.name) { head += ", \(meaning)" }
    head += ": \(words.change(fact.value, from: fact.before))"
    if fact.leftOut > 0 { head += "  (\(FactText.leftOut(fact.leftOut)))" }
    var lines = [head]
    let shown = fact.events.suffix(12)
    if shown.count < fact.events.count {
      lines.append(
        "  (\(fact.events.count - shown.count) earlier events; all of them with --format json)")
    }
    for event in shown {
      lines.append(
        "  #\(event.position) \(SpokenText.instant(event.at)) \(event.type) \(event.id)  \(adds(event, fact, &contents))"
      )
    }
    return lines
  }

  private func evidence(
    _ minimal: MinimalEvidence, _ contents: inout EventContents
  ) -> [String] {
    let count = minimal.events.count
    let few = count == 1 ? "1 event" : "\(count) events"
    var head =
      "minimal evidence: \(few) of \(minimal.of) alone \(count == 1 ? "gives" : "give") the same"
    if minimal.isSmallest {
      head += ", and no fewer do"
    } else {
      if minimal.isIrreducible { head += ", and without any one of them it is another" }
      head +=
        "; not known to be the fewest: sets of \(minimal.triedBelow) and more were too many to fold all"
    }
    var lines = [head]
    for event in minimal.events.prefix(24) {
      let says = contents.parts(of: event).map { words.text($0) }.joined(separator: ", ")
      lines.append(
        "  #\(event.position) \(SpokenText.instant(event.occurred)) \(event.type) \(event.id)\(says.isEmpty ? "" : "  ")\(says)"
      )
    }
    if count > 24 { lines.append("  (\(count - 24) more; all of them with --format json)") }
    if let absence = minimal.absence { lines.append("  \(self.absence(absence))") }
    return lines
  }

  private func absence(_ absence: MinimalEvidence.Absence) -> String {
    let until = SpokenText.instant(absence.to)
    let names = absence.aliases.joined(separator: " or ")
    if names.isEmpty {
      return "and time alone, from \(SpokenText.instant(absence.from)) to \(until)"
    }
    if let last = absence.last {
      return
        "and no \(names) after #\(last.position) of \(SpokenText.instant(last.occurred)) and before \(until)"
    }
    return "and no \(names) before \(until)"
  }

  /// What an event gives to a fact; where it only counts, what it says itself.
  private func adds(
    _ event: Explanation.Contribution, _ fact: Explanation.FactEvidence,
    _ contents: inout EventContents
  ) -> String {
    let declared = subject.compiled.rules.facts.first { $0.name == fact.name }
    guard case .aggregate(let aggregate)? = declared?.kind else { return words.text(event.adds) }
    if let field = aggregate.field, ![.count, .active].contains(aggregate.function) {
      return words.text(EventContents.Part(name: field, value: event.adds))
    }
    let parts = contents.parts(of: event.line).map { words.text($0) }
    return parts.isEmpty ? "counts" : parts.joined(separator: ", ")
  }
}
