import Glibc

/// Numbers that look random and are the same in every run: xoshiro256** (D. Blackman, S. Vigna: Scrambled Linear
/// Pseudorandom Number Generators, ACM Transactions on Mathematical Software 47 (2021)), its state filled by SplitMix64.
struct RandomSource: Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// - Parameter seeds: any numbers; other ones give other, unrelated sequences.
  init(_ seeds: UInt64...) {
    var mixed: UInt64 = 0
    func next() -> UInt64 {
      mixed &+= 0x9E37_79B9_7F4A_7C15
      var bits = mixed
      bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
      bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
      return bits ^ bits >> 31
    }
    for seed in seeds { mixed = next() ^ seed }
    state = (next(), next(), next(), next())
  }

  private mutating func bits() -> UInt64 {
    func rotated(_ value: UInt64, _ by: UInt64) -> UInt64 { value << by | value >> (64 - by) }
    let result = rotated(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotated(state.3, 45)
    return result
  }

  /// Above 0 and below 1.
  mutating func uniform() -> Double { (Double(bits() >> 12) + 0.5) * 0x1p-52 }

  /// Of mean 1.
  mutating func exponential() -> Double { -log(uniform()) }

  /// Of mean 0 and variance 1, by Box and Muller.
  mutating func normal() -> Double {
    (2 * exponential()).squareRoot() * cos(2 * .pi * uniform())
  }

  /// Of scale 1. G. Marsaglia, W. W. Tsang: A simple method for generating gamma variables, ACM Transactions on Mathematical
  /// Software 26 (2000), 363-372.
  mutating func gamma(_ shape: Double) -> Double {
    if shape < 1 { return gamma(shape + 1) * exp(-exponential() / shape) }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let normal = normal()
      let root = 1 + c * normal
      if root <= 0 { continue }
      let v = root * root * root
      if log(uniform()) < 0.5 * normal * normal + d - d * v + d * log(v) { return d * v }
    }
  }

  mutating func beta(_ a: Double, _ b: Double) -> Double {
    // Below the range of a double both may vanish: then one is chosen by their means.
    let (first, second) = (gamma(a), gamma(b))
    if first + second > 0 { return first / (first + second) }
    return uniform() < a / (a + b) ? 1 : 0
  }

  /// Counts of a Poisson process. Above a mean of 20 by the time of its k-th event, gamma distributed, with what is left
  /// drawn again: J. H. Ahrens, U. Dieter: Computer methods for sampling from gamma, beta, Poisson and binomial distributions,
  /// Computing 12 (1974), 223-246. Above 1e12 by its normal limit.
  mutating func poisson(_ mean: Double) -> Double {
    var mean = mean
    var count = 0.0
    if mean > 1e12 { return max(0, (mean + mean.squareRoot() * normal()).rounded()) }
    while mean > 20 {
      let k = (mean * 0.875).rounded(.down)
      let time = gamma(k)
      if time > mean {
        // The k − 1 events before it are uniform over its time.
        return count + binomial(k - 1, mean / time)
      }
      mean -= time
      count += k
    }
    var left = mean
    while true {
      left -= exponential()
      if left < 0 { return count }
      count += 1
    }
  }

  /// By halves: the median of n uniform numbers is beta distributed (Ahrens and Dieter).
  mutating func binomial(_ n: Double, _ probability: Double) -> Double {
    var (n, probability) = (n, probability)
    var count = 0.0
    while n > 20 {
      let middle = (n / 2).rounded(.down) + 1
      let cut = beta(middle, n + 1 - middle)
      if cut <= probability {
        count += middle
        n -= middle
        probability = (probability - cut) / (1 - cut)
      } else {
        n = middle - 1
        probability /= cut
      }
    }
    for _ in 0..<Int(n) where uniform() < probability { count += 1 }
    return count
  }
}
