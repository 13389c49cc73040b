import Glibc

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

/// Histories, equal ones together, and what they are made of: models need the most work for pairs of frequency and age, and of
/// frequency and recency, and a log of days has far fewer of those than customers.
struct GroupedHistories: Sendable {
  struct Pair: Hashable, Sendable {
    var frequency: Double
    var time: Double
  }

  /// Frequency and age, and frequency and recency, each one once.
  private(set) var ages: [Pair] = []
  private(set) var recencies: [Pair] = []
  /// Different histories by their pairs, and how many customers have each.
  private(set) var histories: [(age: Int32, recency: Int32, weight: Double)] = []
  /// Different frequencies, and how many customers have each.
  private(set) var frequencies: [(frequency: Double, weight: Double)] = []
  /// Place of each customer's history in ``histories``, in the order given.
  private(set) var ofCustomer: [Int32] = []

  init(_ all: [PurchaseHistory]) {
    let firsts = numberHistories(all)
    var ageNumbers: [Pair: Int32] = [:]
    var recencyNumbers: [Pair: Int32] = [:]
    func number(_ pair: Pair, _ known: inout [Pair: Int32], _ list: inout [Pair]) -> Int32 {
      if let number = known[pair] { return number }
      let number = Int32(list.count)
      known[pair] = number
      list.append(pair)
      return number
    }
    histories.reserveCapacity(firsts.count)
    for first in firsts {
      let history = all[Int(first)]
      histories.append(
        (
          number(Pair(frequency: history.frequency, time: history.age), &ageNumbers, &ages),
          number(
            Pair(frequency: history.frequency, time: history.recency), &recencyNumbers,
            &recencies), 0
        ))
    }
    for place in ofCustomer { histories[Int(place)].weight += 1 }
    var counts: [Double: Double] = [:]
    for history in histories {
      counts[ages[Int(history.age)].frequency, default: 0] += history.weight
    }
    frequencies = counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Numbers different histories as they come; gives the first customer of each. A table of places, probed in order.
  private mutating func numberHistories(_ all: [PurchaseHistory]) -> [Int32] {
    var bits = 4
    while 1 << bits < 2 * all.count { bits += 1 }
    var table = Array(repeating: Int32(-1), count: 1 << bits)
    var firsts: [Int32] = []
    ofCustomer.reserveCapacity(all.count)
    for (customer, history) in all.enumerated() {
      var place = Int(Self.hash(history) >> UInt64(64 - bits))
      while true {
        let found = table[place]
        if found < 0 {
          table[place] = Int32(firsts.count)
          ofCustomer.append(Int32(firsts.count))
          firsts.append(Int32(customer))
          break
        }
        if all[Int(firsts[Int(found)])] == history {
          ofCustomer.append(found)
          break
        }
        place = (place + 1) & ((1 << bits) - 1)
      }
    }
    return firsts
  }

  private static func hash(_ history: PurchaseHistory) -> UInt64 {
    var mixed = history.frequency.bitPattern &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ mixed >> 29 ^ history.age.bitPattern) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 32 ^ history.recency.bitPattern) &* 0x94D0_49BB_1331_11EB
    return (mixed ^ mixed >> 31) &* 0x9E37_79B9_7F4A_7C15
  }
}

/// A model of when a customer buys, and of when he silently stops.
///
/// The likelihood of a history is the sum of two: that he is still alive, and that he has stopped since the last purchase. All
/// models here split so that their costly parts depend on frequency and age, or on frequency and recency.
public protocol PurchaseModel: Sendable {
  /// Names of the parameters in the order of the paper.
  static var parameterNames: [String] { get }
  var parameters: [Double] { get }
  /// `alpha` and `beta` are times, so that a search starts near the mean age.
  static var isTimeScaled: Bool { get }
  /// - Parameter parameters: positive, as many as ``parameterNames``.
  init(_ parameters: [Double])

  /// The part of the logarithm of the likelihood that depends on nothing but the frequency: all gamma functions.
  func logHead(_ frequency: Double) -> Double
  /// What frequency and age say.
  func ageTerm(_ frequency: Double, _ age: Double) -> AgeTerm
  /// What frequency and recency say.
  func recencyTerm(_ frequency: Double, _ recency: Double) -> RecencyTerm
  /// Logarithm of the likelihood, less the head, that the customer has stopped since the last purchase; −∞ where he cannot have.
  func logGone(_ age: AgeTerm, _ recency: RecencyTerm) -> Double
  /// Expected number of purchases within `time` units after the end of the history of a customer who has not stopped by then.
  func expectedWhileAlive(_ frequency: Double, _ age: Double, within time: Double) -> Double
}

/// What a model makes of frequency and age.
public struct AgeTerm: Sendable {
  public var frequency: Double
  public var age: Double
  /// Logarithm of the likelihood, less the head, that the customer is alive.
  public var logAlive: Double
  /// Part of ``PurchaseModel/logGone(_:_:)``.
  public var part: Double
}

/// What a model makes of frequency and recency.
public struct RecencyTerm: Sendable {
  public var recency: Double
  /// Part of ``PurchaseModel/logGone(_:_:)``.
  public var part: Double
}

extension PurchaseModel {
  public static var isTimeScaled: Bool { true }

  /// Natural logarithm of the likelihood of one history.
  public func logLikelihood(_ history: PurchaseHistory) -> Double {
    let age = ageTerm(history.frequency, history.age)
    let gone = logGone(age, recencyTerm(history.frequency, history.recency))
    return logHead(history.frequency) + SpecialFunctions.logAddExp(age.logAlive, gone)
  }

  /// Probability that the customer has not stopped at the end of the history, 0 to 1.
  public func probabilityAlive(_ history: PurchaseHistory) -> Double {
    let age = ageTerm(history.frequency, history.age)
    return probabilityAlive(age, recencyTerm(history.frequency, history.recency))
  }

  func probabilityAlive(_ age: AgeTerm, _ recency: RecencyTerm) -> Double {
    1 / (1 + exp(logGone(age, recency) - age.logAlive))
  }

  /// Expected number of purchases within `time` units after the end of the history.
  public func expectedPurchases(_ history: PurchaseHistory, within time: Double) -> Double {
    probabilityAlive(history)
      * expectedWhileAlive(history.frequency, history.age, within: time)
  }

  /// Expected number of repeat purchases of a new customer within `time` units of the first one: of a history in which
  /// nothing has happened yet.
  public func expectedPurchases(ofNewCustomerWithin time: Double) -> Double {
    expectedPurchases(PurchaseHistory(frequency: 0, recency: 0, age: 0), within: time)
  }
}
