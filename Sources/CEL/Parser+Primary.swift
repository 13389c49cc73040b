/// Literals, names, brackets and what may follow them: `.field`, `.call()`, `[index]`.
extension Parser {
  mutating func primary() throws(CompileError) -> Part {
    let token = current
    switch token.kind {
    case .int(let digits):
      return try literal(.int(try integer(digits, token.range)))
    case .uint(let digits):
      return try literal(.uint(try unsignedInteger(digits, token.range)))
    case .double(let value):
      return try literal(.double(value))
    case .string(let text):
      return try literal(.string(text))
    case .bytes(let bytes):
      return try literal(.bytes(bytes))
    case .identifier("true"):
      return try literal(.bool(true))
    case .identifier("false"):
      return try literal(.bool(false))
    case .identifier("null"):
      return try literal(.null)
    case .identifier(let name):
      return try nameOrCall(name, prefix: "", start: token.range.lowerBound)
    case .sign(.dot):
      advance()
      guard case .identifier(let name) = current.kind else {
        throw unexpected(expecting: "a name after the dot")
      }
      return try nameOrCall(name, prefix: ".", start: token.range.lowerBound)
    case .sign(.openParenthesis):
      advance()
      let inner = try expression()
      let end = try expect(.closeParenthesis)
      return Part(node: inner.node, range: token.range.lowerBound..<end, isEnclosed: true)
    case .sign(.openBracket):
      return try list()
    case .sign(.openBrace):
      return try map()
    default:
      throw unexpected(expecting: "a value")
    }
  }

  private mutating func literal(_ value: Value) throws(CompileError) -> Part {
    let range = current.range
    advance()
    return Part(node: try node(.literal(value), range), range: range, isEnclosed: true)
  }

  private mutating func nameOrCall(
    _ name: String, prefix: String, start: Int
  ) throws(CompileError) -> Part {
    if Self.reserved.contains(name) { throw unexpected() }
    let nameRange = start..<current.range.upperBound
    advance()
    if !isAt(.openParenthesis) {
      return Part(node: try node(.identifier(prefix + name), nameRange), range: nameRange)
    }
    let (arguments, end) = try callArguments()
    let range = start..<end
    if name == "has" && prefix.isEmpty {
      return Part(node: try presence(arguments, range), range: range, isEnclosed: true)
    }
    let nodes = arguments.map(\.node)
    return Part(
      node: try node(.call(prefix + name, target: nil, nodes), range, over: nodes), range: range,
      isEnclosed: true)
  }

  private mutating func presence(
    _ arguments: [Part], _ range: Range<Int>
  ) throws(CompileError) -> Expression {
    guard arguments.count == 1, case .select(let operand, let field, false) = arguments[0].node.kind
    else {
      throw CompileError(
        code: .syntax, message: "has() takes one selection of a field, as in has(facts.x)",
        range: arguments.count == 1 ? arguments[0].range : range)
    }
    return try node(.select(operand, field: field, test: true), range, over: [operand])
  }

  /// The suffixes of a member expression.
  mutating func members(of primary: Part) throws(CompileError) -> Part {
    var part = primary
    while true {
      if isAt(.dot) {
        part = try fieldOrCall(of: part)
      } else if isAt(.openBracket) {
        part = try subscripted(part)
      } else if isAt(.openBrace), !part.isEnclosed, let name = qualifiedName(part.node) {
        part = try message(name, part)
      } else {
        return part
      }
    }
  }

  private mutating func fieldOrCall(of target: Part) throws(CompileError) -> Part {
    advance()
    if isAt(.questionMark) { throw optionalsUnsupported() }
    let name: String
    var isQuoted = false
    switch current.kind {
    case .identifier(let text) where !["in", "true", "false", "null"].contains(text):
      name = text
    case .quotedIdentifier(let text):
      name = text
      isQuoted = true
    default:
      throw unexpected(expecting: "a field name after the dot")
    }
    let nameEnd = current.range.upperBound
    advance()
    if isAt(.openParenthesis) && !isQuoted { return try memberCall(name, on: target) }
    let range = target.range.lowerBound..<nameEnd
    return Part(
      node: try node(
        .select(target.node, field: name, test: false), range, over: [target.node]), range: range,
      isEnclosed: target.isEnclosed || isQuoted)
  }

  private mutating func memberCall(
    _ name: String, on target: Part
  ) throws(CompileError) -> Part {
    let (arguments, end) = try callArguments()
    let range = target.range.lowerBound..<end
    let nodes = arguments.map(\.node)
    let isMacro: Bool
    switch name {
    case "all", "exists", "exists_one", "filter": isMacro = nodes.count == 2
    case "map": isMacro = nodes.count == 2 || nodes.count == 3
    default: isMacro = false
    }
    if isMacro {
      guard case .identifier(let variable) = nodes[0].kind, !variable.hasPrefix(".") else {
        throw CompileError(
          code: .syntax, message: "the first argument of \(name)() is a plain name",
          range: arguments[0].range)
      }
      let comprehension = Expression.Kind.comprehension(
        macro: name, range: target.node, variable: variable, arguments: Array(nodes.dropFirst()))
      return Part(
        node: try node(comprehension, range, over: [target.node] + nodes), range: range,
        isEnclosed: true)
    }
    return Part(
      node: try node(
        .call(name, target: target.node, nodes), range, over: [target.node] + nodes),
      range: range, isEnclosed: true)
  }

  /// What stands in the parentheses that are next, and where they end.
  private mutating func callArguments() throws(CompileError) -> ([Part], Int) {
    _ = try expect(.openParenthesis)
    var arguments: [Part] = []
    if !isAt(.closeParenthesis) {
      arguments.append(try expression())
      while skip(.comma) { arguments.append(try expression()) }
    }
    return (arguments, try expect(.closeParenthesis))
  }

  private mutating func subscripted(_ target: Part) throws(CompileError) -> Part {
    advance()
    if isAt(.questionMark) { throw optionalsUnsupported() }
    let index = try expression()
    let end = try expect(.closeBracket)
    let range = target.range.lowerBound..<end
    let operands = [target.node, index.node]
    return Part(
      node: try node(.call("_[_]", target: nil, operands), range, over: operands), range: range,
      isEnclosed: true)
  }

  private mutating func list() throws(CompileError) -> Part {
    let start = current.range.lowerBound
    advance()
    var elements: [Expression] = []
    while !isAt(.closeBracket) {
      if isAt(.questionMark) { throw optionalsUnsupported() }
      elements.append(try expression().node)
      if !skip(.comma) { break }
    }
    let range = start..<(try expect(.closeBracket))
    return Part(
      node: try node(.list(elements), range, over: elements), range: range, isEnclosed: true)
  }

  private mutating func map() throws(CompileError) -> Part {
    let start = current.range.lowerBound
    advance()
    var entries: [(key: Expression, value: Expression)] = []
    var children: [Expression] = []
    while !isAt(.closeBrace) {
      if isAt(.questionMark) { throw optionalsUnsupported() }
      let key = try expression().node
      _ = try expect(.colon)
      let value = try expression().node
      entries.append((key, value))
      children.append(key)
      children.append(value)
      if !skip(.comma) { break }
    }
    let range = start..<(try expect(.closeBrace))
    return Part(
      node: try node(.map(entries), range, over: children), range: range, isEnclosed: true)
  }

  private mutating func message(_ name: String, _ target: Part) throws(CompileError) -> Part {
    advance()
    var fields: [(field: String, value: Expression)] = []
    while !isAt(.closeBrace) {
      if isAt(.questionMark) { throw optionalsUnsupported() }
      switch current.kind {
      case .identifier(let field), .quotedIdentifier(let field):
        advance()
        _ = try expect(.colon)
        fields.append((field, try expression().node))
      default:
        throw unexpected(expecting: "a field name")
      }
      if !skip(.comma) { break }
    }
    let range = target.range.lowerBound..<(try expect(.closeBrace))
    return Part(
      node: try node(.message(name, fields), range, over: fields.map(\.value)), range: range,
      isEnclosed: true)
  }

  /// The dotted name that a chain of selections spells, nil if it is none.
  private func qualifiedName(_ node: Expression) -> String? {
    var fields: [String] = []
    var current = node
    while case .select(let operand, let field, false) = current.kind {
      fields.append(field)
      current = operand
    }
    guard case .identifier(let first) = current.kind else { return nil }
    return ([first] + fields.reversed()).joined(separator: ".")
  }

  private func optionalsUnsupported() -> CompileError {
    CompileError(
      code: .unsupported, message: "optional values ('?') are not available", range: current.range)
  }

  // MARK: Numbers

  /// The int that the digits spell, which may start with a minus and `0x`.
  func integer(_ text: String, _ range: Range<Int>) throws(CompileError) -> Int64 {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative ? text.dropFirst() : text[...]
    if let magnitude = Self.magnitude(digits) {
      if let value = Int64(exactly: magnitude) { return isNegative ? -value : value }
      if isNegative && magnitude == Int64.min.magnitude { return Int64.min }
    }
    throw CompileError(
      code: .literal, message: "the int \(text) does not fit into 64 bits", range: range)
  }

  private func unsignedInteger(
    _ digits: String, _ range: Range<Int>
  ) throws(CompileError) -> UInt64 {
    if let value = Self.magnitude(digits[...]) { return value }
    throw CompileError(
      code: .literal, message: "the uint \(digits)u does not fit into 64 bits", range: range)
  }

  private static func magnitude(_ digits: Substring) -> UInt64? {
    if digits.hasPrefix("0x") {
      return UInt64(digits.dropFirst(2), radix: 16)
    }
    return UInt64(digits, radix: 10)
  }
}
