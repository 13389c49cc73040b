import ArgumentParser
import CEL
import EventStore
import Projections

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract:
      "Explain why a customer is in a stage: the rule, its values before and after, and the events behind them.",
    discussion: """
      EXAMPLE
        clm-replay explain store C-1042 --to loyalty

      The latest transition is explained, or the latest one into --to, or the one in force at --at.
      """)

  @OptionGroup var options: CustomerOptions
  @Option(help: "The latest transition into this stage.") var to: String?
  @Option(help: "The transition in force at this instant.") var at: String?
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    let subject = try options.access()
    let record = try subject.record()
    let index = try chosenRow(record, subject)
    guard let explanation = try subject.explainer().explain(row: index) else {
      throw CommandError(
        exit: .couldNotRun, code: "no-such-transition",
        message: "customer `\(record.name)` has no transition \(index)")
    }
    if format == .json || format == .ndjson {
      try StandardOutput.write(json(explanation, subject).text + "\n")
    } else {
      try StandardOutput.write(ExplanationText(explanation, subject).text)
    }
  }

  private func chosenRow(_ record: CustomerRecord, _ subject: CustomerAccess) throws -> Int {
    var rows = Array(record.rows.enumerated())
    if let at {
      let instant = try Times.instant(at, option: "--at")
      rows = rows.filter { $0.element.at <= instant }
    }
    if let to {
      let stages = subject.compiled.rules.stages
      guard let stage = stages.first(where: { $0.isCalled(to) }) else {
        throw CommandError(
          exit: .couldNotRun, code: "unknown-stage",
          message: "the rules have no stage `\(to)`",
          help: "stages are \(stages.map(\.name).joined(separator: ", "))")
      }
      rows = rows.filter { $0.element.to == stage.name }
    }
    guard let last = rows.last else {
      let what = to.map { " into `\($0)`" } ?? ""
      let when = at.map { " by \($0)" } ?? ""
      throw CommandError(
        exit: .couldNotRun, code: "no-such-transition",
        message: "customer `\(record.name)` has no transition\(what)\(when)",
        help: "`clm-replay history \(options.store) \(options.customer)` lists what happened")
    }
    return last.offset
  }

  // MARK: JSON

  private func json(_ explanation: Explanation, _ subject: CustomerAccess) -> JSONValue {
    let rules = subject.compiled.rules
    let text = FactText(currencyDigits: rules.currency.digits)
    var rule = JSONValue.null
    if let found = explanation.rule {
      rule = .object([
        ("id", .string(found.id)), ("file", .string(rules.file)), ("line", .count(found.line)),
        ("text", .string(found.text)),
      ])
    }
    let row = explanation.transition
    var facts: [(String, JSONValue)] = []
    for fact in explanation.facts {
      let events = fact.events.map { event in
        JSONValue.object([
          ("position", .count(event.position)), ("id", .string(event.id)),
          ("at", .string(RFC3339.text(event.at))), ("type", .string(event.type)),
          ("adds", text.json(event.adds)),
        ])
      }
      facts.append(
        (
          fact.name,
          .object([
            ("value", known(fact.value, text)), ("before", known(fact.before, text)),
            ("events", .array(events)),
          ])
        ))
    }
    var members: [(String, JSONValue)] = [
      ("customer", .string(explanation.customer)),
      (
        "model",
        .object([("name", .string(rules.modelName)), ("version", .count(rules.modelVersion))])
      ),
      ("rule", rule),
      (
        "transition",
        .object(
          Array(
            zip(
              ViewRows.transitionColumns,
              ViewRows(rules).transition(row, customer: explanation.customer)
            ).dropFirst()))
      ),
      ("expr", explanation.expression.map { term($0, text) } ?? .null),
      ("facts", .object(facts)),
      (
        "considered",
        .array(
          explanation.considered.map {
            .object([("id", .string($0.id)), ("value", known($0.value, text))])
          })
      ),
      ("next", nextJSON(explanation.next)),
      ("as_of", .string(RFC3339.text(subject.asOf))),
    ]
    if let parked = explanation.parked { members.append(("parked", parkedJSON(parked))) }
    return .object(members)
  }

  private func term(_ term: Explanation.Term, _ text: FactText) -> JSONValue {
    .object([
      ("text", .string(term.text)), ("value", known(term.value, text)),
      ("before", known(term.before, text)),
      ("args", .array(term.arguments.map { self.term($0, text) })),
    ])
  }

  /// Unset is null; an error has no value either, and says so.
  private func known(_ known: Explanation.Known, _ text: FactText) -> JSONValue {
    switch known {
    case .value(let value): text.json(value)
    case .unset: .null
    case .error: .object([("error", .string("error"))])
    }
  }
}
