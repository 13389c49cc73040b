/// Numbers in JSON's grammar, cast exactly.
package enum Decimal {
  /// A number taken apart: sign × digits × 10^exponent, without leading or trailing zeros among the digits.
  package struct Parts: Equatable {
    var isNegative: Bool
    /// From 0 to 9, without zeros in front or behind.
    var digits: [UInt8]
    /// Of ten.
    var exponent: Int

    /// How many it has behind the point.
    package var decimals: Int { max(0, -exponent) }
    /// It is whole and has 18 digits at most.
    package var isSmallInteger: Bool { exponent >= 0 && digits.count + exponent <= 18 }

    var isZero: Bool { digits.isEmpty }
  }

  /// Nil where the text is not one number of JSON's grammar.
  package static func parts(_ text: Span<UInt8>) -> Parts? {
    var index = 0
    var parts = Parts(isNegative: false, digits: [], exponent: 0)
    func digit(_ index: Int) -> Bool { index < text.count && text[index] &- 48 < 10 }
    if index < text.count, text[index] == UInt8(ascii: "-") {
      parts.isNegative = true
      index += 1
    }
    guard digit(index) else { return nil }
    if text[index] == 48, digit(index + 1) { return nil }
    while digit(index) {
      if !(parts.digits.isEmpty && text[index] == 48) { parts.digits.append(text[index] - 48) }
      index += 1
    }
    if index < text.count, text[index] == UInt8(ascii: ".") {
      index += 1
      guard digit(index) else { return nil }
      while digit(index) {
        if !(parts.digits.isEmpty && text[index] == 48) { parts.digits.append(text[index] - 48) }
        parts.exponent -= 1
        index += 1
      }
    }
    if index < text.count, text[index] | 0x20 == UInt8(ascii: "e") {
      index += 1
      var isNegative = false
      if index < text.count, text[index] == UInt8(ascii: "+") || text[index] == UInt8(ascii: "-") {
        isNegative = text[index] == UInt8(ascii: "-")
        index += 1
      }
      guard digit(index) else { return nil }
      var exponent = 0
      while digit(index) {
        // Beyond this no number of a line's length can come back into any range.
        exponent = min(exponent * 10 + Int(text[index] - 48), 1_000_000_000)
        index += 1
      }
      parts.exponent += isNegative ? -exponent : exponent
    }
    guard index == text.count else { return nil }
    while parts.digits.last == 0 {
      parts.digits.removeLast()
      parts.exponent += 1
    }
    if parts.digits.isEmpty {
      parts.exponent = 0
      parts.isNegative = false
    }
    return parts
  }

  /// True for a text in JSON's number grammar.
  package static func isNumber(_ text: Span<UInt8>) -> Bool { parts(text) != nil }

  /// True for a number that has more decimals than `digits`, zeros at its end apart.
  package static func hasMoreDecimals(_ text: Span<UInt8>, than digits: Int) -> Bool {
    guard let parts = parts(text) else { return false }
    return -parts.exponent > digits
  }

  /// Any spelling of a whole number in 64 bits: 5, 5.0, 50e-1.
  package static func int64(_ text: Span<UInt8>) -> Int64? {
    scaled(text, digits: 0)
  }

  /// An amount in minor units: at most `digits` decimals, zeros beyond are fine.
  package static func minorUnits(_ text: Span<UInt8>, digits: Int) -> Int64? {
    scaled(text, digits: digits)
  }

  private static func scaled(_ text: Span<UInt8>, digits: Int) -> Int64? {
    // The usual ones, such as `160.00`; where this has no answer the long way decides.
    if let plain = SpelledDecimal(text),
      let value = rescale(plain.mantissa, scale: Int(plain.scale), digits: digits)
    {
      return value
    }
    guard let parts = parts(text) else { return nil }
    if parts.isZero { return 0 }
    let exponent = parts.exponent + digits
    guard exponent >= 0, parts.digits.count + exponent <= 19 else { return nil }
    var value: Int64 = 0
    for place in 0..<parts.digits.count + exponent {
      let digit = place < parts.digits.count ? Int64(parts.digits[place]) : 0
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) =
        parts.isNegative
        ? tenfold.subtractingReportingOverflow(digit) : tenfold.addingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }

  /// mantissa ÷ 10^scale in units of 10^-digits; nil where it is no whole number of them, or out of range.
  package static func rescale(_ mantissa: Int64, scale: Int, digits: Int) -> Int64? {
    if scale == digits { return mantissa }
    var value = mantissa
    for _ in scale..<max(scale, digits) {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      value = product
    }
    for _ in digits..<max(scale, digits) {
      if value % 10 != 0 { return nil }
      value /= 10
    }
    return value
  }

  /// mantissa ÷ 10^scale with exactly that many decimals.
  package static func spelled(_ mantissa: Int64, scale: Int) -> [UInt8] {
    var digits = Array(String(mantissa.magnitude).utf8)
    if scale > 0 {
      let zeros = max(0, scale + 1 - digits.count)
      digits.insert(contentsOf: repeatElement(UInt8(ascii: "0"), count: zeros), at: 0)
      digits.insert(UInt8(ascii: "."), at: digits.count - scale)
    }
    if mantissa < 0 { digits.insert(UInt8(ascii: "-"), at: 0) }
    return digits
  }

  /// The nearest double of mantissa ÷ 10^scale, as of its spelling.
  package static func double(_ mantissa: Int64, scale: Int) -> Double? {
    // Both are doubles without an error, so that one division rounds once.
    if mantissa.magnitude < 1 << 53, scale < powers.count {
      return Double(mantissa) / powers[scale]
    }
    return double(spelled(mantissa, scale: scale).span)
  }

  private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

  /// The nearest double; nil where the text is no number or beyond the range of a double.
  package static func double(_ text: Span<UInt8>) -> Double? {
    guard parts(text) != nil else { return nil }
    var bytes: [UInt8] = []
    for index in text.indices { bytes.append(text[index]) }
    guard let value = Double(String(decoding: bytes, as: UTF8.self)), value.isFinite else {
      return nil
    }
    return value
  }
}
