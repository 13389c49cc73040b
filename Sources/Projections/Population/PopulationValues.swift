/// What a segment may read of one customer beside its facts and its stage.
public struct PopulationValues: Sendable {
  /// Minor units.
  var expected: Int64?
  var probabilityAlive: Double?
  var scores: RFM.Scores?
  /// By entry under `population`.
  var ranks: [Int64?]

  /// Numbers of the names of the 125 scores, by their code.
  static func scoreNames(_ evaluator: inout ProgramEvaluator) -> [Int64] {
    var numbers: [Int64] = []
    for code in 0..<125 {
      let name = RFMNames.name(r: code / 25 + 1, f: code / 5 % 5 + 1, m: code % 5 + 1)
      numbers.append(evaluator.interner.number(of: name))
    }
    return numbers
  }

  /// Puts the values where conditions read them (``Rules/populationVariables(_:)``).
  ///
  /// - Parameter scoreNames: of the same evaluator, looked up once for many customers.
  func set(_ evaluator: inout ProgramEvaluator, scoreNames: [Int64]) {
    let unset = TimedOutcome(failed: .unset, until: Microseconds.never)
    evaluator.slots[0] = expected.map { TimedOutcome($0) } ?? unset
    evaluator.slots[1] = probabilityAlive.map { TimedOutcome(TimedOutcome.double($0)) } ?? unset
    if let scores {
      evaluator.slots[2] = TimedOutcome(Int64(scores.r))
      evaluator.slots[3] = TimedOutcome(Int64(scores.f))
      evaluator.slots[4] = TimedOutcome(Int64(scores.m))
      evaluator.slots[5] = TimedOutcome(scoreNames[scores.code])
    } else {
      for slot in 2...5 { evaluator.slots[slot] = unset }
    }
    for (entry, rank) in ranks.enumerated() {
      let outcome = rank.map { TimedOutcome($0) } ?? unset
      // Each under both its names.
      evaluator.slots[6 + 2 * entry] = outcome
      evaluator.slots[7 + 2 * entry] = outcome
    }
    evaluator.stateChanged()
  }
}
