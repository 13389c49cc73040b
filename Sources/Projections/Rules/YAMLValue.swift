import Yams

/// A node of a YAML document with its place; nothing else of Yams is seen by the loader.
indirect enum YAMLValue {
  case scalar(Scalar)
  case list([YAMLValue], Rules.Place)
  case map([Member], Rules.Place)

  struct Scalar {
    var text: String
    var isPlain: Bool
    /// Columns from the place to the first byte of the text; nil where lines were folded.
    var textOffset: Int?
    var place: Rules.Place

    var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }
  }

  struct Member {
    var key: String
    var keyPlace: Rules.Place
    var value: YAMLValue
  }

  var place: Rules.Place {
    switch self {
    case .scalar(let scalar): scalar.place
    case .list(_, let place), .map(_, let place): place
    }
  }

  var kind: String {
    switch self {
    case .scalar: "a value"
    case .list: "a list"
    case .map: "a map"
    }
  }

  /// The value of a member of a map; nil where there is none, or no map.
  func member(_ name: String) -> YAMLValue? {
    guard case .map(let members, _) = self else { return nil }
    return members.first { $0.key == name }?.value
  }

  /// The text of a scalar; nil for null, lists and maps.
  var text: String? {
    guard case .scalar(let scalar) = self, !scalar.isNull else { return nil }
    return scalar.text
  }

  /// Why a document cannot be read.
  struct Fault: Error {
    var message: String
    var place: Rules.Place
  }

  private static let nestingLimit = 64

  /// - Throws: ``Fault``; an empty document is a fault.
  static func parse(_ text: String) throws(Fault) -> YAMLValue {
    let start = Rules.Place(line: 1, column: 1)
    if let alias = firstAlias(text) {
      throw Fault(message: "YAML anchors and aliases are not taken in rules", place: alias)
    }
    let node: Yams.Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw fault(error)
    } catch {
      throw Fault(message: "not YAML: \(error)", place: start)
    }
    guard let node else { throw Fault(message: "the file is empty", place: start) }
    return try value(node, nesting: 0)
  }

  /// Where an alias stands whose anchor is in the text: a few lines of them unfold without end, so that they are found
  /// before the file is parsed.
  private static func firstAlias(_ text: String) -> Rules.Place? {
    var anchors: Set<[UInt8]> = []
    var aliases: [(name: [UInt8], place: Rules.Place)] = []
    var line = 1
    var lineStart = 0
    let bytes = Array(text.utf8)
    for (index, byte) in bytes.enumerated() {
      if byte == 0x0a {
        line += 1
        lineStart = index + 1
      }
      guard byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") else { continue }
      // At the start of a node only: `a && b` and `a * b` are expressions.
      guard index == 0 || " \t\n[{,".utf8.contains(bytes[index - 1]) else { continue }
      let name = Array(
        bytes[(index + 1)...].prefix { RulesLoader.isLetter($0) || $0 &- 48 < 10 || $0 == 45 })
      if name.isEmpty { continue }
      if byte == UInt8(ascii: "&") {
        anchors.insert(name)
      } else {
        aliases.append((name, Rules.Place(line: line, column: index - lineStart + 1)))
      }
    }
    return aliases.first { anchors.contains($0.name) }?.place
  }

  private static func fault(_ error: YamlError) -> Fault {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return Fault(
        message: "not YAML: \(problem)", place: Rules.Place(line: mark.line, column: mark.column))
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.map { "`\($0)`" }.joined(separator: ", ")
      return Fault(
        message: "\(names) stands twice in one map",
        place: Rules.Place(line: context.mark.line, column: context.mark.column))
    default:
      return Fault(message: "not YAML: \(error)", place: Rules.Place(line: 1, column: 1))
    }
  }

  private static func value(_ node: Yams.Node, nesting: Int) throws(Fault) -> YAMLValue {
    let mark = node.mark
    let place = Rules.Place(line: mark?.line ?? 1, column: mark?.column ?? 1)
    guard nesting < nestingLimit else {
      throw Fault(message: "nested deeper than \(nestingLimit)", place: place)
    }
    switch node {
    case .scalar(let scalar):
      var offset: Int?
      switch scalar.style {
      case .plain, .any: offset = 0
      case .singleQuoted, .doubleQuoted: offset = 1
      case .literal, .folded: offset = nil
      }
      return .scalar(
        Scalar(
          text: scalar.string, isPlain: scalar.style == .plain || scalar.style == .any,
          textOffset: offset, place: place))
    case .sequence(let sequence):
      var values: [YAMLValue] = []
      for element in sequence { values.append(try value(element, nesting: nesting + 1)) }
      return .list(values, place)
    case .mapping(let mapping):
      var members: [Member] = []
      for (key, element) in mapping {
        let keyPlace = Rules.Place(
          line: key.mark?.line ?? place.line, column: key.mark?.column ?? place.column)
        guard case .scalar(let name) = key else {
          throw Fault(message: "a key has to be a name", place: keyPlace)
        }
        members.append(
          Member(
            key: name.string, keyPlace: keyPlace, value: try value(element, nesting: nesting + 1)))
      }
      return .map(members, place)
    case .alias:
      throw Fault(message: "YAML aliases are not taken in rules", place: place)
    }
  }
}
