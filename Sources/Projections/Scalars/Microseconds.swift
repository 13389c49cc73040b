/// Limits of time in rules, in microseconds since 1970-01-01T00:00:00Z or as a length.
enum Microseconds {
  /// 0001-01-01T00:00:00Z, the first instant that CEL knows.
  static let firstInstant: Int64 = -62_135_596_800_000_000
  /// 9999-12-31T23:59:59.999999Z, the last.
  static let lastInstant: Int64 = 253_402_300_799_999_999
  /// The longest duration: CEL's is 2^63 - 1 nanoseconds.
  static let longestDuration: Int64 = 9_223_372_036_854_775
  static let second: Int64 = 1_000_000
  static let minute: Int64 = 60 * second
  static let hour: Int64 = 3600 * second
  static let day: Int64 = 86_400 * second
  /// How far ahead `next_at` is looked for.
  static let nextChangeHorizon: Int64 = 7305 * day
  /// How far ahead of as-of what a fold came to is said to hold, at most.
  static let validityReach: Int64 = 366 * day
  static let never = Int64.max

  /// The last instant at which a change after `asOf` is looked for.
  static func horizon(after asOf: Int64) -> Int64 {
    let (sum, overflow) = asOf.addingReportingOverflow(nextChangeHorizon)
    return min(overflow ? lastInstant : sum, lastInstant)
  }

  /// As ``horizon(after:)`` of every as-of for which what is folded now may be said to hold: what is not found up to
  /// there is found by none of them.
  static func reach(after asOf: Int64) -> Int64 {
    let (sum, overflow) = asOf.addingReportingOverflow(validityReach)
    return horizon(after: overflow ? lastInstant : sum)
  }
}
