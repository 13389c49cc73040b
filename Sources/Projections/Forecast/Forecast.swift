import CEL
import EventStore
import Glibc

/// Customer value models fitted to the purchases of a view, and how good their forecasts are (docs/value.md).
public struct Forecast: Sendable {
  /// What is asked for; unless given, what the rules say.
  public struct Settings: Sendable {
    /// Nil: the rules' model, or all of continuous time where they name none.
    public var models: [Rules.CLVModel]?
    /// Microseconds, whole days: models are fitted to what happened up to as-of less this, and forecast it.
    public var holdout: Int64?
    /// Microseconds; the rules' unless given.
    public var horizon: Int64?
    /// Rate for a period of so many microseconds; the rules' unless given.
    public var discount: (rate: Double, period: Int64)?
    /// Microseconds, whole days: of the tracking table and of a customer's path; `clv.unit` (in whole days) unless given.
    public var period: Int64?
    /// Any subject of one customer.
    public var customer: String?
    /// Rows of customers will be asked for.
    public var keepsCustomers = false
    /// Prediction intervals of all customers and of their sum are drawn.
    public var hasIntervals = false
    /// Of the draws.
    public var seed: UInt64 = 1
    /// The rules' model, nothing held out.
    public init() {}
  }

  /// Why there is no answer.
  public struct Fault: Error, Sendable {
    /// Stable names; the command line prints them as `error[CODE]`.
    public enum Kind: String, Sendable {
      /// The rules do not say what a purchase is.
      case noValue = "no-clv"
      /// Nobody bought by as-of.
      case noPurchases = "no-purchases"
      /// It leaves nothing to fit.
      case holdout
      /// More of them than a table may have.
      case periods
      /// The view has nobody of that name.
      case unknownCustomer = "unknown-customer"
    }
    /// Stable, for programs.
    public var kind: Kind
    /// Lower case, no full stop.
    public var message: String
    /// What to do about it.
    public var help: String
  }

  /// Under which purchases were counted.
  public let rules: Rules
  /// Of the rules, with what the settings set.
  package let value: Rules.CLVSettings
  /// Microseconds since 1970.
  public let asOf: Int64
  /// What models are fitted to happened up to this instant; as-of without a holdout.
  public let cut: Int64
  /// Microseconds before as-of; nil where nothing is held out.
  public let holdout: Int64?
  /// UTC day of the cut, since 1970.
  public var cutDay: Int64 { Days.day(of: cut) }
  /// UTC day of as-of, since 1970.
  public var lastDay: Int64 { Days.day(of: asOf) }
  /// Days.
  public let period: Int64
  /// Customers with a stage.
  public let customers: Int64
  /// Customers who had bought by the cut: to them models are fitted.
  public let buyers: Int64
  /// Customers who bought first after the cut, and are left out.
  public let lateBuyers: Int64
  /// Left out of everything.
  public let parked: Int64
  /// In the order asked for.
  public let models: [ModelForecast]
  /// Which of them to take.
  public let choice: ModelChoice
  /// Where one customer was asked for.
  package let path: CustomerPath?
  /// Of prediction intervals, where they were asked for.
  public let seed: UInt64
  /// Prediction intervals were drawn.
  public let hasIntervals: Bool
  let log: PurchaseLog
  let directory: CustomerDirectory

  /// - Parameters:
  ///   - compiled: the rules.
  ///   - settings: what is asked for.
  ///   - view: what of the log is in view.
  ///   - threads: at least 1; the result does not depend on it.
  ///   - text: of a number in words for people.
  ///   - progress: of the fold, 0 to 1.
  /// - Throws: what the store throws, or a ``Fault``.
  public init(
    _ compiled: CompiledRules, _ settings: Settings, view: LogView, threads: Int,
    text: (Double) -> String, progress: (Double) -> Void
  ) throws {
    rules = compiled.rules
    guard var value = rules.clv else {
      throw Fault(
        kind: .noValue, message: "the rules have no `clv`, so nothing says what a purchase is",
        help: "add `clv: { purchase: ALIAS.AMOUNT }` to the rules, and replay")
    }
    if let horizon = settings.horizon { value.horizon = horizon }
    if let discount = settings.discount {
      (value.discountRate, value.discountPeriod) = (discount.rate, discount.period)
    }
    let (asOf, threads) = (view.asOf, max(1, threads))
    let (earlier, overflow) = asOf.subtractingReportingOverflow(settings.holdout ?? 0)
    let cut = overflow ? Int64.min : earlier
    let unit = value.unit
    let replayer = Replayer(compiled, view: view, threads: threads)
    let directory = try replayer.directory()
    var found = PurchaseCollector(compiled, cut: cut, unit: unit)
    _ = try replayer.run(directory, progress: progress) {
      PurchaseCollector(compiled, cut: cut, unit: unit)
    } keep: { folded in
      for sink in folded.sinks { found.add(sink) }
    }
    let log = found.log.sorted()
    try Self.check(log, asOf: asOf)
    let period = max(1, (settings.period ?? unit) / Microseconds.day)
    let periods = try Self.periods(log, length: period, cut: cut, asOf: asOf)
    let wanted =
      settings.models ?? value.model.map { [$0] } ?? Rules.CLVModel.allCases.filter { $0 != .bgBB }
    let digits = rules.currency.digits
    let final = value
    let draws: IntervalDraws? =
      settings.hasIntervals
      ? IntervalDraws(
        seed: settings.seed,
        keys: log.buyers.map {
          IntervalDraws.key(directory.name(of: $0.rank))
        }) : nil
    models = try wanted.map {
      try ModelForecast(
        $0, final, digits: digits, log, periods, cut: cut,
        keepsCustomers: settings.keepsCustomers, draws: draws, threads: threads)
    }
    choice = ModelChoice.among(models, text)
    seed = settings.seed
    self.value = value
    (self.asOf, self.cut, holdout, self.period) = (asOf, cut, settings.holdout, period)
    (customers, parked) = (found.customers, Int64(found.parked.count))
    (buyers, lateBuyers) = (Int64(log.count), Int64(log.late.count))
    let forecasts = models
    path = try settings.customer.map {
      try Self.path(
        of: $0, found, log, directory, forecasts, final, cut: cut, step: period,
        seed: settings.seed)
    }
    hasIntervals = settings.hasIntervals
    (self.log, self.directory) = (log, directory)
  }

  /// Whole currency in minor units, half to even; nil where it leaves the range.
  public func minor(_ amount: Double) -> Int64? {
    let minor = (amount * pow(10, Double(rules.currency.digits))).rounded(.toNearestOrEven)
    return minor.magnitude < 9e18 ? Int64(minor) : nil
  }

  private static func check(_ log: PurchaseLog, asOf: Int64) throws {
    if log.count > 0 { return }
    if let first = log.late.map(\.firstDay).min() {
      let longest = Days.day(of: asOf) - Int64(first)
      throw Fault(
        kind: .holdout,
        message:
          "nobody is left to fit a model to: the first purchase of all is of \(Days.text(Int64(first))), which is within the holdout",
        help: longest > 1
          ? "take a shorter --holdout: less than \(longest)d, and better no more than half of that"
          : "the purchases are of too few days for a --holdout")
    }
    throw Fault(
      kind: .noPurchases, message: "no customer has a purchase of `clv.purchase` up to as-of",
      help:
        "`clm-replay status STORE --types` shows what is in the log, `clm-replay check RULES --store STORE` what the rules cannot use of it"
    )
  }

  private static func periods(
    _ log: PurchaseLog, length: Int64, cut: Int64, asOf: Int64
  ) throws -> TrackingPeriods {
    let first = log.buyers.reduce(Int64.max) { min($0, Int64($1.firstDay)) }
    let (cutDay, lastDay) = (Days.day(of: cut), Days.day(of: asOf))
    if let periods = TrackingPeriods(
      length: length, firstDay: first, cutDay: cutDay, lastDay: lastDay)
    {
      return periods
    }
    throw Fault(
      kind: .periods,
      message:
        "from the first purchase on \(Days.text(first)) to as-of there are more than \(TrackingPeriods.limit) periods of \(length)d",
      help:
        "take a longer --period, or look for a wrong date: `clm-replay status` shows the range")
  }
}
