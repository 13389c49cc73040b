/// Constants: their values are found while checking, so that one without a value is an error of the text.
extension Checker {
  private static let folded: Set<String> = [
    "_+_", "_-_", "_*_", "_/_", "_%_", "-_", "duration", "timestamp", "hours", "days", "weeks",
    "int",
  ]

  /// Remembers the node's value if it is a constant, and returns its type.
  mutating func fold(
    _ node: Expression, _ name: String, _ operands: [Expression], _ type: Type
  ) throws(CompileError) -> Type {
    if name == "money" { return try foldMoney(node, operands) }
    if !Self.folded.contains(name) { return type }
    var values: [Value] = []
    for operand in operands {
      guard let value = constants[operand.id] else { return type }
      values.append(value)
    }
    let result = Functions.call(name, values)
    switch (result, substitution.head(type)) {
    case (.success(let value), _):
      constants[node.id] = value
      if environment.requiresMicroseconds {
        try checkPrecision(value, name, values, operands.first?.range ?? node.range)
      }
    case (.failure(let error), .duration), (.failure(let error), .timestamp):
      if environment.rejectsMalformedConstants {
        throw CompileError(
          code: .literal, message: daysHint(name, values) ?? error.message,
          range: operands.count == 1 ? operands[0].range : node.range)
      }
    case (.failure, _): break
    }
    return type
  }

  /// CEL's duration strings have no days on purpose; people write them all the same.
  private func daysHint(_ name: String, _ values: [Value]) -> String? {
    guard environment.hasLifecycleFunctions, name == "duration",
      case .string(let text) = values.first, text.hasSuffix("d") || text.hasSuffix("w"),
      let count = Int64(text.dropLast())
    else { return nil }
    let function = text.hasSuffix("d") ? "days" : "weeks"
    return "'\(text)' is no duration; write \(function)(\(count))"
  }

  private func checkPrecision(
    _ value: Value, _ name: String, _ operands: [Value], _ range: Range<Int>
  ) throws(CompileError) {
    guard name == "duration" || name == "timestamp", case .string(let text) = operands.first else {
      return
    }
    let isTooFine: Bool
    switch value {
    case .duration(let duration):
      isTooFine =
        duration.nanoseconds % 1000 != 0 || (DurationText.parse(text)?.isTruncated ?? false)
    case .timestamp(let timestamp):
      isTooFine = timestamp.nanoseconds % 1000 != 0
    default:
      isTooFine = false
    }
    if isTooFine {
      throw CompileError(
        code: .literal,
        message: "the \(name) '\(text)' is finer than a microsecond, in which rules count",
        range: range)
    }
  }

  private mutating func foldMoney(
    _ node: Expression, _ operands: [Expression]
  ) throws(CompileError) -> Type {
    guard let currency = environment.money, let operand = operands.first,
      case .literal(.string(let text)) = operand.kind
    else { return .money }
    switch MoneyText.minorUnits(text, digits: currency.digits) {
    case .success(let amount):
      replacements[node.id] = .literal(.money(amount))
      constants[node.id] = .money(amount)
      return .money
    case .failure(let fault):
      throw CompileError(
        code: .literal, message: fault.message(text, currency), range: operand.range)
    }
  }

  // MARK: Money beside numbers

  /// The literal 0 beside money is money, in `+`, `-`, comparisons and the branches of `?:`.
  mutating func adoptZero(_ name: String, _ operands: [Expression], _ types: inout [Type]) {
    let takesZero =
      name == "_+_" || name == "_-_" || Library.equalities.contains(name)
      || Library.orderings.contains(name)
    if environment.money == nil || !takesZero || operands.count != 2 { return }
    for (index, operand) in operands.enumerated()
    where substitution.head(types[1 - index]) == .money {
      if adoptZero(operand) { types[index] = .money }
    }
  }

  /// Makes the literal 0 money; false for any other node.
  mutating func adoptZero(_ node: Expression) -> Bool {
    guard case .literal(.int(0)) = node.kind else { return false }
    replacements[node.id] = .literal(.money(0))
    constants[node.id] = .money(0)
    setType(.money, of: node)
    return true
  }

  /// A literal for messages: `money("500.00")`.
  func moneyExample(_ amount: String = "500") -> String {
    let digits = environment.money?.digits ?? 2
    if digits == 0 || amount.contains(".") { return "money(\"\(amount)\")" }
    return "money(\"\(amount).\(String(repeating: "0", count: digits))\")"
  }

  func bareNumber(_ node: Expression?, in range: Range<Int>) -> CompileError {
    var example = moneyExample()
    switch node?.kind {
    case .literal(.int(let value)): example = moneyExample(String(value))
    case .literal(.double(let value)):
      let text = String(value)
      let whole = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
      if case .success = MoneyText.minorUnits(whole, digits: environment.money?.digits ?? 2) {
        example = moneyExample(whole.contains(".") ? padded(whole) : whole)
      }
    default: break
    }
    return CompileError(
      code: .type, message: "a number is not money; write \(example)", range: node?.range ?? range)
  }

  private func padded(_ decimal: String) -> String {
    let digits = environment.money?.digits ?? 2
    let fraction = decimal.split(separator: ".").last?.count ?? 0
    return decimal + String(repeating: "0", count: max(0, digits - fraction))
  }
}
