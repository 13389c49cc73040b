import Glibc

/// A model of when a customer buys, and of when he silently stops.
///
/// The likelihood of a history is a *head*, which depends on the frequency alone, times the sum of two terms: that he is still
/// alive, and that he has stopped since the last purchase. The second is written as a difference of weights of having stopped
/// after a time and before a fixed horizon, so that all that is costly depends on a frequency and one time: a cell of
/// ``GroupedHistories``. What the difference loses is small beside the weight of being alive, which is never below the
/// weight of stopping later.
///
/// Derivatives are exact, in the logarithms of the parameters.
protocol PurchaseModel: Sendable {
  /// Names of the parameters in the order of the paper: four.
  static var parameterNames: [String] { get }
  /// Which of them are times.
  static var isTime: [Bool] { get }
  /// Time has no unit but the model's own (BG/BB: opportunities), so it is never scaled.
  static var countsTime: Bool { get }
  /// What a parameter that grows or shrinks without end says.
  static func meaning(of parameter: Int, grows: Bool) -> String
  /// Where a search begins, on different hills.
  ///
  /// - Parameters:
  ///   - rate: repeat purchases for a unit of time, of all customers.
  ///   - span: mean age.
  static func starts(rate: Double, span: Double) -> [[Double]]

  var parameters: [Double] { get }
  /// - Parameter parameters: positive, as many as ``parameterNames``.
  init(_ parameters: [Double])

  /// Logarithms of the heads of frequencies, which rise.
  func heads(_ frequencies: [Double]) -> [LogDerivatives]
  /// The cells of one frequency.
  ///
  /// - Parameter times: rising; the last one is the horizon.
  func cells(_ frequency: Double, _ times: ArraySlice<Double>) -> [HistoryCell]
  /// Expected number of purchases within each of `times` units after the end of the history of a customer who has not stopped
  /// by then.
  func expectedWhileAlive(_ frequency: Double, _ age: Double, within times: [Double]) -> [Double]
  /// Adds purchases to come of a customer who has not stopped, as the model's story draws them.
  func drawFuture(
    _ frequency: Double, _ age: Double, _ random: inout RandomSource, into draw: inout FutureDraw)
}

extension PurchaseModel {
  /// ``meaning(of:grows:)`` of the models whose first two parameters say how often customers buy, and whose last two, of a beta
  /// distribution, how easily they stop.
  static func meaningOfChances(_ parameter: Int, grows: Bool, otherwise: String) -> String {
    switch (parameter, grows) {
    case (0, true), (1, true): "customers do not differ in how often they buy"
    case (2, false): "no customer is seen to stop"
    case (3, false): "customers stop at their first chance or never"
    case (2, true), (3, true): "customers do not differ in how easily they stop"
    default: otherwise
    }
  }
}

/// What a model makes of a frequency and one time.
struct HistoryCell: Sendable {
  /// Logarithm of the weight of being alive at that time.
  var logAlive: Double
  /// The weight of being alive at that time, less the one of having stopped between it and the horizon.
  var ageTerm: ScaledTerm
  /// The weight of having stopped between that time and the horizon.
  var recencyTerm: ScaledTerm
}

extension PurchaseModel {
  static var countsTime: Bool { false }

  private func terms(_ history: PurchaseHistory) -> (logAlive: Double, sum: ScaledTerm) {
    let times =
      history.recency < history.age ? [history.recency, history.age] : [history.age]
    let cells = cells(history.frequency, times[...])
    let age = cells[cells.count - 1]
    return (age.logAlive, age.ageTerm.adding(cells[0].recencyTerm))
  }

  /// Natural logarithm of the likelihood of one history.
  func logLikelihood(_ history: PurchaseHistory) -> Double {
    heads([history.frequency])[0].value + terms(history).sum.log
  }

  /// Probability that the customer has not stopped at the end of the history, 0 to 1.
  func probabilityAlive(_ history: PurchaseHistory) -> Double {
    let (logAlive, sum) = terms(history)
    return min(1, exp(logAlive - sum.log))
  }

  func expectedWhileAlive(_ frequency: Double, _ age: Double, within time: Double) -> Double {
    expectedWhileAlive(frequency, age, within: [time])[0]
  }

  /// Expected number of purchases within `time` units after the end of the history.
  func expectedPurchases(_ history: PurchaseHistory, within time: Double) -> Double {
    probabilityAlive(history) * expectedWhileAlive(history.frequency, history.age, within: time)
  }

  /// Expected number of repeat purchases of a new customer within `time` units of the first one: of a history in which
  /// nothing has happened yet.
  func expectedPurchases(ofNewCustomerWithin time: Double) -> Double {
    expectedPurchases(PurchaseHistory(frequency: 0, recency: 0, age: 0), within: time)
  }
}

/// Σ ln(c + i) over 0 ≤ i < n, with derivatives in ln c: ln of Γ(c + n) ÷ Γ(c) for whole n, exact for any c.
struct RisingLogarithms {
  let c: Double
  private(set) var n = 0.0
  private(set) var value = 0.0
  private(set) var first = 0.0
  private(set) var second = 0.0

  init(_ c: Double) { self.c = c }

  mutating func advance(to end: Double) {
    while n < end {
      let part = c / (c + n)
      value += log(c + n)
      first += part
      second += part * (1 - part)
      n += 1
    }
  }
}
