import CEL
import EventStore
import Projections

/// Figures as a report says them.
struct ReportWords {
  let currency: Environment.Currency

  init(_ rules: Rules) { currency = rules.currency }

  /// Of the currency.
  var code: String { currency.code }
  var digits: Int { currency.digits }

  /// `12,345.67 EUR`; without the decimals from ten thousand on.
  func money(_ minor: Int64) -> String { "\(amount(minor)) \(currency.code)" }

  /// The same without the currency.
  func amount(_ minor: Int64) -> String {
    let text = Numbers.money(Int64(clamping: minor.magnitude), digits: currency.digits)
    let parts = text.split(separator: ".")
    guard let whole = Int64(parts[0]) else { return text }
    let sign = minor < 0 ? "−" : ""
    if parts.count < 2 || whole >= 10_000 { return sign + Numbers.grouped(whole) }
    return "\(sign)\(Numbers.grouped(whole)).\(parts[1])"
  }

  /// Whole currency from minor units, to be drawn.
  func units(_ minor: Int64) -> Double {
    var scale = 1.0
    for _ in 0..<currency.digits { scale *= 10 }
    return Double(minor) / scale
  }

  /// `20k` for 20,000, as an axis has room for.
  static func axis(_ value: Double) -> String {
    for (size, name) in [(1e9, "bn"), (1e6, "M"), (1e3, "k")]
    where value.magnitude >= size * (name == "k" ? 10 : 1) {
      return Numbers.short(value / size) + name
    }
    return SVGText.grouped(value)
  }

  /// `12.3` for 0.123.
  static func percent(_ share: Double) -> String {
    let tenths = (share * 1000).rounded()
    guard tenths.magnitude < 9e15 else { return Numbers.short(share * 100) }
    let whole = Int64(tenths.magnitude)
    let text = "\(Numbers.grouped(whole / 10)).\(whole % 10)"
    return tenths < 0 ? "−\(text)" : text
  }

  /// Whole, with a minus that is as long as a plus.
  static func signed(_ value: Int64) -> String {
    if value == 0 { return "±0" }
    return "\(value < 0 ? "−" : "+")\(Numbers.grouped(Int64(clamping: value.magnitude)))"
  }

  /// A score such as NPS, without decimals.
  static func score(_ value: Double) -> String {
    let whole = Int64(value.rounded())
    return whole < 0 ? "−\(whole.magnitude)" : "\(whole)"
  }

  /// `+4.2 %` from one figure to the next; nil where there was nothing.
  static func change(from before: Double, to now: Double) -> String? {
    guard before != 0 else { return nil }
    let share = (now - before) / before.magnitude
    let text = percent(share)
    return text.hasPrefix("−") ? "\(text) %" : "+\(text) %"
  }

  /// `1 customer`, `1,200 customers`.
  static func customers(_ count: Int64) -> String { number(count, "customer") }

  static func number(_ count: Int64, _ noun: String) -> String {
    "\(Numbers.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  /// `3.8 days`, `43 days`; `at once` for less than an hour.
  static func days(_ days: Double) -> String {
    if days < 1.0 / 24 { return "at once" }
    let isShort = days.magnitude < 9.95
    let text = isShort ? percent(days / 100) : Numbers.grouped(Int64(days.rounded()))
    return "\(text) \(text == "1" ? "day" : "days")"
  }

  /// `2024-12-30 22:40 UTC`.
  static func minute(_ instant: Int64) -> String {
    let text = SpokenText.instant(instant)
    return "\(text.prefix(16).split(separator: "T").joined(separator: " ")) UTC"
  }

  /// A day of UTC.
  static func day(_ instant: Int64) -> String { String(RFC3339.text(instant).prefix(10)) }
}
