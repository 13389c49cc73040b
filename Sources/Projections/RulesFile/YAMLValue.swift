import Yams

/// A node of a YAML document with its place; nothing else of Yams is seen by the loader.
indirect enum YAMLValue {
  case scalar(Scalar)
  case list([YAMLValue], Rules.Place)
  case map([Member], Rules.Place)

  struct Scalar {
    var text: String
    var isPlain: Bool
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
    case .scalar(let scalar): scalar.isNull ? "empty" : "a value"
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
    var code = "yaml-syntax"
    var message: String
    var help: String?
    var place: Rules.Place
  }

  private static let nestingLimit = 64

  /// - Throws: ``Fault``; an empty document is a fault.
  static func parse(_ text: RulesText) throws(Fault) -> YAMLValue {
    let start = Rules.Place(line: 1, column: 1)
    guard let yaml = String(validating: text.bytes, as: UTF8.self) else {
      throw Fault(
        code: "utf8", message: "the file is not UTF-8", help: "save it as UTF-8", place: start)
    }
    if let alias = firstAlias(text) {
      throw Fault(
        message: "YAML anchors and aliases are not taken in rules",
        help:
          "write the value out where it is needed; a condition that begins with * or & is put in quotes",
        place: alias)
    }
    let node: Yams.Node?
    do {
      node = try Yams.compose(yaml: yaml)
    } catch let error as YamlError {
      throw YAMLFaultWords(text: text).fault(error)
    } catch {
      throw Fault(message: "not YAML: \(error)", place: start)
    }
    guard let node else { throw Fault(message: "the file is empty", place: start) }
    return try value(node, text, nesting: 0)
  }

  static func parse(_ text: String) throws(Fault) -> YAMLValue {
    try parse(RulesText(Array(text.utf8)))
  }

  /// Where an alias stands whose anchor is in the text: a few lines of them unfold without end, so that they are found
  /// before the file is parsed.
  private static func firstAlias(_ text: RulesText) -> Rules.Place? {
    var anchors: Set<[UInt8]> = []
    var aliases: [(name: [UInt8], offset: Int)] = []
    let bytes = text.bytes
    for (index, byte) in bytes.enumerated() {
      guard byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") else { continue }
      // At the start of a node only: `a && b` and `a * b` are expressions.
      guard index == 0 || " \t\n[{,".utf8.contains(bytes[index - 1]) else { continue }
      let name = Array(
        bytes[(index + 1)...].prefix { RulesLoader.isLetter($0) || $0 &- 48 < 10 || $0 == 45 })
      if name.isEmpty { continue }
      if byte == UInt8(ascii: "&") {
        anchors.insert(name)
      } else {
        aliases.append((name, index))
      }
    }
    return aliases.first { anchors.contains($0.name) }.map { text.place(of: $0.offset) }
  }

  private static func value(
    _ node: Yams.Node, _ text: RulesText, nesting: Int
  ) throws(Fault) -> YAMLValue {
    func place(_ mark: Mark?) -> Rules.Place {
      text.place(ofMark: Rules.Place(line: mark?.line ?? 1, column: mark?.column ?? 1))
    }
    let start = place(node.mark)
    guard nesting < nestingLimit else {
      throw Fault(message: "nested deeper than \(nestingLimit)", place: start)
    }
    try refuseTag(node, text, start)
    switch node {
    case .scalar(let scalar):
      return .scalar(
        Scalar(
          text: scalar.string, isPlain: scalar.style == .plain || scalar.style == .any,
          place: start))
    case .sequence(let sequence):
      var values: [YAMLValue] = []
      for element in sequence { values.append(try value(element, text, nesting: nesting + 1)) }
      return .list(values, start)
    case .mapping(let mapping):
      var members: [Member] = []
      for (key, element) in mapping {
        let keyPlace = place(key.mark ?? node.mark)
        guard case .scalar(let name) = key else {
          throw Fault(message: "a key has to be a name", place: keyPlace)
        }
        members.append(
          Member(
            key: name.string, keyPlace: keyPlace,
            value: try value(element, text, nesting: nesting + 1)))
      }
      return .map(members, start)
    case .alias:
      throw Fault(message: "YAML aliases are not taken in rules", place: start)
    }
  }

  private static let knownTags: Set<String> = ["str", "int", "float", "bool", "null", "seq", "map"]

  /// `!has(facts.x)` is a tag to YAML, so that nothing of the condition would be left.
  private static func refuseTag(
    _ node: Yams.Node, _ text: RulesText, _ place: Rules.Place
  ) throws(Fault) {
    guard let offset = text.offset(of: place), offset < text.bytes.count,
      text.bytes[offset] == UInt8(ascii: "!")
    else { return }
    let word = text.bytes[offset...].prefix { !" \t\r\n".utf8.contains($0) }
    let tag = String(decoding: word, as: UTF8.self)
    if tag.hasPrefix("!!"), knownTags.contains(String(tag.dropFirst(2))) { return }
    throw Fault(
      message: "a value that begins with `!` is a tag to YAML, here `\(tag)`",
      help: "put the value in quotes, as in \"!has(facts.x)\"", place: place)
  }
}
