/// How one customer's history differs between two sides.
public struct Difference: Sendable {
  public enum Kind: String, Sendable {
    /// A row is there under one side only, or is another one.
    case rows
    /// The rows are the same, and one side parks the customer.
    case parked
    /// Rows are the same, segments at as-of are not.
    case segments
  }

  public var customer: String
  public var kind: Kind
  public var sides: BothSides<Side>
  /// Microseconds since 1970; nil where segments alone differ.
  public var firstDifference: Int64?
  /// Segments of b alone, and of a alone; those that read the population are not looked at.
  public var entered: [String] = []
  public var left: [String] = []
  public var divergence: Divergence

  /// The customer under one side.
  public struct Side: Sendable {
    /// At as-of; nil where parked, and for who is no customer there.
    public var stage: String?
    public var isParked = false
    /// Historical value in minor units.
    public var value: Int64?
    /// The first row that differs; nil where the side has none.
    public var row: Row?
  }

  public struct Row: Sendable, Equatable {
    public var at: Int64
    /// Nil for the entry row.
    public var from: String?
    public var to: String
    public var transition: String?
    public var isTimer: Bool
    /// Position of the anchor.
    public var position: UInt64?
  }
}

/// What made two histories of a customer part: of one rule, what was otherwise.
public struct Divergence: Sendable {
  public enum Reason: String, Sendable {
    /// A part of the rule's condition holds under one side only.
    case clause
    /// Only one side has the rule.
    case rule
    /// Under one side the rule does not leave this stage.
    case from
    /// It leads elsewhere.
    case to
    /// Another rule is tried before it.
    case order
    /// The first stage of `stages` is another one.
    case firstStage = "first-stage"
    /// The event behind the row is another one.
    case anchor
    /// Only one side has the event: it is not in view of the other, ignored, or another customer's.
    case event
    /// Only one side has the customer.
    case customer
    /// The other side ends before.
    case asOf = "as-of"
    /// The other side parks the customer.
    case parked
  }

  public var reason: Reason
  /// Id of a transition, or the name of a stage or segment with a condition.
  public var rule: String?
  /// Nil where that side has nothing to say.
  public var sides: BothSides<Clause?>

  public struct Clause: Sendable {
    /// The part of the condition that made the difference, else what the reason is about: stages, an event, an instant.
    public var text: String
    /// Nil for what is no condition.
    public var holds: Bool?
    /// What the part reads, as it was at the instant of the difference.
    public var values: [Value] = []
  }

  public struct Value: Sendable {
    public var text: String
    public var value: Explanation.Known
  }
}
