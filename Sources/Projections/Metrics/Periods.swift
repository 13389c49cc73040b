import EventStore

/// Calendar periods of a time zone that cover a stretch of time.
public struct Periods: Sendable {
  /// Length of a period.
  public enum Length: String, Sendable, CaseIterable {
    /// From midnight to midnight.
    case day
    /// ISO 8601: from Monday.
    case week
    /// Of the calendar.
    case month
    /// From the first of January, April, July, October.
    case quarter
    /// Of the calendar.
    case year
    /// One period from the first event to as-of.
    case all
  }

  /// `2024-01-31`, `2024-W05` (ISO 8601), `2024-01`, `2024-Q1`, `2024`, `all`.
  public private(set) var labels: [String] = []
  /// Where each begins, and where the last one ends.
  private(set) var starts: [Int64] = []

  var count: Int { labels.count }

  enum Failure: Error {
    case unknownZone(String)
    case tooMany
  }

  /// A wrong date may be thousands of years away.
  static let limit = 100_000

  /// The periods from the one of `first` to the one of `last`.
  init(_ length: Length, zone: String?, from first: Int64, to last: Int64) throws(Failure) {
    guard let local = LocalTime(zone) else { throw .unknownZone(zone ?? "") }
    if length == .all {
      labels = ["all"]
      starts = [Int64.min, Int64.max]
      return
    }
    var day = Self.first(dayOf: local.day(of: first), length)
    starts = [local.start(ofDay: day)]
    while true {
      if labels.count == Self.limit { throw .tooMany }
      let next = Self.next(after: day, length)
      let start = local.start(ofDay: next)
      // A day that the zone left out, as Apia did 2011-12-30, is no period.
      if start > starts[labels.count] {
        labels.append(Self.label(day, length))
        starts.append(start)
        if start > last { return }
      }
      day = next
    }
  }

  /// The period of an instant that they cover.
  func index(of instant: Int64) -> Int {
    var low = 0
    var high = count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= instant { low = middle } else { high = middle }
    }
    return low
  }

  private static func first(dayOf day: Int64, _ length: Length) -> Int64 {
    let date = CivilDate.civil(days: day)
    switch length {
    case .day, .all: return day
    // 1970-01-01 was a Thursday; weeks begin on Mondays.
    case .week: return day - ScalarValue.floorDivide(day + 3, 7).1
    case .month: return CivilDate.days(year: date.year, month: date.month, day: 1)
    case .quarter:
      return CivilDate.days(year: date.year, month: (date.month - 1) / 3 * 3 + 1, day: 1)
    case .year: return CivilDate.days(year: date.year, month: 1, day: 1)
    }
  }

  private static func next(after day: Int64, _ length: Length) -> Int64 {
    let longest: Int64 =
      switch length {
      case .day, .all: 1
      case .week: 7
      case .month: 31
      case .quarter: 92
      case .year: 366
      }
    return first(dayOf: day + longest, length)
  }

  private static func label(_ day: Int64, _ length: Length) -> String {
    let date = CivilDate.civil(days: day)
    let year = padded(date.year, 4)
    switch length {
    case .day: return dayLabel(day)
    case .week:
      // The ISO week belongs to the year of its Thursday.
      let thursday = CivilDate.civil(days: day + 3)
      let first = CivilDate.days(year: thursday.year, month: 1, day: 1)
      return "\(padded(thursday.year, 4))-W\(padded((day + 3 - first) / 7 + 1, 2))"
    case .month: return "\(year)-\(padded(date.month, 2))"
    case .quarter: return "\(year)-Q\((date.month - 1) / 3 + 1)"
    case .year: return year
    case .all: return "all"
    }
  }

  /// `2024-01-31`.
  static func dayLabel(_ day: Int64) -> String {
    let date = CivilDate.civil(days: day)
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
