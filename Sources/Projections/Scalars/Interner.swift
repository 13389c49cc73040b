import EventStore

/// Numbers for strings, so that a string is one 64-bit value in a fold. One thread only.
///
/// Numbers from 0 are kept. Negative numbers from -2 down are *passing* strings of one event (its subject, its id):
/// they are forgotten with the next event, so that a `where` on ids does not keep every id in memory.
struct Interner: Sendable {
  private(set) var strings: [String] = []
  private var texts = TextDictionary()
  private var passing: [String] = []

  var count: Int { strings.count }

  mutating func number(of string: String) -> Int64 {
    number(of: Array(string.utf8).span)
  }

  mutating func number(of text: Span<UInt8>) -> Int64 {
    let (number, isNew) = texts.insert(text)
    if isNew { strings.append(Self.string(text)) }
    return Int64(number)
  }

  /// The number of a string that is kept; nil for others.
  func find(_ text: Span<UInt8>) -> Int64? { texts.find(text).map { Int64($0) } }

  /// The number of a string that is kept, or a passing number, equal for equal strings of one event.
  mutating func passingNumber(of text: Span<UInt8>) -> Int64 {
    if let number = find(text) { return number }
    let string = Self.string(text)
    for (index, other) in passing.enumerated() where ByteString(other) == ByteString(string) {
      return Int64(-2 - index)
    }
    passing.append(string)
    return Int64(-1 - passing.count)
  }

  mutating func forgetPassing() {
    if !passing.isEmpty { passing.removeAll(keepingCapacity: true) }
  }

  func string(_ number: Int64) -> String {
    number >= 0 ? strings[Int(number)] : passing[Int(-2 - number)]
  }

  /// The order of two strings by their bytes.
  func isLess(_ left: Int64, _ right: Int64) -> Bool {
    ByteString(string(left)) < ByteString(string(right))
  }

  private static func string(_ text: Span<UInt8>) -> String {
    guard let valid = try? UTF8Span(validating: text) else {
      return String(decoding: [UInt8](copying: text), as: UTF8.self)
    }
    return String(copying: valid)
  }
}
