/// What people write who know other languages, and how CEL writes it.
extension Parser {
  /// The message for what stands here, if it is such a habit.
  func habit() -> CompileError? {
    if case .identifier(let word) = current.kind {
      if let error = number(before: word) { return error }
      if let remedy = Self.infixWords[word.lowercased()] {
        return failure("'\(word)' is no operator of CEL; \(remedy)", current.range)
      }
    }
    if let previous, case .identifier(let word) = previous.kind, word.lowercased() == "not" {
      return failure("'\(word)' is no operator of CEL; write !(…)", previous.range)
    }
    if let previous, case .identifier(let word) = previous.kind, startsInterval(word) {
      return failure(
        "'\(word)' is not CEL; a span of time is days(90), an instant timestamp(\"2024-01-31T00:00:00Z\")",
        previous.range)
    }
    guard case .sign(let sign) = current.kind else {
      return doubledString()
    }
    if sign == .comma, let error = thousands() { return error }
    return signs(sign)
  }

  private func failure(_ message: String, _ range: Range<Int>) -> CompileError {
    CompileError(code: .syntax, message: message, range: range)
  }

  private static let units: Set<String> = [
    "d", "day", "days", "w", "week", "weeks", "h", "hour", "hours", "min", "minute", "minutes",
    "s", "sec", "second", "seconds", "month", "months", "year", "years",
  ]

  private static let infixWords: [String: String] = [
    "and": "write &&", "or": "write ||", "xor": "write != between two conditions",
    "not": "write !(x in […]) or !(…)",
    "is": "whether a fact is set says has(facts.x), a value is compared with ==",
    "between": "write x >= 1 && x <= 9", "like": "write x.startsWith(…) or x.contains(…)",
    "ilike": "write x.startsWith(…) or x.contains(…)",
    "contains": "write x.contains(\"…\")", "startswith": "write x.startsWith(\"…\")",
    "endswith": "write x.endsWith(\"…\")", "matches": "write x.startsWith(…) or x.contains(…)",
    "mod": "write %", "div": "write /", "eq": "write ==", "ne": "write !=", "neq": "write !=",
    "gt": "write >", "gte": "write >=", "ge": "write >=", "lt": "write <", "lte": "write <=",
    "le": "write <=", "equals": "write ==", "then": "write condition ? a : b",
    "else": "write condition ? a : b", "if": "write condition ? a : b",
    "when": "write condition ? a : b", "case": "write condition ? a : b",
  ]

  private func startsInterval(_ word: String) -> Bool {
    let isText = if case .string = current.kind { true } else { false }
    return isText && ["interval", "date", "timestamp", "datetime"].contains(word.lowercased())
  }

  /// `90d`, `5k`, `1_000`: a number with letters right behind it.
  private func number(before word: String) -> CompileError? {
    guard let previous else { return nil }
    // With a blank between them, only a unit of time belongs to the number.
    let isApart = previous.range.upperBound != current.range.lowerBound
    if isApart && !Self.units.contains(word.lowercased()) { return nil }
    let digits: String
    switch previous.kind {
    case .int(let text): digits = text
    case .uint(let text): digits = text
    case .double(let value): digits = "\(value)"
    default: return nil
    }
    let range = previous.range.lowerBound..<current.range.upperBound
    let written = digits + (isApart ? " " : "") + word
    if word.hasPrefix("_") {
      let plain = written.replacing("_", with: "")
      return failure("'\(written)' is no number; write \(plain)", range)
    }
    let functions: [String: String] =
      inRules
      ? [
        "d": "days(\(digits))", "day": "days(\(digits))", "days": "days(\(digits))",
        "w": "weeks(\(digits))", "week": "weeks(\(digits))", "weeks": "weeks(\(digits))",
        "h": "hours(\(digits))", "hour": "hours(\(digits))", "hours": "hours(\(digits))",
        "month": "days(30)", "months": "days(30) for each", "year": "days(365)",
        "years": "days(365) for each",
      ] : [:]
    let suffixes = [
      "h": "h", "hour": "h", "hours": "h", "m": "m", "min": "m", "minutes": "m", "s": "s",
      "sec": "s", "seconds": "s", "ms": "ms",
    ]
    let remedy =
      functions[word.lowercased()]
      ?? suffixes[word.lowercased()].map { "duration(\"\(digits)\($0)\")" }
    return failure(
      remedy.map { "'\(written)' is no value; write \($0)" }
        ?? "'\(written)' is neither a number nor a name", range)
  }

  /// `1,000`.
  private func thousands() -> CompileError? {
    guard case .int(let left)? = previous?.kind, case .int(let right) = token(ahead: 1).kind,
      right.count == 3, left.count <= 3, let start = previous?.range.lowerBound
    else { return nil }
    return failure(
      "a number has no signs between its thousands; write \(left)\(right)",
      start..<token(ahead: 1).range.upperBound)
  }

  private func signs(_ sign: Token.Sign) -> CompileError? {
    guard let previous, case .sign(let before) = previous.kind,
      previous.range.upperBound == current.range.lowerBound
    else { return nil }
    let range = previous.range.lowerBound..<current.range.upperBound
    switch (before, sign) {
    case (.less, .greater): return failure("'<>' is not CEL; write '!='", range)
    case (.times, .times):
      return failure("'**' is not CEL, which has no powers; multiply", range)
    case (.questionMark, .questionMark):
      return failure(
        "'??' is not CEL; write has(facts.x) ? x : 0, or give the fact a `default`", range)
    case (.questionMark, .dot), (.questionMark, .colon):
      return failure("'?\(sign.rawValue)' is not CEL; write has(facts.x) ? … : …", range)
    case (.plus, .plus), (.openBrace, .openBrace), (.colon, .colon):
      return failure("'\(before.rawValue)\(sign.rawValue)' is not CEL", range)
    default: return nil
    }
  }

  /// `'it''s'`: SQL doubles a quote, CEL escapes it.
  private func doubledString() -> CompileError? {
    guard case .string = current.kind, let previous, case .string = previous.kind,
      previous.range.upperBound == current.range.lowerBound
    else { return nil }
    return failure(
      "two texts side by side; a quote inside a text is written \\' or stands in the other quotes",
      previous.range.lowerBound..<current.range.upperBound)
  }
}
