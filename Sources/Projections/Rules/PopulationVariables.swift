import CEL

extension Rules {
  /// What only segments may read, in the order of the fold's slots: value, RFM, and each rank under both its names.
  static func populationVariables(_ ranks: [PopulationFact]) -> [(name: String, type: Type)] {
    var variables: [(name: String, type: Type)] = [
      ("clv.expected", .money), ("clv.p_alive", .double), ("rfm.r", .int), ("rfm.f", .int),
      ("rfm.m", .int), ("rfm.segment", .string),
    ]
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
