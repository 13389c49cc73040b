/// Cuts an expression's text into tokens.
struct Lexer {
  let bytes: [UInt8]
  private(set) var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// All tokens, the last one being `.end`.
  static func tokens(_ text: String) throws(CompileError) -> [Token] {
    var lexer = Lexer(text)
    if lexer.bytes.count > Limits.sourceBytes {
      throw CompileError(
        code: .limit, message: "the text is longer than \(Limits.sourceBytes) bytes",
        range: Limits.sourceBytes..<lexer.bytes.count)
    }
    var tokens: [Token] = []
    while true {
      let token = try lexer.next()
      tokens.append(token)
      if token.kind == .end { return tokens }
    }
  }

  func byte(at offset: Int) -> UInt8? {
    offset < bytes.count ? bytes[offset] : nil
  }

  func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  func failure(
    _ message: String, _ range: Range<Int>, code: CompileError.Code = .syntax
  ) -> CompileError {
    CompileError(code: code, message: message, range: range)
  }

  mutating func next() throws(CompileError) -> Token {
    skipBlanks()
    let start = position
    guard let first = byte(at: start) else { return Token(kind: .end, range: start..<start) }
    if let prefix = literalPrefixLength(at: start) {
      let literal = try quoted(at: start, prefixLength: prefix)
      position = literal.end
      return Token(kind: literal.kind, range: start..<literal.end)
    }
    if Self.isNameStart(first) {
      var end = start + 1
      while let byte = byte(at: end), Self.isNamePart(byte) { end += 1 }
      position = end
      return Token(kind: .identifier(text(start..<end)), range: start..<end)
    }
    if Self.isDigit(first) || (first == UInt8(ascii: ".") && followsDigit(start)) {
      return try number(at: start)
    }
    if first == UInt8(ascii: "`") { return try quotedIdentifier(at: start) }
    return try sign(at: start)
  }

  private mutating func skipBlanks() {
    while let byte = byte(at: position) {
      if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0C || byte == 0x0D {
        position += 1
      } else if byte == UInt8(ascii: "/"), self.byte(at: position + 1) == UInt8(ascii: "/") {
        while let skipped = self.byte(at: position), skipped != 0x0A { position += 1 }
      } else {
        return
      }
    }
  }

  private func followsDigit(_ offset: Int) -> Bool {
    byte(at: offset + 1).map(Self.isDigit) ?? false
  }

  private mutating func quotedIdentifier(at start: Int) throws(CompileError) -> Token {
    var end = start + 1
    while let byte = byte(at: end), byte != UInt8(ascii: "`") {
      let isAllowed =
        Self.isNamePart(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
        || byte == UInt8(ascii: "/") || byte == 0x20
      if !isAllowed {
        throw failure(
          "a name in backticks holds letters, digits, '_', '.', '-', '/' and blanks only",
          end..<characterEnd(end))
      }
      end += 1
    }
    if byte(at: end) == nil { throw failure("the backtick is not closed", start..<end) }
    if end == start + 1 { throw failure("a name in backticks is empty", start..<(end + 1)) }
    position = end + 1
    return Token(kind: .quotedIdentifier(text((start + 1)..<end)), range: start..<position)
  }

  private mutating func sign(at start: Int) throws(CompileError) -> Token {
    let first = text(start..<characterEnd(start))
    if let second = byte(at: start + 1), second < 0x80,
      let sign = Token.Sign(rawValue: first + text((start + 1)..<(start + 2)))
    {
      position = start + 2
      return Token(kind: .sign(sign), range: start..<position)
    }
    if let sign = Token.Sign(rawValue: first) {
      position = start + 1
      return Token(kind: .sign(sign), range: start..<position)
    }
    if let remedy = operatorHabit(at: start) {
      throw failure(
        "'\(text(start..<remedy.end))' is not CEL; \(remedy.advice)", start..<remedy.end)
    }
    let hint = Self.characterHabits[first].map { "; \($0)" } ?? ""
    throw failure("unexpected character '\(first)'\(hint)", start..<characterEnd(start))
  }

  /// Signs of other languages, and what CEL writes.
  private static let characterHabits: [String: String] = [
    "=": "equality is written '=='", "&": "'and' is written '&&'", "|": "'or' is written '||'",
    "“": "a text stands in straight quotes, ' or \"",
    "”": "a text stands in straight quotes, ' or \"",
    "„": "a text stands in straight quotes, ' or \"",
    "‘": "a text stands in straight quotes, ' or \"",
    "’": "a text stands in straight quotes, ' or \"",
    "«": "a text stands in straight quotes, ' or \"",
    "»": "a text stands in straight quotes, ' or \"",
    "‚": "a text stands in straight quotes, ' or \"",
    "´": "a text stands in straight quotes, ' or \"", "≥": "write '>='", "≤": "write '<='",
    "≠": "write '!='", "∧": "write '&&'", "∨": "write '||'", "¬": "write '!'", "×": "write '*'",
    "·": "write '*'", "÷": "write '/'", "−": "write '-'", "–": "write '-'", "—": "write '-'",
    "\u{a0}": "it is a no-break space; write a plain blank", ";": "a condition is one expression",
    "#": "a comment begins with '//'", "^": "there are no powers; multiply",
    "€": "an amount is written money(\"500.00\")", "$": "an amount is written money(\"500.00\")",
    "£": "an amount is written money(\"500.00\")", "~": "write x.contains(…) or x.startsWith(…)",
    "@": "names stand without a sign before them",
  ]

  private func operatorHabit(at start: Int) -> (end: Int, advice: String)? {
    let habits = [
      ("=>", "write '>='"), ("=<", "write '<='"), ("=~", "write x.contains(…) or x.startsWith(…)"),
      ("=!", "write '!='"),
    ]
    for (sign, advice) in habits where bytes[start...].starts(with: Array(sign.utf8)) {
      return (start + 2, advice)
    }
    // `===` and `!==` are read as `==` (`!=`) and one `=` too many.
    if start >= 2, bytes[start] == UInt8(ascii: "="), bytes[start - 1] == UInt8(ascii: "=") {
      return (start + 1, "two signs, as '==', are enough")
    }
    return nil
  }

  private mutating func number(at start: Int) throws(CompileError) -> Token {
    var end = start
    if bytes[start] == UInt8(ascii: "0"), byte(at: start + 1) == UInt8(ascii: "x") {
      end = start + 2
      while let byte = byte(at: end), Self.hexadecimalDigit(byte) != nil { end += 1 }
      if end == start + 2 { throw failure("'0x' lacks its digits", start..<end) }
      return integer(start, end)
    }
    end = skipDigits(end)
    var isDouble = false
    if byte(at: end) == UInt8(ascii: "."), followsDigit(end) {
      isDouble = true
      end = skipDigits(end + 1)
    }
    if let e = byte(at: end), e | 0x20 == UInt8(ascii: "e") {
      var digits = end + 1
      if let sign = byte(at: digits), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        digits += 1
      }
      if let digit = byte(at: digits), Self.isDigit(digit) {
        isDouble = true
        end = skipDigits(digits)
      }
    }
    if !isDouble { return integer(start, end) }
    position = end
    guard let value = Double(text(start..<end)), value.isFinite else {
      throw failure("the double \(text(start..<end)) is out of range", start..<end, code: .literal)
    }
    return Token(kind: .double(value), range: start..<end)
  }

  private mutating func integer(_ start: Int, _ end: Int) -> Token {
    let digits = text(start..<end)
    if let suffix = byte(at: end), suffix | 0x20 == UInt8(ascii: "u") {
      position = end + 1
      return Token(kind: .uint(digits), range: start..<position)
    }
    position = end
    return Token(kind: .int(digits), range: start..<end)
  }

  private func skipDigits(_ offset: Int) -> Int {
    var end = offset
    while let byte = byte(at: end), Self.isDigit(byte) { end += 1 }
    return end
  }

  /// The end of the character (one scalar) that starts at `offset`.
  func characterEnd(_ offset: Int) -> Int {
    var end = offset + 1
    while let byte = byte(at: end), byte & 0xC0 == 0x80 { end += 1 }
    return min(end, bytes.count)
  }

  static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  static func isNameStart(_ byte: UInt8) -> Bool {
    let lower = byte | 0x20
    return (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")) || byte == UInt8(ascii: "_")
  }

  static func isNamePart(_ byte: UInt8) -> Bool {
    isNameStart(byte) || isDigit(byte)
  }

  static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    let lower = byte | 0x20
    if isDigit(byte) { return UInt32(byte - UInt8(ascii: "0")) }
    if lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "f") {
      return UInt32(lower - UInt8(ascii: "a")) + 10
    }
    return nil
  }
}
