/// Division to the nearest whole number, ties to the even one.
enum Rounding {
  /// `divisor` is positive.
  static func halfToEven(_ numerator: Int128, by divisor: Int128) -> Int128 {
    var quotient = numerator / divisor
    let rest = (numerator % divisor).magnitude
    let other = divisor.magnitude - rest
    if rest > other || (rest == other && quotient % 2 != 0) {
      quotient += numerator < 0 ? -1 : 1
    }
    return quotient
  }
}
