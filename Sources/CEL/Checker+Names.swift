/// Names and selections: which declared variable a chain such as `facts.visits` means.
extension Checker {
  /// An identifier and the selections on it, innermost first.
  private struct Chain {
    var nodes: [Expression]
    var names: [String]
    var isRooted: Bool
  }

  private func chain(_ node: Expression) -> Chain? {
    var nodes = [node]
    var names: [String] = []
    var current = node
    while case .select(let operand, let field, let test) = current.kind {
      if test && current.id != node.id { return nil }
      names.append(field)
      nodes.append(operand)
      current = operand
    }
    guard case .identifier(let first) = current.kind else { return nil }
    let isRooted = first.hasPrefix(".")
    names.append(isRooted ? String(first.dropFirst()) : first)
    return Chain(nodes: nodes.reversed(), names: names.reversed(), isRooted: isRooted)
  }

  /// The dotted name of a chain that a macro's variable does not start, else nil.
  func qualifiedName(_ node: Expression) -> String? {
    guard let chain = chain(node) else { return nil }
    if !chain.isRooted && local(chain.names[0]) != nil { return nil }
    return chain.names.joined(separator: ".")
  }

  private func local(_ name: String) -> Type? {
    locals.last { $0.name == name }?.type
  }

  mutating func checkName(_ node: Expression) throws(CompileError) -> Type {
    guard let chain = chain(node) else {
      guard case .select(let operand, let field, let test) = node.kind else { return .dyn }
      let type = try check(operand)
      return try select(field, of: type, at: node, isTest: test)
    }
    var type: Type
    var used: Int
    if !chain.isRooted, let local = local(chain.names[0]) {
      (type, used) = (local, 1)
    } else if let variable = longestVariable(chain) {
      (type, used) = (variable.type, variable.length)
      references[chain.nodes[used - 1].id] = variable.name
    } else if let denoted = denotedType(chain) {
      (type, used) = (.type, denoted.length)
      replacements[chain.nodes[used - 1].id] = .literal(.type(denoted.type))
      constants[chain.nodes[used - 1].id] = .type(denoted.type)
    } else if let length = unknownName(chain) {
      (type, used) = (.dyn, length)
      unknownReads.append(range(of: chain.nodes[length - 1]))
    } else if isLenient {
      (type, used) = (.dyn, 1)
      references[chain.nodes[0].id] = chain.names[0]
    } else {
      throw undeclared(chain)
    }
    setType(type, of: chain.nodes[used - 1])
    if used == chain.nodes.count, case .select(_, _, true) = node.kind { return .bool }
    while used < chain.nodes.count {
      let next = chain.nodes[used]
      var isTest = false
      if case .select(_, _, let test) = next.kind { isTest = test }
      type = try select(chain.names[used], of: type, at: next, isTest: isTest)
      setType(type, of: next)
      used += 1
    }
    return type
  }

  private func longestVariable(_ chain: Chain) -> (name: String, type: Type, length: Int)? {
    var name = chain.names[0]
    var best: (name: String, type: Type, length: Int)?
    for length in 1...chain.names.count {
      if length > 1 { name += "." + chain.names[length - 1] }
      if let type = environment.variables[name] { best = (name, type, length) }
    }
    return best
  }

  /// How many parts of the chain name something whose definition has an error; nil where none does.
  private func unknownName(_ chain: Chain) -> Int? {
    if environment.unknownNames.isEmpty { return nil }
    var name = chain.names[0]
    for length in 1...chain.names.count {
      if length > 1 { name += "." + chain.names[length - 1] }
      if environment.unknownNames.contains(name) { return length }
      if length < chain.names.count, environment.unknownNames.contains(name + ".") {
        return length + 1
      }
    }
    let isGroup = environment.variables.keys.contains { $0.hasPrefix(chain.names[0] + ".") }
    return environment.unknownNames.contains("") && !isGroup ? 1 : nil
  }

  private func denotedType(_ chain: Chain) -> (type: Type, length: Int)? {
    switch chain.names[0] {
    case "null_type": return (.null, 1)
    case "bool": return (.bool, 1)
    case "int": return (.int, 1)
    case "uint": return (.uint, 1)
    case "double": return (.double, 1)
    case "string": return (.string, 1)
    case "bytes": return (.bytes, 1)
    case "list": return (.list(.dyn), 1)
    case "map": return (.map(.dyn, .dyn), 1)
    case "type": return (.type, 1)
    case "google" where chain.names.count >= 3 && chain.names[1] == "protobuf":
      switch chain.names[2] {
      case "Timestamp": return (.timestamp, 3)
      case "Duration": return (.duration, 3)
      default: return nil
      }
    default: return nil
    }
  }

  private mutating func select(
    _ field: String, of type: Type, at node: Expression, isTest: Bool
  ) throws(CompileError) -> Type {
    var found: Type = .dyn
    switch substitution.head(type) {
    case .map(let key, let value):
      if !substitution.unifyOrUndo(key, .string) && !isLenient {
        throw CompileError(
          code: .type,
          message: "a map with keys of type \(substitution.resolve(key)) has no fields",
          range: node.range)
      }
      found = value
    case .dyn, .parameter: break
    case let other:
      if !isLenient {
        throw CompileError(
          code: .type, message: "\(other) has no field '\(field)'", range: node.range)
      }
    }
    return isTest ? .bool : found
  }

  // MARK: Unknown names

  private func undeclared(_ chain: Chain) -> CompileError {
    let declared = environment.variables.keys.sorted()
    var known = 0
    var prefix = ""
    for name in chain.names {
      let longer = prefix + name + "."
      if !declared.contains(where: { $0.hasPrefix(longer) }) { break }
      prefix = longer
      known += 1
    }
    var length = min(known + 1, chain.names.count)
    if known == chain.names.count {
      let named = prefix + "name"
      let example =
        declared.contains(named) ? named : declared.first { $0.hasPrefix(prefix) } ?? ""
      return CompileError(
        code: .undeclared,
        message:
          "'\(prefix.dropLast())' alone has no value; name what is in it, such as '\(example)'",
        range: chain.nodes[length - 1].range)
    }
    if known > 0 { length = known + 1 }
    // Of a group that is unknown as a whole, the member that was meant tells more.
    if known == 0 && chain.names.count > 1 { length = 2 }
    let name = chain.names[..<length].joined(separator: ".")
    let start = chain.nodes[length - 1].range
    if chain.names.count == 1, !Library.overloads(name, environment).isEmpty {
      return CompileError(
        code: .undeclared, message: "'\(name)' is a function; call it as \(name)(…)", range: start)
    }
    return undeclared(name, kind: "name", range: range(of: chain.nodes[length - 1]))
  }

  /// A `has(a.b)` node spans its call; the fault lies in what stands inside.
  private func range(of node: Expression) -> Range<Int> {
    if case .select(let operand, let field, true) = node.kind {
      let start = operand.range.lowerBound
      return start..<(operand.range.upperBound + 1 + field.utf8.count)
    }
    return node.range
  }

  func undeclared(_ name: String, kind: String, range: Range<Int>) -> CompileError {
    let hint = habit(of: name, kind: kind) ?? near(name, kind: kind)
    return CompileError(
      code: .undeclared, message: "unknown \(kind) '\(name)'\(hint ?? "")", range: range)
  }

  private func near(_ name: String, kind: String) -> String? {
    let functions = Library.functionNames(environment)
    let variables = environment.variables.keys.sorted() + locals.map(\.name)
    return Suggestion.nearest(
      to: name, among: kind == "name" ? variables + functions : functions + variables
    ).map { "; did you mean '\($0)'?" }
  }
}
