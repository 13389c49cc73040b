import ArgumentParser
import EventStore
import Projections

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Fold the log twice at once, and show who differs, since when, and by which clause.",
    discussion: """
      EXAMPLE
        clm-replay compare store --rules retail.yaml --rules retail-v4.yaml -o changed.csv --fail-above 1%
        clm-replay compare store --as-of 2024-03-31 --as-of 2024-06-30
        clm-replay compare store --view retail --as-served 2024-06-29
        clm-replay compare store --rules retail.yaml --set facts.purchases_365d.within=180d

      The first of a pair is a, the second b: two --rules, --view, --as-of, --known-at or --as-served, or several pairs; what is
      given once holds for both. Without --rules they are those of a view. One --as-served compares what was served then
      with the view in force: rules, size and as-of of the register, so that the generation itself may be gone. --set changes
      the rules of b.

      A customer has changed if the rows differ at any time. The examples are one of each kind: who stands in another stage
      today first, the most frequent kinds first. -o FILE.csv or FILE.ndjson holds every customer who differs; with -o - these
      rows are all that is printed. Keys and columns are in docs/compare.md.
      Exit status 1 if --fail-above is crossed or a customer is parked.
      """)

  @Argument(help: "The store.") var store: String
  @OptionGroup var options: ComparedOptions
  @Option(
    name: .shortAndLong,
    help: "A file for a row of each customer who differs; `-` is standard output.")
  var output: String?
  @Option(
    help: ArgumentHelp(
      "Exit with 1 if more than this percentage of customers changed, such as 1 or 0.5%.",
      valueName: "pct"))
  var failAbove: String?
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if let failAbove { _ = try Self.limit(failAbove) }
  }

  /// A percentage, with its sign or without.
  private static func limit(_ text: String) throws -> Allowance {
    do {
      return try Allowance(text.hasSuffix("%") ? text : text + "%", option: "--fail-above")
    } catch {
      throw ValidationError("--fail-above is a percentage from 0 to 100, such as 1 or 0.5%")
    }
  }

  func run() throws {
    // What cannot be written is refused before anything is folded.
    var form: OutputFormat?
    if let output {
      form = try output == "-" ? Forms.rows(global, output: output) : Forms.rows(beside: output)
    }
    let opened = try OpenedStore(store)
    let pair = try ComparedPair(opened, options)
    var rows: DifferenceRows?
    if let output, let form {
      rows = try DifferenceRows(pair, format: form, file: try OutputFile.open(output))
    }
    let progress = ProgressLine("compare", quiet: global.quiet)
    let comparison = try opened.run {
      try HistoryComparison.run(
        pair.sides, threads: Threads.count(threads), progress: { progress.update($0) },
        each: rows == nil ? nil : { try rows?.add($0) })
    }
    progress.end()
    try rows?.end()
    tellWarnings(comparison)
    if output != "-" {
      let report = ComparisonReport(comparison, pair)
      if global.resolvedFormat(oneObject: true) == .table {
        try StandardOutput.show(report.text)
      } else {
        try StandardOutput.write(report.json.text + "\n")
      }
    }
    try judge(comparison)
  }

  /// What both sides could not use is said once.
  private func tellWarnings(_ comparison: HistoryComparison) {
    let (a, b) = (comparison.warnings.a, comparison.warnings.b)
    let both = a.filter { b.contains($0) }
    FaultReport.tell(both)
    for (name, warnings) in [("a", a), ("b", b)] {
      FaultReport.tell(
        warnings.filter { !both.contains($0) }.map { warning in
          var warning = warning
          warning.message = "under \(name), \(warning.message)"
          return warning
        })
    }
    if !comparison.unknownSegments.isEmpty {
      Notice.write(
        "note: not compared, since they read values over all customers: \(comparison.unknownSegments.joined(separator: ", "))",
        quiet: global.quiet)
    }
  }

  private func judge(_ comparison: HistoryComparison) throws {
    let (changed, customers) = (comparison.changed, comparison.customers)
    if let failAbove, !(try Self.limit(failAbove)).allows(Int.max, share: (changed, customers)) {
      throw CommandError(
        exit: .problems, code: "changed-above",
        message:
          "\(changed) of \(customers) customers changed (\(ComparisonReport.percent(comparison)) %), above \(failAbove)\(failAbove.hasSuffix("%") ? "" : " %")"
      )
    }
    if comparison.parked > 0 {
      throw CommandError(
        exit: .problems, code: "parked",
        message: "\(comparison.parked) customers are parked under one of the two",
        help: "`clm-replay replay` names them and the transitions that chase each other")
    }
  }
}
