import EventStore

/// Recency, frequency and monetary scores over all buyers (contract §5).
///
/// R is the last purchase, F the number of distinct UTC days with one, M the sum of purchases less refunds. A score is
/// 1 + floor(5 × (lowest rank among ties − 1) ÷ n), from the worst up, so that 5 is best.
struct RFM: Sendable {
  struct Scores: Sendable, Equatable {
    var r: UInt8
    var f: UInt8
    var m: UInt8

    /// 0 for 1-1-1 to 124 for 5-5-5.
    var code: Int { Int(r - 1) * 25 + Int(f - 1) * 5 + Int(m - 1) }

    var name: String { RFMNames.name(r: Int(r), f: Int(f), m: Int(m)) }
  }

  /// Scores of buyers in the order given.
  static func scores(
    recency: [Int64], frequency: [Int64], monetary: [Int64], threads: Int = 1
  ) throws -> [Scores] {
    let measures = [recency, frequency, monetary]
    let ticket = Ticket()
    let parts = try Parallel.run(min(threads, measures.count)) { _ in
      var found: [(measure: Int, fifths: [UInt8])] = []
      while true {
        let measure = ticket.take()
        if measure >= measures.count { return found }
        found.append((measure, fifths(measures[measure])))
      }
    }
    var all: [[UInt8]] = [[], [], []]
    for (measure, fifths) in parts.flatMap({ $0 }) { all[measure] = fifths }
    return recency.indices.map { Scores(r: all[0][$0], f: all[1][$0], m: all[2][$0]) }
  }

  /// The fifth of each value, counted by how many are smaller.
  static func fifths(_ values: [Int64]) -> [UInt8] {
    // Ties share a score, so only the first of each run of equal values counts its smaller ones.
    let order = values.indices.sorted { values[$0] < values[$1] }
    let count = max(1, values.count)
    var result = Array(repeating: UInt8(0), count: values.count)
    var smaller = 0
    for (place, index) in order.enumerated() {
      if place > 0, values[order[place - 1]] != values[index] { smaller = place }
      result[index] = UInt8(1 + 5 * smaller / count)
    }
    return result
  }
}
