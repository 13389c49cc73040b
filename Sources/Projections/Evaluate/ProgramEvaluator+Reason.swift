/// Why a condition ended in an error.
extension ProgramEvaluator {
  /// The reason of the leftmost error under a node that is one at `instant`.
  mutating func reason(ofFailed root: Int32, at instant: Int64) -> FaultReason {
    let node = program.nodes[Int(root)]
    var operands: [Int32] = []
    if node.operation == .conditional {
      let condition = evaluate(node.a, at: instant)
      operands = [condition.status != .ok ? node.a : condition.isTrue ? node.b : node.c]
    } else {
      program.forEachOperand(of: root) { operands.append($0) }
    }
    for operand in operands where evaluate(operand, at: instant).status == .error {
      return reason(ofFailed: operand, at: instant)
    }
    switch node.operation.traits.cause {
    case .divisor:
      return operands.last.map { evaluate($0, at: instant).bits == 0 } ?? false
        ? .divisionByZero : .outOfRange
    case .other: return .error
    case .outOfRange: return .outOfRange
    }
  }
}
