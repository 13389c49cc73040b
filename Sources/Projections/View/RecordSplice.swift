import EventStore

/// Puts new records in place of old ones, chunk by chunk.
struct RecordSplice {
  /// A record that an update made.
  struct Fresh: Sendable {
    var name: [UInt8]
    var bytes: [UInt8]
    var staleAt: Int64
    var buyer: Buyer?
    var recent: RFM.Measures?
    var leaf: OutputRoot.Leaf
  }

  /// What becomes of one chunk.
  struct Chunk: Sendable {
    var packed: [PackedChunk] = []
    /// Leaves of the records that went.
    var removed: [OutputRoot.Leaf] = []
    /// Subjects that were joined to customers of those.
    var unjoined: [[UInt8]] = []
  }

  /// By the bytes of names: a record that goes, one that comes, or one in place of the other.
  private struct Change {
    var name: [UInt8]
    var fresh: Int?
  }

  private let reader: ViewReader
  private let fresh: [Fresh]
  private var changes: [Change] = []
  /// Which of the changes belong to each chunk that is touched.
  private var ranges: [Int: Range<Int>] = [:]
  private let forms: [RecordCoding.ValueForm]

  /// - Parameters:
  ///   - gone: names of records that go, ascending; some may have none.
  ///   - fresh: records that come, by name; each has its name among those that go, or is new.
  init(_ reader: ViewReader, gone: [[UInt8]], fresh: [Fresh]) {
    self.reader = reader
    self.fresh = fresh
    forms = reader.rules.valueForms
    var next = 0
    for name in gone {
      while next < fresh.count, fresh[next].name.lexicographicallyPrecedes(name) {
        changes.append(Change(name: fresh[next].name, fresh: next))
        next += 1
      }
      let isFresh = next < fresh.count && fresh[next].name == name
      changes.append(Change(name: name, fresh: isFresh ? next : nil))
      if isFresh { next += 1 }
    }
    while next < fresh.count {
      changes.append(Change(name: fresh[next].name, fresh: next))
      next += 1
    }
    var start = 0
    while start < changes.count {
      let chunk = reader.chunks.chunk(of: changes[start].name) ?? 0
      var end = start + 1
      while end < changes.count, (reader.chunks.chunk(of: changes[end].name) ?? 0) == chunk {
        end += 1
      }
      ranges[chunk] = start..<end
      start = end
    }
  }

  /// Chunks of which something changes, ascending; 0 also where the view has no chunk yet.
  var touched: [Int] { ranges.keys.sorted() }

  /// Makes a chunk anew.
  func splice(_ index: Int) throws -> Chunk {
    var result = Chunk()
    var left = ranges[index] ?? 0..<0
    var kept: [Kept] = []
    if index < reader.chunks.count {
      let content = try reader.levels.content(ofChunk: reader.chunks.numbers[index])
      var known = try Self.known(content.buyers, records: reader.chunks.records[index])[...]
      var decoder = content.records
      let bytes = content.value
      kept.reserveCapacity(reader.chunks.records[index] + left.count)
      for number in 0..<reader.chunks.records[index] {
        let layout = try RecordLayout(&decoder, forms)
        let name = bytes[layout.name]
        var buyer: Known?
        if let next = known.first, next.buyer.rank == UInt32(number) {
          buyer = next
          known = known.dropFirst()
        }
        while let change = left.first, changes[change].name.lexicographicallyPrecedes(name) {
          add(changes[change], to: &kept)
          left = left.dropFirst()
        }
        if let change = left.first, changes[change].name.elementsEqual(name) {
          result.removed.append(
            OutputRoot.leaf(
              name: bytes.span.extracting(layout.name),
              covered: bytes.span.extracting(layout.covered)))
          result.unjoined += layout.joined.map { Array(bytes[$0]) }
          add(changes[change], to: &kept)
          left = left.dropFirst()
          continue
        }
        kept.append(
          Kept(
            name: name, bytes: bytes[layout.whole], staleAt: layout.upkeep.staleAt,
            buyer: buyer?.buyer, recent: buyer?.recent))
      }
      guard decoder.isAtEnd else { throw ByteDecoder.Damaged() }
    }
    for change in left { add(changes[change], to: &kept) }
    result.packed = Self.packed(kept)
    return result
  }

  private struct Kept {
    var name: ArraySlice<UInt8>
    var bytes: ArraySlice<UInt8>
    var staleAt: Int64
    var buyer: Buyer?
    var recent: RFM.Measures?
  }

  private func add(_ change: Change, to kept: inout [Kept]) {
    guard let number = change.fresh else { return }
    let record = fresh[number]
    kept.append(
      Kept(
        name: record.name[...], bytes: record.bytes[...], staleAt: record.staleAt,
        buyer: record.buyer,
        recent: record.recent))
  }

  private typealias Known = (buyer: Buyer, recent: RFM.Measures?)

  /// The buyers of a chunk, by the numbers of their records in it.
  private static func known(_ buyers: ByteDecoder, records: Int) throws -> [Known] {
    var known: [Known] = []
    try BuyerCoding.forEach(buyers, from: 0, records: records) { known.append(($0, $1)) }
    for (buyer, next) in zip(known, known.dropFirst()) where buyer.buyer.rank >= next.buyer.rank {
      throw ByteDecoder.Damaged()
    }
    return known
  }

  /// One chunk, which may be larger than a new one, so that neighbours who come one by one do not leave crumbs; or several
  /// of about the same size.
  private static func packed(_ kept: [Kept]) -> [PackedChunk] {
    let bytes = kept.reduce(0) { $0 + $1.bytes.count }
    let parts = bytes * 2 / (3 * ChunkPacker.chunkBytes) + 1
    var packer = ChunkPacker(limit: parts == 1 ? Int.max : bytes / parts + 1)
    for record in kept {
      packer.add(
        record.bytes.span, name: record.name.span,
        ChunkPacker.Entry(
          staleAt: record.staleAt, buyer: record.buyer, recent: record.recent))
    }
    packer.endChunk()
    return packer.chunks
  }
}
