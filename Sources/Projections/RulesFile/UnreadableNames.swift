/// Names of a rules file whose definitions have errors: one error is told, where they are defined, and none where they
/// are used.
struct UnreadableNames {
  var facts: Set<String> = []
  var ranks: Set<String> = []
  var aliases: Set<String> = []
  /// Fields by alias.
  var fields: [String: Set<String>] = [:]
  /// Aliases whose fields could not be read at all.
  var aliasesWithAnyField: Set<String> = []
  /// Names that cannot be names, so that conditions which hold them can mean anything.
  var badNames: [String] = []
  /// Sections of which nothing is known: any name may stand there.
  var sections: Set<String> = []
  /// The names of all segments, for hints.
  var segments: [String] = []

  /// Notes the sections that are missing with an error, or have another shape than they should.
  mutating func addSections(_ top: [String: YAMLValue.Member], hasErrors: Bool) {
    for section in ["events", "facts", "stages", "transitions", "population"] {
      switch (section, top[section]?.value) {
      case (_, nil): if hasErrors { sections.insert(section) }
      case ("stages", .list?), ("transitions", .list?): continue
      case ("stages", _), ("transitions", _): sections.insert(section)
      case (_, .map?): continue
      case (_, .scalar(let scalar)?) where scalar.isNull: continue
      default: sections.insert(section)
      }
    }
  }

  func knowsFact(_ name: String) -> Bool { sections.contains("facts") || facts.contains(name) }

  func knowsAlias(_ name: String) -> Bool {
    sections.contains("events") || aliases.contains(name)
  }

  func knowsField(_ name: String, of alias: String) -> Bool {
    aliasesWithAnyField.contains(alias) || fields[alias]?.contains(name) ?? false
  }

  /// What conditions over a customer may read of it, as ``CEL/Environment/unknownNames``.
  var ofCustomers: Set<String> {
    var names = facts
    for fact in facts { names.insert("facts.\(fact)") }
    if sections.contains("facts") { names.formUnion(["", "facts."]) }
    return names
  }

  var ofPopulation: Set<String> {
    var names = ranks
    for rank in ranks { names.insert("population.\(rank)") }
    if sections.contains("population") { names.formUnion(["", "population."]) }
    return names
  }

  /// What conditions over an event of these aliases may read.
  func ofEvents(_ names: [String]) -> Set<String> {
    if !aliasesWithAnyField.isDisjoint(with: names) || sections.contains("events") {
      return ["event."]
    }
    return Set(names.flatMap { fields[$0] ?? [] }.map { "event.\($0)" })
  }
}
