import CEL

extension RulesLoader {
  mutating func readStages(
    _ member: YAMLValue.Member?, transitions: YAMLValue.Member?
  ) -> Rules.StageForm {
    guard let member else { return .transitions([]) }
    guard case .list(let values, _) = member.value, !values.isEmpty else {
      fault("yaml-shape", "stages has to be a list of names", member.value.place)
      return .transitions([])
    }
    var conditions: [YAMLValue.Scalar?] = []
    for value in values where !readStage(value, &conditions) {
      unreadable.sections.insert("stages")
    }
    checkStageNames()
    if conditions.contains(where: { $0 != nil }) {
      if let transitions {
        fault(
          "stage-form", "stages with `when` have no `transitions`", transitions.keyPlace,
          help: "either the stages have conditions, or transitions lead from one to the other")
      }
      return .firstMatch(readFirstMatch(conditions))
    }
    guard let transitions else {
      if stages.count > 1 {
        fault("missing-key", "the key `transitions` is missing", member.keyPlace)
      }
      return .transitions([])
    }
    return .transitions(readTransitions(transitions.value))
  }

  /// False where the stage's name is not known.
  private mutating func readStage(
    _ value: YAMLValue, _ conditions: inout [YAMLValue.Scalar?]
  ) -> Bool {
    if case .scalar(let name) = value, !name.isNull {
      stages.append(Rules.Stage(name: name.text, also: [], place: name.place))
      conditions.append(nil)
      return true
    }
    let before = diagnostics.count
    guard let keys = members(value, "a stage", known: ["name", "also", "when"]) else {
      return false
    }
    guard let named = keys["name"]?.value, let name = scalar(named, "`name` of a stage") else {
      if keys["name"] == nil && diagnostics.count == before {
        fault("missing-key", "a stage has no `name`", value.place)
      }
      return false
    }
    var stage = Rules.Stage(name: name.text, also: [], place: value.place)
    if let also = keys["also"]?.value {
      stage.also = scalars(also, "`also` of stage `\(name.text)`").map(\.text)
    }
    stages.append(stage)
    conditions.append(keys["when"].flatMap { scalar($0.value, "`when` of stage `\(name.text)`") })
    return diagnostics.count == before
  }

  private mutating func checkStageNames() {
    var seen: [String: Rules.Place] = [:]
    for stage in stages {
      for name in [stage.name] + stage.also {
        checkLabel(name, "the name of a stage", stage.place)
        if let first = seen[name] {
          fault(
            "duplicate-name",
            "two stages are called `\(name)`, in line \(first.line) and in line \(stage.place.line)",
            stage.place)
        } else {
          seen[name] = stage.place
        }
      }
    }
  }

  private mutating func readFirstMatch(_ texts: [YAMLValue.Scalar?]) -> [Rules.Condition?] {
    let environment = factEnvironment(withStage: false)
    var conditions: [Rules.Condition?] = []
    for (index, text) in texts.enumerated() {
      let isLast = index == texts.count - 1
      let stage = stages[index]
      if isLast && text != nil {
        fault(
          "stage-form", "the last stage, `\(stage.name)`, has to be without `when`", stage.place,
          help: "add a stage for those for whom nothing else holds")
      }
      if !isLast && text == nil {
        fault(
          "stage-form", "stage `\(stage.name)` has no `when`, and only the last may lack it",
          stage.place)
      }
      conditions.append(
        text.flatMap {
          condition($0, environment, "stage `\(stage.name)`", wantsBool: true, .stage)
        })
    }
    return conditions
  }

  // MARK: Transitions

  private mutating func readTransitions(_ value: YAMLValue) -> [Rules.Transition] {
    guard case .list(let values, _) = value else {
      fault("yaml-shape", "transitions has to be a list", value.place)
      return []
    }
    let environment = factEnvironment(withStage: true)
    var transitions: [Rules.Transition] = []
    var places: [String: Rules.Place] = [:]
    for value in values {
      if let id = value.member("id"), let name = id.text {
        if let first = places[name] {
          fault(
            "duplicate-name",
            "two transitions have the id `\(name)`, in line \(first.line) and in line \(id.place.line)",
            id.place)
        }
        places[name] = places[name] ?? id.place
      }
      if let transition = readTransition(value, environment) { transitions.append(transition) }
    }
    transitionIDs = places.keys.sorted()
    return transitions
  }

  private mutating func readTransition(
    _ value: YAMLValue, _ environment: Environment
  ) -> Rules.Transition? {
    let before = diagnostics.count
    guard let keys = members(value, "a transition", known: ["id", "from", "to", "when"]) else {
      return nil
    }
    // A key that was mistyped is no second error.
    for key in ["id", "from", "to", "when"] where keys[key] == nil && diagnostics.count == before {
      fault("missing-key", "a transition has no `\(key)`", value.place)
    }
    guard let idValue = keys["id"]?.value, let id = scalar(idValue, "`id` of a transition"),
      let fromValue = keys["from"]?.value, let toValue = keys["to"]?.value,
      let whenValue = keys["when"]?.value
    else { return nil }
    let what = "transition `\(id.text)`"
    checkName(id.text, "a transition", id.place)
    let text = scalar(whenValue, "`when` of \(what)")
    let when = text.flatMap { condition($0, environment, what, wantsBool: true, .transition) }
    guard let toName = scalar(toValue, "`to` of \(what)"),
      let to = stageIndex(toName, what)
    else { return nil }
    let names = scalars(fromValue, "`from` of \(what)")
    var from: [Int] = []
    if names.count == 1, names[0].text == "any", !stages.contains(where: { $0.name == "any" }) {
      from = stages.indices.filter { $0 != to }
    } else {
      for name in names {
        guard let index = stageIndex(name, what) else { continue }
        if index == to {
          fault(
            "to-in-from", "\(what) leads to `\(stages[to].name)`, which is in its `from`",
            name.place)
        }
        if !from.contains(index) { from.append(index) }
      }
    }
    guard let when else { return nil }
    return Rules.Transition(
      id: id.text, from: from.sorted(), to: to, condition: when, place: value.place)
  }

  private mutating func stageIndex(_ name: YAMLValue.Scalar, _ what: String) -> Int? {
    if let index = stages.firstIndex(where: { $0.isCalled(name.text) }) {
      return index
    }
    if unreadable.sections.contains("stages") { return nil }
    fault(
      "unknown-name", "\(what): there is no stage `\(name.text)`", name.place,
      help: Self.suggestion(name.text, stages.flatMap { [$0.name] + $0.also }))
    return nil
  }

  // MARK: Segments and population

  mutating func readPopulation(_ value: YAMLValue?) {
    for member in named(value, "population") {
      checkName(member.key, "a rank", member.keyPlace)
      let what = "population `\(member.key)`"
      if let fact = facts.first(where: { $0.name == member.key }) {
        fault(
          "duplicate-name",
          "\(what) has the name of a fact, in line \(fact.place.line) and in line \(member.keyPlace.line)",
          member.keyPlace)
      } else if Self.takenNames.contains(member.key) {
        fault("bad-name", "\(what) has the name of a variable or a function", member.keyPlace)
      }
      if let rank = readRank(member, what) {
        population.append(rank)
      } else {
        unreadable.ranks.insert(member.key)
      }
    }
  }

  private mutating func readRank(
    _ member: YAMLValue.Member, _ what: String
  ) -> Rules.PopulationFact? {
    let before = diagnostics.count
    let kinds = ["percent_rank", "ntile", "top"]
    guard let keys = members(member.value, what, known: kinds) else { return nil }
    guard keys.count == 1, let kind = keys.first else {
      if diagnostics.count == before {
        fault("bad-fact", "\(what) has to be one of percent_rank, ntile, top", member.keyPlace)
      }
      return nil
    }
    return readRank(kind.key, kind.value, member, what)
  }

  private mutating func readRank(
    _ kind: String, _ value: YAMLValue.Member, _ member: YAMLValue.Member, _ what: String
  ) -> Rules.PopulationFact? {
    if kind == "percent_rank" {
      guard let name = scalar(value.value, what), let fact = rankedFact(name, what) else {
        return nil
      }
      return Rules.PopulationFact(
        name: member.key, function: .percentRank, fact: fact, place: member.keyPlace)
    }
    let size = kind == "ntile" ? "n" : "percent"
    guard let keys = members(value.value, what, known: ["of", size]) else { return nil }
    guard let of = keys["of"]?.value, let number = keys[size]?.value else {
      fault("missing-key", "\(what): `\(kind)` has to have `of` and `\(size)`", value.keyPlace)
      return nil
    }
    guard let name = scalar(of, what), let fact = rankedFact(name, what),
      let text = scalar(number, what)
    else { return nil }
    if kind == "ntile" {
      guard let count = integer(text, "`n` of \(what)") else { return nil }
      guard count >= 1 && count <= 1000 else {
        fault("bad-number", "\(what): `n` has to be from 1 to 1000, and is \(count)", text.place)
        return nil
      }
      return Rules.PopulationFact(
        name: member.key, function: .ntile(count), fact: fact, place: member.keyPlace)
    }
    guard let percent = decimal(text, "`percent` of \(what)") else { return nil }
    let hundred = (0..<percent.scale).reduce(Int128(100)) { product, _ in product * 10 }
    guard Int128(percent.mantissa) <= hundred else {
      fault(
        "bad-number",
        "\(what): `percent` has to be above 0 and at most 100, and is `\(text.text)`", text.place)
      return nil
    }
    return Rules.PopulationFact(
      name: member.key, function: .top(percent), fact: fact, place: member.keyPlace)
  }

  private mutating func rankedFact(_ name: YAMLValue.Scalar, _ what: String) -> Int? {
    if let index = facts.firstIndex(where: { $0.name == name.text }) {
      switch facts[index].type {
      case .string, .bool:
        fault(
          "bad-fact", "\(what): `\(name.text)` is no number, amount, time or duration", name.place)
        return nil
      default: return index
      }
    }
    if unreadable.knowsFact(name.text) { return nil }
    fault(
      "unknown-name", "\(what): there is no fact `\(name.text)`", name.place,
      help: Self.suggestion(name.text, facts.map(\.name)))
    return nil
  }

  mutating func readSegments(_ value: YAMLValue?, _ form: Rules.StageForm) -> [Rules.Segment] {
    var environment = factEnvironment(withStage: true)
    let ranked = Rules.populationVariables(population)
    for (name, type) in ranked { environment.variables[name] = type }
    let names = Set(ranked.map(\.name))
    environment.unknownNames.formUnion(unreadable.ofPopulation)
    environment.closedTexts["rfm.segment"] = Environment.ClosedTexts(
      kind: "RFM segment", texts: RFMNames.names)
    var segments: [Rules.Segment] = []
    for member in named(value, "segments") {
      checkName(member.key, "a segment", member.keyPlace)
      let what = "segment `\(member.key)`"
      guard let keys = members(member.value, what, known: ["when"]) else { continue }
      guard let when = keys["when"]?.value else {
        fault("missing-key", "\(what) has no `when`", member.keyPlace)
        continue
      }
      guard let text = scalar(when, "`when` of \(what)"),
        let condition = condition(text, environment, what, wantsBool: true, .segment)
      else { continue }
      segments.append(
        Rules.Segment(
          name: member.key, condition: condition,
          readsPopulation: condition.expression.references.values.contains { names.contains($0) },
          place: member.keyPlace))
    }
    return segments
  }
}
