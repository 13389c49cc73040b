/// One customer folded twice: as it is, and with events left out or added or under other rules.
package struct Counterfactual: Sendable {
  /// Nil where no event is left.
  package var actual: CustomerRecord?
  package var changed: CustomerRecord?
  /// Rows that both have stand in one pair; of two rows of one instant that differ, both.
  package var pairs: [Pair]
  /// Place in ``pairs`` of the first that is no pair of equals; nil where the histories are the same.
  package var firstDifference: Int?

  package struct Pair: Sendable {
    package var actual: CustomerRecord.Row?
    package var changed: CustomerRecord.Row?
    package var isSame: Bool { actual == changed }
    package var at: Int64 { min(actual?.at ?? .max, changed?.at ?? .max) }
  }

  package init(_ actual: Explainer, _ changed: Explainer) {
    self.actual = actual.record()
    self.changed = changed.record()
    pairs = Self.align(self.actual?.rows ?? [], self.changed?.rows ?? [])
    firstDifference = pairs.firstIndex { !$0.isSame }
  }

  /// In order of time; rows of one instant in their order.
  private static func align(
    _ actual: [CustomerRecord.Row], _ changed: [CustomerRecord.Row]
  ) -> [Pair] {
    var pairs: [Pair] = []
    var left = 0
    var right = 0
    while left < actual.count || right < changed.count {
      let a = left < actual.count ? actual[left] : nil
      let b = right < changed.count ? changed[right] : nil
      let takesLeft = a != nil && (b == nil || (a?.at ?? 0) <= (b?.at ?? 0))
      let takesRight = b != nil && (a == nil || (b?.at ?? 0) <= (a?.at ?? 0))
      pairs.append(Pair(actual: takesLeft ? a : nil, changed: takesRight ? b : nil))
      if takesLeft { left += 1 }
      if takesRight { right += 1 }
    }
    return pairs
  }
}
