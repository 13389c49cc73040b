/// Parts of timestamps and durations.
extension Functions {
  /// Nil if no accessor of that name takes the value.
  static func accessor(_ name: String, _ value: Value, zone: String?) -> Outcome? {
    switch value {
    case .timestamp(let timestamp):
      guard let part = TimestampPart(rawValue: name) else { return nil }
      guard let offset = Calendar.offset(zone ?? "UTC") else {
        return fail(.argument, unknownZone(zone ?? ""))
      }
      return .success(.int(part.value(timestamp, offset)))
    case .duration(let duration) where zone == nil:
      return durationPart(name, duration.nanoseconds).map { .success(.int($0)) }
    default:
      return nil
    }
  }

  static func unknownZone(_ zone: String) -> String {
    "unknown time zone '\(zone)'; use UTC or an offset such as '+02:00'"
  }

  /// Hours, minutes and seconds are totals, milliseconds the rest within a second; all are cut toward zero.
  private static func durationPart(_ name: String, _ nanoseconds: Int64) -> Int64? {
    switch name {
    case "getHours": nanoseconds / 3_600_000_000_000
    case "getMinutes": nanoseconds / 60_000_000_000
    case "getSeconds": nanoseconds / 1_000_000_000
    case "getMilliseconds": nanoseconds / 1_000_000 % 1000
    default: nil
    }
  }

  private enum TimestampPart: String {
    case getFullYear, getMonth, getDate, getDayOfMonth, getDayOfWeek, getDayOfYear
    case getHours, getMinutes, getSeconds, getMilliseconds

    func value(_ timestamp: Timestamp, _ offset: Int64) -> Int64 {
      let seconds = timestamp.seconds + offset
      let day = Calendar.floorDivide(seconds, Calendar.secondsPerDay)
      let second = seconds - day * Calendar.secondsPerDay
      switch self {
      case .getHours: return second / 3600
      case .getMinutes: return second / 60 % 60
      case .getSeconds: return second % 60
      case .getMilliseconds: return Int64(timestamp.nanoseconds) / 1_000_000
      // 1970-01-01 was a Thursday, and weeks start with Sunday, the day 0.
      case .getDayOfWeek: return (day % 7 + 11) % 7
      case .getFullYear, .getMonth, .getDate, .getDayOfMonth, .getDayOfYear: break
      }
      let date = Calendar.date(days: day)
      switch self {
      case .getFullYear: return date.year
      case .getMonth: return date.month - 1
      case .getDate: return date.day
      case .getDayOfMonth: return date.day - 1
      default:
        return day - Calendar.days(Calendar.Date(year: date.year, month: 1, day: 1))
      }
    }
  }
}
