/// A CEL value.
public indirect enum Value: Sendable {
  /// `null`.
  case null
  /// True or false.
  case bool(Bool)
  /// Overflow is an error, never a wrong number.
  case int(Int64)
  /// `1u`; overflow is an error.
  case uint(UInt64)
  /// May be infinite or no number, as IEEE 754 has it.
  case double(Double)
  /// Compared by Unicode scalars; `size` counts them.
  case string(String)
  /// `b'…'`; compared byte by byte.
  case bytes([UInt8])
  /// An instant.
  case timestamp(Timestamp)
  /// A length of time, may be negative.
  case duration(Duration)
  /// An amount in minor units, may be negative.
  case money(Int64)
  /// Elements may have different types.
  case list([Value])
  /// The pairs of a map in the order in which they were written; keys are unique under CEL equality.
  case map([(key: Value, value: Value)])
  /// What `type(x)` gives.
  case type(Type)
}

/// An instant: seconds since 1970-01-01T00:00:00Z (POSIX, no leap seconds) and nanoseconds within that second.
///
/// CEL allows years 0001 to 9999. Rules use whole microseconds; `eval` uses nanoseconds.
public struct Timestamp: Sendable, Hashable {
  /// May be negative: before 1970.
  public var seconds: Int64
  /// 0 ..< 1,000,000,000.
  public var nanoseconds: Int32

  /// - Parameters:
  ///   - seconds: since 1970-01-01T00:00:00Z; not checked against CEL's range.
  ///   - nanoseconds: 0 ..< 1,000,000,000.
  public init(seconds: Int64, nanoseconds: Int32) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }
}

/// A length of time in nanoseconds; CEL's range is that of a signed 64-bit integer (about 292 years).
public struct Duration: Sendable, Hashable {
  /// May be negative.
  public var nanoseconds: Int64

  /// A length of so many nanoseconds.
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }
}
