/// How one customer's history differs between two sides.
public struct Difference: Sendable {
  /// In what two histories differ; the first that does.
  public enum Kind: String, Sendable {
    /// A row is there under one side only, or is another one.
    case rows
    /// The rows are the same, and one side parks the customer.
    case parked
    /// Rows are the same, segments at as-of are not.
    case segments
  }

  /// Name of the customer.
  public var customer: String
  /// In what the histories differ.
  public var kind: Kind
  /// The customer under a and under b.
  public var sides: BothSides<Side>
  /// Microseconds since 1970; nil where segments alone differ.
  public var firstDifference: Int64?
  /// Segments of b alone; those that read the population are not looked at.
  public var entered: [String] = []
  /// Segments of a alone.
  public var left: [String] = []
  /// What made them part.
  public var divergence: Divergence

  /// The customer under one side.
  public struct Side: Sendable {
    /// At as-of; nil where parked, and for who is no customer there.
    public var stage: String?
    /// The rules of this side do not determine a stage.
    public var isParked = false
    /// Historical value in minor units.
    public var value: Int64?
    /// The first row that differs; nil where the side has none.
    public var row: Row?
  }

  /// A move between stages, or the entry.
  public struct Row: Sendable, Equatable {
    /// Microseconds since 1970.
    public var at: Int64
    /// Nil for the entry row.
    public var from: String?
    /// The stage that is entered.
    public var to: String
    /// Id of the transition; nil for the entry.
    public var transition: String?
    /// Time alone made it, no event.
    public var isTimer: Bool
    /// Position of the anchor.
    public var position: UInt64?
  }
}

/// What made two histories of a customer part: of one rule, what was otherwise.
public struct Divergence: Sendable {
  /// What was otherwise; stable names.
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

  /// What was otherwise.
  public var reason: Reason
  /// Id of a transition, or the name of a stage or segment with a condition.
  public var rule: String?
  /// Nil where that side has nothing to say.
  public var sides: BothSides<Clause?>

  /// A part of a condition under one side.
  public struct Clause: Sendable {
    /// The part of the condition that made the difference, else what the reason is about: stages, an event, an instant.
    public var text: String
    /// Nil for what is no condition.
    public var holds: Bool?
    /// What the part reads, as it was at the instant of the difference.
    public var values: [Value] = []
  }

  /// What a clause reads, and what it was.
  public struct Value: Sendable {
    /// As the rules write it.
    public var text: String
    /// At the instant of the difference.
    public var value: Explanation.Known
  }
}
