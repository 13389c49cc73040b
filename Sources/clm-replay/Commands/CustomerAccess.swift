import CEL
import EventStore
import Projections

/// One customer of a view, folded again where another instant is asked for.
struct CustomerAccess {
  let name: String
  let viewName: String
  let asOf: Int64
  let compiled: CompiledRules
  let opened: OpenedStore
  /// What holds everybody at this time; nil where only the customer was folded again.
  private let reader: ViewReader?
  /// The part of the log that is folded.
  let view: LogView
  /// What the register says was served; nil unless it was asked.
  let served: ServedView.Record?
  /// True where the view itself answers.
  let isCurrent: Bool
  private let stored: ViewCustomer?
  private let known = KnownLines()
  /// All of the customer, its name first.
  let subjects: [String]

  /// - Parameter customer: any of its subjects.
  init(_ customer: String, in store: String, _ options: CustomerTimes, quiet: Bool) throws {
    var reader: ViewReader?
    if let asServed = options.asServed {
      opened = try OpenedStore(store)
      let found = try ServedView(opened, view: options.view, at: asServed)
      (compiled, viewName, view) = (found.rules.compiled, found.name, found.view)
      served = found.record
      isCurrent = false
    } else {
      let opening: ViewReader
      (opened, opening) = try OpenedStore.open(store, withView: options.view)
      compiled = try LoadedRules.load(opening).compiled
      viewName = opening.manifest.name
      served = nil
      isCurrent = options.asOf == nil && options.knownAt == nil
      if isCurrent { reader = opening }
      view = try opened.logView(
        of: opening.manifest, asOf: options.asOf, knownAt: options.knownAt)
    }
    asOf = view.asOf
    if options.population {
      let whole = try PassingView.build(viewName, compiled, view, quiet: quiet)
      reader = whole.reader
      if let served, Hex.text(served.served.outputRoot) != whole.outputRoot {
        ErrorReport(
          isWarning: true, code: "other-result",
          message:
            "folding everybody gives the output root \(whole.outputRoot), and record \(served.number) of the register says \(Hex.text(served.served.outputRoot))",
          help:
            "it was made by \(served.served.engine), this is \(Version.engine); `clm-replay verify \(opened.path)` looks at the log"
        ).write()
      }
    }
    self.reader = reader
    if let reader {
      let found = try opened.run { try reader.customer(named: customer) }
      guard let found else { throw Self.unknown(customer, opened, viewName) }
      stored = found
      name = found.record.name
      subjects = [name] + found.record.subjects
    } else {
      stored = nil
      subjects = try Self.subjects(of: customer, opened, view, compiled, viewName)
      name = subjects[0]
    }
  }

  /// A customer of a view as it stands.
  init(_ customer: String, _ opened: OpenedStore, _ reader: ViewReader) throws {
    guard let found = try opened.run({ try reader.customer(named: customer) }) else {
      throw Self.unknown(customer, opened, reader.manifest.name)
    }
    (self.opened, self.reader, stored) = (opened, reader, found)
    compiled = try LoadedRules.load(reader).compiled
    viewName = reader.manifest.name
    view = try opened.logView(size: reader.manifest.size, asOf: reader.manifest.asOf)
    asOf = view.asOf
    served = nil
    isCurrent = true
    name = found.record.name
    subjects = [name] + found.record.subjects
  }

  /// All subjects of a customer, the one that it is called by first.
  static func subjects(
    of customer: String, _ opened: OpenedStore, _ view: LogView, _ compiled: CompiledRules,
    _ viewName: String
  ) throws -> [String] {
    let joined = try opened.run {
      try CustomerLookup.subjects(of: customer, view: view, compiled: compiled)
    }
    guard let joined, !joined.isEmpty else {
      throw try absent(customer, opened, view, viewName)
    }
    return joined
  }

  /// Nobody in view is called so: either nobody in the log is, or what is known of the customer came later.
  private static func absent(
    _ customer: String, _ opened: OpenedStore, _ view: LogView, _ viewName: String
  ) throws -> CommandError {
    let isInLog = try opened.run {
      try opened.snapshot.subject(named: Array(customer.utf8).span) != nil
    }
    guard isInLog else { return unknown(customer, opened, viewName) }
    return CommandError(
      exit: .couldNotRun, code: "unknown-customer",
      message:
        "customer `\(customer)` has no event in view as of \(RFC3339.text(view.asOf)), log size \(view.size)",
      help:
        "the log has events of that name: `clm-replay history \(opened.path) \(customer)` lists them"
    )
  }

  static func unknown(_ customer: String, _ opened: OpenedStore, _ view: String) -> CommandError {
    let meant = near(customer, opened, view).map { "did you mean `\($0)`? " } ?? ""
    return CommandError(
      exit: .couldNotRun, code: "unknown-customer",
      message: "no customer `\(customer)` in view `\(view)`",
      help: "\(meant)`clm-replay export \(opened.path) --table customers -o -` lists them")
  }

  /// The name of a customer that is about the same.
  private static func near(_ customer: String, _ opened: OpenedStore, _ view: String) -> String? {
    do {
      let names = try opened.run { try opened.view(named: view).names(around: customer) }
      return Suggestion.nearest(to: customer, among: names)
    } catch {
      // What was served may be gone by now; what is said is about the customer.
      return nil
    }
  }

  /// The events in view of all the customer's subjects; they are looked for once.
  func lines() throws -> [EventLine] {
    if let lines = known.lines { return lines }
    let lines = try readLines()
    known.lines = lines
    return lines
  }

  private func readLines() throws -> [EventLine] {
    // A few are enough: most subjects are found by the first.
    let anchors = stored?.record.rows.compactMap { $0.anchor?.position }.prefix(8)
    return try opened.run {
      try CustomerLookup.lines(
        of: subjects, view: view, threads: Threads.count(nil), anchors: Array(anchors ?? []))
    }
  }

  /// The events in view of all who are the customer under other rules.
  func lines(under other: CompiledRules) throws -> [EventLine] {
    try opened.run {
      let subjects = try CustomerLookup.subjects(of: name, view: view, compiled: other)
      // Under its name or not: what is said is said of this customer.
      guard let subjects, subjects.first == name else { return [] }
      return try CustomerLookup.lines(of: subjects, view: view, threads: Threads.count(nil))
    }
  }

  func explainer() throws -> Explainer {
    Explainer(compiled, customer: name, lines: try lines(), asOf: asOf)
  }

  func record() throws -> CustomerRecord {
    if let stored { return stored.record }
    guard let record = try explainer().record() else {
      throw try Self.absent(name, opened, view, viewName)
    }
    return record
  }

  /// What a segment may read beside the facts; nil under other times, where nobody has computed it.
  func population() throws -> PopulationValues? {
    guard let stored, let reader else { return nil }
    return try opened.run {
      try reader.population(of: stored, compiled, threads: Threads.count(nil))
    }
  }

  /// Names of what needs everybody, where only this customer was folded; empty where all is known.
  func unknown(of record: CustomerRecord) -> [String] {
    guard stored == nil, record.current != nil else { return [] }
    let rules = compiled.rules
    var names: [String] = []
    if let settings = rules.clv {
      if settings.model != nil {
        names += ["clv.expected", "clv.p_alive", "clv.expected_purchases"]
      }
      names.append("clv.rfm")
    }
    return names + rules.segments.filter(\.readsPopulation).map(\.name)
  }

  func viewCustomer() throws -> ViewCustomer {
    if let stored { return stored }
    let record = try record()
    return ViewCustomer(record: record, scores: nil, segments: record.current?.segments ?? [])
  }

  /// What was learned of the past as the log grew, in the order in which it was recorded.
  func corrections() throws -> [Correction] {
    try opened.run {
      try CorrectionFinder(compiled, view: view, threads: Threads.count(nil)).corrections(
        of: subjects)
    }
  }

  /// Events and transitions in the order of the fold.
  func history() throws -> [HistoryStep] {
    let record = try record()
    let lines = try lines().sorted { ($0.occurred, $0.position) < ($1.occurred, $1.position) }
    var steps: [HistoryStep] = []
    var next = 0
    for line in lines {
      while next < record.rows.count, record.rows[next].isTimer,
        record.rows[next].at <= line.occurred
      {
        steps.append(.transition(record.rows[next]))
        next += 1
      }
      steps.append(.event(line))
      while next < record.rows.count, !record.rows[next].isTimer,
        record.rows[next].anchor?.position == line.position
      {
        steps.append(.transition(record.rows[next]))
        next += 1
      }
    }
    for row in record.rows[next...] { steps.append(.transition(row)) }
    return steps
  }
}

/// A customer's events, once they were read.
private final class KnownLines {
  var lines: [EventLine]?
}

enum HistoryStep {
  case event(EventLine)
  case transition(CustomerRecord.Row)
}
