import ArgumentParser
import EventStore
import Projections

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a table of a view, or the events of the log, as a file.",
    discussion: """
      EXAMPLE
        clm-replay export store --table customers -o customers.csv
        clm-replay export store -o view.sqlite
        clm-replay export store --table events --type purchase --from 2024-01-01 -o purchases.ndjson

      Rows are ordered by the bytes of the customer's name, transitions of one customer by time. `segments` holds one row for
      each stay of a customer in a segment: from, to (empty while it lasts), and the event or timer behind the entry. Segments
      that read clv, rfm or a rank are known at as-of only: their `from` and `cause` are empty. `stage_days` holds one row for each
      customer and calendar day (of the rules' time zone): the stage in which the day ended, from the day of the entry to as-of's.
      `rfm` holds the scores of every customer with what they were made of.

      The form follows the name: FILE.csv, FILE.ndjson or FILE.jsonl, FILE.sqlite or FILE.db; else --format says it, csv unless
      given. An SQLite database holds all tables, those of `metrics` and the receipt too, or the one that is named; money is in
      minor units there. docs/export.md has its columns, and how Parquet is made of it.

      `events` needs no view: lines as they came, NDJSON, in the order of the log, less those that were erased. An empty store
      that imports them holds the same events; `recorded`, and so the root, are new.

      With --as-of or --known-at everybody is folded again under the view's rules; the view is left alone.
      """)

  enum Table: String, ExpressibleByArgument, CaseIterable {
    case customers, transitions, segments
    case stageDays = "stage_days"
    case rfm, metrics, events
  }

  struct Options: ParsableArguments {
    @Option(help: "csv, ndjson or sqlite; as the name of FILE says unless given.")
    var format: ExportForm?
    @Flag(name: .shortAndLong, help: "No progress and no summaries; errors are always shown.")
    var quiet = false
  }

  /// First and last one, in days since 1970-01-01.
  typealias Days = (from: Int64?, to: Int64?)

  @Argument(help: "The store.") var store: String
  @Option(
    help:
      "customers, transitions, segments, stage_days, rfm, metrics (sqlite) or events; a database has all unless given."
  )
  var table: Table?
  @Option(name: .shortAndLong, help: "The file to write; `-` is standard output.")
  var output: String
  @Option(help: "The view, if there are several.") var view: String?
  @OptionGroup var times: FoldTimes
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @Option(
    help:
      "Of events: those of a customer, with all its subjects by the view if there is one (may be repeated)."
  )
  var customer: [String] = []
  @Option(help: "Of events: those of a type, as sent (may be repeated).") var type: [String] = []
  @Option(
    help:
      "Of events: those that occurred then or later; a date is its first instant. Of stage_days: the first date."
  )
  var from: String?
  @Option(
    help:
      "Of events: those that occurred by then; a date is its last instant. Of stage_days: the last date."
  )
  var to: String?
  @OptionGroup var global: Options

  func validate() throws {
    if table == .events {
      if !times.isNow {
        throw ValidationError(
          "--as-of and --known-at do not go with --table events; see --from, --to")
      }
      if view != nil && customer.isEmpty {
        throw ValidationError("with --table events, --view goes with --customer")
      }
    } else if !customer.isEmpty || !type.isEmpty {
      throw ValidationError("--customer and --type go with --table events")
    } else if table != .stageDays && (from != nil || to != nil) {
      throw ValidationError("--from and --to go with --table events and --table stage_days")
    }
  }

  func run() throws {
    if table == .events { return try exportEvents() }
    let form = try Forms.export(global.format, output: output)
    let days = try days()
    if form == .sqlite { return try exportDatabase(days) }
    let table = try rowTable(form)
    let opened = try OpenedStore(store)
    let reader = try reader(opened)
    let export = TableExport(
      opened: opened, reader: reader, format: form.rows, threads: Threads.count(threads),
      days: days,
      quiet: global.quiet)
    let file = try OutputFile.open(output)
    let (count, leftOut) = try export.write(table, to: file)
    try file.close()
    leftOut.tell()
    Notice.write(
      "\(table.rawValue) of view \(reader.manifest.name) as of \(RFC3339.text(reader.manifest.asOf)): \(count) rows",
      quiet: global.quiet)
  }

  /// The one table that a file of rows holds.
  private func rowTable(_ form: ExportForm) throws -> Table {
    switch table {
    case nil:
      throw CommandError(
        exit: .usage, code: "usage", message: "\(form.rawValue) holds one table, and none is named",
        help:
          "add --table with one of customers, transitions, segments, stage_days, rfm, events; `-o FILE.sqlite` holds all"
      )
    case .metrics?:
      throw CommandError(
        exit: .usage, code: "usage",
        message: "metrics are several tables, and \(form.rawValue) holds one",
        help:
          "take one of them with `clm-replay metrics STORE --table NAME --format \(form.rawValue)`, or `-o FILE.sqlite`"
      )
    case let table?: return table
    }
  }

  private func exportDatabase(_ days: Days) throws {
    let opened = try OpenedStore(store)
    let reader = try reader(opened)
    let export = SQLiteExport(
      opened: opened, reader: reader, threads: Threads.count(threads), days: days,
      quiet: global.quiet)
    let (counts, leftOut) = try export.write(table, to: output)
    leftOut.tell()
    let rows = counts.map { "\($0.table) \($0.rows)" }.joined(separator: ", ")
    Notice.write(
      "view \(reader.manifest.name) as of \(RFC3339.text(reader.manifest.asOf)), rows: \(rows)",
      quiet: global.quiet)
  }

  private func days() throws -> Days {
    let days = (
      from: try from.map { try Times.day($0, option: "--from") },
      to: try to.map { try Times.day($0, option: "--to") }
    )
    if let first = days.from, let last = days.to, first > last {
      throw CommandError(
        exit: .usage, code: "usage", message: "--from \(from ?? "") is later than --to \(to ?? "")")
    }
    return days
  }

  /// The view, or one made for this question in other times.
  private func reader(_ opened: OpenedStore) throws -> ViewReader {
    let reader = try opened.view(named: view)
    if times.isNow { return reader }
    return try PassingView.build(
      reader.manifest.name, try LoadedRules.load(reader).compiled,
      try opened.logView(of: reader.manifest, times), quiet: global.quiet
    ).reader
  }

  /// Events are lines of the log, not rows of a view.
  private func exportEvents() throws {
    try Forms.checkLines(global.format, output: output)
    let export = EventExport(
      opened: try OpenedStore(store), customers: customer, view: view, types: type, from: from,
      to: to, threads: Threads.count(threads))
    let count = try export.write(to: output)
    Notice.write(
      "events of the log, size \(export.opened.snapshot.size): \(count) lines", quiet: global.quiet)
  }
}
