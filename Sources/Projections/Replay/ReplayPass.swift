import EventStore

/// Folds one pass of customers: reads their lines once, run by run of customers, folds, and finds the ids of anchors.
struct ReplayPass {
  let compiled: CompiledRules
  let view: LogView
  let directory: CustomerDirectory
  let names: NameTable
  let ranks: Range<Int>
  let threads: Int
  var followsSegments = false

  struct Output: Sendable {
    var runs: [PendingCustomers]
    var ids: EventIDs
    var faults: FaultCounts
    var events: Int64
    var ignored: Int64
  }

  private var runCount: Int {
    (ranks.count + EventSlice.runLength - 1) / EventSlice.runLength
  }

  /// What is held before it is handed on, in bytes: rules may move customers any number of times, and customers are many.
  private static let heldBytes = 80 << 20
  /// Runs that are folded before their bytes are counted.
  private static let runsAtATime = 64

  /// - Parameter keep: called with runs in order; the counts of events come with the first.
  func run(_ keep: (Output) throws -> Void) throws {
    let (blocks, readers, aliases) = try readBlocks()
    var output = Output(
      runs: [], ids: EventIDs(blocks: []), faults: aliases,
      events: Int64(blocks.reduce(0) { $0 + $1.count }),
      ignored: Int64(blocks.reduce(0) { $0 + $1.ignored }))
    var first = 0
    while first < runCount {
      let end = min(first + Self.runsAtATime, runCount)
      let (runs, faults) = try fold(first..<end, blocks, readers)
      output.runs += runs
      output.faults.add(faults)
      first = end
      let held = output.runs.reduce(0) { $0 + $1.bytes }
      if held < Self.heldBytes && first < runCount { continue }
      output.ids = try AnchorIDs(view: view, threads: threads).find(output.runs)
      try keep(output)
      output = Output(
        runs: [], ids: EventIDs(blocks: []), faults: FaultCounts(compiled), events: 0, ignored: 0)
    }
  }

  // MARK: Lines to runs

  private struct Part: Sendable {
    var blocks: [(number: Int, events: RunEvents)] = []
    var interner = Interner()
    /// What the events are, by alias.
    var aliases: FaultCounts
  }

  /// The events of the pass, block by block, who numbered their strings, and how many are which alias.
  private func readBlocks() throws -> ([RunEvents], [Interner], FaultCounts) {
    let ticket = Ticket()
    let work = self
    let parts = try Parallel.run(threads) { thread in
      try work.readBlocks(ticket, reader: thread)
    }
    var blocks = parts.flatMap { $0.blocks }
    blocks.sort { $0.number < $1.number }
    var aliases = FaultCounts(compiled)
    for part in parts { aliases.add(part.aliases) }
    return (blocks.map { $0.events }, parts.map { $0.interner }, aliases)
  }

  private func readBlocks(_ ticket: Ticket, reader number: Int) throws -> Part {
    var reader = EventReader(
      compiled, types: view.snapshot.typeNames, skipsIgnore: !directory.ignored.isEmpty)
    var slice = EventSlice(reader: number)
    var part = Part(aliases: FaultCounts(compiled))
    while true {
      let index = ticket.take()
      if index >= view.blockCount { break }
      slice.removeAll()
      try read(try view.snapshot.block(index), &reader, into: &slice)
      part.blocks.append((index, slice.grouped(runs: runCount)))
    }
    part.interner = reader.interner
    part.aliases.typed = reader.typed
    part.aliases.matched = reader.matched
    return part
  }

  private func read(
    _ block: BlockColumns, _ reader: inout EventReader, into slice: inout EventSlice
  ) throws {
    let ignored = directory.ignored
    let first = UInt32(ranks.lowerBound)
    let count = UInt32(ranks.count)
    var rows: [Int32] = []
    rows.reserveCapacity(block.count)
    for row in 0..<view.rows(of: block) where block.occurred[row] <= view.asOf {
      let subject = Int(block.subjects[row])
      guard directory.ranks[subject] &- first < count else { continue }
      if !ignored.isEmpty && ignored[subject] {
        slice.ignored += 1
      } else {
        rows.append(Int32(row))
      }
    }
    try reader.open(block, rows: rows, number: Int(block.firstPosition >> 14), view.snapshot)
    let types = block.types
    let needsLine = rows.map { reader.needsLine(Int($0), type: Int(types[Int($0)])) }
    try view.forEachRow(rows, of: block, needsLine: needsLine) { row, line in
      slice.beginEvent(
        rank: directory.ranks[Int(block.subjects[row])] - first, occurred: block.occurred[row],
        position: block.firstPosition + UInt64(row))
      let type = Int(types[row])
      let isTaken =
        if let line {
          reader.read(line: line, type: type, into: &slice)
        } else {
          reader.read(row: row, type: type, into: &slice)
        }
      if isTaken { slice.endEvent() } else { slice.dropEvent() }
    }
  }

  // MARK: Customers to rows

  private func fold(
    _ range: Range<Int>, _ blocks: [RunEvents], _ readers: [Interner]
  ) throws -> ([PendingCustomers], FaultCounts) {
    let ticket = Ticket()
    let work = self
    let parts = try Parallel.run(threads) { _ in
      work.foldRuns(range, blocks, readers, ticket)
    }
    var runs = parts.flatMap { $0.0 }
    runs.sort { $0.run < $1.run }
    var faults = FaultCounts(compiled)
    for part in parts { faults.add(part.1) }
    return (runs.map { $0.customers }, faults)
  }

  private func foldRuns(
    _ range: Range<Int>, _ blocks: [RunEvents], _ readers: [Interner], _ ticket: Ticket
  ) -> ([(run: Int, customers: PendingCustomers)], FaultCounts) {
    var result: [(run: Int, customers: PendingCustomers)] = []
    let faults = forEachCustomer(
      range, blocks, readers, ticket,
      begin: { run, _ in result.append((run, PendingCustomers(compiled))) },
      each: { fold, rank in add(fold, rank: rank, to: &result[result.count - 1].customers) })
    return (result, faults)
  }

  /// Folds the customers of the runs that this thread takes.
  ///
  /// - Parameter begin: told of each run before its customers, and whether strings of the fold are numbered anew.
  private func forEachCustomer(
    _ range: Range<Int>, _ blocks: [RunEvents], _ readers: [Interner], _ ticket: Ticket,
    begin: (Int, Bool) -> Void, each: (CustomerFold, Int) -> Void
  ) -> FaultCounts {
    var fold = CustomerFold(compiled, followsSegments: followsSegments)
    var loader = RunLoader()
    let base = fold.evaluator.interner
    var strings = StringTranslation(readers: readers)
    while true {
      let run = range.lowerBound + ticket.take()
      if run >= range.upperBound { return fold.faults }
      // Strings of past customers are forgotten once they are many.
      let forgets = fold.evaluator.interner.count > base.count + 100_000
      if forgets {
        fold.evaluator.interner = base
        strings = StringTranslation(readers: readers)
      }
      begin(run, forgets)
      loader.gather(run, blocks)
      let start = run * EventSlice.runLength
      for customer in 0..<min(EventSlice.runLength, ranks.count - start) {
        let isThere = loader.load(
          customer, into: &fold.events, compiled: compiled, strings: &strings,
          interner: &fold.evaluator.interner)
        guard isThere else { continue }
        fold.fold(asOf: view.asOf)
        each(fold, ranks.lowerBound + start + customer)
      }
    }
  }

  /// Folds the pass and gives its customers to collectors, one a thread, in no order.
  func collect<Collector: FoldCollector>(
    _ make: @escaping @Sendable () -> Collector
  ) throws -> [Collector] {
    let (blocks, readers, _) = try readBlocks()
    let ticket = Ticket()
    let work = self
    return try Parallel.run(threads) { _ in
      var collector = make()
      _ = work.forEachCustomer(
        0..<work.runCount, blocks, readers, ticket,
        begin: { _, forgets in if forgets { collector.forgetStrings() } },
        each: { fold, rank in collector.add(fold, rank: UInt32(rank)) })
      return collector
    }
  }

  private func add(_ fold: CustomerFold, rank: Int, to customers: inout PendingCustomers) {
    var joined: [[UInt8]] = []
    if !directory.joined.isEmpty, let others = directory.joined[UInt32(rank)] {
      joined = others.map { Array(names.bytes(of: $0)) }
    }
    names.withBytes(of: directory.subjects[rank]) {
      customers.add(fold, rank: UInt32(rank), name: $0, joined: joined)
    }
  }
}
