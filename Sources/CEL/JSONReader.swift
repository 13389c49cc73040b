/// Reads JSON by recursive descent; depth and syntax are checked, nothing traps.
struct JSONReader {
  let bytes: [UInt8]
  private var offset = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func document() throws(JSON.Fault) -> JSON {
    let value = try value(depth: 1)
    skipBlanks()
    if offset != bytes.count { throw fault("text after the value") }
    return value
  }

  private func fault(_ message: String) -> JSON.Fault {
    JSON.Fault(message: message, offset: offset)
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipBlanks() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      offset += 1
    }
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    if next != byte { return false }
    offset += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSON.Fault) -> JSON {
    if depth > JSON.maximumDepth { throw fault("nested deeper than \(JSON.maximumDepth) levels") }
    skipBlanks()
    switch next {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case let byte? where byte == UInt8(ascii: "-") || Lexer.isDigit(byte): return try number()
    case nil: throw fault("the text ends where a value is expected")
    default: throw fault("a value is expected")
    }
  }

  private mutating func word(_ text: String, _ value: JSON) throws(JSON.Fault) -> JSON {
    if !bytes[offset...].starts(with: text.utf8) { throw fault("a value is expected") }
    offset += text.utf8.count
    return value
  }

  private mutating func object(_ depth: Int) throws(JSON.Fault) -> JSON {
    offset += 1
    var members: [(name: String, value: JSON)] = []
    var names = Set<[UInt8]>()
    skipBlanks()
    if skip(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipBlanks()
      if next != UInt8(ascii: "\"") { throw fault("a member's name is expected") }
      let name = try string()
      if !names.insert(Array(name.utf8)).inserted {
        throw fault("the member '\(name)' comes twice")
      }
      skipBlanks()
      if !skip(UInt8(ascii: ":")) { throw fault("':' is expected") }
      members.append((name, try value(depth: depth + 1)))
      skipBlanks()
      if skip(UInt8(ascii: "}")) { return .object(members) }
      if !skip(UInt8(ascii: ",")) { throw fault("',' or '}' is expected") }
    }
  }

  private mutating func array(_ depth: Int) throws(JSON.Fault) -> JSON {
    offset += 1
    var elements: [JSON] = []
    skipBlanks()
    if skip(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipBlanks()
      if skip(UInt8(ascii: "]")) { return .array(elements) }
      if !skip(UInt8(ascii: ",")) { throw fault("',' or ']' is expected") }
    }
  }

  private mutating func digits() throws(JSON.Fault) {
    let start = offset
    while let byte = next, Lexer.isDigit(byte) { offset += 1 }
    if offset == start { throw fault("a digit is expected") }
  }

  private mutating func number() throws(JSON.Fault) -> JSON {
    let start = offset
    _ = skip(UInt8(ascii: "-"))
    if !skip(UInt8(ascii: "0")) { try digits() }
    if skip(UInt8(ascii: ".")) { try digits() }
    if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
      try digits()
    }
    return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  private mutating func string() throws(JSON.Fault) -> String {
    offset += 1
    var content: [UInt8] = []
    while let byte = next {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else {
          throw fault("the string is no UTF-8")
        }
        return text
      case UInt8(ascii: "\\"):
        try escape(into: &content)
      case 0..<0x20:
        throw fault("a control character in a string")
      default:
        content.append(byte)
      }
    }
    throw fault("the string is not closed")
  }

  private mutating func escape(into content: inout [UInt8]) throws(JSON.Fault) {
    guard let letter = next else { throw fault("the string is not closed") }
    offset += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(letter)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if code & 0xFC00 == 0xD800 {
        guard skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) else {
          throw fault("half of a surrogate pair")
        }
        let low = try hexadecimal()
        if low & 0xFC00 != 0xDC00 { throw fault("half of a surrogate pair") }
        code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw fault("half of a surrogate pair") }
      content.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw fault("unknown escape")
    }
  }

  private mutating func hexadecimal() throws(JSON.Fault) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Lexer.hexadecimalDigit(byte) else {
        throw fault("four hexadecimal digits are expected")
      }
      code = code << 4 | digit
      offset += 1
    }
    return code
  }
}
