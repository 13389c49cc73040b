import ArgumentParser
import CEL
import EventStore
import Projections

struct ValueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "value",
    abstract: "Customer value models of a view: parameters, forecasts, and how good they are.",
    discussion: """
      EXAMPLE
        clm-replay value store --holdout 26w
        clm-replay value store --holdout 26w --models all -o tracking.svg
        clm-replay value store --customer C-1042
        clm-replay value store --table customers --discount 0.10/year --format csv

      Models are fitted to the purchases of `clv` in the rules. With --holdout they see what happened up to as-of less that
      time, and what they forecast is held against what came. Tables are models, tracking, frequency and calibration (these
      two with --holdout), customers, and with --customer path. What each figure is stands in docs/value.md.
      """)

  enum Table: String, ExpressibleByArgument, CaseIterable {
    case models, tracking, frequency, calibration, customers, path
  }

  @Argument(help: "The store.") var store: String
  @OptionGroup var options: ValueOptions
  @Option(help: "One table: models, tracking, frequency, calibration, customers or path.")
  var table: Table?
  @Option(
    name: .shortAndLong,
    help:
      "A file for the result, in the form of its name: .svg, .csv, .ndjson, .json or .txt. Standard output is then empty unless --format asks for it."
  )
  var output: String?
  @Option(help: "The view, if there are several.") var view: String?
  @OptionGroup var times: FoldTimes
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func run() throws {
    var settings = try options.settings()
    let destinations = try ValueForms.destinations(global, output: output)
    try checkTable(settings)
    settings.keepsCustomers = table == .customers
    let opened = try OpenedStore(store)
    let reader = try opened.view(named: view)
    let compiled = try LoadedRules.load(reader).compiled
    let logView = try opened.logView(of: reader.manifest, times)
    settings.customer = try settings.customer.map { subject in
      if !times.isNow {
        return try CustomerAccess.subjects(
          of: subject, opened, logView, compiled, reader.manifest.name)[0]
      }
      guard let found = try opened.run({ try reader.customer(named: subject) }) else {
        throw CustomerAccess.unknown(subject, opened, reader.manifest.name)
      }
      return found.record.name
    }
    let progress = ProgressLine("value", quiet: global.quiet)
    let forecast: Forecast
    do {
      forecast = try opened.run {
        try Forecast(
          compiled, settings, view: logView, threads: Threads.count(threads), text: Numbers.short,
          progress: { progress.update($0) })
      }
    } catch let fault as Forecast.Fault {
      progress.end()
      throw CommandError(
        exit: .couldNotRun, code: fault.kind.rawValue,
        message: "view `\(reader.manifest.name)`: \(fault.message)", help: fault.help)
    }
    progress.end()
    tell(forecast)
    let report = ValueReport(forecast, view: reader.manifest.name, table: table)
    for destination in destinations { try report.write(destination) }
  }

  /// Refuses a table that this question does not have.
  private func checkTable(_ settings: Forecast.Settings) throws {
    switch table {
    case .frequency, .calibration:
      guard let table, settings.holdout == nil else { return }
      throw ValueOptions.usage(
        "`--table \(table.rawValue)` compares with a holdout, and there is none",
        help: "add --holdout 26w")
    case .path:
      if settings.customer != nil { return }
      throw ValueOptions.usage(
        "`--table path` is of one customer, and none is named", help: "add --customer ID")
    case .models, .tracking, .customers, nil: return
    }
  }

  private func tell(_ forecast: Forecast) {
    ParkedNotice.leftOut(forecast.parked, quiet: global.quiet)
    if forecast.lateBuyers > 0 {
      Notice.write(
        "note: \(forecast.lateBuyers) customers whose first purchase is after the cut are left out",
        quiet: global.quiet)
    }
    for model in forecast.models {
      for verdict in model.verdicts {
        ErrorReport(
          isWarning: true, code: verdict.code.rawValue,
          message: "\(model.model.rawValue): \(verdict.message)", help: verdict.remedy
        ).write()
      }
    }
  }
}
