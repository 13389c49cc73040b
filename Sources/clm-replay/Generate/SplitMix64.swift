/// SplitMix64 (Steele, Lea and Flood, 2014): a small generator whose numbers are the same everywhere.
struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// Numbers for one of many, unlike those of its neighbours and of the next seed.
  init(seed: UInt64, stream: Int) {
    var mixed = SplitMix64(seed: seed)
    var own = SplitMix64(seed: mixed.next() ^ UInt64(truncatingIfNeeded: stream))
    state = own.next()
  }

  mutating func next() -> UInt64 {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// 0 ..< bound; `bound` is at least 1.
  mutating func below(_ bound: Int) -> Int {
    Int((UInt64(bound).multipliedFullWidth(by: next())).high)
  }

  /// True `part` times in `whole`.
  mutating func chance(_ part: Int, in whole: Int) -> Bool { below(whole) < part }

  /// An element of a table, each as likely as the others.
  mutating func pick(_ table: [Int]) -> Int { table[below(table.count)] }

  /// A waiting time with the given mean, roughly exponential: a table of quantiles in thousandths,
  /// so that no mathematics library decides.
  mutating func wait(mean: Int) -> Int {
    let step = Self.quantiles[below(Self.quantiles.count)]
    return max(1, mean * (step + below(32)) / 1000)
  }

  private static let quantiles: [Int] = [
    16, 49, 83, 118, 154, 191, 230, 270, 311, 354, 399, 446, 494, 545, 598, 654, 713, 775, 841,
    911, 987, 1068, 1156, 1253, 1360, 1480, 1617, 1778, 1973, 2223, 2580, 3320,
  ]
}
