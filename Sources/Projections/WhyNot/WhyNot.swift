/// What would bring a customer to a stage, or into a segment: events to come, time to pass, or both.
///
/// Each way was folded behind the customer's own events, and led there.
public struct WhyNot: Sendable {
  public var customer: String
  /// Name of the stage or the segment.
  public var goal: String
  public var isSegment: Bool
  /// Where the customer stands at as-of; nil where parked.
  public var stage: String?
  /// The customer is there already; ways are not looked for.
  public var isThere: Bool
  public var parked: Parking?
  /// The cheapest first: fewer events, then sooner, then less of an amount.
  public var ways: [Way]
  /// Events that would do by what the conditions ask, and what takes the customer elsewhere.
  public var blocked: [Blocked]
  /// Sets of events that were folded.
  public var tried: Int
  /// Conditions of which some part could not be made into events; more ways may be there.
  public var notUnderstood: [String]

  public struct Way: Sendable {
    /// Empty where time alone leads there.
    public var events: [Addition]
    /// Microseconds since 1970: when the events would happen, behind all others of that instant.
    public var at: Int64
    /// When the customer is there.
    public var reached: Int64
    /// Transitions (stages with conditions: stages) from `at` on; empty for a segment without a move.
    public var transitions: [String]
    /// The stage in which the customer stands at the end of that instant, where it is another one already.
    public var onward: String?
    /// Without any one of the events, or with the least less of an amount, it is not so, or later.
    public var isTight: Bool
    /// The first instant at which the same events are not enough any more, and what leaves a window then.
    public var until: Deadline?
  }

  public struct Deadline: Sendable {
    public var at: Int64
    public var event: EventLine
    public var fact: String
  }

  public struct Blocked: Sendable {
    public var events: [Addition]
    public var at: Int64
    /// The transition that is taken, and where to.
    public var transition: String
    public var to: String
  }

  /// An event that has not been.
  public struct Addition: Sendable, Equatable {
    public var alias: String
    public var type: String
    /// JSON by name of the field, in the order of the rules.
    public var fields: [Field]
    /// The event as an import takes it.
    public var line: [UInt8]

    public struct Field: Sendable, Equatable {
      public var name: String
      public var json: String
      /// Minor units, of amounts.
      public var minor: Int64?
    }
  }
}

extension Explainer {
  /// What would bring the customer to a stage; nil if no event is left.
  public func whyNot(stage: Int) -> WhyNot? { whyNot(.stage(stage)) }

  /// What would bring the customer into a segment that does not read the population; nil if no event is left.
  public func whyNot(segment: Int) -> WhyNot? { whyNot(.segment(segment)) }

  private func whyNot(_ goal: WhyNotGoal) -> WhyNot? {
    var search = WhyNotSearch(compiled, customer: customer, lines: lines, asOf: asOf, goal)
    return search.run()
  }
}

enum WhyNotGoal: Equatable {
  case stage(Int)
  case segment(Int)
}
