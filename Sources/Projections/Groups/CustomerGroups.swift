import EventStore

/// Events that no log has, by customer.
package enum CustomerGroups {
  /// Who the customers of some events are, by the rules' identity, in the order of the bytes of their names; each with its
  /// events as they stood.
  package static func of(
    _ lines: [EventLine], _ compiled: CompiledRules
  ) -> [(name: String, lines: [EventLine])] {
    var numbers: [[UInt8]: UInt32] = [:]
    var names: [String] = []
    var subjects: [UInt32] = []
    subjects.reserveCapacity(lines.count)
    for line in lines {
      let key = Array(line.subject.utf8)
      if let number = numbers[key] {
        subjects.append(number)
      } else {
        numbers[key] = UInt32(names.count)
        subjects.append(UInt32(names.count))
        names.append(line.subject)
      }
    }
    let roots = roots(lines, subjects, numbers, compiled)
    var own: [[Int]] = Array(repeating: [], count: names.count)
    for (index, subject) in subjects.enumerated() {
      own[Int(roots?[Int(subject)] ?? subject)].append(index)
    }
    return names.indices.filter { !own[$0].isEmpty }
      .sorted { ByteString(names[$0]) < ByteString(names[$1]) }
      .map { number in (names[number], own[number].map { lines[$0] }) }
  }

  /// The subject that each one ends at; nil where the rules join nobody.
  private static func roots(
    _ lines: [EventLine], _ subjects: [UInt32], _ numbers: [[UInt8]: UInt32],
    _ compiled: CompiledRules
  ) -> [UInt32]? {
    guard let field = compiled.identityField else { return nil }
    let types = compiled.rules.aliases[compiled.fields[field].alias].types
    let numberOfType = Dictionary(
      uniqueKeysWithValues: types.enumerated().map { (ByteString($1), $0) })
    var reader = EventReader(compiled, types: types.map { Array($0.utf8) })
    var links: [Identity.Link] = []
    for (line, subject) in zip(lines, subjects) {
      guard let type = numberOfType[ByteString(line.type)] else { continue }
      if case .named(let named) = reader.link(line: line.line.span, type: type, identity: field) {
        links.append(
          Identity.Link(
            occurred: line.occurred, position: line.position, subject: subject, named: named))
      }
    }
    return Identity(links: links, subjectCount: numbers.count) { numbers[$0] }.roots()
  }
}
