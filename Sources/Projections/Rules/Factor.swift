extension Rules.Factor {
  /// The product with an amount in minor units, half to even; nil where it leaves the range.
  package func times(_ minor: Int64) -> Int64? {
    var divisor: Int128 = 1
    for _ in 0..<scale {
      let (product, overflow) = divisor.multipliedReportingOverflow(by: 10)
      // So small a factor leaves nothing of any amount.
      if overflow { return 0 }
      divisor = product
    }
    return Int64(exactly: Rounding.halfToEven(Int128(minor) * Int128(mantissa), by: divisor))
  }
}
