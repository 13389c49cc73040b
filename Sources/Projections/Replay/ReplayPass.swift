import EventStore

/// Folds one run of customers: reads their lines once, groups them by customer, folds, and finds the ids of anchors.
struct ReplayPass {
  let compiled: CompiledRules
  let view: LogView
  let directory: CustomerDirectory
  let names: NameTable
  let ranks: Range<Int>
  let threads: Int
  /// Customers that one thread folds at a time.
  private static let runLength = 512

  struct Output: Sendable {
    var runs: [PendingCustomers]
    var ids: EventIDs
    var faults: FaultCounts
    var events: Int64
    var ignored: Int64
  }

  func run() throws -> Output {
    let (events, readers) = try readEvents()
    let order = group(events)
    let (runs, faults) = try foldAll(events, readers, order)
    let ids = try findIDs(runs)
    return Output(
      runs: runs, ids: ids, faults: faults, events: Int64(events.count),
      ignored: Int64(events.ignored))
  }

  // MARK: Lines to slices

  /// The events of the pass in the order of the log.
  private func readEvents() throws -> (EventSlice, [Interner]) {
    let ticket = Ticket()
    let work = self
    var parts = try Parallel.run(threads) { thread in
      try work.readSlices(ticket, reader: thread)
    }
    let interners = parts.map { $0.interner }
    // Threads took blocks in turn; merged, they are let go of one after the other.
    var events = EventSlice()
    events.reserve(
      events: parts.reduce(0) { $0 + $1.slices.reduce(0) { $0 + $1.slice.count } },
      operations: parts.reduce(0) { $0 + $1.slices.reduce(0) { $0 + $1.slice.operations.count } })
    for index in parts.indices { parts[index].slices.reverse() }
    while let next = parts.indices.filter({ !parts[$0].slices.isEmpty }).min(by: {
      (parts[$0].slices.last?.block ?? 0) < (parts[$1].slices.last?.block ?? 0)
    }), let taken = parts[next].slices.popLast() {
      events.append(taken.slice)
    }
    return (events, interners)
  }

  private struct Part: Sendable {
    var slices: [(block: Int, slice: EventSlice)] = []
    var interner: Interner
  }

  private func readSlices(_ ticket: Ticket, reader number: Int) throws -> Part {
    let reader = EventReader(compiled, types: view.snapshot.typeNames)
    var part = Part(interner: Interner())
    let first = UInt32(ranks.lowerBound)
    let last = UInt32(ranks.upperBound)
    let everybody = ranks.count == directory.subjects.count
    while true {
      let index = ticket.take()
      if index >= view.blockCount { break }
      let block = try view.snapshot.block(index)
      var slice = EventSlice()
      let rows = view.rows(of: block)
      // Rows of this pass, and whether any line has to be read.
      var wanted: [Int32] = []
      var needsLines = false
      for row in 0..<rows where block.occurred[row] <= view.asOf {
        let rank = directory.ranks[Int(block.subjects[row])]
        guard everybody || (rank >= first && rank < last) else { continue }
        wanted.append(Int32(row))
        if reader.needsLine(type: Int(block.types[row])) { needsLines = true }
      }
      guard let firstRow = wanted.first, let lastRow = wanted.last else { continue }
      func take(_ row: Int, _ line: Span<UInt8>) {
        let isTaken = reader.read(line: line, type: Int(block.types[row]), into: &slice)
        if isTaken {
          slice.endEvent(
            rank: directory.ranks[Int(block.subjects[row])] - first,
            occurred: block.occurred[row], position: block.firstPosition + UInt64(row))
        } else {
          slice.ignored += 1
        }
      }
      if needsLines {
        var next = 0
        try view.snapshot.forEachLine(
          in: block.firstPosition + UInt64(firstRow)..<block.firstPosition + UInt64(lastRow) + 1
        ) { position, line in
          let row = Int32(position - block.firstPosition)
          while next < wanted.count && wanted[next] < row { next += 1 }
          if next < wanted.count && wanted[next] == row { take(Int(row), line) }
        }
      } else {
        let nothing: [UInt8] = []
        for row in wanted { take(Int(row), nothing.span) }
      }
      slice.endPart(reader: number)
      part.slices.append((index, slice))
    }
    part.interner = reader.interner
    return part
  }

  // MARK: Slices to customers

  private struct Order: Sendable {
    /// Indices of events, by customer, then by position.
    var references: [UInt32]
    /// Where each customer's references end.
    var ends: [Int]
  }

  private func group(_ events: EventSlice) -> Order {
    var cursor = Array(repeating: 0, count: ranks.count + 1)
    for rank in events.ranks { cursor[Int(rank) + 1] += 1 }
    for index in 1..<cursor.count { cursor[index] += cursor[index - 1] }
    var references = Array(repeating: UInt32(0), count: events.count)
    for (index, rank) in events.ranks.enumerated() {
      references[cursor[Int(rank)]] = UInt32(index)
      cursor[Int(rank)] += 1
    }
    // Each cursor stands at the end of its customer now.
    cursor.removeLast()
    return Order(references: references, ends: cursor)
  }

  // MARK: Customers to rows

  private func foldAll(
    _ events: EventSlice, _ readers: [Interner], _ order: Order
  ) throws -> ([PendingCustomers], FaultCounts) {
    let ticket = Ticket()
    let work = self
    let parts = try Parallel.run(threads) { _ in
      work.foldRuns(events, readers, order, ticket)
    }
    var runs = parts.flatMap { $0.0 }
    runs.sort { $0.run < $1.run }
    var faults = FaultCounts(compiled)
    for part in parts { faults.add(part.1) }
    return (runs.map { $0.customers }, faults)
  }

  private func foldRuns(
    _ events: EventSlice, _ readers: [Interner], _ order: Order, _ ticket: Ticket
  ) -> ([(run: Int, customers: PendingCustomers)], FaultCounts) {
    let fold = CustomerFold(compiled)
    let base = fold.evaluator.interner
    var strings = StringTranslation(readers: readers)
    var result: [(run: Int, customers: PendingCustomers)] = []
    while true {
      let run = ticket.take()
      let start = run * Self.runLength
      if start >= ranks.count { break }
      var customers = PendingCustomers(compiled)
      for rank in start..<min(start + Self.runLength, ranks.count) {
        let range = (rank == 0 ? 0 : order.ends[rank - 1])..<order.ends[rank]
        guard !range.isEmpty else { continue }
        // Strings of past customers are forgotten once they are many.
        if fold.evaluator.interner.count > base.count + 100_000 {
          fold.evaluator.interner = base
          strings = StringTranslation(readers: readers)
        }
        load(range, order, events, into: fold, &strings)
        fold.fold(asOf: view.asOf)
        add(fold, rank: ranks.lowerBound + rank, to: &customers)
      }
      result.append((run, customers))
    }
    return (result, fold.faults)
  }

  private func load(
    _ range: Range<Int>, _ order: Order, _ events: EventSlice, into fold: CustomerFold,
    _ strings: inout StringTranslation
  ) {
    var isOrdered = true
    var last = Int64.min
    for index in range {
      let occurred = events.occurred[Int(order.references[index])]
      if occurred < last { isOrdered = false }
      last = occurred
    }
    fold.events.removeAll()
    if isOrdered {
      for index in range {
        events.copy(
          Int(order.references[index]), to: &fold.events, compiled: compiled, strings: &strings,
          interner: &fold.evaluator.interner)
      }
      return
    }
    // References rise with positions, so that they break ties.
    let references = order.references[range].sorted {
      (events.occurred[Int($0)], $0) < (events.occurred[Int($1)], $1)
    }
    for reference in references {
      events.copy(
        Int(reference), to: &fold.events, compiled: compiled, strings: &strings,
        interner: &fold.evaluator.interner)
    }
  }

  private func add(_ fold: CustomerFold, rank: Int, to customers: inout PendingCustomers) {
    let joined = (directory.joined[UInt32(rank)] ?? []).map { Array(names.bytes(of: $0)) }
    let name = Array(names.bytes(of: directory.subjects[rank]))
    customers.add(fold, rank: UInt32(rank), name: name.span, joined: joined)
  }

  // MARK: Ids of anchors

  private func findIDs(_ runs: [PendingCustomers]) throws -> EventIDs {
    var positions: [UInt64] = []
    for run in runs {
      for anchor in run.anchors where anchor != PendingCustomers.none { positions.append(anchor) }
    }
    positions.sort()
    let wanted = positions
    let blocks = view.blockCount
    let ticket = Ticket()
    let snapshot = view.snapshot
    let parts = try Parallel.run(threads) { _ in
      var found: [(block: Int, ids: EventIDs)] = []
      while true {
        let block = ticket.take()
        if block >= blocks { break }
        let range = UInt64(block) << 14..<UInt64(block + 1) << 14
        let ids = try Self.findIDs(wanted, in: range, snapshot)
        found.append((block, ids))
      }
      return found
    }
    var all = parts.flatMap { $0 }
    all.sort { $0.block < $1.block }
    var ids = EventIDs()
    for part in all { ids.append(part.ids) }
    ids.makeSearchable()
    return ids
  }

  private static func findIDs(
    _ wanted: [UInt64], in range: Range<UInt64>, _ snapshot: LogSnapshot
  ) throws -> EventIDs {
    var low = 0
    var high = wanted.count
    while low < high {
      let middle = (low + high) / 2
      if wanted[middle] < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < wanted.count && wanted[end] < range.upperBound { end += 1 }
    var ids = EventIDs()
    guard low < end else { return ids }
    var next = low
    try snapshot.forEachLine(in: wanted[low]..<wanted[end - 1] + 1) { position, line in
      guard next < end, wanted[next] == position else { return }
      while next < end && wanted[next] == position { next += 1 }
      EventLine.withID(line) { ids.add(position, id: $0) }
    }
    return ids
  }
}
