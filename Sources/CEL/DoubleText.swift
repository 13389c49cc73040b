/// Doubles as text.
enum DoubleText {
  /// The shortest text that reads back as the same double; with an exponent below 1e-4 and from 1e6
  /// on, as `string(1e6)` is `1e+06` in CEL.
  static func format(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    let sign = value.sign == .minus ? "-" : ""
    let (digits, exponent) = decimal(value.magnitude)
    if digits == "0" { return sign + "0" }
    let power = exponent - 1
    if power < -4 || power >= 6 {
      let tail = digits.dropFirst()
      let magnitude = String(power.magnitude)
      return sign + String(digits.prefix(1)) + (tail.isEmpty ? "" : "." + tail) + "e"
        + (power < 0 ? "-" : "+") + (magnitude.utf8.count < 2 ? "0" + magnitude : magnitude)
    }
    if exponent <= 0 { return sign + "0." + String(repeating: "0", count: -exponent) + digits }
    let count = digits.utf8.count
    if exponent >= count { return sign + digits + String(repeating: "0", count: exponent - count) }
    return sign + String(digits.prefix(exponent)) + "." + String(digits.dropFirst(exponent))
  }

  /// The shortest digits d of a value 0.d × 10^exponent.
  private static func decimal(_ value: Double) -> (digits: String, exponent: Int) {
    let parts = "\(value)".split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    let whole = mantissa[0]
    var fraction = mantissa.count > 1 ? mantissa[1] : ""
    if fraction == "0" { fraction = "" }
    let all = whole + fraction
    let leading = all.prefix { $0 == "0" }.count
    var digits = String(all.dropFirst(leading))
    while digits.hasSuffix("0") { digits.removeLast() }
    if digits.isEmpty { return ("0", 1) }
    let power = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    return (digits, whole.count - leading + power)
  }

  /// The double that the text spells: a sign, digits, a point, an exponent, or an infinity or NaN by name.
  static func parse(_ text: String) -> Double? {
    switch text.lowercased() {
    case "nan": return .nan
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    default: break
    }
    let isPlain = text.utf8.allSatisfy {
      Lexer.isDigit($0) || "+-.eE".utf8.contains($0)
    }
    if !isPlain { return nil }
    let unsigned = text.hasPrefix("+") ? String(text.dropFirst()) : text
    if unsigned.hasPrefix("+") { return nil }
    guard let value = Double(unsigned), value.isFinite else { return nil }
    return value
  }

  /// JSON-like text for `eval`: the shortest that reads back, `1.0`, `1e+20`, `NaN`, `-Infinity`.
  static func plain(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return "\(value)"
  }
}
