extension Environment {
  /// Parses and type-checks an expression.
  ///
  /// The tree that comes back is the written one but for four things: a function of a namespace is one call
  /// named `math.abs` without target, a type's name and `money("…")` are literals, and the literal 0 beside
  /// money is a money literal.
  ///
  /// - Throws: the leftmost innermost error, with the bytes of the text at fault.
  public func check(_ text: String) throws(CompileError) -> CheckedExpression {
    try check(text, isLenient: false)
  }

  /// With `isLenient`, what only the run can tell is left to it: mismatched types and unknown names are error
  /// values (CEL without its checker).
  func check(_ text: String, isLenient: Bool) throws(CompileError) -> CheckedExpression {
    let tree = try Parser.parse(text, inRules: hasLifecycleFunctions)
    var checker = Checker(
      environment: self, source: Array(text.utf8), nodeCount: tree.nodeCount, isLenient: isLenient)
    do throws(CompileError) {
      _ = try checker.check(tree.root)
    } catch {
      throw checker.consequence(within: error.range) ?? error
    }
    if let consequence = checker.consequence(within: 0..<text.utf8.count) { throw consequence }
    let checked = CheckedExpression(
      source: text, expression: checker.rewritten(tree.root), types: checker.finalTypes(),
      references: checker.references)
    if !isLenient, let fault = checked.unknownText(closedTexts) { throw fault }
    return checked
  }
}

/// Finds the type of every node.
struct Checker {
  let environment: Environment
  let source: [UInt8]
  let isLenient: Bool
  /// Where names of ``Environment/unknownNames`` were read.
  var unknownReads: [Range<Int>] = []
  var references: [Int: String] = [:]
  var substitution = Substitution()
  /// Variables of the macros around the node being checked, innermost last.
  var locals: [(name: String, type: Type)] = []
  /// What a node is to become, by id.
  var replacements: [Int: Expression.Kind] = [:]
  /// Values of nodes that need no variable, by id.
  var constants: [Int: Value] = [:]
  private var types: [Type]

  init(environment: Environment, source: [UInt8], nodeCount: Int, isLenient: Bool) {
    self.environment = environment
    self.source = source
    self.isLenient = isLenient
    types = Array(repeating: .dyn, count: nodeCount)
  }

  func finalTypes() -> [Type] {
    types.map { substitution.resolve($0, isFinal: true) }
  }

  /// What becomes of an error that may be due to a name of unknown type; nil where it is not.
  func consequence(within range: Range<Int>) -> CompileError? {
    unknownReads.first { range.contains($0.lowerBound) && range.upperBound >= $0.upperBound }.map {
      CompileError(
        code: .consequence, message: "the definition of this name has an error", range: $0)
    }
  }

  /// The text of a node, for messages.
  func text(_ node: Expression) -> String {
    String(decoding: source[node.range], as: UTF8.self)
  }

  /// The type found for a node that was checked.
  func typeOf(_ node: Expression) -> Type { types[node.id] }

  mutating func setType(_ type: Type, of node: Expression) {
    types[node.id] = type
  }

  /// Checks the node and what is below it, and returns its type.
  mutating func check(_ node: Expression) throws(CompileError) -> Type {
    let type = try findType(node)
    types[node.id] = type
    return type
  }

  private mutating func findType(_ node: Expression) throws(CompileError) -> Type {
    switch node.kind {
    case .literal(let value):
      constants[node.id] = value
      return value.type
    case .identifier, .select:
      return try checkName(node)
    case .call(let name, let target, let arguments):
      return try checkCall(node, name, target, arguments)
    case .list(let elements):
      return .list(try commonType(elements))
    case .map(let entries):
      return try checkMap(entries)
    case .message(let name, _):
      throw CompileError(
        code: .unsupported, message: "messages ('\(name){…}') are not available", range: node.range)
    case .comprehension(let macro, let range, let variable, let arguments):
      return try checkComprehension(macro, range, variable, arguments)
    }
  }

  // MARK: Lists and maps

  private mutating func commonType(_ elements: [Expression]) throws(CompileError) -> Type {
    if elements.isEmpty { return substitution.fresh() }
    var common: Type?
    for element in elements {
      let type = try check(element)
      common = try join(common, type, at: element, first: elements[0])
    }
    return common ?? .dyn
  }

  private mutating func join(
    _ common: Type?, _ type: Type, at node: Expression, first: Expression
  ) throws(CompileError) -> Type {
    guard let common else { return type }
    if substitution.unifyOrUndo(common, type) { return substitution.moreGeneral(common, type) }
    let a = substitution.head(common)
    let b = substitution.head(type)
    if !isLenient && ((a == .money && b.isNumber) || (a.isNumber && b == .money)) {
      throw bareNumber(b == .money ? first : node, in: node.range)
    }
    return .dyn
  }

  private mutating func checkMap(
    _ entries: [(key: Expression, value: Expression)]
  ) throws(CompileError) -> Type {
    var keys: Type?
    var values: Type?
    for entry in entries {
      let keyType = try check(entry.key)
      switch substitution.head(keyType) {
      case .int, .uint, .bool, .string, .dyn, .parameter: break
      case let other:
        if !isLenient {
          throw CompileError(
            code: .type, message: "a key of a map is an int, uint, bool or string, not \(other)",
            range: entry.key.range)
        }
      }
      keys = try join(keys, keyType, at: entry.key, first: entries[0].key)
      let valueType = try check(entry.value)
      values = try join(values, valueType, at: entry.value, first: entries[0].value)
    }
    return .map(keys ?? substitution.fresh(), values ?? substitution.fresh())
  }

  // MARK: Macros

  private mutating func checkComprehension(
    _ macro: String, _ range: Expression, _ variable: String, _ arguments: [Expression]
  ) throws(CompileError) -> Type {
    let element: Type
    let rangeType = try check(range)
    switch substitution.head(rangeType) {
    case .list(let type): element = type
    case .map(let key, _): element = key
    case .dyn, .parameter: element = .dyn
    case let other:
      if !isLenient {
        throw CompileError(
          code: .type, message: "\(macro)() goes over a list or a map, not over \(other)",
          range: range.range)
      }
      element = .dyn
    }
    locals.append((variable, element))
    defer { locals.removeLast() }
    let isTransform = macro == "map"
    for (index, argument) in arguments.enumerated() {
      let type = try check(argument)
      let isResult = isTransform && index == arguments.count - 1
      if isResult { return .list(type) }
      if !substitution.unifyOrUndo(.bool, type) && !isLenient {
        throw CompileError(
          code: .type,
          message: "the condition of \(macro)() is a bool, not \(substitution.resolve(type))",
          range: argument.range)
      }
    }
    return macro == "filter" ? .list(element) : .bool
  }

  // MARK: Rewriting

  /// The tree with the replacements made.
  func rewritten(_ node: Expression) -> Expression {
    if replacements.isEmpty { return node }
    let kind: Expression.Kind
    switch replacements[node.id] ?? node.kind {
    case .literal(let value):
      kind = .literal(value)
    case .identifier(let name):
      kind = .identifier(name)
    case .select(let operand, let field, let test):
      kind = .select(rewritten(operand), field: field, test: test)
    case .call(let name, let target, let arguments):
      kind = .call(name, target: target.map(rewritten), arguments.map(rewritten))
    case .list(let elements):
      kind = .list(elements.map(rewritten))
    case .map(let entries):
      kind = .map(entries.map { (rewritten($0.key), rewritten($0.value)) })
    case .message(let name, let fields):
      kind = .message(name, fields.map { ($0.field, rewritten($0.value)) })
    case .comprehension(let macro, let range, let variable, let arguments):
      kind = .comprehension(
        macro: macro, range: rewritten(range), variable: variable,
        arguments: arguments.map(rewritten))
    }
    return Expression(id: node.id, range: node.range, kind: kind)
  }
}
