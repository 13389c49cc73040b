/// The Gregorian calendar in UTC, and RFC 3339 text.
enum Calendar {
  /// 0001-01-01T00:00:00Z and the last second of the year 9999.
  static let secondsRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
  static let secondsPerDay: Int64 = 86_400

  struct Date {
    var year: Int64
    /// 1 ... 12.
    var month: Int64
    /// 1 ... 31.
    var day: Int64
  }

  /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
  static func days(_ date: Date) -> Int64 {
    // Years start in March, so that the leap day is the last of its year.
    let year = date.month <= 2 ? date.year - 1 : date.year
    let era = floorDivide(year, 400)
    let yearOfEra = year - era * 400
    let monthFromMarch = (date.month + 9) % 12
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + date.day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  static func date(days: Int64) -> Date {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return Date(year: year, month: month, day: day)
  }

  static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : (value + 1) / divisor - 1
  }

  static func daysInMonth(_ month: Int64, of year: Int64) -> Int64 {
    let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
    switch month {
    case 2: return isLeap ? 29 : 28
    case 4, 6, 9, 11: return 30
    default: return 31
    }
  }

  // MARK: Text

  /// An RFC 3339 date and time with a zone, in the years 0001 to 9999; digits beyond nanoseconds are cut.
  static func parse(_ text: String) -> Timestamp? {
    var reader = Reader(bytes: Array(text.utf8))
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2),
      reader.skip("-"), let day = reader.number(2), reader.skip("Tt"),
      let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2),
      reader.skip(":"), let second = reader.number(2)
    else { return nil }
    var nanoseconds: Int64 = 0
    if reader.skip(".") {
      guard let fraction = reader.fraction() else { return nil }
      nanoseconds = fraction
    }
    guard let zone = reader.zone(), reader.isAtEnd, year >= 1, (1...12).contains(month), day >= 1,
      day <= daysInMonth(month, of: year), hour < 24, minute < 60, second < 60
    else { return nil }
    let seconds =
      days(Date(year: year, month: month, day: day)) * secondsPerDay + hour * 3600 + minute * 60
      + second - zone
    if !secondsRange.contains(seconds) { return nil }
    return Timestamp(seconds: seconds, nanoseconds: Int32(nanoseconds))
  }

  /// Seconds east of UTC: `+hh:mm`, `-hh:mm`, `hh:mm`, `UTC` or nothing; nil for other zones.
  static func offset(_ zone: String) -> Int64? {
    if zone == "UTC" || zone.isEmpty || zone == "Z" { return 0 }
    var reader = Reader(bytes: Array(zone.utf8))
    guard let offset = reader.signedZone(isSignOptional: true), reader.isAtEnd else { return nil }
    return offset
  }

  private struct Reader {
    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func number(_ count: Int) -> Int64? {
      if bytes.count - offset < count { return nil }
      var value: Int64 = 0
      for byte in bytes[offset..<(offset + count)] {
        if !Lexer.isDigit(byte) { return nil }
        value = value * 10 + Int64(byte - UInt8(ascii: "0"))
      }
      offset += count
      return value
    }

    /// Skips one byte if it is among these.
    mutating func skip(_ allowed: String) -> Bool {
      if offset < bytes.count && allowed.utf8.contains(bytes[offset]) {
        offset += 1
        return true
      }
      return false
    }

    mutating func fraction() -> Int64? {
      var value: Int64 = 0
      var count = 0
      while offset < bytes.count, Lexer.isDigit(bytes[offset]) {
        if count < 9 { value = value * 10 + Int64(bytes[offset] - UInt8(ascii: "0")) }
        count += 1
        offset += 1
      }
      if count == 0 { return nil }
      while count < 9 {
        value *= 10
        count += 1
      }
      return value
    }

    mutating func zone() -> Int64? {
      if skip("Zz") { return 0 }
      return signedZone(isSignOptional: false)
    }

    mutating func signedZone(isSignOptional: Bool) -> Int64? {
      let isWest = offset < bytes.count && bytes[offset] == UInt8(ascii: "-")
      if !skip("+-") && !isSignOptional { return nil }
      guard let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60
      else { return nil }
      return (isWest ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
  }

  /// RFC 3339 in UTC with as many decimals as the instant has.
  static func format(_ timestamp: Timestamp) -> String {
    let day = floorDivide(timestamp.seconds, secondsPerDay)
    let second = timestamp.seconds - day * secondsPerDay
    let date = date(days: day)
    let fraction = fraction(UInt64(max(0, timestamp.nanoseconds)))
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T"
      + "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
      + "\(fraction)Z"
  }

  /// The decimals of a second with their point, without zeros at the end; empty for a whole second.
  static func fraction(_ nanoseconds: UInt64) -> String {
    if nanoseconds == 0 { return "" }
    var digits = String(nanoseconds)
    digits = String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "." + digits
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}
