extension CheckedExpression {
  /// The value of the expression.
  ///
  /// `activation` gives the value of a declared variable by its (dotted) name; nil means that it is unset, which is
  /// the error value `.unset`. Of several errors the leftmost is the result; `&&`, `||`, `all` and `exists`
  /// absorb errors as CEL says.
  public func evaluate(
    _ activation: (String) -> Result<Value, EvaluationError>?
  ) -> Result<Value, EvaluationError> {
    evaluateLocated(activation).mapError(\.error)
  }

  /// The same; an error comes with the offset of the node that it arose in.
  func evaluateLocated(
    _ activation: (String) -> Result<Value, EvaluationError>?
  ) -> Result<Value, Evaluator.Failure> {
    var evaluator = Evaluator(references: references)
    do {
      return .success(try evaluator.value(of: expression, activation))
    } catch {
      return .failure(error)
    }
  }
}

/// Walks a syntax tree and computes values: the plain evaluator, which the fast ones are held against.
struct Evaluator {
  typealias Activation = (String) -> Result<Value, EvaluationError>?

  struct Failure: Error {
    var error: EvaluationError
    /// UTF-8 offset in the text.
    var offset: Int
  }

  let references: [Int: String]
  private var locals: [(name: String, value: Value)] = []
  private var steps = 0

  init(references: [Int: String]) {
    self.references = references
  }

  mutating func value(
    of node: Expression, _ activation: Activation
  ) throws(Failure) -> Value {
    steps += 1
    if steps > Limits.evaluationSteps {
      throw failure(.argument, "more than \(Limits.evaluationSteps) steps", node)
    }
    switch node.kind {
    case .literal(let value):
      return value
    case .identifier(let name):
      return try identifier(name, node, activation)
    case .select(let operand, let field, let test):
      return try select(operand, field, isTest: test, node, activation)
    case .call(let name, let target, let arguments):
      return try call(name, target, arguments, node, activation)
    case .list(let elements):
      var values: [Value] = []
      values.reserveCapacity(elements.count)
      for element in elements { values.append(try value(of: element, activation)) }
      return .list(values)
    case .map(let entries):
      return try map(entries, activation)
    case .message(let name, _):
      throw failure(.noSuchOverload, "messages ('\(name)') are not available", node)
    case .comprehension(let macro, let range, let variable, let arguments):
      return try comprehension(macro, range, variable, arguments, activation)
    }
  }

  private func failure(
    _ code: EvaluationError.Code, _ message: String, _ node: Expression
  ) -> Failure {
    Failure(
      error: EvaluationError(code: code, message: message), offset: node.range.lowerBound)
  }

  private func unwrap(
    _ result: Result<Value, EvaluationError>, _ node: Expression
  ) throws(Failure) -> Value {
    switch result {
    case .success(let value): return value
    case .failure(let error): throw Failure(error: error, offset: node.range.lowerBound)
    }
  }

  // MARK: Names

  private func variable(
    _ name: String, _ node: Expression, _ activation: Activation
  ) throws(Failure) -> Value {
    guard let result = activation(name) else { throw failure(.unset, "'\(name)' is unset", node) }
    return try unwrap(result, node)
  }

  private func identifier(
    _ name: String, _ node: Expression, _ activation: Activation
  ) throws(Failure) -> Value {
    if let reference = references[node.id] { return try variable(reference, node, activation) }
    if let local = locals.last(where: { $0.name == name }) { return local.value }
    throw failure(.unset, "'\(name)' is unset", node)
  }

  private mutating func select(
    _ operand: Expression, _ field: String, isTest: Bool, _ node: Expression,
    _ activation: Activation
  ) throws(Failure) -> Value {
    if let reference = references[node.id] {
      if !isTest { return try variable(reference, node, activation) }
      switch activation(reference) {
      case nil: return .bool(false)
      case .success: return .bool(true)
      case .failure(let error):
        if error.code == .unset { return .bool(false) }
        throw Failure(error: error, offset: node.range.lowerBound)
      }
    }
    let container = try value(of: operand, activation)
    let member = Functions.member(of: container, .string(field))
    if isTest, case .map = container {
      if case .success = member { return .bool(true) }
      return .bool(false)
    }
    return try unwrap(member, node)
  }

  // MARK: Calls

  private mutating func call(
    _ name: String, _ target: Expression?, _ arguments: [Expression], _ node: Expression,
    _ activation: Activation
  ) throws(Failure) -> Value {
    switch name {
    case "_&&_":
      return try logical(arguments, absorbing: false, node, activation)
    case "_||_":
      return try logical(arguments, absorbing: true, node, activation)
    case "_?_:_":
      let condition = try value(of: arguments[0], activation)
      guard case .bool(let isTrue) = condition else {
        throw failure(.noSuchOverload, "the condition of '?:' is no bool", node)
      }
      return try value(of: arguments[isTrue ? 1 : 2], activation)
    case "in_stage":
      let now = try variable("now", node, activation)
      let entered = try variable("stage.entered_at", node, activation)
      return try unwrap(Functions.call("_-_", [now, entered]), node)
    case "since":
      let instant = try value(of: arguments[0], activation)
      let now = try variable("now", node, activation)
      return try unwrap(Functions.call("_-_", [now, instant]), node)
    default:
      var values: [Value] = []
      if let target { values.append(try value(of: target, activation)) }
      for argument in arguments { values.append(try value(of: argument, activation)) }
      for value in values { steps += Self.cost(value) }
      return try unwrap(Functions.call(name, values), node)
    }
  }

  /// Steps that a function may need to look at all of a value.
  private static func cost(_ value: Value) -> Int {
    switch value {
    case .string(let text): text.utf8.count / 64
    case .bytes(let bytes): bytes.count / 64
    case .list(let elements): elements.count / 8
    case .map(let entries): entries.count / 8
    default: 0
    }
  }

  /// The value as a bool, or the error that stands in its place.
  private mutating func truth(
    _ node: Expression, _ activation: Activation
  ) -> Result<Bool, Failure> {
    do {
      if case .bool(let flag) = try value(of: node, activation) { return .success(flag) }
      return .failure(failure(.noSuchOverload, "a condition is no bool", node))
    } catch {
      return .failure(error)
    }
  }

  /// `&&` (`absorbing` false) and `||` (`absorbing` true): that value on either side decides, whatever the other is.
  private mutating func logical(
    _ arguments: [Expression], absorbing: Bool, _ node: Expression, _ activation: Activation
  ) throws(Failure) -> Value {
    let left = truth(arguments[0], activation)
    if case .success(absorbing) = left { return .bool(absorbing) }
    let right = truth(arguments[1], activation)
    if case .success(absorbing) = right { return .bool(absorbing) }
    if case .failure(let error) = left { throw error }
    if case .failure(let error) = right { throw error }
    return .bool(!absorbing)
  }

  // MARK: Maps and macros

  private mutating func map(
    _ entries: [(key: Expression, value: Expression)], _ activation: Activation
  ) throws(Failure) -> Value {
    var result: [(key: Value, value: Value)] = []
    var keys = Set<MapKey>()
    for entry in entries {
      let key = try value(of: entry.key, activation)
      guard let unique = MapKey(key) else {
        throw failure(.noSuchOverload, "\(key.kind.name) cannot be a key", entry.key)
      }
      if !keys.insert(unique).inserted {
        throw failure(.duplicateKey, "the map has a key twice", entry.key)
      }
      result.append((key, try value(of: entry.value, activation)))
    }
    return .map(result)
  }

  private mutating func comprehension(
    _ macro: String, _ range: Expression, _ variable: String, _ arguments: [Expression],
    _ activation: Activation
  ) throws(Failure) -> Value {
    let elements: [Value]
    switch try value(of: range, activation) {
    case .list(let members): elements = members
    case .map(let entries): elements = entries.map(\.key)
    default:
      throw failure(.noSuchOverload, "\(macro)() goes over a list or a map", range)
    }
    let depth = locals.count
    defer { locals.removeLast(locals.count - depth) }
    locals.append((variable, .null))
    switch macro {
    case "all", "exists":
      return try quantified(elements, absorbing: macro == "exists", arguments[0], activation)
    case "exists_one":
      var count = 0
      for element in elements {
        locals[depth].value = element
        if try truth(arguments[0], activation).get() { count += 1 }
      }
      return .bool(count == 1)
    default:
      var results: [Value] = []
      for element in elements {
        locals[depth].value = element
        let isFilter = macro == "filter"
        if isFilter || arguments.count == 2 {
          if !(try truth(arguments[0], activation).get()) { continue }
        }
        results.append(
          isFilter ? element : try value(of: arguments[arguments.count - 1], activation))
      }
      return .list(results)
    }
  }

  /// `all` and `exists` fold with `&&` and `||`, errors included.
  private mutating func quantified(
    _ elements: [Value], absorbing: Bool, _ condition: Expression, _ activation: Activation
  ) throws(Failure) -> Value {
    let index = locals.count - 1
    var first: Failure?
    for element in elements {
      locals[index].value = element
      switch truth(condition, activation) {
      case .success(absorbing): return .bool(absorbing)
      case .success: break
      case .failure(let error): first = first ?? error
      }
    }
    if let first { throw first }
    return .bool(!absorbing)
  }

  /// A map's key as CEL tells keys apart: the int 1 and the uint 1 are one.
  private enum MapKey: Hashable {
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    /// UTF-8: Swift strings would take composed and decomposed letters for one.
    case string([UInt8])

    init?(_ value: Value) {
      switch value {
      case .bool(let flag): self = .bool(flag)
      case .int(let number): self = .int(number)
      case .uint(let number): self = Int64(exactly: number).map(MapKey.int) ?? .uint(number)
      case .string(let text): self = .string(Array(text.utf8))
      default: return nil
      }
    }
  }
}
