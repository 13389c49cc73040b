/// The n-th smallest of many values without sorting them: they are counted by their leading bits, and only those that share
/// the bits of the one sought are looked at again.
struct OrderStatistics {
  private let values: [Int64]
  private let least: Int64
  /// Bits of a value's distance from the least that stand behind its leading ones; nil where all values are the same.
  private let shift: Int?
  /// How many values have which leading bits.
  private let counts: [Int]

  private static let digit = 11
  /// So few are sorted.
  private static let few = 64

  init(_ values: [Int64]) {
    self.values = values
    let least = values.min() ?? 0
    let span = Self.distance(from: least, to: values.max() ?? 0)
    let shift = max(0, UInt64.bitWidth - span.leadingZeroBitCount - Self.digit)
    var counts = [Int](repeating: 0, count: 1 << Self.digit)
    for value in values { counts[Int(Self.distance(from: least, to: value) >> shift)] += 1 }
    self.least = least
    self.shift = span == 0 ? nil : shift
    self.counts = counts
  }

  /// The value at a place of the sorted values, from 0.
  func value(at place: Int) -> Int64 {
    guard let shift else { return least }
    if values.count <= Self.few { return values.sorted()[place] }
    var place = place
    var digit = 0
    while place >= counts[digit] {
      place -= counts[digit]
      digit += 1
    }
    let (least, leading) = (least, UInt64(digit))
    let rest = values.filter { Self.distance(from: least, to: $0) >> shift == leading }
    return OrderStatistics(rest).value(at: place)
  }

  /// Beyond `Int64.max`, which is why it has no sign.
  private static func distance(from least: Int64, to value: Int64) -> UInt64 {
    UInt64(bitPattern: value &- least)
  }
}
