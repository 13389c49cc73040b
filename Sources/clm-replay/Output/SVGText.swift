/// Text and numbers as SVG has them.
enum SVGText {
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.printable.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      // No XML document may hold these.
      case "\u{fffe}", "\u{ffff}": result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// With two decimals at most, the same on every machine.
  static func number(_ value: Double) -> String {
    let hundredths = Int64((value * 100).rounded())
    let sign = hundredths < 0 ? "-" : ""
    let rest = hundredths.magnitude % 100
    let whole = hundredths.magnitude / 100
    if rest == 0 { return "\(sign)\(whole)" }
    let digits = rest % 10 == 0 ? "\(rest / 10)" : (rest < 10 ? "0\(rest)" : "\(rest)")
    return "\(sign)\(whole).\(digits)"
  }

  /// 12,000 for 12000; as it is where it is no such whole number.
  static func grouped(_ value: Double) -> String {
    guard value >= 1000, value < 1e15, value == value.rounded() else {
      return Numbers.short(value)
    }
    return Numbers.grouped(Int64(value))
  }
}
