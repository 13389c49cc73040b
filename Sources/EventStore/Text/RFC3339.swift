/// Instants as text (RFC 3339), in microseconds since 1970-01-01T00:00:00Z.
package enum RFC3339 {
  /// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z.
  static let range: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

  /// `2024-04-28T16:45:00.25+02:00`; `T`, `t` or a space, `Z`, `z` or an offset; digits finer than a microsecond are cut.
  ///
  /// Nil for anything else: days that the calendar lacks, second 60, years before 0001 or after 9999.
  package static func microseconds(_ text: Span<UInt8>) -> Int64? {
    if let instant = wholeSeconds(text) { return instant }
    guard text.count >= 20, let year = number(text, 0, 4), text[4] == UInt8(ascii: "-"),
      let month = number(text, 5, 2), text[7] == UInt8(ascii: "-"), let day = number(text, 8, 2)
    else { return nil }
    guard text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: "t") || text[10] == 0x20,
      let hour = number(text, 11, 2), text[13] == UInt8(ascii: ":"),
      let minute = number(text, 14, 2), text[16] == UInt8(ascii: ":"),
      let second = number(text, 17, 2)
    else { return nil }
    guard (1...12).contains(month), day >= 1, day <= days(year, month), hour < 24, minute < 60,
      second < 60
    else { return nil }
    var index = 19
    var fraction: Int64 = 0
    if text[index] == UInt8(ascii: ".") {
      index += 1
      let start = index
      while index < text.count, text[index] &- 48 < 10 {
        if index - start < 6 { fraction = fraction * 10 + Int64(text[index] - 48) }
        index += 1
      }
      guard index > start else { return nil }
      for _ in min(6, index - start)..<6 { fraction *= 10 }
    }
    guard let offset = offsetMinutes(text, index) else { return nil }
    let seconds =
      CivilDate.days(year: year, month: month, day: day) * 86_400 + hour * 3600
      + (minute - offset) * 60 + second
    let result = seconds * 1_000_000 + fraction
    return range.contains(result) ? result : nil
  }

  /// `2024-04-28T16:45:00Z`, in capitals and with two digits each; nil for anything else.
  @inline(__always)
  private static func wholeSeconds(_ text: Span<UInt8>) -> Int64? {
    guard text.count == 20 else { return nil }
    // `2024-04-`, `28T16:45`, `:00Z`, with the digits as numbers.
    let date = text.word(at: 0) ^ 0x2d30_302d_3030_3030
    let time = text.word(at: 8) ^ 0x3030_3a30_3054_3030
    let rest = (text.number(at: 16) as UInt32) ^ 0x5a30_303a
    // Nothing where no digit may be, and digits below ten: adding six to one reaches no other half of a byte.
    let sixes: UInt64 = 0x0006_0600_0606_0606
    let others: UInt64 = 0xfff0_f0ff_f0f0_f0f0
    let timeSixes: UInt64 = 0x0606_0006_0600_0606
    let timeOthers: UInt64 = 0xf0f0_fff0_f0ff_f0f0
    let restSixes: UInt32 = 0x0006_0600
    let restOthers: UInt32 = 0xfff0_f0ff
    let inDate: UInt64 = (date | (date &+ sixes)) & others
    let inTime: UInt64 = (time | (time &+ timeSixes)) & timeOthers
    let inRest: UInt32 = (rest | (rest &+ restSixes)) & restOthers
    guard inDate == 0, inTime == 0, inRest == 0 else { return nil }
    func pair(_ word: UInt64, _ place: UInt64) -> Int64 {
      let tens = (word >> (8 * place)) & 0xf
      let ones = (word >> (8 * place + 8)) & 0xf
      return Int64(tens * 10 + ones)
    }
    let year = pair(date, 0) &* 100 &+ pair(date, 2)
    let (month, day) = (pair(date, 5), pair(time, 0))
    let (hour, minute, second) = (pair(time, 3), pair(time, 6), pair(UInt64(rest), 1))
    guard month &- 1 < 12, month > 0, day > 0, day <= days(year, month), hour < 24, minute < 60,
      second < 60
    else { return nil }
    let days = CivilDate.days(year: year, month: month, day: day)
    let result = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000
    return range.contains(result) ? result : nil
  }

  /// True where only second 60 is wrong.
  static func isLeapSecond(_ text: Span<UInt8>) -> Bool {
    guard text.count >= 20, text[17] == UInt8(ascii: "6"), text[18] == UInt8(ascii: "0") else {
      return false
    }
    var copy: [UInt8] = []
    for index in text.indices { copy.append(text[index]) }
    copy[17] = UInt8(ascii: "5")
    copy[18] = UInt8(ascii: "9")
    return microseconds(copy.span) != nil
  }

  private static func offsetMinutes(_ text: Span<UInt8>, _ index: Int) -> Int64? {
    guard index < text.count else { return nil }
    if text[index] | 0x20 == UInt8(ascii: "z") { return index + 1 == text.count ? 0 : nil }
    guard text[index] == UInt8(ascii: "+") || text[index] == UInt8(ascii: "-"),
      index + 6 == text.count, let hours = number(text, index + 1, 2),
      text[index + 3] == UInt8(ascii: ":"), let minutes = number(text, index + 4, 2),
      hours < 24, minutes < 60
    else { return nil }
    let offset = hours * 60 + minutes
    return text[index] == UInt8(ascii: "-") ? -offset : offset
  }

  static func number(_ text: Span<UInt8>, _ start: Int, _ length: Int) -> Int64? {
    guard start + length <= text.count else { return nil }
    var value: Int64 = 0
    for index in start..<start + length {
      let digit = text[index] &- 48
      guard digit < 10 else { return nil }
      value = value * 10 + Int64(digit)
    }
    return value
  }

  static func days(_ year: Int64, _ month: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// UTC with six decimals: `2024-04-28T16:45:00.000000Z`.
  package static func text(_ microseconds: Int64) -> String {
    var bytes: [UInt8] = []
    append(microseconds, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  package static func append(_ microseconds: Int64, to bytes: inout [UInt8]) {
    var day = microseconds / 86_400_000_000
    var rest = microseconds % 86_400_000_000
    if rest < 0 {
      rest += 86_400_000_000
      day -= 1
    }
    let date = CivilDate.civil(days: day)
    if (0...9999).contains(date.year) {
      let text = text(date, rest)
      return bytes.append(text.span)
    }
    appendDigits(date.year, 4, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    appendDigits(date.month, 2, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    appendDigits(date.day, 2, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    appendDigits(rest / 3_600_000_000, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    appendDigits(rest / 60_000_000 % 60, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    appendDigits(rest / 1_000_000 % 60, 2, to: &bytes)
    bytes.append(UInt8(ascii: "."))
    appendDigits(rest % 1_000_000, 6, to: &bytes)
    bytes.append(UInt8(ascii: "Z"))
  }

  /// Of a year of four digits, in one piece.
  private static func text(
    _ date: (year: Int64, month: Int64, day: Int64), _ microseconds: Int64
  ) -> InlineArray<27, UInt8> {
    var text = InlineArray<27, UInt8>(repeating: UInt8(ascii: "-"))
    func put(_ value: UInt32, _ index: Int) {
      text[index] = UInt8(truncatingIfNeeded: 48 + value / 10)
      text[index + 1] = UInt8(truncatingIfNeeded: 48 + value % 10)
    }
    let year = UInt32(truncatingIfNeeded: date.year)
    put(year / 100, 0)
    put(year % 100, 2)
    put(UInt32(truncatingIfNeeded: date.month), 5)
    put(UInt32(truncatingIfNeeded: date.day), 8)
    text[10] = UInt8(ascii: "T")
    let seconds = UInt32(truncatingIfNeeded: microseconds / 1_000_000)
    put(seconds / 3600, 11)
    text[13] = UInt8(ascii: ":")
    put(seconds / 60 % 60, 14)
    text[16] = UInt8(ascii: ":")
    put(seconds % 60, 17)
    text[19] = UInt8(ascii: ".")
    let fraction = UInt32(truncatingIfNeeded: microseconds % 1_000_000)
    put(fraction / 10_000, 20)
    put(fraction / 100 % 100, 22)
    put(fraction % 100, 24)
    text[26] = UInt8(ascii: "Z")
    return text
  }

  private static func appendDigits(_ value: Int64, _ width: Int, to bytes: inout [UInt8]) {
    var divisor: Int64 = 1
    for _ in 1..<width { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(48 + value / divisor % 10))
      divisor /= 10
    }
  }
}

/// The proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
package enum CivilDate {
  /// Days since 1970-01-01.
  package static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  package static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}
