/// The strict functions and operators of CEL and of our extensions, on values.
///
/// `&&`, `||`, `?:` and the macros are not strict and belong to the evaluator; so do `since()` and `in_stage()`,
/// which read variables, and `money()`, whose argument is a constant.
public enum Functions {
  typealias Outcome = Result<Value, EvaluationError>

  /// Calls a function by CEL's name (`_+_`, `size`, `startsWith`, `math.abs`); the receiver of a
  /// member function is the first argument.
  ///
  /// The result is an error value where an operand is out of range or no overload takes these types.
  public static func call(_ name: String, _ arguments: [Value]) -> Result<Value, EvaluationError> {
    switch arguments.count {
    case 1: unary(name, arguments[0])
    case 2: binary(name, arguments[0], arguments[1])
    default: variadic(name, arguments) ?? noOverload(name, arguments)
    }
  }

  private static func unary(_ name: String, _ value: Value) -> Outcome {
    switch name {
    case "!_":
      if case .bool(let operand) = value { return .success(.bool(!operand)) }
    case "-_":
      return negate(value)
    case "size":
      return size(value)
    case "type":
      return .success(.type(value.kind))
    case "dyn":
      return .success(value)
    case "hours", "days", "weeks":
      if case .int(let count) = value { return span(name, count) }
    default:
      if let result = convert(name, value) ?? accessor(name, value, zone: nil)
        ?? mathematics(name, value) ?? variadic(name, [value])
      {
        return result
      }
    }
    return noOverload(name, [value])
  }

  private static func binary(_ name: String, _ left: Value, _ right: Value) -> Outcome {
    switch name {
    case "_==_", "_!=_":
      var equality = Equality()
      let isEqual = equality.holds(left, right)
      return equality.outcome(isEqual == (name == "_==_"))
    case "_<_", "_<=_", "_>_", "_>=_":
      return order(name, left, right)
    case "_+_", "_-_", "_*_", "_/_", "_%_":
      return arithmetic(name, left, right)
    case "@in":
      return contains(right, left)
    case "_[_]":
      return element(of: left, at: right)
    case "contains", "startsWith", "endsWith":
      if case .string(let text) = left, case .string(let part) = right {
        return .success(.bool(search(name, Array(text.utf8), Array(part.utf8))))
      }
    default:
      if case .string(let zone) = right, let result = accessor(name, left, zone: zone) {
        return result
      }
      if let result = variadic(name, [left, right]) { return result }
    }
    return noOverload(name, [left, right])
  }

  static func noOverload(_ name: String, _ arguments: [Value]) -> Outcome {
    let types = arguments.map { $0.kind.name }.joined(separator: ", ")
    let shown = Checker.sign(name).map { "'\($0)'" } ?? "\(name)()"
    return fail(.noSuchOverload, "\(shown) does not take (\(types))")
  }

  static func fail(_ code: EvaluationError.Code, _ message: String) -> Outcome {
    .failure(EvaluationError(code: code, message: message))
  }

  private static func span(_ name: String, _ count: Int64) -> Outcome {
    let hours: Int64 = name == "hours" ? 1 : name == "days" ? 24 : 168
    let (value, overflows) = count.multipliedReportingOverflow(by: hours * 3_600_000_000_000)
    if overflows { return fail(.overflow, "\(name)(\(count)) is beyond the range of durations") }
    return .success(.duration(Duration(nanoseconds: value)))
  }

  // MARK: Text, lists and maps

  private static func size(_ value: Value) -> Outcome {
    switch value {
    case .string(let text): .success(.int(Int64(text.unicodeScalars.count)))
    case .bytes(let bytes): .success(.int(Int64(bytes.count)))
    case .list(let elements): .success(.int(Int64(elements.count)))
    case .map(let entries): .success(.int(Int64(entries.count)))
    default: noOverload("size", [value])
    }
  }

  private static func search(_ name: String, _ text: [UInt8], _ part: [UInt8]) -> Bool {
    if part.count > text.count { return false }
    if name == "startsWith" { return text.starts(with: part) }
    if name == "endsWith" { return text[(text.count - part.count)...].elementsEqual(part) }
    return occurs(part, in: text)
  }

  /// Whether the part stands anywhere in the text (Knuth, Morris, Pratt).
  ///
  /// - Complexity: linear in both lengths, whatever they hold.
  private static func occurs(_ part: [UInt8], in text: [UInt8]) -> Bool {
    if part.isEmpty { return true }
    // For each prefix of the part the length of its longest proper prefix that is also its end.
    var borders = [0]
    var length = 0
    for byte in part.dropFirst() {
      while length > 0 && part[length] != byte { length = borders[length - 1] }
      if part[length] == byte { length += 1 }
      borders.append(length)
    }
    length = 0
    for byte in text {
      while length > 0 && part[length] != byte { length = borders[length - 1] }
      if part[length] == byte { length += 1 }
      if length == part.count { return true }
    }
    return false
  }

  private static func contains(_ container: Value, _ value: Value) -> Outcome {
    var equality = Equality()
    switch container {
    case .list(let elements):
      let isMember = elements.contains { equality.holds($0, value) }
      return equality.outcome(isMember)
    case .map(let entries):
      let isMember = entries.contains { equality.holds($0.key, value) }
      return equality.outcome(isMember)
    default:
      return noOverload("@in", [value, container])
    }
  }

  private static func element(of container: Value, at index: Value) -> Outcome {
    switch container {
    case .list(let elements):
      guard let position = wholeNumber(index) else {
        return noOverload("_[_]", [container, index])
      }
      if position < 0 || position >= Int64(elements.count) {
        return fail(
          .indexOutOfBounds,
          "index \(position) is outside of a list of \(elements.count)")
      }
      return .success(elements[Int(position)])
    case .map:
      switch index {
      case .int, .uint, .double, .bool, .string: return member(of: container, index)
      default: return noOverload("_[_]", [container, index])
      }
    default:
      return noOverload("_[_]", [container, index])
    }
  }

  /// The value at a key of a map.
  static func member(of map: Value, _ key: Value) -> Outcome {
    guard case .map(let entries) = map else {
      return fail(.noSuchOverload, "\(map.kind.name) has no fields")
    }
    for entry in entries where equal(entry.key, key) { return .success(entry.value) }
    let shown: String
    switch key {
    case .string(let text): shown = "'\(text)'"
    case .int(let number): shown = "\(number)"
    case .uint(let number): shown = "\(number)"
    case .bool(let flag): shown = "\(flag)"
    default: shown = "of type \(key.kind.name)"
    }
    return fail(.noSuchKey, "the map has no key \(shown)")
  }

  private static func wholeNumber(_ value: Value) -> Int64? {
    switch value {
    case .int(let number): number
    case .uint(let number): Int64(exactly: number)
    case .double(let number): Int64(exactly: number)
    default: nil
    }
  }
}
