import ArgumentParser
import EventStore
import Projections

struct RFMCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rfm",
    abstract: "Recency, frequency and money of all buyers: segments, and who moved between them.",
    discussion: """
      EXAMPLE
        clm-replay rfm store
        clm-replay rfm store --as-of 2024-03-31 --as-of 2024-06-30 -o moved.csv

      Folds the log under the rules of a view. With one --as-of (the view's unless given): the eleven segments with
      customers, share and means, and the grid of R and F. With two, the earlier first: how many went from which segment (rows) to
      which (columns). -o FILE.csv or FILE.ndjson holds every customer; with -o - these rows are all that is printed.
      `rfm` of the rules says how ties are scored, and which purchases count. Keys and columns are in docs/metrics.md.
      """)

  @Argument(help: "The store.") var store: String
  @Option(help: "The view, if there are several.") var view: String?
  @Option(
    parsing: .singleValue,
    help: "An instant: RFC 3339, a date, or `now`; two to see who moved. The view's unless given.")
  var asOf: [String] = []
  @Option(help: "Only events recorded by then.") var knownAt: String?
  @Option(name: .shortAndLong, help: "A file for a row of each customer; `-` is standard output.")
  var output: String?
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if asOf.count > 2 {
      throw ValidationError("give --as-of once, or twice to see who moved between the two")
    }
  }

  func run() throws {
    // What cannot be written is refused before anything is folded.
    var form: OutputFormat?
    if let output {
      form =
        try output == "-" ? Forms.rows(global, output: output) : Forms.rows(beside: output)
    }
    let instants = try asOf.map { try Times.instant($0, option: "--as-of") }
    if instants.count == 2, instants[1] < instants[0] {
      throw CommandError(
        exit: .usage, code: "usage",
        message: "the second --as-of (\(asOf[1])) is before the first (\(asOf[0]))",
        help: "give the earlier one first")
    }
    let opened = try OpenedStore(store)
    let reader = try opened.view(named: view)
    let compiled = try LoadedRules.load(reader).compiled
    try Self.checkScored(reader)
    let times: [String?] = asOf.isEmpty ? [nil] : asOf
    let views = try times.map {
      try opened.logView(of: reader.manifest, asOf: $0, knownAt: knownAt)
    }
    let populations = try views.map { view in
      try opened.run {
        try Self.fold(compiled, view, threads: Threads.count(threads), quiet: global.quiet)
      }
    }
    for population in populations { Self.tellParked(population, quiet: global.quiet) }
    let migration =
      populations.count == 2 ? RFMMigration(from: populations[0], to: populations[1]) : nil
    let words = RFMWords(
      view: reader.manifest.name, size: views[0].size, rules: reader.rules)
    if let output, let form {
      try words.write(populations[0], migration, to: output, form)
      if output == "-" { return }
    }
    if let migration {
      try show(migration, words)
    } else {
      try show(populations[0], words)
    }
  }

  /// Refuses rules without purchases.
  static func checkScored(_ reader: ViewReader) throws {
    if reader.rules.clv != nil { return }
    throw CommandError(
      exit: .couldNotRun, code: "no-clv",
      message:
        "the rules of view `\(reader.manifest.name)` do not say what a purchase is, so that nobody is scored",
      help: "add `clv: { purchase: ALIAS.FIELD }` to the rules, and replay")
  }

  static func fold(
    _ compiled: CompiledRules, _ view: LogView, threads: Int, quiet: Bool
  ) throws -> RFMPopulation {
    let progress = ProgressLine("rfm", quiet: quiet)
    let population = try RFMPopulation(compiled, view: view, threads: threads) {
      progress.update($0)
    }
    progress.end()
    return population
  }

  static func tellParked(_ population: RFMPopulation, quiet: Bool) {
    let parked = population.count(.parked)
    if parked == 0 { return }
    Notice.write(
      "note: \(parked) customers are parked as of \(RFC3339.text(population.asOf)) and not scored",
      quiet: quiet)
  }

  private func show(_ population: RFMPopulation, _ words: RFMWords) throws {
    switch global.resolvedFormat(oneObject: true) {
    case .json: try StandardOutput.write(words.json(population).text + "\n")
    case .table: try StandardOutput.show(words.text(population))
    case let form: try print(RFMWords.segmentColumns, words.segmentRows(population), form)
    }
  }

  private func show(_ migration: RFMMigration, _ words: RFMWords) throws {
    switch global.resolvedFormat(oneObject: true) {
    case .json: try StandardOutput.write(words.json(migration).text + "\n")
    case .table: try StandardOutput.show(words.text(migration))
    case let form: try print(RFMWords.matrixColumns, words.matrixRows(migration), form)
    }
  }

  private func print(_ columns: [String], _ rows: [[JSONValue]], _ form: OutputFormat) throws {
    var writer = RowWriter(format: form, columns: columns, file: try OutputFile.open("-"))
    try writer.begin()
    for row in rows { try writer.add(row) }
    try writer.end()
  }
}
