/// One place of a rules file changed, as `facts.purchases_365d.within=180d` says it: what `--set` takes.
///
/// The bytes of the file are changed and nothing else, so that the loader checks the result like any file.
package struct RulesSetting: Sendable, Equatable {
  /// Keys from the top, joined by dots. Of a list the element with that `id` or `name`, or that is called so.
  package var path: String
  /// A list or a map as YAML writes it in one line (`[review, referral]`), else a text, whatever stands in it.
  package var value: String

  /// Why a setting cannot be used.
  package struct Refusal: Error, Equatable {
    package var code: String
    package var message: String
    package var help: String?
  }

  /// - Throws: where the text is no path and value.
  package init(_ text: String) throws(Refusal) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex,
      !text[..<equals].split(separator: ".", omittingEmptySubsequences: false).contains("")
    else {
      throw Refusal(
        code: "bad-setting", message: "`\(text)` sets nothing",
        help: "write a path of the rules file and a value, as in facts.purchases_365d.within=180d")
    }
    path = String(text[..<equals])
    value = String(text[text.index(after: equals)...])
  }

  package var text: String { "\(path)=\(value)" }

  /// The file with the value at the place of the old one; a key that a map lacks is added to it.
  ///
  /// - Throws: where the file has no such place, or the change cannot be made in its text alone.
  package func applied(to source: [UInt8]) throws(Refusal) -> [UInt8] {
    let text = RulesText(source)
    guard let root = try? YAMLValue.parse(text) else {
      throw Refusal(code: "bad-setting", message: "the rules file cannot be read")
    }
    let place = try find(path.split(separator: ".").map(String.init)[...], in: root, under: [])
    let written = Self.written(value)
    guard let edit = place.edit(text, written), let wanted = try? YAMLValue.parse(written) else {
      throw cannotEdit
    }
    var bytes = text.bytes
    bytes.replaceSubrange(edit.range, with: edit.bytes)
    // What else the change did is not known but by reading the file again.
    guard let changed = try? YAMLValue.parse(RulesText(bytes)),
      changed.hasSameContent(as: root.setting(place.steps[...], to: wanted))
    else { throw cannotEdit }
    return Array(source.prefix(source.count - text.bytes.count)) + bytes
  }

  private var cannotEdit: Refusal {
    Refusal(
      code: "bad-setting", message: "`\(path)` cannot be changed in the text of this rules file",
      help: "write the change into a copy of the file")
  }

  /// The value as YAML: lists and maps as they are, texts in quotes where they need them.
  private static func written(_ value: String) -> String {
    if value.hasPrefix("[") || value.hasPrefix("{"), !value.contains("\n"),
      let parsed = try? YAMLValue.parse(value)
    {
      if case .scalar = parsed {} else { return value }
    }
    let letters = value.utf8
    let isWord = letters.allSatisfy {
      RulesLoader.isLetter($0) || $0 &- 48 < 10 || ".+-/".utf8.contains($0)
    }
    if isWord, let first = letters.first, RulesLoader.isLetter(first) || first &- 48 < 10 {
      return value
    }
    var quoted = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case _ where scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value):
        quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      case "\u{2028}": quoted += "\\L"
      case "\u{2029}": quoted += "\\P"
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  // MARK: Finding the place

  /// Maps from names to things: a name that is not there is no mere key.
  private static let named: Set<String> = ["events", "facts", "segments", "population"]

  private func find(
    _ rest: ArraySlice<String>, in value: YAMLValue, under steps: [RulesPlace.Step]
  ) throws(Refusal) -> RulesPlace {
    if rest.isEmpty { return RulesPlace(steps: steps, old: value, parent: nil) }
    let names = value.stepNames
    // Stages may have dots in their names: the longest name counts.
    for length in stride(from: rest.count, through: 1, by: -1) {
      let name = rest.prefix(length).joined(separator: ".")
      guard let index = names.firstIndex(of: name), let below = value.element(index) else {
        continue
      }
      let step: RulesPlace.Step =
        if case .map = value { .key(name) } else { .element(index) }
      return try find(rest.dropFirst(length), in: below, under: steps + [step])
    }
    let key = rest.first ?? ""
    let isNamed = steps.count == 1 && Self.named.contains { steps[0] == .key($0) }
    if case .map = value, rest.count == 1, !steps.isEmpty, !isNamed {
      return RulesPlace(steps: steps + [.key(key)], old: nil, parent: value)
    }
    let above = path.split(separator: ".").dropLast(rest.count).joined(separator: ".")
    let what = above.isEmpty ? "the rules have" : "`\(above)` of the rules has"
    throw Refusal(
      code: "unknown-path", message: "\(what) no `\(key)`",
      help: RulesLoader.suggestion(key, names)
        ?? (names.isEmpty
          ? "it is \(value.kind), and has nothing below it"
          : "there are \(names.joined(separator: ", "))"))
  }
}

/// Where a value stands in a rules file, or where a key is to be added.
struct RulesPlace {
  enum Step: Equatable {
    case key(String)
    case element(Int)
  }

  var steps: [Step]
  /// Nil where the key is not there yet.
  var old: YAMLValue?
  /// The map that lacks the key.
  var parent: YAMLValue?

  /// The change of bytes that puts `written` there; nil where that is not done in text.
  func edit(_ text: RulesText, _ written: String) -> (range: Range<Int>, bytes: [UInt8])? {
    if let old {
      guard let range = Self.range(of: old, text) else { return nil }
      // A block ends with its line; an empty value has no blank before it yet.
      let isBlock = range.upperBound > range.lowerBound && text.bytes[range.upperBound - 1] == 0x0a
      let needsBlank =
        range.isEmpty && range.lowerBound > 0 && text.bytes[range.lowerBound - 1] == 58
      return (range, Array("\(needsBlank ? " " : "")\(written)\(isBlock ? "\n" : "")".utf8))
    }
    guard case .map(let members, let place)? = parent, case .key(let key)? = steps.last,
      let start = text.offset(of: place), start < text.bytes.count
    else { return nil }
    if text.bytes[start] == UInt8(ascii: "{") {
      let added = " \(key): \(written)\(members.isEmpty ? " " : ",")"
      return ((start + 1)..<(start + 1), Array(added.utf8))
    }
    let indent = String(repeating: " ", count: place.column - 1)
    return (start..<start, Array("\(key): \(written)\n\(indent)".utf8))
  }

  private static func range(of value: YAMLValue, _ text: RulesText) -> Range<Int>? {
    guard let start = text.offset(of: value.place) else { return nil }
    if case .scalar(let scalar) = value {
      guard let end = ScalarOffsets.of(scalar.text, in: text.bytes, at: start)?.last else {
        return nil
      }
      let isQuoted =
        start < text.bytes.count && (text.bytes[start] == 0x22 || text.bytes[start] == 0x27)
      return start..<(isQuoted ? end + 1 : end)
    }
    return flowEnd(text.bytes, from: start).map { start..<$0 }
  }

  /// Behind the bracket that closes the one at `start`; nil where none opens there.
  private static func flowEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    guard start < bytes.count, "[{".utf8.contains(bytes[start]) else { return nil }
    var depth = 0
    var quote: UInt8?
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if let open = quote {
        if open == 0x22, byte == UInt8(ascii: "\\") { index += 1 }
        if byte == open { quote = nil }
      } else if byte == 0x22 || byte == 0x27 {
        quote = byte
      } else if "[{".utf8.contains(byte) {
        depth += 1
      } else if "]}".utf8.contains(byte) {
        depth -= 1
        if depth == 0 { return index + 1 }
      }
      index += 1
    }
    return nil
  }
}

extension YAMLValue {
  /// What a path may call the elements: keys of a map; of a list `id` or `name` of maps, and texts.
  fileprivate var stepNames: [String] {
    switch self {
    case .scalar: []
    case .map(let members, _): members.map(\.key)
    case .list(let values, _):
      values.map { $0.text ?? $0.member("id")?.text ?? $0.member("name")?.text ?? "" }
    }
  }

  fileprivate func element(_ index: Int) -> YAMLValue? {
    switch self {
    case .scalar: nil
    case .map(let members, _): members[index].value
    case .list(let values, _): values[index]
    }
  }

  /// This with another value at a place; a key that is not there is added.
  fileprivate func setting(_ steps: ArraySlice<RulesPlace.Step>, to value: YAMLValue) -> YAMLValue {
    guard let step = steps.first else { return value }
    switch (self, step) {
    case (.map(var members, let place), .key(let key)):
      if let index = members.firstIndex(where: { $0.key == key }) {
        members[index].value = members[index].value.setting(steps.dropFirst(), to: value)
      } else {
        members.append(Member(key: key, keyPlace: place, value: value))
      }
      return .map(members, place)
    case (.list(var values, let place), .element(let index)):
      values[index] = values[index].setting(steps.dropFirst(), to: value)
      return .list(values, place)
    default: return self
    }
  }

  /// The same but for places, styles of writing, and the order of keys.
  fileprivate func hasSameContent(as other: YAMLValue) -> Bool {
    switch (self, other) {
    case (.scalar(let a), .scalar(let b)): return a.text == b.text && a.isNull == b.isNull
    case (.list(let a, _), .list(let b, _)):
      return a.count == b.count && zip(a, b).allSatisfy { $0.hasSameContent(as: $1) }
    case (.map(let a, _), .map(let b, _)):
      return a.count == b.count
        && a.allSatisfy { member in
          other.member(member.key).map { member.value.hasSameContent(as: $0) } ?? false
        }
    default: return false
    }
  }
}
