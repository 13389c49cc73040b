import EventStore

/// What was learned of a customer's past at one instant: late events, and links that joined what another customer had done.
package struct Correction: Sendable {
  /// When it was recorded: until then it was not known. Microseconds since 1970, as all instants here.
  package var recorded: Int64
  /// The events that came then, in the order of the log.
  package var events: [Event]
  /// The latest instant that the log knew of before; what is later was not yet believed anything of.
  package var horizon: Int64
  /// Rows that were believed until then and are no more, by time.
  package var believed: [Row]
  /// Rows of the same past that are known instead, by time.
  package var known: [Row]

  package struct Event: Sendable {
    package var line: EventLine
    /// It occurred by the horizon, and could have been known; else it joins a subject.
    package var isLate: Bool
    package var isLink: Bool
  }

  package struct Row: Sendable, Equatable {
    /// Whose it was taken for at the time.
    package var customer: String
    package var row: CustomerRecord.Row
  }

  /// The first instant of which something else is known.
  package var since: Int64 { (believed + known).map(\.row.at).min() ?? horizon }
}

/// Finds what changed in the past of one customer as the log grew.
///
/// Events that were recorded at one instant became known together. What was believed before is the fold of all that was known,
/// as of the latest instant that the log knew of; what was known afterwards is compared with it up to that instant.
package struct CorrectionFinder {
  private let compiled: CompiledRules
  private let view: LogView
  private let threads: Int

  package init(_ compiled: CompiledRules, view: LogView, threads: Int) {
    self.compiled = compiled
    self.view = view
    self.threads = threads
  }

  /// - Parameter subjects: all of the customer, as the view knows them.
  /// - Throws: what the store throws.
  package func corrections(of subjects: [String]) throws -> [Correction] {
    let all = try related(to: subjects)
    let lines = try CustomerLookup.lines(of: all, view: view, threads: threads)
      .sorted { $0.position < $1.position }
    let batches = try batches(lines)
    let horizons = try horizons(of: batches.map(\.recorded))
    var corrections: [Correction] = []
    for (batch, horizon) in zip(batches, horizons) {
      guard let horizon else { continue }
      let events = lines[batch.range].map { line in
        Correction.Event(
          line: line, isLate: line.occurred <= horizon, isLink: isLink(line))
      }.filter { $0.isLate || $0.isLink }
      if events.isEmpty { continue }
      let before = lines[..<batch.range.lowerBound].filter { $0.occurred <= horizon }
      let after = Array(lines[..<batch.range.upperBound])
      let believed = rows(before, asOf: horizon, of: subjects)
      let known = rows(
        after, asOf: max(horizon, after.map(\.occurred).max() ?? horizon), of: subjects
      ).filter { $0.row.at <= horizon }
      let correction = Correction(
        recorded: batch.recorded, events: events, horizon: horizon,
        believed: believed.filter { !known.contains($0) },
        known: known.filter { !believed.contains($0) })
      if !correction.believed.isEmpty || !correction.known.isEmpty {
        corrections.append(correction)
      }
    }
    return corrections
  }

  // MARK: What became known when

  /// Lines that were recorded at one instant.
  private struct Batch {
    var recorded: Int64
    var range: Range<Int>
  }

  private func batches(_ lines: [EventLine]) throws -> [Batch] {
    var batches: [Batch] = []
    for (index, line) in lines.enumerated() {
      let recorded = try view.snapshot.header(at: line.position).recorded
      if batches.last?.recorded == recorded {
        batches[batches.count - 1].range = batches[batches.count - 1].range.lowerBound..<index + 1
      } else {
        batches.append(Batch(recorded: recorded, range: index..<index + 1))
      }
    }
    return batches
  }

  /// The latest instant that the log knew of before each instant of recording, at most as-of; nil where it was empty.
  private func horizons(of recorded: [Int64]) throws -> [Int64?] {
    let sizes = try recorded.map { min(try view.snapshot.size(knownAt: $0 - 1), view.size) }
    var horizons: [Int64?] = []
    var latest: Int64?
    var position: UInt64 = 0
    var block = BlockNumber(0)
    // Both the instants and what is known by them grow, so that each block is read once.
    for size in sizes {
      while position < size, block < view.blocks.upperBound {
        let columns = try view.snapshot.block(block)
        let first = Int(position - columns.firstPosition)
        let end = min(columns.count, Int(size - columns.firstPosition))
        for row in first..<max(first, end) where !columns.isErased(row) {
          latest = max(latest ?? columns.occurred[row], columns.occurred[row])
        }
        position = columns.firstPosition + UInt64(end)
        if end == columns.count { block = block.advanced(by: 1) }
      }
      horizons.append(latest.map { min($0, view.asOf) })
    }
    return horizons
  }

  // MARK: Who was whom

  private func isLink(_ line: EventLine) -> Bool {
    guard let field = compiled.identityField else { return false }
    var reader = EventReader(compiled, types: [Array(line.type.utf8)])
    if case .named = reader.link(line: line.line.span, type: 0, identity: field) { return true }
    return false
  }

  /// All subjects that any link in view, in force or not, ties to these.
  private func related(to subjects: [String]) throws -> [String] {
    guard compiled.rules.identity != nil else { return subjects }
    let names = try view.snapshot.subjectNames()
    let links = try view.links(compiled, ignored: [], threads: threads).links
    var known: Set<ByteString> = Set(subjects.map { ByteString($0) })
    var numbers: Set<UInt32> = Set(
      subjects.compactMap { names.number(of: Array($0.utf8).span) })
    var isGrowing = true
    while isGrowing {
      isGrowing = false
      for link in links {
        let named = ByteString(String(decoding: link.named, as: UTF8.self))
        let (hasOwn, hasNamed) = (numbers.contains(link.subject), known.contains(named))
        if hasOwn == hasNamed { continue }
        isGrowing = true
        known.insert(named)
        known.insert(
          ByteString(String(decoding: names.bytes(of: link.subject), as: UTF8.self)))
        numbers.insert(link.subject)
        if let number = names.number(of: link.named.span) { numbers.insert(number) }
      }
    }
    return known.sorted().map(\.string)
  }

  /// The rows, by time, of those customers that these lines make of the subjects.
  private func rows(
    _ lines: some Sequence<EventLine>, asOf: Int64, of subjects: [String]
  ) -> [Correction.Row] {
    let lines = Array(lines)
    var follows: [ByteString: ByteString] = [:]
    for link in CustomerLookup.links(of: lines, compiled: compiled) {
      follows[ByteString(link.named)] = ByteString(link.subject)
    }
    func customer(_ subject: String) -> ByteString {
      var subject = ByteString(subject)
      while let next = follows[subject] { subject = next }
      return subject
    }
    var own: [ByteString: [EventLine]] = [:]
    for line in lines { own[customer(line.subject), default: []].append(line) }
    var rows: [Correction.Row] = []
    for name in Set(subjects.map(customer)).sorted() {
      guard let lines = own[name],
        let record = Explainer(compiled, customer: name.string, lines: lines, asOf: asOf).record()
      else { continue }
      rows += record.rows.map { Correction.Row(customer: name.string, row: $0) }
    }
    return rows.enumerated().sorted {
      ($0.element.row.at, $0.offset) < ($1.element.row.at, $1.offset)
    }.map(\.element)
  }
}
