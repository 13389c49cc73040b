/// Writes the compact form of view records: LEB128 numbers, zigzag for signed ones, strings with their length in front.
struct ByteEncoder {
  var bytes: [UInt8] = []

  @inline(__always)
  mutating func number(_ value: UInt64) {
    if value < 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value))
    } else {
      bytes.append(addingCapacity: Self.longest) { Self.append(value, to: &$0) }
    }
  }

  /// Bytes of the longest number.
  static let longest = 10

  @inline(__always)
  static func append(_ value: UInt64, to span: inout OutputSpan<UInt8>) {
    var rest = value
    while rest >= 0x80 {
      span.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    span.append(UInt8(truncatingIfNeeded: rest))
  }

  @inline(__always)
  static func append(signed value: Int64, to span: inout OutputSpan<UInt8>) {
    append(UInt64(bitPattern: (value << 1) ^ (value >> 63)), to: &span)
  }

  mutating func number(_ value: Int) { number(UInt64(value)) }

  mutating func signed(_ value: Int64) {
    number(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  mutating func text(_ text: some Collection<UInt8>) {
    number(text.count)
    bytes.append(contentsOf: text)
  }

  mutating func text(_ text: String) { self.text(text.utf8) }

  mutating func fixed(_ value: UInt64) {
    bytes.append(addingCapacity: 8) { Self.append(fixed: value, to: &$0) }
  }

  @inline(__always)
  static func append(fixed value: UInt64, to span: inout OutputSpan<UInt8>) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      span.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
}

/// Reads what ``ByteEncoder`` wrote; damaged input gives ``Damaged``, never a trap.
struct ByteDecoder {
  struct Damaged: Error {}

  let bytes: [UInt8]
  private(set) var offset: Int
  let end: Int

  init(_ bytes: [UInt8], from offset: Int = 0) {
    self.init(bytes, range: offset..<bytes.count)
  }

  /// - Parameter range: within the bytes.
  init(_ bytes: [UInt8], range: Range<Int>) {
    self.bytes = bytes
    offset = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { offset >= end }

  mutating func number() throws(Damaged) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while offset < end && shift < 64 {
      let byte = bytes[offset]
      offset += 1
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    throw Damaged()
  }

  /// A number that counts something within the record, so at most as large as what is left.
  mutating func count() throws(Damaged) -> Int {
    let value = try number()
    guard value <= UInt64(end) else { throw Damaged() }
    return Int(value)
  }

  mutating func index() throws(Damaged) -> Int {
    let value = try number()
    guard value <= UInt64(Int32.max) else { throw Damaged() }
    return Int(value)
  }

  mutating func signed() throws(Damaged) -> Int64 {
    let value = try number()
    return Int64(bitPattern: value >> 1) ^ -Int64(value & 1)
  }

  mutating func text() throws(Damaged) -> [UInt8] {
    let length = try count()
    guard length <= end - offset else { throw Damaged() }
    defer { offset += length }
    return Array(bytes[offset..<offset + length])
  }

  /// Where a text stands.
  mutating func textRange() throws(Damaged) -> Range<Int> {
    let length = try count()
    try skip(length)
    return offset - length..<offset
  }

  mutating func skipText() throws(Damaged) {
    try skip(try count())
  }

  mutating func string() throws(Damaged) -> String {
    String(decoding: try text(), as: UTF8.self)
  }

  mutating func fixed() throws(Damaged) -> UInt64 {
    guard end - offset >= 8 else { throw Damaged() }
    var result: UInt64 = 0
    for index in 0..<8 { result |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
    offset += 8
    return result
  }

  mutating func skip(_ length: Int) throws(Damaged) {
    guard length >= 0, length <= end - offset else { throw Damaged() }
    offset += length
  }
}
