/// The usual eleven names of RFM segments, as a table from scores to names (Spotler, "RFM model", 11 segments): it
/// holds each of the 125 codes exactly once.
enum RFMNames {
  static let names = [
    "Champions",
    "Loyal",
    "Potential Loyalist",
    "New Customers",
    "Promising",
    "Need Attention",
    "About To Sleep",
    "At Risk",
    "Cannot Lose Them",
    "Hibernating",
    "Lost",
  ]

  /// Number of the name of scores 1 ... 5, at `(r − 1) × 25 + (f − 1) × 5 + (m − 1)`.
  static let numbers: [UInt8] = [
    10, 10, 8, 8, 8, 10, 9, 9, 7, 7, 10, 9, 7, 7, 7, 10, 7, 7, 8, 7, 10, 7, 7, 8, 8,
    9, 9, 6, 8, 8, 6, 9, 9, 7, 7, 6, 9, 9, 7, 7, 6, 7, 7, 7, 7, 6, 7, 7, 7, 7,
    3, 6, 4, 4, 4, 6, 9, 2, 5, 5, 6, 9, 2, 5, 1, 2, 2, 5, 1, 1, 2, 2, 2, 1, 1,
    3, 3, 4, 4, 4, 3, 3, 2, 4, 4, 2, 2, 2, 5, 1, 2, 2, 5, 1, 0, 2, 2, 2, 0, 0,
    3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 2, 2, 2, 5, 5, 2, 2, 1, 0, 0, 2, 2, 2, 0, 0,
  ]

  static func name(r: Int, f: Int, m: Int) -> String {
    names[Int(numbers[(r - 1) * 25 + (f - 1) * 5 + m - 1])]
  }
}
