import ArgumentParser
import EventStore
import Projections

struct FoldCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fold",
    abstract: "Fold events from standard input, customer by customer; a filter, without a store.",
    discussion: """
      EXAMPLE
        clm-replay fold --rules retail.yaml --as-of 2024-12-31 < events.ndjson > customers.ndjson
        sort -t'"' -k20,20 -s events.ndjson | clm-replay fold --rules retail.yaml --as-of now --format csv

      For pipelines that bring the events of each customer together themselves (a partition of Spark, `sort`): lines as `import`
      takes them, those of one customer behind each other; events of one instant count in the order of the input. Rows are those
      that `export` would give of a log with these events; `position` counts the events that were taken, from 0. Output follows
      the input while it is read; memory does not grow with it but for 32 bytes a customer. Where rules have `identity`, a later
      line may join what came before: all lines are held, in any order, and customers come out by name.

      What needs all customers at once stays empty, which is said: rfm_*, segments that read clv, rfm or ranks, and values of
      fitted models, unless --clv-params brings the parameters of a fit (`replay --format json` prints them).

      A line that cannot be taken is named on standard error, and the exit status is 1 at the end; events of a customer who was
      there before end it with 2.
      """)

  enum Table: String, ExpressibleByArgument, CaseIterable {
    case customers, transitions, segments
  }

  @Option(help: "The rules file.") var rules: String
  @Option(help: "The instant to fold to: RFC 3339, a date, or `now`.") var asOf: String
  @Option(help: "What comes out: customers, transitions or segments (stays in them).")
  var table = Table.customers
  @Option(help: "Parameters of value models, as `replay --format json` prints them.")
  var clvParams: String?
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let format = global.format ?? .ndjson
    let loaded = try LoadedRules.load(rules)
    let instant = try Times.instant(asOf, option: "--as-of")
    let parameters = try loaded.valueParameters(clvParams)
    let started = Clock.monotonicSeconds()
    tellWhatIsMissing(loaded.compiled.rules, parameters)
    var run = try CommandError.translating {
      try FoldRun(
        loaded.compiled, asOf: instant, parameters: parameters, table: table, format: format,
        threads: Threads.count(threads))
    }
    do {
      try CommandError.translating { try run.readAll() }
    } catch let fault as InputFault {
      throw CommandError(fault)
    }
    run.leftOut.tell()
    if run.parked > 0 {
      Notice.write(
        "parked customers: \(run.parked) of \(run.customers); their `parked_at` says since when",
        quiet: global.quiet)
    }
    Notice.write(
      "folded \(Numbers.counted(run.taken, "event")) of \(Numbers.counted(run.customers, "customer")) to \(Numbers.counted(run.rows, "row")) in \(Numbers.seconds(Clock.monotonicSeconds() - started)) s"
        + (run.duplicates > 0 ? "; \(Numbers.counted(run.duplicates, "duplicate"))" : ""),
      quiet: global.quiet)
    if run.rejected > 0 {
      throw CommandError(
        exit: .problems, code: "rejected",
        message: "\(run.rejected) of \(run.lines) lines were rejected",
        help: "rows are those of all others")
    }
  }

  private func tellWhatIsMissing(_ rules: Rules, _ parameters: ValueParameters?) {
    if table == .transitions { return }
    var missing = GroupFold.untold(rules).map { "segment `\($0)`" }
    if table == .customers {
      if rules.clv?.model != nil && parameters == nil {
        missing.append("clv_expected, p_alive, expected_purchases (see --clv-params)")
      } else if parameters != nil && parameters?.spending == nil {
        missing.append("clv_expected (the parameters have none of the spending model)")
      }
      missing.append("rfm_*")
    }
    if missing.isEmpty { return }
    Notice.write(
      "left empty, as they need all customers at once: \(missing.joined(separator: ", "))",
      quiet: global.quiet)
  }
}

/// One run of the filter: lines to customers to rows.
private struct FoldRun {
  private let compiled: CompiledRules
  private let asOf: Int64
  private let parameters: ValueParameters?
  private let table: FoldCommand.Table
  private let format: OutputFormat
  private let threads: Int
  private let file: OutputFile
  private(set) var lines = 0
  private(set) var taken = 0
  private(set) var duplicates = 0
  private(set) var rejected = 0
  private(set) var customers = 0
  private(set) var parked = 0
  private(set) var rows = 0
  private(set) var leftOut: LeftOutEvents
  /// The customer whose events are being read, or all where rules join subjects.
  private var open: [EventLine] = []
  /// Places in `open` of the events of each identity.
  private var known: [EventName: Int] = [:]
  private var waiting: [(name: String, lines: [EventLine])] = []
  private var waitingLines = 0
  /// Customers whose events were read.
  private var before: Set<SubjectKey> = []
  private var joins: Bool { compiled.rules.identity != nil }
  /// Events that are folded at a time.
  private static let batch = 1 << 15
  /// Rejected lines that are named; all are counted.
  private static let named = 20

  /// The first half of a SHA-256.
  private struct SubjectKey: Hashable {
    var high: UInt64
    var low: UInt64

    init(_ hash: [UInt8]) {
      high = hash[..<8].reduce(0) { $0 << 8 | UInt64($1) }
      low = hash[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  private struct EventName: Hashable {
    var source: [UInt8]
    var id: [UInt8]
  }

  init(
    _ compiled: CompiledRules, asOf: Int64, parameters: ValueParameters?,
    table: FoldCommand.Table, format: OutputFormat, threads: Int
  ) throws {
    self.compiled = compiled
    self.asOf = asOf
    self.parameters = parameters
    self.table = table
    self.format = format
    self.threads = threads
    leftOut = LeftOutEvents(compiled.rules)
    file = try OutputFile.open("-")
  }

  mutating func readAll() throws {
    try file.write(FoldRows(compiled.rules, table, csv: format == .csv).header)
    try CheckedLines.forEach("-") { number, line, rejection in
      lines += 1
      if let rejection {
        reject(number, rejection.code, rejection.message)
      } else if let event = EventLine(position: UInt64(taken), line: line) {
        try take(event, number)
      } else {
        reject(number, "bad-line", "the line cannot be read")
      }
    }
    if joins {
      waiting = CustomerGroups.of(open.filter { $0.occurred <= asOf }, compiled)
    } else {
      close()
    }
    try foldWaiting()
  }

  private mutating func take(_ event: EventLine, _ number: Int) throws {
    if !joins, let first = open.first, !first.subject.utf8.elementsEqual(event.subject.utf8) {
      close()
      if waitingLines >= Self.batch { try foldWaiting() }
    }
    if !joins && open.isEmpty { try begin(event.subject, number) }
    let name = EventName(source: Array(event.source.utf8), id: Array(event.id.utf8))
    if let place = known[name] {
      let first = open[place].line
      if JSONEquality.sameValue(first.span, event.line.span) {
        duplicates += 1
      } else {
        reject(
          number, "conflict", "event `\(event.id)` was there before, with another value")
      }
      return
    }
    known[name] = open.count
    open.append(event)
    taken += 1
  }

  private mutating func reject(_ number: Int, _ code: String, _ message: String) {
    rejected += 1
    if rejected > Self.named { return }
    ErrorReport(
      isWarning: true, code: code,
      message: "line \(number): \(message)",
      help: rejected == Self.named ? "further lines are counted, and not named" : nil
    ).write()
  }

  /// A customer comes once.
  private mutating func begin(_ subject: String, _ number: Int) throws {
    let hash = SHA256Bytes.hash(Array(subject.utf8).span)
    if before.insert(SubjectKey(hash)).inserted { return }
    throw CommandError(
      exit: .couldNotRun, code: "not-grouped",
      message:
        "line \(number): events of customer `\(subject)` came before, and others' between them",
      help: "bring the lines of each customer together, with `sort` or by repartitioning")
  }

  private mutating func close() {
    guard let first = open.first else { return }
    waiting.append((first.subject, open))
    waitingLines += open.count
    open.removeAll(keepingCapacity: true)
    known.removeAll(keepingCapacity: true)
  }

  /// Folds who waits, on all threads, and writes the rows in order.
  private mutating func foldWaiting() throws {
    let groups = waiting
    waiting = []
    waitingLines = 0
    if groups.isEmpty { return }
    let (compiled, asOf, parameters, table, format) = (compiled, asOf, parameters, table, format)
    let workers = max(1, min(threads, groups.count))
    let parts = try Parallel.run(workers) { worker in
      var fold = GroupFold(
        compiled, asOf: asOf, parameters: parameters, followsSegments: table == .segments)
      let range = groups.count * worker / workers..<groups.count * (worker + 1) / workers
      return try FoldRows(compiled.rules, table, csv: format == .csv).made(
        of: fold.run(Array(groups[range])))
    }
    for part in parts {
      try file.write(part.bytes)
      rows += part.rows
      customers += part.customers
      parked += part.parked
      leftOut.add(part.leftOut)
    }
  }
}

/// Customers as lines of a table.
private struct FoldRows {
  let rules: Rules
  let table: FoldCommand.Table
  let isCSV: Bool

  struct Made: Sendable {
    var bytes: [UInt8] = []
    var rows = 0
    var customers = 0
    var parked = 0
    var leftOut: LeftOutEvents
  }

  init(_ rules: Rules, _ table: FoldCommand.Table, csv isCSV: Bool) {
    self.rules = rules
    self.table = table
    self.isCSV = isCSV
  }

  private var columns: [String] {
    switch table {
    case .customers: ViewRows(rules).customerColumns
    case .transitions: ViewRows.transitionColumns
    case .segments: ViewRows.spellColumns
    }
  }

  var header: [UInt8] {
    var lines = RowLines(columns, csv: isCSV)
    lines.addHeader()
    return lines.bytes
  }

  func made(of folded: [GroupFold.Folded]) throws -> Made {
    let customerLines = CustomerLines(rules, csv: isCSV)
    let viewRows = ViewRows(rules)
    var made = Made(leftOut: LeftOutEvents(rules))
    var lines = RowLines(columns, csv: isCSV)
    for each in folded {
      let record = each.customer.record
      made.customers += 1
      if record.parked != nil { made.parked += 1 }
      switch table {
      case .customers:
        customerLines.add(each.customer, to: &lines.bytes)
        made.rows += 1
        made.leftOut.add(record)
      case .transitions:
        for row in record.rows { lines.add(viewRows.transition(row, customer: record.name)) }
        made.rows += record.rows.count
      case .segments:
        for spell in each.spells { lines.add(viewRows.spell(spell)) }
        made.rows += each.spells.count
      }
    }
    made.bytes = lines.bytes
    return made
  }
}
