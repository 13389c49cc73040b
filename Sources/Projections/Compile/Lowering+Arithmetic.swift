import CEL

extension Lowering {
  /// Operators on numbers, money and time; nil where only the general evaluator knows them.
  mutating func arithmetic(_ name: String, _ nodes: [Int32], _ types: [Type]) -> Int32? {
    if nodes.count == 1 {
      guard name == "-_" else { return nil }
      return negation(nodes[0], types[0])
    }
    switch (name, types[0], types[1]) {
    case ("_+_", .int, .int):
      return arithmetic(.addInt, nodes[0], nodes[1], .int, 1)
    case ("_-_", .int, .int):
      return arithmetic(.subtractInt, nodes[0], nodes[1], .int, -1)
    case ("_+_", .money, .money):
      return arithmetic(.addInt, nodes[0], nodes[1], .money, 1)
    case ("_-_", .money, .money):
      return arithmetic(.subtractInt, nodes[0], nodes[1], .money, -1)
    case ("_+_", .double, .double):
      return arithmetic(.addDouble, nodes[0], nodes[1], .double, 1)
    case ("_-_", .double, .double):
      return arithmetic(.subtractDouble, nodes[0], nodes[1], .double, -1)
    case ("_+_", .timestamp, .duration):
      return arithmetic(.timestampPlusDuration, nodes[0], nodes[1], .timestamp, 1)
    case ("_+_", .duration, .timestamp):
      // As written: of two errors the left one counts.
      return arithmetic(.timestampPlusDuration, nodes[0], nodes[1], .timestamp, 1)
    case ("_-_", .timestamp, .duration):
      return arithmetic(
        .timestampMinusDuration, nodes[0], nodes[1], .timestamp, -1)
    case ("_-_", .timestamp, .timestamp):
      return arithmetic(
        .timestampMinusTimestamp, nodes[0], nodes[1], .duration, -1)
    case ("_+_", .duration, .duration):
      return arithmetic(.addDuration, nodes[0], nodes[1], .duration, 1)
    case ("_-_", .duration, .duration):
      return arithmetic(.subtractDuration, nodes[0], nodes[1], .duration, -1)
    case ("_*_", .int, .int): return product(.multiplyInt, nodes, .int)
    case ("_*_", .money, .int), ("_*_", .int, .money):
      return product(.multiplyMoney, nodes, .money)
    case ("_*_", .double, .double): return product(.multiplyDouble, nodes, .double)
    case ("_/_", .int, .int): return quotient(.divideInt, nodes, .int)
    case ("_/_", .money, .int): return quotient(.divideMoney, nodes, .money)
    case ("_/_", .money, .money): return quotient(.ratioOfMoney, nodes, .double)
    case ("_/_", .double, .double): return quotient(.divideDouble, nodes, .double)
    case ("_%_", .int, .int): return remainder(nodes)
    default: return nil
    }
  }

  mutating func arithmetic(
    _ operation: ProgramNode.Operation, _ left: Int32, _ right: Int32, _ type: Type, _ sign: Int
  ) -> Int32 {
    var moves = StaticMotion.sum(motion(left), motion(right), sign: sign)
    // Beyond CEL's range there is no value.
    if type == .timestamp { moves.range = moves.range.clamped(to: .timestamps) }
    if type == .duration { moves.range = moves.range.clamped(to: .durations) }
    if type == .double && !moves.range.isFinite { moves.range = .all }
    return binary(operation, left, right, type: type, motion: moves)
  }

  private mutating func negation(_ node: Int32, _ type: Type) -> Int32? {
    let moves = motion(node).negated()
    switch type {
    case .int, .money: return unary(.negateInt, node, type: type, motion: moves)
    case .double: return unary(.negateDouble, node, type: type, motion: moves)
    default: return nil
    }
  }

  private mutating func product(
    _ operation: ProgramNode.Operation, _ nodes: [Int32], _ type: Type
  ) -> Int32 {
    let moves = StaticMotion.product(
      motion(nodes[0]), motion(nodes[1]), isDouble: operation == .multiplyDouble)
    return binary(operation, nodes[0], nodes[1], type: type, motion: moves)
  }

  private mutating func quotient(
    _ operation: ProgramNode.Operation, _ nodes: [Int32], _ type: Type
  ) -> Int32 {
    let moves = StaticMotion.quotient(
      motion(nodes[0]), motion(nodes[1]),
      isWhole: operation == .divideInt || operation == .divideMoney,
      divisor: operation == .divideInt ? constantInt(nodes[1]) : nil)
    return binary(operation, nodes[0], nodes[1], type: type, motion: moves)
  }

  private func constantInt(_ node: Int32) -> Int64? {
    let lowered = program.nodes[Int(node)]
    return lowered.operation == .constant ? lowered.bits : nil
  }

  private mutating func remainder(_ nodes: [Int32]) -> Int32 {
    let moves = StaticMotion.remainder(
      motion(nodes[0]), motion(nodes[1]), divisor: constantInt(nodes[1]))
    return binary(.remainderInt, nodes[0], nodes[1], type: .int, motion: moves)
  }

  // MARK: Time

  mutating func durationOf(_ node: Int32, unit: Int64) -> Int32 {
    if let count = constantInt(node) {
      let (length, overflow) = count.multipliedReportingOverflow(by: unit)
      if overflow || length.magnitude > Microseconds.longestDuration.magnitude {
        return add(ProgramNode(operation: .constantError), type: .duration, motion: .still)
      }
      return constant(length, type: .duration)
    }
    let count = motion(node)
    let range = (count.range * Interval(unit)).clamped(to: .durations)
    return unary(
      .durationOfInt, node, type: .duration,
      motion: .stepping(count.changes, switches: count.switches, range), bits: unit)
  }

  /// `int`, `double` and conversions of a type to itself; nil for the general evaluator.
  mutating func conversion(_ name: String, _ nodes: [Int32], _ types: [Type]) -> Int32? {
    guard nodes.count == 1 else { return nil }
    let node = nodes[0]
    let moves = motion(node)
    switch (name, types[0]) {
    case ("int", .int), ("uint", .uint), ("double", .double), ("string", .string), ("bool", .bool),
      ("timestamp", .timestamp), ("duration", .duration):
      return node
    case ("int", .timestamp):
      let range = moves.range.floored(unit: Microseconds.second)
      return unary(
        .intOfTimestamp, node, type: .int,
        motion: moves.stepped(unit: Microseconds.second, range))
    case ("int", .double):
      var cut = moves
      cut.range = moves.range.truncated
      return unary(.intOfDouble, node, type: .int, motion: cut)
    case ("double", .int):
      return unary(.doubleOfInt, node, type: .double, motion: moves)
    default: return nil
    }
  }

  /// getHours and its like; nil if the function is none of them.
  mutating func accessor(
    _ expression: Expression, _ name: String, _ arguments: [Expression], _ nodes: [Int32],
    _ types: [Type]
  ) throws(Refusal) -> Int32? {
    guard name.hasPrefix("get"), let type = types.first else { return nil }
    if type == .duration { return durationAccessor(name, nodes) }
    guard type == .timestamp else { return nil }
    guard let accessor = ProgramNode.Accessor(function: name) else { return nil }
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
    return unary(
      .timestampAccessor, nodes[0], type: .int, motion: calendar(accessor, motion(nodes[0])),
      bits: accessor.rawValue, b: offset)
  }

  /// A part of the date or the time of day: it rises until it starts anew.
  private func calendar(_ accessor: ProgramNode.Accessor, _ moves: StaticMotion) -> StaticMotion {
    guard moves.kind == .linear else {
      return .stepping(moves.changes, switches: moves.switches, accessor.range)
    }
    let rate = moves.rate(accessor.unit) + moves.pieces
    guard let round = accessor.round else {
      return .stepping(rate, switches: moves.switches, accessor.range)
    }
    return StaticMotion(
      kind: .monotone, direction: moves.direction, changes: rate,
      pieces: moves.rate(round) + moves.pieces, switches: moves.switches, range: accessor.range)
  }

  private mutating func durationAccessor(_ name: String, _ nodes: [Int32]) -> Int32? {
    let operation: ProgramNode.Operation
    let unit: Int64
    let moves = motion(nodes[0])
    switch name {
    case "getHours": (operation, unit) = (.durationHours, Microseconds.hour)
    case "getMinutes": (operation, unit) = (.durationMinutes, Microseconds.minute)
    case "getSeconds": (operation, unit) = (.durationSeconds, Microseconds.second)
    case "getMilliseconds":
      let rate = moves.kind == .linear ? moves.rate(1000) + moves.pieces : moves.changes
      return unary(
        .durationMilliseconds, nodes[0], type: .int,
        motion: .stepping(rate, switches: moves.switches, Interval(-999, 999)))
    default: return nil
    }
    let range = moves.range.quotient(by: Interval(unit))
    return unary(operation, nodes[0], type: .int, motion: moves.stepped(unit: unit, range))
  }
}
