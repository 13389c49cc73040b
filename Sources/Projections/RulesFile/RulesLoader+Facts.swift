import CEL

extension RulesLoader {
  private static let aggregateKeys = Rules.AggregateFunction.allCases.map(\.rawValue)

  /// Names that a fact may not have: columns of `customers`, variables, functions.
  static let takenNames: Set<String> = [
    "customer", "stage", "since", "first_seen", "last_seen", "next_at", "next_to", "parked_at",
    "clv_historical", "clv_expected", "p_alive", "expected_purchases", "rfm_r", "rfm_f", "rfm_m",
    "rfm_segment", "segments", "now", "facts", "event", "clv", "rfm", "population", "in_stage",
    "hours", "days", "weeks", "money", "size",
    "int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration", "type",
    "dyn", "matches", "contains", "startsWith", "endsWith", "math",
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
    "getHours", "getMinutes", "getSeconds", "getMilliseconds",
  ]

  mutating func readFacts(_ value: YAMLValue?) {
    for member in named(value, "facts") {
      checkName(member.key, "a fact", member.keyPlace)
      if Self.takenNames.contains(member.key) {
        fault(
          "bad-name",
          "fact `\(member.key)` has the name of a column of customers, a variable or a function",
          member.keyPlace, help: "give it another name, such as `\(member.key)_value`")
      }
      if let fact = readFact(member, following: value) {
        facts.append(fact)
      } else {
        unreadable.facts.insert(member.key)
      }
    }
    if facts.count > 1000 {
      fault("limit", "more than 1,000 facts", facts[1000].place)
    }
  }

  private mutating func readFact(
    _ member: YAMLValue.Member, following all: YAMLValue?
  ) -> Rules.Fact? {
    let what = "fact `\(member.key)`"
    let known = Self.aggregateKeys + ["expr", "within", "where", "default", "every"]
    let before = diagnostics.count
    guard let keys = members(member.value, what, known: known) else { return nil }
    let kinds = (Self.aggregateKeys + ["expr"]).filter { keys[$0] != nil }
    guard let kind = kinds.first, kinds.count == 1 else {
      if diagnostics.count > before { return nil }
      fault(
        "bad-fact",
        kinds.isEmpty
          ? "\(what) says nothing of what it counts"
          : "\(what) has \(kinds.map { "`\($0)`" }.joined(separator: " and ")); it may be one only",
        member.keyPlace, help: "one of \((Self.aggregateKeys + ["expr"]).joined(separator: ", "))")
      return nil
    }
    if kind == "expr" { return readExpression(member, keys, what, all) }
    guard let function = Rules.AggregateFunction(rawValue: kind), let target = keys[kind] else {
      return nil
    }
    return readAggregate(function, target, member, keys, what)
  }

  // MARK: expr

  private mutating func readExpression(
    _ member: YAMLValue.Member, _ keys: [String: YAMLValue.Member], _ what: String,
    _ all: YAMLValue?
  ) -> Rules.Fact? {
    for key in ["within", "where", "every"] {
      if let extra = keys[key] {
        fault("bad-fact", "\(what): an expr has no `\(key)`", extra.keyPlace)
      }
    }
    guard let text = keys["expr"].flatMap({ scalar($0.value, "`expr` of \(what)") }) else {
      return nil
    }
    var below: [String] = []
    if case .map(let members, _)? = all {
      below = members.drop { $0.key != member.key }.dropFirst().map(\.key)
    }
    guard
      let condition = condition(
        text, factEnvironment(withStage: false), what, wantsBool: false,
        .expression(below: below))
    else { return nil }
    let type = condition.expression.type
    switch type {
    case .bool, .int, .uint, .double, .string, .timestamp, .duration, .money: break
    default:
      fault(
        "cel-type", "\(what) is of type \(type.name), and a fact has to be a single value",
        text.place)
      return nil
    }
    let value = keys["default"].flatMap {
      defaultValue($0.value, type, "`default` of \(what)")
    }
    return Rules.Fact(
      name: member.key, type: type, kind: .expression(condition), defaultValue: value,
      place: member.keyPlace)
  }

  /// What conditions see.
  func factEnvironment(withStage: Bool) -> Environment {
    var variables: [String: Type] = ["now": .timestamp]
    for fact in facts {
      variables[fact.name] = fact.type
      variables["facts.\(fact.name)"] = fact.type
    }
    if withStage {
      variables["stage.name"] = .string
      variables["stage.entered_at"] = .timestamp
      variables["stage.previous"] = .string
    }
    var environment = Environment(
      variables: variables, money: currency, hasLifecycleFunctions: true,
      comparesMixedNumbers: true, requiresMicroseconds: true)
    environment.unknownNames = unreadable.ofCustomers
    if withStage && !stages.isEmpty && !unreadable.sections.contains("stages") {
      let names = stageTexts
      environment.closedTexts = ["stage.name": names, "stage.previous": names]
    }
    return environment
  }

  /// What `stage.name` and `stage.previous` can be.
  private var stageTexts: Environment.ClosedTexts {
    var synonyms: [String: String] = [:]
    for stage in stages { for name in stage.also { synonyms[name] = stage.name } }
    return Environment.ClosedTexts(kind: "stage", texts: stages.map(\.name), synonyms: synonyms)
  }

  // MARK: Aggregates

  private mutating func readAggregate(
    _ function: Rules.AggregateFunction, _ target: YAMLValue.Member, _ member: YAMLValue.Member,
    _ keys: [String: YAMLValue.Member], _ what: String
  ) -> Rules.Fact? {
    guard let aimed = readTarget(target.value, function, what) else { return nil }
    var aggregate = Rules.Aggregate(
      function: function, aliases: aimed.aliases, field: aimed.field, within: nil, every: nil,
      condition: nil)
    guard let type = type(function, aimed, target.value.place, what) else { return nil }
    if let within = keys["within"].flatMap({ scalar($0.value, "`within` of \(what)") }) {
      aggregate.within = span(within, "`within` of \(what)")
    }
    readEvery(function, keys, &aggregate, member, what)
    checkFieldTypes(aimed.aliases, target.value.place, what)
    if let text = keys["where"].flatMap({ scalar($0.value, "`where` of \(what)") }) {
      aggregate.condition = whereCondition(text, over: aimed.aliases.map { aliases[$0] }, what)
    }
    var value: Value?
    if let given = keys["default"] {
      switch function {
      case .count, .sum, .distinct, .active:
        fault(
          "bad-default", "\(what): \(function.rawValue) is 0 when empty and has no `default`",
          given.keyPlace)
      default: value = defaultValue(given.value, type, "`default` of \(what)")
      }
    }
    return Rules.Fact(
      name: member.key, type: type, kind: .aggregate(aggregate), defaultValue: value,
      place: member.keyPlace)
  }

  private mutating func readEvery(
    _ function: Rules.AggregateFunction, _ keys: [String: YAMLValue.Member],
    _ aggregate: inout Rules.Aggregate, _ member: YAMLValue.Member, _ what: String
  ) {
    if function != .active {
      if let every = keys["every"] {
        fault("bad-fact", "\(what): only `active` has `every`", every.keyPlace)
      }
      return
    }
    if keys["within"] == nil {
      fault("missing-key", "\(what): `active` has to have `within`", member.keyPlace)
    }
    guard let text = keys["every"].flatMap({ scalar($0.value, "`every` of \(what)") }) else {
      if keys["every"] == nil {
        fault("missing-key", "\(what): `active` has to have `every`", member.keyPlace)
      }
      return
    }
    guard let every = span(text, "`every` of \(what)") else { return }
    aggregate.every = every
    if let within = aggregate.within, within % every != 0 {
      fault("bad-duration", "\(what): `every` has to divide `within`", text.place)
    }
  }

  private mutating func readTarget(
    _ value: YAMLValue, _ function: Rules.AggregateFunction, _ what: String
  ) -> (aliases: [Int], field: String?)? {
    let takesAliases: Bool =
      switch function {
      case .count, .firstTime, .lastTime, .active: true
      default: false
      }
    if case .list = value {
      guard takesAliases else {
        fault(
          "bad-target", "\(what): \(function.rawValue) takes one alias.field, not a list",
          value.place)
        return nil
      }
      var indices: [Int] = []
      for name in scalars(value, "the target of \(what)") {
        guard let index = aliasIndex(name.text, name.place, what) else { return nil }
        if !indices.contains(index) { indices.append(index) }
      }
      return indices.isEmpty ? nil : (indices, nil)
    }
    guard let text = scalar(value, "the target of \(what)") else { return nil }
    if text.text.contains(".") {
      guard let reference = fieldReference(text, what) else { return nil }
      return ([reference.alias], aliases[reference.alias].fields[reference.field].name)
    }
    guard let index = aliasIndex(text.text, text.place, what) else { return nil }
    guard takesAliases else {
      fault(
        "bad-target", "\(what): \(function.rawValue) takes alias.field, not an alias alone",
        text.place,
        help: aliases[index].fields.first.map { "such as `\(text.text).\($0.name)`" })
      return nil
    }
    return ([index], nil)
  }

  private mutating func type(
    _ function: Rules.AggregateFunction, _ aimed: (aliases: [Int], field: String?),
    _ place: Rules.Place, _ what: String
  ) -> Type? {
    var field: Rules.FieldType?
    if let name = aimed.field, let alias = aimed.aliases.first {
      field = aliases[alias].fields.first { $0.name == name }?.type
    }
    switch function {
    case .count, .distinct, .active: return .int
    case .firstTime, .lastTime: return .timestamp
    case .first, .last: return field?.celType
    case .sum, .avg, .min, .max:
      guard let field else { return nil }
      switch field {
      case .money: return .money
      case .int: return function == .avg ? .double : .int
      case .double: return .double
      case .string, .timestamp:
        if function == .min || function == .max { return field.celType }
      case .bool: break
      }
      fault(
        "bad-target", "\(what): there is no \(function.rawValue) of a \(field.rawValue)", place)
      return nil
    }
  }

  /// One name with two types among the aliases of a target cannot be read by a `where`.
  private mutating func checkFieldTypes(_ indices: [Int], _ place: Rules.Place, _ what: String) {
    var types: [String: Rules.FieldType] = [:]
    for field in indices.flatMap({ aliases[$0].fields }) {
      if let known = types[field.name], known != field.type {
        fault(
          "field-types",
          "\(what): its aliases declare `\(field.name)` as \(known.rawValue) and as \(field.type.rawValue)",
          place, help: "rename one of the fields and give it a `path`")
        return
      }
      types[field.name] = field.type
    }
  }
}
