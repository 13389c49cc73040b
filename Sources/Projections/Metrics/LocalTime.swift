import EventStore

/// Days and instants of a time zone.
struct LocalTime: Sendable {
  private let zone: TimeZoneData

  /// - Parameter name: of the IANA database; nil is UTC. Gives nil where it is not installed.
  init?(_ name: String?) {
    do throws(TimeZoneData.Fault) {
      zone = try TimeZoneData(named: name ?? "UTC")
    } catch {
      return nil
    }
  }

  /// The local day of an instant, in days since 1970-01-01.
  func day(of instant: Int64) -> Int64 {
    let seconds = ScalarValue.floorDivide(instant, Microseconds.second).0
    return ScalarValue.floorDivide(seconds + zone.offset(at: seconds), 86_400).0
  }

  /// The first instant of a local day, also where midnight comes twice or not at all.
  func start(ofDay day: Int64) -> Int64 {
    let midnight: Int64
    switch zone.instants(local: day * 86_400) {
    case .one(let instant), .two(let instant, _), .gap(_, let instant): midnight = instant
    }
    var instant = midnight * Microseconds.second
    let step = 15 * Microseconds.minute
    while self.day(of: instant) < day { instant += step }
    while self.day(of: instant - step) >= day { instant -= step }
    return instant
  }
}
