extension Type: CustomStringConvertible {
  /// The type as `eval` and messages write it: `int`, `list(string)`, `map(string, int)`, `null_type`.
  public var description: String {
    switch self {
    case .list(let element): "list(\(element))"
    case .map(let key, let value): "map(\(key), \(value))"
    case .timestamp: "timestamp"
    case .duration: "duration"
    default: name
    }
  }

  /// The name of the type's kind, without what a list or map holds: the value of `type(x)`.
  public var name: String {
    switch self {
    case .null: "null_type"
    case .bool: "bool"
    case .int: "int"
    case .uint: "uint"
    case .double: "double"
    case .string: "string"
    case .bytes: "bytes"
    case .timestamp: "google.protobuf.Timestamp"
    case .duration: "google.protobuf.Duration"
    case .money: "money"
    case .list: "list"
    case .map: "map"
    case .type: "type"
    case .dyn, .parameter: "dyn"
    }
  }

  var isNumber: Bool { self == .int || self == .uint || self == .double }
}

extension Value {
  /// The value's type; a list or map of mixed values holds `dyn`.
  ///
  /// - Complexity: linear in the number of values inside.
  public var type: Type {
    switch self {
    case .list(let elements): .list(Self.commonType(elements))
    case .map(let entries):
      .map(Self.commonType(entries.map(\.key)), Self.commonType(entries.map(\.value)))
    default: kind
    }
  }

  /// The value's type without a look inside lists and maps.
  var kind: Type {
    switch self {
    case .null: .null
    case .bool: .bool
    case .int: .int
    case .uint: .uint
    case .double: .double
    case .string: .string
    case .bytes: .bytes
    case .timestamp: .timestamp
    case .duration: .duration
    case .money: .money
    case .list: .list(.dyn)
    case .map: .map(.dyn, .dyn)
    case .type: .type
    }
  }

  private static func commonType(_ values: [Value]) -> Type {
    guard let first = values.first?.type else { return .dyn }
    return values.allSatisfy { $0.type == first } ? first : .dyn
  }
}
