import CEL

/// One node of a lowered expression: plain data, its operands by index in ``Program/nodes``.
struct ProgramNode: Sendable {
  var operation: Operation
  /// Operands, or a detail of the operation (number of a fact, of a slot, of a call).
  var a: Int32 = 0
  var b: Int32 = 0
  var c: Int32 = 0
  var comparison: Comparison = .equal
  /// The value of a constant.
  var bits: Int64 = 0

  enum Comparison: UInt8, Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual

    /// CEL's name of the operator.
    init?(function name: String) {
      switch name {
      case "_==_": self = .equal
      case "_!=_": self = .notEqual
      case "_<_": self = .less
      case "_<=_": self = .lessOrEqual
      case "_>_": self = .greater
      case "_>=_": self = .greaterOrEqual
      default: return nil
      }
    }

    @inline(__always)
    func holds<Operand: Comparable>(_ left: Operand, _ right: Operand) -> Bool {
      switch self {
      case .equal: left == right
      case .notEqual: left != right
      case .less: left < right
      case .lessOrEqual: left <= right
      case .greater: left > right
      case .greaterOrEqual: left >= right
      }
    }
  }

  enum Operation: UInt8, Sendable {
    case constant
    /// A computation on constants that ends in an error.
    case constantError
    /// a: aggregate fact.
    case fact
    /// a: body, b: number of the expr fact (for its memo), c: 1 if there is a default in `bits`.
    case expressionFact
    /// a: value slot of the event at hand.
    case eventSlot
    case now
    case stageName
    case stagePrevious
    case stageEnteredAt
    /// a: operand; whether it has a value.
    case has
    case and, or, not
    case conditional
    /// Comparisons, with `c` 1 where a side never comes to rest, so that ranges may decide for longer than its pieces.
    ///
    /// Of 64-bit values: bool, int, money, timestamp, duration; strings by number (`==` and `!=` only).
    case compareBits
    case compareDouble
    /// An int on the left (right) of a double.
    case compareIntDouble, compareDoubleInt
    case compareString
    /// a: operand, b: first in ``Program/lists``, c: how many; equality on bits. `bits`: 1 as `c` of comparisons.
    case inBits
    /// The same with elements that are no constants; behind them the list holds a comparison with each.
    case inMoving
    case addInt, subtractInt, multiplyInt, divideInt, remainderInt, negateInt
    case addDouble, subtractDouble, multiplyDouble, divideDouble, negateDouble
    case multiplyMoney, divideMoney, ratioOfMoney
    case timestampPlusDuration, timestampMinusDuration, timestampMinusTimestamp
    case addDuration, subtractDuration
    /// a: operand; `bits`: what is asked for (``Accessor``); b: offset of a fixed zone in seconds.
    case timestampAccessor
    case durationHours, durationMinutes, durationSeconds, durationMilliseconds
    case intOfTimestamp, intOfDouble, doubleOfInt
    /// a: whole number of units, `bits`: microseconds of one: days(n) with an n that is not constant.
    case durationOfInt
    /// a: number of the call in ``Program/calls``.
    case call
    /// a: number of the tree in ``Program/trees``: a part that only the general evaluator knows.
    case tree
  }

  enum Accessor: Int64, Sendable {
    case fullYear, month, date, dayOfMonth, dayOfWeek, dayOfYear, hours, minutes, seconds,
      milliseconds
  }
}

/// A call of a strict function of CEL on values that fit 64 bits.
struct LoweredCall: Sendable {
  var function: String
  var arguments: [Int32]
  var argumentTypes: [Type]
  var resultType: Type
  /// Set for the tests of one string against another, which rules ask of every event.
  var textTest: TextTest?

  init(function: String, arguments: [Int32], argumentTypes: [Type], resultType: Type) {
    self.function = function
    self.arguments = arguments
    self.argumentTypes = argumentTypes
    self.resultType = resultType
    if argumentTypes == [.string, .string] { textTest = TextTest(rawValue: function) }
  }

  enum TextTest: String, Sendable {
    case startsWith, endsWith

    /// By bytes: in UTF-8 a text begins (ends) with another one exactly where its bytes do.
    func holds(_ text: String, _ part: String) -> Bool {
      switch self {
      case .startsWith: text.utf8.starts(with: part.utf8)
      case .endsWith: text.utf8.reversed().starts(with: part.utf8.reversed())
      }
    }
  }
}

/// A part of an expression that the general evaluator computes: lists, maps, macros.
struct LoweredTree: Sendable {
  var expression: CheckedExpression
  /// The variables that it reads, with their nodes.
  var variables: [(name: String, node: Int32, type: Type)]
  var resultType: Type
}

/// All lowered expressions of one rules file.
struct Program: Sendable {
  var nodes: [ProgramNode] = []
  /// The type of each node.
  var types: [Type] = []
  /// Which aggregate facts each node reads, as bits (fact number modulo 64), to skip what an event cannot change.
  var reads: [UInt64] = []
  /// Operands of `inBits`.
  var lists: [Int32] = []
  var calls: [LoweredCall] = []
  var trees: [LoweredTree] = []
  /// Literal strings have the first numbers.
  var interner = Interner()
  var expressionFactCount = 0
}

/// One text of the rules file, lowered.
struct LoweredExpression: Sendable {
  var root: Int32
  /// The node of each AST node by ``Expression/id``; -1 where lowering left none.
  var nodeOf: [Int32]
  var checked: CheckedExpression
}
