/// The n-th smallest of many values without sorting them: they are counted by their leading bits, and only those that share
/// the bits of the one sought are looked at again.
struct OrderStatistics {
  private let values: [Int64]
  /// Which bits differ at all: all values are `least` and what fits into `width` bits.
  private let least: Int64
  private let width: Int
  /// How many values have which leading bits.
  private let counts: [Int]

  private static let digit = 11
  /// So few are sorted.
  private static let few = 64

  init(_ values: [Int64]) {
    self.values = values
    least = values.min() ?? 0
    let most = values.max() ?? 0
    width = UInt64.bitWidth - Self.distance(from: least, to: most).leadingZeroBitCount
    counts = Self.counts(values, least, shift: max(0, width - Self.digit))
  }

  /// The value at a place of the sorted values, from 0.
  func value(at place: Int) -> Int64 {
    var place = place
    var counts = counts
    var rest = values
    var width = width
    var least = least
    while rest.count > Self.few, width > 0 {
      let shift = max(0, width - Self.digit)
      var digit = 0
      while place >= counts[digit] {
        place -= counts[digit]
        digit += 1
      }
      let first = least
      rest = rest.filter { Self.distance(from: first, to: $0) >> shift == UInt64(digit) }
      // Bits, not a number: beyond `Int64.max` it goes on below.
      least &+= Int64(truncatingIfNeeded: UInt64(digit) << shift)
      width = shift
      counts = Self.counts(rest, least, shift: max(0, width - Self.digit))
    }
    return rest.sorted()[place]
  }

  private static func distance(from least: Int64, to value: Int64) -> UInt64 {
    UInt64(bitPattern: value &- least)
  }

  private static func counts(_ values: [Int64], _ least: Int64, shift: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: 1 << digit)
    for value in values { counts[Int(distance(from: least, to: value) >> shift)] += 1 }
    return counts
  }
}
