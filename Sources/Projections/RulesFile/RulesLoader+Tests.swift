import CEL
import EventStore

extension RulesLoader {
  mutating func readTests(_ value: YAMLValue?) -> [Rules.RuleTest] {
    guard let value else { return [] }
    guard case .list(let values, _) = value else {
      fault("yaml-shape", "tests has to be a list", value.place)
      return []
    }
    return values.compactMap { readTest($0) }
  }

  private mutating func readTest(_ value: YAMLValue) -> Rules.RuleTest? {
    let before = diagnostics.count
    guard let keys = members(value, "a test", known: ["name", "given", "as_of", "expect"]) else {
      return nil
    }
    var test = Rules.RuleTest(name: "", given: [], asOf: nil, expect: [], place: value.place)
    for key in ["name", "given", "expect"] where keys[key] == nil && diagnostics.count == before {
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
        if let event = givenEvent(event, index, test.name) { test.given.append(event) }
      }
    }
    if let expect = keys["expect"]?.value {
      if case .list(let rows, _) = expect {
        let isWhole = test.given.count == givenCount(keys["given"]?.value)
        for row in rows {
          if let row = expectedRow(row, test.name, isWhole ? test.given : nil) {
            test.expect.append(row)
          }
        }
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

  private func givenCount(_ value: YAMLValue?) -> Int {
    if case .list(let events, _)? = value { return events.count }
    return 0
  }

  private mutating func givenEvent(
    _ value: YAMLValue, _ index: Int, _ test: String
  ) -> Rules.GivenEvent? {
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
    let id = text("id", String(index))
    let subject = text("subject", "customer")
    var line = "{\"specversion\":\"1.0\",\"id\":\(Self.json(id))"
    line += ",\"source\":\(Self.json(text("source", "test")))"
    line += ",\"type\":\(Self.json(type.text))"
    line += ",\"subject\":\(Self.json(subject))"
    line += ",\"time\":\"\(RFC3339.text(instant))\""
    if let data = keys["data"]?.value {
      guard case .map = data else {
        fault("yaml-shape", "`data` of \(what) has to be a map", data.place)
        return nil
      }
      line += ",\"data\":\(Self.json(data))"
    }
    return Rules.GivenEvent(
      line: line + "}", type: type.text, id: id, subject: subject, typePlace: type.place)
  }

  /// - Parameter given: the events of the test; nil where not all of them could be read.
  private mutating func expectedRow(
    _ value: YAMLValue, _ test: String, _ given: [Rules.GivenEvent]?
  ) -> Rules.ExpectedRow? {
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
    row.transition = texts["transition"].flatMap { transitionName($0, what) }
    row.eventID = texts["event_id"]?.text
    row.customer = texts["customer"]?.text
    if let given {
      checkGiven(texts["event_id"], "id", given.map(\.id), what)
      checkGiven(texts["customer"], "subject", given.map(\.subject), what)
    }
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
    if unreadable.sections.contains("stages") { return nil }
    fault(
      "unknown-name", "\(what): there is no stage `\(scalar.text)`", scalar.place,
      help: Self.suggestion(scalar.text, stages.flatMap { [$0.name] + $0.also }))
    return nil
  }

  /// The id of a transition, or a stage's name where stages have conditions.
  private mutating func transitionName(_ scalar: YAMLValue.Scalar, _ what: String) -> String? {
    if transitionIDs.contains(scalar.text) || unreadable.sections.contains("transitions") {
      return scalar.text
    }
    if transitionIDs.isEmpty { return stageName(scalar, what) }
    fault(
      "unknown-name", "\(what): there is no transition `\(scalar.text)`", scalar.place,
      help: Self.suggestion(scalar.text, transitionIDs))
    return nil
  }

  /// What a row expects of the events has to stand in `given`.
  private mutating func checkGiven(
    _ scalar: YAMLValue.Scalar?, _ key: String, _ known: [String], _ what: String
  ) {
    guard let scalar, !scalar.text.isEmpty, !known.contains(scalar.text) else { return }
    fault(
      "unknown-name", "\(what): no event of `given` has the \(key) `\(scalar.text)`",
      scalar.place, help: Self.suggestion(scalar.text, known))
  }

  static func json(_ text: String) -> String {
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
}
