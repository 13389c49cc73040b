import CEL
import EventStore

extension RulesLoader {
  /// `clv.penalizer` and `clv.prior`: what a fit is told beside the data.
  mutating func readFit(
    _ keys: [String: YAMLValue.Member], _ settings: inout Rules.CLVSettings
  ) {
    for key in ["penalizer", "prior"] where keys["model"] == nil {
      guard let member = keys[key] else { continue }
      fault(
        "missing-key", "clv.\(key) is for a fit, and clv has no `model`", member.keyPlace,
        help: "add `model: mbg_nbd` to `clv`, or leave `\(key)` out")
    }
    if let text = keys["penalizer"].flatMap({ scalar($0.value, "clv.penalizer") }),
      let penalizer = number(text, "clv.penalizer", allowsZero: true)
    {
      settings.penalizer = penalizer
    }
    for member in named(keys["prior"]?.value, "clv.prior") {
      guard let prior = readPrior(member, settings.model) else { continue }
      if let first = settings.prior.first(where: { $0.part == prior.part && $0.name == prior.name })
      {
        fault(
          "duplicate-name",
          "clv.prior has two of parameter `\(prior.name)`, in line \(first.place.line) and in line \(prior.place.line)",
          member.keyPlace)
        continue
      }
      settings.prior.append(prior)
    }
  }

  private mutating func readPrior(
    _ member: YAMLValue.Member, _ model: Rules.CLVModel?
  ) -> Rules.Prior? {
    let what = "clv.prior of `\(member.key)`"
    let meant = model.flatMap { parameter(member, of: $0) }
    guard let keys = members(member.value, what, known: ["median", "sigma"]) else { return nil }
    var numbers: [Double] = []
    for key in ["median", "sigma"] {
      guard let given = keys[key] else {
        fault("missing-key", "\(what) has no `\(key)`", member.keyPlace)
        continue
      }
      guard let text = scalar(given.value, "`\(key)` in \(what)"),
        let value = number(text, "`\(key)` in \(what)")
      else { continue }
      numbers.append(value)
    }
    guard let meant, numbers.count == 2 else { return nil }
    return Rules.Prior(
      part: meant.part, name: meant.name, median: numbers[0], sigma: numbers[1],
      place: member.keyPlace)
  }

  /// Which parameter a key means: its name alone where only one of the two models has it, else `MODEL.NAME`.
  private mutating func parameter(
    _ member: YAMLValue.Member, of model: Rules.CLVModel
  ) -> (part: Rules.Prior.Part, name: String)? {
    let spending = "gamma_gamma"
    let key = member.key
    let owners: [(part: Rules.Prior.Part, model: String, names: [String])] = [
      (.purchases, model.rawValue, model.parameterNames),
      (.spending, spending, GammaGamma.parameterNames),
    ]
    for owner in owners {
      for name in owner.names where key == "\(owner.model).\(name)" { return (owner.part, name) }
    }
    let found = owners.filter { $0.names.contains(key) }
    if found.count == 1 { return (found[0].part, key) }
    if found.count > 1 {
      fault(
        "unknown-name", "clv.prior: both models have a parameter `\(key)`", member.keyPlace,
        help: "write \(found.map { "`\($0.model).\(key)`" }.joined(separator: " or "))")
      return nil
    }
    let names = owners.flatMap(\.names)
    fault(
      "unknown-name",
      "clv.prior: neither \(model.rawValue) nor \(spending) has a parameter `\(key)`",
      member.keyPlace,
      help: Self.suggestion(key, names) ?? "parameters are \(names.joined(separator: ", "))")
    return nil
  }
}
