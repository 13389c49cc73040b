import EventStore

/// The proleptic Gregorian calendar in UTC, on microseconds.
enum CalendarReading {
  /// What an accessor says of an instant, and the span [from, to) of instants of which it says the same.
  static func read(
    _ accessor: ProgramNode.Accessor, at instant: Int64
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
      let date = CivilDate.civil(days: day)
      let value = accessor == .date ? date.day : date.day - 1
      return (value, dayStart, dayStart + Microseconds.day)
    case .dayOfYear:
      let date = CivilDate.civil(days: day)
      let value = day - CivilDate.days(year: date.year, month: 1, day: 1)
      return (value, dayStart, dayStart + Microseconds.day)
    case .month:
      let date = CivilDate.civil(days: day)
      let first = CivilDate.days(year: date.year, month: date.month, day: 1)
      let next =
        date.month == 12
        ? CivilDate.days(year: date.year + 1, month: 1, day: 1)
        : CivilDate.days(year: date.year, month: date.month + 1, day: 1)
      return (date.month - 1, first * Microseconds.day, next * Microseconds.day)
    case .fullYear:
      let date = CivilDate.civil(days: day)
      let first = CivilDate.days(year: date.year, month: 1, day: 1)
      let next = CivilDate.days(year: date.year + 1, month: 1, day: 1)
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

extension ProgramNode.Accessor {
  /// CEL's name of the function.
  init?(function name: String) {
    switch name {
    case "getFullYear": self = .fullYear
    case "getMonth": self = .month
    case "getDate": self = .date
    case "getDayOfMonth": self = .dayOfMonth
    case "getDayOfWeek": self = .dayOfWeek
    case "getDayOfYear": self = .dayOfYear
    case "getHours": self = .hours
    case "getMinutes": self = .minutes
    case "getSeconds": self = .seconds
    case "getMilliseconds": self = .milliseconds
    default: return nil
    }
  }

  /// It changes at most once in this many microseconds.
  var unit: Int64 {
    switch self {
    case .fullYear: 365 * Microseconds.day
    case .month: 28 * Microseconds.day
    case .date, .dayOfMonth, .dayOfWeek, .dayOfYear: Microseconds.day
    case .hours: Microseconds.hour
    case .minutes: Microseconds.minute
    case .seconds: Microseconds.second
    case .milliseconds: 1000
    }
  }

  /// It starts anew at most once in this many microseconds, which bounds how often a comparison with it turns; nil
  /// where that is more than a minute allows.
  var round: Int64? {
    switch self {
    case .fullYear, .month, .dayOfYear: 365 * Microseconds.day
    case .date, .dayOfMonth: 28 * Microseconds.day
    case .dayOfWeek: 7 * Microseconds.day
    case .hours: Microseconds.day
    case .minutes: Microseconds.hour
    case .seconds, .milliseconds: nil
    }
  }

  /// Every value that it may have, at any instant that CEL knows, in any zone.
  var range: Interval {
    switch self {
    case .fullYear: Interval(0, 10_000)
    case .month: Interval(0, 11)
    case .date: Interval(1, 31)
    case .dayOfMonth: Interval(0, 30)
    case .dayOfWeek: Interval(0, 6)
    case .dayOfYear: Interval(0, 365)
    case .hours: Interval(0, 23)
    case .minutes, .seconds: Interval(0, 59)
    case .milliseconds: Interval(0, 999)
    }
  }
}
