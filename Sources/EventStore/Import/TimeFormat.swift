/// A time's form: `%Y %m %d %H %M %S %f %z` and literal text; without `%z` it is UTC.
///
/// ```
/// TimeFormat("%d.%m.%Y %H:%M")?.microseconds(Array("09.12.2011 12:50".utf8))
/// ```
public struct TimeFormat: Sendable {
  private enum Part: Sendable {
    case literal(UInt8)
    case field(UInt8)
  }

  private let parts: [Part]

  /// Nil where a field is unknown, or year, month or day is missing.
  public init?(_ text: String) {
    var parts: [Part] = []
    var fields: [UInt8] = []
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        parts.append(.literal(byte))
        continue
      }
      guard let field = bytes.popFirst() else { return nil }
      if field == UInt8(ascii: "%") {
        parts.append(.literal(field))
        continue
      }
      guard "YmdHMSfz".utf8.contains(field), !fields.contains(field) else { return nil }
      fields.append(field)
      parts.append(.field(field))
    }
    guard "Ymd".utf8.allSatisfy({ fields.contains($0) }) else { return nil }
    self.parts = parts
  }

  /// Microseconds since 1970; nil where the text is not of the form.
  public func microseconds(_ text: [UInt8]) -> Int64? {
    var index = 0
    var values: [UInt8: Int64] = [:]
    func digits(_ least: Int, _ most: Int) -> (value: Int64, count: Int)? {
      var value: Int64 = 0
      var count = 0
      while index < text.count, count < most, text[index] &- 48 < 10 {
        value = value * 10 + Int64(text[index] - 48)
        index += 1
        count += 1
      }
      return count >= least ? (value, count) : nil
    }
    for part in parts {
      switch part {
      case .literal(let byte):
        guard index < text.count, text[index] == byte else { return nil }
        index += 1
      case .field(UInt8(ascii: "z")):
        guard let offset = offset(text, &index) else { return nil }
        values[UInt8(ascii: "z")] = offset
      case .field(UInt8(ascii: "f")):
        guard let found = digits(1, 6) else { return nil }
        var value = found.value
        for _ in found.count..<6 { value *= 10 }
        values[UInt8(ascii: "f")] = value
      case .field(let field):
        let isYear = field == UInt8(ascii: "Y")
        guard let found = digits(isYear ? 4 : 1, isYear ? 4 : 2) else { return nil }
        values[field] = found.value
      }
    }
    guard index == text.count else { return nil }
    func value(_ field: String) -> Int64 { values[field.utf8.first ?? 0] ?? 0 }
    let (year, month, day) = (value("Y"), value("m"), value("d"))
    guard year >= 1, (1...12).contains(month), day >= 1, day <= RFC3339.days(year, month),
      value("H") < 24, value("M") < 60, value("S") < 60
    else { return nil }
    let days = CivilDate.days(year: year, month: month, day: day)
    let seconds =
      days * 86_400 + value("H") * 3600 + value("M") * 60 + value("S") - value("z") * 60
    let result = seconds * 1_000_000 + value("f")
    return RFC3339.range.contains(result) ? result : nil
  }

  /// `Z`, `+02:00` or `+0200`, in minutes.
  private func offset(_ text: [UInt8], _ index: inout Int) -> Int64? {
    guard index < text.count else { return nil }
    if text[index] | 0x20 == UInt8(ascii: "z") {
      index += 1
      return 0
    }
    let sign: Int64
    switch text[index] {
    case UInt8(ascii: "+"): sign = 1
    case UInt8(ascii: "-"): sign = -1
    default: return nil
    }
    index += 1
    guard let hours = RFC3339.number(text.span, index, 2) else { return nil }
    index += 2
    if index < text.count, text[index] == UInt8(ascii: ":") { index += 1 }
    guard let minutes = RFC3339.number(text.span, index, 2), hours < 24, minutes < 60 else {
      return nil
    }
    index += 2
    return sign * (hours * 60 + minutes)
  }
}
