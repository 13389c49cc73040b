/// Where a condition holds on the line of one term: a union of intervals of whole numbers.
///
/// Durations and instants count in microseconds, money in minor units, doubles by their order, texts and bools by number.
struct Region {
  /// What varies; nil where the condition is the same everywhere.
  var term: Term?
  /// Ascending, apart from each other.
  var intervals: [ClosedRange<Int64>]

  /// A sum of names with whole factors, or a name that is compared as it is.
  struct Term: Hashable {
    /// By name, ascending; the first factor is positive and all have no common divisor.
    var factors: [Factor]
    var kind: Kind
    /// Values that it can have.
    var domain: ClosedRange<Int64>

    struct Factor: Hashable {
      var name: String
      var factor: Int64
    }

    enum Kind: Hashable { case int, money, instant, duration, double, text, bool }
  }

  static let everywhere = Region(term: nil, intervals: [Int64.min...Int64.max])
  static let nowhere = Region(term: nil, intervals: [])

  var isEmpty: Bool { intervals.isEmpty }
  /// Holds whatever the term is.
  var isEverywhere: Bool { term == nil && !intervals.isEmpty }

  init(term: Term?, intervals: [ClosedRange<Int64>]) {
    self.term = term
    self.intervals =
      term.map { term in
        intervals.compactMap { $0.overlaps(term.domain) ? $0.clamped(to: term.domain) : nil }
      } ?? intervals
  }

  var complement: Region {
    let domain = term?.domain ?? Int64.min...Int64.max
    var gaps: [ClosedRange<Int64>] = []
    var next: Int64? = domain.lowerBound
    for interval in intervals {
      if let start = next, start < interval.lowerBound {
        gaps.append(start...(interval.lowerBound - 1))
      }
      next = interval.upperBound < domain.upperBound ? interval.upperBound + 1 : nil
    }
    if let start = next { gaps.append(start...domain.upperBound) }
    return Region(term: term, intervals: gaps)
  }

  /// Where both hold; nil where they vary with different terms.
  func and(_ other: Region) -> Region? {
    if isEmpty || other.isEverywhere { return self }
    if other.isEmpty || isEverywhere { return other }
    guard term == other.term else { return nil }
    var common: [ClosedRange<Int64>] = []
    var (i, j) = (0, 0)
    while i < intervals.count, j < other.intervals.count {
      let (a, b) = (intervals[i], other.intervals[j])
      if a.overlaps(b) { common.append(a.clamped(to: b)) }
      if a.upperBound < b.upperBound { i += 1 } else { j += 1 }
    }
    return Region(term: term, intervals: common)
  }

  func or(_ other: Region) -> Region? { complement.and(other.complement)?.complement }
}
