import CEL

extension Lowering {
  /// Operators on numbers, money and time; nil where only the general evaluator knows them.
  mutating func arithmetic(
    _ expression: Expression, _ name: String, _ nodes: [Int32], _ types: [Type]
  ) throws(Refusal) -> Int32? {
    if nodes.count == 1 {
      guard name == "-_" else { return nil }
      return negation(nodes[0], types[0])
    }
    switch (name, types[0], types[1]) {
    case ("_+_", .int, .int):
      return try arithmetic(expression, .addInt, nodes[0], nodes[1], .int, 1)
    case ("_-_", .int, .int):
      return try arithmetic(expression, .subtractInt, nodes[0], nodes[1], .int, -1)
    case ("_+_", .money, .money):
      return try arithmetic(expression, .addInt, nodes[0], nodes[1], .money, 1)
    case ("_-_", .money, .money):
      return try arithmetic(expression, .subtractInt, nodes[0], nodes[1], .money, -1)
    case ("_+_", .double, .double):
      return try arithmetic(expression, .addDouble, nodes[0], nodes[1], .double, 1)
    case ("_-_", .double, .double):
      return try arithmetic(expression, .subtractDouble, nodes[0], nodes[1], .double, -1)
    case ("_+_", .timestamp, .duration):
      return try arithmetic(expression, .timestampPlusDuration, nodes[0], nodes[1], .timestamp, 1)
    case ("_+_", .duration, .timestamp):
      return try arithmetic(expression, .timestampPlusDuration, nodes[1], nodes[0], .timestamp, 1)
    case ("_-_", .timestamp, .duration):
      return try arithmetic(
        expression, .timestampMinusDuration, nodes[0], nodes[1], .timestamp, -1)
    case ("_-_", .timestamp, .timestamp):
      return try arithmetic(
        expression, .timestampMinusTimestamp, nodes[0], nodes[1], .duration, -1)
    case ("_+_", .duration, .duration):
      return try arithmetic(expression, .addDuration, nodes[0], nodes[1], .duration, 1)
    case ("_-_", .duration, .duration):
      return try arithmetic(expression, .subtractDuration, nodes[0], nodes[1], .duration, -1)
    case ("_*_", .int, .int): return try product(expression, .multiplyInt, nodes, .int)
    case ("_*_", .money, .int): return try product(expression, .multiplyMoney, nodes, .money)
    case ("_*_", .int, .money):
      return try product(expression, .multiplyMoney, [nodes[1], nodes[0]], .money)
    case ("_*_", .double, .double): return try product(expression, .multiplyDouble, nodes, .double)
    case ("_/_", .int, .int): return try quotient(expression, .divideInt, nodes, .int)
    case ("_/_", .money, .int): return try quotient(expression, .divideMoney, nodes, .money)
    case ("_/_", .money, .money): return try quotient(expression, .ratioOfMoney, nodes, .double)
    case ("_/_", .double, .double): return try quotient(expression, .divideDouble, nodes, .double)
    case ("_%_", .int, .int): return try remainder(expression, nodes)
    default: return nil
    }
  }

  mutating func arithmetic(
    _ expression: Expression, _ operation: Node.Operation, _ left: Int32, _ right: Int32,
    _ type: Type, _ sign: Int
  ) throws(Refusal) -> Int32 {
    guard let moves = StaticMotion.sum(motion(left), motion(right), sign: sign) else {
      throw refusal(
        expression, "its parts change more often than once a minute, not in one direction")
    }
    return binary(operation, left, right, type: type, motion: moves)
  }

  private mutating func negation(_ node: Int32, _ type: Type) -> Int32? {
    var moves = motion(node)
    moves.direction = -moves.direction
    moves.isNonNegative = false
    switch type {
    case .int, .money: return unary(.negateInt, node, type: type, motion: moves)
    case .double: return unary(.negateDouble, node, type: type, motion: moves)
    default: return nil
    }
  }

  /// A product keeps the direction of a monotone factor if the other stands still (and is not known negative).
  private mutating func product(
    _ expression: Expression, _ operation: Node.Operation, _ nodes: [Int32], _ type: Type
  ) throws(Refusal) -> Int32 {
    let left = motion(nodes[0])
    let right = motion(nodes[1])
    let moves: StaticMotion
    switch (left.kind, right.kind) {
    case (.still, .still):
      moves = left.isNonNegative && right.isNonNegative ? .nonNegative : .still
    case (.monotone, .still): moves = scaled(left, by: right)
    case (.still, .monotone): moves = scaled(right, by: left)
    default:
      guard left.isSteady && right.isSteady else {
        throw refusal(expression, "both factors move with time")
      }
      moves = .stepping(min(left.step, right.step))
    }
    return binary(operation, nodes[0], nodes[1], type: type, motion: moves)
  }

  private func scaled(_ moving: StaticMotion, by still: StaticMotion) -> StaticMotion {
    .monotone(
      direction: still.isNonNegative ? moving.direction : 0, step: moving.step,
      pieces: min(moving.pieces, still.pieces))
  }

  private mutating func quotient(
    _ expression: Expression, _ operation: Node.Operation, _ nodes: [Int32], _ type: Type
  ) throws(Refusal) -> Int32 {
    let left = motion(nodes[0])
    let right = motion(nodes[1])
    var moves: StaticMotion
    switch (left.kind, right.kind) {
    case (.still, .still):
      moves = left.isNonNegative && right.isNonNegative ? .nonNegative : .still
    case (.monotone, .still):
      moves = scaled(left, by: right)
      // Whole quotients by a constant change that much more seldom.
      if operation == .divideInt, let divisor = constantInt(nodes[1]), divisor != 0 {
        let (step, overflow) = moves.step.multipliedReportingOverflow(
          by: Int64(clamping: divisor.magnitude))
        moves.step = overflow ? Microseconds.never - 1 : step
      }
    default:
      guard left.isSteady && right.isSteady else {
        throw refusal(expression, "its divisor moves with time")
      }
      moves = .stepping(min(left.step, right.step))
    }
    return binary(operation, nodes[0], nodes[1], type: type, motion: moves)
  }

  private func constantInt(_ node: Int32) -> Int64? {
    let lowered = program.nodes[Int(node)]
    return lowered.operation == .constant ? lowered.bits : nil
  }

  /// A remainder runs with its dividend and falls back at each multiple of the divisor.
  private mutating func remainder(
    _ expression: Expression, _ nodes: [Int32]
  ) throws(Refusal) -> Int32 {
    let left = motion(nodes[0])
    let right = motion(nodes[1])
    let moves: StaticMotion
    switch (left.kind, right.kind) {
    case (.still, .still): moves = left.isNonNegative ? .nonNegative : .still
    case (.monotone, .still):
      guard let divisor = constantInt(nodes[1]) else {
        guard left.step >= Microseconds.minute else {
          throw refusal(expression, "the divisor of a moving remainder has to be a constant")
        }
        moves = .stepping(min(left.step, right.step))
        break
      }
      let (step, overflow) = left.step.multipliedReportingOverflow(
        by: Int64(clamping: divisor.magnitude))
      let wrap = overflow ? Microseconds.never - 1 : step
      guard divisor == 0 || wrap >= Microseconds.minute else {
        throw refusal(expression, "it starts anew more often than once a minute")
      }
      moves = .monotone(
        direction: left.direction, step: left.step,
        pieces: divisor == 0 ? Microseconds.never : min(wrap, left.pieces))
    default:
      guard left.isSteady && right.isSteady else {
        throw refusal(expression, "its divisor moves with time")
      }
      moves = .stepping(min(left.step, right.step))
    }
    return binary(.remainderInt, nodes[0], nodes[1], type: .int, motion: moves)
  }

  // MARK: Time

  mutating func durationOf(
    _ expression: Expression, _ node: Int32, unit: Int64
  ) throws(Refusal) -> Int32 {
    if let count = constantInt(node) {
      let (length, overflow) = count.multipliedReportingOverflow(by: unit)
      if overflow || length.magnitude > Microseconds.longestDuration.magnitude {
        return add(Node(operation: .constantError), type: .duration, motion: .still)
      }
      return constant(length, type: .duration)
    }
    guard motion(node).isSteady else {
      throw refusal(expression, "its number of units moves with time")
    }
    return unary(
      .durationOfInt, node, type: .duration, motion: .stepping(motion(node).step), bits: unit)
  }

  /// `int`, `double` and conversions of a type to itself; nil for the general evaluator.
  mutating func conversion(
    _ expression: Expression, _ name: String, _ nodes: [Int32], _ types: [Type]
  ) -> Int32? {
    guard nodes.count == 1 else { return nil }
    let node = nodes[0]
    let moves = motion(node)
    switch (name, types[0]) {
    case ("int", .int), ("uint", .uint), ("double", .double), ("string", .string), ("bool", .bool),
      ("timestamp", .timestamp), ("duration", .duration):
      return node
    case ("int", .timestamp):
      return unary(
        .intOfTimestamp, node, type: .int, motion: stepped(moves, unit: Microseconds.second))
    case ("int", .double):
      return unary(.intOfDouble, node, type: .int, motion: moves)
    case ("double", .int):
      return unary(.doubleOfInt, node, type: .double, motion: moves)
    default: return nil
    }
  }

  /// A linear form cut to whole units: it steps in its direction.
  private func stepped(_ moves: StaticMotion, unit: Int64) -> StaticMotion {
    guard moves.kind == .linear else { return moves }
    return .monotone(
      direction: moves.direction, step: max(1, unit / max(1, moves.slope)), pieces: moves.pieces)
  }

  /// getHours and its like; nil if the function is none of them.
  mutating func accessor(
    _ expression: Expression, _ name: String, _ arguments: [Expression], _ nodes: [Int32],
    _ types: [Type]
  ) throws(Refusal) -> Int32? {
    guard name.hasPrefix("get"), let type = types.first else { return nil }
    if type == .duration { return try durationAccessor(expression, name, nodes) }
    guard type == .timestamp else { return nil }
    let table: [String: (Node.Accessor, Int64)] = [
      "getFullYear": (.fullYear, 365 * Microseconds.day),
      "getMonth": (.month, 28 * Microseconds.day),
      "getDate": (.date, Microseconds.day),
      "getDayOfMonth": (.dayOfMonth, Microseconds.day),
      "getDayOfWeek": (.dayOfWeek, Microseconds.day),
      "getDayOfYear": (.dayOfYear, Microseconds.day),
      "getHours": (.hours, Microseconds.hour),
      "getMinutes": (.minutes, Microseconds.minute),
      "getSeconds": (.seconds, Microseconds.second),
      "getMilliseconds": (.milliseconds, 1000),
    ]
    guard let (accessor, unit) = table[name] else { return nil }
    var offset: Int32 = 0
    if nodes.count == 2 {
      guard case .literal(.string(let zone)) = arguments[1].kind,
        let seconds = ScalarValue.fixedOffsetSeconds(zone)
      else {
        throw Refusal(
          code: "cel-unsupported",
          message:
            "`\(textOf(expression))` needs a table of time zones; rules know UTC and fixed offsets such as '+02:00'",
          range: expression.range)
      }
      offset = seconds
    }
    let moves = motion(nodes[0])
    var result = StaticMotion.stepping(moves.step)
    if moves.kind == .linear {
      let step = unit / max(1, moves.slope)
      guard step >= Microseconds.minute else {
        throw refusal(expression, "it changes more often than once a minute, for ever")
      }
      result = .stepping(min(step, moves.pieces))
    } else if !moves.isSteady {
      throw refusal(expression, "it changes more often than once a minute, for ever")
    }
    if moves.kind == .still && moves.step == Microseconds.never { result = .nonNegative }
    return unary(
      .timestampAccessor, nodes[0], type: .int, motion: result, bits: accessor.rawValue, b: offset)
  }

  private mutating func durationAccessor(
    _ expression: Expression, _ name: String, _ nodes: [Int32]
  ) throws(Refusal) -> Int32? {
    let operation: Node.Operation
    let unit: Int64
    switch name {
    case "getHours": (operation, unit) = (.durationHours, Microseconds.hour)
    case "getMinutes": (operation, unit) = (.durationMinutes, Microseconds.minute)
    case "getSeconds": (operation, unit) = (.durationSeconds, Microseconds.second)
    case "getMilliseconds":
      guard motion(nodes[0]).isSteady else {
        throw refusal(expression, "it changes more often than once a minute, for ever")
      }
      return unary(
        .durationMilliseconds, nodes[0], type: .int, motion: .stepping(motion(nodes[0]).step))
    default: return nil
    }
    return unary(operation, nodes[0], type: .int, motion: stepped(motion(nodes[0]), unit: unit))
  }
}
