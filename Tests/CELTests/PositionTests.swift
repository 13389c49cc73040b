import CEL
import Testing

struct PositionTests {
  /// The text of every node, by walking the tree.
  private func texts(_ text: String, _ environment: Environment = rulesEnvironment) throws
    -> [String]
  {
    var found: [String] = []
    func walk(_ node: Expression) {
      found.append(excerpt(text, node.range))
      switch node.kind {
      case .literal, .identifier: break
      case .select(let operand, _, _): walk(operand)
      case .call(_, let target, let arguments):
        if let target { walk(target) }
        arguments.forEach(walk)
      case .list(let elements): elements.forEach(walk)
      case .map(let entries):
        for entry in entries {
          walk(entry.key)
          walk(entry.value)
        }
      case .message(_, let fields): fields.forEach { walk($0.value) }
      case .comprehension(_, let range, _, let arguments):
        walk(range)
        arguments.forEach(walk)
      }
    }
    walk(try environment.check(text).expression)
    return found
  }

  @Test func `an operator spans its operands and their parentheses, not its own`() throws {
    let found = try texts("((visits) + 1) * 2 > 3")

    #expect(
      found == [
        "((visits) + 1) * 2 > 3", "((visits) + 1) * 2", "(visits) + 1", "visits", "1", "2", "3",
      ])
  }

  @Test func `ranges count bytes, not characters`() throws {
    let found = try texts("channel == 'é' && visits > -1 // ü")

    #expect(
      found == [
        "channel == 'é' && visits > -1", "channel == 'é'", "channel", "'é'", "visits > -1",
        "visits", "-1",
      ])
  }

  @Test func `calls, selections, macros and literals span all of their text`() throws {
    let text = "[1, visits].exists(x, x in {2: 'a'}) || has( facts.visits ) || stage . name == ''"

    let found = try texts(text)

    for part in [
      "[1, visits].exists(x, x in {2: 'a'})", "[1, visits]", "x in {2: 'a'}", "{2: 'a'}",
      "has( facts.visits )", "stage . name", "stage . name == ''",
    ] {
      #expect(found.contains(part), "\(part) is not among \(found)")
    }
  }

  @Test func `a long chain of alternatives keeps its order and spans`() throws {
    let terms = (0..<300).map { "visits == \($0)" }

    let found = try texts(terms.joined(separator: " || "))

    #expect(found.filter { terms.contains($0) } == terms)
  }

  @Test func `a dotted variable is one reference, by its outermost node`() throws {
    let checked = try rulesEnvironment.check("facts.visits > 1 && has(facts.revenue)")

    var names: [String: String] = [:]
    func walk(_ node: Expression) {
      if let name = checked.references[node.id] {
        names[excerpt(checked.source, node.range)] = name
      }
      if case .call(_, _, let arguments) = node.kind { arguments.forEach(walk) }
    }
    walk(checked.expression)

    #expect(names == ["facts.visits": "facts.visits", "has(facts.revenue)": "facts.revenue"])
    #expect(checked.references.count == 2)
  }

  @Test func `the longest declared prefix wins, and a macro's variable shadows it`() throws {
    let environment = Environment(variables: [
      "a.b": .map(.string, .int), "a.b.c": .string, "y.z": .int,
    ])

    let chain = try environment.check("a.b.c == 'x' && a.b.d == 1")
    let shadowed = try environment.check("[{'z': 0}].exists(y, y.z == 0)")
    let rooted = try environment.check("[{'z': 0}].exists(y, .y.z == 0)")

    #expect(chain.references.values.sorted() == ["a.b", "a.b.c"])
    #expect(shadowed.references.isEmpty)
    #expect(rooted.references.values.sorted() == ["y.z"])
  }

  @Test func `every node has its type`() throws {
    let text = "visits > 1.5 ? revenue / 2 : 0"
    let checked = try rulesEnvironment.check(text)

    var types: [String: Type] = [:]
    func walk(_ node: Expression) {
      types[excerpt(text, node.range)] = checked.types[node.id]
      if case .call(_, _, let arguments) = node.kind { arguments.forEach(walk) }
    }
    walk(checked.expression)

    #expect(
      types == [
        text: .money, "visits > 1.5": .bool, "visits": .int, "1.5": .double,
        "revenue / 2": .money, "revenue": .money, "2": .int, "0": .money,
      ])
  }
}
