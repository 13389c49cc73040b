import CEL
import EventStore
import Projections

/// Values as they are read aloud: amounts with their currency, lengths in days and hours, instants without empty decimals.
///
/// For people only; exact forms are ``FactText``'s.
struct SpokenText {
  let currency: Environment.Currency

  init(_ rules: Rules) { currency = rules.currency }

  func text(_ value: Value) -> String {
    switch value {
    case .money(let minor): money(minor)
    case .duration(let length): Self.length(nanoseconds: length.nanoseconds)
    case .timestamp(let instant): Self.instant(instant.microseconds)
    default: FactText(currencyDigits: currency.digits).text(value)
    }
  }

  /// `unset` and `error` for what has no value.
  func text(_ known: Explanation.Known) -> String {
    switch known {
    case .value(let value): text(value)
    case .unset: "unset"
    case .error: "error"
    }
  }

  /// `5, was 4`; what only grew with time is not spelled twice.
  func change(_ now: Explanation.Known, from before: Explanation.Known) -> String {
    let shown = text(now)
    if let step = step(now, before), step == 1 { return "\(shown), was a microsecond less" }
    let earlier = text(before)
    return shown == earlier ? shown : "\(shown), was \(earlier)"
  }

  /// How many microseconds a length or an instant grew by.
  private func step(_ now: Explanation.Known, _ before: Explanation.Known) -> Int64? {
    switch (now, before) {
    case (.value(.duration(let now)), .value(.duration(let before))):
      let (step, overflow) = now.nanoseconds.subtractingReportingOverflow(before.nanoseconds)
      return overflow || step % 1000 != 0 ? nil : step / 1000
    case (.value(.timestamp(let now)), .value(.timestamp(let before))):
      return now.microseconds - before.microseconds
    default: return nil
    }
  }

  func money(_ minor: Int64) -> String {
    "\(Numbers.money(minor, digits: currency.digits)) \(currency.code)"
  }

  /// What an event says in a field: `160.00 EUR`, `4 stars`, `score 9`, `channel app`.
  func text(_ part: EventContents.Part) -> String {
    switch part.value {
    case .money:
      return text(part.value) + (part.foreign.map { " (\($0))" } ?? "")
    case .int, .double:
      let name = part.name
      // A name in the plural counts something.
      if name.hasSuffix("s") && !["ss", "us", "is"].contains(where: { name.hasSuffix($0) }) {
        let isOne = if case .int(1) = part.value { true } else { false }
        return "\(text(part.value)) \(isOne ? String(name.dropLast()) : name)"
      }
      return "\(name) \(text(part.value))"
    default: return "\(part.name) \(text(part.value))"
    }
  }

  /// RFC 3339 in UTC with as many decimals as the instant needs.
  static func instant(_ microseconds: Int64) -> String {
    var text = RFC3339.text(microseconds)
    guard text.hasSuffix("Z"), text.contains(".") else { return text }
    text.removeLast()
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text + "Z"
  }

  /// `90 days`, `694 days 15 h`, `-(2 h 30 min)`: exact, in the units that are not zero.
  static func length(nanoseconds: Int64) -> String {
    if nanoseconds == 0 { return "0 s" }
    let units: [(length: UInt64, name: String)] = [
      (86_400_000_000_000, "days"), (3_600_000_000_000, "h"), (60_000_000_000, "min"),
    ]
    var rest = nanoseconds.magnitude
    var parts: [String] = []
    for unit in units where rest >= unit.length {
      let count = rest / unit.length
      rest %= unit.length
      parts.append(count == 1 && unit.name == "days" ? "1 day" : "\(count) \(unit.name)")
    }
    if rest > 0 {
      // What is left is below a minute.
      parts.append("\(Numbers.duration(nanoseconds: Int64(rest)).dropLast()) s")
    }
    let text = parts.joined(separator: " ")
    if nanoseconds > 0 { return text }
    return parts.count == 1 ? "-\(text)" : "-(\(text))"
  }

  static func length(microseconds: Int64) -> String {
    let (nanoseconds, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
    return overflow
      ? "\(microseconds / 86_400_000_000) days" : length(nanoseconds: nanoseconds)
  }
}
