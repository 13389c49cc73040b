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
    let color = StandardError.isTerminal && !ProcessEnvironment.hasNoColor
    let name = isWarning ? "warning" : "error"
    let head =
      color ? "\u{1b}[1;\(isWarning ? 33 : 31)m\(name)[\(code)]\u{1b}[0m" : "\(name)[\(code)]"
    var lines = ["\(head): \(message.printableLines)"]
    if let place {
      lines.append("  --> \(place.file.printable):\(place.line):\(place.column)")
      lines += excerpt(line: place.line, column: place.column)
    }
    if let help { lines.append("   = help: \(help.printableLines)") }
    StandardError.write(lines.joined(separator: "\n") + "\n")
  }

  /// The line with a caret below the column, which counts Unicode scalars; of a long line the part around it.
  private func excerpt(line: Int, column: Int) -> [String] {
    let all = source.split(separator: 0x0a, omittingEmptySubsequences: false)
    guard all.indices.contains(line - 1) else { return [] }
    var scalars = Array(String(decoding: all[line - 1], as: UTF8.self).unicodeScalars)
    if line == 1, scalars.first == "\u{feff}" { scalars.removeFirst() }
    if scalars.last == "\r" { scalars.removeLast() }
    let caret = min(max(0, column - 1), scalars.count)
    let start = max(0, caret - 150)
    func shown(_ part: ArraySlice<Unicode.Scalar>) -> String {
      var text = ""
      text.unicodeScalars.append(contentsOf: part)
      return text.printableLines
    }
    let before = shown(scalars[start..<caret])
    let after = shown(scalars[caret..<min(scalars.count, caret + 100)])
    let number = String(line)
    let margin = String(repeating: " ", count: number.count)
    // A tab above has to be one below, so that the caret stands where it should.
    let gap = String(before.map { $0 == "\t" ? "\t" : " " })
    return [
      "\(margin) |", "\(number) | \(start > 0 ? "…" : "")\(before)\(after)",
      "\(margin) | \(start > 0 ? " " : "")\(gap)^",
    ]
  }
}
