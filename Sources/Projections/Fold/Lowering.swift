import CEL

/// Turns checked expressions into nodes on 64-bit values, and refuses what time could change at instants
/// that cannot be computed.
struct Lowering {
  var program = Program()
  private(set) var motions: [StaticMotion] = []
  /// Nodes of declared variables; made by the caller before an expression that reads them is lowered.
  var variables: [String: Int32] = [:]
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
    _ node: Node, type: Type, motion: StaticMotion, reads: UInt64 = 0
  ) -> Int32 {
    program.nodes.append(node)
    program.types.append(type)
    program.reads.append(reads)
    motions.append(motion)
    return Int32(program.nodes.count - 1)
  }

  mutating func constant(_ bits: Int64, type: Type) -> Int32 {
    let nonNegative = type == .int && bits >= 0
    return add(
      Node(operation: .constant, bits: bits), type: type,
      motion: nonNegative ? .nonNegative : .still)
  }

  func motion(_ node: Int32) -> StaticMotion { motions[Int(node)] }
  func type(_ node: Int32) -> Type { program.types[Int(node)] }
  func reads(_ node: Int32) -> UInt64 { program.reads[Int(node)] }
  func isConstant(_ node: Int32) -> Bool {
    program.nodes[Int(node)].operation == .constant
  }

  mutating func unary(
    _ operation: Node.Operation, _ a: Int32, type: Type, motion: StaticMotion, bits: Int64 = 0,
    b: Int32 = 0
  ) -> Int32 {
    add(
      Node(operation: operation, a: a, b: b, bits: bits), type: type, motion: motion,
      reads: reads(a))
  }

  mutating func binary(
    _ operation: Node.Operation, _ a: Int32, _ b: Int32, type: Type, motion: StaticMotion
  ) -> Int32 {
    add(
      Node(operation: operation, a: a, b: b), type: type, motion: motion,
      reads: reads(a) | reads(b))
  }

  // MARK: Expressions

  /// Lowers one text.
  mutating func lower(_ checked: CheckedExpression) throws(Refusal) -> LoweredExpression {
    source = checked
    nodeOf = Array(repeating: -1, count: checked.types.count)
    locals = []
    let root = try lower(checked.expression)
    return LoweredExpression(root: root, nodeOf: nodeOf, checked: checked)
  }

  func textOf(_ expression: Expression) -> String {
    let bytes = Array(source.source.utf8)
    let range = expression.range.clamped(to: 0..<bytes.count)
    return String(decoding: bytes[range], as: UTF8.self)
  }

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
        return unary(.has, leaf, type: .bool, motion: .stepping(motion(leaf).pieces))
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
    case .double(let number): return Outcome.double(number)
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
    for (index, element) in elements.enumerated() {
      let node = try lower(element)
      locals.append((variable, node))
      let answer = try lower(arguments[0])
      locals.removeLast()
      guard type(answer) == .bool else { return try tree(expression) }
      result = index == 0 ? answer : logical(isAll ? .and : .or, result, answer)
    }
    return result
  }

  mutating func logical(_ operation: Node.Operation, _ a: Int32, _ b: Int32) -> Int32 {
    binary(
      operation, a, b, type: .bool, motion: .stepping(min(motion(a).step, motion(b).step)))
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
      return try comparison(expression, name, nodes, types)
    case "since" where nodes.count == 1:
      guard let now = variables["now"] else { return try tree(expression) }
      return try arithmetic(expression, .timestampMinusTimestamp, now, nodes[0], .duration, -1)
    case "in_stage" where nodes.isEmpty:
      guard let now = variables["now"], let entered = variables["stage.entered_at"] else {
        return try tree(expression)
      }
      return try arithmetic(expression, .timestampMinusTimestamp, now, entered, .duration, -1)
    case "hours": return try durationOf(expression, nodes[0], unit: Microseconds.hour)
    case "days": return try durationOf(expression, nodes[0], unit: Microseconds.day)
    case "weeks": return try durationOf(expression, nodes[0], unit: 7 * Microseconds.day)
    case "_+_", "_-_", "_*_", "_/_", "_%_", "-_":
      if let node = try arithmetic(expression, name, nodes, types) { return node }
    case "int", "double", "uint", "string", "bool", "timestamp", "duration":
      if let node = conversion(expression, name, nodes, types) { return node }
    default:
      if let node = try accessor(expression, name, arguments, nodes, types) { return node }
    }
    return try generalCall(expression, name, nodes, types)
  }

  private mutating func conditional(_ nodes: [Int32], _ type: Type) -> Int32 {
    let motion = StaticMotion.choice(
      motion(nodes[1]), motion(nodes[2]), switching: motion(nodes[0]).step)
    return add(
      Node(operation: .conditional, a: nodes[0], b: nodes[1], c: nodes[2]), type: type,
      motion: motion, reads: reads(nodes[0]) | reads(nodes[1]) | reads(nodes[2]))
  }

  private mutating func comparison(
    _ expression: Expression, _ name: String, _ nodes: [Int32], _ types: [Type]
  ) throws(Refusal) -> Int32 {
    let kind: Node.Comparison =
      switch name {
      case "_==_": .equal
      case "_!=_": .notEqual
      case "_<_": .less
      case "_<=_": .lessOrEqual
      case "_>_": .greater
      default: .greaterOrEqual
      }
    let isEquality = kind == .equal || kind == .notEqual
    let operation: Node.Operation
    switch (types[0], types[1]) {
    case (.bool, .bool), (.int, .int), (.money, .money), (.timestamp, .timestamp),
      (.duration, .duration):
      operation = .compareBits
    case (.string, .string): operation = isEquality ? .compareBits : .compareString
    case (.double, .double): operation = .compareDouble
    case (.int, .double): operation = .compareIntDouble
    case (.double, .int): operation = .compareDoubleInt
    default: return try generalCall(expression, name, nodes, types)
    }
    guard let moves = StaticMotion.comparison(motion(nodes[0]), motion(nodes[1])) else {
      throw refusal(expression, "both sides change more often than once a minute")
    }
    let node = binary(operation, nodes[0], nodes[1], type: .bool, motion: moves)
    program.nodes[Int(node)].comparison = kind
    return node
  }

  private mutating func membership(
    _ expression: Expression, _ arguments: [Expression]
  ) throws(Refusal) -> Int32 {
    guard case .list(let elements) = arguments[1].kind, Self.isScalar(typeOf(arguments[0])),
      typeOf(arguments[0]) != .double, typeOf(arguments[0]) != .uint
    else { return try tree(expression) }
    let operand = try lower(arguments[0])
    var nodes: [Int32] = []
    for element in elements {
      guard typeOf(element) == type(operand) else { return try tree(expression) }
      let node = try lower(element)
      guard isConstant(node) else { return try tree(expression) }
      nodes.append(node)
    }
    let moves = motion(operand)
    let changes: StaticMotion
    switch moves.kind {
    case .still, .linear, .monotone: changes = .stepping(moves.pieces)
    case .stepping: changes = .stepping(moves.step)
    }
    let first = Int32(program.lists.count)
    program.lists += nodes
    let node = unary(.inBits, operand, type: .bool, motion: changes, b: first)
    program.nodes[Int(node)].c = Int32(nodes.count)
    return node
  }

  mutating func generalCall(
    _ expression: Expression, _ name: String, _ nodes: [Int32], _ types: [Type]
  ) throws(Refusal) -> Int32 {
    var step = Microseconds.never
    for node in nodes {
      guard motion(node).isSteady else {
        throw refusal(expression, "it may change more often than once a minute")
      }
      step = min(step, motion(node).step)
    }
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
        return add(Node(operation: .constantError), type: resultType, motion: .still)
      }
    }
    program.calls.append(
      LoweredCall(
        function: name, arguments: nodes, argumentTypes: types, resultType: resultType))
    let read = nodes.reduce(UInt64(0)) { $0 | reads($1) }
    return add(
      Node(operation: .call, a: Int32(program.calls.count - 1)), type: resultType,
      motion: .stepping(step), reads: read)
  }

  // MARK: Trees

  /// Leaves a part to the general evaluator.
  mutating func tree(_ expression: Expression) throws(Refusal) -> Int32 {
    var names: [String] = []
    collectVariables(expression, into: &names)
    var step = Microseconds.never
    var read: UInt64 = 0
    var bound: [(name: String, node: Int32, type: Type)] = []
    for name in names {
      guard let node = variables[name] else { continue }
      guard motion(node).isSteady else {
        throw refusal(expression, "`\(name)` moves with time inside it")
      }
      step = min(step, motion(node).step)
      read |= reads(node)
      bound.append((name, node, type(node)))
    }
    for local in locals where mentions(expression, local.name) {
      throw refusal(expression, "a macro inside a macro over `\(local.name)` is too deep")
    }
    let sub = CheckedExpression(
      source: source.source, expression: expression, types: source.types,
      references: source.references)
    program.trees.append(
      LoweredTree(expression: sub, variables: bound, resultType: typeOf(expression)))
    return add(
      Node(operation: .tree, a: Int32(program.trees.count - 1)), type: typeOf(expression),
      motion: .stepping(step), reads: read)
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
