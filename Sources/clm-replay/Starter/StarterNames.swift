/// Names that rules may use, made of names that events happen to have.
struct StarterNames {
  /// Words of CEL to begin with, which no name may be.
  private var taken: Set<String> = ["false", "in", "null", "true"]

  /// A name of `[A-Za-z_][A-Za-z0-9_]*` that no other one is.
  mutating func name(_ text: String, else fallback: String) -> String {
    var name = Self.plain(text)
    if name.isEmpty { name = fallback }
    if name.utf8.first.map({ $0 &- 48 < 10 }) ?? false { name = "_" + name }
    var unique = name
    var number = 2
    while taken.contains(unique) {
      unique = "\(name)_\(number)"
      number += 1
    }
    taken.insert(unique)
    return unique
  }

  /// Letters and digits in lower case, `_` between words.
  static func plain(_ text: String) -> String {
    var name = ""
    var before: Character?
    for character in text.prefix(60) {
      let isWord = character.isASCII && (character.isLetter || character.isNumber)
      if isWord {
        // orderPaid is order_paid.
        if character.isUppercase, before?.isLowercase == true { name.append("_") }
        name.append(contentsOf: character.lowercased())
      } else if !name.isEmpty, name.last != "_" {
        name.append("_")
      }
      before = character
    }
    while name.last == "_" { name.removeLast() }
    return name
  }

  /// A text as a scalar of YAML in a flow: as it is where that is a string to everybody, else in double quotes.
  static func yaml(_ text: String) -> String {
    let isPlain =
      text.utf8.first.map { ($0 | 0x20) &- 97 < 26 } ?? false
      && text.utf8.allSatisfy {
        ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || [0x5f, 0x2d, 0x2e].contains($0)
      }
    let words: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
    return isPlain && !words.contains(text.lowercased()) ? text : quoted(text)
  }

  /// What nobody could see in a file is spelled.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned,
          .spaceSeparator where scalar != " ":
          let digits = String(scalar.value, radix: 16)
          let width = scalar.value > 0xffff ? 8 : 4
          result +=
            (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - digits.count)
            + digits
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
