import EventStore

/// RFC 3339 text of an instant, in UTC with six decimals.
enum Instant {
  static func text(_ microseconds: Int64) -> String { RFC3339.text(microseconds) }
}
