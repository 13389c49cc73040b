/// What would bring a customer to a stage, or into a segment: events to come, time to pass, or both.
///
/// Each way was folded behind the customer's own events, and led there.
package struct WhyNot: Sendable {
  package var customer: String
  /// Name of the stage or the segment.
  package var goal: String
  package var isSegment: Bool
  /// Where the customer stands at as-of; nil where parked.
  package var stage: String?
  /// The customer is there already; ways are not looked for.
  package var isThere: Bool
  package var parked: Parking?
  /// The cheapest first: fewer events, then sooner, then less of an amount.
  package var ways: [Way]
  /// Events that would do by what the conditions ask, and what takes the customer elsewhere.
  package var blocked: [Blocked]
  /// Sets of events that were folded.
  package var tried: Int
  /// Conditions of which some part could not be made into events; more ways may be there.
  package var notUnderstood: [String]

  package struct Way: Sendable {
    /// Empty where time alone leads there.
    package var events: [Addition]
    /// Microseconds since 1970: when the events would happen, behind all others of that instant.
    package var at: Int64
    /// When the customer is there.
    package var reached: Int64
    /// Transitions (stages with conditions: stages) from `at` on; empty for a segment without a move.
    package var transitions: [String]
    /// The stage in which the customer stands at the end of that instant, where it is another one already.
    package var onward: String?
    /// Without any one of the events, or with the least less of an amount, it is not so, or later.
    package var isTight: Bool
    /// The first instant at which the same events are not enough any more, and what leaves a window then.
    package var until: Deadline?
  }

  package struct Deadline: Sendable {
    package var at: Int64
    package var event: EventLine
    package var fact: String
  }

  package struct Blocked: Sendable {
    package var events: [Addition]
    package var at: Int64
    /// The transition that is taken, and where to.
    package var transition: String
    package var to: String
  }

  /// An event that has not been.
  package struct Addition: Sendable, Equatable {
    package var alias: String
    package var type: String
    /// JSON by name of the field, in the order of the rules.
    package var fields: [Field]
    /// The event as an import takes it.
    package var line: [UInt8]

    package struct Field: Sendable, Equatable {
      package var name: String
      package var json: String
      /// Minor units, of amounts.
      package var minor: Int64?
    }
  }
}

extension Explainer {
  /// What would bring the customer to a stage; nil if no event is left.
  package func whyNot(stage: Int) -> WhyNot? { whyNot(.stage(stage)) }

  /// What would bring the customer into a segment that does not read the population; nil if no event is left.
  package func whyNot(segment: Int) -> WhyNot? { whyNot(.segment(segment)) }

  private func whyNot(_ goal: WhyNotGoal) -> WhyNot? {
    var search = WhyNotSearch(compiled, customer: customer, lines: lines, asOf: asOf, goal)
    return search.run()
  }
}

enum WhyNotGoal: Equatable {
  case stage(Int)
  case segment(Int)
}
