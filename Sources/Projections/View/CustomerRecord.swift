public import CEL

/// Everything a view holds about one customer, with names and text in place of numbers.
public struct CustomerRecord: Sendable {
  public var name: String
  /// The other subjects joined to the customer, by their bytes.
  public var subjects: [String]
  public var firstSeen: Int64
  public var parked: Parking?
  /// Nil where parked.
  public var current: Current?
  public var rows: [Row]
  /// Facts that left out events of this customer for want of a value, in file order.
  public var leftOut: [LeftOut] = []

  public struct LeftOut: Sendable, Equatable {
    /// Index in the rules.
    public var fact: Int
    public var events: Int
  }

  public struct Current: Sendable {
    public var stage: String
    public var since: Int64
    public var lastSeen: Int64
    public var next: (at: Int64, to: String?)?
    /// In file order; nil is unset.
    public var facts: [Value?]
    /// Names of segments that hold at as-of, those that read the population apart.
    public var segments: [String]
    /// Purchases with an amount; the rest is meaningless where it is 0.
    public var purchases: Int64
    public var purchaseDays: Int64
    public var lastPurchase: Int64
    /// Minor units, nil where it left the range.
    public var monetary: Int64?
  }

  public struct Row: Sendable, Equatable {
    public var at: Int64
    /// Nil for the entry row.
    public var from: String?
    public var to: String
    public var transition: String?
    public var isTimer: Bool
    public var anchor: Anchor?
  }

  public struct Anchor: Sendable, Equatable {
    public var eventID: String
    public var position: UInt64
  }
}
