import EventStore

/// A run of customers on the way into a view: their records but for the ids of anchors, which are looked up for many at once.
struct PendingRecords: AnchoredRun {
  private(set) var folded = FoldedItems<FoldRow>()
  /// The record of each customer up to its rows.
  private var heads: [UInt8] = []
  private var headEnds: [Int] = []
  /// Facts that left out events of customers, and where each customer's end.
  private var leftOut: [FoldResult.LeftOut] = []
  private var leftOutEnds: [Int] = []
  private(set) var buyers = Buyers()
  private(set) var historical: HistoricalValue

  init(_ rules: Rules) { historical = HistoricalValue(rules) }

  /// - Parameter earlier: runs are about as large as the one before.
  init(_ rules: Rules, after earlier: PendingRecords) {
    historical = HistoricalValue(rules)
    heads.reserveCapacity(earlier.heads.count + earlier.heads.count / 8)
    headEnds.reserveCapacity(earlier.headEnds.count)
    leftOutEnds.reserveCapacity(earlier.leftOutEnds.count)
    folded.reserve(like: earlier.folded)
  }

  var count: Int { folded.count }
  var anchors: [UInt64] { folded.anchors }

  var bytes: Int {
    heads.count + folded.bytes + buyers.bytes + 24 * count
      + MemoryLayout<FoldResult.LeftOut>.stride * leftOut.count
  }

  mutating func add(
    _ fold: borrowing FoldedCustomer, rank: UInt32, _ forms: [RecordCoding.ValueForm],
    _ directory: CustomerDirectory
  ) {
    let joined = directory.joinedNames(of: rank)
    let name = directory.names.span(of: directory.subjects[Int(rank)])
    add(fold, rank: rank, forms, name: name, joined: joined)
  }

  /// - Parameter joined: other subjects of the customer, by name.
  mutating func add(
    _ fold: borrowing FoldedCustomer, rank: UInt32, _ forms: [RecordCoding.ValueForm],
    name: Span<UInt8>,
    joined: [[UInt8]]
  ) {
    var encoder = ByteEncoder()
    encoder.bytes = heads
    heads = []
    RecordCoding.encodeHead(
      fold.result, forms: forms, interner: fold.interner, name: name, joined: joined,
      into: &encoder)
    heads = encoder.bytes
    headEnds.append(heads.count)
    folded.add(fold.result.rows, of: fold, rank: rank)
    leftOut += fold.result.leftOut
    leftOutEnds.append(leftOut.count)
    buyers.add(fold.result, rank: rank)
    historical.add(fold.result)
  }

  /// Appends the whole record of customer `index` to `bytes`; the part that the output root covers is given back.
  func encode(
    _ index: Int, ids: EventIDs.List, into encoder: inout ByteEncoder
  ) -> Range<Int> {
    let start = encoder.bytes.count
    encoder.bytes.append(contentsOf: heads[Self.range(index, headEnds)])
    let range = folded.range(index)
    let anchors = folded.anchors[range]
    RecordCoding.encodeRows(folded.items[range], anchors: anchors, ids: ids, into: &encoder)
    let end = encoder.bytes.count
    for anchor in anchors where anchor != EventIDs.none { encoder.number(anchor) }
    RecordCoding.encodeLeftOut(leftOut[Self.range(index, leftOutEnds)], into: &encoder)
    return start..<end
  }

  /// Where the name of customer `index` stands in a record that begins at `start`.
  private func name(_ index: Int, at start: Int) -> Range<Int> {
    let head = Self.range(index, headEnds).lowerBound
    // Names have at most 255 bytes.
    let low = Int(heads[head])
    let prefix = low < 0x80 ? 1 : 2
    let length = low < 0x80 ? low : low & 0x7f | Int(heads[head + 1]) << 7
    return start + prefix..<start + prefix + length
  }

  private static func range(_ index: Int, _ ends: [Int]) -> Range<Int> {
    (index == 0 ? 0 : ends[index - 1])..<ends[index]
  }

  /// The records, whole, in chunks, and their leaves of the output root.
  func packed(_ ids: EventIDs.List) -> PackedRun {
    var packed = PackedRun()
    var encoder = ByteEncoder()
    var count = 0
    for index in 0..<self.count {
      let covered = encode(index, ids: ids, into: &encoder)
      packed.leaves.append(
        OutputRoot.leaf(
          name: encoder.bytes.span.extracting(name(index, at: covered.lowerBound)),
          covered: encoder.bytes.span.extracting(covered)))
      count += 1
      if encoder.bytes.count >= PackedRun.chunkBytes {
        packed.chunks.append((count, encoder.bytes))
        encoder.bytes = []
        count = 0
      }
    }
    if count > 0 { packed.chunks.append((count, encoder.bytes)) }
    return packed
  }
}
