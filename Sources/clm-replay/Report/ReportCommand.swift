import ArgumentParser
import EventStore
import Projections

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract:
      "One page of HTML with charts: stages, lifecycle, cohorts, value, NPS, what comes next.",
    discussion: """
      EXAMPLE
        clm-replay report store -o report.html
        clm-replay report store -o report.html --compare retail-v4.yaml
        clm-replay report store -o C-1042.html --customer C-1042

      The page holds everything that it shows, loads nothing, and runs no script; it reads well on a phone, in the dark and on
      paper, and each chart has its table. The same view gives the same bytes. Figures are those of `metrics`, `rfm` and `value`;
      docs/report.md says what each of them is.

      With --compare FILE a section says what other rules would have said of everybody; with two files, the first is held
      against the second. With --customer the page is that customer's journey: stages, events, and the reason of each move.
      """)

  @Argument(help: "The store.") var store: String
  @Option(name: .shortAndLong, help: "The file; `-` is standard output.") var output: String
  @Option(help: "The view, if there are several.") var view: String?
  @Option(help: "One customer, by any of its subjects: its journey, in place of everybody.")
  var customer: String?
  @Option(
    parsing: .singleValue,
    help: "A rules file to compare the view with; two to compare them with each other.")
  var compare: [String] = []
  @Option(
    help: "Length of a period: day, week (ISO 8601), month, quarter or year; month unless given.")
  var period: Periods.Length?
  @OptionGroup var counting: MetricsOptions
  @Option(
    help:
      "How much of the end of the log models must forecast, in whole days such as 13w; a quarter of the log, at most 26w, unless given."
  )
  var holdout: String?
  @Flag(help: "Name no customer, so that the page can be passed on.") var hideCustomers = false
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if compare.count > 2 { throw ValidationError("give --compare twice at most: a, then b") }
    if period == .all { throw ValidationError("--period all is no series of periods") }
    let isOfAll =
      !compare.isEmpty || holdout != nil || hideCustomers || period != nil
      || counting.activity != nil || !counting.churned.isEmpty
    if customer != nil && isOfAll {
      throw ValidationError(
        "--customer is the journey of one customer; it goes with --view alone"
      )
    }
  }

  func run() throws {
    try Forms.checkPage(global, output: output)
    let settings = try counting.settings(period ?? .month)
    let held = try holdout.map {
      try ValueOptions.days($0, option: "--holdout", such: "13w or 91d")
    }
    // What cannot be written is refused before anything is folded.
    let file = try OutputFile.open(output)
    let text = try customer.map(journey) ?? everybody(settings, held)
    try file.write(Array(text.utf8))
    try file.close()
    Notice.write(
      "wrote \(output == "-" ? "the page" : output), \(Numbers.grouped(Int64(text.utf8.count))) bytes",
      quiet: global.quiet)
  }

  private func journey(_ customer: String) throws -> String {
    let opened = try OpenedStore(store)
    let reader = try opened.view(named: view)
    let subject = try CustomerAccess(customer, opened, reader)
    return try opened.run { try JourneyPage(subject, reader.manifest).html() }
  }

  private func everybody(_ settings: MetricsPlan.Settings, _ held: Int64?) throws -> String {
    let opened = try OpenedStore(store)
    let reader = try opened.view(named: view)
    // Rules that cannot be read are refused before anything is folded, too.
    let pair = compare.isEmpty ? nil : try ComparedPair(opened, reader, rules: compare)
    let progress = ProgressLine("report", quiet: global.quiet)
    let source: ReportSource
    do {
      source = try opened.run {
        try ReportSource(
          opened, reader, settings: settings, holdout: held, threads: Threads.count(threads)
        ) { progress.show($0) }
      }
    } catch let fault as MetricsPlan.Fault {
      progress.end()
      throw CommandError(
        exit: .couldNotRun, code: "metrics", message: fault.message, help: fault.help)
    }
    var sections = [
      StageSections.now(source), StageSections.flow(source), FunnelSection(source).section,
      ActivitySections.lifecycle(source), ActivitySections.purchases(source),
      ActivitySections.cohorts(source), ValueSection.make(source), ForecastSection.make(source),
      RFMSection.make(source), SegmentSection.make(source), NPSSection.make(source),
      UpcomingSection.make(source, namesCustomers: !hideCustomers),
    ]
    if let pair {
      progress.show("other rules")
      let comparison = try opened.run {
        try HistoryComparison.run(pair.sides, threads: Threads.count(threads))
      }
      sections.append(
        CompareSection(comparison: comparison, pair: pair, namesCustomers: !hideCustomers).section)
    }
    sections.append(FaultSection.make(source, namesCustomers: !hideCustomers))
    progress.end()
    return try ReportPage(source: source, sections: sections.map(\.drawn)).html()
  }
}
