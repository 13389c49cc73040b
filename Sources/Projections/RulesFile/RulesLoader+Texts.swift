import CEL

/// CEL texts of the file: their check, their places, and what the rules know about their faults.
extension RulesLoader {
  /// What a condition is about, for hints.
  enum Scope {
    /// One event of these aliases.
    case event([Rules.Field])
    /// An `expr`; the facts below it, which it does not see.
    case expression(below: [String])
    /// A stage with a condition.
    case stage
    case transition
    case segment
  }

  /// Checks a CEL text; its faults are placed within the file.
  mutating func condition(
    _ scalar: YAMLValue.Scalar, _ environment: Environment, _ what: String, wantsBool: Bool,
    _ scope: Scope
  ) -> Rules.Condition? {
    do throws(CompileError) {
      let checked = try environment.check(scalar.text)
      if wantsBool && checked.type != .bool {
        fault(
          "cel-type",
          "\(what) has to be true or false, and is \(checked.type.name): `\(scalar.text)`",
          place(scalar, 0), help: Self.comparison(checked))
        return nil
      }
      return Rules.Condition(expression: checked, place: scalar.place)
    } catch {
      if error.code == .consequence { return nil }
      if unreadable.badNames.contains(where: { scalar.text.contains($0) }) { return nil }
      let bytes = Array(scalar.text.utf8)
      let range = error.range.clamped(to: 0..<bytes.count)
      let part = String(decoding: bytes[range], as: UTF8.self)
      let quoted = part.isEmpty || part.count > 80 ? "" : ", in `\(part)`"
      let isUnknown = error.code == .undeclared
      fault(
        error.code.rawValue, "\(what): \(error.message)\(quoted)", place(scalar, range.lowerBound),
        help: isUnknown ? nameHelp(part, scope) : commentHelp(scalar, error))
      return nil
    }
  }

  /// The `where` of an alias, or of a fact over events of some; a text that `event.type` never is there is a warning.
  mutating func whereCondition(
    _ scalar: YAMLValue.Scalar, over targets: [Rules.Alias], _ what: String
  ) -> Rules.Condition? {
    let what = "`where` of \(what)"
    let fields = targets.flatMap(\.fields)
    let found = condition(
      scalar, eventEnvironment(fields, of: targets.map(\.name)), what, wantsBool: true,
      .event(fields))
    let names = targets.map { "`\($0.name)`" }.joined(separator: " or ")
    let types = Environment.ClosedTexts(
      kind: "type of \(names)", texts: targets.flatMap(\.types))
    if let fault = found?.expression.unknownText(["event.type": types]) {
      warn(fault.code.rawValue, "\(what): \(fault.message)", place(scalar, fault.range.lowerBound))
    }
    return found
  }

  /// Where byte `offset` of a text stands in the file; its beginning where that cannot be told.
  func place(_ scalar: YAMLValue.Scalar, _ offset: Int) -> Rules.Place {
    text.place(of: offset, in: scalar.text, at: scalar.place)
  }

  private static func comparison(_ checked: CheckedExpression) -> String? {
    switch checked.type {
    case .int, .double, .uint, .money: "compare it, as in `\(checked.source) > 0`"
    case .duration: "compare it, as in `\(checked.source) >= days(90)`"
    case .timestamp: "compare its age, as in `since(\(checked.source)) >= days(90)`"
    case .string: "compare it, as in `\(checked.source) == 'x'`"
    default: nil
    }
  }

  /// YAML takes what follows ` #` for a comment, quotes of CEL or not.
  private func commentHelp(_ scalar: YAMLValue.Scalar, _ error: CompileError) -> String? {
    guard error.code == .syntax, scalar.isPlain else { return nil }
    let end = place(scalar, scalar.text.utf8.count)
    guard let offset = text.offset(of: end), offset < text.bytes.count else { return nil }
    let rest = text.bytes[offset...].prefix { $0 != 0x0a }.drop { $0 == 0x20 }
    guard rest.first == UInt8(ascii: "#") else { return nil }
    return "` #` begins a comment of YAML; put the condition in quotes"
  }

  // MARK: Names

  /// What to do about a name that a condition cannot read.
  private func nameHelp(_ part: String, _ scope: Scope) -> String? {
    if case .event(let fields) = scope { return eventHelp(part, fields) }
    let name = part.hasPrefix("facts.") ? String(part.dropFirst("facts.".count)) : part
    if case .expression(let below) = scope, below.contains(name) {
      return "an expr sees the facts above it only; move `\(name)` up"
    }
    let isStage = part.hasPrefix("stage.") || part == "stage" || part.hasPrefix("in_stage")
    switch scope {
    case .expression where isStage:
      return "an expr does not see the stage; use it in a transition or a segment"
    case .stage where isStage:
      return "stages with conditions do not see the stage; use transitions for that"
    case .segment: break
    default: if let help = populationHelp(part) { return help }
    }
    if part == "event.time" {
      return "the time of an event cannot be read here; declare a `last_time` fact and read that"
    }
    if part == "event" || part.hasPrefix("event.") {
      let field = part == "event" ? "status == 'x'" : "\(part.dropFirst("event.".count)) …"
      return
        "a condition over a customer sees facts, not single events; declare a fact with `where: \"event.\(field)\"`"
    }
    return factHelp(name)
  }

  private func populationHelp(_ part: String) -> String? {
    let group = part.split(separator: ".").first.map(String.init) ?? ""
    let isRank = population.contains { $0.name == part }
    guard ["clv", "rfm", "population"].contains(group) || isRank else { return nil }
    return
      "only segments may read `\(part)`: it is known at as-of, once all customers have been folded"
  }

  private func factHelp(_ name: String) -> String? {
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    if let alias = aliases.first(where: { $0.name == parts.first }) {
      if parts.count == 1 {
        return
          "`\(name)` is an event alias; declare a fact, such as `\(name)_count: { count: \(name) }`, and read that"
      }
      return
        "a condition sees facts; declare one, such as `last_\(parts[1]): { last: \(alias.name).\(parts[1]) }`, and read that"
    }
    if let alias = aliases.first(where: { $0.fields.contains { $0.name == name } }) {
      return
        "`\(name)` is a field of `\(alias.name)`; declare a fact, such as `last_\(name): { last: \(alias.name).\(name) }`, and read that"
    }
    if unreadable.segments.contains(name) { return "`\(name)` is a segment; conditions read facts" }
    if stages.contains(where: { $0.isCalled(name) }) {
      return "a stage's name stands in quotes: stage.name == '\(name)'"
    }
    return nil
  }

  private func eventHelp(_ part: String, _ fields: [Rules.Field]) -> String? {
    if part == "event.time" {
      return
        "the time of an event cannot be read here yet; `within` of a fact limits its age, `last_time` gives it"
    }
    if part.hasPrefix("event.data.") || part.hasPrefix("data.") || part == "event.data" {
      return "declare the field with its `path` under the alias's `fields`, and read `event.FIELD`"
    }
    if part == "event" { return "name what is in it, such as event.type" }
    // A function of an attribute, not a field.
    if part.contains("(") { return nil }
    if part.hasPrefix("event.") {
      return "declare `\(part.dropFirst("event.".count))` under the alias's `fields`"
    }
    let attributes = ["type", "source", "subject", "id"]
    if attributes.contains(part) || fields.contains(where: { $0.name == part }) {
      return "write `event.\(part)`"
    }
    let outer = ["now", "stage", "facts", "since", "in_stage"]
    let first = part.split(whereSeparator: { $0 == "." || $0 == "(" }).first.map(String.init) ?? ""
    if outer.contains(first) || facts.contains(where: { $0.name == first }) {
      return "this condition sees one event: no facts, no stage and no `now`"
    }
    return nil
  }
}
