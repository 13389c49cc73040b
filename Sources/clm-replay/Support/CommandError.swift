/// How a command ends (contract §6).
enum ExitStatus: Int32 {
  case done = 0
  /// Done, and problems found.
  case problems = 1
  case couldNotRun = 2
  case usage = 64
  case busy = 75
}

/// A failure that is printed as `error[CODE]: message`.
struct CommandError: Error {
  var exit: ExitStatus
  /// Stable, kebab-case.
  var code: String
  /// Lower case, no full stop: what happened, and where.
  var message: String
  /// What to do about it.
  var help: String?

  init(exit: ExitStatus, code: String, message: String, help: String? = nil) {
    self.exit = exit
    self.code = code
    self.message = message
    self.help = help
  }
}

/// A failure whose message has been printed.
struct Reported: Error {
  var exit: ExitStatus
}

/// An error or a warning with its place, as people read it on standard error.
///
/// ```
/// error[unknown-name]: there is no fact `purchase_365d`
///   --> retail.yaml:31:12
///    |
/// 31 |     when: "purchase_365d >= 4"
///    |            ^
///    = help: did you mean `purchases_365d`?
/// ```
struct ErrorReport {
  var isWarning = false
  var code: String
  var message: String
  var place: (file: String, line: Int, column: Int)?
  var source: [UInt8] = []
  var help: String?

  func write() {
    let color = StandardError.isTerminal && !Environment.hasNoColor
    let name = isWarning ? "warning" : "error"
    let head =
      color ? "\u{1b}[1;\(isWarning ? 33 : 31)m\(name)[\(code)]\u{1b}[0m" : "\(name)[\(code)]"
    var lines = ["\(head): \(message.printable)"]
    if let place {
      lines.append("  --> \(place.file.printable):\(place.line):\(place.column)")
      let all = source.split(separator: 0x0a, omittingEmptySubsequences: false)
      if all.indices.contains(place.line - 1) {
        let text = String(decoding: all[place.line - 1].prefix(200), as: UTF8.self)
        let number = String(place.line)
        let margin = String(repeating: " ", count: number.count)
        lines.append("\(margin) |")
        lines.append("\(number) | \(text.printable)")
        let before = all[place.line - 1].prefix(max(0, place.column - 1))
        let width = String(decoding: before, as: UTF8.self).printable.count
        lines.append("\(margin) | \(String(repeating: " ", count: min(width, 200)))^")
      }
    }
    if let help { lines.append("   = help: \(help.printable)") }
    StandardError.write(lines.joined(separator: "\n") + "\n")
  }
}
