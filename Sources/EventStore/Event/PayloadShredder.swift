/// Takes the scalars out of `data`, each with the path of members that leads to it.
///
/// Paths have at most three steps; lists are noted and not entered. Numbers, and strings that spell one, keep their
/// spelling: mantissa and scale print the same characters again.
struct PayloadShredder: Sendable {
  /// What stands at a path of one event.
  struct Cell: Sendable, BitwiseCopyable, Equatable {
    var path: UInt16
    /// ``PayloadTag``, or ``escapedText``.
    var tag: UInt8
    /// Mantissa of a number; of a text its start in the line << 20 | length.
    var value: Int64
  }

  static let maximumDepth = 3
  static let maximumPaths = 4096
  /// A member whose path is not kept: too long, or one of too many.
  static let lost = UInt16.max
  /// A text whose bytes in the line are not its characters.
  static let escapedText: UInt8 = 255

  /// Encoded paths by number: count u8 · count × { length u8 · bytes }.
  private(set) var paths: [[UInt8]] = []
  private var names = TextDictionary()
  private var key: [UInt8] = []
  /// By path: the object in which it was met last.
  private var met: [UInt64] = []
  private var objects: UInt64 = 0
  /// The path that came next when it was met last: behind path p at 2p + 1, first in the object at p at 2p + 2, in `data`
  /// at 0.
  private var next: [UInt16] = []

  private let maximumPaths: Int
  /// What lines look like that were read, and the marks of the one at hand; nil where it is not to be learned from.
  private(set) var layouts = LineLayouts()
  private var marks: [LineLayouts.Mark]?
  private let usesLayouts: Bool

  /// - Parameter usesLayouts: false where each line is read by the scanner, as a reference for tests.
  init(maximumPaths: Int = PayloadShredder.maximumPaths, usesLayouts: Bool = true) {
    self.maximumPaths = maximumPaths
    self.usesLayouts = usesLayouts
  }

  /// Checks an event's line as ``JSONScanner/checkDocument()`` does, and takes it apart on the way: adds the cells of `data`.
  ///
  /// - Returns: nil where the line is JSON, but not an object.
  /// - Throws: the first fault; then some cells may have been added.
  mutating func read(
    _ line: Span<UInt8>, into cells: inout [Cell]
  ) throws(JSONFault) -> EventAttributes? {
    if usesLayouts, let attributes = layouts.read(line, into: &cells) { return attributes }
    marks = usesLayouts && layouts.isOpen ? [] : nil
    let attributes = try scan(line, into: &cells)
    if let marks, attributes != nil { layouts.learn(line, marks) }
    return attributes
  }

  private mutating func scan(
    _ line: Span<UInt8>, into cells: inout [Cell]
  ) throws(JSONFault) -> EventAttributes? {
    var scanner = JSONScanner(line)
    scanner.skipBlanks()
    guard scanner.isAt(UInt8(ascii: "{")) else {
      try scanner.checkDocument()
      return nil
    }
    var attributes = EventAttributes()
    try members(&scanner, &attributes, into: &cells)
    try scanner.checkEnd()
    return attributes
  }

  /// The members of the event itself.
  private mutating func members(
    _ scanner: inout JSONScanner, _ attributes: inout EventAttributes, into cells: inout [Cell]
  ) throws(JSONFault) {
    guard try scanner.enter(UInt8(ascii: "}")) else { return }
    var others = MemberNames()
    repeat {
      let start = scanner.offset
      let name = try scanner.string()
      if let attribute = EventAttributes.index(name, scanner.text) {
        if attributes[attribute].kind != .missing { throw JSONFault.repeated(start) }
        try scanner.goToValue()
        if attribute == EventAttributes.data, scanner.isAt(UInt8(ascii: "{")) {
          let start = scanner.offset
          marks?.append(.dataStart(start))
          try object(&scanner, under: nil, depth: 1, into: &cells)
          marks?.append(.dataEnd(scanner.offset))
          attributes[attribute] = PayloadValue(.object, start..<scanner.offset)
        } else {
          let value = try PayloadValue(checking: &scanner)
          attributes[attribute] = value
          if value.kind == .string {
            marks?.append(.text(at: value.text.range, .attribute(attribute)))
          } else {
            marks = nil
          }
        }
      } else {
        if others.insert(name, in: scanner.text) { throw JSONFault.repeated(start) }
        try scanner.goToValue()
        if scanner.isAt(UInt8(ascii: "\"")) {
          let text = try scanner.string()
          marks?.append(.text(at: text.range, .nothing))
        } else {
          try scanner.checkValue()
        }
      }
    } while try !scanner.endOfContainer(UInt8(ascii: "}"))
  }

  private mutating func object(
    _ scanner: inout JSONScanner, under parent: UInt16?, depth: Int, into cells: inout [Cell]
  ) throws(JSONFault) {
    guard try scanner.enter(UInt8(ascii: "}")) else { return }
    objects += 1
    let own = objects
    // Names that have no number.
    var lost: Set<[UInt8]> = []
    var last: UInt16?
    repeat {
      let start = scanner.offset
      let name = try scanner.string()
      let path = path(name, in: scanner.text, under: parent, after: last)
      if path == Self.lost {
        if !lost.insert(name.decoded(in: scanner.text)).inserted { throw JSONFault.repeated(start) }
      } else {
        last = path
        if met[Int(path)] == own { throw JSONFault.repeated(start) }
        met[Int(path)] = own
      }
      try scanner.goToValue()
      try value(&scanner, path, depth: depth, into: &cells)
    } while try !scanner.endOfContainer(UInt8(ascii: "}"))
  }

  private mutating func value(
    _ scanner: inout JSONScanner, _ path: UInt16, depth: Int, into cells: inout [Cell]
  ) throws(JSONFault) {
    let start = scanner.offset
    if path == Self.lost {
      cells.append(Cell(path: path, tag: PayloadTag.elsewhere, value: 0))
      marks = nil
      try scanner.checkValue()
    } else if scanner.isAt(UInt8(ascii: "\"")) {
      let text = try scanner.string()
      cells.append(Self.cell(of: text, scanner.text, path))
      marks?.append(.text(at: text.range, .path(path)))
    } else if scanner.isAt(UInt8(ascii: "{")) {
      cells.append(Cell(path: path, tag: PayloadTag.object, value: 0))
      marks?.append(.cell(Cell(path: path, tag: PayloadTag.object, value: 0)))
      if depth < Self.maximumDepth {
        try object(&scanner, under: path, depth: depth + 1, into: &cells)
      } else {
        try scanner.checkValue()
      }
    } else {
      try scanner.checkValue()
      let cell = Self.cell(ofPlain: scanner.text.extracting(start..<scanner.offset), path)
      cells.append(cell)
      if cell.tag < PayloadTag.elsewhere {
        marks?.append(.cell(cell))
      } else {
        marks?.append(.number(at: start..<scanner.offset, .path(path)))
      }
    }
  }

  /// A list, a word or a number.
  private static func cell(ofPlain text: Span<UInt8>, _ path: UInt16) -> Cell {
    switch text[0] {
    case UInt8(ascii: "["): return Cell(path: path, tag: PayloadTag.list, value: 0)
    case UInt8(ascii: "t"): return Cell(path: path, tag: PayloadTag.true, value: 0)
    case UInt8(ascii: "f"): return Cell(path: path, tag: PayloadTag.false, value: 0)
    case UInt8(ascii: "n"): return Cell(path: path, tag: PayloadTag.null, value: 0)
    default:
      guard let number = SpelledDecimal(text) else {
        return Cell(path: path, tag: PayloadTag.elsewhere, value: 0)
      }
      return Cell(path: path, tag: PayloadTag.number + number.scale, value: number.mantissa)
    }
  }

  static func cell(of text: JSONText, _ line: Span<UInt8>, _ path: UInt16) -> Cell {
    let place = Int64(text.start) << 20 | Int64(text.end - text.start)
    if text.hasEscapes { return Cell(path: path, tag: escapedText, value: place) }
    if let number = SpelledDecimal(line.extracting(text.range)) {
      return Cell(path: path, tag: PayloadTag.numericText + number.scale, value: number.mantissa)
    }
    return Cell(path: path, tag: PayloadTag.pointer, value: place)
  }

  /// The number of the path that a member makes with its parent's; `last` is that of the member before it.
  private mutating func path(
    _ name: JSONText, in line: Span<UInt8>, under parent: UInt16?, after last: UInt16?
  ) -> UInt16 {
    // Objects mostly have the members that others of their kind had, in the same order.
    let behind = last.map { 2 * Int($0) + 1 } ?? parent.map { 2 * Int($0) + 2 } ?? 0
    let guess = behind < next.count ? next[behind] : Self.lost
    if guess != Self.lost && !name.hasEscapes {
      let isRight = names.withText(Int(guess)) { text in
        text.count == 2 + name.range.count && text.little(0, 2) == UInt64(parent ?? UInt16.max)
          && text.extracting(2..<text.count).isEqual(to: line.extracting(name.range))
      }
      if isRight { return guess }
    }
    let number = number(name, in: line, under: parent)
    if number != Self.lost {
      while next.count <= behind { next.append(Self.lost) }
      next[behind] = number
    }
    return number
  }

  private mutating func number(
    _ name: JSONText, in line: Span<UInt8>, under parent: UInt16?
  ) -> UInt16 {
    key.removeAll(keepingCapacity: true)
    key.appendLittle(parent ?? UInt16.max)
    if name.hasEscapes {
      key += name.decoded(in: line)
    } else {
      key.append(line.extracting(name.range))
    }
    if key.count - 2 > 255 { return Self.lost }
    let isFull = names.count >= maximumPaths
    if isFull { return names.find(key.span).map { UInt16($0) } ?? Self.lost }
    let bytes = key
    let (number, isNew) = names.insert(bytes.span)
    if !isNew { return UInt16(number) }
    var path = parent.map { paths[Int($0)] } ?? [0]
    path[0] += 1
    path.append(UInt8(key.count - 2))
    path += key.dropFirst(2)
    paths.append(path)
    met.append(0)
    return UInt16(number)
  }
}

/// What an event's line says of itself, where it stands in the line.
struct EventAttributes {
  private var values = InlineArray<7, PayloadValue>(repeating: PayloadValue())
  static let data = 6

  subscript(_ index: Int) -> PayloadValue {
    get { values[index] }
    set { values[index] = newValue }
  }

  var id: PayloadValue { values[0] }
  var source: PayloadValue { values[1] }
  var type: PayloadValue { values[2] }
  var subject: PayloadValue { values[3] }
  var time: PayloadValue { values[4] }
  var specversion: PayloadValue { values[5] }
  var data: PayloadValue { values[Self.data] }

  /// The index of a member of the event; nil for one of another name.
  @inline(__always)
  static func index(_ name: JSONText, _ line: Span<UInt8>) -> Int? {
    switch PayloadPaths.attribute(name, line) {
    case PayloadPaths.dataMember: data
    case PayloadPaths.otherMember: nil
    case let index: index
    }
  }
}
