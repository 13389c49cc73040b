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
  private(set) var upkeep: [RecordCoding.Upkeep] = []
  private(set) var buyers = Buyers()
  private(set) var historical: HistoricalValue

  init(_ rules: Rules) { historical = HistoricalValue(rules) }

  /// - Parameter earlier: runs are about as large as the one before.
  init(_ rules: Rules, after earlier: PendingRecords) {
    historical = HistoricalValue(rules)
    heads.reserveCapacity(earlier.heads.count + earlier.heads.count / 8)
    headEnds.reserveCapacity(earlier.headEnds.count)
    leftOutEnds.reserveCapacity(earlier.leftOutEnds.count)
    upkeep.reserveCapacity(earlier.upkeep.count)
    folded.reserve(like: earlier.folded)
  }

  var count: Int { folded.count }
  var anchors: [UInt64] { folded.anchors }

  var bytes: Int {
    heads.count + folded.bytes + buyers.bytes + 40 * count
      + MemoryLayout<FoldResult.LeftOut>.stride * leftOut.count
  }

  mutating func add(
    _ fold: borrowing FoldedCustomer, rank: UInt32, _ forms: [RecordCoding.ValueForm],
    _ directory: CustomerDirectory
  ) {
    let joined = directory.joinedNames(of: rank)
    let subject = directory.subjects[Int(rank)]
    add(
      fold, rank: rank, forms, subject: subject, name: directory.names.span(of: subject),
      joined: joined)
  }

  /// - Parameters:
  ///   - subject: dense number of the subject that names the customer.
  ///   - joined: other subjects of the customer, by name.
  mutating func add(
    _ fold: borrowing FoldedCustomer, rank: UInt32, _ forms: [RecordCoding.ValueForm],
    subject: UInt32, name: Span<UInt8>, joined: [[UInt8]]
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
    upkeep.append(.init(subject: subject, staleAt: fold.result.staleAt))
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
    RecordCoding.encodeUpkeep(upkeep[index], into: &encoder)
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

  /// Gives each record as a view holds it to `body`, in order.
  func forEachRecord(_ ids: EventIDs.List, _ body: (borrowing PackedRecord) -> Void) {
    var encoder = ByteEncoder()
    var (nextBuyer, nextRecent) = (0, 0)
    for index in 0..<count {
      encoder.bytes.removeAll(keepingCapacity: true)
      let covered = encode(index, ids: ids, into: &encoder)
      let rank = folded.ranks[index]
      var entry = ChunkPacker.Entry(staleAt: upkeep[index].staleAt)
      if nextBuyer < buyers.all.count, buyers.all[nextBuyer].rank == rank {
        entry.buyer = buyers.all[nextBuyer]
        nextBuyer += 1
        if nextRecent < buyers.recent.count, buyers.recent[nextRecent].rank == rank {
          entry.recent = buyers.recent[nextRecent]
          nextRecent += 1
        }
      }
      body(
        PackedRecord(
          bytes: encoder.bytes.span, name: name(index, at: covered.lowerBound), covered: covered,
          entry: entry))
    }
  }

  /// The records, whole, in chunks, and their leaves of the output root.
  func packed(_ ids: EventIDs.List) -> PackedRun {
    var packed = PackedRun()
    var packer = ChunkPacker()
    forEachRecord(ids) { record in
      packed.leaves.append(record.leaf)
      packer.add(record.bytes, name: record.bytes.extracting(record.name), record.entry)
    }
    packer.endChunk()
    packed.chunks = packer.chunks
    return packed
  }
}

/// One record as a view holds it.
struct PackedRecord: ~Escapable {
  let bytes: Span<UInt8>
  /// Where the name of the customer stands.
  let name: Range<Int>
  /// What the output root covers.
  let covered: Range<Int>
  let entry: ChunkPacker.Entry

  @_lifetime(copy bytes)
  init(bytes: Span<UInt8>, name: Range<Int>, covered: Range<Int>, entry: ChunkPacker.Entry) {
    self.bytes = bytes
    self.name = name
    self.covered = covered
    self.entry = entry
  }

  var leaf: OutputRoot.Leaf {
    OutputRoot.leaf(name: bytes.extracting(name), covered: bytes.extracting(covered))
  }
}
