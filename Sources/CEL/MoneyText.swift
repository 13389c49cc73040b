/// Amounts of money as decimal text.
enum MoneyText {
  enum Fault: Error {
    case malformed
    case tooManyDecimals
    case outOfRange

    func message(_ text: String, _ currency: Environment.Currency) -> String {
      switch self {
      case .malformed:
        "'\(text)' is no amount; write a number such as "
          + (currency.digits == 0
            ? "'500'" : "'500.\(String(repeating: "0", count: currency.digits))'")
      case .tooManyDecimals:
        "'\(text)' has more than the \(currency.digits) decimals of \(currency.code)"
      case .outOfRange:
        "the amount '\(text)' does not fit into 64 bits of minor units"
      }
    }
  }

  /// Minor units of a number in JSON's grammar with at most `digits` decimals, zeros beyond not counted.
  static func minorUnits(_ text: String, digits: Int) -> Result<Int64, Fault> {
    guard var number = Decimal(text) else { return .failure(.malformed) }
    while number.digits.last == 0 {
      number.digits.removeLast()
      number.exponent += 1
    }
    if number.digits.isEmpty { return .success(0) }
    number.exponent += digits
    if number.exponent < 0 { return .failure(.tooManyDecimals) }
    if number.digits.count + number.exponent > 19 { return .failure(.outOfRange) }
    var amount: Int64 = 0
    for digit in number.digits + Array(repeating: 0, count: number.exponent) {
      let (product, overflows) = amount.multipliedReportingOverflow(by: 10)
      let (sum, overflowsToo) = product.addingReportingOverflow(
        number.isNegative ? -Int64(digit) : Int64(digit))
      if overflows || overflowsToo { return .failure(.outOfRange) }
      amount = sum
    }
    return .success(amount)
  }

  /// Digits and a power of ten, without leading zeros.
  private struct Decimal {
    var isNegative = false
    var digits: [UInt8] = []
    var exponent = 0

    /// Reads JSON's number grammar; nil for anything else.
    init?(_ text: String) {
      let bytes = Array(text.utf8)
      var offset = 0
      func byte() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }
      func digit() -> UInt8? { byte().flatMap { Lexer.isDigit($0) ? $0 - UInt8(ascii: "0") : nil } }
      if byte() == UInt8(ascii: "-") {
        isNegative = true
        offset += 1
      }
      let wholeStart = offset
      while let next = digit() {
        append(next)
        offset += 1
      }
      let wholeCount = offset - wholeStart
      if wholeCount == 0 || (wholeCount > 1 && bytes[wholeStart] == UInt8(ascii: "0")) {
        return nil
      }
      if byte() == UInt8(ascii: ".") {
        offset += 1
        let fractionStart = offset
        while let next = digit() {
          append(next)
          exponent -= 1
          offset += 1
        }
        if offset == fractionStart { return nil }
      }
      if let e = byte(), e | 0x20 == UInt8(ascii: "e") {
        offset += 1
        let isSmall = byte() == UInt8(ascii: "-")
        if isSmall || byte() == UInt8(ascii: "+") { offset += 1 }
        let powerStart = offset
        var power = 0
        while let next = digit() {
          // Far beyond any amount; the cap keeps the sum from overflowing.
          power = min(power * 10 + Int(next), 1_000_000)
          offset += 1
        }
        if offset == powerStart { return nil }
        exponent += isSmall ? -power : power
      }
      if offset != bytes.count { return nil }
    }

    private mutating func append(_ digit: UInt8) {
      if digit != 0 || !digits.isEmpty { digits.append(digit) }
    }
  }
}
