/// Makes a run from the columns of its events, which are whole blocks that the log holds.
struct RunBuilder {
  let reader: LogReader
  let sipHash: SipHash

  /// A run, and its values with their checksums.
  func build(
    _ events: Range<UInt64>, firstSubject: UInt32
  ) throws -> (run: Run, values: [SealedValue<RunKey>], subjects: UInt32) {
    var entries: [[UInt64]] = [[], [], []]
    var subjects = firstSubject
    entries[0].reserveCapacity(events.count)
    entries[2].reserveCapacity(events.count)
    for block in BlockNumber(of: events.lowerBound)..<BlockNumber(of: events.upperBound) {
      let columns = try reader.indexColumns(block: block, size: events.upperBound)
      guard columns.subjects.count == BlockColumns.length,
        columns.idHashes.count == BlockColumns.length
      else { throw ChunkFault(columns.firstPosition, "the columns of a full block are short") }
      let first = columns.firstPosition - events.lowerBound
      for row in 0..<BlockColumns.length {
        let index = first + UInt64(row)
        entries[0].append(columns.idHashes[row] & RunSegment.hashMask | index)
        if columns.isErased(row) { continue }
        entries[2].append(RunHash.number(columns.subjects[row]) | index)
      }
      try reader.forEachNewName(block: block, size: events.upperBound) { name in
        let index = UInt64(subjects - firstSubject)
        subjects += 1
        if name.isEmpty { return }
        entries[1].append(RunHash.name(name, sipHash) & RunSegment.hashMask | index)
      }
    }
    for kind in 0..<3 { entries[kind] = Self.sorted(entries[kind]) }
    entries[2] = Self.lastOfEach(entries[2])
    let run = Run(
      events: events, firstSubject: firstSubject, entries: entries.map { UInt32($0.count) })
    var values: [SealedValue<RunKey>] = []
    for kind in RunKind.allCases { append(entries[Int(kind.rawValue)], kind, of: run, to: &values) }
    return (run, values, subjects)
  }

  private func append(
    _ entries: [UInt64], _ kind: RunKind, of run: Run, to values: inout [SealedValue<RunKey>]
  ) {
    var start = 0
    for segment in 0..<run.segments(kind) {
      var end = start
      while end < entries.count, run.segment(kind, of: entries[end]) == segment { end += 1 }
      values.append(
        RunSegment.table.sealed(
          run.key(kind, segment), RunSegment.encoded(entries[start..<end])))
      start = end
    }
  }

  /// By their hashes, ten bits at a time from the lowest on; equal ones stay in their order.
  private static func sorted(_ entries: [UInt64]) -> [UInt64] {
    if entries.isEmpty { return entries }
    var from = PlainRow<UInt64>(count: entries.count)
    var to = PlainRow<UInt64>(count: entries.count)
    for index in entries.indices { from[index] = entries[index] }
    for shift in stride(from: UInt64(RunSegment.indexBits), to: 64, by: 10) {
      var places = [Int](repeating: 0, count: 1025)
      for index in 0..<from.count { places[Int(from[index] >> shift & 1023) + 1] += 1 }
      for digit in 1...1024 { places[digit] += places[digit - 1] }
      for index in 0..<from.count {
        let digit = Int(from[index] >> shift & 1023)
        to[places[digit]] = from[index]
        places[digit] += 1
      }
      swap(&from, &to)
    }
    return (0..<from.count).map { from[$0] }
  }

  /// Of several entries under one hash the last one.
  private static func lastOfEach(_ entries: [UInt64]) -> [UInt64] {
    entries.indices.filter {
      $0 + 1 == entries.count
        || entries[$0] & RunSegment.hashMask != entries[$0 + 1] & RunSegment.hashMask
    }.map { entries[$0] }
  }
}
