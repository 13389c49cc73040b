/// How the times of a CSV file become instants.
public struct CSVTimes: Sendable {
  /// Which of two instants is meant where an hour comes twice or not at all.
  public enum Choice: String, Sendable, CaseIterable {
    /// The first of the two, before clocks are set back.
    case earlier
    /// The second, after it.
    case later
  }

  /// Nil: RFC 3339, `YYYY-MM-DD` and `YYYYMMDD`; with a zone also `YYYY-MM-DD HH:MM:SS` and its like.
  public var format: TimeFormat?
  /// Where times without a zone of their own are; nil is UTC.
  public var zone: TimeZoneData?
  /// Which instant is meant where there are two or none; nil: such a row is rejected.
  public var choice: Choice?

  /// - Parameters:
  ///   - format: nil for the known forms.
  ///   - zone: of times without a zone; nil is UTC.
  ///   - choice: of a time that the zone has twice; nil: such a row is rejected.
  public init(format: TimeFormat? = nil, zone: TimeZoneData? = nil, choice: Choice? = nil) {
    self.format = format
    self.zone = zone
    self.choice = choice
  }

  private static let date = TimeFormat("%Y-%m-%d")
  private static let shortDate = TimeFormat("%Y%m%d")
  private static let localTimes = formats(
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f")
  /// What a file may have, for messages.
  private static let proposals =
    localTimes
    + formats(
      "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S,%f", "%Y-%m-%d %H:%M:%S%z",
      "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S.%f%z",
      "%Y-%m-%d %H:%M:%S.%f %z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M%z",
      "%Y-%m-%d %H:%M:%S UTC",
      "%Y-%m-%d %H:%M:%S.%f UTC", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d",
      "%Y%m%d%H%M%S", "%Y%m%d %H%M%S", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%S%z", "%d.%m.%Y",
      "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y, %H:%M", "%d.%m.%Y, %H:%M:%S", "%d-%m-%Y",
      "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S",
      "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S")

  private static func formats(_ texts: String...) -> [TimeFormat] {
    texts.compactMap { TimeFormat($0) }
  }

  /// Microseconds since 1970.
  ///
  /// - Throws: `bad-time`, `leap-second`, `nonexistent-time`, `ambiguous-time`.
  func instant(_ text: Span<UInt8>) throws(Rejection) -> Int64 {
    // Longer than a date, and no form is given: RFC 3339 mostly.
    if format == nil && zone == nil && text.count >= 20, let instant = RFC3339.microseconds(text) {
      return instant
    }
    return try instant([UInt8](copying: text))
  }

  private func instant(_ text: [UInt8]) throws(Rejection) -> Int64 {
    guard let time = try civilTime(text) else {
      guard let instant = RFC3339.microseconds(text.span) else { throw refusal(text) }
      return instant
    }
    let seconds: Int64
    if let offset = time.offset {
      seconds = time.local - offset * 60
    } else if let zone {
      seconds = try placed(time.local, in: zone, text)
    } else {
      seconds = time.local
    }
    let instant = seconds * 1_000_000 + time.microseconds
    guard RFC3339.range.contains(instant) else {
      throw Rejection("bad-time", "\(shown(text)) is not in the years 0001 to 9999")
    }
    return instant
  }

  /// Nil where RFC 3339 has to read it.
  private func civilTime(_ text: [UInt8]) throws(Rejection) -> TimeFormat.CivilTime? {
    if let format {
      if let time = format.time(text) { return time }
      throw refusal(text)
    }
    switch text.prefix(while: { $0 != UInt8(ascii: ".") }).count {
    // Each form at its full length, so that every part of it has two digits.
    case 8 where text.count == 8: return Self.shortDate.flatMap { $0.time(text) }
    case 10 where text.count == 10: return Self.date.flatMap { $0.time(text) }
    case 19 where zone != nil: return Self.localTimes.lazy.compactMap { $0.time(text) }.first
    default: return nil
    }
  }

  private func placed(
    _ local: Int64, in zone: TimeZoneData, _ text: [UInt8]
  ) throws(Rejection) -> Int64 {
    switch (zone.instants(local: local), choice) {
    case (.one(let instant), _): return instant
    case (.two(let earlier, _), .earlier), (.gap(let earlier, _), .earlier): return earlier
    case (.two(_, let later), .later), (.gap(_, let later), .later): return later
    case (.two, nil):
      throw Rejection(
        "ambiguous-time",
        "\(shown(text)) comes twice in \(zone.name), where clocks were put back: --ambiguous earlier or later says which one is meant"
      )
    case (.gap, nil):
      throw Rejection(
        "nonexistent-time",
        "\(shown(text)) does not exist in \(zone.name), where clocks were put forward: --ambiguous earlier or later takes it for a time before or behind the gap"
      )
    }
  }

  private func refusal(_ text: [UInt8]) -> Rejection {
    if format == nil && RFC3339.isLeapSecond(text.span) {
      return Rejection(
        "leap-second", "the time has second 60, which POSIX time lacks: \(shown(text))")
    }
    var message = "\(shown(text)) is not a time"
    message += format.map { " of the form '\($0.text)'" } ?? " of a known form"
    let fitting = Self.proposals.filter { $0.time(text) != nil }
    if !fitting.isEmpty {
      let forms = fitting.map { "'\($0.text)'" }.joined(separator: " or ")
      message += ": --time-format \(forms) would fit"
      if zone == nil && !fitting.contains(where: { $0.text.hasSuffix("%z") }) {
        message += ", and --timezone says where that was (UTC without it)"
      }
    } else if format == nil {
      message += ": --time-format says which form it has"
    }
    return Rejection("bad-time", message)
  }

  private func shown(_ text: [UInt8]) -> String {
    "`\(String(decoding: text.prefix(40), as: UTF8.self))`"
  }
}
