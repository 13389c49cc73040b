import EventStore
import Projections

/// One customer of a view, folded again where another instant is asked for.
struct CustomerAccess {
  let name: String
  let viewName: String
  let asOf: Int64
  let compiled: CompiledRules
  private let opened: OpenedStore
  /// Nil where the register says under which rules; the view may be gone.
  private let reader: ViewReader?
  private let view: LogView
  /// True where the view itself answers.
  let isCurrent: Bool
  private let stored: ViewCustomer?
  private let subjects: [String]

  init(
    _ opened: OpenedStore, view: String?, customer: String, asOf: String?, knownAt: String?,
    asServed: String?
  ) throws {
    self.opened = opened
    if let asServed {
      let served = try ServedView(opened, view: view, at: asServed)
      self.reader = nil
      compiled = served.rules.compiled
      viewName = served.name
      isCurrent = false
      stored = nil
      self.view = served.view
      self.asOf = served.view.asOf
      subjects = try Self.subjects(of: customer, opened, served.view, compiled, viewName)
      name = subjects[0]
      return
    }
    let reader = try opened.view(named: view)
    self.reader = reader
    compiled = try LoadedRules.load(reader).compiled
    viewName = reader.manifest.name
    isCurrent = asOf == nil && knownAt == nil
    if isCurrent {
      let found = try opened.run { try reader.customer(named: customer) }
      guard let found else { throw Self.unknown(customer, opened.path, viewName) }
      stored = found
      name = found.record.name
      subjects = [name] + found.record.subjects
      self.asOf = reader.manifest.asOf
      self.view = try opened.logView(size: reader.manifest.size, asOf: reader.manifest.asOf)
    } else {
      stored = nil
      let view = try opened.logView(
        asOf: asOf ?? RFC3339.text(reader.manifest.asOf), knownAt: knownAt)
      self.view = view
      self.asOf = view.asOf
      subjects = try Self.subjects(of: customer, opened, view, compiled, viewName)
      name = subjects[0]
    }
  }

  /// All subjects of a customer, the one that it is called by first.
  private static func subjects(
    of customer: String, _ opened: OpenedStore, _ view: LogView, _ compiled: CompiledRules,
    _ viewName: String
  ) throws -> [String] {
    let joined = try opened.run {
      try CustomerLookup.subjects(of: customer, view: view, compiled: compiled)
    }
    guard let joined, !joined.isEmpty else { throw unknown(customer, opened.path, viewName) }
    return joined
  }

  private static func unknown(_ customer: String, _ store: String, _ view: String) -> CommandError {
    CommandError(
      exit: .couldNotRun, code: "unknown-customer",
      message: "no customer `\(customer)` in view `\(view)`",
      help: "`clm-replay export \(store) --table customers -o -` lists them")
  }

  /// The events in view of all the customer's subjects.
  func lines() throws -> [EventLine] {
    try opened.run { try CustomerLookup.lines(of: subjects, view: view) }
  }

  func explainer() throws -> Explainer {
    Explainer(compiled, customer: name, lines: try lines(), asOf: asOf)
  }

  func record() throws -> CustomerRecord {
    if let stored { return stored.record }
    guard let record = try explainer().record() else {
      throw Self.unknown(name, opened.path, viewName)
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

  func viewCustomer() throws -> ViewCustomer {
    if let stored { return stored }
    let record = try record()
    return ViewCustomer(record: record, scores: nil, segments: record.current?.segments ?? [])
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

enum HistoryStep {
  case event(EventLine)
  case transition(CustomerRecord.Row)
}
