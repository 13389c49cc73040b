import CEL
import EventStore
import Projections

/// The parts of an explanation in words, for text and for pages.
struct ExplanationWords {
  let explanation: Explanation
  let subject: CustomerAccess
  let words: SpokenText
  private let conditionWords: ConditionWords

  init(_ explanation: Explanation, _ subject: CustomerAccess) {
    self.explanation = explanation
    self.subject = subject
    words = SpokenText(subject.compiled.rules)
    conditionWords = ConditionWords(subject.compiled.rules, explanation.checked)
  }

  /// One sentence: who, from where to where, when and by what.
  var headline: String {
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

  /// Which rule, where it stands, and of which model; nil for an entry row.
  var rule: String? {
    explanation.rule.map { rule in
      let rules = subject.compiled.rules
      return
        "\(explanation.stay == nil ? "rule" : "segment") \(rule.id), \(rules.file):\(rule.line), model \(rules.modelName) v\(rules.modelVersion)"
    }
  }

  /// Conditions that were tried before and did not hold; nil without any.
  var rejected: String? {
    let rejected = explanation.considered
    if rejected.isEmpty { return nil }
    return
      "tried before, and did not hold: \(rejected.map { "\($0.id)\(reason($0.value))" }.joined(separator: ", "))"
  }

  /// Why a condition that did not hold has no answer.
  private func reason(_ known: Explanation.Known) -> String {
    if case .value = known { return "" }
    return " (\(words.text(known)))"
  }

  /// What the customer does if nothing happens, or why it does nothing any more.
  var next: String {
    if let parked = explanation.parked {
      return "parked at \(SpokenText.instant(parked.at)): \(parkedText(parked))"
    }
    return "next: \(nextText(explanation.next))"
  }

  // MARK: Conditions

  /// A comparison, or what joins those that stand deeper below it.
  struct Condition {
    /// From 0.
    var depth: Int
    var holds: Bool
    /// In words, with the value and what it was.
    var text: String
    /// As the rule has it, or the values of its parts; nil where that says nothing more.
    var detail: String?
    /// It became true with this row.
    var isNew: Bool
  }

  /// Comparisons, each under the `&&` and `||` that join it; none for an entry row.
  var conditions: [Condition] { explanation.expression.map { conditions($0, depth: 0) } ?? [] }

  private func conditions(_ term: Explanation.Term, depth: Int) -> [Condition] {
    var line = Condition(
      depth: depth, holds: isTrue(term.value), text: term.text, detail: nil,
      isNew: isTrue(term.value) && !isTrue(term.before))
    if let join = join(term) {
      line.text = join
      line.isNew = false
      return [line] + flattened(term, join).flatMap { conditions($0, depth: depth + 1) }
    }
    if let (text, subject) = conditionWords.comparison(term) {
      line.text = "\(text): \(words.change(subject.value, from: subject.before))"
      line.detail = term.text
      return [line]
    }
    let values = term.arguments.map {
      "\($0.text) = \(words.change($0.value, from: $0.before))"
    }
    if !values.isEmpty { line.detail = values.joined(separator: "; ") }
    return [line]
  }

  /// What the marks mean.
  var legend: String {
    let isTimer = explanation.transition?.isTimer ?? explanation.stay?.spell?.isTimer
    let isChange = isTimer != nil && conditions.contains(where: \.isNew)
    let changed =
      isTimer == true
      ? "became true at that instant, by time alone" : "became true with that event"
    return "+ holds, - does not hold\(isChange ? ", <- \(changed)" : "")"
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

  /// An event and what it says.
  struct Event {
    var position: UInt64
    var at: Int64
    var type: String
    var id: String
    /// Empty where it only counts.
    var says: String
  }

  /// What a fact came to, and the events behind it, by (occurred, position).
  struct Fact {
    var text: String
    var events: [Event]
  }

  /// Facts that have events behind them, or that left some out.
  var facts: [Fact] {
    var contents = EventContents(subject.compiled)
    return explanation.facts.filter { !$0.events.isEmpty || $0.leftOut > 0 }.map { fact in
      var head = fact.name
      if let meaning = conditionWords.meaning(of: fact.name) { head += ", \(meaning)" }
      head += ": \(words.change(fact.value, from: fact.before))"
      if fact.leftOut > 0 { head += "  (\(FactText.leftOut(fact.leftOut)))" }
      return Fact(
        text: head,
        events: fact.events.map { event in
          Event(
            position: event.position, at: event.at, type: event.type, id: event.id,
            says: adds(event, fact, &contents))
        })
    }
  }

  /// The fewest events behind a row, and what had not to happen; nil for segments.
  struct Minimal {
    var text: String
    var events: [Event]
    /// Nil for a row that an event caused.
    var absence: String?
  }

  var minimal: Minimal? {
    guard let minimal = explanation.minimal else { return nil }
    let count = minimal.events.count
    let few = Numbers.counted(count, "event")
    var head =
      "\(few) of \(minimal.of) alone \(count == 1 ? "gives" : "give") the same"
    if minimal.isSmallest {
      head += ", and no fewer do"
    } else {
      if minimal.isIrreducible { head += ", and without any one of them it is another" }
      head +=
        "; not known to be the fewest: sets of \(minimal.triedBelow) and more were too many to fold all"
    }
    var contents = EventContents(subject.compiled)
    return Minimal(
      text: head, events: minimal.events.map { event($0, &contents) },
      absence: minimal.absence.map { self.absence($0) })
  }

  func event(_ line: EventLine, _ contents: inout EventContents) -> Event {
    Event(
      position: line.position, at: line.occurred, type: line.type, id: line.id,
      says: contents.parts(of: line).map { words.text($0) }.joined(separator: ", "))
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
