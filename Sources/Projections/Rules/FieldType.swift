import CEL

extension Rules.FieldType {
  /// What expressions see of it.
  var celType: Type {
    switch self {
    case .money: .money
    case .int: .int
    case .double: .double
    case .string: .string
    case .bool: .bool
    case .timestamp: .timestamp
    }
  }
}
