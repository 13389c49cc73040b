/// Ids of rows that have none: the first 32 hex digits of SHA-256 over the row's cells, its type, and how often both came together
/// before in the file.
///
/// How often is known only in the order of rows; so ids are made for a first occurrence, on any thread, and those of later ones
/// made anew where rows are counted.
struct DerivedIDs: Sendable {
  /// Hex digits of an id.
  static let length = 32
  /// What ids are made of, one behind the other, each with a number of 0 at its end.
  private var contents: [UInt8] = []
  private var ends: [Int] = []
  /// Where each id stands in the lines.
  private var places: [Int] = []
  private var hashes: [UInt8] = []

  var count: Int { ends.count }

  /// - Parameters:
  ///   - place: where the id will stand in the lines.
  ///   - cells: each behind its length, u32.
  mutating func add(at place: Int, _ cells: Span<UInt8>, type: Span<UInt8>) {
    places.append(place)
    contents.append(cells)
    contents.appendLittle(UInt32(type.count))
    contents.append(type)
    contents.appendLittle(UInt32(0))
    ends.append(contents.count)
  }

  /// Keeps the first ones.
  mutating func cut(to count: Int) {
    ends.removeLast(ends.count - count)
    places.removeLast(places.count - count)
    contents.removeLast(contents.count - (ends.last ?? 0))
  }

  private func content(_ number: Int) -> Range<Int> {
    (number == 0 ? 0 : ends[number - 1])..<ends[number]
  }

  /// Writes all ids into the lines.
  mutating func fill(_ lines: inout [UInt8]) {
    let messages = ends.indices.map { number in
      let range = content(number)
      return LeafPlace(header: 0, line: range.lowerBound, lineLength: range.count)
    }
    var hashes: [UInt8] = []
    SHA256Bytes.append(
      hashesOf: messages, in: contents.span, start: [], headerLength: 0, to: &hashes)
    self.hashes = hashes
    var room = lines.mutableSpan
    for number in ends.indices {
      let start = number * SHA256Bytes.length
      Self.write(hashes.span.extracting(start..<start + Self.length / 2), &room, places[number])
    }
  }

  /// What tells rows apart.
  func key(_ number: Int) -> RowKey { RowKey(hashes.span, at: number * SHA256Bytes.length) }

  /// The id of a row that came so often before.
  func id(_ number: Int, occurrence: UInt32) -> [UInt8] {
    var content = Array(contents[content(number)].dropLast(4))
    content.appendLittle(occurrence)
    var id = [UInt8](repeating: 0, count: Self.length)
    var room = id.mutableSpan
    let hash = SHA256Bytes.hash(content.span)
    Self.write(hash.span.extracting(0..<Self.length / 2), &room, 0)
    return id
  }

  private static func write(_ hash: Span<UInt8>, _ room: inout MutableSpan<UInt8>, _ place: Int) {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
    for index in hash.indices {
      room[place + 2 * index] = digit(hash[index] >> 4)
      room[place + 2 * index + 1] = digit(hash[index] & 15)
    }
  }
}

/// The first 16 bytes of a hash, small enough to keep one for each row.
struct RowKey: Hashable, Sendable, BitwiseCopyable {
  fileprivate let high: UInt64
  fileprivate let low: UInt64

  init(_ hash: [UInt8]) { self.init(hash.span, at: 0) }

  init(_ hashes: Span<UInt8>, at place: Int) {
    high = hashes.word(at: place)
    low = hashes.word(at: place + 8)
  }
}

/// How often each row has come.
struct RowOccurrences: ~Copyable {
  struct Slot: BitwiseCopyable {
    var high: UInt64
    var low: UInt64
    /// 0 for a free one.
    var count: UInt32
  }

  /// Open addressing; its length is a power of two.
  private var slots = PlainRow<Slot>(count: 1 << 10)
  private var used = 0

  /// How often a row came before; takes it up.
  mutating func next(_ key: RowKey) -> UInt32 {
    if 2 * used >= slots.count { grow() }
    let index = slot(of: key)
    let count = slots[index].count
    if count == 0 { used += 1 }
    slots[index] = Slot(high: key.high, low: key.low, count: count &+ 1)
    return count
  }

  private func slot(of key: RowKey) -> Int {
    let mask = slots.count - 1
    var index = Int(truncatingIfNeeded: KeyedHash.ofProcess.mixed(key.low)) & mask
    while slots[index].count != 0 && (slots[index].low != key.low || slots[index].high != key.high)
    {
      index = (index + 1) & mask
    }
    return index
  }

  private mutating func grow() {
    var old = PlainRow<Slot>(count: 2 * slots.count)
    swap(&old, &slots)
    for index in 0..<old.count where old[index].count != 0 {
      let slot = old[index]
      let place = self.slot(of: RowKey(high: slot.high, low: slot.low))
      slots[place] = slot
    }
  }
}

extension RowKey {
  fileprivate init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}
