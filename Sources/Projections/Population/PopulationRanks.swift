import CEL
import EventStore

/// The names under `population`: ranks of a fact over all customers at as-of that have it (contract §5, Population).
struct PopulationRanks: Sendable {
  /// By entry of the rules, then by record: the value in 64 bits; nil where the customer has none.
  private(set) var values: [[Int64?]] = []

  /// A key by which the values of a fact order; nil for what has no place in the order (NaN).
  static func key(_ bits: Int64, _ type: Type) -> Int64? {
    if type == .uint { return bits ^ Int64.min }
    guard type == .double else { return bits }
    let value = Double(bitPattern: UInt64(bitPattern: bits))
    if value.isNaN { return nil }
    // 0.0 and −0.0 are one value; of negative numbers the larger pattern is the smaller number.
    let pattern = value == 0 ? 0 : Int64(bitPattern: value.bitPattern)
    return pattern < 0 ? pattern ^ Int64.max : pattern
  }

  /// - Parameter keys: by fact, then by record.
  init(_ population: [Rules.PopulationFact], keys: [Int: [Int64?]]) {
    var orders: [Int: [(record: Int, smaller: Int, greater: Int)]] = [:]
    for (fact, keys) in keys { orders[fact] = Self.order(keys) }
    for entry in population {
      let order = orders[entry.fact] ?? []
      var own: [Int64?] = Array(repeating: nil, count: keys[entry.fact]?.count ?? 0)
      for place in order {
        own[place.record] = Self.value(
          entry.function, smaller: place.smaller, greater: place.greater, of: order.count)
      }
      values.append(own)
    }
  }

  /// How many have a smaller, and how many a greater value.
  private static func order(
    _ keys: [Int64?]
  ) -> [(record: Int, smaller: Int, greater: Int)] {
    var sorted: [(key: Int64, record: Int)] = []
    for (record, key) in keys.enumerated() {
      if let key { sorted.append((key, record)) }
    }
    sorted.sort { $0 < $1 }
    var result: [(record: Int, smaller: Int, greater: Int)] = []
    var start = 0
    while start < sorted.count {
      var end = start
      while end < sorted.count && sorted[end].key == sorted[start].key { end += 1 }
      for index in start..<end {
        result.append((sorted[index].record, start, sorted.count - end))
      }
      start = end
    }
    return result
  }

  static func value(
    _ function: Rules.PopulationFunction, smaller: Int, greater: Int, of count: Int
  ) -> Int64 {
    switch function {
    case .percentRank:
      return TimedOutcome.double(count == 1 ? 0 : Double(smaller) / Double(count - 1))
    case .ntile(let parts):
      return 1 + Int64(parts) * Int64(smaller) / Int64(count)
    case .top(let percent):
      // rank × 100 ≤ percent × count, in whole numbers; a percent of very many decimals is beyond any rank.
      var left = Int128(greater + 1) * 100
      for _ in 0..<min(percent.scale, 18) { left *= 10 }
      return percent.scale <= 18 && left <= Int128(percent.mantissa) * Int128(count) ? 1 : 0
    }
  }
}
