/// What one customer has several of, each with an event behind it: a row, a stay in a segment.
protocol AnchoredItem: Sendable {
  /// Number of the customer's event; -1 without.
  var anchor: Int32 { get }
}

extension FoldRow: AnchoredItem {}
extension FoldSpell: AnchoredItem {}

/// Rows or stays of customers in their order, flat, with the events behind them.
struct FoldedItems<Item: AnchoredItem>: AnchoredRun {
  private(set) var ranks: [UInt32] = []
  private(set) var items: [Item] = []
  private var ends: [Int] = []
  /// Position of each one's anchor; ``EventIDs/none`` without.
  private(set) var anchors: [UInt64] = []

  var count: Int { ranks.count }

  /// What it takes in memory, with the ids on the way.
  var bytes: Int {
    (MemoryLayout<Item>.stride + 8 + AnchorIDs.bytesPerAnchor) * items.count + 12 * ranks.count
  }

  /// Where those of a customer stand.
  func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  mutating func reserve(like other: FoldedItems) {
    ranks.reserveCapacity(other.ranks.count)
    ends.reserveCapacity(other.ends.count)
    items.reserveCapacity(other.items.count + other.items.count / 8)
    anchors.reserveCapacity(other.items.count + other.items.count / 8)
  }

  mutating func add(_ own: [Item], of fold: borrowing FoldedCustomer, rank: UInt32) {
    ranks.append(rank)
    for item in own {
      items.append(item)
      anchors.append(fold.position(of: item.anchor))
    }
    ends.append(items.count)
  }

  mutating func add(_ other: FoldedItems) {
    let start = items.count
    ranks += other.ranks
    items += other.items
    ends += other.ends.map { $0 + start }
    anchors += other.anchors
  }
}

extension FoldedCustomer {
  /// Where the event behind a row or a stay stands in the log; ``EventIDs/none`` where there is none.
  func position(of event: Int32) -> UInt64 {
    event >= 0 ? events.position(Int(event)) : EventIDs.none
  }
}
