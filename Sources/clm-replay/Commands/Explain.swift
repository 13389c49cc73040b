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
        clm-replay explain store C-1042 --segment high_value_at_risk
        clm-replay explain store C-1042 --why-not loyalty
        clm-replay explain store C-1042 --to loyalty --evidence C-1042.json
        clm-replay explain store C-1042 --without o-1001 --set facts.purchases_365d.within=180d

      Behind the reasons stands the smallest set of the customer's events that alone gives the same transition, found by folding
      such sets; where there were too many of them, it is said up to which size all were folded.

      The latest transition is explained, or the latest one into --to, or the one in force at --at. With --segment it is the
      latest stay in a segment, or the latest that began by --at; for who was never in it, and for segments that read clv, rfm
      or a rank, what the condition came to at as-of.

      With --why-not the cheapest few ways to a stage are looked for: events, time, or both. Each was tried by folding the customer
      with exactly these events; with one of them less, or less of an amount, it does not happen, or later. The same stands below
      --segment for who is not in it.

      With --without, --with or --set the customer is folded with events left out or added, or with the rules changed, and both
      histories stand side by side.

      With --evidence everything behind the row or the stay goes to a file, with proofs under a signed head of the log;
      docs/evidence.md says what it holds and shows, and docs/check_evidence.py checks it without this program.
      """)

  @OptionGroup var options: CustomerOptions
  @Option(help: "The latest transition into this stage.") var to: String?
  @Option(help: "The transition in force at this instant.") var at: String?
  @Option(help: "Why the customer is in this segment, in place of a transition.")
  var segment: String?
  @Option(
    help: "Why the customer is not in this stage (or segment), and what would bring it there.")
  var whyNot: String?
  @OptionGroup(title: "What if (the log is not touched)") var whatIf: WhatIfOptions
  @OptionGroup(title: "Evidence to take away") var evidence: EvidenceOptions
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if to != nil && segment != nil {
      throw ValidationError("--to and --segment exclude each other")
    }
    if whyNot != nil && (to != nil || at != nil || segment != nil || !whatIf.isEmpty) {
      throw ValidationError("--why-not goes with --as-of, --known-at and --as-served only")
    }
    if evidence.file != nil && (whyNot != nil || !whatIf.isEmpty) {
      throw ValidationError(
        "--evidence proves what happened; it does not go with --why-not, --without, --with and --set"
      )
    }
    if !whatIf.isEmpty && (to != nil || at != nil || segment != nil) {
      throw ValidationError(
        "--without, --with and --set show whole histories; --to, --at and --segment choose one row")
    }
  }

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    let subject = try options.access(quiet: global.quiet)
    if !whatIf.isEmpty {
      let result = try WhatIf(whatIf, subject)
      if format == .json || format == .ndjson {
        return try StandardOutput.write(result.json.text + "\n")
      }
      return try StandardOutput.show(result.text)
    }
    if let whyNot {
      let words = WhyNotText(try missing(whyNot, subject), subject)
      if format == .json || format == .ndjson {
        return try StandardOutput.write(words.json.text + "\n")
      }
      return try StandardOutput.show(words.text)
    }
    let explanation =
      if let segment { try stay(in: segment, subject) } else { try transition(subject) }
    if let file = evidence.file {
      try evidence.write(try bundle(explanation, subject), to: file)
      // The data that standard output carries is the bundle.
      if file == "-" { return }
    }
    let missing = try missing(explanation, subject)
    if format == .json || format == .ndjson {
      var members = ExplanationJSON(explanation, subject).members
      if let missing { members.append(("why_not", missing.json)) }
      try StandardOutput.write(JSONValue.object(members).text + "\n")
    } else {
      let more = missing.map { $0.ways.isEmpty ? "" : "\n" + $0.text } ?? ""
      try StandardOutput.show(ExplanationText(explanation, subject).text + more)
    }
  }

  private func bundle(
    _ explanation: Explanation, _ subject: CustomerAccess
  ) throws -> EvidenceBundle {
    let record = try subject.record()
    return try EvidenceBundle(
      explanation, row: explanation.stay == nil ? try chosenRow(record, subject) : nil,
      record: record, subject, try evidence.head(subject))
  }

  /// Of a segment that the customer is not in, and that the customer's events alone decide about.
  private func missing(
    _ explanation: Explanation, _ subject: CustomerAccess
  ) throws -> WhyNotText? {
    guard let stay = explanation.stay, !stay.holds, at == nil else { return nil }
    let segments = subject.compiled.rules.segments
    guard let number = segments.firstIndex(where: { $0.name == stay.segment }),
      !segments[number].readsPopulation
    else { return nil }
    return try subject.explainer().whyNot(segment: number).map { WhyNotText($0, subject) }
  }

  private func transition(_ subject: CustomerAccess) throws -> Explanation {
    let record = try subject.record()
    let index = try chosenRow(record, subject)
    if let explanation = try subject.explainer().explain(row: index) { return explanation }
    throw CommandError(
      exit: .couldNotRun, code: "no-such-transition",
      message: "customer `\(record.name)` has no transition \(index)")
  }

  private func stay(in name: String, _ subject: CustomerAccess) throws -> Explanation {
    let segments = subject.compiled.rules.segments
    guard let number = segments.firstIndex(where: { $0.name == name }) else {
      throw CommandError(
        exit: .couldNotRun, code: "unknown-segment", message: "the rules have no segment `\(name)`",
        help: segments.isEmpty
          ? "the rules define none" : Suggestion.help(name, "segments", among: segments.map(\.name))
      )
    }
    let population = segments[number].readsPopulation ? try subject.population() : nil
    if segments[number].readsPopulation && (population == nil || at != nil) {
      throw CommandError(
        exit: .couldNotRun, code: "known-at-as-of-only",
        message:
          "segment `\(name)` reads values over all customers, which are known at the view's as-of only",
        help: at == nil
          ? "--population folds everybody, and knows them"
          : "take --as-of with --population in place of --at")
    }
    let instant = try instant(subject)
    let explanation = try subject.explainer().explain(
      segment: number, at: instant, population: population)
    if let explanation { return explanation }
    throw CommandError(
      exit: .couldNotRun, code: "unknown-customer",
      message: "customer `\(subject.name)` has no event in view")
  }

  /// The instant asked for, which nothing is known of behind as-of.
  private func instant(_ subject: CustomerAccess) throws -> Int64? {
    guard let at else { return nil }
    let instant = try Times.instant(at, option: "--at")
    // As-of may lie within a day that is named.
    guard try Times.start(at, option: "--at") <= subject.asOf else {
      throw CommandError(
        exit: .couldNotRun, code: "no-such-transition",
        message:
          "--at \(at) lies behind \(RFC3339.text(subject.asOf)), up to which the view is folded",
        help:
          "--as-of \(at) folds up to then; `next` in an explanation says what time alone will bring"
      )
    }
    return instant
  }

  /// What would bring the customer to a stage or into a segment.
  private func missing(_ name: String, _ subject: CustomerAccess) throws -> WhyNot {
    let rules = subject.compiled.rules
    let explainer = try subject.explainer()
    var found: WhyNot?
    if let stage = rules.stages.firstIndex(where: { $0.isCalled(name) }) {
      found = explainer.whyNot(stage: stage)
    } else if let segment = rules.segments.firstIndex(where: { $0.name == name }) {
      if rules.segments[segment].readsPopulation {
        throw CommandError(
          exit: .couldNotRun, code: "needs-everybody",
          message:
            "segment `\(name)` reads values over all customers, and one alone is folded here",
          help: "`--segment \(name)` shows what its condition came to")
      }
      found = explainer.whyNot(segment: segment)
    } else {
      throw CommandError(
        exit: .couldNotRun, code: "unknown-stage",
        message: "the rules have no stage and no segment `\(name)`",
        help:
          Suggestion.help(name, "stages", among: rules.stages.map(\.name)) + "; "
          + Suggestion.help(name, "segments", among: rules.segments.map(\.name))
      )
    }
    if let found { return found }
    throw CommandError(
      exit: .couldNotRun, code: "unknown-customer",
      message: "customer `\(subject.name)` has no event in view")
  }

  private func chosenRow(_ record: CustomerRecord, _ subject: CustomerAccess) throws -> Int {
    var rows = Array(record.rows.enumerated())
    if let instant = try instant(subject) {
      rows = rows.filter { $0.element.at <= instant }
    }
    if let to {
      let stages = subject.compiled.rules.stages
      guard let stage = stages.first(where: { $0.isCalled(to) }) else {
        throw CommandError(
          exit: .couldNotRun, code: "unknown-stage",
          message: "the rules have no stage `\(to)`",
          help: Suggestion.help(to, "stages", among: stages.map(\.name)))
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
}
