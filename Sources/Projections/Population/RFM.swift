/// Recency, frequency and monetary scores over all buyers (contract §5).
///
/// R is the last purchase, F the number of distinct UTC days with one, M the sum of purchases less refunds. A score is
/// 1 + floor(5 × (lowest rank among ties − 1) ÷ n), from the worst up, so that 5 is best.
struct RFM: Sendable {
  struct Scores: Sendable, Equatable {
    var r: UInt8
    var f: UInt8
    var m: UInt8

    var name: String { RFMNames.name(r: Int(r), f: Int(f), m: Int(m)) }
  }

  /// Scores of buyers in the order given.
  static func scores(recency: [Int64], frequency: [Int64], monetary: [Int64]) -> [Scores] {
    let r = fifths(recency)
    let f = fifths(frequency)
    let m = fifths(monetary)
    return recency.indices.map { Scores(r: r[$0], f: f[$0], m: m[$0]) }
  }

  /// The fifth of each value, counted by how many are smaller.
  static func fifths(_ values: [Int64]) -> [UInt8] {
    let sorted = values.sorted()
    let count = values.count
    // Where each fifth begins: the least number of smaller values that gives the score.
    var result: [UInt8] = []
    result.reserveCapacity(count)
    for value in values {
      var low = 0
      var high = count
      while low < high {
        let middle = (low + high) / 2
        if sorted[middle] < value { low = middle + 1 } else { high = middle }
      }
      result.append(UInt8(1 + 5 * low / max(1, count)))
    }
    return result
  }
}
