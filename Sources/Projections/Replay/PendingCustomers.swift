/// Folded customers whose anchors still lack the ids of their events: a run of ranks, as one flat value.
struct PendingCustomers: Sendable {
  /// The record of each customer up to its rows.
  private(set) var heads: [UInt8] = []
  private(set) var headEnds: [Int] = []
  private(set) var rows: [FoldRow] = []
  private(set) var rowEnds: [Int] = []
  /// Position of each row's anchor; `none` without.
  private(set) var anchors: [UInt64] = []
  /// Stays in segments, where they are followed, and the positions of their anchors.
  private(set) var spells: [FoldSpell] = []
  private(set) var spellEnds: [Int] = []
  private(set) var spellAnchors: [UInt64] = []
  private(set) var ranks: [UInt32] = []
  /// Facts that left out events of customers, and where each customer's end.
  private var leftOut: [FoldResult.LeftOut] = []
  private var leftOutEnds: [Int] = []
  /// Buyers who are not parked: index in this run, recency, frequency, monetary.
  private(set) var buyers: [Buyer] = []
  /// Those of them who bought within `rfm.within`, with what they bought in it; empty where the rules set none.
  private(set) var recent: [RFM.Measures] = []
  private(set) var parked: [ParkedCustomer] = []
  var summary: FoldSummary

  static let none = UInt64.max

  struct Buyer: Sendable {
    var rank: UInt32
    /// No money is to be expected, under `clv.monetary: net` only (``CustomerValue/keepsNothing``).
    var keepsNothing: Bool
    var recency: Int64
    var frequency: Int64
    var monetary: Int64
    /// UTC days since 1970.
    var firstDay: Int32
    var lastDay: Int32
    /// Money of the days after the first, in minor units: purchases, less refunds under `clv.monetary: net`
    /// (``CustomerValue/repeatTotal``).
    var repeatTotal: Int64
    var opportunities: Int32
    var lastOpportunity: Int32

    init(_ value: CustomerValue, _ rank: UInt32) {
      self.rank = rank
      keepsNothing = value.keepsNothing
      recency = value.all.lastPurchase
      frequency = value.all.days
      monetary = Int64(clamping: value.all.net)
      firstDay = Int32(clamping: value.firstDay)
      lastDay = Int32(clamping: value.all.lastDay)
      repeatTotal = Int64(clamping: value.repeatTotal)
      opportunities = Int32(clamping: value.opportunities)
      lastOpportunity = Int32(clamping: value.lastOpportunity)
    }
  }

  struct ParkedCustomer: Sendable {
    var rank: UInt32
    var at: Int64
    var reason: ParkReason
    var transitions: [Int32]
  }

  init(_ compiled: CompiledRules) {
    summary = FoldSummary(compiled)
  }

  var count: Int { ranks.count }

  /// What it takes in memory.
  var bytes: Int {
    heads.count + (MemoryLayout<FoldRow>.stride + 8) * rows.count
      + (MemoryLayout<FoldSpell>.stride + 8) * spells.count
      + MemoryLayout<Buyer>.stride * buyers.count
      + MemoryLayout<RFM.Measures>.stride * recent.count + 36 * ranks.count + 8 * leftOut.count
  }

  mutating func add(_ fold: CustomerFold, rank: UInt32, name: Span<UInt8>, joined: [[UInt8]]) {
    var encoder = ByteEncoder()
    encoder.bytes = heads
    heads = []
    RecordCoding.encodeHead(
      fold.result, compiled: fold.compiled, interner: fold.evaluator.interner, name: name,
      joined: joined, into: &encoder)
    heads = encoder.bytes
    headEnds.append(heads.count)
    for row in fold.result.rows {
      rows.append(row)
      anchors.append(Self.position(row.anchor, fold))
    }
    rowEnds.append(rows.count)
    spells += fold.result.spells
    spellAnchors += fold.result.spells.map { Self.position($0.anchor, fold) }
    spellEnds.append(spells.count)
    leftOut += fold.result.leftOut
    leftOutEnds.append(leftOut.count)
    ranks.append(rank)
    summary.add(fold.result)
    if let park = fold.result.parked {
      parked.append(
        ParkedCustomer(
          rank: rank, at: park.at, reason: park.reason, transitions: park.transitions))
    } else if fold.result.purchases.all.count > 0 {
      addBuyer(fold.result.purchases, rank)
    }
  }

  private mutating func addBuyer(_ value: CustomerValue, _ rank: UInt32) {
    buyers.append(Buyer(value, rank))
    if value.recent.count > 0 { recent.append(RFM.Measures(value.recent, rank: rank)) }
  }

  private static func position(_ event: Int32, _ fold: CustomerFold) -> UInt64 {
    event >= 0 ? fold.events.position[Int(event)] : none
  }

  func name(of index: Int) -> [UInt8] {
    // The head begins with the name: its length (at most two bytes of seven bits) and its bytes.
    let start = index == 0 ? 0 : headEnds[index - 1]
    var length = Int(heads[start] & 0x7f)
    var first = start + 1
    if heads[start] >= 0x80 {
      length |= Int(heads[first]) << 7
      first += 1
    }
    return Array(heads[first..<first + length])
  }

  func isParked(_ index: Int) -> Bool {
    parked.contains { $0.rank == ranks[index] }
  }

  /// Appends the whole record of customer `index` to `bytes`; the part that the output root covers is given back.
  func encode(
    _ index: Int, ids: EventIDs, into encoder: inout ByteEncoder
  ) -> Range<Int> {
    let start = encoder.bytes.count
    let head = (index == 0 ? 0 : headEnds[index - 1])..<headEnds[index]
    encoder.bytes.append(contentsOf: heads[head])
    let range = (index == 0 ? 0 : rowEnds[index - 1])..<rowEnds[index]
    RecordCoding.encodeRows(rows[range], anchors: anchors[range], ids: ids, into: &encoder)
    let end = encoder.bytes.count
    for anchor in anchors[range] where anchor != Self.none { encoder.number(anchor) }
    let leftOut = leftOut[(index == 0 ? 0 : leftOutEnds[index - 1])..<leftOutEnds[index]]
    RecordCoding.encodeLeftOut(leftOut, into: &encoder)
    return start..<end
  }
}

/// Counts over all customers.
struct FoldSummary: Sendable {
  var events: Int64 = 0
  var ignored: Int64 = 0
  var customers: Int64 = 0
  var rows: Int64 = 0
  var stages: [Int64]
  var segments: [Int64]
  var monetary: Int128 = 0

  init(_ compiled: CompiledRules) {
    stages = Array(repeating: 0, count: compiled.rules.stages.count)
    segments = Array(repeating: 0, count: compiled.segments.count)
  }

  mutating func add(_ result: FoldResult) {
    customers += 1
    rows += Int64(result.rows.count)
    guard result.parked == nil else { return }
    stages[Int(result.stage)] += 1
    for (index, holds) in result.segments.enumerated() where holds { segments[index] += 1 }
    monetary += result.purchases.all.net
  }

  mutating func add(_ other: FoldSummary) {
    events += other.events
    ignored += other.ignored
    customers += other.customers
    rows += other.rows
    for index in stages.indices { stages[index] += other.stages[index] }
    for index in segments.indices { segments[index] += other.segments[index] }
    monetary += other.monetary
  }
}
