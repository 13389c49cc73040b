/// Rows of customers in their order, flat, with the events behind them.
struct FoldedRows: Sendable {
  private(set) var ranks: [UInt32] = []
  private(set) var rows: [FoldRow] = []
  private var ends: [Int] = []
  /// Position of each row's anchor; ``EventIDs/none`` without.
  private(set) var anchors: [UInt64] = []

  var count: Int { ranks.count }

  /// What it takes in memory.
  var bytes: Int { (MemoryLayout<FoldRow>.stride + 8) * rows.count + 12 * ranks.count }

  /// Where the rows of a customer stand.
  func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  mutating func add(_ fold: FoldedCustomer, rank: UInt32) {
    ranks.append(rank)
    for row in fold.result.rows {
      rows.append(row)
      anchors.append(fold.position(of: row.anchor))
    }
    ends.append(rows.count)
  }

  mutating func add(_ other: FoldedRows) {
    let start = rows.count
    ranks += other.ranks
    rows += other.rows
    ends += other.ends.map { $0 + start }
    anchors += other.anchors
  }
}

extension FoldedCustomer {
  /// Where the event behind a row or a stay stands in the log; ``EventIDs/none`` where there is none.
  func position(of event: Int32) -> UInt64 {
    event >= 0 ? events.position[Int(event)] : EventIDs.none
  }
}
