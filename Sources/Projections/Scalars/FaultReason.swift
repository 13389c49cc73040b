/// Why an event gave a fact nothing, a `where` or a condition had no answer, or a link was refused (contract §5, Faults).
///
/// A count is kept by reason only; its words, with an example, are made afterwards from the event at its first position.
enum FaultReason: UInt8, Sendable, CaseIterable {
  /// A condition ended in an error that nothing below explains.
  case error
  case divisionByZero
  /// The path leads to nothing, or to null, and there is no default.
  case missing, null
  /// A value of another type than the field's.
  case notNumber, notWhole, notTimestamp, notString, notBool
  /// More decimals than the currency has.
  case decimals
  /// A currency without a rate in `exchange`.
  case currency
  /// A value, or a sum, beyond what its type holds.
  case outOfRange
  /// A link whose subject follows another one already, or that would close a circle.
  case follows, circle

  /// The event does not have the field at all.
  var isAbsence: Bool { self == .missing || self == .null }
}

extension FaultReason {
  /// What a person reads; an example may follow.
  var text: String {
    switch self {
    case .error: "ended in an error"
    case .divisionByZero: "division by zero"
    case .missing: "missing"
    case .null: "null"
    case .notNumber: "not a number"
    case .notWhole: "not a whole number"
    case .notTimestamp: "not a timestamp"
    case .notString: "not a string"
    case .notBool: "not true or false"
    case .decimals: "more decimals than the currency has"
    case .currency: "currency without exchange"
    case .outOfRange: "out of range"
    case .follows: "follows another subject already"
    case .circle: "would close a circle"
    }
  }
}
