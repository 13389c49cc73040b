/// One call of Segment's specification, taken apart: where its members stand in the line.
struct SegmentCall: ~Escapable {
  /// A member of an object: its decoded name, and where name and value stand, with quotes.
  struct Member {
    var name: [UInt8]
    var nameRange: Range<Int>
    var value: Range<Int>
  }

  /// What a line calls.
  enum Method: String, CaseIterable {
    case track, identify, page, screen, group, alias
  }

  let line: Span<UInt8>
  private let members: [Member]

  /// - Throws: where the line is not JSON, or no object.
  @_lifetime(copy line)
  init(_ line: Span<UInt8>) throws(Rejection) {
    self.line = line
    do throws(JSONFault) {
      var scanner = JSONScanner(line)
      try scanner.checkDocument()
    } catch {
      throw Rejection(error)
    }
    guard let members = Self.members(of: line, in: 0..<line.count) else {
      throw Rejection("not-an-object", "the line is JSON, but not an object")
    }
    self.members = members
  }

  /// The members of a checked object; nil where the value is none.
  private static func members(of line: Span<UInt8>, in range: Range<Int>) -> [Member]? {
    var scanner = JSONScanner(line, at: range.lowerBound)
    scanner.skipBlanks()
    guard scanner.isAt(UInt8(ascii: "{")) else { return nil }
    scanner.offset += 1
    var members: [Member] = []
    while true {
      scanner.skipBlanks()
      guard let name = scanner.nextKnownMember() else { return members }
      let start = scanner.offset
      scanner.skipKnownValue()
      members.append(
        Member(
          name: name.decoded(in: line), nameRange: name.start - 1..<name.end + 1,
          value: start..<scanner.offset))
      if !scanner.skipKnownComma() { return members }
    }
  }

  /// Where the value of a member stands; nil where it is not there, or null.
  func value(_ name: String) -> Range<Int>? { Self.value(name, members, line) }

  private static func value(
    _ name: String, _ members: [Member], _ line: Span<UInt8>
  ) -> Range<Int>? {
    guard let member = members.first(where: { $0.name.elementsEqual(name.utf8) }),
      line[member.value.lowerBound] != UInt8(ascii: "n")
    else { return nil }
    return member.value
  }

  func isString(_ value: Range<Int>) -> Bool { line[value.lowerBound] == UInt8(ascii: "\"") }

  func isObject(_ value: Range<Int>) -> Bool { line[value.lowerBound] == UInt8(ascii: "{") }

  func isNumber(_ value: Range<Int>) -> Bool {
    let byte = line[value.lowerBound]
    return byte == UInt8(ascii: "-") || byte &- 48 < 10
  }

  /// The decoded text of a string that is there and not empty; nil else.
  func text(_ name: String) -> [UInt8]? {
    guard let value = value(name), isString(value), value.count > 2 else { return nil }
    return decoded(value)
  }

  func decoded(_ value: Range<Int>) -> [UInt8] {
    var scanner = JSONScanner(line, at: value.lowerBound)
    return scanner.knownString().decoded(in: line)
  }

  /// The members of an object; none where it is missing or null.
  ///
  /// - Throws: `X` where the value of member X is something else.
  func object(_ name: String) throws(Rejection) -> [Member] {
    guard let value = value(name) else { return [] }
    guard let members = Self.members(of: line, in: value) else {
      throw Rejection(name, "`\(name)` is not an object")
    }
    return members
  }

  /// Where the value of a member of an object stands; nil where it is not there, or null.
  func value(_ name: String, in members: [Member]) -> Range<Int>? {
    Self.value(name, members, line)
  }

  /// An instant in microseconds; nil where there is none.
  ///
  /// - Throws: `bad-time`.
  func instant(_ name: String) throws(Rejection) -> Int64? {
    guard let value = value(name) else { return nil }
    if isString(value), let instant = RFC3339.microseconds(decoded(value).span) { return instant }
    let shown = String(decoding: [UInt8](copying: line.extracting(value)).prefix(40), as: UTF8.self)
    throw Rejection(
      "bad-time",
      "`\(name)` is not an RFC 3339 instant with a zone, in years 0001 to 9999: \(shown)")
  }
}
