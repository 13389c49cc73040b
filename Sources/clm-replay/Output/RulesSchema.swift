import Projections

/// The form of a rules file as a JSON Schema (draft 7), for editors that complete and mark YAML by one.
///
/// It knows keys, words and shapes, and with the names of a file also what conditions apart may name. What conditions say, and
/// whether instants can be computed, `check` alone knows.
struct RulesSchema {
  /// Names of a file that others of it may use.
  struct Names {
    var aliases: [String] = []
    /// As `alias.field`.
    var fields: [String] = []
    var facts: [String] = []
    /// `also` names among them.
    var stages: [String] = []

    init() {}

    init(_ rules: Rules) {
      aliases = rules.aliases.map(\.name)
      fields = rules.aliases.flatMap { alias in alias.fields.map { "\(alias.name).\($0.name)" } }
      facts = rules.facts.map(\.name)
      stages = rules.stages.flatMap { [$0.name] + $0.also }
    }
  }

  private let names: Names

  init(_ names: Names = Names()) { self.names = names }

  private typealias Members = [(String, JSONValue)]

  // MARK: Shapes

  private static func words(_ words: [String]) -> JSONValue {
    .object([("enum", .array(words.map { .string($0) }))])
  }

  private static func texts(_ pattern: String, _ description: String) -> JSONValue {
    .object([
      ("type", .string("string")), ("pattern", .string(pattern)),
      ("description", .string(description)),
    ])
  }

  private static func reference(_ name: String) -> JSONValue {
    .object([("$ref", .string("#/definitions/\(name)"))])
  }

  private static func list(of item: JSONValue, least: Int = 0) -> JSONValue {
    .object([("type", .string("array")), ("items", item), ("minItems", .count(least))])
  }

  private static func either(_ choices: [JSONValue]) -> JSONValue {
    .object([("anyOf", .array(choices))])
  }

  private static func map(
    _ members: Members, needs required: [String] = [], _ description: String? = nil
  ) -> JSONValue {
    var result: Members = [("type", .string("object"))]
    if let description { result.append(("description", .string(description))) }
    result.append(("properties", .object(members)))
    if !required.isEmpty { result.append(("required", .array(required.map { .string($0) }))) }
    result.append(("additionalProperties", .bool(false)))
    return .object(result)
  }

  /// A map whose keys are names of the user's.
  private static func named(_ value: JSONValue, pattern: String = "^[A-Za-z_][A-Za-z0-9_]*$")
    -> JSONValue
  {
    .object([
      ("type", .array([.string("object"), .string("null")])),
      ("propertyNames", .object([("pattern", .string(pattern))])),
      ("additionalProperties", value),
    ])
  }

  /// One of the names of the file; any, where none are known.
  private static func one(of names: [String], or definition: String) -> JSONValue {
    names.isEmpty ? reference(definition) : words(names)
  }

  // MARK: Parts

  private var definitions: Members {
    let scalar: JSONValue = .array(["string", "number", "boolean"].map { .string($0) })
    return [
      ("scalar", .object([("type", scalar)])),
      (
        "condition",
        .object([
          ("type", scalar),
          ("description", .string("a condition in CEL, such as `purchases >= 2`")),
        ])
      ),
      ("name", Self.texts("^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and _, no digit first")),
      ("fieldName", Self.texts("^[A-Za-z_][A-Za-z0-9_]*\\.[A-Za-z_][A-Za-z0-9_]*$", "alias.field")),
      (
        "label", Self.texts("^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", "1 to 64 letters, digits, . _ -")
      ),
      ("length", Self.texts("^[0-9]+[hdw]$", "a length: 12h, 30d, 4w; a day is 24 hours")),
      ("currency", Self.texts("^[A-Z]{3}$", "a code of ISO 4217")),
      (
        "instant",
        Self.texts("^[0-9]{4}-[0-9]{2}-[0-9]{2}", "RFC 3339, or a date: midnight UTC")
      ),
    ]
  }

  private var alias: JSONValue {
    let types = Rules.FieldType.allCases.map(\.rawValue)
    let field = Self.either([
      Self.words(types),
      Self.map(
        [
          ("type", Self.words(types)),
          ("path", Self.reference("scalar")), ("currency", Self.reference("scalar")),
          ("default", Self.reference("scalar")),
        ], needs: ["type"]),
    ])
    return Self.map(
      [
        ("types", Self.list(of: Self.reference("scalar"), least: 1)),
        ("where", Self.reference("condition")), ("fields", Self.named(field)),
      ], needs: ["types"])
  }

  /// Facts of each kind take keys of their own.
  private var fact: JSONValue {
    let alias = Self.one(of: names.aliases, or: "name")
    let field = Self.one(of: names.fields, or: "fieldName")
    let many = Self.either([alias, field, Self.list(of: alias, least: 1)])
    let length = Self.reference("length")
    let kinds = Rules.AggregateFunction.allCases.map { function -> JSONValue in
      let takesMany = [.count, .firstTime, .lastTime, .active].contains(function)
      var members: Members = [
        (function.rawValue, takesMany ? many : field), ("within", length),
        ("where", Self.reference("condition")),
      ]
      // What counts is 0 where there is nothing.
      if ![.count, .sum, .distinct, .active].contains(function) {
        members.append(("default", Self.reference("scalar")))
      }
      if function == .active { members.append(("every", length)) }
      let needed = function == .active ? ["every", "within"] : []
      return Self.map(members, needs: [function.rawValue] + needed)
    }
    let expression = Self.map(
      [("expr", Self.reference("condition")), ("default", Self.reference("scalar"))],
      needs: ["expr"])
    return Self.either(kinds + [expression])
  }

  private var stages: JSONValue {
    let stage = Self.either([
      Self.reference("label"),
      Self.map(
        [
          ("name", Self.reference("label")),
          ("also", Self.either([Self.reference("label"), Self.list(of: Self.reference("label"))])),
          ("when", Self.reference("condition")),
        ], needs: ["name"]),
    ])
    return Self.list(of: stage, least: 1)
  }

  private var transitions: JSONValue {
    let stage = Self.one(of: names.stages, or: "label")
    let from = Self.either([Self.words(["any"]), stage, Self.list(of: stage, least: 1)])
    return Self.list(
      of: Self.map(
        [
          ("id", Self.reference("name")), ("from", from), ("to", stage),
          ("when", Self.reference("condition")),
        ], needs: ["id", "from", "to", "when"]))
  }

  private var population: JSONValue {
    let fact = Self.one(of: names.facts, or: "name")
    func sized(_ size: String) -> JSONValue {
      Self.map([("of", fact), (size, Self.reference("scalar"))], needs: ["of", size])
    }
    return Self.named(
      Self.either([
        Self.map([("percent_rank", fact)], needs: ["percent_rank"]),
        Self.map([("ntile", sized("n"))], needs: ["ntile"]),
        Self.map([("top", sized("percent"))], needs: ["top"]),
      ]))
  }

  private var value: JSONValue {
    let field = Self.one(of: names.fields, or: "fieldName")
    let (scalar, length) = (Self.reference("scalar"), Self.reference("length"))
    let discount = Self.map(
      [
        ("rate", scalar),
        ("per", Self.words(Rules.CLVSettings.discountPeriods.keys.sorted())),
      ], needs: ["rate", "per"])
    let prior = Self.map([("median", scalar), ("sigma", scalar)], needs: ["median", "sigma"])
    return Self.map(
      [
        ("purchase", field), ("refund", field), ("margin", scalar),
        ("monetary", Self.words(Rules.Monetary.allCases.map(\.rawValue))),
        ("model", Self.words(Rules.CLVModel.allCases.map(\.rawValue))), ("unit", length),
        ("horizon", length), ("discount", discount), ("penalizer", scalar),
        ("prior", Self.named(prior, pattern: "^(gamma_gamma\\.)?[a-z]+$")),
      ], needs: ["purchase"])
  }

  private var tests: JSONValue {
    let (scalar, instant) = (Self.reference("scalar"), Self.reference("instant"))
    let event = Self.map(
      [
        ("at", instant), ("type", scalar), ("data", .object([("type", .string("object"))])),
        ("subject", scalar), ("source", scalar), ("id", scalar),
      ], needs: ["at", "type"])
    let row = Self.map([
      ("at", instant), ("from", scalar), ("to", scalar), ("transition", scalar),
      ("by", Self.words(["event", "timer"])), ("cause", Self.words(["event", "timer"])),
      ("event_id", scalar), ("customer", scalar),
    ])
    let rows = Self.either([Self.list(of: row), .object([("type", .string("null"))])])
    return Self.list(
      of: Self.map(
        [
          ("name", scalar), ("given", Self.list(of: event)), ("as_of", instant), ("expect", rows),
        ], needs: ["name", "given", "expect"]))
  }

  // MARK: The whole

  var json: JSONValue {
    let alias = Self.one(of: names.aliases, or: "name")
    let rate = Self.map(
      [("from", alias), ("to", alias), ("within", Self.reference("length"))],
      needs: ["from", "to", "within"])
    let segment = Self.map([("when", Self.reference("condition"))], needs: ["when"])
    let members: Members = [
      ("rules", .object([("enum", .array([.string("1"), .int(1)]))])),
      (
        "model",
        Self.map(
          [("name", Self.reference("label")), ("version", Self.reference("scalar"))],
          needs: ["name", "version"])
      ),
      ("currency", Self.reference("currency")), ("ignore", Self.reference("condition")),
      (
        "identity",
        Self.map([("link", Self.one(of: names.fields, or: "fieldName"))], needs: ["link"])
      ),
      ("events", Self.named(self.alias)), ("facts", Self.named(fact)), ("stages", stages),
      ("transitions", transitions), ("segments", Self.named(segment)),
      ("population", population), ("clv", value),
      (
        "rfm",
        Self.map([
          ("ties", Self.words(Rules.RFMSettings.Ties.allCases.map(\.rawValue))),
          ("within", Self.reference("length")),
        ])
      ),
      ("exchange", Self.named(Self.reference("scalar"), pattern: "^[A-Z]{3}$")),
      ("timezone", Self.reference("scalar")), ("rates", Self.named(rate)), ("tests", tests),
    ]
    var whole: Members = [
      ("$schema", .string("http://json-schema.org/draft-07/schema#")),
      ("title", .string("rules of clm-replay, format 1")),
    ]
    if case .object(let shape) = Self.map(
      members, needs: ["rules", "model", "currency", "events", "stages"])
    {
      whole += shape
    }
    whole.append(("definitions", .object(definitions)))
    return .object(whole)
  }
}
