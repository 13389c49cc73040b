import CEL

/// The 64-bit form of values that a fold computes with, and back.
enum ScalarValue {
  static func microseconds(_ instant: Timestamp) -> Int64 {
    instant.seconds &* 1_000_000 &+ Int64(instant.nanoseconds) / 1000
  }

  static func microseconds(_ length: Duration) -> Int64 {
    length.nanoseconds / 1000
  }

  static func timestamp(_ microseconds: Int64) -> Timestamp {
    let (seconds, rest) = floorDivide(microseconds, 1_000_000)
    return Timestamp(seconds: seconds, nanoseconds: Int32(rest) * 1000)
  }

  /// The quotient toward minus infinity and the remainder, 0 ..< divisor.
  @inline(__always)
  static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
    var quotient = value / divisor
    var rest = value % divisor
    if rest < 0 {
      rest += divisor
      quotient -= 1
    }
    return (quotient, rest)
  }

  static func value(_ bits: Int64, _ type: Type, interner: Interner) -> Value {
    switch type {
    case .bool: .bool(bits != 0)
    case .int: .int(bits)
    case .uint: .uint(UInt64(bitPattern: bits))
    case .double: .double(Double(bitPattern: UInt64(bitPattern: bits)))
    case .string: .string(interner.string(bits))
    case .timestamp: .timestamp(timestamp(bits))
    case .duration: .duration(Duration(nanoseconds: bits &* 1000))
    case .money: .money(bits)
    default: .null
    }
  }

  /// `+02:00`, `-08:30`, `UTC`, `Z` or empty as seconds east of UTC; nil for names of zones.
  static func fixedOffsetSeconds(_ zone: String) -> Int32? {
    if zone == "UTC" || zone == "Z" || zone.isEmpty { return 0 }
    var bytes = Array(zone.utf8)
    var sign: Int32 = 1
    if bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") {
      if bytes[0] == UInt8(ascii: "-") { sign = -1 }
      bytes.removeFirst()
    }
    guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
    var digits: [Int32] = []
    for index in [0, 1, 3, 4] {
      guard bytes[index] >= 48, bytes[index] <= 57 else { return nil }
      digits.append(Int32(bytes[index]) - 48)
    }
    let hours = digits[0] * 10 + digits[1]
    let minutes = digits[2] * 10 + digits[3]
    guard hours < 24, minutes < 60 else { return nil }
    return sign * (hours * 3600 + minutes * 60)
  }
}
