import CEL

extension RulesLoader {
  /// `rfm`: how ties are scored, and which purchases count.
  mutating func readRFM(_ member: YAMLValue.Member?, hasCLV: Bool) -> Rules.RFMSettings {
    var settings = Rules.RFMSettings()
    guard let member, let keys = members(member.value, "rfm", known: ["ties", "within"]) else {
      return settings
    }
    if !hasCLV {
      fault(
        "missing-key",
        "rfm scores purchases, and the rules have no `clv` that says which events are one",
        member.keyPlace, help: "add `clv: { purchase: ALIAS.FIELD }`")
    }
    if let text = keys["ties"].flatMap({ scalar($0.value, "rfm.ties") }),
      let ties: Rules.RFMSettings.Ties = word(text, "rfm.ties")
    {
      settings.ties = ties
    }
    if let text = keys["within"].flatMap({ scalar($0.value, "rfm.within") }) {
      settings.within = span(text, "rfm.within")
    }
    return settings
  }
}
