public import CEL

/// Why a customer moved to a stage, or is in a segment: rule, values before and after, events, what comes next (contract §7).
public struct Explanation: Sendable {
  /// Name of the customer.
  public var customer: String
  /// Nil where a segment is explained.
  public var transition: CustomerRecord.Row?
  /// Nil where a transition is explained.
  public var stay: Stay?
  /// Nil for the entry row.
  public var rule: Rule?
  /// The condition with the value of each part; nil for the entry row, and where nothing was decided.
  public var expression: Term?
  /// The condition as it was checked: what names in ``Term/expression`` refer to.
  public var checked: CheckedExpression?
  /// What the condition reads, in file order.
  public var facts: [FactEvidence]
  /// Conditions that were tried before and did not hold.
  public var considered: [Considered]
  /// Nil where a segment is explained.
  public var minimal: MinimalEvidence?
  /// The first change that time alone will bring after as-of; `to` is nil where it parks.
  public var next: (at: Int64, to: String?)?
  /// Nil unless the customer is parked by as-of.
  public var parked: Parking?

  /// A stay in a segment.
  public struct Stay: Sendable {
    /// As the rules call it.
    public var segment: String
    /// At as-of.
    public var holds: Bool
    /// The latest stay; nil for who was never in it, and for segments that read the population.
    public var spell: SegmentSpells.Spell?
  }

  /// The transition or segment that decided.
  public struct Rule: Sendable {
    /// Of a transition, or the name of a stage or segment.
    public var id: String
    /// In the rules file, from 1.
    public var line: Int
    /// Its condition as written.
    public var text: String
  }

  /// What an expression came to.
  public enum Known: Sendable {
    /// It came to this.
    case value(Value)
    /// A fact without a value was read.
    case unset
    /// It ended in another error, such as a division by zero.
    case error
  }

  /// A sub-expression with its value after and before.
  public struct Term: Sendable {
    /// The node of the syntax tree.
    public var expression: Expression
    /// As the rules write it.
    public var text: String
    /// By the type check.
    public var type: Type
    /// At the instant that is explained.
    public var value: Known
    /// Before the event, for a timer one microsecond earlier.
    public var before: Known
    /// Its operands, from left to right.
    public var arguments: [Term]
  }

  /// A fact that the condition reads, and what it rests on.
  public struct FactEvidence: Sendable {
    /// As the rules call it.
    public var name: String
    /// Of its values.
    public var type: Type
    /// At the instant that is explained.
    public var value: Known
    /// Before the event, for a timer one microsecond earlier.
    public var before: Known
    /// The events that the value rests on, by (occurred, position).
    public var events: [Contribution]
    /// Events of the customer until then that gave the fact nothing, for want of a value.
    public var leftOut = 0
  }

  /// An event behind the value of a fact.
  public struct Contribution: Sendable {
    /// In the log, from 0.
    public var position: UInt64
    /// As the event says.
    public var id: String
    /// When it occurred, in microseconds since 1970.
    public var at: Int64
    /// As it came.
    public var type: String
    /// The value that the event gives to the fact; 1 for a count.
    public var adds: Value
    /// The event itself.
    public var line: EventLine
  }

  /// A transition that was tried before.
  public struct Considered: Sendable {
    /// Of the transition, or the name of the stage.
    public var id: String
    /// What its condition came to: false, unset or an error.
    public var value: Known
  }
}
