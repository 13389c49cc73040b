public import CEL

/// Everything a view holds about one customer, with names and text in place of numbers.
public struct CustomerRecord: Sendable {
  /// The subject that all others of the customer lead to.
  public var name: String
  /// The other subjects joined to the customer, by their bytes.
  public var subjects: [String]
  /// When the first event occurred, in microseconds since 1970.
  public var firstSeen: Int64
  /// Nil unless the rules do not determine a stage.
  public var parked: Parking?
  /// Nil where parked.
  public var current: Current?
  /// As they happened, the entry first.
  public var rows: [Row]
  /// Facts that left out events of this customer for want of a value, in file order.
  public var leftOut: [LeftOut] = []

  /// A fact that could not use events of the customer.
  public struct LeftOut: Sendable, Equatable {
    /// Index in the rules.
    public var fact: Int
    /// How many.
    public var events: Int
  }

  /// Where the customer stands at as-of.
  public struct Current: Sendable {
    /// As the rules call it.
    public var stage: String
    /// When it was entered, in microseconds since 1970.
    public var since: Int64
    /// When the latest event in view occurred, in microseconds since 1970.
    public var lastSeen: Int64
    /// The first change of stage that time alone will bring; `to` is nil where it parks. Nil where none will come.
    public var next: (at: Int64, to: String?)?
    /// In file order; nil is unset.
    public var facts: [Value?]
    /// Names of segments that hold at as-of, those that read the population apart.
    public var segments: [String]
    /// Purchases with an amount; the rest is meaningless where it is 0.
    public var purchases: Int64
    /// Distinct UTC days with a purchase.
    public var purchaseDays: Int64
    /// Microseconds since 1970.
    public var lastPurchase: Int64
    /// Minor units, nil where it left the range.
    public var monetary: Int64?
  }

  /// A move between stages, or the entry.
  public struct Row: Sendable, Equatable {
    /// Microseconds since 1970.
    public var at: Int64
    /// Nil for the entry row.
    public var from: String?
    /// The stage that is entered.
    public var to: String
    /// Id of the transition, or the name of the stage whose condition held; nil for the entry.
    public var transition: String?
    /// Time alone made it, no event.
    public var isTimer: Bool
    /// The event behind it; nil where only the time in a stage decided.
    public var anchor: Anchor?
  }

  /// The event behind a row: the one applied, or the one whose age mattered.
  public struct Anchor: Sendable, Equatable {
    /// As the event says.
    public var eventID: String
    /// In the log, from 0.
    public var position: UInt64
  }
}
