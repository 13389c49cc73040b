import EventStore
import Projections

/// Everything that a report draws, from the same code as `metrics`, `rfm`, `value` and `export`.
struct ReportSource {
  let manifest: ViewManifest
  let rules: Rules
  let words: ReportWords
  let metrics: Metrics
  /// `stages` over all time: one row a stage.
  let wholeStages: ReadTable
  let totals: PeriodTotals
  let faults: FaultReport
  let scan: CustomerScan
  /// Nil without `clv`.
  let rfm: RFMPopulation?
  let forecast: Outcome<Forecast>
  private let tables: [Metrics.Name: ReadTable]

  /// What there is, or why there is nothing.
  enum Outcome<Value> {
    case there(Value)
    case absent(String)
  }

  /// - Parameters:
  ///   - holdout: microseconds; nil: up to half a year, at most a quarter of the log.
  ///   - progress: told which part is computed.
  init(
    _ opened: OpenedStore, _ reader: ViewReader, settings: MetricsPlan.Settings, holdout: Int64?,
    threads: Int, progress: (String) -> Void
  ) throws {
    let compiled = try LoadedRules.load(reader).compiled
    let manifest = reader.manifest
    let view = try opened.logView(size: manifest.size, asOf: manifest.asOf)
    (self.manifest, rules, words) = (manifest, reader.rules, ReportWords(reader.rules))
    progress("stages and activity")
    let plan = try MetricsPlan(reader.rules, settings)
    let metrics = try Metrics(plan, view: view, threads: threads)
    var all = settings
    all.period = .all
    let whole = try Metrics(try MetricsPlan(reader.rules, all), view: view, threads: threads)
    progress("purchases and segments")
    totals = try PeriodTotals(compiled, like: metrics, view: view, threads: threads)
    faults = try FaultReport(totals.summary, view: view)
    progress("customers")
    scan = try CustomerScan(reader) { from, to in
      Self.lapses(plan, from, to)
    }
    progress("recency, frequency and money")
    rfm =
      reader.rules.clv == nil
      ? nil : try RFMPopulation(compiled, view: view, threads: threads) { _ in }
    progress("value models")
    forecast = try Self.forecast(
      compiled, holdout: holdout, view: view, since: totals.starts[0], threads: threads)
    self.metrics = metrics
    var tables: [Metrics.Name: ReadTable] = [:]
    for name in [Metrics.Name.stages, .flow, .lifecycle, .cohorts, .nps, .intervals] {
      tables[name] = ReadTable(try metrics.table(name), reader.rules)
    }
    self.tables = tables
    wholeStages = ReadTable(try whole.table(.stages), reader.rules)
  }

  func table(_ name: Metrics.Name) -> ReadTable {
    guard let table = tables[name] else { preconditionFailure("the tables of a report are read") }
    return table
  }

  /// A move that loses a customer.
  static func lapses(_ plan: MetricsPlan, _ from: String, _ to: String?) -> Bool {
    func isChurned(_ name: String?) -> Bool {
      zip(plan.rules.stages, plan.isChurned).contains { $0.name == name && $1 }
    }
    return isChurned(to) && !isChurned(from)
  }

  private static let week: Int64 = 7 * 86_400_000_000
  /// Rows of a tracking table, at most.
  private static let periods: Int64 = 120

  private static func forecast(
    _ compiled: CompiledRules, holdout: Int64?, view: LogView, since first: Int64, threads: Int
  ) throws -> Outcome<Forecast> {
    guard let value = compiled.rules.clv else {
      return .absent("The rules have no `clv`, so nothing says what a purchase is.")
    }
    let span = view.asOf - first
    let quarter = min(26 * week, span / 4 / week * week)
    guard let held = holdout ?? (quarter > 0 ? quarter : nil) else {
      return .absent("The log is shorter than four weeks: too short to hold a part of it back.")
    }
    var settings = Forecast.Settings()
    settings.holdout = held
    var period = value.unit
    while span / period > Self.periods { period *= 2 }
    settings.period = period
    do {
      return .there(
        try Forecast(
          compiled, settings, view: view, threads: threads, text: Numbers.short, progress: { _ in })
      )
    } catch let fault as Forecast.Fault {
      return .absent("No forecast: \(fault.message).")
    }
  }

  // MARK: Periods and stages

  /// Periods that charts show: the last two years of months.
  static let shownPeriods = 24

  /// Numbers of the periods that charts show.
  var shown: Range<Int> {
    max(0, totals.labels.count - Self.shownPeriods)..<totals.labels.count
  }

  var shownLabels: [String] { Array(totals.labels[shown]) }

  /// The last period that is over, and the one before; nil where there is none.
  var lastWhole: Int? { totals.whole > 0 ? totals.whole - 1 : nil }
  var beforeLast: Int? { totals.whole > 1 ? totals.whole - 2 : nil }

  var stages: [String] { rules.stages.map(\.name) }
  var isChurned: [Bool] { metrics.plan.isChurned }

  /// Stages that lead up, which are those before the first that counts as churned; all of them without one.
  var ladder: Range<Int> { 0..<(isChurned.firstIndex(of: true) ?? stages.count) }

  /// Classes of the page's style, by stage.
  var stageStyles: [String] { StageStyles.of(isChurned) }

  /// The row of `stages` of a period and stage.
  func stageRow(_ period: Int, _ stage: Int) -> Int { period * stages.count + stage }

  /// `month`, as in "each month".
  var period: String { metrics.plan.settings.period.rawValue }

  /// The command that prints a table, without its store.
  func command(_ table: Metrics.Name) -> String {
    "clm-replay metrics STORE --table \(table.rawValue)\(period == "month" ? "" : " --period \(period)")"
  }
}
