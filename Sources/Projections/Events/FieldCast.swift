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
    var rate: Rules.Factor
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

  /// Where the value stands, and the currency of an amount.
  var paths: [Int] { currencyPath >= 0 ? [path, currencyPath] : [path] }

  /// What an event without the value has.
  private func absent(_ reason: FaultReason) -> TimedOutcome {
    defaultBits.map { TimedOutcome($0) } ?? TimedOutcome(failed: reason)
  }

  /// What a value of a kind that the type does not take gives.
  private var mismatch: TimedOutcome {
    switch type {
    case .money, .int, .double: TimedOutcome(failed: .notNumber)
    case .string: TimedOutcome(failed: .notString)
    case .bool: TimedOutcome(failed: .notBool)
    case .timestamp: TimedOutcome(failed: .notTimestamp)
    }
  }

  // MARK: From a line

  /// The value in 64 bits, or an error where the event has none.
  func cast(
    _ line: Span<UInt8>, _ payload: [PayloadValue], interner: inout Interner
  ) -> TimedOutcome {
    let value = payload[path]
    switch value.kind {
    case .missing: return absent(.missing)
    case .null: return absent(.null)
    case .true: return type == .bool ? TimedOutcome(1) : mismatch
    case .false: return type == .bool ? TimedOutcome(0) : mismatch
    case .object, .list: return mismatch
    case .number, .string:
      let unit: Unit =
        if type == .money {
          unit(payload[currencyPath], line)
        } else {
          .home
        }
      return value.withText(line) {
        cast($0, isString: value.kind == .string, unit, interner: &interner)
      }
    }
  }

  /// The text of a string or a number.
  private func cast(
    _ text: Span<UInt8>, isString: Bool, _ unit: Unit, interner: inout Interner
  ) -> TimedOutcome {
    switch type {
    case .bool: return mismatch
    case .string: return isString ? TimedOutcome(interner.number(of: text)) : mismatch
    case .timestamp:
      guard isString, let instant = RFC3339.microseconds(text) else { return mismatch }
      return TimedOutcome(instant)
    case .int:
      return Decimal.int64(text).map { TimedOutcome($0) } ?? whyNot(text, digits: 0)
    case .double:
      return Decimal.double(text).map { TimedOutcome(TimedOutcome.double($0)) }
        ?? whyNot(text, digits: nil)
    case .money:
      return money(unit, { Decimal.minorUnits(text, digits: $0) }, { whyNot(text, digits: $0) })
    }
  }

  /// Why a text is no number with so many decimals; nil for any number.
  private func whyNot(_ text: Span<UInt8>, digits: Int?) -> TimedOutcome {
    if !Decimal.isNumber(text) { return TimedOutcome(failed: .notNumber) }
    guard let digits, Decimal.hasMoreDecimals(text, than: digits) else {
      return TimedOutcome(failed: .outOfRange)
    }
    return TimedOutcome(failed: type == .int ? .notWhole : .decimals)
  }

  // MARK: Money

  /// The currency of an amount.
  private enum Unit {
    case home, none
    case foreign(Int)
  }

  private func unit(_ currency: PayloadValue, _ line: Span<UInt8>) -> Unit {
    switch currency.kind {
    case .missing, .null: .home
    case .string: currency.withText(line) { unit($0) }
    default: .none
    }
  }

  private func unit(_ code: Span<UInt8>) -> Unit {
    if code.isEqual(to: home.span) { return .home }
    for (index, candidate) in foreign.enumerated() where code.isEqual(to: candidate.code.span) {
      return .foreign(index)
    }
    return .none
  }

  /// - Parameters:
  ///   - minorUnits: the amount in minor units of a currency with so many decimals.
  ///   - whyNot: asked where it is none.
  private func money(
    _ unit: Unit, _ minorUnits: (Int) -> Int64?, _ whyNot: (Int) -> TimedOutcome
  ) -> TimedOutcome {
    switch unit {
    case .none: return TimedOutcome(failed: .currency)
    case .home: return minorUnits(digits).map { TimedOutcome($0) } ?? whyNot(digits)
    case .foreign(let index):
      let currency = foreign[index]
      guard let minor = minorUnits(currency.digits) else { return whyNot(currency.digits) }
      return exchange(minor, currency).map { TimedOutcome($0) } ?? TimedOutcome(failed: .outOfRange)
    }
  }

  // MARK: Words

  /// Decimals that an amount may have in its currency.
  func decimals(_ line: Span<UInt8>, _ payload: [PayloadValue]) -> Int {
    guard type == .money, case .foreign(let index) = unit(payload[currencyPath], line) else {
      return digits
    }
    return foreign[index].digits
  }

  /// What stands where the currency should.
  func currency(_ line: Span<UInt8>, _ payload: [PayloadValue]) -> String {
    let value = payload[currencyPath]
    guard value.kind == .string else { return Self.spelled(value, line) }
    return value.withText(line) { Self.printable($0) }
  }

  /// The value as JSON, its first bytes.
  func spelled(_ line: Span<UInt8>, _ payload: [PayloadValue]) -> String {
    Self.spelled(payload[path], line)
  }

  private static func spelled(_ value: PayloadValue, _ line: Span<UInt8>) -> String {
    switch value.kind {
    case .missing, .null: "null"
    case .true: "true"
    case .false: "false"
    case .object: "{…}"
    case .list: "[…]"
    case .number: value.withText(line) { printable($0) }
    case .string: value.withText(line) { "\"\(printable($0))\"" }
    }
  }

  /// At most 40 characters, without control characters, which could write over a terminal.
  private static func printable(_ text: Span<UInt8>) -> String {
    var bytes: [UInt8] = []
    for index in text.indices.prefix(200) { bytes.append(text[index]) }
    let characters = String(decoding: bytes, as: UTF8.self)
    let shown = characters.prefix(40).unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control
        ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return shown.joined() + (characters.count > 40 ? "…" : "")
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

  // MARK: From columns

  /// The values of some rows of a block; nil for a column that no event of the block has.
  func cast(
    _ column: PayloadColumn?, currency: PayloadColumn?, rows: [Int32], interner: inout Interner,
    field: Int, into cells: inout FieldCells
  ) {
    guard let column else {
      let missing = absent(.missing)
      for row in rows { cells.set(field, Int(row), missing) }
      return
    }
    var texts: [TimedOutcome?] = Array(repeating: nil, count: column.texts.count)
    let units = currency.map { $0.texts.map { unit($0.span) } } ?? []
    for row in rows {
      let row = Int(row)
      let tag = column.tags[row]
      let value = column.values[row]
      var unit = Unit.home
      if type == .money, let currency, tag >= PayloadTag.text {
        switch currency.tags[row] {
        case PayloadTag.missing, PayloadTag.null: break
        case PayloadTag.text: unit = units[Int(currency.values[row])]
        case PayloadTag.pointer, PayloadTag.elsewhere:
          cells.setNeedsLine(field, row)
          continue
        default: unit = .none
        }
      }
      switch tag {
      case PayloadTag.missing: cells.set(field, row, absent(.missing))
      case PayloadTag.null: cells.set(field, row, absent(.null))
      case PayloadTag.true: cells.set(field, row, type == .bool ? TimedOutcome(1) : mismatch)
      case PayloadTag.false: cells.set(field, row, type == .bool ? TimedOutcome(0) : mismatch)
      case PayloadTag.object, PayloadTag.list: cells.set(field, row, mismatch)
      case PayloadTag.pointer, PayloadTag.elsewhere: cells.setNeedsLine(field, row)
      case PayloadTag.text:
        let number = Int(value)
        // An amount depends on its currency too; other texts are cast once a block.
        if type != .money, let outcome = texts[number] {
          cells.set(field, row, outcome)
          continue
        }
        let text = column.texts[number]
        let outcome = cast(text.span, isString: true, unit, interner: &interner)
        texts[number] = outcome
        cells.set(field, row, outcome)
      case PayloadTag.numericText...:
        let scale = Int(tag - PayloadTag.numericText)
        cells.set(field, row, cast(value, scale, isString: true, unit, interner: &interner))
      default:
        let scale = Int(tag - PayloadTag.number)
        cells.set(field, row, cast(value, scale, isString: false, unit, interner: &interner))
      }
    }
  }

  /// A decimal, or the string that spells it.
  @inline(__always)
  private func cast(
    _ mantissa: Int64, _ scale: Int, isString: Bool, _ unit: Unit, interner: inout Interner
  ) -> TimedOutcome {
    switch type {
    case .bool, .timestamp: return mismatch
    case .string:
      if !isString { return mismatch }
      return TimedOutcome(interner.number(of: Decimal.spelled(mantissa, scale: scale).span))
    case .int:
      return Decimal.rescale(mantissa, scale: scale, digits: 0).map { TimedOutcome($0) }
        ?? whyNot(Decimal.spelled(mantissa, scale: scale).span, digits: 0)
    case .double:
      return Decimal.double(mantissa, scale: scale).map { TimedOutcome(TimedOutcome.double($0)) }
        ?? TimedOutcome(failed: .outOfRange)
    case .money:
      return money(
        unit, { Decimal.rescale(mantissa, scale: scale, digits: $0) },
        { whyNot(Decimal.spelled(mantissa, scale: scale).span, digits: $0) })
    }
  }
}
