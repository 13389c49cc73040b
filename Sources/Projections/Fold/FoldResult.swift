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
  var facts: [Outcome] = []
  /// Segments that hold at as-of, by number; those that read the population are left for later.
  var segments: [Bool] = []
  var purchases = CustomerValue()
  /// Facts that left out events of this customer, and how many, in file order.
  var leftOut: [LeftOut] = []

  struct LeftOut: Sendable, Equatable {
    var fact: Int32
    var events: Int32
  }
}

/// What a customer bought: the input of RFM and of the historical value.
struct CustomerValue: Sendable {
  /// Purchases with a usable amount.
  var count: Int64 = 0
  /// Sum of purchases less the absolute value of refunds, in minor units.
  var net: Int128 = 0
  /// Distinct UTC days with a purchase.
  var days: Int64 = 0
  var lastPurchase: Int64 = 0
  /// UTC days since 1970 of the first and the last purchase.
  private(set) var firstDay: Int64 = .min
  private(set) var lastDay: Int64 = .min
  /// Sum of the purchases after the first day, in minor units.
  private(set) var repeatTotal: Int128 = 0

  /// Spans of one unit after the first day's that have a purchase, and the last of them, counted from the first day.
  private(set) var opportunities: Int64 = 0
  private(set) var lastOpportunity: Int64 = 0

  /// - Parameter unit: length of an opportunity in microseconds; 0 where nobody counts them.
  mutating func addPurchase(at instant: Int64, amount: Int64, unit: Int64 = 0) {
    count += 1
    net += Int128(amount)
    lastPurchase = instant
    let day = ScalarValue.floorDivide(instant, Microseconds.day).0
    if days == 0 { firstDay = day }
    if day != firstDay { repeatTotal += Int128(amount) }
    if day != lastDay {
      days += 1
      lastDay = day
      if unit > 0 {
        let opportunity = (day - firstDay) * Microseconds.day / unit
        if opportunity > lastOpportunity { opportunities += 1 }
        lastOpportunity = opportunity
      }
    }
  }

  mutating func addRefund(amount: Int64) {
    net -= Int128(amount.magnitude)
  }
}
