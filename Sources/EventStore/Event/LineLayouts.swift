/// What lines of events look like that were read before: the bytes that stood between their values, and what stood where.
///
/// Lines of one source differ in their values, and seldom in what stands between them. A line whose bytes between its values are
/// those of a line that was read by ``JSONScanner`` is read by comparing them, and has the same members; its values are checked.
/// Any other line is for the scanner, and its layout is learned.
///
/// The layouts form a tree, so that they share beginnings: a step is some bytes and the value behind them, or the line's end.
struct LineLayouts: Sendable {
  /// What a line that the scanner read has in order: values that may differ, and what stands fast with its layout.
  enum Mark {
    /// A string without its quotes, or a number; `at` is a place in the line.
    case text(at: Range<Int>, Meaning)
    case number(at: Range<Int>, Meaning)
    /// A cell of the payload whose value is part of the layout.
    case cell(PayloadShredder.Cell)
    /// Where the object of `data` begins, and behind its end.
    case dataStart(Int)
    case dataEnd(Int)
  }

  /// Whose value it is.
  enum Meaning: Sendable, Equatable {
    case nothing
    /// An index of ``EventAttributes``.
    case attribute(Int)
    /// A path of the payload.
    case path(UInt16)
  }

  private enum Kind: UInt8, Sendable { case text, number, end }

  private struct Step: Sendable, BitwiseCopyable {
    /// The bytes before the value, in ``literals``.
    var start: UInt32 = 0
    var count: UInt16 = 0
    /// Number of the first step behind this one, and of the next one that may stand in its place; 0 for none.
    var child: UInt16 = 0
    var sibling: UInt16 = 0
    /// The path or the index of the attribute whose value it is.
    var number: UInt16 = 0
    var kind = Kind.end
    var isAttribute = false
    var isPath = false
    /// There is something that ``Fast`` says.
    var hasFast = false
  }

  /// What stands fast within the bytes of a step.
  private struct Fast: Sendable, Equatable {
    var cells: [PayloadShredder.Cell] = []
    /// Where `data` begins or ends in these bytes; -1 where it does not.
    var dataStart = -1
    var dataEnd = -1
  }

  /// The first one is the root, without bytes.
  private var steps = [Step()]
  /// By step.
  private var fast = [Fast()]
  private var literals: [UInt8] = []
  private var learned = 0

  private static let mostSteps = 1024
  private static let mostLiteral = 1024
  private static let mostSiblings = 24
  private static let mostLearned = 4096

  /// Lines are worth learning from.
  var isOpen: Bool { learned < Self.mostLearned && steps.count < Self.mostSteps }

  // MARK: Reading

  /// Reads a line of a known layout, and adds the cells of its payload; nil where it has none that is known.
  @inline(__always)
  func read(
    _ line: Span<UInt8>, into cells: inout [PayloadShredder.Cell]
  ) -> EventAttributes? {
    let before = cells.count
    if line.isEmpty { return nil }
    var attributes = EventAttributes()
    if follow(line, &attributes, &cells) { return attributes }
    cells.removeLast(cells.count - before)
    return nil
  }

  private func follow(
    _ line: Span<UInt8>, _ attributes: inout EventAttributes,
    _ cells: inout [PayloadShredder.Cell]
  ) -> Bool {
    let steps = self.steps.span
    let literals = self.literals.span
    var offset = 0
    var dataStart = 0
    var number = Int(steps[0].child)
    while number != 0 {
      let step = steps[number]
      let start = offset &+ Int(step.count)
      guard line.holds(literals, Int(step.start), Int(step.count), at: offset),
        let value = Self.value(step.kind, line, start)
      else {
        number = Int(step.sibling)
        continue
      }
      if step.hasFast { addFast(number, offset, &dataStart, &attributes, &cells) }
      if step.kind == .end { return true }
      if step.isAttribute {
        attributes[Int(step.number)].kind = .string
        attributes[Int(step.number)].text = value.text
      } else if step.isPath {
        if step.kind == .number {
          cells.append(
            PayloadShredder.Cell(
              path: step.number, tag: PayloadTag.number + value.scale, value: value.mantissa))
        } else {
          cells.append(PayloadShredder.cell(of: value.text, line, step.number))
        }
      }
      offset = value.text.end
      number = Int(step.child)
    }
    return false
  }

  private typealias Value = (text: JSONText, mantissa: Int64, scale: UInt8)

  /// The value at a place, of a number taken apart; nil where there is none of its kind.
  @inline(__always)
  private static func value(_ kind: Kind, _ line: Span<UInt8>, _ start: Int) -> Value? {
    switch kind {
    case .text:
      guard let text = text(line, start) else { return nil }
      return (text, 0, 0)
    case .number:
      let end = numberEnd(line, start)
      guard let number = SpelledDecimal(line.extracting(start..<end)) else { return nil }
      return (JSONText(start: start, end: end, hasEscapes: false), number.mantissa, number.scale)
    case .end:
      return start == line.count
        ? (JSONText(start: start, end: start, hasEscapes: false), 0, 0) : nil
    }
  }

  /// Adds what stands fast within the bytes of a step, which begin at `offset`.
  private func addFast(
    _ step: Int, _ offset: Int, _ dataStart: inout Int, _ attributes: inout EventAttributes,
    _ cells: inout [PayloadShredder.Cell]
  ) {
    if !fast[step].cells.isEmpty { cells += fast[step].cells }
    if fast[step].dataStart >= 0 { dataStart = offset + fast[step].dataStart }
    if fast[step].dataEnd >= 0 {
      let end = offset + fast[step].dataEnd
      attributes[EventAttributes.data] = PayloadValue(.object, dataStart..<end)
    }
  }

  /// The string whose content begins at a place behind a quote; nil where it is none.
  @inline(__always)
  private static func text(_ line: Span<UInt8>, _ start: Int) -> JSONText? {
    let end = line.plainEnd(from: start)
    if end < line.count && line[end] == UInt8(ascii: "\"") {
      return JSONText(start: start, end: end, hasEscapes: false)
    }
    return unusualText(line, start)
  }

  /// With escapes, or beyond ASCII.
  private static func unusualText(_ line: Span<UInt8>, _ start: Int) -> JSONText? {
    var scanner = JSONScanner(line, at: start - 1)
    do throws(JSONFault) {
      return try scanner.string()
    } catch {
      return nil
    }
  }

  /// Behind the characters that a plain number may have.
  @inline(__always)
  private static func numberEnd(_ line: Span<UInt8>, _ start: Int) -> Int {
    var end = start
    while end < line.count {
      let byte = line[end]
      guard byte &- 48 < 10 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") else { break }
      end += 1
    }
    return end
  }

  // MARK: Learning

  /// Learns the layout of a line that the scanner has read.
  mutating func learn(_ line: Span<UInt8>, _ marks: [Mark]) {
    learned += 1
    var parent = 0
    var offset = 0
    var fast = Fast()
    for mark in marks {
      let (kind, range, meaning): (Kind, Range<Int>, Meaning)
      switch mark {
      case .cell(let cell):
        fast.cells.append(cell)
        continue
      case .dataStart(let place):
        fast.dataStart = place - offset
        continue
      case .dataEnd(let place):
        fast.dataEnd = place - offset
        continue
      case .text(let place, let whose): (kind, range, meaning) = (.text, place, whose)
      case .number(let place, let whose): (kind, range, meaning) = (.number, place, whose)
      }
      let bytes = line.extracting(offset..<range.lowerBound)
      guard let taken = take(kind, meaning, bytes, fast, parent) else { return }
      parent = taken
      offset = range.upperBound
      fast = Fast()
    }
    _ = take(.end, .nothing, line.extracting(offset..<line.count), fast, parent)
  }

  /// The step behind `parent` that is as said, made where there is none; nil where there is no room for it.
  private mutating func take(
    _ kind: Kind, _ meaning: Meaning, _ literal: Span<UInt8>, _ fast: Fast, _ parent: Int
  ) -> Int? {
    var step = Step(kind: kind, hasFast: fast != Fast())
    switch meaning {
    case .nothing: break
    case .attribute(let index): (step.number, step.isAttribute) = (UInt16(index), true)
    case .path(let path): (step.number, step.isPath) = (path, true)
    }
    var last = 0
    var siblings = 0
    var number = Int(steps[parent].child)
    while number != 0 {
      let known = steps[number]
      let start = Int(known.start)
      let isSame =
        known.kind == kind && known.number == step.number && known.isPath == step.isPath
        && known.isAttribute == step.isAttribute && self.fast[number] == fast
      if isSame
        && literals.span.extracting(start..<start + Int(known.count)).isEqual(to: literal)
      {
        return number
      }
      last = number
      siblings += 1
      number = Int(known.sibling)
    }
    guard literal.count <= Self.mostLiteral, siblings < Self.mostSiblings,
      steps.count < Self.mostSteps
    else { return nil }
    (step.start, step.count) = (UInt32(literals.count), UInt16(literal.count))
    literals.append(literal)
    steps.append(step)
    self.fast.append(fast)
    if last == 0 {
      steps[parent].child = UInt16(steps.count - 1)
    } else {
      steps[last].sibling = UInt16(steps.count - 1)
    }
    return steps.count - 1
  }
}
