import EventStore

/// Instants on the command line.
enum Times {
  /// RFC 3339, a date, or `now`. A date is the whole day: its last microsecond in UTC.
  static func instant(_ text: String, option: String) throws -> Int64 {
    try instant(text, option: option, timeOfDate: "T23:59:59.999999Z")
  }

  /// As ``instant(_:option:)``, where something begins: a date is its first instant.
  static func start(_ text: String, option: String) throws -> Int64 {
    try instant(text, option: option, timeOfDate: "T00:00:00Z")
  }

  /// A date such as 2024-04-28, in days since 1970-01-01.
  static func day(_ text: String, option: String) throws -> Int64 {
    if text.utf8.count == 10, let first = RFC3339.microseconds(Array("\(text)T00:00:00Z".utf8).span)
    {
      return (first - (first < 0 ? 86_399_999_999 : 0)) / 86_400_000_000
    }
    throw CommandError(
      exit: .usage, code: "usage",
      message: "\(option) takes a date such as 2024-04-28; not `\(text)`",
      help: "days of a table are those of the time zone of the rules")
  }

  private static func instant(
    _ text: String, option: String, timeOfDate: String
  ) throws -> Int64 {
    if text == "now" { return Clock.nowMicroseconds() }
    let full = text.utf8.count == 10 ? text + timeOfDate : text
    if let instant = RFC3339.microseconds(Array(full.utf8).span) { return instant }
    throw CommandError(
      exit: .usage, code: "usage",
      message:
        "\(option) takes an instant such as 2024-04-28T16:45:00Z, a date, or now; not `\(text)`")
  }

  /// `90s`, `30m`, `24h`, `7d` in microseconds.
  static func length(_ text: String, option: String) throws -> Int64 {
    let units: [Character: Int64] = [
      "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000,
      "w": 604_800_000_000,
    ]
    if let last = text.last, let unit = units[last], let count = Int64(text.dropLast()), count >= 0
    {
      let (length, overflow) = count.multipliedReportingOverflow(by: unit)
      if !overflow { return length }
    }
    throw CommandError(
      exit: .usage, code: "usage",
      message: "\(option) takes a length such as 30s, 15m, 24h or 7d; not `\(text)`")
  }
}
