/// Which engine folds customers.
public enum FoldEngine: String, Sendable, CaseIterable {
  /// Truth words where the rules allow, else the tree evaluator.
  case words
  /// The tree evaluator, as in explanations.
  case tree
  /// Both, and a difference is an error.
  case both
}

/// The two engines gave different results for a customer: a defect of this program.
public struct EnginesDiffer: Error, Sendable {
  /// Rank of the customer in the order of names.
  public var rank: Int
  /// What differs, in words.
  public var what: String
}

extension FoldResult {
  /// What another fold of the same customer came to otherwise; nil if nothing.
  func difference(from other: FoldResult) -> String? {
    if rows != other.rows { return "rows: \(rows) and \(other.rows)" }
    if stage != other.stage || since != other.since {
      return "the stage: \(stage) since \(since) and \(other.stage) since \(other.since)"
    }
    if parked?.at != other.parked?.at || parked?.reason != other.parked?.reason
      || parked?.transitions != other.parked?.transitions
    {
      return "parked: \(String(describing: parked)) and \(String(describing: other.parked))"
    }
    if next?.at != other.next?.at || next?.to != other.next?.to {
      return "next: \(String(describing: next)) and \(String(describing: other.next))"
    }
    if firstSeen != other.firstSeen || lastSeen != other.lastSeen { return "first and last seen" }
    if facts.count != other.facts.count { return "facts" }
    for (index, pair) in zip(facts, other.facts).enumerated() where !pair.0.isSame(as: pair.1) {
      return "fact \(index): \(pair.0) and \(pair.1)"
    }
    if segments != other.segments { return "segments: \(segments) and \(other.segments)" }
    if leftOut != other.leftOut { return "events left out" }
    if purchases.all != other.purchases.all || purchases.recent != other.purchases.recent {
      return "purchases"
    }
    return nil
  }
}
