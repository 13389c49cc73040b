/// Standard and summer time of the years to come, as the footer of a time zone file says it (POSIX TZ, RFC 8536 section 3.3.1).
///
/// ```
/// TimeZoneRule(Array("CET-1CEST,M3.5.0,M10.5.0/3".utf8))
/// ```
struct TimeZoneRule: Sendable {
  /// A day of the year and a time of that day, in seconds of the local time before the change; from -167 to 167 hours.
  private struct Change: Sendable {
    enum Day: Sendable {
      /// 1 to 365; 29 February is never counted.
      case julian(Int64)
      /// 0 to 365.
      case zeroBased(Int64)
      /// Week 5 is the last one; day 0 is Sunday.
      case weekday(month: Int64, week: Int64, day: Int64)
    }
    var day: Day
    var seconds: Int64 = 7200

    /// Seconds since 1970 of the local clock.
    func local(_ year: Int64) -> Int64 {
      let first = CivilDate.days(year: year, month: 1, day: 1)
      let days: Int64
      switch day {
      case .julian(let number):
        let isBehindLeapDay = RFC3339.days(year, 2) == 29 && number >= 60
        days = first + number - (isBehindLeapDay ? 0 : 1)
      case .zeroBased(let number): days = first + number
      case .weekday(let month, let week, let day):
        let start = CivilDate.days(year: year, month: month, day: 1)
        // 1970-01-01 was a Thursday.
        let weekday = ((start + 4) % 7 + 7) % 7
        var found = (day - weekday + 7) % 7 + (week - 1) * 7
        while found >= RFC3339.days(year, month) { found -= 7 }
        days = start + found
      }
      return days * 86_400 + seconds
    }
  }

  /// Seconds east of UTC.
  let standard: Int64
  private let summer: (offset: Int64, start: Change, end: Change)?

  /// Nil where the text has another form.
  init?(_ text: [UInt8]) {
    var reader = Reader(rest: text[...])
    guard reader.name(), let west = reader.time(mostHours: 24) else { return nil }
    standard = -west
    if reader.rest.isEmpty {
      summer = nil
      return
    }
    guard reader.name() else { return nil }
    var offset = standard + 3600
    if let next = reader.rest.first, next != UInt8(ascii: ",") {
      guard let west = reader.time(mostHours: 24) else { return nil }
      offset = -west
    }
    guard reader.take(","), let start = reader.change(), reader.take(","),
      let end = reader.change(), reader.rest.isEmpty
    else { return nil }
    summer = (offset, start, end)
  }

  /// The changes of a year in UTC, in their order, each with the offset from then on.
  func changes(_ year: Int64) -> [(at: Int64, offset: Int64)] {
    guard let summer else { return [] }
    let start = (at: summer.start.local(year) - standard, offset: summer.offset)
    let end = (at: summer.end.local(year) - summer.offset, offset: standard)
    return start.at < end.at ? [start, end] : [end, start]
  }

  /// Seconds east of UTC at an instant, in seconds since 1970.
  func offset(at instant: Int64) -> Int64 {
    guard summer != nil else { return standard }
    let year = TimeZoneData.year(of: instant)
    var offset = standard
    for change in changes(year - 1) + changes(year) + changes(year + 1) where change.at <= instant {
      offset = change.offset
    }
    return offset
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard rest.first == UInt8(ascii: character) else { return false }
      rest.removeFirst()
      return true
    }

    /// Three letters or more, or anything within `<` and `>`.
    mutating func name() -> Bool {
      if take("<") {
        guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
        rest = rest[(end + 1)...]
        return true
      }
      let letters = rest.prefix { ($0 | 0x20) &- 97 < 26 }
      rest = rest.dropFirst(letters.count)
      return letters.count >= 3
    }

    mutating func number(most: Int64) -> Int64? {
      let digits = rest.prefix { $0 &- 48 < 10 }
      guard (1...3).contains(digits.count) else { return nil }
      rest = rest.dropFirst(digits.count)
      let value = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 48) }
      return value <= most ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time(mostHours: Int64) -> Int64? {
      let sign: Int64 = take("-") ? -1 : 1
      if sign == 1 { _ = take("+") }
      guard let hours = number(most: mostHours) else { return nil }
      var seconds = hours * 3600
      for unit: Int64 in [60, 1] where take(":") {
        guard let value = number(most: 59) else { return nil }
        seconds += value * unit
      }
      return sign * seconds
    }

    mutating func change() -> Change? {
      guard let day = day() else { return nil }
      var change = Change(day: day)
      if take("/") {
        guard let seconds = time(mostHours: 167) else { return nil }
        change.seconds = seconds
      }
      return change
    }

    private mutating func day() -> Change.Day? {
      if take("J") {
        guard let number = number(most: 365), number >= 1 else { return nil }
        return .julian(number)
      }
      guard take("M") else { return number(most: 365).map { .zeroBased($0) } }
      guard let month = number(most: 12), month >= 1, take("."), let week = number(most: 5),
        week >= 1, take("."), let day = number(most: 6)
      else { return nil }
      return .weekday(month: month, week: week, day: day)
    }
  }
}
