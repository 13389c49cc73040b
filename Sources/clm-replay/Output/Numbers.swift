import Glibc

/// Numbers as text (contract §2).
enum Numbers {
  /// "1 event", "2 events".
  static func counted(_ count: some BinaryInteger, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  /// `160.00` from minor units.
  static func money(_ minor: Int64, digits: Int) -> String {
    let text = String(minor.magnitude)
    let sign = minor < 0 ? "-" : ""
    if digits == 0 { return sign + text }
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
  }

  /// 12,345 from 12345.
  static func grouped(_ value: Int64) -> String {
    let digits = String(value.magnitude)
    var text = value < 0 ? "-" : ""
    for (place, digit) in digits.enumerated() {
      if place > 0 && (digits.count - place) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// Nine significant digits, as C's `%.9g`.
  static func double(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return formatted(value, digits: 9)
  }

  /// Six significant digits, as standard errors hold.
  static func six(_ value: Double) -> String { formatted(value, digits: 6) }

  /// Four significant digits, for people.
  static func short(_ value: Double) -> String { formatted(value, digits: 4) }

  private static func formatted(_ value: Double, digits: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 64)
    // Safe because so few digits, sign, point and exponent take less than 64 bytes.
    _ = unsafe withVaList([digits, value]) { unsafe vsnprintf(&buffer, 64, "%.*g", $0) }
    return String(
      decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// CEL's text of a duration: seconds, with a fraction where there is one.
  static func duration(nanoseconds: Int64) -> String {
    let sign = nanoseconds < 0 ? "-" : ""
    let seconds = nanoseconds.magnitude / 1_000_000_000
    let rest = nanoseconds.magnitude % 1_000_000_000
    if rest == 0 { return "\(sign)\(seconds)s" }
    var fraction = String(rest)
    fraction = String(repeating: "0", count: 9 - fraction.count) + fraction
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(sign)\(seconds).\(fraction)s"
  }

  /// A span of the rules language: the largest unit that measures it in whole numbers.
  static func span(_ microseconds: Int64) -> String {
    let units: [(Int64, String)] = [
      (86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"),
    ]
    for (length, name) in units where microseconds % length == 0 {
      return "\(microseconds / length)\(name)"
    }
    return duration(nanoseconds: microseconds * 1000)
  }

  /// A percentage with one decimal.
  static func percent(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  static func seconds(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }
}
