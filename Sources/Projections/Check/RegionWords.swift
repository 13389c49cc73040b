import EventStore
import CEL

/// Says where a region lies, as people who write rules would.
struct RegionWords {
  let rules: Rules

  init(_ rules: Rules) { self.rules = rules }

  /// "when since(p) is 90 days".
  func text(_ region: Region) -> String {
    guard let term = region.term, let interval = region.intervals.first else {
      return "as soon as the first does"
    }
    let name = name(of: term)
    let low = interval.lowerBound
    let high = interval.upperBound
    switch term.kind {
    case .bool: return "when \(name) is \(low == 0 ? "false" : "true")"
    case .text: return "for one value of \(name)"
    case .double, .int, .money, .instant, .duration: break
    }
    let isOpenBelow = low == .min || low <= term.domain.lowerBound
    let isOpenAbove = high == .max || high >= term.domain.upperBound
    if low == high { return "when \(name) is \(value(low, term.kind))" }
    switch (isOpenBelow, isOpenAbove) {
    case (true, true): return "for every \(name)"
    case (false, true): return "when \(name) is \(value(low, term.kind)) or more"
    case (true, false): return "when \(name) is \(value(high, term.kind)) or less"
    case (false, false):
      return "when \(name) is from \(value(low, term.kind)) to \(value(high, term.kind))"
    }
  }

  private func name(of term: Region.Term) -> String {
    let factors = term.factors
    if factors.count == 2, let now = factors.first(where: { $0.name == "now" }), now.factor == 1,
      let other = factors.first(where: { $0.name != "now" }), other.factor == -1
    {
      return other.name == "stage.entered_at" ? "in_stage()" : "since(\(other.name))"
    }
    var text = ""
    for factor in factors {
      let size = factor.factor.magnitude == 1 ? "" : "\(factor.factor.magnitude) * "
      let sign = factor.factor < 0 ? "- " : text.isEmpty ? "" : "+ "
      text += (text.isEmpty ? "" : " ") + sign + size + factor.name
    }
    return text
  }

  private func value(_ bits: Int64, _ kind: Region.Term.Kind) -> String {
    switch kind {
    case .money:
      return
        "\(String(decoding: Decimal.spelled(bits, scale: rules.currency.digits), as: UTF8.self)) \(rules.currency.code)"
    case .instant: return Instant.text(bits)
    case .double: return "\(RegionFinder.double(ofOrder: bits))"
    case .duration: return Self.length(bits)
    case .int, .text, .bool: return "\(bits)"
    }
  }

  /// Whole days or hours, else seconds.
  static func length(_ microseconds: Int64) -> String {
    for (unit, name) in [(Microseconds.day, "day"), (Microseconds.hour, "hour")]
    where microseconds % unit == 0 && microseconds != 0 {
      let count = microseconds / unit
      return count == 1 ? "1 \(name)" : "\(count) \(name)s"
    }
    let (seconds, rest) = ScalarValue.floorDivide(microseconds, Microseconds.second)
    if rest == 0 { return "\(seconds) seconds" }
    let digits = String(rest)
    return "\(seconds).\(String(repeating: "0", count: 6 - digits.count))\(digits) seconds"
  }
}
