import CEL
import EventStore

extension RulesLoader {
  // MARK: Aliases

  mutating func readAliases(_ value: YAMLValue?) {
    for member in named(value, "events") {
      checkName(member.key, "an event alias", member.keyPlace)
      var alias = Rules.Alias(
        name: member.key, types: [], condition: nil, fields: [], place: member.keyPlace)
      let what = "alias `\(member.key)`"
      let before = diagnostics.count
      if let keys = members(member.value, what, known: ["types", "where", "fields"]) {
        if keys["fields"] == nil && diagnostics.count > before {
          unreadable.aliasesWithAnyField.insert(member.key)
        }
        if let types = keys["types"]?.value {
          for type in scalars(types, "`types` of \(what)") {
            if type.text.isEmpty {
              fault("bad-type", "`types` of \(what) holds an empty name", type.place)
            }
            if !alias.types.contains(type.text) { alias.types.append(type.text) }
          }
        } else if diagnostics.count == before {
          fault("missing-key", "\(what) has no `types`", member.keyPlace)
        }
        readFields(keys["fields"]?.value, &alias)
        if let text = keys["where"].flatMap({ scalar($0.value, "`where` of \(what)") }) {
          alias.condition = whereCondition(text, over: [alias], what)
        }
      } else {
        unreadable.aliasesWithAnyField.insert(member.key)
      }
      aliases.append(alias)
    }
  }

  private mutating func readFields(_ value: YAMLValue?, _ alias: inout Rules.Alias) {
    let before = diagnostics.count
    let members = named(value, "`fields` of alias `\(alias.name)`")
    if diagnostics.count > before { unreadable.aliasesWithAnyField.insert(alias.name) }
    for member in members {
      if let field = readField(member, alias.name) {
        alias.fields.append(field)
      } else {
        unreadable.fields[alias.name, default: []].insert(member.key)
      }
    }
  }

  private mutating func readField(_ member: YAMLValue.Member, _ alias: String) -> Rules.Field? {
    checkName(member.key, "a field", member.keyPlace)
    let what = "field `\(alias).\(member.key)`"
    if ["type", "source", "subject", "id"].contains(member.key) {
      fault(
        "bad-name", "\(what): `event.\(member.key)` is the event's own attribute", member.keyPlace,
        help: "give the field another name and its `path`")
    }
    var field = Rules.Field(
      name: member.key, type: .string, path: [member.key], isPointer: false, currencyPath: nil,
      currencyPathIsPointer: false, defaultValue: nil, place: member.keyPlace)
    if case .scalar(let scalar) = member.value {
      guard let type = fieldType(scalar, what) else { return nil }
      field.type = type
      return field
    }
    guard
      let keys = members(member.value, what, known: ["type", "path", "currency", "default"])
    else { return nil }
    guard let value = keys["type"]?.value, let text = scalar(value, "`type` of \(what)"),
      let type = fieldType(text, what)
    else {
      if keys["type"] == nil { fault("missing-key", "\(what) has no `type`", member.keyPlace) }
      return nil
    }
    field.type = type
    if let value = keys["path"]?.value, let text = scalar(value, "`path` of \(what)"),
      let path = path(text, what)
    {
      (field.path, field.isPointer) = path
    }
    if let currencyKey = keys["currency"] {
      if type != .money {
        fault("bad-field", "\(what) is no money and has no `currency`", currencyKey.keyPlace)
      } else if let text = scalar(currencyKey.value, "`currency` of \(what)"),
        let path = path(text, what)
      {
        (field.currencyPath, field.currencyPathIsPointer) = (path.0, path.1)
      }
    }
    if let value = keys["default"]?.value {
      field.defaultValue = defaultValue(value, type.celType, "`default` of \(what)")
    }
    return field
  }

  private mutating func fieldType(
    _ scalar: YAMLValue.Scalar, _ what: String
  ) -> Rules.FieldType? {
    if let type = Rules.FieldType(rawValue: scalar.text) { return type }
    let known = Rules.FieldType.allCases.map(\.rawValue)
    fault(
      "unknown-type", "\(what): `\(scalar.text)` is no type", scalar.place,
      help: Self.suggestion(scalar.text, known) ?? "types are \(known.joined(separator: ", "))")
    return nil
  }

  /// A dotted path, or a JSON Pointer where it starts with a slash.
  private mutating func path(
    _ scalar: YAMLValue.Scalar, _ what: String
  ) -> ([String], Bool)? {
    let isPointer = scalar.text.hasPrefix("/")
    let parts = scalar.text.split(
      separator: isPointer ? "/" : ".", omittingEmptySubsequences: false
    ).map(String.init)
    if !isPointer {
      if parts.contains("") {
        fault("bad-path", "\(what): `\(scalar.text)` has an empty step", scalar.place)
        return nil
      }
      return (parts, false)
    }
    var steps: [String] = []
    for part in parts.dropFirst() {
      var step = ""
      var rest = part[...]
      while let character = rest.popFirst() {
        guard character == "~" else {
          step.append(character)
          continue
        }
        switch rest.popFirst() {
        case "0": step.append("~")
        case "1": step.append("/")
        default:
          fault(
            "bad-path", "\(what): `\(scalar.text)` is no JSON Pointer: ~ is followed by 0 or 1",
            scalar.place)
          return nil
        }
      }
      steps.append(step)
    }
    return (steps, true)
  }

  // MARK: Values

  /// A value written as in a payload.
  mutating func defaultValue(_ value: YAMLValue, _ type: Type, _ what: String) -> Value? {
    guard case .scalar(let scalar) = value, !scalar.isNull else {
      fault("bad-default", "\(what) has to be a value of type \(type.name)", value.place)
      return nil
    }
    let text = Array(scalar.text.utf8)
    var result: Value?
    switch type {
    case .bool:
      if scalar.isPlain && scalar.text == "true" { result = .bool(true) }
      if scalar.isPlain && scalar.text == "false" { result = .bool(false) }
    case .int: result = Decimal.int64(text.span).map { .int($0) }
    case .double: result = Decimal.double(text.span).map { .double($0) }
    case .money: result = Decimal.minorUnits(text.span, digits: currency.digits).map { .money($0) }
    case .string: result = .string(scalar.text)
    case .timestamp:
      result = RFC3339.microseconds(text.span).map { .timestamp(ScalarValue.timestamp($0)) }
    case .duration:
      if case .success(let value) = Functions.call("duration", [.string(scalar.text)]) {
        result = value
      }
    default: break
    }
    if result == nil {
      fault(
        "bad-default", "\(what) has to be of type \(type.name), and is `\(scalar.text)`",
        scalar.place)
    }
    return result
  }

  // MARK: Conditions over one event

  /// - Parameter names: of the aliases whose events are seen.
  func eventEnvironment(_ fields: [Rules.Field], of names: [String]) -> Environment {
    var variables: [String: Type] = [
      "event.type": .string, "event.source": .string, "event.subject": .string,
      "event.id": .string,
    ]
    for field in fields { variables["event.\(field.name)"] = field.type.celType }
    var environment = Environment(
      variables: variables, money: currency, hasLifecycleFunctions: true,
      comparesMixedNumbers: true, requiresMicroseconds: true)
    environment.unknownNames = unreadable.ofEvents(names)
    return environment
  }

  mutating func readIgnore(_ value: YAMLValue?) -> Rules.Condition? {
    guard let value, let text = scalar(value, "ignore") else { return nil }
    var fields: [Rules.Field] = []
    var clashes: Set<String> = []
    for field in aliases.flatMap(\.fields) {
      if let known = fields.first(where: { $0.name == field.name }) {
        if known.type != field.type { clashes.insert(field.name) }
      } else {
        fields.append(field)
      }
    }
    fields.removeAll { clashes.contains($0.name) }
    return condition(
      text, eventEnvironment(fields, of: aliases.map(\.name)), "`ignore`", wantsBool: true,
      .event(fields))
  }

  mutating func readIdentity(_ value: YAMLValue?) -> Rules.FieldReference? {
    guard let value, let keys = members(value, "identity", known: ["link"]) else { return nil }
    guard let link = keys["link"]?.value else {
      fault("missing-key", "identity has no `link`", value.place)
      return nil
    }
    guard let text = scalar(link, "identity.link"),
      let reference = fieldReference(text, "identity.link")
    else { return nil }
    if aliases[reference.alias].fields[reference.field].type != .string {
      fault("identity", "`\(text.text)` has to be a string: it names a subject", text.place)
    }
    return reference
  }

  /// `alias.field`.
  mutating func fieldReference(
    _ scalar: YAMLValue.Scalar, _ what: String
  ) -> Rules.FieldReference? {
    let parts = scalar.text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else {
      fault(
        "bad-target", "\(what) has to be alias.field, and is `\(scalar.text)`", scalar.place)
      return nil
    }
    guard let alias = aliasIndex(parts[0], scalar.place, what),
      let field = fieldIndex(parts[1], of: alias, scalar.place, what)
    else { return nil }
    return Rules.FieldReference(alias: alias, field: field)
  }

  mutating func aliasIndex(_ name: String, _ place: Rules.Place, _ what: String) -> Int? {
    if let index = aliases.firstIndex(where: { $0.name == name }) { return index }
    if unreadable.knowsAlias(name) { return nil }
    let owner = aliases.first { $0.types.contains(name) }
    fault(
      "unknown-name", "\(what): there is no event alias `\(name)`", place,
      help: owner.map { "`\(name)` is a type; the alias that holds it is `\($0.name)`" }
        ?? Self.suggestion(name, aliases.map(\.name)))
    return nil
  }

  mutating func fieldIndex(
    _ name: String, of alias: Int, _ place: Rules.Place, _ what: String
  ) -> Int? {
    let fields = aliases[alias].fields.map(\.name)
    if let index = fields.firstIndex(of: name) { return index }
    if unreadable.knowsField(name, of: aliases[alias].name) { return nil }
    fault(
      "unknown-name", "\(what): alias `\(aliases[alias].name)` has no field `\(name)`", place,
      help: Self.suggestion(name, fields) ?? "declare it under `fields`")
    return nil
  }
}
