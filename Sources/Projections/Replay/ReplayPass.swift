import EventStore

/// Folds one pass of customers: reads their events once, run by run of customers, and folds; what becomes of them is a sink's.
struct ReplayPass {
  let compiled: CompiledRules
  let view: LogView
  let directory: CustomerDirectory
  /// Ranks in the directory.
  let ranks: Range<Int>
  let threads: Int
  var followsSegments = false
  var engine = FoldEngine.words
  /// Nil for rules that only the tree evaluator folds.
  let plan: TruthPlan?
  /// Told of each event that was read, folded, and kept in what is made of the customers.
  var meter: WorkMeter?
  /// What reading an event in a pass, folding it, and keeping what comes of it count: about as long as they take.
  static let readingUnits = 2
  static let foldingUnits = 3
  static let keepingUnits = 1

  var runCount: Int {
    (ranks.count + EventSlice.runLength - 1) / EventSlice.runLength
  }

  /// - Parameters:
  ///   - summary: gets the counts of the pass; what was read, behind its last run.
  ///   - firstRun: those before it are in the summary.
  ///   - runsAtATime: how many are folded before they are handed on.
  ///   - keep: called with the runs in order.
  func run<Sink: FoldSink>(
    into summary: inout ReplaySummary, from firstRun: Int, runsAtATime: Int,
    _ make: @escaping @Sendable () -> Sink, keep: (FoldedRuns<Sink>) throws -> Void
  ) throws {
    let read = try readBlocks()
    let step = max(1, min(runsAtATime, runCount))
    for first in stride(from: firstRun, to: runCount, by: step) {
      let end = min(first + step, runCount)
      let parts = try fold(first..<end, read, make)
      var counts = FoldCounts(compiled)
      var faults = FaultCounts(compiled)
      for part in parts {
        counts.add(part.counts)
        faults.add(part.faults)
      }
      summary.add(counts, faults, directory)
      if end == runCount { summary.add(read) }
      var runs = parts.flatMap(\.runs)
      runs.sort { $0.number < $1.number }
      try keep(
        FoldedRuns(
          runs: runs.map(\.run), sinks: parts.map(\.sink),
          events: parts.reduce(0) { $0 + $1.events },
          point: ReplayPoint(
            customers: min(ranks.lowerBound + end * EventSlice.runLength, ranks.upperBound),
            summary: summary)))
    }
  }

  // MARK: Lines to runs

  func readBlocks() throws -> ReadEvents {
    let ticket = Ticket()
    let work = self
    let parts = try Parallel.run(threads) { thread in
      try work.readBlocks(ticket, reader: thread)
    }
    var blocks = parts.flatMap { $0.blocks }
    blocks.sort { $0.first < $1.first }
    return ReadEvents(compiled, parts.map(\.found), blocks: blocks)
  }

  /// What one thread reads.
  private struct Part: Sendable {
    var blocks: [RunEvents] = []
    var found: EventReader.Found
  }

  private func readBlocks(_ ticket: Ticket, reader index: Int) throws -> Part {
    var reader = EventReader(
      compiled, types: view.snapshot.typeNames, skipsIgnore: !directory.ignored.isEmpty)
    var slice = EventSlice()
    var blocks: [RunEvents] = []
    var ignored: Int64 = 0
    while true {
      let number = BlockNumber(ticket.take())
      if number >= view.blocks.upperBound { break }
      slice.removeAll()
      let block = try view.snapshot.block(number)
      ignored += try read(block, &reader, into: &slice)
      blocks.append(slice.grouped(runs: runCount, first: block.firstPosition, reader: index))
      meter?.add(Self.readingUnits * view.rows(of: block))
    }
    var found = reader.found
    found.ignored += ignored
    return Part(blocks: blocks, found: found)
  }

  /// - Returns: events of subjects that `ignore` leaves out.
  private func read(
    _ block: BlockColumns, _ reader: inout EventReader, into slice: inout EventSlice
  ) throws -> Int64 {
    let ignored = directory.ignored
    let first = UInt32(ranks.lowerBound)
    let count = UInt32(ranks.count)
    var left: Int64 = 0
    let subjects = block.subjects.span
    let types = block.types.span
    let occurred = block.occurred.span
    let own = directory.ranks.span
    var rows: [Int32] = []
    rows.reserveCapacity(block.count)
    for row in 0..<view.rows(of: block) where occurred[row] <= view.asOf {
      let subject = Int(subjects[row])
      guard own[subject] &- first < count else { continue }
      if !ignored.isEmpty && ignored[subject] {
        left += 1
      } else {
        rows.append(Int32(truncatingIfNeeded: row))
      }
    }
    func place(_ row: Int) -> EventReader.Place {
      EventReader.Place(
        rank: directory.ranks[Int(block.subjects[row])] - first, occurred: block.occurred[row],
        position: block.firstPosition + UInt64(row))
    }
    try reader.open(block, rows: rows, view.snapshot)
    if !reader.needsLines {
      for row in rows {
        let row = Int(row)
        reader.read(row: row, type: Int(types[row]), at: place(row), into: &slice)
      }
      return left
    }
    let needsLine = rows.map { reader.needsLine(Int($0), type: Int(block.types[Int($0)])) }
    try view.forEachRow(rows, of: block, needsLine: needsLine) { row, line in
      let type = Int(block.types[row])
      if let line {
        reader.read(line: line, type: type, at: place(row), into: &slice)
      } else {
        reader.read(row: row, type: type, at: place(row), into: &slice)
      }
    }
    return left
  }

  // MARK: Customers to sinks

  /// What one thread makes of the runs that it takes.
  private struct Folded<Sink: FoldSink>: Sendable {
    var sink: Sink
    var runs: [(number: Int, run: Sink.Run)] = []
    /// In view, of the customers that were folded.
    var events = 0
    var counts: FoldCounts
    var faults: FaultCounts
  }

  private func fold<Sink: FoldSink>(
    _ range: Range<Int>, _ read: ReadEvents, _ make: @escaping @Sendable () -> Sink
  ) throws -> [Folded<Sink>] {
    let ticket = Ticket()
    let work = self
    return try Parallel.run(threads) { _ in try work.foldRuns(range, read, ticket, make()) }
  }

  private func foldRuns<Sink: FoldSink>(
    _ range: Range<Int>, _ read: ReadEvents, _ ticket: Ticket, _ sink: Sink
  ) throws -> Folded<Sink> {
    var folded = Folded(
      sink: sink, counts: FoldCounts(compiled), faults: FaultCounts(compiled))
    var folder = RunFolder(self, read)
    while true {
      let run = range.lowerBound + ticket.take()
      if run >= range.upperBound { break }
      folded.sink.beginRun(stringsAnew: folder.begin(run))
      let start = ranks.lowerBound + run * EventSlice.runLength
      var events = 0
      for customer in 0..<RunFolder.customers(of: run, in: ranks) {
        let rank = start + customer
        events += Int(directory.counts[rank])
        guard folder.fold(customer: customer, rank: rank) else { continue }
        folder.fold.exchangeStrings()
        folded.counts.add(folder.fold.customer, rank: UInt32(rank))
        folded.sink.add(folder.fold.customer, rank: UInt32(rank))
        folder.fold.exchangeStrings()
      }
      folded.runs.append((run, folded.sink.endRun()))
      folded.events += events
      meter?.add(Self.foldingUnits * events)
    }
    if let difference = folder.fold.difference { throw difference }
    folded.faults = folder.fold.faults
    return folded
  }
}
