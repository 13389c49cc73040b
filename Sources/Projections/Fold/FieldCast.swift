import CEL
import EventStore

/// Turns the value at a path of a payload into the type that the rules declare (contract §5, Fields).
struct FieldCast: Sendable {
  private let type: Rules.FieldType
  private let path: Int
  private let currencyPath: Int
  private let defaultBits: Int64?
  private let digits: Int
  private let home: [UInt8]
  private let foreign: [Foreign]

  /// A currency with a fixed rate into the rules' own.
  private struct Foreign: Sendable {
    var code: [UInt8]
    var digits: Int
    var rate: Rules.ExchangeRate
  }

  init(_ slot: CompiledRules.FieldSlot, path: Int, currencyPath: Int, rules: Rules) {
    type = slot.field.type
    self.path = path
    self.currencyPath = currencyPath
    defaultBits = slot.defaultBits
    digits = rules.currency.digits
    home = Array(rules.currency.code.utf8)
    foreign = rules.exchange.keys.sorted().compactMap { code in
      guard let rate = rules.exchange[code], let digits = Currencies.digits(of: code) else {
        return nil
      }
      return Foreign(code: Array(code.utf8), digits: digits, rate: rate)
    }
  }

  /// The value in 64 bits, or an error where the event has none.
  func cast(
    _ line: Span<UInt8>, _ payload: [PayloadValue], interner: inout Interner
  ) -> Outcome {
    let value = payload[path]
    let failed = Outcome(failed: .error, until: Microseconds.never)
    if value.kind == .missing || value.kind == .null {
      return defaultBits.map { Outcome($0) } ?? failed
    }
    switch type {
    case .bool:
      switch value.kind {
      case .true: return Outcome(1)
      case .false: return Outcome(0)
      default: return failed
      }
    case .string:
      guard value.kind == .string else { return failed }
      return Outcome(value.withText(line) { interner.number(of: $0) })
    case .timestamp:
      guard value.kind == .string else { return failed }
      let instant = value.withText(line) { RFC3339.microseconds($0) }
      return instant.map { Outcome($0) } ?? failed
    case .int:
      guard let number = value.withNumber(line, { Decimal.int64($0) }) else { return failed }
      return Outcome(number)
    case .double:
      guard let number = value.withNumber(line, { Decimal.double($0) }) else { return failed }
      return Outcome(Outcome.double(number))
    case .money:
      return money(value, line, payload[currencyPath]) ?? failed
    }
  }

  private func money(
    _ value: PayloadValue, _ line: Span<UInt8>, _ currency: PayloadValue
  ) -> Outcome? {
    switch currency.kind {
    case .missing, .null: break
    case .string:
      let isHome = currency.withText(line) { $0.isEqual(to: home.span) }
      if isHome { break }
      for candidate in foreign
      where currency.withText(line, { $0.isEqual(to: candidate.code.span) }) {
        guard
          let minor = value.withNumber(line, { Decimal.minorUnits($0, digits: candidate.digits) }),
          let exchanged = exchange(minor, candidate)
        else { return nil }
        return Outcome(exchanged)
      }
      return nil
    default: return nil
    }
    return value.withNumber(line) { Decimal.minorUnits($0, digits: digits) }.map { Outcome($0) }
  }

  /// Minor units of another currency in minor units of the rules' own, half to even.
  private func exchange(_ minor: Int64, _ foreign: Foreign) -> Int64? {
    var numerator = Int128(minor) * Int128(foreign.rate.mantissa)
    let exponent = digits - foreign.digits - foreign.rate.scale
    var divisor: Int128 = 1
    for _ in 0..<abs(exponent) {
      if exponent > 0 {
        let (product, overflow) = numerator.multipliedReportingOverflow(by: 10)
        if overflow { return nil }
        numerator = product
      } else {
        let (product, overflow) = divisor.multipliedReportingOverflow(by: 10)
        // The rate is so small that nothing is left of any amount.
        if overflow { return 0 }
        divisor = product
      }
    }
    return Int64(exactly: Rounding.halfToEven(numerator, by: divisor))
  }
}

/// Division to the nearest whole number, ties to the even one.
enum Rounding {
  /// `divisor` is positive.
  static func halfToEven(_ numerator: Int128, by divisor: Int128) -> Int128 {
    var quotient = numerator / divisor
    let rest = (numerator % divisor).magnitude
    let other = divisor.magnitude - rest
    if rest > other || (rest == other && quotient % 2 != 0) {
      quotient += numerator < 0 ? -1 : 1
    }
    return quotient
  }
}
