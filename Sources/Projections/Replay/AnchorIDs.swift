import EventStore

/// Finds the ids of the events that anchor rows.
struct AnchorIDs {
  let view: LogView
  let threads: Int

  /// - Parameter anchors: positions in lists, in any order; ``EventIDs/none`` is passed over.
  func find(_ anchors: [[UInt64]]) throws -> EventIDs { try find(byBlock(anchors)) }

  private func find(_ wanted: [[UInt16]]) throws -> EventIDs {
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
  private func byBlock(_ lists: [[UInt64]]) -> [[UInt16]] {
    var wanted: [[UInt16]] = Array(repeating: [], count: view.blockCount)
    for anchors in lists {
      for anchor in anchors where anchor != EventIDs.none {
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
    if let ids = try snapshot.ids(ofBlock: number) {
      ids.forEach(where: isWanted) { block.add($0, id: $1) }
      return block
    }
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
  /// A bit for each row, and how many bits are set before each word, so that a row is found without a search.
  struct Block: Sendable {
    private var rows: [UInt64] = []
    private var before: [UInt16] = []
    private var ends: [UInt32] = []
    private var bytes: [UInt8] = []

    /// To be called in the order of rows.
    mutating func add(_ row: UInt16, id: Span<UInt8>) {
      if rows.isEmpty {
        rows = Array(repeating: 0, count: BlockColumns.length / 64)
        before = Array(repeating: 0, count: BlockColumns.length / 64)
      }
      let word = Int(row >> 6)
      if rows[word] == 0 { before[word] = UInt16(ends.count) }
      rows[word] |= 1 << UInt64(row & 63)
      for index in id.indices { bytes.append(id[index]) }
      ends.append(UInt32(bytes.count))
    }

    func id(_ row: UInt16) -> ArraySlice<UInt8> {
      let word = Int(row >> 6)
      let bit = UInt64(1) << UInt64(row & 63)
      guard word < rows.count, rows[word] & bit != 0 else { return [] }
      let index = Int(before[word]) + (rows[word] & (bit - 1)).nonzeroBitCount
      return bytes[Int(index == 0 ? 0 : ends[index - 1])..<Int(ends[index])]
    }
  }

  let blocks: [Block]

  /// The position of no event.
  static let none = UInt64.max

  /// Empty if the position is not among them.
  func id(_ position: UInt64) -> ArraySlice<UInt8> {
    blocks[Int(position >> 14)].id(UInt16(position & 0x3fff))
  }
}
