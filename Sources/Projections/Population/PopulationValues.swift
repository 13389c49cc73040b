/// What a segment may read of one customer beside its facts and its stage.
public struct PopulationValues: Sendable {
  /// Minor units.
  var expected: Int64?
  var probabilityAlive: Double?
  var scores: RFM.Scores?
  /// By entry under `population`.
  var ranks: [Int64?]

  /// Puts the values where conditions read them (``Rules/populationVariables(_:)``).
  func set(_ evaluator: inout Evaluator) {
    let unset = Outcome(failed: .unset, until: Microseconds.never)
    evaluator.slots[0] = expected.map { Outcome($0) } ?? unset
    evaluator.slots[1] = probabilityAlive.map { Outcome(Outcome.double($0)) } ?? unset
    if let scores {
      evaluator.slots[2] = Outcome(Int64(scores.r))
      evaluator.slots[3] = Outcome(Int64(scores.f))
      evaluator.slots[4] = Outcome(Int64(scores.m))
      evaluator.slots[5] = Outcome(evaluator.interner.number(of: scores.name))
    } else {
      for slot in 2...5 { evaluator.slots[slot] = unset }
    }
    for (entry, rank) in ranks.enumerated() {
      let outcome = rank.map { Outcome($0) } ?? unset
      // Each under both its names.
      evaluator.slots[6 + 2 * entry] = outcome
      evaluator.slots[7 + 2 * entry] = outcome
    }
    evaluator.stateChanged()
  }
}
