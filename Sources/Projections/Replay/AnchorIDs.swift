import EventStore

/// Finds the ids of the events that anchor rows.
struct AnchorIDs {
  let view: LogView
  let threads: Int

  func find(_ runs: [PendingCustomers]) throws -> EventIDs {
    let wanted = byBlock(runs)
    let ticket = Ticket()
    let snapshot = view.snapshot
    let parts = try Parallel.run(threads) { _ in
      var found: [(number: Int, ids: EventIDs.Block)] = []
      while true {
        let number = ticket.take()
        if number >= wanted.count { break }
        found.append((number, try Self.read(wanted[number], of: number, snapshot)))
      }
      return found
    }
    var blocks = Array(repeating: EventIDs.Block(), count: wanted.count)
    for part in parts {
      for (number, ids) in part { blocks[number] = ids }
    }
    return EventIDs(blocks: blocks)
  }

  /// The rows that are anchors, by block, in no order.
  private func byBlock(_ runs: [PendingCustomers]) -> [[UInt16]] {
    var wanted: [[UInt16]] = Array(repeating: [], count: view.blockCount)
    for run in runs {
      for anchor in run.anchors where anchor != PendingCustomers.none {
        wanted[Int(anchor >> 14)].append(UInt16(anchor & 0x3fff))
      }
    }
    return wanted
  }

  private static func read(
    _ rows: [UInt16], of number: Int, _ snapshot: LogSnapshot
  ) throws -> EventIDs.Block {
    var block = EventIDs.Block()
    guard let first = rows.min(), let last = rows.max() else { return block }
    var isWanted = Array(repeating: false, count: BlockColumns.length)
    for row in rows { isWanted[Int(row)] = true }
    let start = UInt64(number) << 14
    try snapshot.forEachLine(in: start + UInt64(first)..<start + UInt64(last) + 1) {
      position, line in
      let row = UInt16(position - start)
      guard isWanted[Int(row)] else { return }
      let id = PayloadPaths.id(of: line)
      if id.kind == .string { id.withText(line) { block.add(row, id: $0) } }
    }
    return block
  }
}

/// Ids of some events by position.
struct EventIDs: Sendable {
  struct Block: Sendable {
    private var rows: [UInt16] = []
    private var ends: [UInt32] = []
    private var bytes: [UInt8] = []

    /// To be called in the order of rows.
    mutating func add(_ row: UInt16, id: Span<UInt8>) {
      rows.append(row)
      for index in id.indices { bytes.append(id[index]) }
      ends.append(UInt32(bytes.count))
    }

    func id(_ row: UInt16) -> ArraySlice<UInt8> {
      var low = 0
      var high = rows.count
      while low < high {
        let middle = (low + high) / 2
        if rows[middle] < row { low = middle + 1 } else { high = middle }
      }
      guard low < rows.count, rows[low] == row else { return [] }
      return bytes[Int(low == 0 ? 0 : ends[low - 1])..<Int(ends[low])]
    }
  }

  fileprivate let blocks: [Block]

  /// Empty if the position is not among them.
  func id(_ position: UInt64) -> ArraySlice<UInt8> {
    blocks[Int(position >> 14)].id(UInt16(position & 0x3fff))
  }
}
