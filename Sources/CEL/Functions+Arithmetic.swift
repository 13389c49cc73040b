/// `+ - * / %` and the sign.
extension Functions {
  private enum Operation: String {
    case add = "_+_"
    case subtract = "_-_"
    case multiply = "_*_"
    case divide = "_/_"
    case remainder = "_%_"
  }

  static func arithmetic(_ name: String, _ left: Value, _ right: Value) -> Outcome {
    guard let operation = Operation(rawValue: name) else { return noOverload(name, [left, right]) }
    let result: Outcome?
    switch (left, right) {
    case (.int(let a), .int(let b)):
      result = integer(operation, a, b, "int").map(Value.int)
    case (.uint(let a), .uint(let b)):
      result = integer(operation, a, b, "uint").map(Value.uint)
    case (.double(let a), .double(let b)):
      result = double(operation, a, b).map { .success(.double($0)) }
    case (.money, _), (_, .money):
      result = money(operation, left, right)
    case (.timestamp, _), (_, .timestamp), (.duration, _):
      result = time(operation, left, right)
    default:
      result = operation == .add ? concatenate(left, right) : nil
    }
    return result ?? noOverload(name, [left, right])
  }

  static func negate(_ value: Value) -> Outcome {
    switch value {
    case .int(let number):
      return integer(.subtract, 0, number, "int").map(Value.int)
    case .money(let amount):
      return integer(.subtract, 0, amount, "money").map(Value.money)
    case .double(let number):
      return .success(.double(-number))
    default:
      return noOverload("-_", [value])
    }
  }

  private static func integer<Number: FixedWidthInteger>(
    _ operation: Operation, _ a: Number, _ b: Number, _ type: String
  ) -> Result<Number, EvaluationError> {
    let result: (partialValue: Number, overflow: Bool)
    switch operation {
    case .add: result = a.addingReportingOverflow(b)
    case .subtract: result = a.subtractingReportingOverflow(b)
    case .multiply: result = a.multipliedReportingOverflow(by: b)
    case .divide, .remainder:
      if b == 0 {
        let message = operation == .divide ? "division by zero" : "remainder of a division by zero"
        return .failure(EvaluationError(code: .divisionByZero, message: message))
      }
      result =
        operation == .divide
        ? a.dividedReportingOverflow(by: b) : a.remainderReportingOverflow(dividingBy: b)
    }
    if result.overflow {
      return .failure(
        EvaluationError(code: .overflow, message: "the result does not fit into \(type)"))
    }
    return .success(result.partialValue)
  }

  private static func double(_ operation: Operation, _ a: Double, _ b: Double) -> Double? {
    switch operation {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .remainder: nil
    }
  }

  /// Contract §5: money ± money, money × int either way, money ÷ int toward zero, money ÷ money as a double.
  private static func money(_ operation: Operation, _ left: Value, _ right: Value) -> Outcome? {
    switch (operation, left, right) {
    case (.add, .money(let a), .money(let b)), (.subtract, .money(let a), .money(let b)),
      (.multiply, .money(let a), .int(let b)), (.multiply, .int(let a), .money(let b)),
      (.divide, .money(let a), .int(let b)):
      return integer(operation, a, b, "money").map(Value.money)
    case (.divide, .money(let a), .money(let b)):
      if b == 0 { return fail(.divisionByZero, "division by zero") }
      return .success(.double(Double(a) / Double(b)))
    default:
      return nil
    }
  }

  private static func time(_ operation: Operation, _ left: Value, _ right: Value) -> Outcome? {
    switch (operation, left, right) {
    case (.add, .duration(let a), .duration(let b)),
      (.subtract, .duration(let a), .duration(let b)):
      return integer(operation, a.nanoseconds, b.nanoseconds, "duration")
        .map { .duration(Duration(nanoseconds: $0)) }
    case (.add, .timestamp(let instant), .duration(let span)),
      (.add, .duration(let span), .timestamp(let instant)):
      return move(instant, by: span, isBackward: false)
    case (.subtract, .timestamp(let instant), .duration(let span)):
      return move(instant, by: span, isBackward: true)
    case (.subtract, .timestamp(let a), .timestamp(let b)):
      return difference(a, b)
    default:
      return nil
    }
  }

  private static func move(_ instant: Timestamp, by span: Duration, isBackward: Bool) -> Outcome {
    let second: Int64 = 1_000_000_000
    // Split before the sign changes: the smallest duration has no positive counterpart.
    let wholeSeconds = span.nanoseconds / second
    let rest = span.nanoseconds % second
    var seconds = instant.seconds + (isBackward ? -wholeSeconds : wholeSeconds)
    var nanoseconds = Int64(instant.nanoseconds) + (isBackward ? -rest : rest)
    if nanoseconds < 0 {
      seconds -= 1
      nanoseconds += second
    } else if nanoseconds >= second {
      seconds += 1
      nanoseconds -= second
    }
    if !Calendar.secondsRange.contains(seconds) {
      return fail(.overflow, "the timestamp is outside of the years 0001 to 9999")
    }
    return .success(.timestamp(Timestamp(seconds: seconds, nanoseconds: Int32(nanoseconds))))
  }

  private static func difference(_ a: Timestamp, _ b: Timestamp) -> Outcome {
    let (seconds, overflows) = a.seconds.subtractingReportingOverflow(b.seconds)
    // Nanoseconds of both signs may lie between the whole seconds and the end of the range.
    let product = seconds.multipliedFullWidth(by: 1_000_000_000)
    let whole = Int128(product.high) << 64 | Int128(product.low)
    let total = whole + Int128(a.nanoseconds) - Int128(b.nanoseconds)
    guard !overflows, let nanoseconds = Int64(exactly: total) else {
      return fail(.overflow, "the time between the timestamps is beyond the range of durations")
    }
    return .success(.duration(Duration(nanoseconds: nanoseconds)))
  }

  private static func concatenate(_ left: Value, _ right: Value) -> Outcome? {
    func isTooLong(_ a: Int, _ b: Int) -> Bool { a + b > Limits.concatenatedSize }
    let tooLong = fail(.argument, "the result of '+' is larger than \(Limits.concatenatedSize)")
    switch (left, right) {
    case (.string(let a), .string(let b)):
      return isTooLong(a.utf8.count, b.utf8.count) ? tooLong : .success(.string(a + b))
    case (.bytes(let a), .bytes(let b)):
      return isTooLong(a.count, b.count) ? tooLong : .success(.bytes(a + b))
    case (.list(let a), .list(let b)):
      return isTooLong(a.count, b.count) ? tooLong : .success(.list(a + b))
    default:
      return nil
    }
  }
}
