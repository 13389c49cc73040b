import EventStore

/// The chunks of a generation in the order of names.
///
/// A chunk keeps its number while nothing in it changes, so that generations share it.
struct ViewChunks: Sendable {
  private(set) var numbers: [UInt32] = []
  /// How many records each has.
  private(set) var records: [Int] = []
  /// When the first customer of each has to be folded again.
  private(set) var staleAt: [Int64] = []
  private var names: [UInt8] = []
  private var nameEnds: [Int] = []

  init() {}

  var count: Int { numbers.count }

  mutating func append(
    _ number: UInt32, records: Int, staleAt: Int64, firstName: some Collection<UInt8>
  ) {
    numbers.append(number)
    self.records.append(records)
    self.staleAt.append(staleAt)
    names.append(contentsOf: firstName)
    nameEnds.append(names.count)
  }

  /// Takes over a chunk of another generation.
  mutating func append(_ index: Int, of other: ViewChunks) {
    append(
      other.numbers[index], records: other.records[index], staleAt: other.staleAt[index],
      firstName: other.firstName(index))
  }

  /// How many records stand before each chunk.
  var firstRecords: [Int] {
    var first = 0
    return records.map { count in
      defer { first += count }
      return first
    }
  }

  /// The name of the first customer of a chunk.
  func firstName(_ index: Int) -> ArraySlice<UInt8> {
    names[(index == 0 ? 0 : nameEnds[index - 1])..<nameEnds[index]]
  }

  /// The chunk that holds the record of a name, if there is one; nil where the name comes before all.
  func chunk(of name: some Collection<UInt8>) -> Int? {
    var low = 0
    var high = count
    // The last chunk whose first name is not behind the one looked for.
    while low < high {
      let middle = (low + high) / 2
      if name.lexicographicallyPrecedes(firstName(middle)) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return low > 0 ? low - 1 : nil
  }

  /// count · count × { number · records · stale at · first name }
  func encoded() -> [UInt8] {
    var encoder = ByteEncoder()
    encoder.number(count)
    for index in 0..<count {
      encoder.number(UInt64(numbers[index]))
      encoder.number(records[index])
      encoder.signed(staleAt[index])
      encoder.text(firstName(index))
    }
    return encoder.bytes
  }

  init(decoding bytes: [UInt8]) throws(ByteDecoder.Damaged) {
    var decoder = ByteDecoder(bytes)
    for _ in 0..<(try decoder.count()) {
      guard let number = UInt32(exactly: try decoder.number()) else { throw ByteDecoder.Damaged() }
      let records = try decoder.index()
      let staleAt = try decoder.signed()
      append(number, records: records, staleAt: staleAt, firstName: bytes[try decoder.textRange()])
    }
  }
}
