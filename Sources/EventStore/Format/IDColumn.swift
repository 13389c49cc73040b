/// The decoded ids of a full block's events, without their lines (docs/format.md, "Ids").
///
/// ```
/// form u8
/// 1 · count u32 · count × { shared u8 · length u8 · bytes }
/// 2 · texts u16 × { length u8 · bytes } · text numbers · digits · numbers (each as columns 1 to 4)
/// 3 · count u32 · length u8 · length × { values u8 · bytes } · count × places
/// ```
package struct IDColumn: Sendable {
  private let bytes: [UInt8]
  private let form: Form

  /// Longest id of an event, in bytes.
  static let longestID = 255

  fileprivate enum Form: Sendable {
    case front(FrontCodedIDs)
    case counted(CountedIDs)
    case packed(PackedIDs)
  }

  /// Nil where malformed.
  init?(_ bytes: [UInt8]) {
    self.bytes = bytes
    var reader = ByteReader(bytes.span)
    do throws(ByteReader.Short) {
      switch try reader.number(UInt8.self) {
      case FrontCodedIDs.number:
        guard let ids = try FrontCodedIDs(&reader) else { return nil }
        form = .front(ids)
      case CountedIDs.number:
        guard let ids = try CountedIDs(&reader) else { return nil }
        form = .counted(ids)
      case PackedIDs.number:
        guard let ids = try PackedIDs(&reader) else { return nil }
        form = .packed(ids)
      default: return nil
      }
    } catch {
      return nil
    }
  }

  /// Number of rows.
  package var count: Int {
    switch form {
    case .front(let ids): ids.count
    case .counted(let ids): ids.texts.count
    case .packed(let ids): ids.count
    }
  }

  /// Gives the ids of the rows that are wanted to `body`, in the order of rows; that of an erased event is empty.
  ///
  /// - Parameter isWanted: by row; rows behind its end are not wanted.
  package func forEach(where isWanted: [Bool], _ body: (UInt16, Span<UInt8>) -> Void) {
    let rows = min(count, isWanted.count)
    switch form {
    case .front(let ids): ids.forEach(bytes.span, rows, isWanted, body)
    case .counted(let ids): ids.forEach(rows, isWanted, body)
    case .packed(let ids): ids.forEach(bytes.span, rows, isWanted, body)
    }
  }
}

/// Collects the ids of a block.
struct IDColumnBuilder: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var hasLong = false
  /// A column that takes more for each event costs more than reading lines.
  private static let mostBytesPerEvent = 20

  /// To be called in the order of rows; empty for an erased event.
  mutating func add(_ id: Span<UInt8>) {
    if id.count > IDColumn.longestID { hasLong = true }
    bytes.append(id)
    ends.append(bytes.count)
  }

  /// The column in its shortest form; nil where the block has none because it would be too large.
  func encoded() -> [UInt8]? {
    if hasLong { return nil }
    var least: [UInt8]?
    for form in [
      CountedIDs.encode(bytes.span, ends), PackedIDs.encode(bytes.span, ends),
      FrontCodedIDs.encode(bytes.span, ends),
    ] {
      guard let form, form.count <= Self.mostBytesPerEvent * ends.count else { continue }
      if least.map({ form.count < $0.count }) ?? true { least = form }
    }
    return least
  }

  /// A column spells these ids, in whichever form.
  func isEncoded(as column: [UInt8]) -> Bool {
    let form: [UInt8]?
    switch column.first {
    case _ where hasLong: return false
    case FrontCodedIDs.number: form = FrontCodedIDs.encode(bytes.span, ends)
    case CountedIDs.number: form = CountedIDs.encode(bytes.span, ends)
    case PackedIDs.number: form = PackedIDs.encode(bytes.span, ends)
    default: return false
    }
    return form == column
  }
}

/// Each id by what it shares with the one before: for ids of any kind.
private struct FrontCodedIDs: Sendable {
  static let number: UInt8 = 1
  let count: Int
  /// Where the first row starts.
  private let start: Int

  init?(_ reader: inout ByteReader) throws(ByteReader.Short) {
    count = Int(try reader.number(UInt32.self))
    guard count <= BlockColumns.length else { return nil }
    start = reader.offset
    var last = 0
    for _ in 0..<count {
      let shared = Int(try reader.number(UInt8.self))
      let length = Int(try reader.number(UInt8.self))
      _ = try reader.take(length)
      guard shared <= last, shared + length <= IDColumn.longestID else { return nil }
      last = shared + length
    }
    guard reader.remaining == 0 else { return nil }
  }

  func forEach(
    _ bytes: Span<UInt8>, _ rows: Int, _ isWanted: [Bool],
    _ body: (UInt16, Span<UInt8>) -> Void
  ) {
    var id: [UInt8] = []
    id.reserveCapacity(IDColumn.longestID)
    var offset = start
    for row in 0..<rows {
      let shared = Int(bytes[offset])
      let end = offset + 2 + Int(bytes[offset + 1])
      id.removeLast(id.count - shared)
      for index in offset + 2..<end { id.append(bytes[index]) }
      offset = end
      if isWanted[row] { body(UInt16(row), id.span) }
    }
  }

  static func encode(_ bytes: Span<UInt8>, _ ends: [Int]) -> [UInt8]? {
    var column: [UInt8] = [number]
    column.reserveCapacity(5 + 6 * ends.count)
    column.appendLittle(UInt32(ends.count))
    var last = 0..<0
    var start = 0
    for end in ends {
      let most = min(last.count, end - start)
      var shared = 0
      while shared < most && bytes[last.lowerBound + shared] == bytes[start + shared] {
        shared += 1
      }
      column.append(UInt8(shared))
      column.append(UInt8(end - start - shared))
      column.append(bytes.extracting(start + shared..<end))
      last = start..<end
      start = end
    }
    return column
  }
}

/// A text of few and the decimal number behind it: for ids that count up, as `evt-00001234`.
private struct CountedIDs: Sendable {
  static let number: UInt8 = 2
  private(set) var heads: [[UInt8]] = []
  /// By row: which text, at least how many digits (0: no number) and the number.
  private(set) var texts: [UInt16] = []
  private var digits: [UInt8] = []
  private var numbers: [Int64] = []

  private static let mostHeads = 255
  private static let mostDigits = 18

  init?(_ reader: inout ByteReader) throws(ByteReader.Short) {
    var longest = 0
    for _ in 0..<(try reader.number(UInt16.self)) {
      heads.append(try reader.array(Int(try reader.number(UInt8.self))))
      longest = max(longest, heads.last?.count ?? 0)
    }
    guard let texts: [UInt16] = try Self.column(&reader),
      let digits: [UInt8] = try Self.column(&reader),
      let numbers: [Int64] = try Self.column(&reader), reader.remaining == 0,
      digits.count == texts.count, numbers.count == texts.count
    else { return nil }
    guard texts.allSatisfy({ $0 < heads.count }), digits.allSatisfy({ $0 <= Self.mostDigits }),
      numbers.allSatisfy({ $0 >= 0 })
    else { return nil }
    self.texts = texts
    self.digits = digits
    self.numbers = numbers
  }

  private static func column<Number: FixedWidthInteger>(
    _ reader: inout ByteReader
  ) throws(ByteReader.Short) -> [Number]? {
    var count = 0
    for index in 0..<4 { count |= Int(try reader.peek(at: index)) << (8 * index) }
    let length = ColumnCoding.headerLength + count * Int(try reader.peek(at: 12))
    return ColumnCoding.decode(reader.bytes.extracting(try reader.take(length)))
  }

  func forEach(_ rows: Int, _ isWanted: [Bool], _ body: (UInt16, Span<UInt8>) -> Void) {
    var id: [UInt8] = []
    // The text that stands in `id`, and its length.
    var head = -1
    var length = 0
    for row in 0..<rows where isWanted[row] {
      let text = Int(texts[row])
      if text == head {
        id.removeLast(id.count - length)
      } else {
        id.removeAll(keepingCapacity: true)
        id += heads[text]
        head = text
        length = id.count
      }
      if digits[row] > 0 { Self.append(numbers[row], atLeast: Int(digits[row]), to: &id) }
      body(UInt16(row), id.span)
    }
  }

  private static func append(_ number: Int64, atLeast digits: Int, to id: inout [UInt8]) {
    var rest = number
    var length = 0
    while rest > 0 {
      length += 1
      rest /= 10
    }
    length = max(length, digits)
    let start = id.count
    for _ in 0..<length { id.append(UInt8(ascii: "0")) }
    rest = number
    var index = start + length - 1
    while rest > 0 {
      id[index] += UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
      index -= 1
    }
  }

  static func encode(_ bytes: Span<UInt8>, _ ends: [Int]) -> [UInt8]? {
    var heads = TextDictionary()
    var texts: [Int64] = []
    var lengths: [Int] = []
    var numbers: [Int64] = []
    var padded = 0
    var start = 0
    for end in ends {
      var split = end
      while split > start, end - split < mostDigits, bytes[split - 1] &- 48 < 10 { split -= 1 }
      texts.append(Int64(heads.insert(bytes.extracting(start..<split)).number))
      if heads.count > mostHeads { return nil }
      var value: Int64 = 0
      for index in split..<end { value = value * 10 + Int64(bytes[index] - 48) }
      numbers.append(value)
      // Negative where no shorter spelling is meant.
      let isPadded = end - split > 1 && bytes[split] == 48
      lengths.append(isPadded ? split - end : end - split)
      if isPadded { padded = max(padded, end - split) }
      start = end
    }
    // One number of digits for all, where that spells all of them.
    let least = padded > 0 ? padded : 1
    let isOne = lengths.allSatisfy { $0 >= least || $0 == -least }
    let digits = lengths.map { Int64(isOne ? least : $0 < 0 ? -$0 : min($0, 1)) }
    var column: [UInt8] = [number]
    column.appendLittle(UInt16(heads.count))
    for head in 0..<heads.count {
      heads.withText(head) { text in
        column.append(UInt8(text.count))
        column.append(text)
      }
    }
    column += ColumnCoding.encode(texts)
    column += ColumnCoding.encode(digits)
    column += ColumnCoding.encode(numbers)
    return column
  }
}

/// Ids of one length with at most 16 different bytes at each place, four bits for each place where they differ: for
/// hexadecimal hashes and UUIDs.
private struct PackedIDs: Sendable {
  static let number: UInt8 = 3
  let count: Int
  /// What stands at each place; one byte where all ids have the same.
  private var alphabets: [[UInt8]] = []
  /// Where the first row starts, and how long rows are.
  private var start = 0
  private var stride: Int { (alphabets.count { $0.count > 1 } + 1) / 2 }

  private static let mostValues = 16

  init?(_ reader: inout ByteReader) throws(ByteReader.Short) {
    count = Int(try reader.number(UInt32.self))
    guard count <= BlockColumns.length else { return nil }
    for _ in 0..<(try reader.number(UInt8.self)) {
      alphabets.append(try reader.array(Int(try reader.number(UInt8.self))))
    }
    guard alphabets.allSatisfy({ (1...Self.mostValues).contains($0.count) }) else { return nil }
    start = reader.offset
    let rows = try reader.take(count * stride)
    guard reader.remaining == 0 else { return nil }
    let varying = alphabets.filter { $0.count > 1 }
    var place = 0
    for index in rows {
      let pair = reader.bytes[index]
      guard Int(pair & 15) < varying[place].count else { return nil }
      guard place + 1 < varying.count ? Int(pair >> 4) < varying[place + 1].count : pair < 16
      else { return nil }
      place += 2
      if place >= varying.count { place = 0 }
    }
  }

  func forEach(
    _ bytes: Span<UInt8>, _ rows: Int, _ isWanted: [Bool],
    _ body: (UInt16, Span<UInt8>) -> Void
  ) {
    var id = alphabets.map { $0[0] }
    let varying = alphabets.indices.filter { alphabets[$0].count > 1 }
    let values = varying.flatMap { place in
      (0..<Self.mostValues).map { $0 < alphabets[place].count ? alphabets[place][$0] : 0 }
    }
    let stride = stride
    for row in 0..<rows where isWanted[row] {
      let first = start + row * stride
      for (number, place) in varying.enumerated() {
        let code = bytes[first + number / 2] >> UInt8(number % 2 * 4) & 15
        id[place] = values[number * Self.mostValues + Int(code)]
      }
      body(UInt16(row), id.span)
    }
  }

  static func encode(_ bytes: Span<UInt8>, _ ends: [Int]) -> [UInt8]? {
    let length = ends.first ?? 0
    guard length > 0 else { return nil }
    var start = 0
    for end in ends {
      if end - start != length { return nil }
      start = end
    }
    var alphabets: [[UInt8]] = []
    // By place and byte.
    var codes = [UInt8](repeating: UInt8.max, count: 256 * length)
    for place in 0..<length {
      // Numbers by how often a byte was asked for would be no shorter: by the order in which they come.
      var alphabet: [UInt8] = []
      var index = place
      for _ in ends.indices {
        let code = 256 * place + Int(bytes[index])
        index += length
        if codes[code] != UInt8.max { continue }
        if alphabet.count == mostValues { return nil }
        codes[code] = UInt8(alphabet.count)
        alphabet.append(bytes[index - length])
      }
      alphabets.append(alphabet)
    }
    let varying = alphabets.indices.filter { alphabets[$0].count > 1 }
    var column: [UInt8] = [number]
    column.appendLittle(UInt32(ends.count))
    column.append(UInt8(length))
    for alphabet in alphabets {
      column.append(UInt8(alphabet.count))
      column += alphabet
    }
    let stride = (varying.count + 1) / 2
    let head = column.count
    column += [UInt8](repeating: 0, count: ends.count * stride)
    var room = column.mutableSpan
    for (number, place) in varying.enumerated() {
      var target = head + number / 2
      var index = place
      let shift = UInt8(number % 2 * 4)
      for _ in ends.indices {
        room[target] |= codes[256 * place + Int(bytes[index])] << shift
        target += stride
        index += length
      }
    }
    return column
  }
}
