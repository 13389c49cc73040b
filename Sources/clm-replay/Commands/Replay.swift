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

      A view that is there is brought up to date: only customers with new events or links are folded, and those of whom time alone changes something up to the new as-of; what comes out is what building it anew gives, byte for
      byte. Where nothing is new (same log, as-of, rules and program) the view stays as it is. An earlier as-of, other rules or another version build it anew, which is said. A rebuild that was ended, by a signal or with the power, goes on where it was at the next replay of the same (`views --prune` removes what it left). Without --rules the view keeps its own rules. Readers of
      the view keep the generation that they have opened. Exit status 1 if customers are parked: their rules do not determine a stage.
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
  @Flag(
    help:
      "Do not replay: build the view in force anew in memory, from the same events, and end with 1 if it differs."
  ) var check = false
  @Flag(
    help:
      "Go on: bring the view up to date whenever events were imported, and with --as-of now when time is due, until SIGINT or SIGTERM."
  ) var follow = false
  @Option(help: "How often --follow looks, such as 5s.") var poll = "1s"
  @Flag(help: "Build the view anew from the whole log, as after damage to its files.")
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
    if check { return try check(format) }
    if follow { return try follow(format) }
    let said = try once(try Request(self))
    try say(said, format)
    if let parked = said.parked { throw parked }
  }

  /// What was asked for, once it is known to make sense.
  struct Request {
    let allowance: Allowance?
    let feeds: [ChangeFeed]
    let waitSeconds: Double
    /// What is the same each time was said before.
    var isRepeated = false
    /// Rules of a file, and the view's name, where they are known: who follows goes on with what it began with.
    var rules: LoadedRules?
    var name: String?

    init(_ command: ReplayCommand) throws {
      allowance = try command.maxParked.map { try Allowance($0, option: "--max-parked") }
      feeds = try command.changes.map { try ChangeFeed($0) }
      waitSeconds = Double(try Times.length(command.wait, option: "--wait")) / 1e6
    }
  }

  /// What a replay has to say.
  struct Said {
    /// One object, less what follows here.
    var object: String
    /// For people, on standard output, and on standard error what it took.
    var text: String
    var work: String
    var hasChanged: Bool
    /// How many customers were folded.
    var folded: Int64
    var seconds: Double
    var parked: CommandError?
    var manifest: ViewManifest
  }

  /// Brings the view up to date, or builds it.
  func once(_ request: Request) throws -> Said {
    var (opened, register) = try OpenedStore.registering(store)
    // What is wrong with rules of a file is said before anything is waited for.
    let ofFile = try request.rules ?? rules.map { try LoadedRules.load($0) }
    let parametersOfFile = try ofFile.flatMap { try $0.valueParameters(clvParams) }
    let name = try request.name ?? viewName(ofFile, opened)
    _ = try opened.logView(asOf: asOf, knownAt: knownAt)
    let lock = try opened.run {
      try ViewLock.take(
        store, name, waitSeconds: request.waitSeconds, command: "clm-replay replay")
    }
    // As they are now that no other replay is under way: who waited shall not bring back what was before.
    if try opened.isInForce() {
      opened = try opened.renewed()
    } else {
      // Who waited for an erasure folds what is left.
      (opened, register) = try OpenedStore.registering(store)
    }
    let (earlier, unreadable) = viewInForce(name)
    let loaded = try ofFile ?? rulesInForce(name, earlier, opened)
    let parameters = try ofFile == nil ? loaded.valueParameters(clvParams) : parametersOfFile
    if !request.isRepeated { try checkRegister(opened, loaded, view: name) }
    let logView = try opened.logView(asOf: asOf, knownAt: knownAt)
    // Before the switch, which must not come if it cannot be told.
    let receiptFile = try receipt.map { try OutputFile.open($0) }
    let started = Clock.monotonicSeconds()
    let feeds = request.feeds
    if !feeds.isEmpty, let unreadable {
      throw CommandError(
        exit: .couldNotRun, code: ViewError.Code.damaged.rawValue,
        message:
          "view `\(name)` cannot be read, so that nobody can say what changes: \(unreadable)",
        help: "replay it without --changes, and export its tables as a whole")
    }
    for feed in feeds { try feed.check(from: earlier, loaded.compiled.rules) }
    if let earlier, let summary = try unchanged(earlier, loaded, logView, opened) {
      try opened.run {
        try ViewRemoval(store, view: name).removeLeftovers(lock, beside: earlier.manifest)
      }
      for feed in feeds { try feed.writeNothing(earlier, opened) }
      try receiptFile?.end(with: ReplayReport.receiptJSON(earlier.manifest).text + "\n")
      return Said(
        object: summary,
        text: ReplayReport.unchanged(try opened.served(earlier.manifest, opened.snapshot)),
        work: "nothing is new",
        hasChanged: false, folded: 0, seconds: Clock.monotonicSeconds() - started,
        parked: ParkedNotice.error(earlier.manifest), manifest: earlier.manifest)
    }
    let builder = ViewBuilder(
      storePath: store, name: name, loaded.compiled, view: logView, engine: Version.engine,
      threads: Threads.count(threads), lock: lock, parameters: parameters,
      foldEngine: foldEngine)
    if let unreadable { foldingEverybody(because: unreadable) }
    let built = try build(builder, earlier, opened)
    let faults = try opened.run { try FaultReport(built.summary, view: logView) }
    if !request.isRepeated { faults.tell() }
    if let refusal = refusal(built.summary, faults, request.allowance) {
      try builder.discard(built)
      throw refusal
    }
    let report = ReplayReport(built: built, faults: faults, loaded: loaded)
    let manifest = try opened.run {
      try builder.publish(
        built, switchedAt: Clock.nowMicroseconds(),
        summary: { Array(report.json($0).text.utf8) },
        look: { reader in
          for feed in feeds {
            let (added, removed) = try feed.write(
              from: earlier, to: reader, opened, threads: Threads.count(threads))
            Notice.write(
              "changes of \(feed.table.rawValue): \(added == 1 ? "1 row comes" : "\(added) rows come"), \(removed) \(removed == 1 ? "goes" : "go"): \(feed.path)",
              quiet: global.quiet)
          }
        }
      ) {
        try register.register($0, waitSeconds: request.waitSeconds)
      }
    }
    try receiptFile?.end(with: ReplayReport.receiptJSON(manifest).text + "\n")
    if let fit = built.valueFit {
      Notice.write(
        "valued \(fit.customers) buyers in \(Numbers.seconds(built.valueSeconds)) s",
        quiet: global.quiet)
    }
    let before = earlier.map { ReplayReport.receiptJSON($0.manifest).text }
    return Said(
      object: report.json(manifest).text, text: report.text(manifest), work: report.work,
      hasChanged: before != ReplayReport.receiptJSON(manifest).text, folded: built.folded,
      seconds: Clock.monotonicSeconds() - started,
      parked: ParkedNotice.error(built.summary, exit: .problems), manifest: manifest)
  }

  /// From what is in force, where that can be used, else from the whole log.
  private func build(
    _ builder: ViewBuilder, _ earlier: ViewReader?, _ opened: OpenedStore
  ) throws -> ViewBuilder.Built {
    let report = ProgressReport("replay", progress, quiet: global.quiet, meter: builder.meter)
    func note(_ progress: ViewBuilder.Progress) {
      switch progress {
      case .fitting(let steps): report.note("fitting values, step \(steps)")
      case .resumed(let customers, let all):
        Notice.write(
          "resumes a rebuild that was ended, at \(customers) of \(all) customers",
          quiet: global.quiet)
      case .unusable(let reason):
        Notice.write(
          "what a rebuild that was ended left is thrown away: \(reason)", quiet: global.quiet)
      case .folded, .noted: break
      }
    }
    let built = try opened.run { () throws -> ViewBuilder.Built in
      guard let earlier, !rebuild else { return try builder.build(progress: note) }
      var reason = "the register does not know the view in force"
      if try opened.snapshot.registerHolds(earlier.manifest) {
        switch try builder.update(earlier, progress: note) {
        case .built(let built): return built
        case .mustRebuild(let why): reason = why
        }
      }
      foldingEverybody(because: reason)
      return try builder.build(progress: note)
    }
    report.end()
    for verdict in built.valueFit?.verdicts ?? [] {
      ErrorReport(
        isWarning: true, code: verdict.code.rawValue, message: "clv: \(verdict.message)",
        help: verdict.remedy
      ).write()
    }
    return built
  }

  private func foldingEverybody(because reason: String) {
    Notice.write("folding everybody: \(reason)", quiet: global.quiet)
  }

  /// Says what a replay came to.
  func say(_ said: Said, _ format: OutputFormat) throws {
    if format == .json || format == .ndjson {
      let own = JSONValue.object([
        ("changed", .bool(said.hasChanged)), ("folded", .count(said.folded)),
        ("seconds", .number(Numbers.seconds(said.seconds))),
      ])
      return try StandardOutput.write(
        said.object.dropLast() + "," + own.text.dropFirst() + "\n")
    }
    Notice.write("\(said.work), in \(Numbers.seconds(said.seconds)) s", quiet: global.quiet)
    if !global.quiet { try StandardOutput.show(said.text) }
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

  /// What the view is called: the one named, the model of rules that are given, or the only one there is.
  private func viewName(_ given: LoadedRules?, _ opened: OpenedStore) throws -> String {
    if let given { return try ViewNames.checked(view ?? given.compiled.rules.modelName) }
    do throws(ViewError) {
      return try ViewReader.resolved(view, store)
    } catch {
      if error.code == .missing, let awaited = try awaited(opened, view) { return awaited.view }
      throw CommandError(error)
    }
  }

  /// The rules of a view, where none are given; those of one that cannot be read, too.
  private func rulesInForce(
    _ name: String, _ reader: ViewReader?, _ opened: OpenedStore
  ) throws -> LoadedRules {
    if let reader { return try LoadedRules.load(reader) }
    let found: Rules
    do throws(ViewError) {
      found = try ViewReader.rules(store, of: name)
    } catch {
      guard let kept = try keptByRegister(opened, name, error) else { throw CommandError(error) }
      return try LoadedRules.load(
        kept.source, named: "record \(kept.record) of the register")
    }
    return try LoadedRules.load(found)
  }

  /// The rules of a view that does not say its own: the register has those of an erased one, which an erasure removes for what
  /// it holds, and of a damaged one those of its last switch.
  private func keptByRegister(
    _ opened: OpenedStore, _ name: String, _ error: ViewError
  ) throws -> (record: UInt64, source: [UInt8])? {
    switch error.code {
    case .missing:
      return try awaited(opened, name).map { ($0.record, $0.source) }
    case .damaged:
      let register = try opened.run { try opened.snapshot.register() }
      guard let last = register.switches.last(where: { $0.view.view == name }),
        let source = register.rules(hash: last.view.rulesHash)
      else { return nil }
      Notice.write(
        "the rules of view `\(name)` cannot be read; taken from record \(last.number) of the register",
        quiet: global.quiet)
      return (last.number, source)
    default:
      return nil
    }
  }

  /// The rules of a view that an erasure removed, by the register: of the one named, or of the only one.
  private func awaited(
    _ opened: OpenedStore, _ name: String?
  ) throws -> (view: String, record: UInt64, source: [UInt8])? {
    let register = try opened.run { try opened.snapshot.register() }
    let found = register.awaited.filter { name == nil || $0.view.view == name }
    guard found.count == 1, let (number, view) = found.first,
      let source = register.rules(hash: view.rulesHash)
    else { return nil }
    return (view.view, number, source)
  }

  /// What the view is now; nil where there is none, or none that can be read: it will be replaced.
  private func viewInForce(_ name: String) -> (reader: ViewReader?, unreadable: String?) {
    do throws(ViewError) {
      return (try ViewReader.open(store, named: name), nil)
    } catch {
      return (nil, error.code == .missing ? nil : error.message)
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

  /// What was said by the replay that made the view, where one more would come to the same; nil where it has to be made.
  ///
  /// Who asks for more than the view (a limit, parameters, both engines) gets a replay.
  private func unchanged(
    _ view: ViewReader, _ loaded: LoadedRules, _ logView: LogView, _ opened: OpenedStore
  ) throws -> String? {
    if rebuild || strict || maxParked != nil || clvParams != nil || foldEngine != .words {
      return nil
    }
    if try !opened.run({ try opened.snapshot.registerHolds(view.manifest) }) { return nil }
    let summary = try opened.run {
      try view.summary(ifMadeBy: loaded.compiled.rules, engine: Version.engine, of: logView)
    }
    return summary.map { String(decoding: $0, as: UTF8.self) }
  }
}

extension FoldEngine: ExpressibleByArgument {}
