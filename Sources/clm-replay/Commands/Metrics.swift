import ArgumentParser
import CEL
import EventStore
import Projections

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Lifecycle metrics of a view: stages, flow, cohorts, NPS, channels, referrals.",
    discussion: """
      EXAMPLE
        clm-replay metrics store --table cohorts --format csv
        clm-replay metrics store --table funnel --funnel visit,cart,purchase --within 7d --by visit.channel

      Tables are stages, flow, lifecycle, cohorts, nps, nps_latest, channels, referrals, intervals, cohort_intervals, rates,
      funnel and overdue; without --table all but overdue, which has a row for each customer, and funnel only with --funnel.
      Periods follow `timezone` of the rules, UTC without it. Columns and definitions are in docs/metrics.md.
      """)

  @Argument(help: "The store.") var store: String
  @Option(help: "One table.") var table: Metrics.Name?
  @Option(help: "day, week (ISO 8601), month, quarter, year or all.")
  var period: Periods.Length = .month
  @OptionGroup var counting: MetricsOptions
  @Option(help: "Aliases of the steps of a funnel, in order, joined by commas.") var funnel: String?
  @Option(help: "How long after the first step of the funnel the last one may come, such as 7d.")
  var within: String?
  @Option(
    help:
      "alias.field: lifecycle, cohorts and funnel by its value in each customer's first event that has one."
  )
  var by: String?
  @Option(
    help:
      "Of overdue: how many times the own median between purchases somebody has to be away; 2 unless given."
  )
  var overdueAfter: Double?
  @Option(help: "The view, if there are several.") var view: String?
  @OptionGroup var times: FoldTimes
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if let funnel {
      let steps = funnel.split(separator: ",", omittingEmptySubsequences: false)
      guard (2...20).contains(steps.count), !steps.contains("") else {
        throw ValidationError(
          "--funnel takes 2 to 20 aliases, joined by commas, as in visit,cart,purchase; not `\(funnel)`"
        )
      }
    } else if within != nil || table == .funnel {
      throw ValidationError("a funnel has steps: --funnel visit,cart,purchase")
    }
    if let table, by != nil, ![.lifecycle, .cohorts, .funnel].contains(table) {
      throw ValidationError(
        "--by goes with lifecycle, cohorts and funnel, not with \(table.rawValue)")
    }
    if let table, funnel != nil, table != .funnel {
      throw ValidationError("--funnel goes with --table funnel, not with \(table.rawValue)")
    }
    if let overdueAfter {
      guard overdueAfter > 0, overdueAfter.isFinite else {
        throw ValidationError("--overdue-after takes a number above 0")
      }
      guard table == .overdue else {
        throw ValidationError("--overdue-after goes with --table overdue")
      }
    }
  }

  /// Those that are shown where none is named.
  private var names: [Metrics.Name] {
    if let table { return [table] }
    return Metrics.Name.allCases.filter { name in
      name != .overdue && (name != .funnel || funnel != nil)
        && (by == nil || [.lifecycle, .cohorts, .funnel].contains(name))
    }
  }

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    if table == nil && (format == .csv || format == .ndjson) {
      throw CommandError(
        exit: .usage, code: "usage",
        message: "\(format.rawValue) holds one table, and none is named",
        help:
          "add --table with one of \(Metrics.Name.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
    let opened = try OpenedStore(store)
    let reader = try opened.view(named: view)
    let metrics = try compute(opened, reader)
    Self.tellLeftOut(metrics, quiet: global.quiet)
    let tables = try opened.run { try names.map { ($0, try metrics.table($0)) } }
    let cells = TableCells(currencyDigits: reader.rules.currency.digits)
    switch format {
    case .json: try StandardOutput.write(json(tables, metrics, reader, cells).text + "\n")
    case .table: try StandardOutput.show(text(tables, metrics, reader, cells))
    case .csv, .ndjson:
      try cells.write(tables[0].1, as: format, to: try OutputFile.open("-"))
    }
  }

  /// Says which customers and answers are in no table.
  static func tellLeftOut(_ metrics: Metrics, quiet: Bool) {
    ParkedNotice.leftOut(metrics.parked, quiet: quiet)
    if metrics.refusedScores > 0 {
      Notice.write(
        "note: \(metrics.refusedScores) NPS answers are outside 0 to 10 and left out",
        quiet: quiet)
    }
    if !metrics.unreadScores.isEmpty {
      let count = metrics.unreadScores.reduce(0) { $0 + $1.count }
      Notice.write(
        "note: \(count) NPS answers have no score that can be read and are left out: \(FaultReport.list(metrics.unreadScores))",
        quiet: quiet)
    }
  }

  private func compute(_ opened: OpenedStore, _ reader: ViewReader) throws -> Metrics {
    var settings = try counting.settings(period)
    settings.funnel = funnel.map { $0.split(separator: ",").map(String.init) } ?? []
    if let within {
      settings.funnelWithin = try Times.length(within, option: "--within")
      guard settings.funnelWithin > 0 else {
        throw CommandError(exit: .usage, code: "usage", message: "--within takes a length above 0")
      }
    }
    settings.breakdown = by
    if let overdueAfter { settings.overdueFactor = overdueAfter }
    let view = try opened.logView(of: reader.manifest, times)
    do {
      return try opened.run {
        try Metrics(
          try MetricsPlan(reader.rules, settings), view: view, threads: Threads.count(threads))
      }
    } catch let fault as MetricsPlan.Fault {
      throw CommandError(
        exit: .couldNotRun, code: "metrics", message: fault.message, help: fault.help)
    }
  }

  // MARK: Forms

  private func definitions(_ metrics: Metrics) -> [(String, String)] {
    let rules = metrics.plan.rules
    let activity =
      switch metrics.plan.activity {
      case .purchases: "\(rules.aliases[rules.clv?.purchase.alias ?? 0].name) (clv.purchase)"
      case .alias(let alias): rules.aliases[alias].name
      case .any: "events of any alias"
      }
    let churned = zip(rules.stages, metrics.plan.isChurned).filter { $0.1 }.map { $0.0.name }
    var added: [(String, String)] = []
    if !metrics.plan.settings.funnel.isEmpty {
      let steps = metrics.plan.settings.funnel.joined(separator: ", then ")
      added.append(
        ("funnel", "\(steps), all within \(Numbers.span(metrics.plan.settings.funnelWithin))"))
    }
    if let by { added.append(("breakdown", "the first \(by) of a customer")) }
    if table == .overdue {
      added.append(
        (
          "overdue",
          "away for more than \(Numbers.short(metrics.plan.settings.overdueFactor)) times the own median of days between purchases"
        ))
    }
    return added + [
      ("activity", activity),
      ("dormant", "active in the period before, not in this one"),
      ("stuck", "still there \(Numbers.span(metrics.plan.settings.stuckAfter)) after entering"),
      ("churned", churned.isEmpty ? "no stage" : churned.joined(separator: ", ")),
      ("share of rates", "converted ÷ starts, those that are still open included"),
    ]
  }

  private func json(
    _ tables: [(Metrics.Name, Metrics.Table)], _ metrics: Metrics, _ reader: ViewReader,
    _ cells: TableCells
  ) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("view", .string(reader.manifest.name)), ("as_of", .string(RFC3339.text(metrics.asOf))),
      ("period", .string(period.rawValue)),
      ("timezone", .string(reader.rules.timezone ?? "UTC")),
      ("customers", .count(metrics.customers)), ("parked", .count(metrics.parked)),
      ("definitions", .object(definitions(metrics).map { ($0.0, .string($0.1)) })),
    ]
    for (name, table) in tables { members.append((name.rawValue, cells.rows(table))) }
    return .object(members)
  }

  private func text(
    _ tables: [(Metrics.Name, Metrics.Table)], _ metrics: Metrics, _ reader: ViewReader,
    _ cells: TableCells
  ) -> String {
    var lines: [String] = []
    for (name, table) in tables {
      lines.append(name.rawValue)
      lines += cells.lines(table) + [""]
    }
    for (name, text) in definitions(metrics) { lines.append("\(name): \(text)") }
    lines.append(
      "view \(reader.manifest.name) as of \(RFC3339.text(metrics.asOf)), \(metrics.customers) customers, periods in \(reader.rules.timezone ?? "UTC")"
    )
    return lines.joined(separator: "\n") + "\n"
  }
}

extension Metrics.Name: ExpressibleByArgument {}
extension Periods.Length: ExpressibleByArgument {}
