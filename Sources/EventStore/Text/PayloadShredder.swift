/// Takes the scalars out of `data`, each with the path of members that leads to it.
///
/// Paths have at most three steps; lists are noted and not entered. Numbers, and strings that spell one, keep their
/// spelling: mantissa and scale print the same characters again.
struct PayloadShredder: Sendable {
  /// What stands at a path of one event.
  struct Cell: Sendable {
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
  private var root = PayloadPaths([PayloadPaths.Path(steps: [], isPointer: false)])
  private var values: [PayloadValue]

  private let maximumPaths: Int

  init(maximumPaths: Int = PayloadShredder.maximumPaths) {
    self.maximumPaths = maximumPaths
    values = root.makeValues()
  }

  /// Adds the cells of a checked line.
  mutating func shred(_ line: Span<UInt8>, into cells: inout [Cell]) {
    root.extract(line, into: &values)
    shred(line, data: values[0], into: &cells)
  }

  /// Adds the cells of a line whose `data` has been found.
  mutating func shred(_ line: Span<UInt8>, data: PayloadValue, into cells: inout [Cell]) {
    guard data.kind == .object else { return }
    var scanner = JSONScanner(line, at: data.text.start)
    object(&scanner, under: nil, depth: 1, into: &cells)
  }

  private mutating func object(
    _ scanner: inout JSONScanner, under parent: UInt16?, depth: Int, into cells: inout [Cell]
  ) {
    scanner.offset += 1
    while let name = scanner.nextKnownMember() {
      let path = path(name, in: scanner.text, under: parent)
      value(&scanner, path, depth: depth, into: &cells)
      if !scanner.skipKnownComma() { break }
    }
    scanner.offset += 1
  }

  private mutating func value(
    _ scanner: inout JSONScanner, _ path: UInt16, depth: Int, into cells: inout [Cell]
  ) {
    guard scanner.offset < scanner.text.count else { return }
    if path == Self.lost {
      cells.append(Cell(path: path, tag: PayloadTag.elsewhere, value: 0))
      scanner.skipKnownValue()
      return
    }
    let start = scanner.offset
    switch scanner.text[start] {
    case UInt8(ascii: "\""):
      let text = scanner.knownString()
      cells.append(Self.cell(of: text, scanner.text, path))
    case UInt8(ascii: "{"):
      cells.append(Cell(path: path, tag: PayloadTag.object, value: 0))
      if depth < Self.maximumDepth {
        object(&scanner, under: path, depth: depth + 1, into: &cells)
      } else {
        scanner.skipKnownValue()
      }
    default:
      scanner.skipKnownValue()
      cells.append(Self.cell(ofPlain: scanner.text.extracting(start..<scanner.offset), path))
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

  private static func cell(of text: JSONText, _ line: Span<UInt8>, _ path: UInt16) -> Cell {
    let place = Int64(text.start) << 20 | Int64(text.end - text.start)
    if text.hasEscapes { return Cell(path: path, tag: escapedText, value: place) }
    if let number = SpelledDecimal(line.extracting(text.range)) {
      return Cell(path: path, tag: PayloadTag.numericText + number.scale, value: number.mantissa)
    }
    return Cell(path: path, tag: PayloadTag.pointer, value: place)
  }

  /// The number of the path that a member makes with its parent's.
  private mutating func path(
    _ name: JSONText, in line: Span<UInt8>, under parent: UInt16?
  ) -> UInt16 {
    let length = name.end - name.start
    if length > 255 { return Self.lost }
    key.removeAll(keepingCapacity: true)
    key.appendLittle(parent ?? UInt16.max)
    if name.hasEscapes {
      key += name.decoded(in: line)
    } else {
      key.append(line.extracting(name.range))
    }
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
    return UInt16(number)
  }
}

/// A decimal that mantissa and scale spell out again, character by character: at most 18 digits, 9 of them behind
/// the point, no exponent, no leading zeros, no negative zero.
struct SpelledDecimal: Equatable {
  var mantissa: Int64
  var scale: UInt8

  static let maximumScale: UInt8 = 9

  @inline(__always)
  init?(_ text: Span<UInt8>) {
    guard text.count > 0, text.count <= 20 else { return nil }
    var index = 0
    let isNegative = text[0] == UInt8(ascii: "-")
    if isNegative { index = 1 }
    guard index < text.count, text[index] &- 48 < 10 else { return nil }
    if text[index] == 48, index + 1 < text.count, text[index + 1] &- 48 < 10 { return nil }
    var value: Int64 = 0
    var digits = 0
    var decimals: UInt8 = 0
    while index < text.count, text[index] &- 48 < 10 {
      // A 19th digit may leave the range, so it must not be taken in at all.
      digits += 1
      if digits > 18 { return nil }
      value = value * 10 + Int64(text[index] - 48)
      index += 1
    }
    if index < text.count {
      guard text[index] == UInt8(ascii: ".") else { return nil }
      index += 1
      while index < text.count {
        guard text[index] &- 48 < 10 else { return nil }
        digits += 1
        decimals += 1
        if digits > 18 || decimals > Self.maximumScale { return nil }
        value = value * 10 + Int64(text[index] - 48)
        index += 1
      }
      if decimals == 0 { return nil }
    }
    if isNegative && value == 0 { return nil }
    mantissa = isNegative ? -value : value
    scale = decimals
  }
}
