/// What is to be known of an operation beside how it is computed, in one table.
struct OperationTraits {
  /// Where its operands stand.
  enum Operands {
    case none
    /// `a`; `a` and `b`; `a`, `b` and `c` of the node.
    case one, two, three
    /// `a`, and `c` elements of ``Program/lists`` from `b` on.
    case oneAndList
    /// The arguments of ``Program/calls`` number `a`.
    case call
    /// The variables of ``Program/trees`` number `a`.
    case tree
  }

  /// Where an error other than an unset fact may come from.
  enum Failure {
    /// From nowhere: it has a value, is unset, or takes the place of errors of its operands.
    case never
    /// From its operands only.
    case operands
    /// From its operands, and where spans of time are longer than CEL's durations.
    case time
    /// From itself.
    case itself
  }

  /// Why it ends in an error where no operand does.
  enum Cause {
    case outOfRange
    /// A divisor of 0, or else ``outOfRange``.
    case divisor
    /// What cannot be said in a word.
    case other
  }

  var operands: Operands
  var failure = Failure.operands
  var cause = Cause.outOfRange
  /// It answers a question, so that the event behind a timer is looked for at it (contract §5, fine print).
  var isQuestion = false
}

extension ProgramNode.Operation {
  var traits: OperationTraits {
    switch self {
    case .constant, .eventSlot, .now, .stageName, .stagePrevious, .stageEnteredAt:
      OperationTraits(operands: .none, failure: .never)
    case .constantError: OperationTraits(operands: .none, failure: .itself, cause: .other)
    case .fact: OperationTraits(operands: .none, failure: .never, cause: .other)
    case .expressionFact: OperationTraits(operands: .one, failure: .never)
    case .has: OperationTraits(operands: .one, failure: .never, isQuestion: true)
    case .and, .or: OperationTraits(operands: .two)
    case .not: OperationTraits(operands: .one)
    case .conditional: OperationTraits(operands: .three)
    case .compareBits, .compareDouble, .compareIntDouble, .compareDoubleInt, .compareString:
      OperationTraits(operands: .two, isQuestion: true)
    case .inBits: OperationTraits(operands: .one, isQuestion: true)
    case .inMoving: OperationTraits(operands: .oneAndList, isQuestion: true)
    case .addInt, .subtractInt, .multiplyInt, .multiplyMoney:
      OperationTraits(operands: .two, failure: .itself)
    case .divideInt, .remainderInt, .divideMoney, .ratioOfMoney:
      OperationTraits(operands: .two, failure: .itself, cause: .divisor)
    case .negateInt, .intOfDouble, .durationOfInt: OperationTraits(operands: .one, failure: .itself)
    case .addDouble, .subtractDouble, .multiplyDouble, .divideDouble:
      OperationTraits(operands: .two)
    case .negateDouble, .doubleOfInt, .intOfTimestamp, .timestampAccessor, .durationHours,
      .durationMinutes, .durationSeconds, .durationMilliseconds:
      OperationTraits(operands: .one)
    case .timestampPlusDuration, .timestampMinusDuration, .timestampMinusTimestamp, .addDuration,
      .subtractDuration:
      OperationTraits(operands: .two, failure: .time)
    case .call: OperationTraits(operands: .call, failure: .itself, cause: .other)
    case .tree: OperationTraits(operands: .tree, failure: .itself, cause: .other, isQuestion: true)
    }
  }
}

extension Program {
  /// Gives each operand of a node to `body`.
  func forEachOperand(of index: Int32, _ body: (Int32) -> Void) {
    let node = nodes[Int(index)]
    switch node.operation.traits.operands {
    case .none: return
    case .one: body(node.a)
    case .two:
      body(node.a)
      body(node.b)
    case .three:
      body(node.a)
      body(node.b)
      body(node.c)
    case .oneAndList:
      body(node.a)
      for index in Int(node.b)..<Int(node.b + node.c) { body(lists[index]) }
    case .call:
      for argument in calls[Int(node.a)].arguments { body(argument) }
    case .tree:
      for variable in trees[Int(node.a)].variables { body(variable.node) }
    }
  }

  /// Whether a node may end in an error other than an unset fact, and whether one may come of long spans of time.
  func mayFail(_ index: Int32) -> (any: Bool, byTime: Bool) {
    var found = (any: false, byTime: false)
    addFailures(index, &found)
    return found
  }

  private func addFailures(_ index: Int32, _ found: inout (any: Bool, byTime: Bool)) {
    switch nodes[Int(index)].operation.traits.failure {
    case .never: return
    case .itself:
      found.any = true
      return
    case .time: found.byTime = true
    case .operands: break
    }
    var operands: [Int32] = []
    forEachOperand(of: index) { operands.append($0) }
    for operand in operands { addFailures(operand, &found) }
  }
}
