/// Lists the scalars of a payload by dotted path.
package enum PayloadInventory {
  /// Gives `path`, `kind` (null, bool, number, string, list) of each value below `data` that is no object.
  package static func forEachScalar(_ line: Span<UInt8>, _ body: (String, String) -> Void) {
    let paths = PayloadPaths([PayloadPaths.Path(steps: [], isPointer: false)])
    var values = paths.makeValues()
    paths.extract(line, into: &values)
    guard values[0].kind == .object else { return }
    visit(JSONTree(line.extracting(values[0].text.range)), "", body)
  }

  private static func visit(_ tree: JSONTree, _ path: String, _ body: (String, String) -> Void) {
    switch tree {
    case .null: body(path, "null")
    case .bool: body(path, "bool")
    case .number: body(path, "number")
    case .string: body(path, "string")
    case .array: body(path, "list")
    case .object(let members):
      for member in members {
        let name = String(decoding: member.name, as: UTF8.self)
        visit(member.value, path.isEmpty ? name : "\(path).\(name)", body)
      }
    }
  }
}
