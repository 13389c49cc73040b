/// Durations as text: `1h30m`, `-1.5s`, `100ms`.
enum DurationText {
  struct Parsed {
    var duration: Duration
    /// Digits finer than a nanosecond were cut off.
    var isTruncated: Bool
  }

  /// Units of h, m, s, ms, us (µs), ns with decimals, one after another, and a sign in front; `0` needs no unit.
  /// Nil for anything else and beyond ±2^63 ns.
  static func parse(_ text: String) -> Parsed? {
    var bytes = Array(text.utf8)[...]
    var isNegative = false
    if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      bytes.removeFirst()
    }
    if bytes.elementsEqual("0".utf8) {
      return Parsed(duration: Duration(nanoseconds: 0), isTruncated: false)
    }
    if bytes.isEmpty { return nil }
    var total: UInt64 = 0
    var isTruncated = false
    while !bytes.isEmpty {
      guard let term = term(&bytes) else { return nil }
      let (sum, overflows) = total.addingReportingOverflow(term.nanoseconds)
      if overflows || sum > Int64.min.magnitude { return nil }
      total = sum
      isTruncated = isTruncated || term.isTruncated
    }
    let value: Int64
    if isNegative {
      value = total == Int64.min.magnitude ? Int64.min : -Int64(total)
    } else {
      guard let positive = Int64(exactly: total) else { return nil }
      value = positive
    }
    return Parsed(duration: Duration(nanoseconds: value), isTruncated: isTruncated)
  }

  /// One number with its unit, taken from the front.
  private static func term(
    _ bytes: inout ArraySlice<UInt8>
  ) -> (nanoseconds: UInt64, isTruncated: Bool)? {
    var whole: UInt64 = 0
    var digitCount = 0
    while let byte = bytes.first, Lexer.isDigit(byte) {
      let (product, overflows) = whole.multipliedReportingOverflow(by: 10)
      let (sum, overflowsToo) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
      if overflows || overflowsToo { return nil }
      whole = sum
      digitCount += 1
      bytes.removeFirst()
    }
    var fraction: UInt64 = 0
    var scale: UInt64 = 1
    var isTruncated = false
    if bytes.first == UInt8(ascii: ".") {
      bytes.removeFirst()
      while let byte = bytes.first, Lexer.isDigit(byte) {
        let digit = UInt64(byte - UInt8(ascii: "0"))
        if scale < 1_000_000_000_000_000_000 {
          fraction = fraction * 10 + digit
          scale *= 10
        } else if digit != 0 {
          isTruncated = true
        }
        digitCount += 1
        bytes.removeFirst()
      }
    }
    if digitCount == 0 { return nil }
    let unitBytes = bytes.prefix { !Lexer.isDigit($0) && $0 != UInt8(ascii: ".") }
    bytes = bytes[unitBytes.endIndex...]
    guard let unit = unitNanoseconds(String(decoding: unitBytes, as: UTF8.self)) else { return nil }
    let (product, overflows) = whole.multipliedReportingOverflow(by: unit)
    if overflows { return nil }
    // The quotient is below the unit, so that the division cannot overflow.
    let parts = scale.dividingFullWidth(fraction.multipliedFullWidth(by: unit))
    let (sum, overflowsToo) = product.addingReportingOverflow(parts.quotient)
    if overflowsToo { return nil }
    return (sum, isTruncated || parts.remainder != 0)
  }

  private static func unitNanoseconds(_ name: String) -> UInt64? {
    switch name {
    case "ns": 1
    case "us", "\u{B5}s", "\u{3BC}s": 1_000
    case "ms": 1_000_000
    case "s": 1_000_000_000
    case "m": 60_000_000_000
    case "h": 3_600_000_000_000
    default: nil
    }
  }

  /// CEL's text of a duration: seconds with as many decimals as it has, `1.5s`.
  static func format(_ duration: Duration) -> String {
    let magnitude = duration.nanoseconds.magnitude
    let sign = duration.nanoseconds < 0 ? "-" : ""
    let fraction = Calendar.fraction(magnitude % 1_000_000_000)
    return "\(sign)\(magnitude / 1_000_000_000)\(fraction)s"
  }
}
