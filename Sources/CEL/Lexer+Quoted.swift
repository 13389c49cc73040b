/// String and bytes literals: quotes, triple quotes, raw text and escapes.
extension Lexer {
  struct Quoted {
    var kind: Token.Kind
    var end: Int
  }

  /// The number of letters before the quote if a string or bytes literal starts here, else nil.
  func literalPrefixLength(at start: Int) -> Int? {
    func isQuote(_ offset: Int) -> Bool {
      byte(at: offset) == UInt8(ascii: "\"") || byte(at: offset) == UInt8(ascii: "'")
    }
    if isQuote(start) { return 0 }
    guard let first = byte(at: start) else { return nil }
    let lower = first | 0x20
    if lower == UInt8(ascii: "r") || lower == UInt8(ascii: "b"), isQuote(start + 1) { return 1 }
    if lower == UInt8(ascii: "b"), let second = byte(at: start + 1),
      second | 0x20 == UInt8(ascii: "r"), isQuote(start + 2)
    {
      return 2
    }
    return nil
  }

  func quoted(at start: Int, prefixLength: Int) throws(CompileError) -> Quoted {
    let prefix = bytes[start..<(start + prefixLength)].map { $0 | 0x20 }
    let isBytes = prefix.contains(UInt8(ascii: "b"))
    let isRaw = prefix.contains(UInt8(ascii: "r"))
    var offset = start + prefixLength
    let quote = bytes[offset]
    let isTriple = byte(at: offset + 1) == quote && byte(at: offset + 2) == quote
    offset += isTriple ? 3 : 1
    let opening = start..<offset

    var content: [UInt8] = []
    while true {
      guard let next = byte(at: offset) else {
        throw failure("the string is not closed", opening)
      }
      if next == quote {
        if !isTriple {
          offset += 1
          break
        }
        if byte(at: offset + 1) == quote && byte(at: offset + 2) == quote {
          offset += 3
          break
        }
        content.append(next)
        offset += 1
      } else if next == UInt8(ascii: "\\") && !isRaw {
        offset = try escape(at: offset, isBytes: isBytes, into: &content)
      } else if !isTriple && (next == 0x0A || next == 0x0D) {
        throw failure("the string is not closed on its line", opening)
      } else {
        content.append(next)
        offset += 1
      }
    }
    let kind: Token.Kind =
      isBytes ? .bytes(content) : .string(String(decoding: content, as: UTF8.self))
    return Quoted(kind: kind, end: offset)
  }

  /// Reads the escape at `start`, appends what it stands for and returns the offset after it.
  private func escape(
    at start: Int, isBytes: Bool, into content: inout [UInt8]
  ) throws(CompileError) -> Int {
    guard let letter = byte(at: start + 1) else {
      throw failure("the string is not closed", start..<(start + 1))
    }
    if let plain = Self.simpleEscape(letter) {
      content.append(plain)
      return start + 2
    }
    let count: Int
    let isOctal = letter >= UInt8(ascii: "0") && letter <= UInt8(ascii: "3")
    switch letter {
    case UInt8(ascii: "x"), UInt8(ascii: "X"): count = 2
    case UInt8(ascii: "u"): count = 4
    case UInt8(ascii: "U"): count = 8
    case _ where isOctal: count = 3
    default: count = 0
    }
    let shown = start..<characterEnd(start + 1)
    if count == 0 { throw failure("unknown escape '\(text(shown))'", shown) }
    if isBytes && count > 3 {
      throw failure("the escape '\(text(shown))' is for strings, not for bytes", shown)
    }
    let digits = isOctal ? start + 1 : start + 2
    var code: UInt32 = 0
    for offset in digits..<(digits + count) {
      guard let byte = byte(at: offset), let digit = Self.hexadecimalDigit(byte),
        !isOctal || digit < 8
      else {
        throw failure(
          "the escape '\(text(shown))' needs \(count) \(isOctal ? "octal" : "hexadecimal") digits",
          start..<min(offset, bytes.count))
      }
      code = code &* (isOctal ? 8 : 16) &+ digit
    }
    let end = digits + count
    if isBytes {
      content.append(UInt8(truncatingIfNeeded: code))
      return end
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw failure("the escape '\(text(start..<end))' is no Unicode character", start..<end)
    }
    content.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    return end
  }

  private static func simpleEscape(_ letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "a"): 0x07
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "v"): 0x0B
    case UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "\""), UInt8(ascii: "'"),
      UInt8(ascii: "`"):
      letter
    default: nil
    }
  }
}
