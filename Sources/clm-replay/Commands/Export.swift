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

      Rows are ordered by the bytes of the customer's name, transitions of one customer by time.
      """)

  enum Table: String, ExpressibleByArgument, CaseIterable {
    case customers, transitions
  }

  @Argument(help: "The store.") var store: String
  @Option(help: "customers or transitions.") var table: Table
  @Option(name: .shortAndLong, help: "The file to write; `-` is standard output.")
  var output: String
  @Option(help: "The view, if there are several.") var view: String?
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let format = try global.tableFormat()
    let opened = try OpenedStore(store)
    let reader = try opened.view(named: view)
    let rows = ViewRows(reader.rules)
    let columns =
      table == .customers ? rows.customerColumns : ViewRows.transitionColumns
    let file = try OutputFile.open(output)
    var writer = RowWriter(format: format, columns: columns, file: file)
    try writer.begin()
    try opened.run {
      try reader.forEachCustomer { customer in
        switch table {
        case .customers: try writer.add(rows.customer(customer))
        case .transitions:
          for row in customer.record.rows {
            try writer.add(rows.transition(row, customer: customer.record.name))
          }
        }
      }
    }
    try writer.end()
    try file.close()
    Notice.write(
      "\(table.rawValue) of view \(reader.manifest.name) as of \(RFC3339.text(reader.manifest.asOf)): \(writer.count) rows",
      quiet: global.quiet)
  }
}
