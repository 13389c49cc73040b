import CEL

/// Wrong usage in the words of this program: lower case, no full stop, what was meant as help.
struct UsageMessage {
  var text: String
  var help: String?

  /// `text` is what the argument parser says; `arguments` are those of the command line.
  init(_ text: String, arguments: [String], commands: [String]) {
    if let first = arguments.first, !first.hasPrefix("-"), !commands.contains(first),
      first != "help"
    {
      self.text = "there is no command `\(first)`"
      let meant = Suggestion.nearest(to: first, among: commands)
      help = meant.map { "did you mean `\($0)`?" } ?? "`clm-replay --help` lists the commands"
      return
    }
    var text = text
    if text.hasPrefix("Error: ") { text.removeFirst("Error: ".count) }
    if let split = text.firstRange(of: ". Did you mean ") {
      help = "did you mean " + text[split.upperBound...].replacing("'", with: "`")
      text = String(text[..<split.lowerBound])
    }
    if text.hasSuffix(".") { text.removeLast() }
    self.text = text.prefix(1).lowercased() + text.dropFirst()
  }
}
