/// What the purchase models know of a customer, in one time unit.
public struct PurchaseHistory: Sendable, Hashable {
  /// Days with a purchase, less the first one.
  public var frequency: Double
  /// From the first purchase to the last one.
  public var recency: Double
  /// From the first purchase to as-of.
  public var age: Double

  public init(frequency: Double, recency: Double, age: Double) {
    self.frequency = frequency
    self.recency = recency
    self.age = age
  }
}

/// Histories, equal ones together: a log of days has far fewer different ones than customers.
struct GroupedHistories: Sendable {
  let histories: [PurchaseHistory]
  let weights: [Double]

  init(_ all: [PurchaseHistory]) {
    let sorted = all.sorted {
      ($0.frequency, $0.age, $0.recency) < ($1.frequency, $1.age, $1.recency)
    }
    var histories: [PurchaseHistory] = []
    var weights: [Double] = []
    for history in sorted {
      if histories.last == history {
        weights[weights.count - 1] += 1
      } else {
        histories.append(history)
        weights.append(1)
      }
    }
    self.histories = histories
    self.weights = weights
  }
}

/// A model of when a customer buys, and of when he silently stops.
public protocol PurchaseModel: Sendable {
  /// Names of the parameters in the order of the paper.
  static var parameterNames: [String] { get }
  var parameters: [Double] { get }
  /// - Parameter parameters: positive, as many as ``parameterNames``.
  init(_ parameters: [Double])

  /// The part of the logarithm of the likelihood that depends on nothing but the frequency: all gamma functions.
  func logHead(_ frequency: Double) -> Double
  /// The rest of it.
  func logTail(_ history: PurchaseHistory) -> Double
  /// Probability that the customer has not stopped at the end of the history, 0 to 1.
  func probabilityAlive(_ history: PurchaseHistory) -> Double
  /// Expected number of purchases within `time` units after the end of the history.
  func expectedPurchases(_ history: PurchaseHistory, within time: Double) -> Double
}

extension PurchaseModel {
  /// Natural logarithm of the likelihood of one history.
  public func logLikelihood(_ history: PurchaseHistory) -> Double {
    logHead(history.frequency) + logTail(history)
  }

  /// Expected number of repeat purchases of a new customer within `time` units of the first one: of a history in which
  /// nothing has happened yet.
  public func expectedPurchases(ofNewCustomerWithin time: Double) -> Double {
    expectedPurchases(PurchaseHistory(frequency: 0, recency: 0, age: 0), within: time)
  }
}
