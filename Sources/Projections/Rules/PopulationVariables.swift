import CEL

/// Where the fold finds what only segments may read: value, RFM, and behind them each rank under both its names.
enum PopulationSlot: Int, CaseIterable {
  case expected, aliveProbability, recencyScore, frequencyScore, monetaryScore, rfmSegment

  var variable: (name: String, type: Type) {
    switch self {
    case .expected: ("clv.expected", .money)
    case .aliveProbability: ("clv.p_alive", .double)
    case .recencyScore: ("rfm.r", .int)
    case .frequencyScore: ("rfm.f", .int)
    case .monetaryScore: ("rfm.m", .int)
    case .rfmSegment: ("rfm.segment", .string)
    }
  }

  /// The two slots of an entry under `population`.
  static func ranks(_ entry: Int) -> Range<Int> {
    let first = allCases.count + 2 * entry
    return first..<first + 2
  }
}

extension Rules {
  /// What only segments may read, in the order of the fold's slots (``PopulationSlot``).
  static func populationVariables(_ ranks: [PopulationFact]) -> [(name: String, type: Type)] {
    var variables = PopulationSlot.allCases.map(\.variable)
    for rank in ranks {
      let type: Type =
        switch rank.function {
        case .percentRank: .double
        case .ntile: .int
        case .top: .bool
        }
      variables.append((rank.name, type))
      variables.append(("population.\(rank.name)", type))
    }
    return variables
  }
}
