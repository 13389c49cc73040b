public import CEL

/// Why a customer moved to a stage, or is in a segment: rule, values before and after, events, what comes next (contract §7).
public struct Explanation: Sendable {
  public var customer: String
  /// Nil where a segment is explained.
  public var transition: CustomerRecord.Row?
  /// Nil where a transition is explained.
  public var stay: Stay?
  /// Nil for the entry row.
  public var rule: Rule?
  public var expression: Term?
  /// The condition as it was checked: what names in ``Term/expression`` refer to.
  public var checked: CheckedExpression?
  public var facts: [FactEvidence]
  /// Conditions that were tried before and did not hold.
  public var considered: [Considered]
  /// Nil where a segment is explained.
  public var minimal: MinimalEvidence?
  public var next: (at: Int64, to: String?)?
  public var parked: Parking?

  /// A stay in a segment.
  public struct Stay: Sendable {
    public var segment: String
    /// At as-of.
    public var holds: Bool
    /// The latest stay; nil for who was never in it, and for segments that read the population.
    public var spell: SegmentSpells.Spell?
  }

  public struct Rule: Sendable {
    public var id: String
    public var line: Int
    public var text: String
  }

  /// What an expression came to.
  public enum Known: Sendable {
    case value(Value)
    case unset
    case error
  }

  /// A sub-expression with its value after and before.
  public struct Term: Sendable {
    public var expression: Expression
    public var text: String
    public var type: Type
    public var value: Known
    public var before: Known
    public var arguments: [Term]
  }

  public struct FactEvidence: Sendable {
    public var name: String
    public var type: Type
    public var value: Known
    public var before: Known
    /// The events that the value rests on, by (occurred, position).
    public var events: [Contribution]
    /// Events of the customer until then that gave the fact nothing, for want of a value.
    public var leftOut = 0
  }

  public struct Contribution: Sendable {
    public var position: UInt64
    public var id: String
    public var at: Int64
    public var type: String
    /// The value that the event gives to the fact; 1 for a count.
    public var adds: Value
    public var line: EventLine
  }

  public struct Considered: Sendable {
    public var id: String
    public var value: Known
  }
}
