extension Int64 {
  /// The sum, or what is nearest to it in 64 bits.
  @inline(__always)
  func saturatingSum(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }
}
