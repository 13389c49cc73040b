import EventStore

/// The proleptic Gregorian calendar in UTC, on microseconds.
enum Calendar {
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
