/// Builds the syntax tree of one expression.
///
/// Chains of `&&` and of `||` become balanced trees, so that hundreds of alternatives stay shallow; the
/// order of operands, and with it the order of errors, is that of the text.
struct Parser {
  let source: String
  private var tokens: [Token]
  private var index = 0
  private var nesting = 0
  /// Height of the tree below each node, by id.
  private var heights: [Int] = []
  /// Functions of rules (`days(90)`) may be named in messages.
  let inRules: Bool

  /// A node and the text that it took, its own parentheses included.
  struct Part {
    var node: Expression
    var range: Range<Int>
    /// Written in parentheses: it is then no name that `(` or `{` could follow.
    var isEnclosed = false
  }

  /// A syntax tree whose ids are 0 ..< `nodeCount`.
  struct Tree {
    var root: Expression
    var nodeCount: Int
  }

  static func parse(_ source: String, inRules: Bool = false) throws(CompileError) -> Tree {
    var parser = Parser(
      source: source, tokens: try Lexer.tokens(source), inRules: inRules)
    if case .end = parser.current.kind {
      throw CompileError(
        code: .syntax, message: "the expression is empty", range: parser.current.range)
    }
    let root = try parser.expression()
    guard case .end = parser.current.kind else { throw parser.unexpected() }
    return Tree(root: root.node, nodeCount: parser.heights.count)
  }

  private init(source: String, tokens: [Token], inRules: Bool) {
    self.source = source
    self.inRules = inRules
    self.tokens = tokens
  }

  // MARK: Tokens

  var current: Token { tokens[index] }

  /// The token before the current one, nil at the start.
  var previous: Token? { index > 0 ? tokens[index - 1] : nil }

  func token(ahead count: Int) -> Token {
    tokens[min(index + count, tokens.count - 1)]
  }

  mutating func advance() {
    if index < tokens.count - 1 { index += 1 }
  }

  func isAt(_ sign: Token.Sign) -> Bool {
    current.kind == .sign(sign)
  }

  /// Skips the sign if it is next; the answer says whether it was.
  mutating func skip(_ sign: Token.Sign) -> Bool {
    if !isAt(sign) { return false }
    advance()
    return true
  }

  /// Takes the sign that must be next and returns where it ends.
  mutating func expect(_ sign: Token.Sign) throws(CompileError) -> Int {
    if !isAt(sign) { throw unexpected(expecting: "'\(sign.rawValue)'") }
    let end = current.range.upperBound
    advance()
    return end
  }

  func unexpected(expecting expected: String? = nil) -> CompileError {
    let tail = expected.map { ", expected \($0)" } ?? ""
    if let habit = habit() { return habit }
    if case .identifier(let name) = current.kind, Self.reserved.contains(name) {
      return CompileError(
        code: .syntax, message: "'\(name)' is a reserved word", range: current.range)
    }
    return CompileError(
      code: .syntax, message: "unexpected \(current.description)\(tail)", range: current.range)
  }

  // MARK: Nodes

  mutating func node(
    _ kind: Expression.Kind, _ range: Range<Int>, over children: [Expression] = []
  ) throws(CompileError) -> Expression {
    var height = 0
    for child in children { height = max(height, heights[child.id]) }
    height += 1
    if height > Limits.treeHeight {
      throw CompileError(
        code: .limit,
        message: "the expression has more than \(Limits.treeHeight) levels; split it", range: range)
    }
    heights.append(height)
    return Expression(id: heights.count - 1, range: range, kind: kind)
  }

  mutating func descend() throws(CompileError) {
    nesting += 1
    if nesting > Limits.nesting {
      throw CompileError(
        code: .limit, message: "the expression is nested deeper than \(Limits.nesting) levels",
        range: current.range)
    }
  }

  mutating func ascend() {
    nesting -= 1
  }

  // MARK: Operators

  mutating func expression() throws(CompileError) -> Part {
    try descend()
    defer { ascend() }
    let condition = try logical(.or)
    if !skip(.questionMark) { return condition }
    let first = try logical(.or)
    _ = try expect(.colon)
    let second = try expression()
    let range = condition.range.lowerBound..<second.range.upperBound
    let operands = [condition.node, first.node, second.node]
    return Part(
      node: try node(.call("_?_:_", target: nil, operands), range, over: operands), range: range)
  }

  /// A chain of `||` over chains of `&&` over relations.
  private mutating func logical(_ sign: Token.Sign) throws(CompileError) -> Part {
    var terms = [sign == .or ? try logical(.and) : try binary(level: 0)]
    while skip(sign) {
      terms.append(sign == .or ? try logical(.and) : try binary(level: 0))
    }
    return try balanced(sign == .or ? "_||_" : "_&&_", terms[...])
  }

  private mutating func balanced(
    _ name: String, _ terms: ArraySlice<Part>
  ) throws(CompileError) -> Part {
    if terms.count == 1 { return terms[terms.startIndex] }
    let middle = terms.startIndex + (terms.count + 1) / 2
    let left = try balanced(name, terms[..<middle])
    let right = try balanced(name, terms[middle...])
    return try join(name, left, right)
  }

  private mutating func join(
    _ name: String, _ left: Part, _ right: Part
  ) throws(CompileError) -> Part {
    let range = left.range.lowerBound..<right.range.upperBound
    let operands = [left.node, right.node]
    return Part(
      node: try node(.call(name, target: nil, operands), range, over: operands), range: range)
  }

  /// The binary operator at this level of precedence (0 relations, 1 sums, 2 products), if one is next.
  private func binaryOperator(level: Int) -> String? {
    if case .identifier("in") = current.kind { return level == 0 ? "@in" : nil }
    guard case .sign(let sign) = current.kind else { return nil }
    switch (level, sign) {
    case (0, .less), (0, .lessOrEqual), (0, .greater), (0, .greaterOrEqual), (0, .equal),
      (0, .notEqual), (1, .plus), (1, .minus), (2, .times), (2, .divide), (2, .modulo):
      return "_\(sign.rawValue)_"
    default:
      return nil
    }
  }

  private mutating func binary(level: Int) throws(CompileError) -> Part {
    if level > 2 { return try unary() }
    var left = try binary(level: level + 1)
    while let name = binaryOperator(level: level) {
      advance()
      let right = try binary(level: level + 1)
      left = try join(name, left, right)
    }
    return left
  }

  private mutating func unary() throws(CompileError) -> Part {
    let start = current.range.lowerBound
    let name: String
    if isAt(.not) {
      name = "!_"
    } else if isAt(.minus) {
      if let literal = try negativeLiteral() { return try members(of: literal) }
      name = "-_"
    } else {
      let primary = try primary()
      return try members(of: primary)
    }
    try descend()
    defer { ascend() }
    advance()
    let operand = try unary()
    let range = start..<operand.range.upperBound
    return Part(
      node: try node(
        .call(name, target: nil, [operand.node]), range, over: [operand.node]), range: range)
  }

  /// A minus right before a number belongs to it: only so can the smallest int be written.
  private mutating func negativeLiteral() throws(CompileError) -> Part? {
    let next = token(ahead: 1)
    let range = current.range.lowerBound..<next.range.upperBound
    let value: Value
    switch next.kind {
    case .int(let digits): value = .int(try integer("-" + digits, range))
    case .double(let number): value = .double(-number)
    default: return nil
    }
    advance()
    advance()
    return Part(node: try node(.literal(value), range), range: range)
  }

  /// Words that CEL keeps for itself; they may be field names, but no variables.
  static let reserved: Set<String> = [
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in",
    "let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while",
  ]
}
