/// The bytes of a rules file and its lines, for places in it.
///
/// Lines end in LF, columns count Unicode scalars, both from 1; a byte order mark at the start is no part of the text.
struct RulesText {
  let bytes: [UInt8]
  private let lineStarts: [Int]
  /// The YAML library also ends lines at CR, NEL, LS and PS; where its lines begin. Empty where that is the same.
  private let markedLineStarts: [Int]

  static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

  init(_ source: [UInt8]) {
    bytes = source.starts(with: Self.byteOrderMark) ? Array(source.dropFirst(3)) : source
    var starts = [0]
    var marked = [0]
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x0a { starts.append(index + 1) }
      let length = Self.lineBreak(bytes, at: index)
      if length > 0 { marked.append(index + length) }
      index += max(1, length)
      // The LF of a CR LF ends the line for both.
      if length == 2, bytes[index - 1] == 0x0a { starts.append(index) }
    }
    lineStarts = starts
    markedLineStarts = marked == starts ? [] : marked
  }

  /// Length of a line break as YAML 1.1 knows them; 0 for what is none.
  static func lineBreak(_ bytes: [UInt8], at index: Int) -> Int {
    guard index < bytes.count else { return 0 }
    switch bytes[index] {
    case 0x0a: return 1
    case 0x0d: return index + 1 < bytes.count && bytes[index + 1] == 0x0a ? 2 : 1
    case 0xc2: return index + 1 < bytes.count && bytes[index + 1] == 0x85 ? 2 : 0
    case 0xe2:
      let isBreak =
        index + 2 < bytes.count && bytes[index + 1] == 0x80 && bytes[index + 2] & 0xfe == 0xa8
      return isBreak ? 3 : 0
    default: return 0
    }
  }

  /// The offset of a place; of its line's end where the line is shorter, nil where there is no such line.
  func offset(of place: Rules.Place) -> Int? { offset(place, lineStarts) }

  /// The place of a mark of the YAML library.
  func place(ofMark mark: Rules.Place) -> Rules.Place {
    if markedLineStarts.isEmpty { return mark }
    return offset(mark, markedLineStarts).map { place(of: $0) } ?? mark
  }

  private func offset(_ place: Rules.Place, _ starts: [Int]) -> Int? {
    guard starts.indices.contains(place.line - 1) else { return nil }
    var offset = starts[place.line - 1]
    for _ in 1..<max(1, place.column) where offset < bytes.count {
      offset += 1
      while offset < bytes.count, bytes[offset] & 0xc0 == 0x80 { offset += 1 }
    }
    return offset
  }

  /// The place of a byte; of the end for offsets beyond it.
  func place(of offset: Int) -> Rules.Place {
    let offset = min(max(0, offset), bytes.count)
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    let column = bytes[lineStarts[low]..<offset].count { $0 & 0xc0 != 0x80 } + 1
    return Rules.Place(line: low + 1, column: column)
  }

  /// Where byte `offset` of a scalar's text stands; the scalar's beginning where that cannot be told.
  func place(of offset: Int, in text: String, at place: Rules.Place) -> Rules.Place {
    guard let start = self.offset(of: place),
      let offsets = ScalarOffsets.of(text, in: bytes, at: start)
    else { return place }
    return self.place(of: offsets[min(max(0, offset), offsets.count - 1)])
  }
}

extension Rules {
  /// Where byte `offset` of a condition's text stands in the file.
  func place(of offset: Int, in condition: Condition) -> Place {
    RulesText(source).place(of: offset, in: condition.text, at: condition.place)
  }
}
