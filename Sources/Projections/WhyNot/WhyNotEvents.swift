import CEL
import EventStore

/// Values of fields as JSON.
struct WhyNotLiteral {
  private let rules: Rules
  init(_ rules: Rules) { self.rules = rules }

  func money(_ minor: Int64) -> String {
    let digits = rules.currency.digits
    var text = String(minor.magnitude)
    if digits > 0 {
      while text.count <= digits { text = "0" + text }
      text.insert(".", at: text.index(text.endIndex, offsetBy: -digits))
    }
    return "\"\(minor < 0 ? "-" : "")\(text)\""
  }

  func json(_ value: Value) -> String? {
    switch value {
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): String(number)
    case .double(let number): number.isFinite ? "\(number)" : nil
    case .money(let minor): money(minor)
    case .string(let text): RulesLoader.json(text)
    case .timestamp(let instant): "\"\(RFC3339.text(ScalarValue.microseconds(instant)))\""
    default: nil
    }
  }

  /// Values of a field of that type for which `value relation limit` holds, the nearest first.
  func near(_ limit: Value, _ relation: String, _ type: Rules.FieldType) -> [String] {
    func pick<Number>(_ below: Number?, _ same: Number, _ above: Number?) -> [Number] {
      switch relation {
      case "_>=_", "_<=_", "_==_": [same]
      case "_>_": above.map { [$0] } ?? []
      case "_<_": below.map { [$0] } ?? []
      default: [above, below].compactMap { $0 }
      }
    }
    func whole(_ number: Int64) -> [Int64] {
      pick(number == .min ? nil : number - 1, number, number == .max ? nil : number + 1)
    }
    switch (limit, type) {
    case (.int(let number), .int): return whole(number).map { String($0) }
    case (.int(let number), .money) where number == 0: return whole(0).map(money)
    case (.money(let minor), .money): return whole(minor).map(money)
    case (.int(let number), .double):
      return pick(Double(number) - 1, Double(number), Double(number) + 1).map { "\($0)" }
    case (.double(let number), .double) where number.isFinite:
      return pick(number.nextDown, number, number.nextUp).map { "\($0)" }
    case (.double(let number), .int) where number.magnitude < 1e15:
      switch relation {
      case "_>=_": return ["\(Int64(number.rounded(.up)))"]
      case "_>_": return ["\(Int64(number.rounded(.down)) + 1)"]
      case "_<=_": return ["\(Int64(number.rounded(.down)))"]
      case "_<_": return ["\(Int64(number.rounded(.up)) - 1)"]
      default: return ["\(Int64(number.rounded()))"]
      }
    case (.string(let text), .string):
      switch relation {
      case "_==_", "_>=_", "_<=_": return [RulesLoader.json(text)]
      case "_<_": return text.isEmpty ? [] : [RulesLoader.json("")]
      default: return [RulesLoader.json(text + "x")]
      }
    case (.bool(let flag), .bool): return [relation == "_!=_" ? !flag : flag].map { "\($0)" }
    case (.timestamp(let instant), .timestamp):
      return whole(ScalarValue.microseconds(instant)).map { "\"\(RFC3339.text($0))\"" }
    default: return []
    }
  }

  /// Something of a type, where nothing is asked of it.
  func any(_ type: Rules.FieldType, at instant: Int64) -> String {
    switch type {
    case .money: money(rules.currency.digits == 0 ? 1 : 100)
    case .int: "1"
    case .double: "1.5"
    case .string: "\"x\""
    case .bool: "true"
    case .timestamp: "\"\(RFC3339.text(instant))\""
    }
  }
}

/// An event to be made: its alias, its raw type, and what it says.
struct WhyNotEvent: Equatable {
  var alias: Int
  var type: String
  /// JSON by field of the alias; what is missing is not in the event.
  var fields: [Int: String] = [:]
  /// The field whose amount was asked for, and how much.
  var amount: (field: Int, value: Int64)?

  static func == (left: WhyNotEvent, right: WhyNotEvent) -> Bool {
    left.alias == right.alias && left.type == right.type && left.fields == right.fields
  }

  func line(_ number: Int, at instant: Int64, subject: String, _ rules: Rules) -> [UInt8] {
    let declared = rules.aliases[alias].fields
    var data = Node.object([])
    for (index, field) in declared.enumerated() {
      guard let json = fields[index] else { continue }
      data.set(field.path[...], json)
      if field.type == .money, let path = field.currencyPath {
        data.set(path[...], RulesLoader.json(rules.currency.code))
      }
    }
    return Array(
      "{\"specversion\":\"1.0\",\"id\":\"what-if-\(number)\",\"source\":\"what-if\",\"type\":\(RulesLoader.json(type)),\"subject\":\(RulesLoader.json(subject)),\"time\":\"\(RFC3339.text(instant))\",\"data\":\(data.text)}"
        .utf8)
  }

  func addition(
    _ number: Int, at instant: Int64, subject: String, _ rules: Rules
  ) -> WhyNot.Addition {
    let declared = rules.aliases[alias].fields
    return WhyNot.Addition(
      alias: rules.aliases[alias].name, type: type,
      fields: fields.keys.sorted().map { index in
        WhyNot.Addition.Field(
          name: declared[index].name, json: fields[index] ?? "null",
          minor: declared[index].type == .money ? minor(fields[index] ?? "", rules) : nil)
      },
      line: line(number, at: instant, subject: subject, rules))
  }

  private func minor(_ json: String, _ rules: Rules) -> Int64? {
    let text = Array(json.utf8.filter { $0 != UInt8(ascii: "\"") })
    return Decimal.minorUnits(text.span, digits: rules.currency.digits)
  }

  /// A JSON value that is put together by paths.
  private indirect enum Node {
    case leaf(String)
    case object([(key: String, value: Node)])

    mutating func set(_ path: ArraySlice<String>, _ json: String) {
      guard let first = path.first else {
        self = .leaf(json)
        return
      }
      var members: [(key: String, value: Node)] = []
      if case .object(let known) = self { members = known }
      if let index = members.firstIndex(where: { $0.key == first }) {
        members[index].value.set(path.dropFirst(), json)
      } else {
        var value = Node.object([])
        value.set(path.dropFirst(), json)
        members.append((first, value))
      }
      self = .object(members)
    }

    var text: String {
      switch self {
      case .leaf(let json): return json
      case .object(let members):
        return
          "{\(members.map { "\(RulesLoader.json($0.key)):\($0.value.text)" }.joined(separator: ","))}"
      }
    }
  }
}
