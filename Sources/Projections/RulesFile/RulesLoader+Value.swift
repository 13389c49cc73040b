import CEL
import EventStore

extension RulesLoader {
  mutating func readCLV(_ value: YAMLValue?) -> Rules.CLVSettings? {
    guard let value else { return nil }
    let known = [
      "purchase", "refund", "margin", "monetary", "model", "unit", "horizon", "discount",
      "penalizer", "prior",
    ]
    guard let keys = members(value, "clv", known: known) else { return nil }
    guard let purchaseKey = keys["purchase"] else {
      fault("missing-key", "clv has no `purchase`", value.place)
      return nil
    }
    guard let purchase = moneyField(purchaseKey.value, "clv.purchase") else { return nil }
    var settings = Rules.CLVSettings(
      purchase: purchase, refund: nil, margin: Rules.Factor(mantissa: 1, scale: 0),
      model: nil, unit: 7 * Microseconds.day, horizon: 364 * Microseconds.day, discountRate: 0,
      discountPeriod: nil)
    if let refund = keys["refund"] { settings.refund = moneyField(refund.value, "clv.refund") }
    if let text = keys["margin"].flatMap({ scalar($0.value, "clv.margin") }),
      let margin = decimal(text, "clv.margin", allowsZero: true)
    {
      settings.margin = margin
    }
    if let text = keys["monetary"].flatMap({ scalar($0.value, "clv.monetary") }),
      let monetary: Rules.Monetary = word(text, "clv.monetary")
    {
      settings.monetary = monetary
      if monetary == .net && keys["refund"] == nil {
        warn(
          "no-refund", "`monetary: net` takes nothing off: clv names no `refund`", text.place,
          help: "add `refund: ALIAS.FIELD` to `clv`")
      }
    }
    if let text = keys["model"].flatMap({ scalar($0.value, "clv.model") }) {
      let models = Rules.CLVModel.allCases.map(\.rawValue)
      settings.model = Rules.CLVModel(rawValue: text.text)
      if settings.model == nil {
        fault(
          "unknown-name", "there is no CLV model `\(text.text)`", text.place,
          help: Self.suggestion(text.text, models) ?? "models are \(models.joined(separator: ", "))"
        )
      }
    }
    if let text = keys["unit"].flatMap({ scalar($0.value, "clv.unit") }),
      let unit = span(text, "clv.unit")
    {
      settings.unit = unit
    }
    if let text = keys["horizon"].flatMap({ scalar($0.value, "clv.horizon") }),
      let horizon = span(text, "clv.horizon")
    {
      settings.horizon = horizon
    }
    if let discount = keys["discount"] { readDiscount(discount.value, &settings) }
    readFit(keys, &settings)
    return settings
  }

  private mutating func moneyField(_ value: YAMLValue, _ what: String) -> Rules.FieldReference? {
    guard let text = scalar(value, what), let reference = fieldReference(text, what) else {
      return nil
    }
    if aliases[reference.alias].fields[reference.field].type != .money {
      fault("cel-type", "\(what): `\(text.text)` has to be money", text.place)
      return nil
    }
    return reference
  }

  private mutating func readDiscount(_ value: YAMLValue, _ settings: inout Rules.CLVSettings) {
    guard let keys = members(value, "clv.discount", known: ["rate", "per"]) else { return }
    guard let rate = keys["rate"].flatMap({ scalar($0.value, "clv.discount.rate") }),
      let per = keys["per"].flatMap({ scalar($0.value, "clv.discount.per") })
    else {
      fault("missing-key", "clv.discount has to have `rate` and `per`", value.place)
      return
    }
    if decimal(rate, "clv.discount.rate", allowsZero: true) != nil {
      settings.discountRate = Double(rate.text) ?? 0
    }
    settings.discountPeriod = Rules.CLVSettings.discountPeriods[per.text]
    if settings.discountPeriod == nil {
      fault(
        "unknown-name", "there is no discount period `\(per.text)`", per.place,
        help: "year, month, week or day")
    }
  }

  // MARK: Rates

  mutating func readRates(_ value: YAMLValue?) -> [Rules.Rate] {
    var rates: [Rules.Rate] = []
    for member in named(value, "rates") {
      let what = "rate `\(member.key)`"
      checkName(member.key, "a rate", member.keyPlace)
      guard let keys = members(member.value, what, known: ["from", "to", "within"]) else {
        continue
      }
      for key in ["from", "to", "within"] where keys[key] == nil {
        fault("missing-key", "\(what) has no `\(key)`", member.keyPlace)
      }
      func text(_ key: String) -> YAMLValue.Scalar? {
        keys[key].flatMap { scalar($0.value, "`\(key)` of \(what)") }
      }
      guard let from = text("from").flatMap({ aliasNumber($0, what) }),
        let to = text("to").flatMap({ aliasNumber($0, what) }),
        let within = text("within").flatMap({ span($0, "`within` of \(what)") })
      else { continue }
      rates.append(
        Rules.Rate(
          name: member.key, from: from, to: to, within: within, place: member.keyPlace))
    }
    return rates
  }

  private mutating func aliasNumber(_ name: YAMLValue.Scalar, _ what: String) -> Int? {
    if let alias = aliases.firstIndex(where: { $0.name == name.text }) { return alias }
    if unreadable.knowsAlias(name.text) { return nil }
    fault(
      "unknown-name", "\(what): there is no alias `\(name.text)`", name.place,
      help: Self.suggestion(name.text, aliases.map(\.name)))
    return nil
  }
}
