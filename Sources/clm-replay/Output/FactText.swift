import CEL
import EventStore

/// Values of facts as text and as JSON (contract §2): money as a decimal, doubles with nine digits, times in RFC 3339.
struct FactText {
  let currencyDigits: Int

  /// Empty for unset.
  func text(_ value: Value?) -> String {
    guard let value else { return "" }
    switch value {
    case .bool(let flag): return flag ? "true" : "false"
    case .int(let number): return String(number)
    case .uint(let number): return String(number)
    case .double(let number): return Numbers.double(number)
    case .string(let text): return text
    case .money(let minor): return Numbers.money(minor, digits: currencyDigits)
    case .timestamp(let instant): return Self.instant(instant)
    case .duration(let length): return Numbers.duration(nanoseconds: length.nanoseconds)
    case .null, .bytes, .list, .map, .type: return ""
    }
  }

  func json(_ value: Value?) -> JSONValue {
    guard let value else { return .null }
    switch value {
    case .bool(let flag): return .bool(flag)
    case .int(let number): return .int(number)
    case .uint(let number): return .number(String(number))
    case .double(let number):
      return number.isFinite ? .number(Numbers.double(number)) : .string(Numbers.double(number))
    default: return .string(text(value))
    }
  }

  /// What a fact says that could not use events of a customer.
  static func leftOut(_ events: Int) -> String {
    events == 1 ? "1 event left out" : "\(events) events left out"
  }

  func money(_ minor: Int64) -> String { Numbers.money(minor, digits: currencyDigits) }

  static func instant(_ instant: Timestamp) -> String {
    RFC3339.text(instant.microseconds)
  }
}

extension Timestamp {
  /// Since 1970-01-01T00:00:00Z.
  var microseconds: Int64 { seconds * 1_000_000 + Int64(nanoseconds) / 1000 }
}
