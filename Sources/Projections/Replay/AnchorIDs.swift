import EventStore

/// Finds the ids of the events that anchor rows.
struct AnchorIDs {
  let view: LogView
  let threads: Int
  /// What finding an id takes in memory.
  static let bytesPerAnchor = MemoryLayout<EventIDs.Slot>.stride + MemoryLayout<UInt64>.stride

  /// - Parameter anchors: positions in lists, in any order; ``EventIDs/none`` is passed over.
  func find(_ anchors: [[UInt64]]) throws -> EventIDs {
    let wanted = Wanted(anchors, blocks: view.blocks.count)
    var starts = [0]
    for list in anchors { starts.append(starts[starts.count - 1] + list.count) }
    let slots = SharedSlab(starts[starts.count - 1], of: EventIDs.Slot())
    let ticket = Ticket()
    let snapshot = view.snapshot
    let parts = try Parallel.run(threads) { _ in
      var long: [(block: Int, bytes: [UInt8])] = []
      var isWanted = Array(repeating: false, count: BlockColumns.length)
      var order = RowOrder()
      while true {
        let block = ticket.take()
        if block >= wanted.ends.count { break }
        let own = order.sort(wanted.places(block))
        if own.isEmpty { continue }
        var writer = SlotWriter(own, block: block, slots.slab)
        try Self.read(own, of: BlockNumber(block), snapshot, &isWanted) { writer.add($0, $1) }
        if !writer.long.isEmpty { long.append((block, writer.long)) }
      }
      return long
    }
    var long: [[UInt8]] = Array(repeating: [], count: wanted.ends.count)
    for (block, bytes) in parts.flatMap({ $0 }) { long[block] = bytes }
    return EventIDs(slots: slots, starts: starts, long: long)
  }

  /// Which slots ask for which rows, block by block.
  private struct Wanted: Sendable {
    /// row << 48 | slot, by block.
    private var entries: [UInt64]
    var ends: [Int]

    init(_ anchors: [[UInt64]], blocks: Int) {
      var next = Array(repeating: 0, count: blocks + 1)
      for list in anchors {
        for anchor in list where anchor != EventIDs.none {
          next[BlockNumber(of: anchor).rawValue + 1] += 1
        }
      }
      for block in 0..<blocks { next[block + 1] += next[block] }
      entries = Array(repeating: 0, count: next[blocks])
      var slot: UInt64 = 0
      for list in anchors {
        for anchor in list {
          if anchor != EventIDs.none {
            let block = BlockNumber(of: anchor).rawValue
            entries[next[block]] = UInt64(BlockNumber.row(of: anchor)) << 48 | slot
            next[block] += 1
          }
          slot += 1
        }
      }
      ends = Array(next.prefix(blocks))
    }

    func places(_ block: Int) -> ArraySlice<UInt64> {
      entries[(block == 0 ? 0 : ends[block - 1])..<ends[block]]
    }
  }

  /// Sorts places by their rows, which are below the length of a block.
  private struct RowOrder {
    private var counts = Array(repeating: Int32(0), count: BlockColumns.length)
    private var sorted: [UInt64] = []

    mutating func sort(_ places: ArraySlice<UInt64>) -> [UInt64] {
      for row in counts.indices { counts[row] = 0 }
      for place in places { counts[Int(place >> 48)] += 1 }
      counts.turnIntoStarts()
      if sorted.count < places.count {
        sorted += Array(repeating: 0, count: places.count - sorted.count)
      }
      for place in places {
        let row = Int(place >> 48)
        sorted[Int(counts[row])] = place
        counts[row] += 1
      }
      return Array(sorted.prefix(places.count))
    }
  }

  /// Writes the ids of one block, which come in the order of rows.
  private struct SlotWriter {
    private let places: [UInt64]
    private let block: Int
    private let slots: Slab<EventIDs.Slot>
    private var next = 0
    /// Ids that fit no slot.
    private(set) var long: [UInt8] = []

    init(_ places: [UInt64], block: Int, _ slots: Slab<EventIDs.Slot>) {
      self.places = places
      self.block = block
      self.slots = slots
    }

    mutating func add(_ row: UInt16, _ id: Span<UInt8>) {
      while next < places.count && places[next] >> 48 < UInt64(row) { next += 1 }
      if next == places.count || places[next] >> 48 != UInt64(row) { return }
      let slot = EventIDs.Slot(id, block: block, long: &long)
      while next < places.count && places[next] >> 48 == UInt64(row) {
        slots[Int(places[next] & 0xffff_ffff_ffff)] = slot
        next += 1
      }
    }
  }

  /// - Parameter isWanted: by row; false before and after.
  private static func read(
    _ places: [UInt64], of number: BlockNumber, _ snapshot: LogSnapshot, _ isWanted: inout [Bool],
    _ body: (UInt16, Span<UInt8>) -> Void
  ) throws {
    for place in places { isWanted[Int(place >> 48)] = true }
    defer { for place in places { isWanted[Int(place >> 48)] = false } }
    if let ids = try snapshot.ids(ofBlock: number) {
      return ids.forEach(where: isWanted, body)
    }
    let start = number.first
    let rows = (first: places[0] >> 48, last: places[places.count - 1] >> 48)
    try snapshot.forEachLine(in: start + rows.first..<start + rows.last + 1) { position, line in
      let row = UInt16(position - start)
      guard isWanted[Int(row)] else { return }
      let id = PayloadPaths.id(of: line)
      if id.kind == .string { id.withText(line) { body(row, $0) } }
    }
  }
}

/// Ids of events in the order of the anchors that ask for them, list by list.
struct EventIDs: Sendable {
  /// An id of up to 15 bytes, or where a longer one stands: most look-ups then miss no cache.
  struct Slot: BitwiseCopyable {
    private var first: UInt64 = 0
    /// The highest byte is the length, or ``elsewhere``.
    private var second: UInt64 = 0
    private static let elsewhere: UInt64 = 0xff

    init() {}

    /// - Parameter long: the long ids of a block, to which one that does not fit is added.
    init(_ id: Span<UInt8>, block: Int, long: inout [UInt8]) {
      if id.count > 15 {
        first = UInt64(long.count) << 16 | UInt64(id.count)
        second = Self.elsewhere << 56 | UInt64(block)
        for index in id.indices { long.append(id[index]) }
        return
      }
      second = UInt64(id.count) << 56
      for index in id.indices {
        let byte = UInt64(id[index]) << UInt64(8 * (index & 7))
        if index < 8 { first |= byte } else { second |= byte }
      }
    }

    /// The block and the place of a long id; nil for a short one.
    fileprivate var long: (block: Int, range: Range<Int>)? {
      guard second >> 56 == Self.elsewhere else { return nil }
      let start = Int(first >> 16)
      return (Int(second & 0xffff_ffff), start..<start + Int(first & 0xffff))
    }

    fileprivate var count: Int { Int(second >> 56) }

    @inline(__always)
    fileprivate func byte(_ index: Int) -> UInt8 {
      UInt8(truncatingIfNeeded: (index < 8 ? first : second) >> UInt64(8 * (index & 7)))
    }
  }

  private let slots: SharedSlab<Slot>
  private let starts: [Int]
  /// By block.
  private let long: [[UInt8]]

  /// The position of no event.
  static let none = UInt64.max

  fileprivate init(slots: SharedSlab<Slot>, starts: [Int], long: [[UInt8]]) {
    self.slots = slots
    self.starts = starts
    self.long = long
  }

  /// One list, of ids that are known.
  init(_ ids: [[UInt8]]) {
    slots = SharedSlab(ids.count, of: Slot())
    starts = [0, ids.count]
    var long: [UInt8] = []
    for (index, id) in ids.enumerated() { slots.slab[index] = Slot(id.span, block: 0, long: &long) }
    self.long = [long]
  }

  /// The ids of a list of anchors.
  func list(_ number: Int) -> List {
    List(ids: self, slots: slots.slab, start: starts[number])
  }

  struct List {
    /// Holds the memory.
    fileprivate let ids: EventIDs
    fileprivate let slots: Slab<Slot>
    fileprivate let start: Int

    /// Empty where there is no event.
    subscript(index: Int) -> [UInt8] {
      let slot = slots[start + index]
      if let (block, range) = slot.long { return Array(ids.long[block][range]) }
      return (0..<slot.count).map { slot.byte($0) }
    }

    func encode(_ index: Int, into encoder: inout ByteEncoder) {
      let slot = slots[start + index]
      if let (block, range) = slot.long { return encoder.text(ids.long[block][range]) }
      encoder.bytes.append(addingCapacity: 16) { span in
        span.append(UInt8(slot.count))
        for index in 0..<slot.count { span.append(slot.byte(index)) }
      }
    }
  }
}
