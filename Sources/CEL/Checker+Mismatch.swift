/// Messages for calls that no overload takes.
extension Checker {
  func mismatch(
    _ node: Expression, _ name: String, _ overloads: [Overload], _ operands: [Expression],
    _ types: [Type], isMember: Bool
  ) -> CompileError {
    let shown = types.map { substitution.resolve($0, isFinal: true) }
    if let error = moneyMismatch(node, name, operands, shown) { return error }
    let message: String
    if let sign = Self.sign(name) {
      message = operatorMessage(name, sign, operands, shown)
    } else {
      message = functionMessage(name, overloads, operands, shown, isMember: isMember)
    }
    return CompileError(code: .type, message: message, range: node.range)
  }

  private func moneyMismatch(
    _ node: Expression, _ name: String, _ operands: [Expression], _ types: [Type]
  ) -> CompileError? {
    guard environment.money != nil, types.count == 2, name != "_%_" else { return nil }
    if name == "@in" {
      guard case .list(let element) = types[1] else { return nil }
      if types[0] == .money && element.isNumber { return bareNumber(nil, in: operands[1].range) }
      if types[0].isNumber && element == .money {
        return bareNumber(operands[0], in: node.range)
      }
      return nil
    }
    if name == "_*_" || name == "_/_" {
      guard types.contains(.money), types.contains(.double) || types.contains(.uint) else {
        return nil
      }
      return CompileError(
        code: .type,
        message:
          "money is multiplied and divided by an int, not by a \(types.first { $0 != .money } ?? .dyn)",
        range: node.range)
    }
    for index in 0...1 where types[1 - index] == .money && types[index].isNumber {
      return bareNumber(operands[index], in: node.range)
    }
    return nil
  }

  private func operatorMessage(
    _ name: String, _ sign: String, _ operands: [Expression], _ types: [Type]
  ) -> String {
    if types.count == 1 {
      let isCount = name == "!_" && types[0].isNumber
      return "'\(sign)' does not take \(types[0])"
        + (isCount ? "; write \(text(operands[0])) == 0" : "")
    }
    if name == "_?_:_" {
      return types[0] == .bool
        ? "the branches of '?:' have two types: \(types[1]) and \(types[2])"
        : "the condition of '?:' is a bool, not \(types[0])"
    }
    if name == "_[_]" { return "\(types[0]) has no index of type \(types[1])" }
    var message = "'\(sign)' does not take \(types[0]) and \(types[1])"
    let isComparison = Library.orderings.contains(name) || Library.equalities.contains(name)
    for index in 0...1 where types[1 - index] == .duration && types[index].isNumber {
      if environment.hasLifecycleFunctions && (isComparison || name == "_+_" || name == "_-_") {
        var count = "90"
        if case .literal(.int(let value)) = operands[index].kind { count = String(value) }
        message += "; write days(\(count)) or hours(\(count))"
      }
      return message
    }
    if isComparison, types.contains(.null) {
      return message + "; has(…) tells whether a value is set"
    }
    return message + (operatorHabit(name, operands, types) ?? "")
  }

  private func functionMessage(
    _ name: String, _ overloads: [Overload], _ operands: [Expression], _ types: [Type],
    isMember: Bool
  ) -> String {
    let given = isMember ? types.count - 1 : types.count
    let sameStyle = overloads.filter { $0.isMember == isMember }
    if sameStyle.isEmpty, let other = overloads.first {
      return other.isMember
        ? "\(name)() is called on a value, as in x.\(name)(…)"
        : "\(name)() is not called on a value; write \(name)(…)"
    }
    let counts = sameStyle.map { isMember ? $0.parameters.count - 1 : $0.parameters.count }
    if let least = counts.min(), !counts.contains(given) {
      return "\(name)() takes \(least == 1 ? "1 argument" : "\(least) arguments"), not \(given)"
    }
    let list = types.dropFirst(isMember ? 1 : 0).map(\.description).joined(separator: ", ")
    if let spelled = wholeUnits(name, operands) { return spelled }
    if isMember { return "\(name)() on \(types[0]) does not take (\(list))" }
    return "\(name)() does not take (\(list))"
  }

  /// `days(1.5)`: units of time are whole numbers, and smaller ones are there.
  private func wholeUnits(_ name: String, _ operands: [Expression]) -> String? {
    let seconds: [String: Double] = ["hours": 3600, "days": 86_400, "weeks": 604_800]
    guard let unit = seconds[name], operands.count == 1,
      case .literal(.double(let count)) = operands[0].kind
    else { return nil }
    let total = count * unit
    guard total.isFinite, abs(total) < 1e10, total == total.rounded() else {
      return "\(name)() takes a whole number"
    }
    let whole = Int64(total)
    let remedy = whole % 3600 == 0 ? "hours(\(whole / 3600))" : "duration(\"\(whole)s\")"
    return "\(name)() takes a whole number; write \(remedy)"
  }

  /// How an operator is written, nil for a function.
  static func sign(_ name: String) -> String? {
    switch name {
    case "@in": "in"
    case "_?_:_": "?:"
    case "_[_]": "[]"
    case "!_": "!"
    case "-_": "-"
    default:
      name.hasPrefix("_") && name.hasSuffix("_") && name.utf8.count <= 4
        ? String(name.dropFirst().dropLast()) : nil
    }
  }
}
