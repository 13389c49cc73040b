/// A time's form: `%Y %m %d %H %M %S %f %z` and literal text.
///
/// ```
/// TimeFormat("%d.%m.%Y %H:%M")?.time(Array("09.12.2011 12:50".utf8))
/// ```
/// `%Y` takes four digits, `%f` any number of them (finer ones than microseconds are cut), the others one or two; `%z` is `Z`, `+02:00`
/// or `+0200`.
public struct TimeFormat: Sendable {
  /// What a text says: a date, a time of day, and maybe an offset.
  struct CivilTime: Sendable, Equatable {
    /// Seconds since 1970 of the clock that shows it, as if it were UTC.
    var local: Int64
    /// 0 to 999,999.
    var microseconds: Int64
    /// Minutes east of UTC; nil where the text has no zone.
    var offset: Int64?
  }

  private enum Part: Sendable {
    case literal(UInt8)
    case field(UInt8)
  }

  /// As it was written.
  public let text: String
  private let parts: [Part]

  /// Nil where a field is unknown or comes twice, or year, month or day is missing.
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
    self.text = text
    self.parts = parts
  }

  /// What a text of this form says; nil for any other, and for days and hours that no calendar has.
  func time(_ text: [UInt8]) -> CivilTime? {
    var index = 0
    var values: [UInt8: Int64] = [:]
    for part in parts {
      switch part {
      case .literal(let byte):
        guard index < text.count, text[index] == byte else { return nil }
        index += 1
      case .field(let field):
        guard let value = Self.value(field, text, &index) else { return nil }
        values[field] = value
      }
    }
    guard index == text.count else { return nil }
    func value(_ field: Unicode.Scalar) -> Int64 { values[UInt8(ascii: field)] ?? 0 }
    let (year, month, day) = (value("Y"), value("m"), value("d"))
    guard year >= 1, (1...12).contains(month), day >= 1, day <= RFC3339.days(year, month),
      value("H") < 24, value("M") < 60, value("S") < 60
    else { return nil }
    let days = CivilDate.days(year: year, month: month, day: day)
    return CivilTime(
      local: days * 86_400 + value("H") * 3600 + value("M") * 60 + value("S"),
      microseconds: value("f"), offset: values[UInt8(ascii: "z")])
  }

  private static func value(_ field: UInt8, _ text: [UInt8], _ index: inout Int) -> Int64? {
    switch field {
    case UInt8(ascii: "z"): return offset(text, &index)
    case UInt8(ascii: "f"):
      let digits = text[index...].prefix { $0 &- 48 < 10 }
      index += digits.count
      if digits.isEmpty { return nil }
      var value: Int64 = 0
      for place in 0..<6 {
        let digit = digits.dropFirst(place).first ?? 48
        value = value * 10 + Int64(digit - 48)
      }
      return value
    default:
      let isYear = field == UInt8(ascii: "Y")
      let digits = text[index...].prefix(isYear ? 4 : 2).prefix { $0 &- 48 < 10 }
      index += digits.count
      if digits.count < (isYear ? 4 : 1) { return nil }
      return digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
    }
  }

  /// `Z`, `+02:00` or `+0200`, in minutes.
  private static func offset(_ text: [UInt8], _ index: inout Int) -> Int64? {
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
