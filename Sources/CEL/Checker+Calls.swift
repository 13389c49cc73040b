/// Functions and operators.
extension Checker {
  mutating func checkCall(
    _ node: Expression, _ name: String, _ target: Expression?, _ arguments: [Expression]
  ) throws(CompileError) -> Type {
    if let target, let qualified = try qualifiedFunction(name, on: target, at: node) {
      replacements[node.id] = .call(qualified, target: nil, arguments)
      return try checkArguments(node, qualified, arguments, isMember: false)
    }
    if target == nil && name.hasPrefix(".") {
      let plain = String(name.dropFirst())
      replacements[node.id] = .call(plain, target: nil, arguments)
      return try checkArguments(node, plain, arguments, isMember: false)
    }
    let operands = (target.map { [$0] } ?? []) + arguments
    return try checkArguments(node, name, operands, isMember: target != nil)
  }

  /// The full name of a call such as `math.abs(x)`; nil where the target is a value.
  private func qualifiedFunction(
    _ name: String, on target: Expression, at node: Expression
  ) throws(CompileError) -> String? {
    guard let prefix = qualifiedName(target),
      let first = prefix.split(separator: ".").first.map(String.init),
      Library.namespaces.contains(first), environment.variables[first] == nil
    else { return nil }
    let full = prefix + "." + name
    let isKnown =
      Library.variadic.contains(full) || !Library.overloads(full, environment).isEmpty
    if !isKnown {
      throw CompileError(
        code: .unsupported, message: "the function \(full)() is not available", range: node.range)
    }
    return full
  }

  private mutating func checkArguments(
    _ node: Expression, _ name: String, _ operands: [Expression], isMember: Bool
  ) throws(CompileError) -> Type {
    let overloads = Library.overloads(name, environment)
    let isKnown = !overloads.isEmpty || Library.variadic.contains(name)
    if !isKnown && (!isLenient || Library.unsupported[name] != nil) {
      if isMember, let target = operands.first { _ = try check(target) }
      throw unknownFunction(
        name, operands.count, node, isMember: isMember, on: isMember ? operands.first : nil)
    }
    var types: [Type] = []
    if isMember, let target = operands.first, overloads.allSatisfy({ !$0.isMember }) {
      let type = substitution.head(try check(target))
      if type == .duration, let remedy = memberHabit(of: name, on: target) {
        throw CompileError(
          code: .type, message: "durations have no \(name)(); \(remedy)", range: node.range)
      }
    }
    for operand in operands {
      do throws(CompileError) {
        types.append(try check(operand))
      } catch {
        throw unquoted(error, name, operands, types) ?? error
      }
    }
    if !isKnown { return .dyn }
    let type: Type
    if Library.variadic.contains(name) {
      type = try checkVariadic(node, name, operands, types)
    } else if name == "_?_:_" {
      type = try checkConditional(node, operands, types)
    } else {
      adoptZero(name, operands, &types)
      type = try resolve(node, name, overloads, operands, types, isMember: isMember)
    }
    try checkMeaning(node, name, operands)
    return try fold(node, name, operands, type)
  }

  /// `channel == app`: what stands beside a text is a text without its quotes.
  private func unquoted(
    _ error: CompileError, _ name: String, _ operands: [Expression], _ types: [Type]
  ) -> CompileError? {
    guard error.code == .undeclared, types.count == 1, substitution.head(types[0]) == .string,
      Library.equalities.contains(name) || name == "@in"
    else { return nil }
    let members: [Expression]
    if case .list(let elements) = operands[1].kind {
      members = elements
    } else {
      members = operands
    }
    for member in members where member.range == error.range {
      guard case .identifier(let word) = member.kind else { continue }
      return CompileError(
        code: .undeclared, message: "unknown name '\(word)'; a text stands in quotes: '\(word)'",
        range: error.range)
    }
    return nil
  }

  private func undeclared(_ name: String, _ remedy: String, _ node: Expression) -> CompileError {
    let start = node.range.lowerBound
    return CompileError(
      code: .undeclared, message: "unknown function '\(name)'\(remedy)",
      range: start..<(start + name.utf8.count))
  }

  private func unknownFunction(
    _ name: String, _ count: Int, _ node: Expression, isMember: Bool, on target: Expression?
  ) -> CompileError {
    if isMember, ["all", "exists", "exists_one", "filter", "map"].contains(name) {
      if count == 4 && name != "filter" && name != "map" {
        return CompileError(
          code: .unsupported, message: "two-variable comprehensions (\(name)()) are not available",
          range: node.range)
      }
      return CompileError(
        code: .type,
        message: "\(name)() takes a name and an expression, as in list.\(name)(x, …)",
        range: node.range)
    }
    if let remedy = target.flatMap({ memberHabit(of: name, on: $0) }) {
      return CompileError(
        code: .undeclared, message: "unknown function '\(name)'; \(remedy)", range: node.range)
    }
    if !isMember, let remedy = habit(of: name, kind: "function") {
      return undeclared(name, remedy, node)
    }
    if let feature = Library.unsupported[name] {
      return CompileError(
        code: .unsupported, message: "\(name)() is not available (\(feature))", range: node.range)
    }
    if name == "in_stage" || name == "since" || environment.variables[name] != nil {
      let message =
        environment.variables[name] != nil
        ? "'\(name)' is a variable, not a function" : "\(name)() is not available here"
      return CompileError(code: .undeclared, message: message, range: node.range)
    }
    let start = node.range.lowerBound
    return undeclared(
      name, kind: "function", range: isMember ? node.range : start..<(start + name.utf8.count))
  }

  /// Picks the overloads that take these types; several give `dyn` unless their results agree.
  private mutating func resolve(
    _ node: Expression, _ name: String, _ overloads: [Overload], _ operands: [Expression],
    _ types: [Type], isMember: Bool
  ) throws(CompileError) -> Type {
    if Library.equalities.contains(name) || Library.orderings.contains(name),
      environment.comparesMixedNumbers, types.allSatisfy({ substitution.head($0).isNumber })
    {
      return .bool
    }
    var result: Type?
    var chosen: [Type] = []
    var matches = 0
    let mark = substitution.mark
    for overload in overloads
    where overload.isMember == isMember && overload.parameters.count == types.count {
      let signature = substitution.instantiate(overload.parameters + [overload.result])
      if unify(signature, types) {
        matches += 1
        let found = substitution.resolve(signature[types.count])
        if matches == 1 {
          result = found
          chosen = signature
        } else if result != found {
          result = .dyn
        }
      }
      substitution.undo(to: mark)
    }
    if let result {
      // Of several that fit, the first must not decide what an open type parameter stands for.
      return matches == 1 && unify(chosen, types)
        ? substitution.resolve(chosen[types.count]) : result
    }
    if isLenient { return .dyn }
    throw mismatch(node, name, overloads, operands, types, isMember: isMember)
  }

  private mutating func unify(_ signature: [Type], _ types: [Type]) -> Bool {
    for (parameter, type) in zip(signature, types) where !substitution.unify(parameter, type) {
      return false
    }
    return true
  }

  private mutating func checkConditional(
    _ node: Expression, _ operands: [Expression], _ types: [Type]
  ) throws(CompileError) -> Type {
    var types = types
    for index in 1...2 where environment.money != nil {
      let isBesideMoney = substitution.head(types[3 - index]) == .money
      if isBesideMoney, adoptZero(operands[index]) { types[index] = .money }
    }
    if substitution.unifyOrUndo(.bool, types[0]), substitution.unifyOrUndo(types[1], types[2]) {
      return substitution.moreGeneral(types[1], types[2])
    }
    if isLenient { return .dyn }
    for index in 1...2 where substitution.head(types[3 - index]) == .money {
      if substitution.head(types[index]).isNumber {
        throw bareNumber(operands[index], in: node.range)
      }
    }
    throw mismatch(node, "_?_:_", [], operands, types, isMember: false)
  }

  private mutating func checkVariadic(
    _ node: Expression, _ name: String, _ operands: [Expression], _ types: [Type]
  ) throws(CompileError) -> Type {
    var members = types.map { substitution.resolve($0) }
    if members.count == 1, case .list(let element) = members[0] { members = [element] }
    func isAllowed(_ type: Type) -> Bool {
      switch type {
      case .dyn, .parameter: true
      case .money: environment.money != nil
      default: type.isNumber
      }
    }
    let isMixedMoney = members.contains(.money) && members.contains { $0.isNumber }
    if members.isEmpty || isMixedMoney || !members.allSatisfy(isAllowed) {
      if isLenient { return .dyn }
      if isMixedMoney {
        let bare = zip(operands, members).first { $0.1.isNumber }?.0
        throw bareNumber(bare, in: node.range)
      }
      throw mismatch(node, name, [], operands, types, isMember: false)
    }
    return members.allSatisfy { $0 == members[0] } ? members[0] : .dyn
  }

  /// What a signature cannot say: constants that are needed, variables that our functions read.
  private func checkMeaning(
    _ node: Expression, _ name: String, _ operands: [Expression]
  ) throws(CompileError) {
    if name == "since" || name == "in_stage" {
      let needed = name == "since" ? ["now"] : ["now", "stage.entered_at"]
      if needed.contains(where: { environment.variables[$0] != .timestamp }) {
        throw CompileError(
          code: .undeclared, message: "\(name)() is not available here", range: node.range)
      }
    }
    if environment.rejectsMalformedConstants, name.hasPrefix("get"), operands.count == 2,
      case .literal(.string(let zone)) = operands[1].kind, Calendar.offset(zone) == nil
    {
      throw CompileError(
        code: .literal, message: Functions.unknownZone(zone), range: operands[1].range)
    }
    if name == "money" {
      guard case .literal(.string) = operands.first?.kind else {
        throw CompileError(
          code: .type, message: "money() takes a constant string, as in \(moneyExample())",
          range: operands.first?.range ?? node.range)
      }
    }
  }
}
