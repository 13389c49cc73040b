import ArgumentParser
import EventStore
import Projections

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a table of a view as a file.",
    discussion: """
      EXAMPLE
        clm-replay export store --table customers -o customers.csv

      Rows are ordered by the bytes of the customer's name, transitions of one customer by time. `segments` holds one row for
      each stay of a customer in a segment: from, to (empty while it lasts), and the event or timer behind the entry. Segments
      that read clv, rfm or a rank are known at as-of only: their `from` and `cause` are empty. FILE.csv and FILE.ndjson say
      the form, else --format does, csv unless given.
      """)

  enum Table: String, ExpressibleByArgument, CaseIterable {
    case customers, transitions, segments
  }

  @Argument(help: "The store.") var store: String
  @Option(help: "customers, transitions or segments.") var table: Table
  @Option(name: .shortAndLong, help: "The file to write; `-` is standard output.")
  var output: String
  @Option(help: "The view, if there are several.") var view: String?
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let format = try Forms.rows(global, output: output)
    let opened = try OpenedStore(store)
    let reader = try opened.view(named: view)
    let rows = ViewRows(reader.rules)
    let columns =
      switch table {
      case .customers: rows.customerColumns
      case .transitions: ViewRows.transitionColumns
      case .segments: ViewRows.spellColumns
      }
    let file = try OutputFile.open(output)
    var writer = RowWriter(format: format, columns: columns, file: file)
    try writer.begin()
    var leftOut = LeftOutEvents(reader.rules)
    var count = 0
    let chunked = ChunkedExport(
      reader: reader, isCSV: format == .csv, threads: Threads.count(threads))
    try opened.run {
      switch table {
      case .customers:
        try writer.end()
        (count, leftOut) = try chunked.writeCustomers(to: file)
      case .transitions:
        try writer.end()
        count = try chunked.writeTransitions(to: file)
      case .segments:
        let manifest = reader.manifest
        let spells = SegmentSpells(
          try LoadedRules.load(reader).compiled,
          view: try opened.logView(size: manifest.size, asOf: manifest.asOf),
          threads: Threads.count(threads))
        try spells.forEach(reader) { try writer.add(rows.spell($0)) }
      }
    }
    try writer.end()
    count += writer.count
    try file.close()
    leftOut.tell()
    Notice.write(
      "\(table.rawValue) of view \(reader.manifest.name) as of \(RFC3339.text(reader.manifest.asOf)): \(count) rows",
      quiet: global.quiet)
  }
}
