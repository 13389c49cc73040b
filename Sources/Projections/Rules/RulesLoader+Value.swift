import CEL
import EventStore

extension RulesLoader {
  mutating func readCLV(_ value: YAMLValue?) -> Rules.CLVSettings? {
    guard let value else { return nil }
    let known = ["purchase", "refund", "margin", "model", "unit", "horizon", "discount"]
    guard let keys = members(value, "clv", known: known) else { return nil }
    guard let purchaseKey = keys["purchase"] else {
      fault("missing-key", "clv has no `purchase`", value.place)
      return nil
    }
    guard let purchase = moneyField(purchaseKey.value, "clv.purchase") else { return nil }
    var settings = Rules.CLVSettings(
      purchase: purchase, refund: nil, margin: Rules.ExchangeRate(mantissa: 1, scale: 0),
      model: nil, unit: 7 * Microseconds.day, horizon: 364 * Microseconds.day, discountRate: 0,
      discountPeriod: nil)
    if let refund = keys["refund"] { settings.refund = moneyField(refund.value, "clv.refund") }
    if let text = keys["margin"].flatMap({ scalar($0.value, "clv.margin") }),
      let margin = decimal(text, "clv.margin", allowsZero: true)
    {
      settings.margin = margin
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
    let year = 365 * Microseconds.day
    let periods = [
      "year": year, "month": year / 12, "week": 7 * Microseconds.day, "day": Microseconds.day,
    ]
    settings.discountPeriod = periods[per.text]
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
    fault(
      "unknown-name", "\(what): there is no alias `\(name.text)`", name.place,
      help: Self.suggestion(name.text, aliases.map(\.name)))
    return nil
  }

  // MARK: Tests

  mutating func readTests(_ value: YAMLValue?) -> [Rules.RuleTest] {
    guard let value else { return [] }
    guard case .list(let values, _) = value else {
      fault("yaml-shape", "tests has to be a list", value.place)
      return []
    }
    return values.compactMap { readTest($0) }
  }

  private mutating func readTest(_ value: YAMLValue) -> Rules.RuleTest? {
    guard let keys = members(value, "a test", known: ["name", "given", "as_of", "expect"]) else {
      return nil
    }
    var test = Rules.RuleTest(name: "", given: [], asOf: nil, expect: [], place: value.place)
    for key in ["name", "given", "expect"] where keys[key] == nil {
      fault("missing-key", "a test has no `\(key)`", value.place)
    }
    if let name = keys["name"].flatMap({ scalar($0.value, "`name` of a test") }) {
      test.name = name.text
    }
    if let asOf = keys["as_of"].flatMap({ scalar($0.value, "`as_of` of a test") }) {
      test.asOf = instant(asOf, "`as_of` of test `\(test.name)`")
    }
    if let given = keys["given"]?.value {
      guard case .list(let events, _) = given else {
        fault("yaml-shape", "`given` of test `\(test.name)` has to be a list", given.place)
        return nil
      }
      for (index, event) in events.enumerated() {
        if let line = givenEvent(event, index, test.name) { test.given.append(line) }
      }
    }
    if let expect = keys["expect"]?.value {
      if case .list(let rows, _) = expect {
        for row in rows { if let row = expectedRow(row, test.name) { test.expect.append(row) } }
      } else if case .scalar(let scalar) = expect, scalar.isNull {
        test.expect = []
      } else {
        fault("yaml-shape", "`expect` of test `\(test.name)` has to be a list", expect.place)
      }
    }
    return test
  }

  /// RFC 3339, or a date as midnight UTC.
  private mutating func instant(_ scalar: YAMLValue.Scalar, _ what: String) -> Int64? {
    let text = scalar.text.count == 10 ? scalar.text + "T00:00:00Z" : scalar.text
    if let instant = RFC3339.microseconds(Array(text.utf8).span) { return instant }
    fault(
      "bad-time",
      "\(what) has to be an instant such as 2024-04-28T16:45:00Z, and is `\(scalar.text)`",
      scalar.place)
    return nil
  }

  private mutating func givenEvent(_ value: YAMLValue, _ index: Int, _ test: String) -> String? {
    let what = "event \(index) of test `\(test)`"
    let known = ["at", "type", "data", "subject", "source", "id"]
    guard let keys = members(value, what, known: known) else { return nil }
    guard let at = keys["at"].flatMap({ scalar($0.value, "`at` of \(what)") }),
      let type = keys["type"].flatMap({ scalar($0.value, "`type` of \(what)") })
    else {
      for key in ["at", "type"] where keys[key] == nil {
        fault("missing-key", "\(what) has no `\(key)`", value.place)
      }
      return nil
    }
    guard let instant = instant(at, "`at` of \(what)") else { return nil }
    func text(_ key: String, _ standard: String) -> String {
      if case .scalar(let scalar)? = keys[key]?.value { return scalar.text }
      return standard
    }
    var line = "{\"specversion\":\"1.0\",\"id\":\(Self.json(text("id", String(index))))"
    line += ",\"source\":\(Self.json(text("source", "test")))"
    line += ",\"type\":\(Self.json(type.text))"
    line += ",\"subject\":\(Self.json(text("subject", "customer")))"
    line += ",\"time\":\"\(RFC3339.text(instant))\""
    if let data = keys["data"]?.value {
      guard case .map = data else {
        fault("yaml-shape", "`data` of \(what) has to be a map", data.place)
        return nil
      }
      line += ",\"data\":\(Self.json(data))"
    }
    return line + "}"
  }

  private mutating func expectedRow(_ value: YAMLValue, _ test: String) -> Rules.ExpectedRow? {
    let what = "a row of test `\(test)`"
    let known = ["at", "from", "to", "transition", "by", "cause", "event_id", "customer"]
    guard let keys = members(value, what, known: known) else { return nil }
    var row = Rules.ExpectedRow(place: value.place)
    if let at = keys["at"].flatMap({ scalar($0.value, "`at` of \(what)") }) {
      row.at = instant(at, "`at` of \(what)")
    }
    var texts: [String: YAMLValue.Scalar] = [:]
    for (key, member) in keys where key != "at" {
      texts[key] = scalar(member.value, "`\(key)` of \(what)")
    }
    row.from = texts["from"].flatMap { stageName($0, what) }
    row.to = texts["to"].flatMap { stageName($0, what) }
    row.transition = texts["transition"]?.text
    row.eventID = texts["event_id"]?.text
    row.customer = texts["customer"]?.text
    if let cause = texts["by"] ?? texts["cause"] {
      row.cause = cause.text
      if cause.text != "event" && cause.text != "timer" {
        fault("unknown-name", "\(what): `by` is event or timer, not `\(cause.text)`", cause.place)
      }
    }
    return row
  }

  private mutating func stageName(_ scalar: YAMLValue.Scalar, _ what: String) -> String? {
    if let stage = stages.first(where: { $0.isCalled(scalar.text) }) {
      return stage.name
    }
    fault(
      "unknown-name", "\(what): there is no stage `\(scalar.text)`", scalar.place,
      help: Self.suggestion(scalar.text, stages.flatMap { [$0.name] + $0.also }))
    return nil
  }

  private static func json(_ text: String) -> String {
    var bytes: [UInt8] = []
    JSONText.append(Array(text.utf8), to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A YAML value as JSON: plain null, true, false and numbers of JSON's grammar are such, all else is a string.
  private static func json(_ value: YAMLValue) -> String {
    switch value {
    case .scalar(let scalar):
      if scalar.isNull { return "null" }
      let isWord = scalar.isPlain && (scalar.text == "true" || scalar.text == "false")
      let isNumber = scalar.isPlain && Decimal.isNumber(Array(scalar.text.utf8).span)
      return isWord || isNumber ? scalar.text : json(scalar.text)
    case .list(let values, _): return "[\(values.map { json($0) }.joined(separator: ","))]"
    case .map(let members, _):
      let parts = members.map { "\(json($0.key)):\(json($0.value))" }
      return "{\(parts.joined(separator: ","))}"
    }
  }

  // MARK: Lint

  /// Warnings about what is certainly not meant.
  mutating func lint(_ rules: Rules) {
    if diagnosticsHaveErrors { return }
    lintSegments(rules)
    guard case .transitions(let transitions) = rules.form else { return }
    var reached: Set<Int> = [0]
    var grows = true
    while grows {
      grows = false
      for transition in transitions
      where !reached.contains(transition.to) && transition.from.contains(where: reached.contains) {
        reached.insert(transition.to)
        grows = true
      }
    }
    for (index, stage) in rules.stages.enumerated() where !reached.contains(index) {
      warn(
        "unreachable-stage", "no transition leads to stage `\(stage.name)`", stage.place)
    }
  }

  private mutating func lintSegments(_ rules: Rules) {
    for segment in rules.segments {
      let names = segment.condition.expression.references.values
      if rules.clv?.model == .bgNBD && names.contains("clv.p_alive") {
        warn(
          "certain-p-alive",
          "segment `\(segment.name)`: under bg_nbd `clv.p_alive` is 1 for everyone who bought once",
          segment.place, help: "mbg_nbd and pareto_nbd tell them apart")
      }
      if rules.clv?.model == nil && names.contains(where: { $0.hasPrefix("clv.") }) {
        warn(
          "no-model", "segment `\(segment.name)` reads a fitted value, and `clv` names no model",
          segment.place, help: "add `model: mbg_nbd` to `clv`")
      }
    }
  }

  private var diagnosticsHaveErrors: Bool { diagnostics.contains { $0.severity == .error } }
}
