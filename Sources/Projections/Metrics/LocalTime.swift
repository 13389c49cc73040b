import EventStore
import Glibc

/// Days and instants of a time zone, by the C library and its copy of the IANA database.
///
/// The zone is the process's own from then on: nothing else here asks for local time.
struct LocalTime {
  /// - Parameter zone: a name of the IANA database; nil is UTC. Gives nil where it is not installed.
  init?(_ zone: String?) {
    var name = "UTC0"
    if let zone, zone != "UTC" {
      // Safe because the text is copied before anything else can change the environment.
      let database = unsafe getenv("TZDIR").map { unsafe String(cString: $0) }
      // The C library takes a zone that it does not find for UTC, without a word.
      let file = "\(database ?? "/usr/share/zoneinfo")/\(zone)"
      guard Files.exists(file), !Files.isDirectory(file) else { return nil }
      name = ":\(zone)"
    }
    // Safe because no other thread runs yet that reads the environment.
    unsafe setenv("TZ", name, 1)
    tzset()
  }

  /// The local day of an instant, in days since 1970-01-01.
  func day(of instant: Int64) -> Int64 {
    var seconds = time_t(ScalarValue.floorDivide(instant, Microseconds.second).0)
    // Safe because both outlive the call; `tm` counts as unsafe for its pointer to the zone's name, which is not read.
    var parts = unsafe tm()
    unsafe localtime_r(&seconds, &parts)
    return unsafe CivilDate.days(
      year: Int64(parts.tm_year) + 1900, month: Int64(parts.tm_mon) + 1,
      day: Int64(parts.tm_mday))
  }

  /// The first instant of a local day, also where midnight comes twice or not at all.
  func start(ofDay day: Int64) -> Int64 {
    let date = CivilDate.civil(days: day)
    // Safe as above.
    var parts = unsafe tm()
    unsafe parts.tm_year = Int32(date.year - 1900)
    unsafe parts.tm_mon = Int32(date.month - 1)
    unsafe parts.tm_mday = Int32(date.day)
    unsafe parts.tm_isdst = -1
    var instant = Int64(unsafe mktime(&parts)) * Microseconds.second
    let step = 15 * Microseconds.minute
    while self.day(of: instant) < day { instant += step }
    while self.day(of: instant - step) >= day { instant -= step }
    return instant
  }
}
