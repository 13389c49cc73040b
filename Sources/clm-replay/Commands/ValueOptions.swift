import ArgumentParser
import CEL
import EventStore
import Projections

/// What `value` is asked to do, checked before anything is read.
struct ValueOptions: ParsableArguments {
  @Option(
    help:
      "Models, such as bg_nbd,pareto_nbd, or `all`; the rules' model unless given, or bg_nbd, mbg_nbd and pareto_nbd where they name none."
  )
  var models: String?
  @Option(
    help:
      "Fit to what happened up to as-of less this, forecast it, and compare: whole days, such as 26w or 182d."
  )
  var holdout: String?
  @Option(
    help: "How far ahead purchases and value are expected, such as 52w; the rules' unless given.")
  var horizon: String?
  @Option(help: "Rate and period of discount, such as 0.10/year; the rules' unless given.")
  var discount: String?
  @Option(
    help:
      "Length of a period of the tracking table, and of a step of a customer's path: whole days; `clv.unit` unless given."
  )
  var period: String?
  @Option(help: "One customer, by any of its subjects: its history, and P(alive) over time.")
  var customer: String?

  @Flag(
    help:
      "Prediction intervals (80 and 95 %) of purchases and value, of the sum and with `--table customers` of each; --customer has them always."
  )
  var intervals = false
  @Option(help: "Seed of the draws of prediction intervals.") var seed: UInt64 = 1

  /// A hundred years.
  private static let longestHorizon: Int64 = 36_525 * 86_400_000_000

  func settings() throws -> Forecast.Settings {
    var settings = Forecast.Settings()
    settings.models = try models.map(Self.models)
    settings.holdout = try holdout.map {
      try Self.days($0, option: "--holdout", such: "26w or 182d")
    }
    settings.period = try period.map { try Self.days($0, option: "--period", such: "7d or 4w") }
    settings.horizon = try horizon.map { text in
      let length = try Times.length(text, option: "--horizon")
      if length > 0, length <= Self.longestHorizon { return length }
      throw Self.usage(
        "--horizon takes a length above 0 and up to 36525d, such as 52w; not `\(text)`",
        help: "with a discount, `dert` holds all that is to come for ever")
    }
    settings.discount = try discount.map(Self.discount)
    settings.customer = customer
    settings.hasIntervals = intervals
    settings.seed = seed
    return settings
  }

  private static func models(_ text: String) throws -> [Rules.CLVModel] {
    if text == "all" { return Rules.CLVModel.allCases }
    let known = Rules.CLVModel.allCases.map(\.rawValue)
    var wanted: Set<Rules.CLVModel> = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
      guard let model = Rules.CLVModel(rawValue: name) else {
        throw usage(
          "--models: there is no CLV model `\(name)`",
          help: Suggestion.nearest(to: name, among: known + ["all"]).map { "did you mean `\($0)`?" }
            ?? "models are \(known.joined(separator: ", ")), and `all`")
      }
      wanted.insert(model)
    }
    return Rules.CLVModel.allCases.filter(wanted.contains)
  }

  /// Whole days, at least one.
  static func days(_ text: String, option: String, such: String) throws -> Int64 {
    let day: Int64 = 86_400_000_000
    let length = try? Times.length(text, option: option)
    if let length, length >= day, length % day == 0 { return length }
    throw usage("\(option) takes whole days, at least one, such as \(such); not `\(text)`")
  }

  private static func discount(_ text: String) throws -> (rate: Double, period: Int64) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let isDecimal =
      !parts[0].isEmpty && parts[0].utf8.allSatisfy { $0 &- 48 < 10 || $0 == UInt8(ascii: ".") }
    guard parts.count == 2, isDecimal, let rate = Double(parts[0]), rate.isFinite else {
      throw usage("--discount takes a rate for a period, such as 0.10/year; not `\(text)`")
    }
    guard let period = Rules.CLVSettings.discountPeriods[parts[1]] else {
      throw usage(
        "--discount: there is no discount period `\(parts[1])`", help: "year, month, week or day")
    }
    return (rate, period)
  }

  static func usage(_ message: String, help: String? = nil) -> CommandError {
    CommandError(exit: .usage, code: "usage", message: message, help: help)
  }
}
