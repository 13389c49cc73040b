import CEL

extension RulesLoader {
  /// Warnings about what is certainly not meant.
  mutating func lint(_ rules: Rules) {
    if diagnosticsHaveErrors { return }
    lintSegments(rules)
    lintTests(rules)
    lintStages(rules)
  }

  private mutating func lintStages(_ rules: Rules) {
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
      let leading = transitions.filter { $0.to == index }
      if leading.isEmpty {
        warn("unreachable-stage", "no transition leads to stage `\(stage.name)`", stage.place)
        continue
      }
      let names = leading.map { "`\($0.id)` (line \($0.place.line))" }.joined(separator: ", ")
      let sources = Set(leading.flatMap(\.from)).sorted().map { "`\(rules.stages[$0].name)`" }
      warn(
        "unreachable-stage",
        "stage `\(stage.name)` is never reached: \(names) \(leading.count == 1 ? "starts" : "start") from \(sources.joined(separator: ", ")), where no customer gets",
        stage.place,
        help: "the customer enters `\(rules.stages[0].name)`; lead a transition from there")
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

  /// An event whose type no alias names enters a customer and does nothing else: in a test it is likely misspelt.
  private mutating func lintTests(_ rules: Rules) {
    let types = rules.aliases.flatMap(\.types)
    for test in rules.tests {
      for event in test.given where !types.contains(event.type) {
        let alias = rules.aliases.first { $0.name == event.type }
        let known = types.prefix(12).map { "`\($0)`" }.joined(separator: ", ")
        warn(
          "unknown-event-type",
          "test `\(test.name)`: no alias names the type `\(event.type)`, so this event changes no fact",
          event.typePlace,
          help: alias.map {
            "`\($0.name)` is an alias; its types are \($0.types.joined(separator: ", "))"
          } ?? Self.suggestion(event.type, types)
            ?? (types.isEmpty ? nil : "types of aliases are \(known)"))
      }
    }
  }
}
