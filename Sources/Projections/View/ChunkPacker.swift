import EventStore

/// Records of neighbours by name, which stand in one value of a view.
struct PackedChunk: Sendable {
  var records = 0
  var bytes: [UInt8] = []
  var firstName: [UInt8] = []
  /// When the first of its customers has to be folded again.
  var staleAt = Int64.max
  /// What is known of the buyers among them (``BuyerCoding``).
  var buyers: [UInt8] = []

  /// The value of the chunk: length of the records · records · buyers.
  var value: [UInt8] {
    var encoder = ByteEncoder()
    encoder.bytes.reserveCapacity(bytes.count + buyers.count + 24)
    encoder.number(bytes.count)
    encoder.bytes += bytes
    encoder.bytes += buyers
    return encoder.bytes
  }
}

/// Puts records into chunks.
struct ChunkPacker {
  /// A chunk ends before the record that would take it beyond this: two pages with their header, a length and a checksum.
  static let chunkBytes = 8_164
  private let limit: Int
  private(set) var chunks: [PackedChunk] = []
  private var chunk = PackedChunk()
  private var buyers = ByteEncoder()

  init(limit: Int = ChunkPacker.chunkBytes) { self.limit = limit }

  /// One record on its way into a chunk.
  struct Entry {
    var staleAt: Int64
    var buyer: Buyer?
    var recent: RFM.Measures?
  }

  /// Takes the record of the next customer by name.
  mutating func add(_ record: Span<UInt8>, name: Span<UInt8>, _ entry: Entry) {
    let bytes = chunk.bytes.count + buyers.bytes.count + record.count
    if chunk.records > 0 && bytes > limit { endChunk() }
    if chunk.records == 0 { chunk.firstName = [UInt8](copying: name) }
    chunk.bytes.append(record)
    chunk.staleAt = min(chunk.staleAt, entry.staleAt)
    if let buyer = entry.buyer {
      BuyerCoding.encode(buyer, entry.recent, at: chunk.records, into: &buyers)
    }
    chunk.records += 1
  }

  mutating func endChunk() {
    if chunk.records == 0 { return }
    chunk.buyers = buyers.bytes
    buyers.bytes = []
    chunks.append(chunk)
    chunk = PackedChunk()
  }
}

/// The bytes of what a view keeps of buyers, so that scores and values can be had without folding anybody (docs/format.md,
/// "Views").
///
/// ```
/// buyer = number of the record in its chunk · flags (1 keeps nothing, 2 recent) · measures · days since the first purchase
///         · repeat total · opportunities · last opportunity · [measures of the recent ones]
/// measures = last purchase · days with a purchase · money
/// ```
enum BuyerCoding {
  static func encode(
    _ buyer: Buyer, _ recent: RFM.Measures?, at record: Int, into encoder: inout ByteEncoder
  ) {
    encoder.number(record)
    encoder.number((buyer.keepsNothing ? 1 : 0) | (recent == nil ? 0 : 2))
    encode(buyer.recency, buyer.frequency, buyer.monetary, into: &encoder)
    encoder.number(Int(buyer.lastDay) - Int(buyer.firstDay))
    encoder.signed(buyer.repeatTotal)
    encoder.signed(Int64(buyer.opportunities))
    encoder.signed(Int64(buyer.lastOpportunity))
    if let recent {
      encode(recent.recency, recent.frequency, recent.monetary, into: &encoder)
    }
  }

  private static func encode(
    _ recency: Int64, _ frequency: Int64, _ monetary: Int64, into encoder: inout ByteEncoder
  ) {
    encoder.signed(recency)
    encoder.signed(frequency)
    encoder.signed(monetary)
  }

  /// Gives the buyers of a chunk to `body`.
  ///
  /// - Parameters:
  ///   - buyers: of the chunk.
  ///   - first: number of the chunk's first record, which numbers go on from as ranks.
  ///   - records: how many the chunk has.
  static func forEach(
    _ buyers: ByteDecoder, from first: Int, records: Int, _ body: (Buyer, RFM.Measures?) -> Void
  ) throws(ByteDecoder.Damaged) {
    var decoder = buyers
    while !decoder.isAtEnd {
      let record = try decoder.index()
      guard record < records, let rank = UInt32(exactly: first + record) else {
        throw ByteDecoder.Damaged()
      }
      let flags = try decoder.number()
      let measures = try measures(rank, &decoder)
      let day = Int32(
        clamping: ScalarValue.floorDivide(measures.recency, Microseconds.day).0)
      let span = try decoder.index()
      let buyer = Buyer(
        rank: rank, keepsNothing: flags & 1 != 0, recency: measures.recency,
        frequency: measures.frequency, monetary: measures.monetary,
        firstDay: Int32(clamping: Int(day) - span), lastDay: day,
        repeatTotal: try decoder.signed(), opportunities: Int32(clamping: try decoder.signed()),
        lastOpportunity: Int32(clamping: try decoder.signed()))
      body(buyer, flags & 2 != 0 ? try self.measures(rank, &decoder) : nil)
    }
  }

  private static func measures(
    _ rank: UInt32, _ decoder: inout ByteDecoder
  ) throws(ByteDecoder.Damaged) -> RFM.Measures {
    RFM.Measures(
      rank: rank, recency: try decoder.signed(), frequency: try decoder.signed(),
      monetary: try decoder.signed())
  }
}
