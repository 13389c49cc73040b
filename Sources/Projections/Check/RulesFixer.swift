import CEL

/// Writes what was meant in place of what was mistyped, where a diagnostic says both.
///
/// Nothing else of the file changes. A file whose faults hide others gets better round by round.
package struct RulesFixer {
  /// One word in place of another.
  package struct Fix: Sendable, Equatable {
    package var line: Int
    package var old: String
    package var new: String
  }

  /// The file as it came to be.
  package private(set) var source: [UInt8]
  /// In the order in which they were made.
  package private(set) var fixes: [Fix] = []
  private static let mostRounds = 8

  /// - Parameter diagnose: what is wrong with a file.
  package init(_ source: [UInt8], diagnose: ([UInt8]) -> [Diagnostic]) {
    self.source = source
    guard String(validating: source, as: UTF8.self) != nil else { return }
    var found = diagnose(source)
    for _ in 0..<Self.mostRounds {
      let next = Self.fixed(self.source, found)
      if next.fixes.isEmpty { return }
      let left = diagnose(next.source)
      // A guess that makes it no better is none.
      if Self.errors(left) > Self.errors(found)
        || (Self.errors(left) == Self.errors(found) && left.count >= found.count)
      {
        return
      }
      self.source = next.source
      fixes += next.fixes
      found = left
    }
  }

  private static func errors(_ diagnostics: [Diagnostic]) -> Int {
    diagnostics.count { $0.severity == .error }
  }

  private static func fixed(
    _ source: [UInt8], _ diagnostics: [Diagnostic]
  ) -> (source: [UInt8], fixes: [Fix]) {
    var lines = source.split(separator: 0x0a, omittingEmptySubsequences: false).map {
      Array(String(decoding: $0, as: UTF8.self).unicodeScalars)
    }
    var fixes: [Fix] = []
    // Columns are those of the file as it was, so that what stands further behind goes first.
    let ordered = diagnostics.sorted {
      ($1.place.line, $1.place.column) < ($0.place.line, $0.place.column)
    }
    var touched: Set<Int> = []
    for diagnostic in ordered {
      guard let (old, new) = words(of: diagnostic),
        lines.indices.contains(diagnostic.place.line - 1)
      else { continue }
      let index = diagnostic.place.line - 1
      guard let start = place(of: old, in: lines[index], from: diagnostic.place.column - 1) else {
        continue
      }
      // One word is meant once, however many say so.
      guard touched.insert(index << 32 | start).inserted else { continue }
      lines[index].replaceSubrange(start..<start + old.count, with: new)
      fixes.append(
        Fix(line: diagnostic.place.line, old: String(scalars: old), new: String(scalars: new)))
    }
    let text = lines.map { String(scalars: $0) }.joined(separator: "\n")
    return (Array(text.utf8), fixes.reversed())
  }

  /// What stands there, and what was meant: "… `old`" with "did you mean `new`?", or both in quotes of the message.
  private static func words(
    of diagnostic: Diagnostic
  ) -> (old: [Unicode.Scalar], new: [Unicode.Scalar])? {
    let mark = "did you mean "
    func word(_ text: some StringProtocol, _ quote: Character, last: Bool) -> String? {
      let parts = text.split(separator: quote, omittingEmptySubsequences: false)
      guard parts.count >= 3 else { return nil }
      return String(last ? parts[(parts.count - 1) / 2 * 2 - 1] : parts[1])
    }
    var found: (old: String?, new: String?) = (nil, nil)
    if let help = diagnostic.help, help.hasPrefix(mark) {
      found = (
        word(diagnostic.message, "`", last: true),
        word(help.dropFirst(mark.count), "`", last: false)
      )
    } else if let range = diagnostic.message.firstRange(of: mark) {
      found = (
        word(diagnostic.message[..<range.lowerBound], "'", last: true),
        word(diagnostic.message[range.upperBound...], "'", last: false)
      )
    }
    guard let old = found.old, let new = found.new, old != new, !old.isEmpty else { return nil }
    return (Array(old.unicodeScalars), Array(new.unicodeScalars))
  }

  /// Where a word stands on its own in a line, at a column or behind it.
  private static func place(
    of word: [Unicode.Scalar], in line: [Unicode.Scalar], from start: Int
  ) -> Int? {
    func isPart(_ index: Int) -> Bool {
      guard line.indices.contains(index) else { return false }
      let scalar = line[index]
      return scalar == "_" || scalar.properties.isAlphabetic
        || scalar.properties.generalCategory == .decimalNumber
    }
    guard start >= 0, line.count - word.count >= start else { return nil }
    return (start...line.count - word.count).first { index in
      line[index..<index + word.count].elementsEqual(word) && !isPart(index - 1)
        && !isPart(index + word.count)
    }
  }
}

extension String {
  fileprivate init(scalars: [Unicode.Scalar]) {
    self.init()
    unicodeScalars.append(contentsOf: scalars)
  }
}
