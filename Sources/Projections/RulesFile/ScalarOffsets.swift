/// Finds for each byte of a YAML scalar's text where it stands in the file: undoes quotes, escapes and folded lines.
///
/// The text that the YAML library made of the scalar leads the way; where both disagree there is no answer.
struct ScalarOffsets {
  private let source: [UInt8]
  private let text: [UInt8]
  private var offset: Int
  /// One a byte of the text that was found.
  private var offsets: [Int] = []

  /// One offset a byte of the text, and one for its end; nil where the text is not found at `start`.
  static func of(_ text: String, in source: [UInt8], at start: Int) -> [Int]? {
    let wanted = Array(text.utf8)
    let start = skipProperties(source, start)
    guard start < source.count else { return wanted.isEmpty ? [start] : nil }
    switch source[start] {
    case UInt8(ascii: "'"), UInt8(ascii: "\""):
      var reader = ScalarOffsets(source, wanted, start + 1)
      return reader.flow(quote: source[start])
    case UInt8(ascii: "|"), UInt8(ascii: ">"):
      return block(source, wanted, start)
    default:
      var reader = ScalarOffsets(source, wanted, start)
      return reader.flow(quote: nil)
    }
  }

  private init(_ source: [UInt8], _ text: [UInt8], _ offset: Int) {
    self.source = source
    self.text = text
    self.offset = offset
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// A tag and an anchor may stand before a value.
  private static func skipProperties(_ source: [UInt8], _ start: Int) -> Int {
    var offset = start
    while offset < source.count,
      source[offset] == UInt8(ascii: "!") || source[offset] == UInt8(ascii: "&")
    {
      while offset < source.count, !isBlank(source[offset]),
        RulesText.lineBreak(source, at: offset) == 0
      { offset += 1 }
      while offset < source.count, isBlank(source[offset]) { offset += 1 }
    }
    return offset
  }

  private var current: UInt8? { offset < source.count ? source[offset] : nil }
  private var isDone: Bool { offsets.count >= text.count }

  /// Takes the next bytes of the text as standing at `place`; false where the text goes on otherwise.
  private mutating func take(_ bytes: some Collection<UInt8>, at place: Int) -> Bool {
    for byte in bytes {
      guard offsets.count < text.count, text[offsets.count] == byte else { return false }
      offsets.append(place)
    }
    return true
  }

  // MARK: Plain and quoted

  private mutating func flow(quote: UInt8?) -> [Int]? {
    while !isDone {
      guard let byte = current else { return nil }
      if Self.isBlank(byte) || RulesText.lineBreak(source, at: offset) > 0 {
        guard blanks() else { return nil }
      } else if byte == quote {
        // Two single quotes are one; any other quote ends the text too early.
        guard byte == UInt8(ascii: "'"), offset + 1 < source.count, source[offset + 1] == byte,
          take([byte], at: offset)
        else { return nil }
        offset += 2
      } else if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        guard escape() else { return nil }
      } else {
        guard take([byte], at: offset) else { return nil }
        offset += 1
      }
    }
    return offsets + [offset]
  }

  /// Blanks stay within a line; around line breaks they go, and the breaks are folded.
  private mutating func blanks() -> Bool {
    let start = offset
    var breaks: [Int] = []
    while let byte = current {
      let length = RulesText.lineBreak(source, at: offset)
      if length > 0 { breaks.append(offset) } else if !Self.isBlank(byte) { break }
      offset += max(1, length)
    }
    if breaks.isEmpty { return takeRun(source[start..<offset], at: start) }
    if breaks.count == 1 { return take([0x20], at: breaks[0]) }
    for place in breaks.dropFirst() where !take([0x0a], at: place) { return false }
    return true
  }

  /// Bytes that stand as they are, one after the other.
  private mutating func takeRun(_ run: ArraySlice<UInt8>, at start: Int) -> Bool {
    for (index, byte) in run.enumerated() where !take([byte], at: start + index) { return false }
    return true
  }

  /// An escape of a text in double quotes.
  private mutating func escape() -> Bool {
    let start = offset
    guard offset + 1 < source.count else { return false }
    let letter = source[offset + 1]
    let length = RulesText.lineBreak(source, at: offset + 1)
    if length > 0 {
      // The line goes on; its end and the blanks of the next line are no text.
      offset += 1 + length
      while let byte = current, Self.isBlank(byte) { offset += 1 }
      return true
    }
    let digits: Int
    switch letter {
    case UInt8(ascii: "x"): digits = 2
    case UInt8(ascii: "u"): digits = 4
    case UInt8(ascii: "U"): digits = 8
    default:
      offset += 2
      guard let scalar = Self.escapes[letter] else { return false }
      return take(String(scalar).utf8, at: start)
    }
    guard start + 2 + digits <= source.count,
      let code = UInt32(
        String(decoding: source[(start + 2)..<(start + 2 + digits)], as: UTF8.self), radix: 16),
      let scalar = Unicode.Scalar(code)
    else { return false }
    offset += 2 + digits
    return take(String(scalar).utf8, at: start)
  }

  private static let escapes: [UInt8: Unicode.Scalar] = [
    UInt8(ascii: "0"): "\0", UInt8(ascii: "a"): "\u{7}", UInt8(ascii: "b"): "\u{8}",
    UInt8(ascii: "t"): "\t", 0x09: "\t", UInt8(ascii: "n"): "\n", UInt8(ascii: "v"): "\u{b}",
    UInt8(ascii: "f"): "\u{c}", UInt8(ascii: "r"): "\r", UInt8(ascii: "e"): "\u{1b}",
    UInt8(ascii: " "): " ", UInt8(ascii: "\""): "\"", UInt8(ascii: "/"): "/",
    UInt8(ascii: "\\"): "\\", UInt8(ascii: "N"): "\u{85}", UInt8(ascii: "_"): "\u{a0}",
    UInt8(ascii: "L"): "\u{2028}", UInt8(ascii: "P"): "\u{2029}",
  ]

  // MARK: Blocks

  /// A literal (`|`) or folded (`>`) block. How far it is indented is tried: an indicator counts from a parent that is
  /// not known here.
  private static func block(_ source: [UInt8], _ text: [UInt8], _ start: Int) -> [Int]? {
    var body = start
    while body < source.count, RulesText.lineBreak(source, at: body) == 0 { body += 1 }
    body += RulesText.lineBreak(source, at: body)
    var indent = 0
    var offset = body
    while offset < source.count {
      if source[offset] == 0x20 {
        indent += 1
        offset += 1
      } else if RulesText.lineBreak(source, at: offset) > 0 {
        indent = 0
        offset += RulesText.lineBreak(source, at: offset)
      } else {
        break
      }
    }
    for candidate in stride(from: indent, through: 0, by: -1) {
      var reader = ScalarOffsets(source, text, body)
      let isFolded = source[start] == UInt8(ascii: ">")
      if let offsets = reader.lines(indent: candidate, isFolded: isFolded) { return offsets }
    }
    return nil
  }

  private mutating func lines(indent: Int, isFolded: Bool) -> [Int]? {
    var breaks: [Int] = []
    var wasIndented = true
    while !isDone {
      guard current != nil else { return isDone ? offsets + [offset] : nil }
      var skipped = 0
      while skipped < indent, current == 0x20 {
        offset += 1
        skipped += 1
      }
      if RulesText.lineBreak(source, at: offset) > 0 {
        endLine(&breaks)
        continue
      }
      guard let first = current, skipped == indent else { return nil }
      let isIndented = Self.isBlank(first)
      guard foldBreaks(breaks, isFolded && !wasIndented && !isIndented) else { return nil }
      breaks = []
      wasIndented = isIndented || !isFolded
      while let byte = current, !isDone, RulesText.lineBreak(source, at: offset) == 0 {
        guard take([byte], at: offset) else { return nil }
        offset += 1
      }
      if !isDone { endLine(&breaks) }
      if !isDone, text[offsets.count...].allSatisfy({ $0 == 0x0a }) {
        // Only line ends are left, as many as the block keeps.
        while !isDone { offsets.append(breaks.first ?? offset) }
      }
    }
    return offsets + [offset]
  }

  private mutating func endLine(_ breaks: inout [Int]) {
    breaks.append(offset)
    offset += max(1, RulesText.lineBreak(source, at: offset))
  }

  private mutating func foldBreaks(_ breaks: [Int], _ folds: Bool) -> Bool {
    if !folds || breaks.isEmpty {
      for place in breaks where !take([0x0a], at: place) { return false }
      return true
    }
    if breaks.count == 1 { return take([0x20], at: breaks[0]) }
    for place in breaks.dropFirst() where !take([0x0a], at: place) { return false }
    return true
  }
}
