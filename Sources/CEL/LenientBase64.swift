/// Base64 (RFC 4648, section 4): written with padding, read without it too, as JSON of CEL may leave it out.
enum LenientBase64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let group = bytes[index..<min(index + 3, bytes.count)]
      var bits: UInt32 = 0
      for offset in 0..<3 {
        bits = bits << 8 | (offset < group.count ? UInt32(group[index + offset]) : 0)
      }
      for position in 0..<4 {
        let isPadding = position > group.count
        let digit = Int(bits >> (18 - 6 * UInt32(position)) & 63)
        output.append(isPadding ? UInt8(ascii: "=") : alphabet[digit])
      }
      index += 3
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// Nil for text that is no base64; missing padding is forgiven.
  static func decode(_ text: String) -> [UInt8]? {
    var output: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount = 0
    var digits = Array(text.utf8)[...]
    while digits.last == UInt8(ascii: "=") { digits.removeLast() }
    for byte in digits {
      guard let digit = alphabet.firstIndex(of: byte) else { return nil }
      bits = (bits << 6 | UInt32(digit)) & 0xFFFF
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        output.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
      }
    }
    return digits.count % 4 == 1 ? nil : output
  }
}
