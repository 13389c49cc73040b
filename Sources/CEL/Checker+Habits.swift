/// Names and functions of other languages, and how CEL writes them.
extension Checker {
  /// What to write instead of an unknown name, as the end of a message; nil where nothing is known of it.
  func habit(of name: String, kind: String) -> String? {
    let word = name.lowercased()
    if kind == "name" {
      if ["true", "false"].contains(word) { return "; write \(word)" }
      if ["none", "nil", "undefined", "nan"].contains(word) || word == "null" {
        return "; whether a value is set tells has(…)"
      }
      let isNow = ["today", "current_date", "current_timestamp", "sysdate"].contains(word)
      if isNow, environment.variables["now"] != nil { return "; write now" }
      return nil
    }
    guard let remedy = Self.functionHabits[word] else { return nil }
    let needsRules = remedy.hasPrefix("since") || remedy.hasPrefix("days(")
    return needsRules && !environment.hasLifecycleFunctions ? nil : "; \(remedy)"
  }

  private static let functionHabits: [String: String] = {
    var table: [String: String] = [
      "not": "write !(…)", "if": "write condition ? a : b", "iif": "write condition ? a : b",
      "len": "write size(…)", "length": "write size(…)", "char_length": "write size(…)",
      "coalesce": "write has(facts.x) ? x : 0, or give the fact a `default`",
      "ifnull": "write has(facts.x) ? x : 0, or give the fact a `default`",
      "nvl": "write has(facts.x) ? x : 0, or give the fact a `default`",
      "isnull": "write !has(facts.x)", "is_null": "write !has(facts.x)",
      "isset": "write has(facts.x)", "defined": "write has(facts.x)",
      "exists": "write has(facts.x), or list.exists(x, …)",
      "any": "write list.exists(x, …)", "all": "write list.all(x, …)",
      "abs": "write math.abs(…)", "round": "write math.round(…)", "floor": "write math.floor(…)",
      "ceil": "write math.ceil(…)", "ceiling": "write math.ceil(…)",
      "sign": "write math.sign(…)", "greatest": "write math.greatest(…)",
      "least": "write math.least(…)", "concat": "write a + b",
      "lower": "there is no change of case; list the spellings, as in x in ['app', 'App']",
      "upper": "there is no change of case; list the spellings, as in x in ['app', 'App']",
      "now": "write now", "today": "write now", "current_date": "write now",
      "current_timestamp": "write now", "getdate": "write now.getDate()",
      "date": "write timestamp(\"2024-01-31T00:00:00Z\")",
      "datetime": "write timestamp(\"2024-01-31T00:00:00Z\")",
      "to_timestamp": "write timestamp(\"2024-01-31T00:00:00Z\")",
      "to_date": "write timestamp(\"2024-01-31T00:00:00Z\")",
      "datediff": "write since(x), or a - b, and compare with days(90)",
      "date_diff": "write since(x), or a - b, and compare with days(90)",
      "timestampdiff": "write since(x), or a - b, and compare with days(90)",
      "age": "write since(x)", "days_since": "write since(x) >= days(90)",
      "dayssince": "write since(x) >= days(90)", "since_days": "write since(x) >= days(90)",
      "dateadd": "write x + days(30)", "date_add": "write x + days(30)",
      "date_sub": "write x - days(30)", "interval": "write days(30)",
      "months": "days(30) or days(31) is what a month can be; a day is 24 hours",
      "years": "days(365) is what a year can be; a day is 24 hours",
      "month": "write now.getMonth(), which is 0 in January",
      "year": "write now.getFullYear()", "weekday": "write now.getDayOfWeek(), 0 on Sunday",
      "dayofweek": "write now.getDayOfWeek(), 0 on Sunday", "hour": "write hours(1)",
      "day": "write days(1)", "week": "write weeks(1)",
      "minutes": "write duration(\"5m\")", "minute": "write duration(\"5m\")",
      "seconds": "write duration(\"30s\")", "second": "write duration(\"30s\")",
      "isin": "write x in ['a', 'b']", "in": "write x in ['a', 'b']",
      "str": "write string(…)", "float": "write double(…)", "number": "write double(…)",
      "integer": "write int(…)", "cast": "write int(…), double(…) or string(…)",
      "stage": "write stage.name == 'x'", "previous_stage": "write stage.previous",
    ]
    for name in ["count", "sum", "avg", "distinct", "first", "last", "count_distinct", "last_time"]
    {
      table[name] = "declare a fact for it and read the fact here"
    }
    table["min"] = "write math.least(…); of events declare a fact"
    table["max"] = "write math.greatest(…); of events declare a fact"
    return table
  }()

  /// What to write instead of an unknown function of a value, as `now.year()`.
  func memberHabit(of name: String, on target: Expression) -> String? {
    let word = name.lowercased()
    if substitution.head(typeOf(target)) == .duration, let unit = Self.spans[word] {
      return environment.hasLifecycleFunctions ? "compare it with \(unit)" : nil
    }
    return Self.memberHabits[word].map { "write \($0)" }
  }

  private static let spans: [String: String] = [
    "days": "days(90)", "getdays": "days(90)", "todays": "days(90)", "day": "days(90)",
    "weeks": "weeks(2)", "months": "days(30)", "years": "days(365)", "hours": "hours(12)",
    "indays": "days(90)", "total_days": "days(90)",
  ]

  private static let memberHabits: [String: String] = [
    "year": "getFullYear()", "getyear": "getFullYear()", "fullyear": "getFullYear()",
    "month": "getMonth(), which is 0 in January", "months": "getMonth(), which is 0 in January",
    "day": "getDate(), or getDayOfWeek(), 0 on Sunday",
    "getday": "getDate(), or getDayOfWeek(), 0 on Sunday", "date": "getDate()",
    "dayofmonth": "getDate()", "dayofweek": "getDayOfWeek(), 0 on Sunday",
    "weekday": "getDayOfWeek(), 0 on Sunday", "dayofyear": "getDayOfYear(), 0 on 1 January",
    "hour": "getHours()", "hours": "getHours()", "gethour": "getHours()",
    "minute": "getMinutes()", "minutes": "getMinutes()", "getminute": "getMinutes()",
    "second": "getSeconds()", "seconds": "getSeconds()",
    "length": "size()", "len": "size()", "count": "size()", "includes": "contains(…)",
    "has": "contains(…)", "equals": "==", "isnull": "!has(facts.x)", "tostring": "string(…)",
    "lower": "x in ['app', 'App'], as there is no change of case",
    "upper": "x in ['app', 'App'], as there is no change of case",
    "tolowercase": "x in ['app', 'App'], as there is no change of case",
    "touppercase": "x in ['app', 'App'], as there is no change of case",
    "like": "startsWith(…) or contains(…)", "any": "exists(x, …)",
  ]

  // MARK: Operators

  /// What to write for an operator between these types, as the end of a message.
  func operatorHabit(
    _ name: String, _ operands: [Expression], _ types: [Type]
  ) -> String? {
    guard operands.count == 2, types.count == 2 else { return nil }
    if name == "_&&_" || name == "_||_" { return conditionHabit(operands, types) }
    if let sum = numbersHabit(name, operands, types) { return sum }
    let isComparison = Library.orderings.contains(name) || Library.equalities.contains(name)
    guard isComparison else {
      let isShift = name == "_+_" || name == "_-_"
      if isShift, types[0] == .timestamp, types[1] == .int, environment.hasLifecycleFunctions {
        return "; write \(text(operands[0])) \(Self.sign(name) ?? "+") days(\(text(operands[1])))"
      }
      return isShift ? beside(operands, types, [.timestamp, .duration]) : nil
    }
    if let chain = chainHabit(name, operands, types) { return chain }
    return beside(operands, types, [.timestamp, .duration, .money, .int, .double, .bool, .type])
  }

  /// `visits && …`: a number is no condition.
  private func conditionHabit(_ operands: [Expression], _ types: [Type]) -> String? {
    for (operand, type) in zip(operands, types) where type != .bool && type != .dyn {
      if type.isNumber { return "; write \(text(operand)) > 0" }
      if type == .string { return "; write \(text(operand)) != ''" }
      if type == .money { return "; write \(text(operand)) > 0" }
      return nil
    }
    return nil
  }

  /// `n * 1.5` with an int n.
  private func numbersHabit(
    _ name: String, _ operands: [Expression], _ types: [Type]
  ) -> String? {
    let arithmetic: Set<String> = ["_+_", "_-_", "_*_", "_/_"]
    guard arithmetic.contains(name), types.contains(.double),
      let whole = types.firstIndex(where: { $0 == .int || $0 == .uint }),
      let sign = Self.sign(name)
    else { return nil }
    var texts = operands.map { text($0) }
    switch operands[whole].kind {
    case .literal(.int(let value)): texts[whole] = "\(value).0"
    default: texts[whole] = "double(\(texts[whole]))"
    }
    return "; write \(texts[0]) \(sign) \(texts[1])"
  }

  /// `1 < x < 5`.
  private func chainHabit(
    _ name: String, _ operands: [Expression], _ types: [Type]
  ) -> String? {
    guard types[0] == .bool, types[1] != .bool, Library.orderings.contains(name),
      case .call(let inner, nil, let sides) = operands[0].kind,
      Library.orderings.contains(inner), sides.count == 2, let sign = Self.sign(name)
    else { return nil }
    return "; write \(text(operands[0])) && \(text(sides[1])) \(sign) \(text(operands[1]))"
  }

  /// A text beside a value of another type.
  private func beside(
    _ operands: [Expression], _ types: [Type], _ kinds: Set<Type>
  ) -> String? {
    for index in 0...1 where types[index] == .string && kinds.contains(types[1 - index]) {
      guard case .literal(.string(let written)) = operands[index].kind else {
        if types[1 - index] == .type { return typeHabit(operands[1 - index]) }
        continue
      }
      if written.isEmpty { return "; has(…) tells whether a value is set" }
      switch types[1 - index] {
      case .timestamp: return "; write timestamp(\"\(instant(written))\")"
      case .duration: return "; write \(span(written))"
      case .money: return "; write money(\"\(written)\")"
      case .int, .double:
        return Double(written) == nil ? nil : "; a number stands without quotes: \(written)"
      case .bool:
        let word = written.lowercased()
        return ["true", "false"].contains(word) ? "; write \(word) without quotes" : nil
      case .type: return typeHabit(operands[1 - index])
      default: return nil
      }
    }
    for index in 0...1 where types[index] == .string {
      if case .literal(.int(let value)) = operands[1 - index].kind {
        return "; a text stands in quotes: '\(value)'"
      }
    }
    for index in 0...1 where types[index] == .bool && types[1 - index] == .int {
      return "; \(text(operands[index])) is true or false by itself"
    }
    return nil
  }

  private func typeHabit(_ operand: Expression) -> String? {
    let name = "event.\(text(operand))"
    return environment.variables[name] == nil ? nil : "; write \(name)"
  }

  /// The text as an instant, where it looks like a date.
  private func instant(_ written: String) -> String {
    let bytes = Array(written.utf8)
    let isDate =
      bytes.count == 10 && bytes[4] == UInt8(ascii: "-") && bytes[7] == UInt8(ascii: "-")
    if isDate { return written + "T00:00:00Z" }
    if case .success = Functions.call("timestamp", [.string(written)]) { return written }
    return "2024-01-31T00:00:00Z"
  }

  private func span(_ written: String) -> String {
    if environment.hasLifecycleFunctions, let count = Int64(written.dropLast()) {
      if written.hasSuffix("d") { return "days(\(count))" }
      if written.hasSuffix("w") { return "weeks(\(count))" }
    }
    if case .success = Functions.call("duration", [.string(written)]) {
      return "duration(\"\(written)\")"
    }
    return environment.hasLifecycleFunctions ? "days(90)" : "duration(\"1h\")"
  }
}
