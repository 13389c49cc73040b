/// Which events are wanted, by what the columns hold of them.
public struct EventSelection: Sendable {
  /// Dense numbers of subjects; nil: everybody's.
  public var subjects: Set<UInt32>?
  /// Numbers of raw types; nil: all.
  public var types: Set<UInt16>?
  /// When they occurred, in microseconds since 1970, both ends inclusive.
  public var occurred: ClosedRange<Int64> = Int64.min...Int64.max

  /// All events.
  public init() {}

  /// True where every event is wanted, so that no column has to be read.
  public var isEverything: Bool {
    subjects == nil && types == nil && occurred == Int64.min...Int64.max
  }

  /// The rows of a block that are wanted, ascending, below `rows`; erased ones too, of which nobody knows.
  func rows(of block: BlockColumns, below rows: Int) -> [Int] {
    (0..<rows).filter { row in
      if block.isErased(row) { return true }
      return occurred.contains(block.occurred[row])
        && types?.contains(block.types[row]) ?? true
        && subjects?.contains(block.subjects[row]) ?? true
    }
  }
}

extension LogSnapshot {
  /// What ``forEachPart(of:bytes:_:)`` read.
  public struct LinesRead: Sendable {
    /// Events whose lines were given.
    public var events = 0
    /// Events that were met and left out, because they were erased. An erased event is not known to fit a selection.
    public var erased = 0
  }

  /// Gives the lines of events as they were received, each with LF, in the order of the log and in parts.
  ///
  /// Each part is read in a transaction of its own, and none is open while `body` runs, so that a slow reader of what it writes
  /// holds back nothing.
  ///
  /// - Parameters:
  ///   - selection: which events.
  ///   - bytes: a part ends with the line that reaches so many; a line has at most 1 MiB.
  ///   - body: given a part; each line ends with LF.
  /// - Throws: `.damaged` with the position, and what `body` throws.
  public func forEachPart(
    of selection: EventSelection, bytes: Int = 1 << 20, _ body: ([UInt8]) throws -> Void
  ) throws -> LinesRead {
    var read = LinesRead()
    var part: [UInt8] = []
    for number in blocks {
      let count = number.rows(of: size)
      var wanted: [Int]?
      if !selection.isEverything {
        wanted = selection.rows(of: try block(number), below: count)
      }
      var next = 0
      let end = wanted?.count ?? count
      while next < end {
        try reader.guarded("read events") {
          try appendLines(
            first: number.first, rows: wanted, next: &next, end: end, bytes: bytes, to: &part, &read
          )
        }
        if part.count >= bytes {
          try body(part)
          part.removeAll(keepingCapacity: true)
        }
      }
    }
    if !part.isEmpty { try body(part) }
    return read
  }

  /// Appends lines of a block's events until the part is full or `next`, an index into `rows`, reaches `end`.
  private func appendLines(
    first: UInt64, rows: [Int]?, next: inout Int, end: Int, bytes: Int, to part: inout [UInt8],
    _ read: inout LinesRead
  ) throws {
    while next < end && part.count < bytes {
      let start = first + UInt64(rows?[next] ?? next)
      let before = next
      try reader.forEachChunk(from: start, releasing: true) { chunk in
        while next < end && part.count < bytes {
          let position = first + UInt64(rows?[next] ?? next)
          guard position >= chunk.first else { return false }
          let index = Int(position - chunk.first)
          // Rows far apart are looked up again, rather than all chunks between them read.
          guard index < chunk.count else { return index < 2 * chunk.count }
          if chunk.kind(index) == ChunkView.erased {
            read.erased += 1
          } else {
            part.append(chunk.bytes.extracting(chunk.lineRange(index)))
            part.append(0x0a)
            read.events += 1
          }
          next += 1
        }
        return false
      }
      guard next > before else { throw ChunkFault(start, "a chunk is missing") }
    }
  }
}
