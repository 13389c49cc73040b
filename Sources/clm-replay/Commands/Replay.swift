import ArgumentParser
import CEL
import EventStore
import Projections

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Build a view from the log under a rules file, and switch to it.",
    discussion: """
      EXAMPLE
        clm-replay replay store --rules retail.yaml --as-of 2024-12-31

      Where nothing is new (same log, as-of, rules and program) the view stays as it is, which takes no time. Without --rules the view is built again with its own rules. Readers of the view keep the generation that they have
      opened. Exit status 1 if customers are parked: their rules do not determine a stage.
      """)

  @Argument(help: "The store.") var store: String
  @Option(help: "The rules file.") var rules: String?
  @Option(help: "Name of the view; the model's name unless given.") var view: String?
  @Option(
    help: "The instant to fold to: RFC 3339, a date, or `now`; the latest event unless given.")
  var asOf: String?
  @Option(help: "Only events recorded by then.") var knownAt: String?
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @Flag(
    help:
      "Stop with 2 at faults, parked customers, and where the view was served with other content under the same model and version (`views --accept-rules` accepts it), before the view is switched."
  ) var strict = false
  @Option(
    help:
      "Do not switch to the view if more customers than this are parked: a number, or a percentage such as 0.5%."
  )
  var maxParked: String?
  @Option(
    help:
      "Take the parameters of clv.model from this file (as --format json prints them) in place of a fit."
  )
  var clvParams: String?
  @Option(
    help:
      "How long to wait for another replay of the view, and for a commit of an import before the switch, such as 10s."
  )
  var wait = "10s"
  @Option(
    help:
      "Write what differs from the generation before, + or - and a row: [transitions=|customers=|segments=]FILE; may be repeated."
  )
  var changes: [String] = []
  @Flag(help: "Build the view also where nothing is new, as after damage to its files.")
  var rebuild = false
  @Option(help: "Write the receipt (what was folded and what came out, as hashes) to a file.")
  var receipt: String?
  @Option(
    help: ArgumentHelp(
      "What folds customers: words, tree, or both, which stops where they differ.",
      visibility: .hidden))
  var foldEngine = FoldEngine.words
  @Option(help: "json: progress for machines, NDJSON on standard error.")
  var progress: ProgressReport.Form?
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    let allowance = try maxParked.map { try Allowance($0, option: "--max-parked") }
    let feeds = try changes.map { try ChangeFeed($0) }
    let waitSeconds = Double(try Times.length(wait, option: "--wait")) / 1e6
    var (opened, register) = try OpenedStore.registering(store)
    var (loaded, name) = try rulesAndName(opened)
    // What is wrong with them is said before anything is waited for.
    let parameters = try parameters(loaded)
    _ = try opened.logView(asOf: asOf, knownAt: knownAt)
    let lock = try opened.run {
      try ViewLock.take(store, name, waitSeconds: waitSeconds, command: "clm-replay replay")
    }
    // As they are now that no other replay is under way: who waited shall not bring back what was before.
    if try opened.isInForce() {
      opened = try opened.renewed()
    } else {
      // Who waited for an erasure folds what is left.
      (opened, register) = try OpenedStore.registering(store)
    }
    if rules == nil { (loaded, name) = try rulesAndName(opened, named: name) }
    let earlier = viewInForce(name)
    try checkRegister(opened, loaded, view: name)
    let logView = try opened.logView(asOf: asOf, knownAt: knownAt)
    // Before the switch, which must not come if it cannot be told.
    let receiptFile = try receipt.map { try OutputFile.open($0) }
    let started = Clock.monotonicSeconds()
    if !feeds.isEmpty, earlier == nil,
      try opened.run({ try ViewReader.names(store) }).contains(name)
    {
      throw CommandError(
        exit: .couldNotRun, code: ViewError.Code.damaged.rawValue,
        message: "view `\(name)` cannot be read, so that nobody can say what changes",
        help: "replay it without --changes, and export its tables as a whole")
    }
    for feed in feeds { try feed.check(from: earlier, loaded.compiled.rules) }
    if let earlier, let summary = try unchanged(earlier, loaded, logView, opened) {
      for feed in feeds { try feed.writeNothing(earlier, opened) }
      try receiptFile?.end(with: receiptJSON(earlier.manifest).text + "\n")
      try tell(earlier.manifest, summary, format, Clock.monotonicSeconds() - started)
      if let parked = ParkedNotice.error(earlier.manifest) { throw parked }
      return
    }
    let builder = ViewBuilder(
      storePath: store, name: name, loaded.compiled, view: logView, engine: Version.engine,
      threads: Threads.count(threads), lock: lock, parameters: parameters,
      foldEngine: foldEngine)
    let report = ProgressReport("replay", progress, quiet: global.quiet, meter: builder.meter)
    let built = try opened.run {
      try builder.build {
        if case .fitting(let steps) = $0 { report.note("fitting values, step \(steps)") }
      }
    }
    report.end()
    for verdict in built.valueFit?.verdicts ?? [] {
      ErrorReport(
        isWarning: true, code: verdict.code.rawValue, message: "clv: \(verdict.message)",
        help: verdict.remedy
      ).write()
    }
    let faults = try opened.run { try FaultReport(built.summary, view: logView) }
    faults.tell()
    if let refusal = refusal(built.summary, faults, allowance) {
      try builder.discard(built)
      throw refusal
    }
    let manifest = try opened.run {
      try builder.publish(
        built, switchedAt: Clock.nowMicroseconds(),
        summary: { Array(json(built, faults, $0, loaded).text.utf8) },
        look: { reader in
          for feed in feeds {
            let (added, removed) = try feed.write(
              from: earlier, to: reader, opened, threads: Threads.count(threads))
            Notice.write(
              "changes of \(feed.table.rawValue): \(added) rows come, \(removed) go: \(feed.path)",
              quiet: global.quiet)
          }
        }
      ) {
        try register.register($0, waitSeconds: waitSeconds)
      }
    }
    try receiptFile?.end(with: receiptJSON(manifest).text + "\n")
    if let fit = built.valueFit {
      Notice.write(
        "valued \(fit.customers) buyers in \(Numbers.seconds(built.valueSeconds)) s",
        quiet: global.quiet)
    }
    if format == .json || format == .ndjson {
      let hasChanged =
        earlier.map { receiptJSON($0.manifest).text } != receiptJSON(manifest).text
      try StandardOutput.write(
        summary(
          json(built, faults, manifest, loaded).text, hasChanged,
          Clock.monotonicSeconds() - started) + "\n")
    } else if !global.quiet {
      try StandardOutput.show(
        text(built, faults, manifest, loaded, Clock.monotonicSeconds() - started))
    }
    if let parked = ParkedNotice.error(built.summary, exit: .problems) { throw parked }
  }

  /// Why the view must not be switched to; nil where it may.
  private func refusal(
    _ summary: ReplaySummary, _ faults: FaultReport, _ allowance: Allowance?
  ) -> CommandError? {
    if strict, let fault = faults.faults.first {
      let first = fault.firstPosition.map { ", first at position \($0)" } ?? ""
      return CommandError(
        exit: .couldNotRun, code: "fault",
        message:
          "\(fault.kind)\(fault.name.isEmpty ? "" : " `\(fault.name)`"): \(fault.reason), \(fault.count) times\(first)",
        help: "the view was not switched; without --strict faults are counted and listed")
    }
    let parked = summary.parked.count
    if strict, var error = ParkedNotice.error(summary, exit: .couldNotRun) {
      error.message += "; the view was not switched"
      return error
    }
    if let allowance, !allowance.allows(parked, share: (parked, Int(summary.customers))),
      var error = ParkedNotice.error(summary, exit: .problems)
    {
      error.code = "too-many-parked"
      error.message +=
        "; of \(summary.customers) customers --max-parked allows \(allowance.text), so the view was not switched"
      return error
    }
    return nil
  }

  private func parameters(_ loaded: LoadedRules) throws -> ValueParameters? {
    guard let clvParams else { return nil }
    guard let settings = loaded.compiled.rules.clv, let model = settings.model else {
      throw CommandError(
        exit: .usage, code: "usage",
        message: "--clv-params is of no use: the rules name no clv.model"
      )
    }
    let bytes = try InputFile.read(clvParams, what: "file of parameters")
    do throws(ValueParameters.Fault) {
      return try ValueParameters.read(bytes, model: model, unit: Numbers.span(settings.unit))
    } catch {
      throw CommandError(
        exit: .couldNotRun, code: "clv-params", message: "`\(clvParams)` \(error.message)",
        help: "`clm-replay replay STORE --rules RULES --format json` prints what it takes")
    }
  }

  /// - Parameter known: the view, where its name is known already.
  private func rulesAndName(
    _ opened: OpenedStore, named known: String? = nil
  ) throws -> (LoadedRules, String) {
    if let rules {
      let loaded = try LoadedRules.load(rules)
      return (loaded, try ViewNames.checked(view ?? loaded.compiled.rules.modelName))
    }
    let reader = try opened.view(named: known ?? view)
    return (try LoadedRules.load(reader), reader.manifest.name)
  }

  /// What the view is now; nil where there is none, or none that can be read: it will be replaced.
  private func viewInForce(_ name: String) -> ViewReader? {
    do throws(ViewError) {
      return try ViewReader.open(store, named: name)
    } catch {
      return nil
    }
  }

  /// The same model and version with other content than the view was served under before: a warning, under `--strict` a
  /// refusal, unless the content was accepted.
  private func checkRegister(_ opened: OpenedStore, _ loaded: LoadedRules, view: String) throws {
    let rules = loaded.compiled.rules
    let register = try opened.run { try opened.snapshot.register() }
    guard
      let other = register.otherContent(
        view: view, model: rules.modelName, version: Int64(rules.modelVersion),
        rulesHash: SHA256Bytes.hash(rules.source.span))
    else { return }
    let message =
      "`\(rules.modelName)` version \(rules.modelVersion) was served with other content, by view `\(other.view.view)` on \(RFC3339.text(other.recorded)): sha256 \(Hex.text(other.view.rulesHash).prefix(12)) then, \(rules.sha256.prefix(12)) now"
    let help =
      "raise model.version, or `clm-replay views \(store) --view \(view) --accept-rules \(rules.file)` accepts it; `clm-replay views \(store) --history` lists what was served"
    if strict {
      throw CommandError(
        exit: .couldNotRun, code: "rules-changed", message: message, help: help)
    }
    ErrorReport(isWarning: true, code: "rules-changed", message: message, help: help).write()
  }

  private func receiptJSON(_ manifest: ViewManifest) -> JSONValue {
    .object([
      ("size", .count(manifest.size)), ("root", .string(manifest.root)),
      ("rules", .string(manifest.rulesHash)), ("engine", .string(manifest.engine)),
      ("as_of", .string(RFC3339.text(manifest.asOf))),
      ("output_root", .string(manifest.outputRoot)),
    ])
  }

  /// What was said by the replay that made the view, where one more would come to the same; nil where it has to be made.
  ///
  /// Who asks for more than the view (a limit, parameters, both engines) gets a replay.
  private func unchanged(
    _ view: ViewReader, _ loaded: LoadedRules, _ logView: LogView, _ opened: OpenedStore
  ) throws -> String? {
    if rebuild || strict || maxParked != nil || clvParams != nil || foldEngine != .words {
      return nil
    }
    let register = try opened.run { try opened.snapshot.register() }
    if !register.holds(view.manifest) { return nil }
    let summary = try opened.run {
      try view.summary(ifMadeBy: loaded.compiled.rules, engine: Version.engine, of: logView)
    }
    return summary.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The members of an object, and two that each replay has to itself.
  private func summary(_ object: String, _ hasChanged: Bool, _ seconds: Double) -> String {
    let own = JSONValue.object([
      ("changed", .bool(hasChanged)), ("seconds", .number(Numbers.seconds(seconds))),
    ])
    return object.dropLast() + "," + own.text.dropFirst()
  }

  /// Of a view that is what a replay would make.
  private func tell(
    _ manifest: ViewManifest, _ summary: String, _ format: OutputFormat, _ seconds: Double
  ) throws {
    if format == .json || format == .ndjson {
      return try StandardOutput.write(self.summary(summary, false, seconds) + "\n")
    }
    if global.quiet { return }
    try StandardOutput.show(
      """
      view \(manifest.name): \(manifest.model) v\(manifest.version), unchanged since \(RFC3339.text(manifest.switchedAt))
      as of \(RFC3339.text(manifest.asOf)), log size \(manifest.size)
      \(manifest.customers) customers, \(manifest.rows) transitions

      output root \(manifest.outputRoot)

      """)
  }

  private func json(
    _ built: ViewBuilder.Built, _ faults: FaultReport, _ manifest: ViewManifest,
    _ loaded: LoadedRules
  ) -> JSONValue {
    let summary = built.summary
    let digits = loaded.compiled.rules.currency.digits
    var value: [(String, JSONValue)] = [
      ("model", .optional(loaded.compiled.rules.clv?.model?.rawValue))
    ]
    if let fit = built.valueFit { value += fitJSON(fit) }
    if !faults.unvalued.isEmpty {
      value.append(("faults", .array(faults.unvalued.map { faultJSON($0) })))
    }
    value.append(
      ("historical", .optional(built.historicalValue.map { Numbers.money($0, digits: digits) })))
    return .object([
      ("view", .string(manifest.name)), ("as_of", .string(RFC3339.text(summary.asOf))),
      ("events", .count(summary.events)), ("ignored", .count(summary.ignored)),
      ("customers", .count(summary.customers)), ("transitions", .count(summary.transitions)),
      ("stages", .object(summary.stages.map { ($0.name, .count($0.customers)) })),
      ("segments", .object(summary.segments.map { ($0.name, .count($0.customers)) })),
      ("clv", .object(value)),
      ("faults", .array(faults.faults.map { faultJSON($0) })),
      ("warnings", .array(faults.warnings.map { warningJSON($0) })),
      ("parked", .array(summary.parked.map { parkedJSON($0.customer, $0.parking) })),
      ("receipt", receiptJSON(manifest)),
    ])
  }

  private func fitJSON(_ fit: ValueFit) -> [(String, JSONValue)] {
    func pairs(_ names: [String], _ values: [Double]) -> [(String, JSONValue)] {
      zip(names, values).map { ($0, .number(Numbers.double($1))) }
    }
    var members: [(String, JSONValue)] = [
      ("unit", .string(Numbers.span(fit.unit))),
      ("horizon", .string(Numbers.span(fit.settings.horizon))),
      ("margin", .string(fit.settings.marginText)), ("discount", fit.settings.discountJSON),
      ("customers", .count(fit.customers)),
    ]
    if fit.isGiven { members.append(("fitted", .bool(false))) }
    if fit.settings.monetary == .net { members.append(("monetary", .string("net"))) }
    if !fit.isGiven { members += fit.settings.knownBefore }
    if let (names, purchases) = fit.purchases {
      members.append(("params", .object(pairs(names, purchases.parameters))))
      members.append(("log_likelihood", .number(Numbers.double(purchases.logLikelihood))))
      members += standardErrors(names, purchases)
    }
    switch fit.spending {
    case .gammaGamma(let spending)?:
      let values = spending.parameters + (fit.isGiven ? [] : [spending.logLikelihood])
      let names = GammaGamma.parameterNames + ["log_likelihood"]
      members.append(("gamma_gamma", .object(pairs(names, values))))
      members += standardErrors(
        GammaGamma.parameterNames, spending, named: "gamma_gamma_standard_errors")
    case .mean(let mean, let customers)?:
      members.append(
        (
          "mean_amount",
          .object([
            ("mean", .number(Numbers.double(mean))), ("customers", .count(customers)),
            ("replaces", .string("gamma_gamma")),
          ])
        ))
    case nil: break
    }
    if !fit.verdicts.isEmpty {
      members.append(("verdicts", .array(fit.verdicts.map(\.json))))
    }
    return members
  }

  /// To the six digits that they hold.
  private func standardErrors(
    _ names: [String], _ fit: Fit, named name: String = "standard_errors"
  ) -> [(String, JSONValue)] {
    if fit.standardErrors.isEmpty { return [] }
    return [
      (
        name,
        .object(
          zip(names, fit.standardErrors).map { name, error in
            (name, error.map { .number(Numbers.six($0)) } ?? .null)
          })
      )
    ]
  }

  private func faultJSON(_ fault: FaultReport.Fault) -> JSONValue {
    .object([
      (fault.kind, .string(fault.name)), ("reason", .string(fault.reason)),
      ("count", .count(fault.count)),
      ("first_position", fault.firstPosition.map { .count($0) } ?? .null),
    ])
  }

  private func parkedJSON(_ customer: String, _ parked: Parking) -> JSONValue {
    .object([
      ("customer", .string(customer)), ("reason", .string(parked.reason)),
      ("at", .string(RFC3339.text(parked.at))),
      ("transitions", .array(parked.transitions.map { .string($0) })),
    ])
  }

  private func text(
    _ built: ViewBuilder.Built, _ faults: FaultReport, _ manifest: ViewManifest,
    _ loaded: LoadedRules, _ seconds: Double
  ) -> String {
    let summary = built.summary
    var lines: [String] = []
    lines.append("view \(manifest.name): \(loaded.title)")
    lines.append("as of \(RFC3339.text(summary.asOf)), log size \(manifest.size)")
    lines.append(
      "\(summary.events) events, \(summary.customers) customers, \(summary.transitions) transitions"
        + (summary.ignored > 0 ? ", \(summary.ignored) events ignored" : ""))
    lines.append("")
    var table = TextTable(columns: ["stage", "customers"], numeric: [1])
    for stage in summary.stages { table.add([stage.name, String(stage.customers)]) }
    if !summary.parked.isEmpty { table.add(["(parked)", String(summary.parked.count)]) }
    lines += table.lines
    if !summary.segments.isEmpty {
      lines.append("")
      var table = TextTable(columns: ["segment", "customers"], numeric: [1])
      for segment in summary.segments { table.add([segment.name, String(segment.customers)]) }
      lines += table.lines
    }
    if let value = built.historicalValue {
      let currency = loaded.compiled.rules.currency
      lines.append("")
      lines.append(
        "historical value \(Numbers.money(value, digits: currency.digits)) \(currency.code)")
    }
    if let fit = built.valueFit, let (names, purchases) = fit.purchases {
      lines.append("")
      let values = zip(names, purchases.parameters).map { "\($0) \(Numbers.double($1))" }
      lines.append(
        "\(fit.model.rawValue) over \(fit.customers) buyers\(fit.isGiven ? ", parameters as given" : ""), time in \(Numbers.span(fit.unit)): "
          + values.joined(separator: ", ")
          + ", log-likelihood \(Numbers.double(purchases.logLikelihood))"
          + (fit.isGiven ? "" : fit.settings.knownBefore.map { ", \($0.0) \($0.1.text)" }.joined())
      )
    }
    if !faults.faults.isEmpty {
      lines.append("")
      var table = TextTable(
        columns: ["fault", "name", "reason", "count", "first position"], numeric: [3, 4])
      for fault in faults.faults {
        table.add([
          fault.kind, fault.name, fault.reason, String(fault.count),
          fault.firstPosition.map { String($0) } ?? "",
        ])
      }
      lines += table.lines
    }
    lines.append("")
    lines.append("output root \(manifest.outputRoot)")
    Notice.write(
      "replayed \(summary.events) events in \(Numbers.seconds(seconds)) s", quiet: global.quiet)
    return lines.joined(separator: "\n") + "\n"
  }
}

extension FoldEngine: ExpressibleByArgument {}
