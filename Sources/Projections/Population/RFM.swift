import EventStore

/// Recency, frequency and monetary scores over all buyers (contract §5).
///
/// R is the last purchase, F the number of distinct UTC days with one, M the sum of purchases less refunds; under
/// `rfm.within` of that time before as-of only. A score is 1 + floor(5 × (rank − 1) ÷ n), from the worst up, so that 5 is
/// best; of those who tie the lowest rank counts, or the highest.
struct RFM: Sendable {
  struct Scores: Sendable, Equatable {
    var r: UInt8
    var f: UInt8
    var m: UInt8

    /// 0 for 1-1-1 to 124 for 5-5-5.
    var code: Int { Int(r - 1) * 25 + Int(f - 1) * 5 + Int(m - 1) }

    var name: String { RFMNames.name(r: Int(r), f: Int(f), m: Int(m)) }
  }

  /// What a buyer is scored by.
  struct Measures: Sendable, Equatable {
    /// Of the customer, among those of the replay.
    var rank: UInt32
    /// Instant of the last purchase.
    var recency: Int64
    /// UTC days.
    var frequency: Int64
    /// Minor units.
    var monetary: Int64
  }

  /// Scores of buyers in the order given.
  static func scores(
    recency: [Int64], frequency: [Int64], monetary: [Int64],
    ties: Rules.RFMSettings.Ties = .low, threads: Int = 1
  ) throws -> [Scores] {
    let measures = [recency, frequency, monetary]
    let ticket = Ticket()
    let parts = try Parallel.run(min(threads, measures.count)) { _ in
      var found: [(measure: Int, fifths: [UInt8])] = []
      while true {
        let measure = ticket.take()
        if measure >= measures.count { return found }
        found.append((measure, fifths(measures[measure], ties: ties)))
      }
    }
    var all: [[UInt8]] = [[], [], []]
    for (measure, fifths) in parts.flatMap({ $0 }) { all[measure] = fifths }
    return recency.indices.map { Scores(r: all[0][$0], f: all[1][$0], m: all[2][$0]) }
  }

  /// The fifth of each value, counted by how many are smaller, or for `high` by how many others are not greater.
  static func fifths(_ values: [Int64], ties: Rules.RFMSettings.Ties = .low) -> [UInt8] {
    if values.isEmpty { return [] }
    let sorted = OrderStatistics(values)
    let count = values.count
    // The least value of each fifth from the second on; where one has none, there is no such value.
    var least: [Int64] = []
    for fifth in 1...4 {
      // The first place at which this fifth could begin.
      let place = (fifth * count + 4) / 5
      guard place < count else { break }
      var value: Int64? = sorted.value(at: place)
      if ties == .low, let own = value, values.count(where: { $0 < own }) < place {
        // Those who tie begin earlier, and are counted there.
        value = values.lazy.filter { $0 > own }.min()
      }
      guard let value else { break }
      least.append(value)
    }
    return values.map { value in UInt8(1 + least.count { $0 <= value }) }
  }
}

extension RFM.Measures {
  init(_ sums: CustomerValue.Sums, rank: UInt32) {
    self.init(
      rank: rank, recency: sums.lastPurchase, frequency: sums.days,
      monetary: Int64(clamping: sums.net))
  }
}
