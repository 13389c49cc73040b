extension Rules.CLVModel {
  var kind: any PurchaseModel.Type {
    switch self {
    case .bgNBD: BetaGeometricNBD.self
    case .mbgNBD: ModifiedBetaGeometricNBD.self
    case .paretoNBD: ParetoNBD.self
    case .bgBB: BetaGeometricBetaBinomial.self
    }
  }

  /// Names of the parameters, in the order of the paper.
  package var parameterNames: [String] { kind.parameterNames }
}
