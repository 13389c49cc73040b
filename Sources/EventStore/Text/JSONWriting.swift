/// Strings as JSON text: quotes, backslashes and control characters are escaped, everything else stays.
enum JSONWriting {
  private static let digits = Array("0123456789abcdef".utf8)

  static func append(_ text: [UInt8], to bytes: inout [UInt8]) { append(text.span, to: &bytes) }

  static func append(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    appendContent(text, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// What stands between the quotes.
  static func appendContent(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    if text.plainEnd(from: 0) == text.count || !needsEscape(text) { return bytes.append(text) }
    for index in text.indices {
      let byte = text[index]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0a: bytes += "\\n".utf8
      case 0x0d: bytes += "\\r".utf8
      case 0x09: bytes += "\\t".utf8
      case 0..<0x20:
        bytes += "\\u00".utf8
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
  }

  private static func needsEscape(_ text: Span<UInt8>) -> Bool {
    for index in text.indices {
      let byte = text[index]
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return true }
    }
    return false
  }
}

extension Span where Element == UInt8 {
  var isASCII: Bool {
    let whole = count & ~7
    var bits: UInt64 = 0
    var offset = 0
    while offset < whole {
      bits |= word(at: offset)
      offset += 8
    }
    return (bits | little(whole, count - whole)) & 0x8080_8080_8080_8080 == 0
  }
}

extension Array where Element == UInt8 {
  var isUTF8: Bool { String(validating: self, as: UTF8.self) != nil }
}
