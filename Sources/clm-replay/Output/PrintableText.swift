extension String {
  /// The text with control characters written as `\n`, `\t` or `\u{1b}`, so that nothing from a file or an argument steers a terminal.
  ///
  /// Controls are C0, DEL, C1, and the marks that turn the direction of text.
  var printable: String { printable(keeping: []) }

  /// The same for text of several lines: line ends and tabs stay.
  var printableLines: String { printable(keeping: ["\n", "\t"]) }

  private func printable(keeping kept: [Unicode.Scalar]) -> String {
    guard unicodeScalars.contains(where: Self.isControl) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      switch scalar {
      case _ where kept.contains(scalar) || !Self.isControl(scalar):
        text.unicodeScalars.append(scalar)
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      default: text += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return text
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
    default: false
    }
  }
}
