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
  /// Rows among which all that belong to the pass are; nil for all.
  var among: BlockRows?
  /// Nil for rules that only the tree evaluator folds.
  let plan: TruthPlan?
  /// Told of each event that was read, folded, and kept in what is made of the customers.
  var meter: WorkMeter?
  /// What reading an event in a pass counts, folding it, looking up the ids behind what comes of it, packing that, and what is
  /// done once all is packed: about as long as they take.
  static let readingUnits = 4
  static let foldingUnits = 10
  static let lookUpUnits = 2
  static let packingUnits = 4
  static let finishingUnits = 2

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
    try fold(
      try readBlocks(), into: &summary, from: firstRun, runsAtATime: runsAtATime, make, keep: keep)
  }

  /// As ``run``, of what was read already.
  func fold<Sink: FoldSink>(
    _ read: ReadEvents, into summary: inout ReplaySummary, from firstRun: Int, runsAtATime: Int,
    _ make: @escaping @Sendable () -> Sink, keep: (FoldedRuns<Sink>) throws -> Void
  ) throws {
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

  func readBlocks() throws -> ReadEvents { try readBlocks(with: nil).own }

  /// Reads the blocks, once for two passes of the same rules over one log.
  ///
  /// - Parameter other: sees nothing that this one does not see.
  func readBlocks(with other: ReplayPass?) throws -> (own: ReadEvents, other: ReadEvents?) {
    let ticket = Ticket()
    let work = self
    let parts = try Parallel.run(threads) { thread in
      try work.readBlocks(ticket, with: other, reader: thread)
    }
    func joined(_ parts: [Part]) -> ReadEvents {
      ReadEvents(
        compiled, parts.map(\.found),
        blocks: parts.flatMap(\.blocks).sorted { $0.first < $1.first })
    }
    return (joined(parts.map(\.own)), other == nil ? nil : joined(parts.compactMap(\.other)))
  }

  /// What one thread reads.
  private struct Part: Sendable {
    var blocks: [RunEvents] = []
    var found: EventReader.Found
  }

  private func readBlocks(
    _ ticket: Ticket, with other: ReplayPass?, reader index: Int
  ) throws -> (own: Part, other: Part?) {
    var (reader, otherReader, slice) = (makeReader(), other?.makeReader(), EventSlice())
    var (blocks, otherBlocks): ([RunEvents], [RunEvents]) = ([], [])
    var (ignored, otherIgnored): (Int64, Int64) = (0, 0)
    while true {
      let number = BlockNumber(ticket.take())
      if number >= view.blocks.upperBound { break }
      if let among, among[number].isEmpty { continue }
      let block = try view.snapshot.block(number)
      let rows = rows(of: block, ignored: &ignored)
      try reader.open(block, rows: rows, view.snapshot)
      blocks.append(try read(rows, of: block, &reader, index, &slice))
      if let other, var borrowing = otherReader.take() {
        let others = other.rows(of: block, ignored: &otherIgnored)
        reader.exchangeBlock(with: &borrowing)
        otherBlocks.append(try other.read(others, of: block, &borrowing, index, &slice))
        reader.exchangeBlock(with: &borrowing)
        otherReader = borrowing
      }
      meter?.add(Self.readingUnits * view.rows(of: block))
    }
    var otherPart: Part?
    if var borrowing = otherReader.take() {
      // Both number strings as the one does.
      reader.exchangeBlock(with: &borrowing)
      otherPart = Part(blocks: otherBlocks, found: borrowing.found(ignored: otherIgnored))
      reader.exchangeBlock(with: &borrowing)
    }
    return (Part(blocks: blocks, found: reader.found(ignored: ignored)), otherPart)
  }

  private func makeReader() -> EventReader {
    EventReader(
      compiled, types: view.snapshot.typeNames, skipsIgnore: !directory.ignored.isEmpty)
  }

  /// Rows of a block that belong to the pass.
  ///
  /// - Parameter left: gets the events of subjects that `ignore` leaves out.
  private func rows(of block: BlockColumns, ignored left: inout Int64) -> [Int32] {
    let ignored = directory.ignored
    let first = UInt32(ranks.lowerBound)
    let count = UInt32(ranks.count)
    let subjects = block.subjects.span
    let occurred = block.occurred.span
    let own = directory.ranks.span
    let end = view.rows(of: block)
    var rows: [Int32] = []
    func look(_ row: Int, _ left: inout Int64) {
      let subject = Int(subjects[row])
      guard own[subject] &- first < count else { return }
      if !ignored.isEmpty && ignored[subject] {
        left += 1
      } else {
        rows.append(Int32(truncatingIfNeeded: row))
      }
    }
    if let among {
      for row in among[block.number] where row < end && occurred[Int(row)] <= view.asOf {
        look(Int(row), &left)
      }
    } else {
      rows.reserveCapacity(block.count)
      for row in 0..<end where occurred[row] <= view.asOf { look(row, &left) }
    }
    return rows
  }

  /// Reads rows of the block that a reader has at hand.
  ///
  /// - Parameters:
  ///   - index: of the reader.
  ///   - slice: to be used anew.
  private func read(
    _ rows: [Int32], of block: BlockColumns, _ reader: inout EventReader, _ index: Int,
    _ slice: inout EventSlice
  ) throws -> RunEvents {
    slice.removeAll()
    let first = UInt32(ranks.lowerBound)
    let types = block.types.span
    func place(_ row: Int) -> EventReader.Place {
      EventReader.Place(
        rank: directory.ranks[Int(block.subjects[row])] - first, occurred: block.occurred[row],
        position: block.firstPosition + UInt64(row))
    }
    if !reader.needsLines {
      for row in rows {
        let row = Int(row)
        reader.read(row: row, type: Int(types[row]), at: place(row), into: &slice)
      }
    } else {
      let needsLine = rows.map { reader.needsLine(Int($0), type: Int(block.types[Int($0)])) }
      try view.forEachRow(rows, of: block, needsLine: needsLine) { row, line in
        let type = Int(block.types[row])
        if let line {
          reader.read(line: line, type: type, at: place(row), into: &slice)
        } else {
          reader.read(row: row, type: type, at: place(row), into: &slice)
        }
      }
    }
    return slice.grouped(runs: runCount, first: block.firstPosition, reader: index)
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

extension EventReader {
  /// - Parameter ignored: events that were left out before they came to the reader.
  fileprivate func found(ignored: Int64) -> Found {
    var found = found
    found.ignored += ignored
    return found
  }
}
