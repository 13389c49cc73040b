import CEL
import EventStore
import Projections

/// The values of facts over a customer's time: the customer is folded up to a few hundred instants.
struct FactHistory {
  struct Point {
    var at: Int64
    /// By fact in file order; empty where the customer is parked, or unknown yet.
    var values: [Value?]
  }

  let points: [Point]
  /// Instants between the first event and as-of, beside those of moves; fewer where each fold has many events.
  private static let instants = 40...240
  /// Events that all these folds take, about.
  private static let budget = 400_000

  /// - Parameter lines: all events of the customer in view.
  init(_ compiled: CompiledRules, _ record: CustomerRecord, lines: [EventLine], asOf: Int64) {
    let sorted = lines.sorted { ($0.occurred, $0.position) < ($1.occurred, $1.position) }
    let length = asOf - record.firstSeen
    let count = min(
      Self.instants.upperBound,
      max(Self.instants.lowerBound, Self.budget / max(1, sorted.count)))
    let even = (0...count).map {
      record.firstSeen + Int64(Double(length) * Double($0) / Double(count))
    }
    // The last place is as-of itself, whatever the rounding.
    let wanted = Set(even.dropLast() + [asOf] + record.rows.map(\.at)).filter { $0 <= asOf }
    points = wanted.sorted().map { instant in
      let known = Array(sorted.prefix { $0.occurred <= instant })
      let explainer = Explainer(compiled, customer: record.name, lines: known, asOf: instant)
      return Point(at: instant, values: explainer.record()?.current?.facts ?? [])
    }
  }

  /// A fact's value as a number that can be drawn; nil for what is none.
  static func number(_ value: Value?, _ words: ReportWords) -> Double? {
    switch value {
    case .int(let number)?: Double(number)
    case .double(let number)? where number.isFinite: number
    case .money(let minor)?: words.units(minor)
    default: nil
    }
  }
}
