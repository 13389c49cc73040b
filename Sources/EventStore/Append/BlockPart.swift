/// Events of one block that have their positions, in a row, on their way to a commit.
struct BlockPart: Sendable {
  /// An event: where it stands, and its place in its subject's chain.
  struct Row: Sendable, BitwiseCopyable {
    /// Index in ``batches``, and in that batch.
    var batch: UInt32
    var entry: UInt32
    var subject: UInt32
    var sequence: UInt32
    /// Position of the subject's event before; `UInt64.max` without.
    var previous: UInt64
    var idHash: UInt64
    var lineLength: UInt32
    var type: UInt16
    /// Of the subject.
    var isFirst: Bool { sequence == 0 }
  }

  /// Position of the first event.
  let first: UInt64
  var rows: [Row] = []
  var batches: [EventBatch] = []
  /// When they were taken, in microseconds since 1970.
  var recorded: Int64 = 0
  /// What the log has with them: subjects, and raw types by number.
  var subjects: UInt32 = 0
  var types: [[UInt8]] = []
  /// Bytes of their lines together.
  private(set) var lineBytes = 0

  init(first: UInt64) { self.first = first }

  var end: UInt64 { first + UInt64(rows.count) }
  /// Ends with the last event of a block.
  var isBlockEnd: Bool { BlockNumber.row(of: end) == 0 }
  /// A whole block, which can be built by itself.
  var isWholeBlock: Bool { rows.count == BlockColumns.length }

  mutating func append(_ row: Row) {
    rows.append(row)
    lineBytes += Int(row.lineLength)
  }

  /// How many events of the last batch it has.
  var lastBatchRows: Int {
    guard let last = rows.last else { return 0 }
    var count = 0
    while count < rows.count && rows[rows.count - 1 - count].batch == last.batch { count += 1 }
    return count
  }

  /// Gives a stretch of rows from one batch after the other to `body`, within some rows.
  @inline(__always)
  func forEachRun(
    in range: Range<Int>, _ body: (Range<Int>, EventBatch) -> Void
  ) {
    var start = range.lowerBound
    while start < range.upperBound {
      let batch = rows[start].batch
      var end = start + 1
      while end < range.upperBound && rows[end].batch == batch { end += 1 }
      body(start..<end, batches[Int(batch)])
      start = end
    }
  }

  func line(_ position: UInt64) -> ArraySlice<UInt8> {
    let row = rows[Int(position - first)]
    let batch = batches[Int(row.batch)]
    return batch.bytes[batch.entries[Int(row.entry)].line]
  }

  /// Keeps of the last batch, of which few events have been taken, only these.
  mutating func compactLast() {
    guard let last = batches.last else { return }
    let number = UInt32(batches.count - 1)
    let first = rows.firstIndex { $0.batch == number } ?? rows.count
    batches[batches.count - 1] = last.compacted(rows[first...].map { Int($0.entry) })
    for row in first..<rows.count { rows[row].entry = UInt32(row - first) }
  }
}
