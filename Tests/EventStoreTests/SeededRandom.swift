/// The same numbers for the same seed (Knuth's MMIX generator).
struct SeededRandom {
  private var state: UInt64

  /// Prints the seed.
  init(seed: UInt64) {
    print("seed \(seed)")
    state = seed
  }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state
  }

  /// A number from 0 up to and without `bound`.
  mutating func callAsFunction(_ bound: Int) -> Int { Int(next() >> 33) % bound }
}
