/// One move from stage to stage, or the entry.
struct FoldRow: Sendable, Equatable {
  var at: Int64
  /// -1 for the entry row.
  var from: Int32
  var to: Int32
  /// Number of the transition (stages with conditions: of the new stage); -1 for the entry row.
  var transition: Int32
  var isTimer: Bool
  /// Number of the customer's event behind it; -1 without.
  var anchor: Int32
}

/// A stay in a segment.
struct FoldSpell: Sendable, Equatable {
  var segment: Int32
  var from: Int64
  /// `never` while it lasts.
  var to: Int64
  var isTimer: Bool
  /// Number of the customer's event behind the entry; -1 without.
  var anchor: Int32
}

/// What folding one customer left; reused from customer to customer.
struct FoldResult: Sendable {
  var rows: [FoldRow] = []
  /// By segment and time; empty unless they are followed.
  var spells: [FoldSpell] = []
  var stage: Int32 = 0
  var since: Int64 = 0
  var firstSeen: Int64 = 0
  var lastSeen: Int64 = 0
  var next: (at: Int64, to: Int32)?
  var parked: (at: Int64, reason: ParkReason, transitions: [Int32])?
  /// Values of the facts at as-of, in file order; empty where parked.
  var facts: [TimedOutcome] = []
  /// Segments that hold at as-of, by number; those that read the population are left for later.
  var segments: [Bool] = []
  var purchases = CustomerValue()
  /// Facts that left out events of this customer, and how many, in file order.
  var leftOut: [LeftOut] = []

  /// Counts an event that a fact left out.
  mutating func leaveOut(_ fact: Int32) {
    if let index = leftOut.firstIndex(where: { $0.fact == fact }) {
      leftOut[index].events += 1
    } else {
      leftOut.append(LeftOut(fact: fact, events: 1))
      leftOut.sort { $0.fact < $1.fact }
    }
  }

  struct LeftOut: Sendable, Equatable {
    var fact: Int32
    var events: Int32
  }
}
