/// A decimal that mantissa and scale spell out again, character by character: at most 18 digits, 9 of them behind
/// the point, no exponent, no leading zeros, no negative zero.
struct SpelledDecimal: Equatable {
  var mantissa: Int64
  var scale: UInt8

  static let maximumScale: UInt8 = 9

  @inline(__always)
  init?(_ text: Span<UInt8>) {
    guard text.count > 0, text.count <= 20 else { return nil }
    var index = 0
    let isNegative = text[0] == UInt8(ascii: "-")
    if isNegative { index = 1 }
    guard index < text.count, text[index] &- 48 < 10 else { return nil }
    if text[index] == 48, index + 1 < text.count, text[index + 1] &- 48 < 10 { return nil }
    var value: Int64 = 0
    var digits = 0
    var decimals: UInt8 = 0
    while index < text.count, text[index] &- 48 < 10 {
      // A 19th digit may leave the range, so it must not be taken in at all.
      digits += 1
      if digits > 18 { return nil }
      value = value * 10 + Int64(text[index] - 48)
      index += 1
    }
    if index < text.count {
      guard text[index] == UInt8(ascii: ".") else { return nil }
      index += 1
      while index < text.count {
        guard text[index] &- 48 < 10 else { return nil }
        digits += 1
        decimals += 1
        if digits > 18 || decimals > Self.maximumScale { return nil }
        value = value * 10 + Int64(text[index] - 48)
        index += 1
      }
      if decimals == 0 { return nil }
    }
    if isNegative && value == 0 { return nil }
    mantissa = isNegative ? -value : value
    scale = decimals
  }
}
