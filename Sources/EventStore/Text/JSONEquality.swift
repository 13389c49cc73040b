/// Equality of JSON values: member order, spacing, escapes and the spelling of numbers apart.
package enum JSONEquality {
  /// Both texts must have been checked.
  package static func sameValue(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    if left.isEqual(to: right) { return true }
    return JSONTree(left) == JSONTree(right)
  }
}

/// A JSON value in a form in which equal values are equal.
package indirect enum JSONTree: Equatable {
  case null
  case bool(Bool)
  case number(Decimal.Parts)
  case string([UInt8])
  case array([JSONTree])
  /// By name.
  case object([Member])

  package struct Member: Equatable {
    var name: [UInt8]
    var value: JSONTree
  }

  /// The value of a text.
  /// - Throws: where it is not JSON, or a member comes twice.
  package init(checking text: Span<UInt8>) throws(JSONFault) {
    var scanner = JSONScanner(text)
    try scanner.checkDocument()
    self.init(text)
  }

  /// A member of an object; nil of other values and where there is none.
  package func member(_ name: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name.elementsEqual(name.utf8) }?.value
  }

  /// The text of a string; nil of other values.
  package var text: String? {
    guard case .string(let bytes) = self else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A whole number that is not negative; nil of other values and of greater ones than 2^64 - 1.
  package var count: UInt64? {
    guard case .number(let parts) = self, !parts.isNegative, (0...19).contains(parts.exponent)
    else {
      return nil
    }
    let digits = parts.digits.map { String($0) } + Array(repeating: "0", count: parts.exponent)
    return UInt64("0" + digits.joined())
  }

  /// The value of a text that has been checked.
  init(_ text: Span<UInt8>) {
    var scanner = JSONScanner(text)
    scanner.skipBlanks()
    self = Self.read(&scanner)
  }

  private static func read(_ scanner: inout JSONScanner) -> JSONTree {
    guard scanner.offset < scanner.text.count else { return .null }
    switch scanner.text[scanner.offset] {
    case UInt8(ascii: "{"): return readObject(&scanner)
    case UInt8(ascii: "["): return readArray(&scanner)
    case UInt8(ascii: "\""): return .string(scanner.knownString().decoded(in: scanner.text))
    case UInt8(ascii: "t"):
      scanner.skipKnownWord()
      return .bool(true)
    case UInt8(ascii: "f"):
      scanner.skipKnownWord()
      return .bool(false)
    case UInt8(ascii: "n"):
      scanner.skipKnownWord()
      return .null
    default:
      let start = scanner.offset
      scanner.skipKnownWord()
      let parts = Decimal.parts(scanner.text.extracting(start..<scanner.offset))
      return parts.map { .number($0) } ?? .null
    }
  }

  private static func readObject(_ scanner: inout JSONScanner) -> JSONTree {
    var members: [Member] = []
    scanner.offset += 1
    while true {
      scanner.skipBlanks()
      guard scanner.offset < scanner.text.count, scanner.text[scanner.offset] != UInt8(ascii: "}")
      else { break }
      let name = scanner.knownString().decoded(in: scanner.text)
      scanner.skipBlanks()
      scanner.offset += 1
      scanner.skipBlanks()
      members.append(Member(name: name, value: read(&scanner)))
      scanner.skipBlanks()
      if scanner.offset < scanner.text.count, scanner.text[scanner.offset] == UInt8(ascii: ",") {
        scanner.offset += 1
      }
    }
    scanner.offset += 1
    members.sort { $0.name.lexicographicallyPrecedes($1.name) }
    return .object(members)
  }

  private static func readArray(_ scanner: inout JSONScanner) -> JSONTree {
    var elements: [JSONTree] = []
    scanner.offset += 1
    while true {
      scanner.skipBlanks()
      guard scanner.offset < scanner.text.count, scanner.text[scanner.offset] != UInt8(ascii: "]")
      else { break }
      elements.append(read(&scanner))
      scanner.skipBlanks()
      if scanner.offset < scanner.text.count, scanner.text[scanner.offset] == UInt8(ascii: ",") {
        scanner.offset += 1
      }
    }
    scanner.offset += 1
    return .array(elements)
  }
}
