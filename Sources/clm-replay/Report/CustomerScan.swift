import EventStore
import Projections

/// What a report needs of each customer of a view: worth, and what time alone brings next.
struct CustomerScan {
  /// Whose stage time alone changes soon.
  struct Upcoming {
    var customer: String
    var from: String
    /// Nil for who would be parked.
    var to: String?
    var at: Int64
    var lastSeen: Int64
    /// Expected value, or without a model the historical one, in minor units.
    var worth: Int64?
  }

  /// Minor units, of buyers; in no order.
  private(set) var expected: [Int64] = []
  private(set) var historical: [Int64] = []
  /// By stage; customers without a value count as 0.
  private(set) var worthOfStage: [String: Int64] = [:]
  /// Customers by segment, those that read the population included.
  private(set) var segments: [String: Int64] = [:]
  private(set) var upcoming: [Upcoming] = []
  /// How many they are, and what they are worth together.
  private(set) var upcomingCounts: [Move: (customers: Int64, worth: Int64)] = [:]

  struct Move: Hashable {
    var from: String
    var to: String?
    /// Days from as-of, from 0.
    var day: Int
  }

  static let days = 7
  /// How many customers are named.
  static let named = 50

  private static let day: Int64 = 86_400_000_000

  /// - Parameter isFirst: whether the move from one stage to another is to be named before others.
  init(_ reader: ViewReader, isFirst: (_ from: String, _ to: String?) -> Bool) throws {
    let rows = ViewRows(reader.rules)
    let asOf = reader.manifest.asOf
    let hasModel = reader.rules.clv?.model != nil
    for chunk in 0..<reader.chunkCount {
      try reader.forEachCustomer(inChunk: chunk) { customer in
        guard let current = customer.record.current else { return }
        let historical = rows.historicalValue(current)
        let expected = customer.value?.expected
        if let historical { self.historical.append(historical) }
        if let expected { self.expected.append(expected) }
        let worth = hasModel ? expected : historical
        worthOfStage[current.stage, default: 0] += worth ?? 0
        for segment in customer.segments { segments[segment, default: 0] += 1 }
        guard let next = current.next, next.at - asOf <= Int64(Self.days) * Self.day else { return }
        let day = Int(max(0, next.at - asOf - 1) / Self.day)
        let move = Move(from: current.stage, to: next.to, day: day)
        upcomingCounts[move, default: (0, 0)].customers += 1
        upcomingCounts[move, default: (0, 0)].worth += worth ?? 0
        upcoming.append(
          Upcoming(
            customer: customer.record.name, from: current.stage, to: next.to, at: next.at,
            lastSeen: current.lastSeen, worth: worth))
      }
      // The list stays short, whatever the view.
      upcoming.sort { one, other in
        let (a, b) = (isFirst(one.from, one.to), isFirst(other.from, other.to))
        if a != b { return a }
        if one.worth != other.worth { return one.worth ?? Int64.min > other.worth ?? Int64.min }
        if one.at != other.at { return one.at < other.at }
        return one.customer.utf8.lexicographicallyPrecedes(other.customer.utf8)
      }
      if upcoming.count > Self.named { upcoming.removeLast(upcoming.count - Self.named) }
    }
  }
}
