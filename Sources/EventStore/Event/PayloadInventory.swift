/// Lists the scalars of a payload by where they stand.
package enum PayloadInventory {
  /// Gives each value below `data` that is no object, with the names of the members that lead to it.
  package static func forEachScalar(_ line: Span<UInt8>, _ body: ([String], JSONTree) -> Void) {
    let paths = PayloadPaths([PayloadPaths.Path(steps: [], isPointer: false)])
    var values = paths.makeValues()
    paths.extract(line, into: &values)
    guard values[0].kind == .object else { return }
    visit(JSONTree(line.extracting(values[0].text.range)), [], body)
  }

  private static func visit(
    _ tree: JSONTree, _ steps: [String], _ body: ([String], JSONTree) -> Void
  ) {
    guard case .object(let members) = tree else { return body(steps, tree) }
    for member in members {
      visit(member.value, steps + [String(decoding: member.name, as: UTF8.self)], body)
    }
  }
}

extension JSONTree {
  /// null, bool, number, string, list or object.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "bool"
    case .number: "number"
    case .string: "string"
    case .array: "list"
    case .object: "object"
    }
  }
}
