import Yams

/// Says in words of the rules why a file is no YAML: what, where, and what to do.
struct YAMLFaultWords {
  let text: RulesText

  private typealias Words = (message: String, help: String?)

  func fault(_ error: YamlError) -> YAMLValue.Fault {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      return fault(problem, at: place(mark), context: context)
    case .reader(let problem, let offset, let value, let yaml):
      return unreadable(problem, offset, value, yaml)
    case .duplicatedKeysInMapping(let duplicates, let context):
      return duplicate(duplicates.first ?? "", first: place(context.mark))
    default:
      return YAMLValue.Fault(
        message: "the file cannot be read as YAML", place: Rules.Place(line: 1, column: 1))
    }
  }

  private func place(_ mark: Mark) -> Rules.Place {
    text.place(ofMark: Rules.Place(line: mark.line, column: mark.column))
  }

  // MARK: Syntax

  private func fault(
    _ problem: String, at place: Rules.Place, context: YamlError.Context?
  ) -> YAMLValue.Fault {
    let opening = context.map { self.place($0.mark) }
    if let tab = tab(at: place) {
      return YAMLValue.Fault(
        message: "a tab stands where YAML takes blanks only",
        help: "indent with blanks, two a level", place: tab)
    }
    switch problem {
    case "did not find expected ',' or '}'", "did not find expected ',' or ']'":
      return unclosed(problem.hasSuffix("'}'") ? "{" : "[", opening ?? place, stopped: place)
    case "found unexpected end of stream", "found unexpected document indicator":
      let quote = opening.flatMap(byte(at:)).map { String(decoding: [$0], as: UTF8.self) } ?? "\""
      return YAMLValue.Fault(
        message: "the text that begins here with \(quote) has no end",
        help: "close it with \(quote) on its line", place: opening ?? place)
    case "could not find expected ':'":
      let at = opening ?? place
      return YAMLValue.Fault(
        message: "`\(word(at: at))` is followed by no colon",
        help:
          "a key is written `key: value`, with a blank behind the colon; a long text goes on further to the right",
        place: at)
    default: break
    }
    let (message, help) = words(problem, place)
    return YAMLValue.Fault(message: message, help: help, place: place)
  }

  private func words(_ problem: String, _ place: Rules.Place) -> Words {
    switch problem {
    case "found character that cannot start any token":
      let sign = character(at: place)
      return (
        "a value cannot begin with `\(sign)` outside quotes", "put the value in quotes"
      )
    case "mapping values are not allowed in this context":
      if let key = keyWithoutBlank(above: place) {
        return (
          "behind the colon of `\(key)`, in the line above, a blank is missing",
          "write `key: value`, with a blank behind the colon"
        )
      }
      if isIndentedUnderValue(place) {
        return (
          "this line is indented deeper than the one above it, which has a value already",
          "give keys of one level the same indentation"
        )
      }
      return (
        "a second colon stands in one value",
        "put the value in quotes: a blank behind a colon begins a value, also in `a ? b : c`"
      )
    case "block sequence entries are not allowed in this context":
      return (
        "a list item `-` cannot stand behind a value",
        "begin each item on a line of its own, below its key"
      )
    case "mapping keys are not allowed in this context":
      return ("a key cannot stand here", "put a value that holds `?` in quotes")
    case "did not find expected '-' indicator":
      if byte(at: place) != UInt8(ascii: "-"),
        line(place.line)?.contains(UInt8(ascii: ":")) ?? false,
        place.column > 1
      {
        return (
          "this line belongs to no key above it: it is indented otherwise than its neighbours",
          "give keys of one level the same indentation"
        )
      }
      return (
        "the list ends here, and what follows is no item of it",
        "begin each item with `- ` in the column of the first one"
      )
    case "did not find expected key":
      return afterValue(place)
    case "did not find expected node content":
      return (
        "a value cannot begin with `\(character(at: place))` here", "put the value in quotes"
      )
    case "found unknown escape character":
      return (
        "a text in double quotes has an escape that YAML does not know",
        "write \\\\ for a backslash, or use single quotes"
      )
    case "did not find expected hexdecimal number", "found invalid Unicode character escape code":
      return (
        "a text in double quotes has an escape that is no character",
        "write \\\\ for a backslash, or use single quotes"
      )
    case "did not find expected alphabetic or numeric character":
      return ("a value cannot begin with `&` or `*` outside quotes", "put the value in quotes")
    case "did not find expected comment or line break",
      "found an indentation indicator equal to 0":
      if let tag = tag(before: place) { return tag }
      return (
        "behind `|` or `>` the text begins on the next line",
        "put a text of one line in quotes instead"
      )
    case "did not find expected <document start>", "but found another document":
      return ("a second document begins here", "a rules file is one document, without `---`")
    case "found unexpected ':'":
      return ("a colon stands where no value can begin", "put the value in quotes")
    case "found undefined alias":
      return ("a value cannot begin with `*` outside quotes", "put the value in quotes")
    default:
      if problem.contains("tag") || problem.contains("'!'") || problem.contains("whitespace") {
        return ("a value that begins with `!` is a tag to YAML", "put the value in quotes")
      }
      if problem.hasPrefix("Maximum nesting") { return ("nested too deep", nil) }
      return ("the file is no YAML from here on", "look for a missing quote, bracket or colon")
    }
  }

  /// The lines of a map are over, though something follows.
  private func afterValue(_ place: Rules.Place) -> Words {
    if let line = line(place.line), line.count(where: { $0 == UInt8(ascii: "\"") }) > 2 {
      return (
        "a text in quotes ends before the value does",
        "write ' for texts inside \"…\", or \" inside '…'"
      )
    }
    if let sign = byte(at: place), "]}".utf8.contains(sign) {
      return ("`\(character(at: place))` closes what was not opened", "take it away")
    }
    if let line = line(place.line),
      line.prefix(place.column - 1).contains(where: { $0 != 0x20 })
    {
      return (
        "`\(word(at: place))` stands behind a value that has ended",
        "put the whole value in quotes"
      )
    }
    return (
      "this line belongs to no key above it: it is indented otherwise than its neighbours",
      "give keys of one level the same indentation"
    )
  }

  private func unclosed(
    _ bracket: String, _ opening: Rules.Place, stopped: Rules.Place
  ) -> YAMLValue.Fault {
    let closing = bracket == "{" ? "}" : "]"
    if opening.line == stopped.line {
      return YAMLValue.Fault(
        message:
          "a comma or `\(closing)` is missing before `\(word(at: stopped))`, in the \(bracket)…\(closing) from column \(opening.column)",
        help:
          "part the members with commas, and put values that hold commas, colons or quotes in quotes",
        place: stopped)
    }
    return YAMLValue.Fault(
      message: "the `\(bracket)` that opens here is not closed before line \(stopped.line)",
      help: "write the missing `\(closing)`, or the comma between two members", place: opening)
  }

  /// `!(n > 1)`: what YAML calls a tag swallows the beginning of the value.
  private func tag(before place: Rules.Place) -> Words? {
    guard let line = line(place.line) else { return nil }
    let before = String(decoding: line.prefix(place.column - 1), as: UTF8.self)
    let isTag = before.contains(": !") || before.contains("- !")
    return isTag
      ? ("a value that begins with `!` is a tag to YAML", "put the value in quotes") : nil
  }

  /// The line above, if it is a key whose colon has no blank behind it.
  private func keyWithoutBlank(above place: Rules.Place) -> String? {
    guard place.line > 1, let line = line(place.line - 1) else { return nil }
    let text = line.filter { $0 != 0x0d }.drop { $0 == 0x20 }
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon + 1 < text.endIndex,
      text[colon + 1] != 0x20, text[..<colon].allSatisfy({ RulesLoader.isLetter($0) })
    else { return nil }
    return String(decoding: text.prefix(60), as: UTF8.self)
  }

  // MARK: What stands in the file

  private func line(_ number: Int) -> ArraySlice<UInt8>? {
    guard let start = text.offset(of: Rules.Place(line: number, column: 1)) else { return nil }
    return text.bytes[start...].prefix { $0 != 0x0a }
  }

  private func byte(at place: Rules.Place) -> UInt8? {
    text.offset(of: place).flatMap { $0 < text.bytes.count ? text.bytes[$0] : nil }
  }

  private func character(at place: Rules.Place) -> String {
    guard let offset = text.offset(of: place) else { return "" }
    let rest = String(decoding: text.bytes[offset...].prefix(16), as: UTF8.self)
    return rest.first.map { $0.isNewline ? "a line end" : String($0) } ?? "the end of the file"
  }

  /// What stands at a place, up to the next blank; the end of the file has no word.
  private func word(at place: Rules.Place) -> String {
    guard let offset = text.offset(of: place), offset < text.bytes.count else {
      return "the end of the file"
    }
    let word = text.bytes[offset...].prefix(60).prefix { !" \t\r\n,".utf8.contains($0) }
    return word.isEmpty ? character(at: place) : String(decoding: word, as: UTF8.self)
  }

  /// The tab that indents the line, or stands at the place.
  private func tab(at place: Rules.Place) -> Rules.Place? {
    if byte(at: place) == 0x09 { return place }
    guard let line = line(place.line) else { return nil }
    let indent = line.prefix { $0 == 0x20 || $0 == 0x09 }
    guard let tab = indent.firstIndex(of: 0x09) else { return nil }
    return Rules.Place(line: place.line, column: tab - line.startIndex + 1)
  }

  /// A colon whose line goes on with the value of the line above: `a: 1`, and below it, deeper, `b: 2`.
  private func isIndentedUnderValue(_ place: Rules.Place) -> Bool {
    guard place.line > 1, let line = line(place.line), let above = self.line(place.line - 1) else {
      return false
    }
    let before = line.prefix(place.column - 1)
    let indent = line.prefix { $0 == 0x20 }.count
    let indentAbove = above.prefix { $0 == 0x20 }.count
    let isFirstColon = !before.contains(UInt8(ascii: ":"))
    return isFirstColon && indent > indentAbove
  }

  // MARK: Characters and keys

  private func unreadable(
    _ problem: String, _ offset: Int?, _ value: Int32, _ yaml: String
  ) -> YAMLValue.Fault {
    var place = Rules.Place(line: 1, column: 1)
    if let bad = text.bytes.indices.first(where: { isControl(at: $0) }) {
      place = text.place(of: bad)
    }
    let code = value > 0 ? " U+" + hexadecimal(value) : ""
    return YAMLValue.Fault(
      message: "the control character\(code) cannot stand in a rules file",
      help: "take it away, or write it as an escape in double quotes", place: place)
  }

  private func isControl(at index: Int) -> Bool {
    let byte = text.bytes[index]
    if byte < 0x20 { return byte != 0x09 && byte != 0x0a && byte != 0x0d }
    if byte == 0x7f { return true }
    let next = index + 1 < text.bytes.count ? text.bytes[index + 1] : 0
    return byte == 0xc2 && next < 0xa0 && next != 0x85
  }

  private func hexadecimal(_ value: Int32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// Both places of a key: the first is renamed to a sign that no key has, so that the file is read and shows the other.
  private func duplicate(_ key: String, first: Rules.Place) -> YAMLValue.Fault {
    let second = second(key, first: first)
    let message =
      second == nil
      ? "`\(key)` stands twice in one map, first in line \(first.line)"
      : "`\(key)` stands twice in one map, in line \(first.line) and in line \(second?.line ?? 0)"
    return YAMLValue.Fault(
      code: "duplicate-name", message: message, help: "rename one or take it away",
      place: second ?? first)
  }

  private func second(_ key: String, first: Rules.Place) -> Rules.Place? {
    guard var offset = text.offset(of: first), offset < text.bytes.count else { return nil }
    if "'\"".utf8.contains(text.bytes[offset]) { offset += 1 }
    var end = offset + 1
    while end < text.bytes.count, text.bytes[end] & 0xc0 == 0x80 { end += 1 }
    var bytes = text.bytes
    let sign = "\u{e000}"
    bytes.replaceSubrange(offset..<min(end, bytes.count), with: Array(sign.utf8))
    do {
      guard let root = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)) else {
        return nil
      }
      return sibling(of: sign, called: key, in: root).map { place($0) }
    } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
      // A third one, or keys of another map that come first: then the place is not certain.
      return duplicates.first == key ? place(context.mark) : nil
    } catch {
      return nil
    }
  }

  private func sibling(of sign: String, called key: String, in node: Yams.Node) -> Mark? {
    switch node {
    case .mapping(let mapping):
      let keys = mapping.map(\.key)
      if keys.contains(where: { $0.string?.hasPrefix(sign) ?? false }) {
        return keys.first { $0.string == key }?.mark
      }
      for (_, value) in mapping {
        if let found = sibling(of: sign, called: key, in: value) { return found }
      }
      return nil
    case .sequence(let sequence):
      for value in sequence {
        if let found = sibling(of: sign, called: key, in: value) { return found }
      }
      return nil
    case .scalar, .alias: return nil
    }
  }
}
