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
    func put(_ slot: PopulationSlot, _ outcome: TimedOutcome?) {
      evaluator.slots[slot.rawValue] = outcome ?? unset
    }
    put(.expected, expected.map { TimedOutcome($0) })
    put(.aliveProbability, probabilityAlive.map { TimedOutcome(TimedOutcome.double($0)) })
    put(.recencyScore, scores.map { TimedOutcome(Int64($0.r)) })
    put(.frequencyScore, scores.map { TimedOutcome(Int64($0.f)) })
    put(.monetaryScore, scores.map { TimedOutcome(Int64($0.m)) })
    put(.rfmSegment, scores.map { TimedOutcome(scoreNames[$0.code]) })
    for (entry, rank) in ranks.enumerated() {
      let outcome = rank.map { TimedOutcome($0) } ?? unset
      for slot in PopulationSlot.ranks(entry) { evaluator.slots[slot] = outcome }
    }
    evaluator.stateChanged()
  }
}
