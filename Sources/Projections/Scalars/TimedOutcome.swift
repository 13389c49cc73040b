/// What a node of a lowered expression is at an instant, and until when time alone cannot change that.
///
/// `until` is exclusive and always later than the instant of evaluation. For a node that stands still the value
/// itself is the same on [t, until); for one that moves, its *shape* is: linear with `slope`, or
/// monotone in the direction of `slope`'s sign.
struct TimedOutcome {
  enum Status: UInt8 {
    case ok
    /// An error value whose reason is a fact without a value.
    case unset
    /// Any other error value.
    case error
  }

  enum Motion: UInt8 {
    case still
    /// value(u) = bits + slope × (u − t): timestamps and durations, in microseconds.
    case linear
    /// Never falls (slope 1) or never rises (slope −1): whole hours of an age, seconds of an instant.
    case monotone
  }

  /// bool 0 or 1, int, money; timestamp and duration in microseconds; double as bit pattern; string
  /// as number of the interner; uint as bit pattern. Meaningless unless `status` is ok.
  var bits: Int64
  var until: Int64
  var slope: Int64
  var status: Status
  var motion: Motion
  /// Time alone can only lower the value (a count over a window).
  var onlyFalls: Bool
  /// Time alone may raise and lower the value again and again (spans of `active`).
  var turns = false

  @inline(__always)
  init(_ bits: Int64, until: Int64 = Microseconds.never) {
    self.bits = bits
    self.until = until
    slope = 0
    status = .ok
    motion = .still
    onlyFalls = false
  }

  @inline(__always)
  init(failed status: Status, until: Int64) {
    bits = 0
    self.until = until
    slope = 0
    self.status = status
    motion = .still
    onlyFalls = false
  }

  /// A field of an event without a value; `bits` says why.
  @inline(__always)
  init(failed reason: FaultReason) {
    self.init(failed: .error, until: Microseconds.never)
    bits = Int64(reason.rawValue)
  }

  /// Why a field has no value; meaningless of any other outcome.
  var reason: FaultReason { FaultReason(rawValue: UInt8(truncatingIfNeeded: bits)) ?? .error }

  @inline(__always) var isTrue: Bool { status == .ok && bits != 0 }
  @inline(__always) var double: Double { Double(bitPattern: UInt64(bitPattern: bits)) }

  @inline(__always)
  static func double(_ value: Double) -> Int64 { Int64(bitPattern: value.bitPattern) }

  /// True where both are the same outcome, as far as one can see it from outside.
  @inline(__always)
  func isSame(as other: TimedOutcome) -> Bool {
    status == other.status && (status != .ok || bits == other.bits)
  }
}
