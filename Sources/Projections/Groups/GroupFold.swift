import CEL
import EventStore

/// Folds customers whose events no log has, one after the other: the filter `fold`.
///
/// What it says of a customer is what a replay says of a log that holds these events in their order, less what needs all
/// customers at once: scores, fitted parameters, segments that read the population. One thread.
package struct GroupFold {
  /// What came of one customer.
  package struct Folded: Sendable {
    /// The record, with values under given parameters.
    package var customer: ViewCustomer
    /// Stays in segments, by segment (file order) and time; empty unless they are followed.
    package var spells: [SegmentSpells.Spell]
  }

  private let compiled: CompiledRules
  private let asOf: Int64
  private let parameters: ValueParameters?
  private var fold: CustomerFold
  private let fresh: CustomerFold
  private var lines = LineRun()
  /// Strings of past customers are forgotten once they are so many.
  private static let stringLimit = 100_000

  /// - Parameters:
  ///   - asOf: microseconds since 1970, inclusive.
  ///   - parameters: of the model that the rules name; without them nobody is valued.
  ///   - followsSegments: find when customers were in segments.
  package init(
    _ compiled: CompiledRules, asOf: Int64, parameters: ValueParameters?, followsSegments: Bool
  ) {
    self.compiled = compiled
    self.asOf = asOf
    self.parameters = parameters
    fresh = CustomerFold(compiled, followsSegments: followsSegments)
    fold = fresh
  }

  /// Names of segments that it cannot tell: they read what is known of all customers together.
  package static func untold(_ rules: Rules) -> [String] {
    rules.segments.filter(\.readsPopulation).map(\.name)
  }

  /// Folds some customers; those of whom no event is in view and counts are left out.
  ///
  /// - Parameter groups: the events of each, in the order of their positions.
  /// - Throws: what a thread throws.
  package mutating func run(_ groups: [(name: String, lines: [EventLine])]) throws -> [Folded] {
    var found: [Folded] = []
    var buyers: [Buyer] = []
    for first in stride(from: 0, to: groups.count, by: LineRun.most) {
      let run = groups[first..<min(first + LineRun.most, groups.count)]
      lines.gather(run.map { $0.lines.filter { $0.occurred <= asOf } }, for: &fold)
      for (customer, group) in run.enumerated() {
        let taken = lines.load(customer, into: &fold)
        if taken.isEmpty { continue }
        fold.fold(asOf: asOf)
        if fold.result.parked == nil && fold.result.purchases.all.count > 0 {
          buyers.append(Buyer(fold.result.purchases, UInt32(found.count)))
        }
        found.append(folded(group.name, taken))
      }
      if fold.evaluator.interner.count > fresh.evaluator.interner.count + Self.stringLimit {
        fold = fresh
      }
    }
    try value(buyers, &found)
    return found
  }

  private func folded(_ name: String, _ taken: [EventLine]) -> Folded {
    let record = fold.record(customer: name, lines: taken)
    let spells = fold.result.spells.map { spell in
      SegmentSpells.Spell(
        customer: name, segment: compiled.rules.segments[Int(spell.segment)].name,
        from: spell.from, to: spell.to == Microseconds.never ? nil : spell.to,
        isTimer: spell.isTimer, anchor: fold.anchor(spell.anchor, taken))
    }
    return Folded(
      customer: ViewCustomer(
        record: record, scores: nil, segments: record.current?.segments ?? []),
      spells: spells)
  }

  /// What the models say of each buyer, whose rank is its place among those found.
  private func value(_ buyers: [Buyer], _ found: inout [Folded]) throws {
    guard let parameters, let settings = compiled.rules.clv, let model = settings.model,
      !buyers.isEmpty
    else { return }
    let fit = try ValueFit(
      settings, model: model, digits: compiled.rules.currency.digits, buyers: buyers, asOf: asOf,
      threads: 1, given: parameters)
    for (buyer, value) in zip(buyers, try fit.evaluate(buyers, threads: 1) ?? []) {
      found[Int(buyer.rank)].customer.value = ViewCustomer.Value(
        probabilityAlive: value.probabilityAlive, purchases: value.purchases,
        expected: value.value)
    }
  }
}
