import EventStore

/// The part of a log that a replay sees: events recorded among the first `size`, occurred up to `asOf`.
public struct LogView: Sendable {
  /// The log as it was when it was opened.
  public let snapshot: LogSnapshot
  /// Only events at positions below it are in view.
  public let size: UInt64
  /// Microseconds since 1970, inclusive: only what occurred by then is in view, and timers up to then.
  public let asOf: Int64

  /// - Parameters:
  ///   - snapshot: an open log.
  ///   - size: at most that of the snapshot; for known-at the number of events recorded by then.
  ///   - asOf: microseconds since 1970.
  public init(snapshot: LogSnapshot, size: UInt64, asOf: Int64) {
    self.snapshot = snapshot
    self.size = size
    self.asOf = asOf
  }

  /// The earliest instant among the first `size` events; nil for none. What came later in the log, of whatever instant, is
  /// nothing to the view.
  func earliestOccurred() throws -> Int64? {
    if size >= snapshot.size { return snapshot.earliestOccurred }
    var earliest: Int64?
    for number in blocks {
      let block = try snapshot.block(number)
      for row in 0..<rows(of: block) where !block.isErased(row) {
        earliest = min(earliest ?? block.occurred[row], block.occurred[row])
      }
    }
    return earliest
  }

  /// How many rows of a block are among the first `size`.
  func rows(of block: BlockColumns) -> Int {
    min(block.count, block.number.rows(of: size))
  }

  /// Blocks that hold any of the first `size` events.
  var blocks: Range<BlockNumber> { BlockNumber.all(min(size, snapshot.size)) }

  /// Events in view.
  struct EventCounts: Sendable {
    var bySubject: [UInt32]
    /// By number of the raw type.
    var byType: [Int]
  }

  func eventCounts(threads: Int) throws -> EventCounts {
    let ticket = Ticket()
    let view = self
    let parts = try Parallel.run(threads) { _ in
      var bySubject = Array(repeating: UInt32(0), count: view.snapshot.subjectCount)
      var byType = Array(repeating: 0, count: view.snapshot.typeNames.count)
      while let block = try view.nextBlock(ticket) {
        let rows = view.rows(of: block)
        let (subjects, types, occurred) = (block.subjects, block.types, block.occurred)
        for row in 0..<rows where occurred[row] <= view.asOf {
          bySubject[Int(subjects[row])] += 1
          byType[Int(types[row])] += 1
        }
      }
      return EventCounts(bySubject: bySubject, byType: byType)
    }
    var total = parts[0]
    for part in parts.dropFirst() {
      for subject in total.bySubject.indices { total.bySubject[subject] += part.bySubject[subject] }
      for type in total.byType.indices { total.byType[type] += part.byType[type] }
    }
    return total
  }

  /// The next block that no thread has taken yet.
  ///
  /// - Parameter earlier: of this log; only blocks of which it may not see all that this view sees.
  func nextBlock(_ ticket: Ticket, since earlier: LogView? = nil) throws -> BlockColumns? {
    while true {
      let number = BlockNumber(ticket.take())
      if number >= blocks.upperBound { return nil }
      if let earlier, try earlier.seesAll(of: number, like: self) { continue }
      return try snapshot.block(number)
    }
  }

  /// Links among the events in view, and link events whose field has no value.
  struct Links: Sendable {
    var links: [Identity.Link] = []
    var faults = FaultCounts.Reasons()
  }

  /// The links of the rules' identity among the events in view.
  ///
  /// - Parameters:
  ///   - ignored: by subject, where `ignore` reads nothing else.
  ///   - earlier: only those that came into view since, of this log.
  func links(
    _ compiled: CompiledRules, ignored: [Bool], threads: Int, since earlier: LogView? = nil
  ) throws -> Links {
    guard let field = compiled.identityField else { return Links() }
    let alias = compiled.rules.aliases[compiled.fields[field].alias]
    let linking = snapshot.typeNames.map { type in
      alias.types.contains { Array($0.utf8) == type }
    }
    guard linking.contains(true) else { return Links() }
    let ticket = Ticket()
    let view = self
    let parts = try Parallel.run(threads) { _ in
      var reader = EventReader(
        compiled, types: view.snapshot.typeNames, skipsIgnore: !ignored.isEmpty)
      var links = Links()
      while let block = try view.nextBlock(ticket, since: earlier) {
        let rows = (0..<view.rows(of: block)).filter {
          linking[Int(block.types[$0])] && block.occurred[$0] <= view.asOf
            && (ignored.isEmpty || !ignored[Int(block.subjects[$0])])
            && !(earlier?.sees($0, of: block) ?? false)
        }.map { Int32($0) }
        try view.readLinks(rows, of: block, field, &reader, into: &links)
      }
      return links
    }
    return parts.reduce(into: Links()) { all, part in
      all.links += part.links
      all.faults.add(part.faults)
    }
  }

  private func readLinks(
    _ rows: [Int32], of block: BlockColumns, _ field: Int, _ reader: inout EventReader,
    into found: inout Links
  ) throws {
    try reader.open(block, rows: rows, snapshot, linking: field)
    let types = block.types
    let needsLine = rows.map {
      reader.needsLine(Int($0), type: Int(types[Int($0)]), linking: field)
    }
    try forEachRow(rows, of: block, needsLine: needsLine) { row, line in
      let type = Int(types[row])
      let answer =
        if let line {
          reader.link(line: line, type: type, identity: field)
        } else {
          reader.link(row: row, type: type, identity: field)
        }
      let position = block.firstPosition + UInt64(row)
      switch answer {
      case .none: return
      case .fault(let reason): found.faults.add(reason, position)
      case .named(let name):
        found.links.append(
          Identity.Link(
            occurred: block.occurred[row], position: position, subject: block.subjects[row],
            named: name))
      }
    }
  }

  /// Visits rows of a block in their order, those that need it with their line.
  func forEachRow(
    _ rows: [Int32], of block: BlockColumns, needsLine: [Bool],
    _ body: (Int, Span<UInt8>?) -> Void
  ) throws {
    var next = 0
    if let first = needsLine.firstIndex(of: true), let last = needsLine.lastIndex(of: true) {
      let start = block.firstPosition + UInt64(rows[first])
      let end = block.firstPosition + UInt64(rows[last]) + 1
      try snapshot.forEachLine(in: start..<end) { position, line in
        let row = Int32(position - block.firstPosition)
        while next < rows.count && rows[next] < row {
          if !needsLine[next] { body(Int(rows[next]), nil) }
          next += 1
        }
        if next < rows.count && rows[next] == row {
          body(Int(row), needsLine[next] ? line : nil)
          next += 1
        }
      }
    }
    while next < rows.count {
      if !needsLine[next] { body(Int(rows[next]), nil) }
      next += 1
    }
  }

  /// Who the customers are.
  func directory(
    _ compiled: CompiledRules, names: NameTable, threads: Int
  ) throws -> CustomerDirectory {
    let counts = try eventCounts(threads: threads)
    let ignored = try ignoredSubjects(compiled, names, threads: threads)
    let links = try links(compiled, ignored: ignored, threads: threads)
    let identity = try self.identity(compiled, links.links, names, threads: threads)
    return CustomerDirectory(
      counts, identity: identity, unusable: links.faults, ignored: ignored, names: names)
  }

  /// Who is whom by some links; nil where the rules join nobody.
  func identity(
    _ compiled: CompiledRules, _ links: [Identity.Link], _ names: NameTable, threads: Int
  ) throws -> Identity? {
    guard compiled.rules.identity != nil else { return nil }
    let numbers = try numbers(named: links, names, threads: threads)
    return Identity(links: links, subjectCount: snapshot.subjectCount, numberOf: numbers)
  }

  /// The dense numbers of those whom some links name; nil for who is no subject.
  func numbers(
    named links: [Identity.Link], _ names: NameTable, threads: Int
  ) throws -> ([UInt8]) -> UInt32? {
    var wanted = Interner()
    for link in links { _ = wanted.number(of: link.named.span) }
    let numbers = links.isEmpty ? [] : try subjects(named: wanted, names, threads: threads)
    return { name in wanted.find(name.span).flatMap { numbers[Int($0)] } }
  }

  /// The subject of each name.
  func subjects(
    named wanted: Interner, _ names: NameTable, threads: Int
  ) throws -> [UInt32?] {
    let parts = try forEachSubject(names, threads) { subjects in
      var found: [(name: Int, subject: UInt32)] = []
      for subject in subjects {
        // Who was erased has no name.
        let number = names.withBytes(of: subject) { $0.isEmpty ? nil : wanted.find($0) }
        if let number {
          found.append((Int(number), subject))
        }
      }
      return found
    }
    var result: [UInt32?] = Array(repeating: nil, count: wanted.count)
    for (name, subject) in parts.flatMap({ $0 }) { result[name] = subject }
    return result
  }

  /// By subject, where `ignore` reads nothing else; else empty.
  ///
  /// - Parameter isAsked: by subject; nobody else is looked at.
  func ignoredSubjects(
    _ compiled: CompiledRules, _ names: NameTable, threads: Int, of isAsked: [Bool]? = nil
  ) throws -> [Bool] {
    guard compiled.ignoresBySubject, compiled.ignoreRoot >= 0 else { return [] }
    return try forEachSubject(names, threads) { subjects in
      var reader = EventReader(compiled, types: [], skipsIgnore: true)
      return subjects.map { subject in
        if let isAsked, !isAsked[Int(subject)] { return false }
        return names.withBytes(of: subject) { reader.isIgnored(subject: $0) }
      }
    }.flatMap { $0 }
  }

  /// Gives each thread a run of subjects; the answers stand in their order.
  private func forEachSubject<Answer: Sendable>(
    _ names: NameTable, _ threads: Int, _ body: @escaping @Sendable (Range<UInt32>) -> Answer
  ) throws -> [Answer] {
    let count = names.count
    return try Parallel.run(threads) { thread in
      body(UInt32(count * thread / threads)..<UInt32(count * (thread + 1) / threads))
    }
  }
}
