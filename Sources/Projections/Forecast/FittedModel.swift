import EventStore
import Glibc

/// What is to be known of a fit: a code for programs, a sentence, and what to do.
public struct ModelVerdict: Sendable, Equatable {
  public var code: String
  public var message: String
  public var remedy: String
}

/// A purchase model with its spending model, fitted to buyers: all that a forecast asks of them.
struct FittedModel: Sendable {
  let fit: ValueFit
  let clock: ForecastClock

  init(
    _ model: Rules.CLVModel, _ settings: Rules.CLVSettings, digits: Int,
    buyers: [PendingCustomers.Buyer], asOf: Int64, threads: Int
  ) throws {
    fit = try ValueFit(
      settings, model: model, digits: digits, buyers: buyers, asOf: asOf, threads: threads)
    clock = ForecastClock(model, unit: settings.unit)
    scale = pow(10, Double(digits))
  }

  private let scale: Double

  /// Nil where it could not be fitted.
  var purchases: Fit? { fit.purchases?.fit }
  var model: (any PurchaseModel)? { purchases.map { fit.model.kind.init($0.parameters) } }

  /// By parameter; nil where the data say nothing of it.
  var standardErrors: [Double?] {
    guard let purchases else { return [] }
    return purchases.standardErrors ?? purchases.parameters.map { _ in nil }
  }

  /// Parameters that the data determine.
  var freeParameters: Int { purchases?.parameters.count ?? 0 }

  /// What a fit, or its failure, says beside the numbers.
  var verdicts: [ModelVerdict] {
    fit.verdicts.map { text in
      ModelVerdict(
        code: purchases == nil ? "not_fitted" : "spending_not_fitted", message: text,
        remedy: "look at the purchases with `metrics --table intervals`")
    }
  }

  // MARK: Money

  /// Expected value of a purchase in whole currency; nil without an answer of the spending model.
  ///
  /// - Parameters:
  ///   - frequency: days with a purchase, less the first one.
  ///   - mean: of the money of these days.
  func amount(frequency: Double, mean: Double) -> Double? {
    guard let spending = fit.spending else { return nil }
    let amount = GammaGamma(spending.parameters).expectedValue(
      mean > 0 ? .init(frequency: frequency, mean: mean) : .init(frequency: 0, mean: 0))
    return amount.isFinite && amount >= 0 ? amount : nil
  }

  func amount(of buyer: PendingCustomers.Buyer) -> Double? {
    amount(frequency: Double(buyer.frequency - 1), mean: mean(of: buyer))
  }

  /// Mean money of the days after the first, in whole currency; 0 without any.
  func mean(of buyer: PendingCustomers.Buyer) -> Double {
    buyer.frequency > 1 ? Double(buyer.repeatTotal) / scale / Double(buyer.frequency - 1) : 0
  }

  /// margin × amount × purchases in minor units, half to even.
  func value(_ amount: Double, times purchases: Double) -> Int64? {
    let margin =
      Double(fit.settings.margin.mantissa) / pow(10, Double(fit.settings.margin.scale))
    let value = (amount * purchases * margin * scale).rounded(.toNearestOrEven)
    return value.magnitude < 9e18 ? Int64(value) : nil
  }
}

extension PurchaseModel {
  /// Expected purchases of one who has not stopped, within each of some rising times.
  func expected(_ frequency: Double, _ age: Double, within times: [Double]) -> [Double] {
    times.map { expectedWhileAlive(frequency, age, within: $0) }
  }
}

/// What is to come, discounted: the horizon in steps of one unit, or for ever at a continuous rate.
struct Discounting: Sendable {
  /// Units.
  let horizon: Double
  private let rate: Double
  private let period: Double

  /// - Parameter horizon: microseconds; that of the settings unless given.
  init(_ settings: Rules.CLVSettings, horizon: Int64? = nil) {
    self.horizon = Double(horizon ?? settings.horizon) / Double(settings.unit)
    rate = settings.discountRate
    period = Double(settings.discountPeriod ?? settings.unit) / Double(settings.unit)
  }

  /// For a time unit; nil where nothing is discounted, and all that is to come for ever may have no bound.
  var delta: Double? { rate > 0 ? log1p(rate) / period : nil }

  /// Expected purchases within the horizon (or a shorter time) of one who has not stopped, each discounted from the end of its unit.
  func worth(_ model: some PurchaseModel, _ frequency: Double, _ age: Double) -> Double {
    DiscountedValue.whileAlive(
      model, frequency, age, horizon: horizon, step: 1, rate: rate, period: period)
  }

  /// Discounted expected residual transactions (DERT) of one who has not stopped; nil where nothing is discounted, or the model
  /// has no answer.
  func residualWhileAlive(
    _ model: some PurchaseModel, _ frequency: Double, _ age: Double
  ) -> Double? {
    // Of all with this frequency and age the one who is alive most probably.
    let history = PurchaseHistory(
      frequency: frequency, recency: frequency > 0 ? age : 0, age: age)
    let alive = model.probabilityAlive(history)
    guard let delta, alive > 0, let model = model as? ParetoNBD else { return nil }
    return model.discountedResidual(history, delta: delta) / alive
  }
}

/// Work on threads whose results do not depend on how many there are.
enum ForecastWork {
  /// The results of `body` for pieces of 0 ..< count, in order.
  static func pieces<Output: Sendable>(
    _ count: Int, length: Int, threads: Int, _ body: @escaping @Sendable (Range<Int>) -> Output
  ) throws -> [Output] {
    let pieces = (count + length - 1) / length
    func range(_ piece: Int) -> Range<Int> { piece * length..<min(count, (piece + 1) * length) }
    if pieces <= 1 || threads <= 1 { return (0..<pieces).map { body(range($0)) } }
    let ticket = Ticket()
    let found = try Parallel.run(min(threads, pieces)) { _ in
      var own: [(piece: Int, output: Output)] = []
      while true {
        let piece = ticket.take()
        if piece >= pieces { return own }
        own.append((piece, body(piece * length..<min(count, (piece + 1) * length))))
      }
    }
    return found.flatMap { $0 }.sorted { $0.piece < $1.piece }.map(\.output)
  }
}
