import Projections

extension FitVerdict {
  var json: JSONValue {
    var members: [(String, JSONValue)] = [("code", .string(code.rawValue))]
    if let parameter { members.append(("parameter", .string(parameter))) }
    members += [("message", .string(message)), ("remedy", .string(remedy))]
    return .object(members)
  }
}

extension Rules.CLVSettings {
  /// As it was written.
  var marginText: String { Numbers.money(margin.mantissa, digits: margin.scale) }

  var discountJSON: JSONValue {
    guard let period = discountPeriod else { return .null }
    return .object([
      ("rate", .number(Numbers.double(discountRate))), ("per", .string(Numbers.span(period))),
      ("from", .string("end of each unit")),
    ])
  }

  /// What fits are told beside the data.
  var knownBefore: [(String, JSONValue)] {
    var members: [(String, JSONValue)] = []
    if penalizer > 0 { members.append(("penalizer", .number(Numbers.double(penalizer)))) }
    if !prior.isEmpty {
      let priors = prior.map { prior in
        (
          prior.key,
          JSONValue.object([
            ("median", .number(Numbers.double(prior.median))),
            ("sigma", .number(Numbers.double(prior.sigma))),
          ])
        )
      }
      members.append(("prior", .object(priors)))
    }
    return members
  }
}
