/// The exact sum of finite doubles: a fixed-point number wide enough for any of them.
///
/// Adding and removing are exact, so the sum does not depend on the order of either; it is rounded once, when read
/// (Kulisch's long accumulator, here in 32-bit limbs with deferred carries).
struct ExactSum: Sendable {
  private var limbs: [Int64] = []
  private var pending = 0
  private static let limbCount = 70
  /// The weight of bit 0 of limb 0 is 2^-1074.
  private static let lowestExponent = -1074

  mutating func reset() {
    limbs.removeAll(keepingCapacity: true)
    pending = 0
  }

  /// Adds `value`, or takes it away again (`sign` -1).
  mutating func add(_ value: Double, sign: Int64 = 1) {
    guard value != 0, value.isFinite else { return }
    if limbs.isEmpty { limbs = Array(repeating: 0, count: Self.limbCount) }
    let biased = Int((value.bitPattern >> 52) & 0x7ff)
    let fraction = value.bitPattern & ((1 << 52) - 1)
    let mantissa = biased == 0 ? fraction : fraction | (1 << 52)
    let shift = biased == 0 ? 0 : biased - 1
    let limb = shift / 32
    let wide = UInt128(mantissa) << UInt128(shift % 32)
    let factor = value < 0 ? -sign : sign
    limbs[limb] += factor * Int64(truncatingIfNeeded: wide & 0xffff_ffff)
    limbs[limb + 1] += factor * Int64(truncatingIfNeeded: (wide >> 32) & 0xffff_ffff)
    limbs[limb + 2] += factor * Int64(truncatingIfNeeded: (wide >> 64) & 0xffff_ffff)
    pending += 1
    if pending > 1 << 28 { carry() }
  }

  private mutating func carry() {
    var rest: Int64 = 0
    for index in 0..<(Self.limbCount - 1) {
      let total = limbs[index] + rest
      let low = total & 0xffff_ffff
      limbs[index] = low
      rest = (total - low) >> 32
    }
    limbs[Self.limbCount - 1] += rest
    pending = 0
  }

  /// The sum, rounded to nearest, ties to even; infinite where it is beyond the range of a double.
  func rounded() -> Double {
    if limbs.isEmpty { return 0 }
    var carried = self
    carried.carry()
    var digits = carried.limbs
    let isNegative = digits[Self.limbCount - 1] < 0
    if isNegative {
      // Two's complement over the limbs.
      var borrow: Int64 = 0
      for index in 0..<Self.limbCount {
        let total = -digits[index] + borrow
        if index == Self.limbCount - 1 {
          digits[index] = total
        } else {
          let low = total & 0xffff_ffff
          digits[index] = low
          borrow = (total - low) >> 32
        }
      }
    }
    guard let top = digits.lastIndex(where: { $0 != 0 }) else { return 0 }
    let topBits = 64 - digits[top].leadingZeroBitCount
    let length = top * 32 + topBits
    let magnitude = Self.round(digits, length: length)
    return isNegative ? -magnitude : magnitude
  }

  /// The leading 53 bits of a positive number of `length` bits, rounded.
  private static func round(_ digits: [Int64], length: Int) -> Double {
    let dropped = max(0, length - 53)
    var mantissa: UInt64 = 0
    for bit in stride(from: length - 1, through: dropped, by: -1) {
      mantissa = mantissa << 1 | (isSet(digits, bit) ? 1 : 0)
    }
    if dropped > 0 && isSet(digits, dropped - 1) {
      var sticky = false
      for bit in 0..<(dropped - 1) where isSet(digits, bit) {
        sticky = true
        break
      }
      if sticky || mantissa & 1 == 1 { mantissa += 1 }
    }
    // `mantissa` has at most 53 bits (or is 2^53), so both steps are exact until the result overflows.
    return Double(sign: .plus, exponent: dropped + lowestExponent, significand: Double(mantissa))
  }

  private static func isSet(_ digits: [Int64], _ bit: Int) -> Bool {
    digits[bit / 32] >> Int64(bit % 32) & 1 == 1
  }
}
