/// Wrong usage in the words of this program: lower case, no full stop, what was meant as help.
struct UsageMessage {
  var text: String
  var help: String?

  /// Takes the first line of what the argument parser says.
  init(_ said: String) {
    var text = said
    if text.hasPrefix("Error: ") { text.removeFirst("Error: ".count) }
    if let split = text.firstRange(of: ". Did you mean ") {
      help = "did you mean " + text[split.upperBound...].replacing("'", with: "`")
      text = String(text[..<split.lowerBound])
    }
    if text.hasSuffix(".") { text.removeLast() }
    self.text = text.prefix(1).lowercased() + text.dropFirst()
  }
}
