/// Walks JSON text byte by byte, strictly by RFC 8259. The text is not copied.
///
/// ```
/// var scanner = JSONScanner(text)
/// try scanner.checkDocument()   // throws JSONFault with the offset of the first fault
/// ```
struct JSONScanner: ~Escapable {
  let text: Span<UInt8>
  var offset: Int
  /// Nesting of the value at hand; the outermost object is 1.
  private var depth = 0
  static let maximumDepth = 64

  @_lifetime(copy text)
  init(_ text: Span<UInt8>, at offset: Int = 0) {
    self.text = text
    self.offset = offset
  }

  // MARK: Checking

  /// Checks that the text is one JSON value, with members that do not repeat, and nothing after it.
  mutating func checkDocument() throws(JSONFault) {
    skipBlanks()
    try checkValue()
    try checkEnd()
  }

  mutating func checkEnd() throws(JSONFault) {
    skipBlanks()
    if offset < text.count { throw JSONFault(.syntax, offset, "text after the value") }
  }

  mutating func checkValue() throws(JSONFault) {
    guard offset < text.count else { throw JSONFault(.syntax, offset, "a value is missing") }
    switch text[offset] {
    case UInt8(ascii: "{"): try checkObject()
    case UInt8(ascii: "["): try checkArray()
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word(Self.trueWord)
    case UInt8(ascii: "f"): try word(Self.falseWord)
    case UInt8(ascii: "n"): try word(Self.nullWord)
    default: try checkNumber()
    }
  }

  /// Goes to the first entry of the object or list at hand; behind it, with false, where it has none.
  mutating func enter(_ end: UInt8) throws(JSONFault) -> Bool {
    depth += 1
    if depth > Self.maximumDepth {
      throw JSONFault(.depth, offset, "nested deeper than \(Self.maximumDepth)")
    }
    offset += 1
    skipBlanks()
    if !isAt(end) { return true }
    leave()
    return false
  }

  private mutating func leave() {
    offset += 1
    depth -= 1
  }

  /// Goes from the name of a member to its value.
  mutating func goToValue() throws(JSONFault) {
    skipBlanks()
    try expect(UInt8(ascii: ":"))
    skipBlanks()
  }

  /// The next byte is `byte`.
  func isAt(_ byte: UInt8) -> Bool { offset < text.count && text[offset] == byte }

  private mutating func checkObject() throws(JSONFault) {
    guard try enter(UInt8(ascii: "}")) else { return }
    var names = MemberNames()
    repeat {
      let start = offset
      let name = try string()
      if names.insert(name, in: text) { throw JSONFault.repeated(start) }
      try goToValue()
      try checkValue()
    } while try !endOfContainer(UInt8(ascii: "}"))
  }

  private mutating func checkArray() throws(JSONFault) {
    guard try enter(UInt8(ascii: "]")) else { return }
    repeat { try checkValue() } while try !endOfContainer(UInt8(ascii: "]"))
  }

  /// Goes over a comma with blanks around it; behind the object or list, with true, at its end.
  mutating func endOfContainer(_ end: UInt8) throws(JSONFault) -> Bool {
    skipBlanks()
    guard offset < text.count else { throw JSONFault(.syntax, offset, "the text ends too early") }
    if text[offset] == end {
      leave()
      return true
    }
    try expect(UInt8(ascii: ","))
    skipBlanks()
    return false
  }

  private mutating func expect(_ byte: UInt8) throws(JSONFault) {
    guard offset < text.count else { throw JSONFault(.syntax, offset, "the text ends too early") }
    guard text[offset] == byte else {
      throw JSONFault(.syntax, offset, "expected `\(Character(Unicode.Scalar(byte)))`")
    }
    offset += 1
  }

  private mutating func word(_ word: [UInt8]) throws(JSONFault) {
    let start = offset
    for byte in word {
      guard offset < text.count, text[offset] == byte else {
        throw JSONFault(.syntax, start, "unknown word")
      }
      offset += 1
    }
  }

  private static let trueWord = Array("true".utf8)
  private static let falseWord = Array("false".utf8)
  private static let nullWord = Array("null".utf8)

  private mutating func checkNumber() throws(JSONFault) {
    let start = offset
    if offset < text.count, text[offset] == UInt8(ascii: "-") { offset += 1 }
    guard offset < text.count, isDigit(text[offset]) else {
      throw JSONFault(.syntax, start, "no JSON value")
    }
    if text[offset] == UInt8(ascii: "0") {
      offset += 1
    } else {
      skipDigits()
    }
    if offset < text.count, text[offset] == UInt8(ascii: ".") {
      offset += 1
      try digits(start)
    }
    if offset < text.count, text[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if offset < text.count, text[offset] == UInt8(ascii: "+") || text[offset] == UInt8(ascii: "-")
      {
        offset += 1
      }
      try digits(start)
    }
  }

  private mutating func digits(_ start: Int) throws(JSONFault) {
    guard offset < text.count, isDigit(text[offset]) else {
      throw JSONFault(.syntax, start, "malformed number")
    }
    skipDigits()
  }

  private mutating func skipDigits() {
    while offset < text.count, isDigit(text[offset]) { offset += 1 }
  }

  @inline(__always)
  private func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

  @inline(__always)
  mutating func skipBlanks() {
    while offset < text.count {
      let byte = text[offset]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
      offset += 1
    }
  }

  // MARK: Strings

  /// Checks a string and gives the place of its content, without the quotes.
  mutating func string() throws(JSONFault) -> JSONText {
    guard offset < text.count, text[offset] == UInt8(ascii: "\"") else {
      throw JSONFault(.syntax, offset, "expected a string")
    }
    offset += 1
    let start = offset
    var hasEscapes = false
    while offset < text.count {
      if text.count - offset >= 8 {
        let special = EightBytes(text.word(at: offset)).specialInString
        offset += special.trailingZeroBitCount / 8
        if special == 0 { continue }
      }
      let byte = text[offset]
      if byte == UInt8(ascii: "\"") {
        offset += 1
        return JSONText(start: start, end: offset - 1, hasEscapes: hasEscapes)
      }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        try escape()
      } else if byte < 0x20 {
        throw JSONFault(.syntax, offset, "a control character within a string")
      } else if byte < 0x80 {
        offset += 1
      } else {
        try multibyte()
      }
    }
    throw JSONFault(.syntax, start - 1, "a string does not end")
  }

  private mutating func escape() throws(JSONFault) {
    let start = offset
    offset += 1
    guard offset < text.count else { throw JSONFault(.syntax, start, "a string does not end") }
    switch text[offset] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      offset += 1
    case UInt8(ascii: "u"):
      offset += 1
      let unit = try hexadecimal(start)
      if unit & 0xfc00 == 0xdc00 {
        throw JSONFault(.utf8, start, "half of a surrogate pair")
      }
      if unit & 0xfc00 == 0xd800 {
        guard offset + 1 < text.count, text[offset] == UInt8(ascii: "\\"),
          text[offset + 1] == UInt8(ascii: "u")
        else { throw JSONFault(.utf8, start, "half of a surrogate pair") }
        offset += 2
        guard try hexadecimal(start) & 0xfc00 == 0xdc00 else {
          throw JSONFault(.utf8, start, "half of a surrogate pair")
        }
      }
    default: throw JSONFault(.syntax, start, "unknown escape")
    }
  }

  private mutating func hexadecimal(_ start: Int) throws(JSONFault) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard offset < text.count, let digit = Self.hexadecimalDigit(text[offset]) else {
        throw JSONFault(.syntax, start, "malformed \\u escape")
      }
      value = value << 4 | digit
      offset += 1
    }
    return value
  }

  static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 48...57: UInt32(byte) - 48
    case 65...70: UInt32(byte) - 55
    case 97...102: UInt32(byte) - 87
    default: nil
    }
  }

  /// A character beyond ASCII: well-formed UTF-8 by table 3-7 of the Unicode Standard.
  private mutating func multibyte() throws(JSONFault) {
    let first = text[offset]
    let start = offset
    var low: UInt8 = 0x80
    var high: UInt8 = 0xbf
    let length: Int
    switch first {
    case 0xc2...0xdf: length = 2
    case 0xe0: (length, low) = (3, 0xa0)
    case 0xed: (length, high) = (3, 0x9f)
    case 0xe1...0xef: length = 3
    case 0xf0: (length, low) = (4, 0x90)
    case 0xf4: (length, high) = (4, 0x8f)
    case 0xf1...0xf3: length = 4
    default: throw JSONFault(.utf8, start, "not UTF-8")
    }
    guard offset + length <= text.count, text[offset + 1] >= low, text[offset + 1] <= high else {
      throw JSONFault(.utf8, start, "not UTF-8")
    }
    for index in 2..<max(2, length) where text[offset + index] & 0xc0 != 0x80 {
      throw JSONFault(.utf8, start, "not UTF-8")
    }
    offset += length
  }

  // MARK: Skipping what has been checked

  /// Skips a string of text that has been checked.
  @inline(__always)
  mutating func knownString() -> JSONText {
    offset += 1
    let start = offset
    var hasEscapes = false
    while offset < text.count {
      if text.count - offset >= 8 {
        let end = EightBytes(text.word(at: offset)).quoteOrBackslash
        offset += end.trailingZeroBitCount / 8
        if end == 0 { continue }
      }
      let byte = text[offset]
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        offset += 1
      }
      offset += 1
    }
    let end = min(offset, text.count)
    offset = min(end + 1, text.count)
    return JSONText(start: start, end: end, hasEscapes: hasEscapes)
  }

  /// Goes to the value of the next member of a checked object; nil at its end.
  @inline(__always)
  mutating func nextKnownMember() -> JSONText? {
    skipBlanks()
    guard offset < text.count, text[offset] == UInt8(ascii: "\"") else { return nil }
    let name = knownString()
    skipBlanks()
    offset += 1
    skipBlanks()
    return name
  }

  /// Goes over the comma behind a value of a checked container; false at its end.
  @inline(__always)
  mutating func skipKnownComma() -> Bool {
    skipBlanks()
    guard offset < text.count, text[offset] == UInt8(ascii: ",") else { return false }
    offset += 1
    return true
  }

  /// Skips a value of text that has been checked.
  mutating func skipKnownValue() {
    guard offset < text.count else { return }
    switch text[offset] {
    case UInt8(ascii: "\""): _ = knownString()
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      var level = 0
      while offset < text.count {
        switch text[offset] {
        case UInt8(ascii: "\""):
          _ = knownString()
          continue
        case UInt8(ascii: "{"), UInt8(ascii: "["): level += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): level -= 1
        default: break
        }
        offset += 1
        if level == 0 { return }
      }
    default: skipKnownWord()
    }
  }

  /// Skips a number or a word.
  @inline(__always)
  mutating func skipKnownWord() {
    while offset < text.count {
      switch text[offset] {
      case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x09, 0x0a, 0x0d: return
      default: offset += 1
      }
    }
  }
}

/// Eight bytes looked at together. What they are asked for is given as a number in which the lowest bit set belongs to the
/// first such byte; 0 for none.
///
/// Subtracting 1 from each byte borrows out of those that were 0 only, as far as the first of them; so the first one found is
/// right, and those above it need not be.
private struct EightBytes {
  private let bytes: UInt64
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  @inline(__always)
  init(_ bytes: UInt64) { self.bytes = bytes }

  @inline(__always)
  private func places(of byte: UInt64) -> UInt64 {
    let difference = bytes ^ (Self.ones &* byte)
    return (difference &- Self.ones) & ~difference & Self.highBits
  }

  @inline(__always)
  var quoteOrBackslash: UInt64 { places(of: 0x22) | places(of: 0x5c) }

  /// Those, control characters, and what is not ASCII.
  @inline(__always)
  var specialInString: UInt64 {
    quoteOrBackslash | (bytes &- Self.ones &* 0x20) & ~bytes & Self.highBits
      | bytes & Self.highBits
  }
}

/// Why a text is not JSON, and where.
package struct JSONFault: Error, Equatable {
  package enum Kind { case syntax, utf8, depth, duplicateMember }
  package var kind: Kind
  package var offset: Int
  package var message: String

  init(_ kind: Kind, _ offset: Int, _ message: String) {
    self.kind = kind
    self.offset = offset
    self.message = message
  }

  static func repeated(_ offset: Int) -> JSONFault {
    JSONFault(.duplicateMember, offset, "a member comes twice")
  }
}

/// The place of a string's content in a text, without its quotes.
package struct JSONText: Sendable, Equatable {
  // Small, since an event has several: no text is read that is longer than 4 GiB.
  private var first: UInt32
  private var behind: UInt32
  package var hasEscapes: Bool

  package init(start: Int, end: Int, hasEscapes: Bool) {
    first = UInt32(truncatingIfNeeded: start)
    behind = UInt32(truncatingIfNeeded: end)
    self.hasEscapes = hasEscapes
  }

  package var start: Int { Int(first) }
  package var end: Int { Int(behind) }
  package var range: Range<Int> { start..<end }

  /// Writes a string as JSON, quotes included.
  package static func append(_ text: [UInt8], to bytes: inout [UInt8]) {
    JSONWriting.append(text, to: &bytes)
  }

  /// The decoded bytes of a string that has been checked.
  package func decoded(in text: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    if !hasEscapes {
      bytes.append(text.extracting(start..<end))
      return bytes
    }
    bytes.reserveCapacity(end - start)
    var index = start
    while index < end {
      let byte = text[index]
      index += 1
      guard byte == UInt8(ascii: "\\"), index < end else {
        bytes.append(byte)
        continue
      }
      let escaped = text[index]
      index += 1
      switch escaped {
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0c)
      case UInt8(ascii: "n"): bytes.append(0x0a)
      case UInt8(ascii: "r"): bytes.append(0x0d)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "u"):
        var scalar = Self.unit(text, index, end)
        index += 4
        if scalar & 0xfc00 == 0xd800 {
          let low = Self.unit(text, index + 2, end)
          index += 6
          scalar = 0x10000 + ((scalar & 0x3ff) << 10) + (low & 0x3ff)
        }
        if let character = Unicode.Scalar(scalar) { bytes += String(character).utf8 }
      default: bytes.append(escaped)
      }
    }
    return bytes
  }

  private static func unit(_ text: Span<UInt8>, _ index: Int, _ end: Int) -> UInt32 {
    var value: UInt32 = 0
    for place in index..<index + 4 where place < end {
      value = value << 4 | (JSONScanner.hexadecimalDigit(text[place]) ?? 0)
    }
    return value
  }
}

/// The members of one object seen so far; small objects are compared one by one.
struct MemberNames {
  private var names = InlineArray<16, JSONText>(
    repeating: JSONText(start: 0, end: 0, hasEscapes: false))
  private var count = 0
  private var decoded: Set<[UInt8]> = []

  /// True if the name has been there.
  mutating func insert(_ name: JSONText, in text: Span<UInt8>) -> Bool {
    if count == names.count {
      if decoded.isEmpty {
        for index in names.indices { decoded.insert(names[index].decoded(in: text)) }
      }
      return !decoded.insert(name.decoded(in: text)).inserted
    }
    for index in 0..<count where Self.isSame(names[index], name, text) { return true }
    names[count] = name
    count += 1
    return false
  }

  private static func isSame(_ left: JSONText, _ right: JSONText, _ text: Span<UInt8>) -> Bool {
    if left.hasEscapes || right.hasEscapes {
      return left.decoded(in: text) == right.decoded(in: text)
    }
    guard left.end - left.start == right.end - right.start else { return false }
    var i = left.start
    var j = right.start
    while i < left.end {
      if text[i] != text[j] { return false }
      i += 1
      j += 1
    }
    return true
  }
}
