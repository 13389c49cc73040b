/// A CEL value.
public indirect enum Value: Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case timestamp(Timestamp)
  case duration(Duration)
  /// An amount in minor units, may be negative.
  case money(Int64)
  case list([Value])
  /// The pairs of a map in the order in which they were written; keys are unique under CEL equality.
  case map([(key: Value, value: Value)])
  case type(Type)
}

/// An instant: seconds since 1970-01-01T00:00:00Z (POSIX, no leap seconds) and nanoseconds within that second.
///
/// CEL allows years 0001 to 9999. Rules use whole microseconds; `eval` uses nanoseconds.
public struct Timestamp: Sendable, Hashable {
  public var seconds: Int64
  /// 0 ..< 1,000,000,000.
  public var nanoseconds: Int32

  public init(seconds: Int64, nanoseconds: Int32) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }
}

/// A length of time in nanoseconds; CEL's range is that of a signed 64-bit integer (about 292 years).
public struct Duration: Sendable, Hashable {
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }
}
