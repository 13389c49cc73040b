/// Finds texts that are compared (`==`, `!=`, `in`) with a variable that can never be one of them.
///
/// It looks through parentheses, `?:`, constant sums, lists and the variables of macros, on both sides.
struct ClosedTextCheck {
  private let checked: CheckedExpression
  private let closed: [String: Environment.ClosedTexts]
  private var locals: [(name: String, domain: Domain)] = []

  /// What an expression may be.
  private struct Domain {
    var variables: [String] = []
    var texts: [(text: String, range: Range<Int>)] = []
    /// It may be something else besides.
    var isOpen = false

    static var open: Domain { Domain(isOpen: true) }

    mutating func add(_ other: Domain) {
      variables += other.variables
      texts += other.texts
      isOpen = isOpen || other.isOpen
    }
  }

  init(_ checked: CheckedExpression, _ closed: [String: Environment.ClosedTexts]) {
    self.checked = checked
    self.closed = closed
  }

  /// - Throws: the leftmost comparison that cannot hold.
  mutating func check() throws(CompileError) { try walk(checked.expression) }

  private mutating func walk(_ node: Expression) throws(CompileError) {
    switch node.kind {
    case .literal, .identifier: return
    case .select(let operand, _, _): try walk(operand)
    case .list(let elements): for element in elements { try walk(element) }
    case .map(let entries):
      for entry in entries {
        try walk(entry.key)
        try walk(entry.value)
      }
    case .message(_, let fields): for field in fields { try walk(field.value) }
    case .call(let name, let target, let arguments):
      if let target { try walk(target) }
      for argument in arguments { try walk(argument) }
      guard arguments.count == 2, target == nil else { return }
      if name == "_==_" || name == "_!=_" { try compare(arguments[0], arguments[1]) }
      if name == "@in" { try compare(arguments[0], among: arguments[1]) }
    case .comprehension(_, let range, let variable, let arguments):
      try walk(range)
      locals.append((variable, elements(range)))
      defer { locals.removeLast() }
      for argument in arguments { try walk(argument) }
    }
  }

  private mutating func compare(
    _ left: Expression, among list: Expression
  ) throws(CompileError) {
    guard case .list(let members) = list.kind else {
      return try compare(domain(left), elements(list))
    }
    for member in members { try compare(left, member) }
  }

  private mutating func compare(
    _ left: Expression, _ right: Expression
  ) throws(CompileError) {
    if case .list(let first) = left.kind, case .list(let second) = right.kind {
      if first.count != second.count { return }
      for (a, b) in zip(first, second) { try compare(a, b) }
      return
    }
    try compare(domain(left), domain(right))
  }

  private func compare(_ left: Domain, _ right: Domain) throws(CompileError) {
    for (variable, text) in [(left, right), (right, left)] {
      guard !variable.isOpen, let name = variable.variables.first else { continue }
      var allowed = Set(variable.texts.map(\.text))
      for name in variable.variables { allowed.formUnion(closed[name]?.texts ?? []) }
      for (text, range) in text.texts where !allowed.contains(text) {
        throw failure(text, range, name)
      }
    }
  }

  private func failure(_ text: String, _ range: Range<Int>, _ variable: String) -> CompileError {
    let closed = closed[variable] ?? Environment.ClosedTexts(kind: "text", texts: [])
    var message = "'\(text)' is no \(closed.kind), so \(variable) is never that"
    if let meant = closed.synonyms[text] {
      message =
        "\(variable) is never '\(text)', which is only another name of \(closed.kind) '\(meant)'; write '\(meant)'"
    } else if let near = Suggestion.nearest(to: text, among: closed.texts) {
      message += "; did you mean '\(near)'?"
    } else if let near = Suggestion.nearest(to: text, among: closed.synonyms.keys.sorted()),
      let meant = closed.synonyms[near]
    {
      message += "; did you mean '\(meant)'?"
    } else {
      let known = closed.texts.prefix(12).map { "'\($0)'" }.joined(separator: ", ")
      message += "; it is \(known)\(closed.texts.count > 12 ? " …" : "")"
    }
    return CompileError(code: .unknownText, message: message, range: range)
  }

  // MARK: Domains

  private func domain(_ node: Expression) -> Domain {
    if let name = checked.references[node.id] {
      if case .select(_, _, true) = node.kind { return .open }
      return closed[name] == nil ? .open : Domain(variables: [name])
    }
    switch node.kind {
    case .literal(.string(let text)): return Domain(texts: [(text, node.range)])
    case .identifier(let name): return locals.last { $0.name == name }?.domain ?? .open
    case .call("_?_:_", nil, let operands):
      var domain = domain(operands[1])
      domain.add(self.domain(operands[2]))
      return domain
    case .call("_+_", nil, let operands):
      let left = domain(operands[0])
      let right = domain(operands[1])
      let isConstant =
        !left.isOpen && !right.isOpen && left.variables.isEmpty && right.variables.isEmpty
      guard isConstant, left.texts.count * right.texts.count <= 64 else { return .open }
      return Domain(
        texts: left.texts.flatMap { first in
          right.texts.map { (first.text + $0.text, node.range) }
        })
    default: return .open
    }
  }

  /// What the elements of a list, or the keys of a map, may be.
  private mutating func elements(_ node: Expression) -> Domain {
    switch node.kind {
    case .list(let members): return union(members)
    case .map(let entries): return union(entries.map(\.key))
    case .call("_?_:_", nil, let operands):
      var domain = elements(operands[1])
      domain.add(elements(operands[2]))
      return domain
    case .call("_+_", nil, let operands):
      var domain = elements(operands[0])
      domain.add(elements(operands[1]))
      return domain
    case .comprehension("filter", let range, _, _): return elements(range)
    case .comprehension("map", let range, let variable, let arguments):
      guard let result = arguments.last else { return .open }
      locals.append((variable, elements(range)))
      defer { locals.removeLast() }
      return domain(result)
    default: return .open
    }
  }

  private func union(_ members: [Expression]) -> Domain {
    var domain = Domain()
    for member in members { domain.add(self.domain(member)) }
    return domain
  }
}

extension CheckedExpression {
  /// The leftmost comparison of a variable with a text that it never is; nil where there is none.
  ///
  /// - Parameter closed: what variables can be, by their names.
  package func unknownText(_ closed: [String: Environment.ClosedTexts]) -> CompileError? {
    if closed.isEmpty { return nil }
    var comparison = ClosedTextCheck(self, closed)
    do throws(CompileError) {
      try comparison.check()
      return nil
    } catch {
      return error
    }
  }
}
