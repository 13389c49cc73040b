/// The proleptic Gregorian calendar in UTC, on microseconds.
enum Calendar {
  /// Days since 1970-01-01 of a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
  static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = ScalarValue.floorDivide(shifted, 400).0
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The civil date of a day since 1970-01-01 (same source, civil_from_days).
  static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let (era, dayOfEra) = ScalarValue.floorDivide(shifted, 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  /// What an accessor says of an instant, and the span [from, to) of instants of which it says the same.
  static func read(
    _ accessor: Node.Accessor, at instant: Int64
  ) -> (value: Int64, from: Int64, to: Int64) {
    let (day, inDay) = ScalarValue.floorDivide(instant, Microseconds.day)
    let dayStart = day * Microseconds.day
    switch accessor {
    case .hours:
      return within(dayStart, inDay, Microseconds.hour, modulo: 24)
    case .minutes:
      return within(dayStart, inDay, Microseconds.minute, modulo: 60)
    case .seconds:
      return within(dayStart, inDay, Microseconds.second, modulo: 60)
    case .milliseconds:
      return within(dayStart, inDay, 1000, modulo: 1000)
    case .dayOfWeek:
      // 1970-01-01 was a Thursday; Sunday is 0.
      let weekday = ScalarValue.floorDivide(day + 4, 7).1
      return (weekday, dayStart, dayStart + Microseconds.day)
    case .date, .dayOfMonth:
      let date = civil(days: day)
      let value = accessor == .date ? date.day : date.day - 1
      return (value, dayStart, dayStart + Microseconds.day)
    case .dayOfYear:
      let date = civil(days: day)
      let value = day - days(year: date.year, month: 1, day: 1)
      return (value, dayStart, dayStart + Microseconds.day)
    case .month:
      let date = civil(days: day)
      let first = days(year: date.year, month: date.month, day: 1)
      let next =
        date.month == 12
        ? days(year: date.year + 1, month: 1, day: 1)
        : days(year: date.year, month: date.month + 1, day: 1)
      return (date.month - 1, first * Microseconds.day, next * Microseconds.day)
    case .fullYear:
      let date = civil(days: day)
      let first = days(year: date.year, month: 1, day: 1)
      let next = days(year: date.year + 1, month: 1, day: 1)
      return (date.year, first * Microseconds.day, next * Microseconds.day)
    }
  }

  private static func within(
    _ dayStart: Int64, _ inDay: Int64, _ unit: Int64, modulo: Int64
  ) -> (value: Int64, from: Int64, to: Int64) {
    let index = inDay / unit
    let from = dayStart + index * unit
    return (index % modulo, from, from + unit)
  }
}
