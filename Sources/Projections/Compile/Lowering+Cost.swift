import CEL

/// What macros over lists cost: nested, they multiply.
extension Lowering {
  /// Steps that one evaluation of a text may take, or nodes that its macros may come to when written out.
  static let costLimit = 100_000

  /// - Throws: `cel-limit` at the outermost macro that takes more than ``costLimit`` steps.
  static func checkCost(_ checked: CheckedExpression) throws(Refusal) {
    var cost = Cost(longest: longestList(checked.expression))
    _ = cost.steps(checked.expression)
    guard let range = cost.tooFar else { return }
    throw Refusal(
      code: "cel-limit",
      message:
        "the macro goes over its list and what is nested in it more than \(costLimit) times; split the list, or compare without a macro",
      range: range)
  }

  /// The most elements that a list or a map of the text has.
  private static func longestList(_ node: Expression) -> Int {
    var longest = 0
    switch node.kind {
    case .list(let elements): longest = elements.count
    case .map(let entries): longest = entries.count
    default: break
    }
    return node.operands.reduce(longest) { max($0, longestList($1)) }
  }

  private struct Cost {
    /// How long a list may be that is an element of another one.
    let longest: Int
    var tooFar: Range<Int>?

    mutating func steps(_ node: Expression) -> Int {
      guard case .comprehension(_, let range, _, let arguments) = node.kind else {
        return node.operands.reduce(1) { Self.sum($0, steps($1)) }
      }
      var inner = 1
      for argument in arguments { inner = Self.sum(inner, steps(argument)) }
      let (times, overflow) = length(range).multipliedReportingOverflow(by: inner)
      let total = Self.sum(steps(range), overflow ? Int.max : times)
      if total > costLimit { tooFar = node.range }
      return total
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
      let (sum, overflow) = left.addingReportingOverflow(right)
      return overflow ? Int.max : sum
    }

    /// How many elements a list or map may have.
    private func length(_ node: Expression) -> Int {
      switch node.kind {
      case .list(let elements): elements.count
      case .map(let entries): entries.count
      case .call("_+_", _, let operands): operands.reduce(0) { Self.sum($0, length($1)) }
      case .call("_?_:_", _, let operands): operands.dropFirst().reduce(0) { max($0, length($1)) }
      case .comprehension(_, let range, _, _): length(range)
      default: longest
      }
    }
  }
}

extension Expression {
  /// The parts of a node, in the order of the text.
  var operands: [Expression] {
    switch kind {
    case .literal, .identifier: []
    case .select(let operand, _, _): [operand]
    case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
    case .list(let elements): elements
    case .map(let entries): entries.flatMap { [$0.key, $0.value] }
    case .message(_, let fields): fields.map(\.value)
    case .comprehension(_, let range, _, let arguments): [range] + arguments
    }
  }
}
