import CEL

/// Turns checked expressions into nodes on 64-bit values, and refuses what time could change at instants
/// that cannot be computed.
struct Lowering {
  var program = Program()
  private(set) var motions: [StaticMotion] = []
  /// Nodes of what the expression at hand may read.
  private(set) var variables: Scope = [:]
  private var source: CheckedExpression
  private var nodeOf: [Int32] = []
  private var locals: [(name: String, node: Int32)] = []

  init() {
    source = CheckedExpression(
      source: "", expression: Expression(id: 0, range: 0..<0, kind: .literal(.null)),
      types: [.null], references: [:])
  }

  /// Why an expression is refused, with the part of its text at fault.
  struct Refusal: Error {
    var code: String
    var message: String
    var range: Range<Int>
  }

  // MARK: Nodes

  mutating func add(
    _ node: ProgramNode, type: Type, motion: StaticMotion, reads: UInt64 = 0
  ) -> Int32 {
    program.nodes.append(node)
    program.types.append(type)
    program.reads.append(reads)
    motions.append(motion)
    return Int32(program.nodes.count - 1)
  }

  mutating func constant(_ bits: Int64, type: Type) -> Int32 {
    add(
      ProgramNode(operation: .constant, bits: bits), type: type,
      motion: .still(Self.range(of: bits, type)))
  }

  /// A value that an expression has for good, as a range.
  static func range(of bits: Int64, _ type: Type) -> Interval {
    switch type {
    case .int, .money, .timestamp, .duration, .bool: return Interval(bits)
    case .double:
      let value = Double(bitPattern: UInt64(bitPattern: bits))
      return value.isFinite ? Interval(low: value, high: value) : .all
    default: return .all
    }
  }

  func motion(_ node: Int32) -> StaticMotion { motions[Int(node)] }
  func type(_ node: Int32) -> Type { program.types[Int(node)] }
  func reads(_ node: Int32) -> UInt64 { program.reads[Int(node)] }
  func isConstant(_ node: Int32) -> Bool {
    program.nodes[Int(node)].operation == .constant
  }

  mutating func unary(
    _ operation: ProgramNode.Operation, _ a: Int32, type: Type, motion: StaticMotion,
    bits: Int64 = 0,
    b: Int32 = 0
  ) -> Int32 {
    add(
      ProgramNode(operation: operation, a: a, b: b, bits: bits), type: type, motion: motion,
      reads: reads(a))
  }

  mutating func binary(
    _ operation: ProgramNode.Operation, _ a: Int32, _ b: Int32, type: Type, motion: StaticMotion
  ) -> Int32 {
    add(
      ProgramNode(operation: operation, a: a, b: b), type: type, motion: motion,
      reads: reads(a) | reads(b))
  }

  // MARK: Expressions

  /// Nodes of the variables that an expression may read, by name.
  typealias Scope = [String: Int32]

  /// Lowers one text.
  mutating func lower(
    _ checked: CheckedExpression, in scope: Scope
  ) throws(Refusal) -> LoweredExpression {
    try Self.checkCost(checked)
    variables = scope
    source = checked
    nodeOf = Array(repeating: -1, count: checked.types.count)
    locals = []
    let root = try lower(checked.expression)
    let moves = motion(root)
    if moves.kind == .still && !moves.isSteady {
      throw refusal(checked.expression, Self.tooOften)
    }
    return LoweredExpression(root: root, nodeOf: nodeOf, checked: checked)
  }

  func textOf(_ expression: Expression) -> String {
    let bytes = Array(source.source.utf8)
    let range = expression.range.clamped(to: 0..<bytes.count)
    return String(decoding: bytes[range], as: UTF8.self)
  }

  static let tooOften = "it may change more often than once a minute, for ever"

  func refusal(_ expression: Expression, _ why: String) -> Refusal {
    Refusal(
      code: "time-unschedulable",
      message:
        "the instants at which `\(textOf(expression))` changes cannot be computed: \(why)",
      range: expression.range)
  }

  func typeOf(_ expression: Expression) -> Type { source.types[expression.id] }

  static func isScalar(_ type: Type) -> Bool {
    switch type {
    case .bool, .int, .uint, .double, .string, .timestamp, .duration, .money: true
    default: false
    }
  }

  private mutating func lower(_ expression: Expression) throws(Refusal) -> Int32 {
    let node = try lowerUnrecorded(expression)
    nodeOf[expression.id] = node
    return node
  }

  private mutating func lowerUnrecorded(_ expression: Expression) throws(Refusal) -> Int32 {
    if case .select(_, _, let test) = expression.kind,
      let name = source.references[expression.id]
    {
      guard let leaf = variables[name] else { return try tree(expression) }
      if test {
        let rate = motion(leaf).switches
        return unary(.has, leaf, type: .bool, motion: .stepping(rate, switches: 0, .truth))
      }
      return leaf
    }
    switch expression.kind {
    case .literal(let value):
      return try literal(value, expression)
    case .identifier(let name):
      if let reference = source.references[expression.id], let leaf = variables[reference] {
        return leaf
      }
      if let local = locals.last(where: { $0.name == name }) { return local.node }
      return try tree(expression)
    case .call(let name, let target, let arguments):
      return try call(expression, name, (target.map { [$0] } ?? []) + arguments)
    case .comprehension(let macro, let range, let variable, let arguments):
      return try comprehension(expression, macro, range, variable, arguments)
    case .select, .list, .map, .message:
      return try tree(expression)
    }
  }

  private mutating func literal(_ value: Value, _ expression: Expression) throws(Refusal) -> Int32 {
    if let bits = bits(of: value) { return constant(bits, type: typeOf(expression)) }
    return try tree(expression)
  }

  /// The 64-bit form of a value; nil where it has none.
  mutating func bits(of value: Value) -> Int64? {
    switch value {
    case .bool(let flag): return flag ? 1 : 0
    case .int(let number), .money(let number): return number
    case .uint(let number): return Int64(bitPattern: number)
    case .double(let number): return TimedOutcome.double(number)
    case .string(let text): return program.interner.number(of: text)
    case .timestamp(let instant): return ScalarValue.microseconds(instant)
    case .duration(let length): return ScalarValue.microseconds(length)
    case .null, .bytes, .list, .map, .type: return nil
    }
  }

  // MARK: Macros

  private mutating func comprehension(
    _ expression: Expression, _ macro: String, _ range: Expression, _ variable: String,
    _ arguments: [Expression]
  ) throws(Refusal) -> Int32 {
    guard macro == "all" || macro == "exists", arguments.count == 1,
      case .list(let elements) = range.kind, elements.count <= 64,
      elements.allSatisfy({ Self.isScalar(typeOf($0)) })
    else { return try tree(expression) }

    // Over a literal list the macro is a chain of && or ||, which moves with time as they do.
    let isAll = macro == "all"
    var result = constant(isAll ? 1 : 0, type: .bool)
    var nodes: [Int32] = []
    for (index, element) in elements.enumerated() {
      let node = try lower(element)
      nodes.append(node)
      locals.append((variable, node))
      let answer = try lower(arguments[0])
      locals.removeLast()
      guard type(answer) == .bool else { return try tree(expression) }
      result = index == 0 ? answer : logical(isAll ? .and : .or, result, answer)
    }
    for node in nodes.reversed() where !isConstant(node) { result = requiring(node, result) }
    return result
  }

  /// A condition that is an error where an element of its list is one: no list, no answer.
  private mutating func requiring(_ element: Int32, _ answer: Int32) -> Int32 {
    let switches = StaticMotion.stepping(motion(element).switches, switches: 0, .truth)
    return add(
      ProgramNode(operation: .conditional, a: element, b: answer, c: answer), type: .bool,
      motion: .logical(motion(answer), switches), reads: reads(element) | reads(answer))
  }

  mutating func logical(_ operation: ProgramNode.Operation, _ a: Int32, _ b: Int32) -> Int32 {
    binary(operation, a, b, type: .bool, motion: .logical(motion(a), motion(b)))
  }

  // MARK: Calls

  private mutating func call(
    _ expression: Expression, _ name: String, _ arguments: [Expression]
  ) throws(Refusal) -> Int32 {
    guard Self.isScalar(typeOf(expression)) else { return try tree(expression) }
    if name == "@in" { return try membership(expression, arguments) }
    guard arguments.allSatisfy({ Self.isScalar(typeOf($0)) }) else { return try tree(expression) }

    var nodes: [Int32] = []
    for argument in arguments { nodes.append(try lower(argument)) }
    let types = nodes.map { type($0) }
    switch name {
    case "_&&_": return logical(.and, nodes[0], nodes[1])
    case "_||_": return logical(.or, nodes[0], nodes[1])
    case "!_": return unary(.not, nodes[0], type: .bool, motion: motion(nodes[0]))
    case "_?_:_": return conditional(nodes, typeOf(expression))
    case "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_":
      if let node = try comparison(expression, name, nodes, types) { return node }
    case "since" where nodes.count == 1:
      guard let now = variables["now"] else { return try tree(expression) }
      return arithmetic(.timestampMinusTimestamp, now, nodes[0], .duration, -1)
    case "in_stage" where nodes.isEmpty:
      guard let now = variables["now"], let entered = variables["stage.entered_at"] else {
        return try tree(expression)
      }
      return arithmetic(.timestampMinusTimestamp, now, entered, .duration, -1)
    case "hours": return durationOf(nodes[0], unit: Microseconds.hour)
    case "days": return durationOf(nodes[0], unit: Microseconds.day)
    case "weeks": return durationOf(nodes[0], unit: 7 * Microseconds.day)
    case "_+_", "_-_", "_*_", "_/_", "_%_", "-_":
      if let node = arithmetic(name, nodes, types) { return node }
    case "int", "double", "uint", "string", "bool", "timestamp", "duration":
      if let node = conversion(name, nodes, types) { return node }
    default:
      if let node = try accessor(expression, name, arguments, nodes, types) { return node }
    }
    return try generalCall(expression, name, nodes, types)
  }

  private mutating func conditional(_ nodes: [Int32], _ type: Type) -> Int32 {
    let motion = StaticMotion.choice(motion(nodes[0]), motion(nodes[1]), motion(nodes[2]))
    return add(
      ProgramNode(operation: .conditional, a: nodes[0], b: nodes[1], c: nodes[2]), type: type,
      motion: motion, reads: reads(nodes[0]) | reads(nodes[1]) | reads(nodes[2]))
  }

  /// Nil where only the general evaluator compares such operands.
  private mutating func comparison(
    _ expression: Expression, _ name: String, _ nodes: [Int32], _ types: [Type]
  ) throws(Refusal) -> Int32? {
    guard let kind = ProgramNode.Comparison(function: name),
      let operation = Self.comparison(kind, types[0], types[1])
    else { return nil }
    let node = compare(operation, kind, nodes[0], nodes[1])
    if !motion(node).isSteady { throw tooOften(expression, nodes) }
    return node
  }

  private static func comparison(
    _ kind: ProgramNode.Comparison, _ left: Type, _ right: Type
  ) -> ProgramNode.Operation? {
    switch (left, right) {
    case (.bool, .bool), (.int, .int), (.money, .money), (.timestamp, .timestamp),
      (.duration, .duration):
      .compareBits
    case (.string, .string): kind == .equal || kind == .notEqual ? .compareBits : .compareString
    case (.double, .double): .compareDouble
    case (.int, .double): .compareIntDouble
    case (.double, .int): .compareDoubleInt
    default: nil
    }
  }

  private mutating func compare(
    _ operation: ProgramNode.Operation, _ kind: ProgramNode.Comparison, _ left: Int32,
    _ right: Int32
  ) -> Int32 {
    let (a, b) = (motion(left), motion(right))
    let isDecided = Interval.decide(kind, a.range, b.range) != nil
    let node = binary(
      operation, left, right, type: .bool,
      motion: .comparison(a, b, decided: isDecided))
    program.nodes[Int(node)].comparison = kind
    program.nodes[Int(node)].c = a.recurs || b.recurs ? 1 : 0
    return node
  }

  /// The refusal of a comparison: of the side that is too fast, or of the whole where both are together.
  private func tooOften(_ expression: Expression, _ nodes: [Int32]) -> Refusal {
    guard case .call(_, let target, let arguments) = expression.kind else {
      return refusal(expression, Self.tooOften)
    }
    let operands = (target.map { [$0] } ?? []) + arguments
    let fast = zip(operands, nodes).filter { motion($1).pieces > StaticMotion.fastest }
    return refusal(fast.count == 1 ? fast[0].0 : expression, Self.tooOften)
  }

  /// `in` a list that is written out: equality with each element, and an error where any of them is one.
  private mutating func membership(
    _ expression: Expression, _ arguments: [Expression]
  ) throws(Refusal) -> Int32 {
    guard case .list(let elements) = arguments[1].kind, Self.isScalar(typeOf(arguments[0])),
      typeOf(arguments[0]) != .uint,
      elements.allSatisfy({ typeOf($0) == typeOf(arguments[0]) })
    else { return try tree(expression) }
    let operand = try lower(arguments[0])
    var nodes: [Int32] = []
    for element in elements { nodes.append(try lower(element)) }
    let node =
      nodes.allSatisfy({ isConstant($0) }) && type(operand) != .double
      ? constantMembership(operand, nodes) : movingMembership(operand, nodes)
    if !motion(node).isSteady { throw tooOften(expression, [operand]) }
    return node
  }

  private mutating func constantMembership(_ operand: Int32, _ elements: [Int32]) -> Int32 {
    let moves = motion(operand)
    let isDecided = elements.allSatisfy {
      Interval.decide(.equal, moves.range, motion($0).range) != nil
    }
    let first = Int32(program.lists.count)
    program.lists += elements
    let node = unary(
      .inBits, operand, type: .bool, motion: .comparison(moves, .still, decided: isDecided),
      bits: moves.recurs ? 1 : 0, b: first)
    program.nodes[Int(node)].c = Int32(elements.count)
    return node
  }

  /// The list holds the elements, then their comparisons with the operand.
  private mutating func movingMembership(_ operand: Int32, _ elements: [Int32]) -> Int32 {
    let comparisons = elements.map { element in
      compare(type(operand) == .double ? .compareDouble : .compareBits, .equal, operand, element)
    }
    let first = Int32(program.lists.count)
    program.lists += elements + comparisons
    let moves = comparisons.reduce(StaticMotion.still(.truth)) { .logical($0, motion($1)) }
    let node = add(
      ProgramNode(operation: .inMoving, a: operand, b: first, c: Int32(elements.count)),
      type: .bool,
      motion: moves, reads: elements.reduce(reads(operand)) { $0 | reads($1) })
    return node
  }

  mutating func generalCall(
    _ expression: Expression, _ name: String, _ nodes: [Int32], _ types: [Type]
  ) throws(Refusal) -> Int32 {
    let moves = StaticMotion.function(of: nodes.map { motion($0) })
    guard moves.isSteady else { throw refusal(expression, Self.tooOften) }
    let resultType = typeOf(expression)
    if !nodes.isEmpty, nodes.allSatisfy({ isConstant($0) }) {
      let values = zip(nodes, types).map { node, type in
        ScalarValue.value(
          program.nodes[Int(node)].bits, type, interner: program.interner)
      }
      switch Functions.call(name, values) {
      case .success(let value):
        if let bits = bits(of: value) { return constant(bits, type: resultType) }
      case .failure:
        return add(ProgramNode(operation: .constantError), type: resultType, motion: .still)
      }
    }
    program.calls.append(
      LoweredCall(
        function: name, arguments: nodes, argumentTypes: types, resultType: resultType))
    let read = nodes.reduce(UInt64(0)) { $0 | reads($1) }
    return add(
      ProgramNode(operation: .call, a: Int32(program.calls.count - 1)), type: resultType,
      motion: moves, reads: read)
  }

  // MARK: Trees

  /// Leaves a part to the general evaluator.
  mutating func tree(_ expression: Expression) throws(Refusal) -> Int32 {
    var names: [String] = []
    collectVariables(expression, into: &names)
    var parts: [StaticMotion] = []
    var read: UInt64 = 0
    var bound: [(name: String, node: Int32, type: Type)] = []
    for name in names {
      guard let node = variables[name] else { continue }
      guard motion(node).isSteady else {
        throw refusal(expression, "`\(name)` moves with time inside it")
      }
      parts.append(motion(node))
      read |= reads(node)
      bound.append((name, node, type(node)))
    }
    let moves = StaticMotion.function(of: parts)
    guard moves.isSteady else { throw refusal(expression, Self.tooOften) }
    for local in locals where mentions(expression, local.name) {
      throw refusal(expression, "a macro inside a macro over `\(local.name)` is too deep")
    }
    let sub = CheckedExpression(
      source: source.source, expression: expression, types: source.types,
      references: source.references)
    program.trees.append(
      LoweredTree(expression: sub, variables: bound, resultType: typeOf(expression)))
    return add(
      ProgramNode(operation: .tree, a: Int32(program.trees.count - 1)), type: typeOf(expression),
      motion: moves, reads: read)
  }

  private func collectVariables(_ expression: Expression, into names: inout [String]) {
    func add(_ name: String) {
      if !names.contains(name) { names.append(name) }
    }
    if let name = source.references[expression.id] {
      add(name)
      return
    }
    switch expression.kind {
    case .literal, .identifier: break
    case .select(let operand, _, _): collectVariables(operand, into: &names)
    case .call(let name, let target, let arguments):
      if name == "since" || name == "in_stage" { add("now") }
      if name == "in_stage" { add("stage.entered_at") }
      if let target { collectVariables(target, into: &names) }
      for argument in arguments { collectVariables(argument, into: &names) }
    case .list(let elements):
      for element in elements { collectVariables(element, into: &names) }
    case .map(let pairs):
      for pair in pairs {
        collectVariables(pair.key, into: &names)
        collectVariables(pair.value, into: &names)
      }
    case .message(_, let fields):
      for field in fields { collectVariables(field.value, into: &names) }
    case .comprehension(_, let range, _, let arguments):
      collectVariables(range, into: &names)
      for argument in arguments { collectVariables(argument, into: &names) }
    }
  }

  private func mentions(_ expression: Expression, _ name: String) -> Bool {
    switch expression.kind {
    case .literal: return false
    case .identifier(let identifier): return identifier == name
    case .select(let operand, _, _): return mentions(operand, name)
    case .call(_, let target, let arguments):
      return (target.map { mentions($0, name) } ?? false)
        || arguments.contains { mentions($0, name) }
    case .list(let elements): return elements.contains { mentions($0, name) }
    case .map(let pairs):
      return pairs.contains { mentions($0.key, name) || mentions($0.value, name) }
    case .message(_, let fields): return fields.contains { mentions($0.value, name) }
    case .comprehension(_, let range, let variable, let arguments):
      return mentions(range, name)
        || (variable != name && arguments.contains { mentions($0, name) })
    }
  }
}
