/// One signature of a function or operator.
struct Overload: Sendable {
  /// The receiver of a member function is the first.
  var parameters: [Type]
  var result: Type
  var isMember: Bool

  init(_ parameters: [Type], _ result: Type, isMember: Bool = false) {
    self.parameters = parameters
    self.result = result
    self.isMember = isMember
  }
}

/// The functions that an environment declares.
enum Library {
  private static let a = Type.parameter("A")
  private static let b = Type.parameter("B")
  private static let ordered: [Type] = [
    .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration,
  ]

  /// Names of relations, whose two sides have one type.
  static let orderings: Set<String> = ["_<_", "_<=_", "_>_", "_>=_"]
  static let equalities: Set<String> = ["_==_", "_!=_"]

  static let standard: [String: [Overload]] = {
    var table: [String: [Overload]] = [
      "_&&_": [Overload([.bool, .bool], .bool)],
      "_||_": [Overload([.bool, .bool], .bool)],
      "!_": [Overload([.bool], .bool)],
      "_?_:_": [Overload([.bool, a, a], a)],
      "_==_": [Overload([a, a], .bool)],
      "_!=_": [Overload([a, a], .bool)],
      "_[_]": [Overload([.list(a), .int], a), Overload([.map(a, b), a], b)],
      "@in": [Overload([a, .list(a)], .bool), Overload([a, .map(a, b)], .bool)],
      "-_": [Overload([.int], .int), Overload([.double], .double)],
      "type": [Overload([a], .type)],
      "dyn": [Overload([a], .dyn)],
    ]
    for name in orderings { table[name] = ordered.map { Overload([$0, $0], .bool) } }
    for name in ["_-_", "_*_", "_/_"] {
      table[name] = [Type.int, .uint, .double].map { Overload([$0, $0], $0) }
    }
    table["_%_"] = [Overload([.int, .int], .int), Overload([.uint, .uint], .uint)]
    table["_-_"]?.append(contentsOf: [
      Overload([.timestamp, .timestamp], .duration), Overload([.timestamp, .duration], .timestamp),
      Overload([.duration, .duration], .duration),
    ])
    table["_+_"] =
      [Type.int, .uint, .double, .string, .bytes, .duration, .list(a)].map {
        Overload([$0, $0], $0)
      }
      + [
        Overload([.timestamp, .duration], .timestamp),
        Overload([.duration, .timestamp], .timestamp),
      ]
    let sized: [Type] = [.string, .bytes, .list(a), .map(a, b)]
    table["size"] =
      sized.map { Overload([$0], .int) } + sized.map { Overload([$0], .int, isMember: true) }
    for name in ["contains", "startsWith", "endsWith"] {
      table[name] = [Overload([.string, .string], .bool, isMember: true)]
    }
    addConversions(&table)
    addTime(&table)
    addMaths(&table)
    return table
  }()

  private static func addConversions(_ table: inout [String: [Overload]]) {
    func conversion(_ name: String, to result: Type, from types: [Type]) {
      table[name] = types.map { Overload([$0], result) }
    }
    conversion("int", to: .int, from: [.int, .uint, .double, .string, .timestamp])
    conversion("uint", to: .uint, from: [.uint, .int, .double, .string])
    conversion("double", to: .double, from: [.double, .int, .uint, .string])
    conversion(
      "string", to: .string,
      from: [.string, .int, .uint, .double, .bool, .bytes, .timestamp, .duration])
    conversion("bytes", to: .bytes, from: [.bytes, .string])
    conversion("bool", to: .bool, from: [.bool, .string])
    conversion("timestamp", to: .timestamp, from: [.timestamp, .string, .int])
    conversion("duration", to: .duration, from: [.duration, .string])
  }

  private static func addTime(_ table: inout [String: [Overload]]) {
    let accessors = [
      "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
      "getHours", "getMinutes", "getSeconds", "getMilliseconds",
    ]
    for name in accessors {
      table[name] = [
        Overload([.timestamp], .int, isMember: true),
        Overload([.timestamp, .string], .int, isMember: true),
      ]
    }
    for name in ["getHours", "getMinutes", "getSeconds", "getMilliseconds"] {
      table[name]?.append(Overload([.duration], .int, isMember: true))
    }
  }

  private static func addMaths(_ table: inout [String: [Overload]]) {
    for name in ["math.ceil", "math.floor", "math.round"] {
      table[name] = [Overload([.double], .double)]
    }
    for name in ["math.abs", "math.sign"] {
      table[name] = [Type.int, .uint, .double].map { Overload([$0], $0) }
    }
  }

  /// What contract §5 adds where rules count in a currency.
  static let money: [String: [Overload]] = {
    let pair = [Type.money, .money]
    var table: [String: [Overload]] = [
      "_+_": [Overload(pair, .money)],
      "_-_": [Overload(pair, .money)],
      "-_": [Overload([.money], .money)],
      "_*_": [Overload([.money, .int], .money), Overload([.int, .money], .money)],
      "_/_": [Overload([.money, .int], .money), Overload(pair, .double)],
      "math.abs": [Overload([.money], .money)],
      "money": [Overload([.string], .money)],
    ]
    for name in orderings { table[name] = [Overload(pair, .bool)] }
    return table
  }()

  static let lifecycle: [String: [Overload]] = [
    "since": [Overload([.timestamp], .duration)],
    "in_stage": [Overload([], .duration)],
    "hours": [Overload([.int], .duration)],
    "days": [Overload([.int], .duration)],
    "weeks": [Overload([.int], .duration)],
  ]

  /// Functions of any number of numbers, checked apart.
  static let variadic: Set<String> = ["math.greatest", "math.least"]

  /// First parts of qualified function names.
  static let namespaces: Set<String> = [
    "math", "strings", "sets", "lists", "cel", "optional", "base64", "regex", "proto", "net",
  ]

  /// Functions of CEL and its extensions that exist elsewhere, each with what it belongs to.
  static let unsupported: [String: String] = [
    "matches": "regular expressions; use startsWith, endsWith or contains",
    "format": "string formatting", "charAt": "string functions", "indexOf": "string functions",
    "lastIndexOf": "string functions", "join": "string functions", "split": "string functions",
    "replace": "string functions", "substring": "string functions", "trim": "string functions",
    "lowerAscii": "string functions", "upperAscii": "string functions",
    "reverse": "string and list functions", "quote": "string functions",
    "distinct": "list functions", "flatten": "list functions", "slice": "list functions",
    "sort": "list functions", "sortBy": "list functions", "first": "list functions",
    "last": "list functions",
    "transformList": "two-variable comprehensions",
    "transformMap": "two-variable comprehensions",
    "transformMapEntry": "two-variable comprehensions",
    "existsOne": "two-variable comprehensions",
    "hasValue": "optional values", "orValue": "optional values", "or": "optional values",
    "optMap": "optional values", "optFlatMap": "optional values",
    "ip": "network functions", "cidr": "network functions", "isIP": "network functions",
  ]

  static func overloads(_ name: String, _ environment: Environment) -> [Overload] {
    var found = standard[name] ?? []
    if environment.money != nil { found += money[name] ?? [] }
    if environment.hasLifecycleFunctions { found += lifecycle[name] ?? [] }
    return found
  }

  /// Names that a misspelt one may have meant, in the order of their bytes.
  static func functionNames(_ environment: Environment) -> [String] {
    var names = Array(standard.keys) + Array(variadic)
    if environment.money != nil { names.append("money") }
    if environment.hasLifecycleFunctions { names += Array(lifecycle.keys) }
    return names.filter { Checker.sign($0) == nil }.sorted()
  }
}

extension Environment {
  /// Words that can name no variable: CEL's keywords and the words that it reserves.
  public static var reservedWords: Set<String> { Parser.reserved }

  /// Names of the functions and macros of this environment, those of namespaces (`math.abs`) left out, in
  /// the order of their bytes.
  public var functionNames: [String] {
    let macros = ["all", "exists", "exists_one", "filter", "has", "map"]
    return (Library.functionNames(self).filter { !$0.contains(".") } + macros).sorted()
  }
}
