/// A value found in an event's line: its kind and where its text stands. Plain data.
package struct PayloadValue: Sendable {
  package enum Kind: UInt8, Sendable {
    case missing, null, `false`, `true`, number, string, object, list

    /// Of a value that begins with a byte.
    @inline(__always)
    init(first byte: UInt8) {
      switch byte {
      case UInt8(ascii: "\""): self = .string
      case UInt8(ascii: "{"): self = .object
      case UInt8(ascii: "["): self = .list
      case UInt8(ascii: "t"): self = .true
      case UInt8(ascii: "f"): self = .false
      case UInt8(ascii: "n"): self = .null
      default: self = .number
      }
    }
  }

  package var kind = Kind.missing
  var text = JSONText(start: 0, end: 0, hasEscapes: false)

  init() {}

  init(_ kind: Kind, _ range: Range<Int>) {
    self.kind = kind
    text = JSONText(start: range.lowerBound, end: range.upperBound, hasEscapes: false)
  }

  /// Checks the value at hand.
  init(checking scanner: inout JSONScanner) throws(JSONFault) {
    if scanner.isAt(UInt8(ascii: "\"")) {
      self.init()
      kind = .string
      text = try scanner.string()
      return
    }
    let start = scanner.offset
    try scanner.checkValue()
    self.init(Kind(first: scanner.text[start]), start..<scanner.offset)
  }

  /// The decoded text of a string.
  @inline(__always)
  package func withText<Output>(_ line: Span<UInt8>, _ body: (Span<UInt8>) -> Output) -> Output {
    if text.hasEscapes { return body(text.decoded(in: line).span) }
    return body(line.extracting(text.range))
  }

  /// The text of a number, or of a string that may spell one; nil for other kinds.
  @inline(__always)
  package func withNumber<Output>(
    _ line: Span<UInt8>, _ body: (Span<UInt8>) -> Output?
  ) -> Output? {
    guard kind == .number || kind == .string else { return nil }
    return withText(line, body)
  }
}

/// Finds values by path in the lines of events, all in one pass over the line.
///
/// ```
/// let paths = PayloadPaths([.init(steps: ["order", "status"], isPointer: false)])
/// var values = paths.makeValues()
/// paths.extract(line, into: &values)   // values[0] is data.order.status
/// ```
/// The line must have passed an import's checks.
package struct PayloadPaths: Sendable {
  package struct Path: Sendable {
    var steps: [[UInt8]]
    var isPointer: Bool

    /// - Parameter isPointer: a step that is a number may index a list; else steps name members only.
    package init(steps: [String], isPointer: Bool) {
      self.steps = steps.map { Array($0.utf8) }
      self.isPointer = isPointer
    }

    /// The members that lead to the value, where a payload column may hold it; nil for indices of lists and for paths
    /// that are too deep.
    package var members: [[UInt8]]? {
      guard steps.count > 0, steps.count <= PayloadShredder.maximumDepth else { return nil }
      if isPointer && steps.contains(where: { PayloadPaths.listIndex($0) >= 0 }) { return nil }
      return steps
    }
  }

  /// One step of the trie of all paths.
  private struct Step: Sendable {
    var name: [UInt8]
    /// Index in a list that the name spells, for pointers only; -1 without.
    var listIndex: Int
    var children: [Int] = []
    /// Slots that end here.
    var slots: [Int] = []
  }

  private var steps: [Step] = [Step(name: [], listIndex: -1)]
  private let count: Int
  /// `id`, `source`, `type`, `subject`, `time`, `specversion`.
  private static let attributeCount = 6
  private static let idName = Array("id".utf8)
  static let dataMember = -1
  static let otherMember = -2

  /// The number of an attribute's name, ``dataMember`` or ``otherMember``.
  @inline(__always)
  static func attribute(_ name: JSONText, _ line: Span<UInt8>) -> Int {
    if name.hasEscapes {
      let decoded = name.decoded(in: line)
      return attribute(JSONText(start: 0, end: decoded.count, hasEscapes: false), decoded.span)
    }
    // At most eight bytes as one number, little-endian.
    switch name.end - name.start {
    case 2: return line.little(name.start, 2) == 0x6469 ? 0 : otherMember
    case 4:
      switch line.little(name.start, 4) {
      case 0x6174_6164: return dataMember
      case 0x6570_7974: return 2
      case 0x656d_6974: return 4
      default: return otherMember
      }
    case 6: return line.little(name.start, 6) == 0x6563_7275_6f73 ? 1 : otherMember
    case 7: return line.little(name.start, 7) == 0x74_6365_6a62_7573 ? 3 : otherMember
    case 11:
      return line.little(name.start, 8) == 0x7372_6576_6365_7073
        && line.little(name.start + 8, 3) == 0x6e_6f69 ? 5 : otherMember
    default: return otherMember
    }
  }

  package init(_ paths: [Path]) {
    count = paths.count
    for (slot, path) in paths.enumerated() {
      var node = 0
      for name in path.steps {
        let index = path.isPointer ? Self.listIndex(name) : -1
        if let child = steps[node].children.first(where: {
          steps[$0].name == name && steps[$0].listIndex == index
        }) {
          node = child
        } else {
          steps.append(Step(name: name, listIndex: index))
          steps[node].children.append(steps.count - 1)
          node = steps.count - 1
        }
      }
      steps[node].slots.append(slot)
    }
  }

  /// RFC 6901: digits without a leading zero.
  fileprivate static func listIndex(_ name: [UInt8]) -> Int {
    guard !name.isEmpty, name.count <= 7, name.allSatisfy({ $0 &- 48 < 10 }) else { return -1 }
    if name[0] == 48 && name.count > 1 { return -1 }
    return name.reduce(0) { $0 * 10 + Int($1 - 48) }
  }

  /// Room for what ``extract(_:into:)`` finds: a value for each path, and the attributes behind them.
  package func makeValues() -> [PayloadValue] {
    Array(repeating: PayloadValue(), count: count + Self.attributeCount)
  }

  package func id(_ values: [PayloadValue]) -> PayloadValue { values[count] }
  package func source(_ values: [PayloadValue]) -> PayloadValue { values[count + 1] }
  package func type(_ values: [PayloadValue]) -> PayloadValue { values[count + 2] }
  package func subject(_ values: [PayloadValue]) -> PayloadValue { values[count + 3] }
  package func time(_ values: [PayloadValue]) -> PayloadValue { values[count + 4] }

  /// The id of a line; nothing behind it is looked at.
  package static func id(of line: Span<UInt8>) -> PayloadValue {
    var scanner = JSONScanner(line)
    scanner.skipBlanks()
    scanner.offset += 1
    while let name = scanner.nextKnownMember() {
      if isName(name, idName, line) { return value(&scanner) }
      scanner.skipKnownValue()
      if !scanner.skipKnownComma() { break }
    }
    return PayloadValue()
  }

  /// Looks up all paths in one line.
  package func extract(_ line: Span<UInt8>, into values: inout [PayloadValue]) {
    for index in values.indices { values[index].kind = .missing }
    var scanner = JSONScanner(line)
    scanner.skipBlanks()
    scanner.offset += 1
    while let name = scanner.nextKnownMember() {
      switch Self.attribute(name, line) {
      case Self.dataMember: enter(0, &scanner, &values)
      case Self.otherMember: scanner.skipKnownValue()
      case let attribute: values[count + attribute] = Self.value(&scanner)
      }
      if !scanner.skipKnownComma() { return }
    }
  }

  @inline(__always)
  private static func isName(_ name: JSONText, _ wanted: [UInt8], _ line: Span<UInt8>) -> Bool {
    if name.hasEscapes { return name.decoded(in: line) == wanted }
    guard name.end - name.start == wanted.count else { return false }
    for index in 0..<wanted.count where line[name.start + index] != wanted[index] { return false }
    return true
  }

  /// Skips the value at hand and says what it is.
  private static func value(_ scanner: inout JSONScanner) -> PayloadValue {
    var value = PayloadValue()
    guard scanner.offset < scanner.text.count else { return value }
    let start = scanner.offset
    value.kind = PayloadValue.Kind(first: scanner.text[start])
    if value.kind == .string {
      value.text = scanner.knownString()
      return value
    }
    scanner.skipKnownValue()
    value.text = JSONText(start: start, end: scanner.offset, hasEscapes: false)
    return value
  }

  /// Reads the value at hand under one step.
  private func enter(
    _ step: Int, _ scanner: inout JSONScanner, _ values: inout [PayloadValue]
  ) {
    let node = steps[step]
    let start = scanner.offset
    if node.children.isEmpty {
      let value = Self.value(&scanner)
      for slot in node.slots { values[slot] = value }
      return
    }
    guard start < scanner.text.count else { return }
    switch scanner.text[start] {
    case UInt8(ascii: "{"): enterObject(step, &scanner, &values)
    case UInt8(ascii: "["): enterList(step, &scanner, &values)
    default:
      let value = Self.value(&scanner)
      for slot in node.slots { values[slot] = value }
      return
    }
    for slot in node.slots {
      values[slot].kind = scanner.text[start] == UInt8(ascii: "{") ? .object : .list
      values[slot].text = JSONText(start: start, end: scanner.offset, hasEscapes: false)
    }
  }

  private func enterObject(
    _ step: Int, _ scanner: inout JSONScanner, _ values: inout [PayloadValue]
  ) {
    scanner.offset += 1
    while let name = scanner.nextKnownMember() {
      // Members by dotted path and by pointer are the same members; several steps may bear one name.
      let start = scanner.offset
      var isTaken = false
      for child in steps[step].children where Self.isName(name, steps[child].name, scanner.text) {
        scanner.offset = start
        enter(child, &scanner, &values)
        isTaken = true
      }
      if !isTaken { scanner.skipKnownValue() }
      if !scanner.skipKnownComma() { break }
    }
    scanner.offset += 1
  }

  private func enterList(
    _ step: Int, _ scanner: inout JSONScanner, _ values: inout [PayloadValue]
  ) {
    guard steps[step].children.contains(where: { steps[$0].listIndex >= 0 }) else {
      scanner.skipKnownValue()
      return
    }
    scanner.offset += 1
    var index = 0
    while true {
      scanner.skipBlanks()
      guard scanner.offset < scanner.text.count, scanner.text[scanner.offset] != UInt8(ascii: "]")
      else { break }
      let start = scanner.offset
      var isTaken = false
      for child in steps[step].children where steps[child].listIndex == index {
        scanner.offset = start
        enter(child, &scanner, &values)
        isTaken = true
      }
      if !isTaken { scanner.skipKnownValue() }
      index += 1
      if !scanner.skipKnownComma() { break }
    }
    scanner.offset += 1
  }
}
