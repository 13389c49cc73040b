/// Since when a customer's rules do not determine a stage, and why.
public struct Parking: Sendable {
  /// Microseconds since 1970.
  public var at: Int64
  /// `transitions-chase`, `endless-timers` or `budget` (docs/rules.md).
  public var reason: String
  /// Ids of the transitions (names of stages) that chase each other.
  public var transitions: [String]
}

extension Parking {
  init(_ parked: (at: Int64, reason: ParkReason, transitions: [Int32]), _ compiled: CompiledRules) {
    at = parked.at
    reason = parked.reason.text
    transitions = parked.transitions.map { compiled.conditionName(Int($0)) }
  }
}

/// Why a customer was parked.
enum ParkReason: UInt8, Sendable {
  /// Transitions chase each other within one settle.
  case chase = 1
  /// The 1,000th row by time alone since the last event.
  case timers = 2
  /// Time alone had to be looked at too often (``LookBudget``).
  case budget = 3

  var text: String {
    switch self {
    case .chase: "transitions-chase"
    case .timers: "endless-timers"
    case .budget: "budget"
    }
  }
}
