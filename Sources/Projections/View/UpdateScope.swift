import EventStore

/// Whom an update has to fold again, and whose records go: everybody else's record is what a rebuild would make of it.
///
/// A customer is folded again with whom events came into view (later in the log, or occurred after the earlier as-of), where
/// its subjects are others than before, and where time has reached the instant at which its record is stale.
struct UpdateScope {
  /// Customers as they are now.
  var now: CustomerDirectory
  /// Customers whose records go; those who come back in `now` among them.
  var before: CustomerDirectory
  /// Where the events of both stand.
  var rows: BlockRows

  /// - Parameters:
  ///   - view: what the view shall be made from.
  ///   - earlier: what it was made from, of the same log.
  init(
    _ compiled: CompiledRules, _ reader: ViewReader, view: LogView, earlier: LogView, threads: Int
  ) throws {
    let names = try view.snapshot.subjectNames(threads: threads)
    var isChanged = try view.changedSubjects(since: earlier, threads: threads)
    for subject in try reader.staleSubjects(at: view.asOf, threads: threads) {
      guard Int(subject) < isChanged.count else { throw ByteDecoder.Damaged() }
      isChanged[Int(subject)] = true
    }
    let who = try Who(compiled, reader, view, earlier, names, isChanged, threads: threads)
    let roots = who.now.map { identity -> (now: [UInt32], before: [UInt32]) in
      let now = identity.roots()
      return (now, who.before?.roots() ?? now)
    }
    let isWanted = Self.wanted(&isChanged, roots)
    let ignored = try view.ignoredSubjects(compiled, names, threads: threads, of: isWanted)
    let events = try view.events(of: isWanted, since: earlier, threads: threads)
    rows = events.rows
    now = CustomerDirectory(
      events.now, identity: who.now, roots: roots?.now, unusable: who.unusable, ignored: ignored,
      names: names)
    before = CustomerDirectory(
      events.earlier, identity: who.before ?? who.now, roots: roots?.before, unusable: .init(),
      ignored: ignored, names: names)
  }

  /// Who is whom, now and before; nil where the rules join nobody.
  private struct Who {
    var now: Identity?
    /// Nil also where everybody is who he was.
    var before: Identity?
    /// Link events without a name.
    var unusable = FaultCounts.Reasons()

    /// Where links that came into view stand behind all that are known, they are taken behind those; else all are read.
    ///
    /// - Parameter isChanged: at least the subjects of events that came into view.
    init(
      _ compiled: CompiledRules, _ reader: ViewReader, _ view: LogView, _ earlier: LogView,
      _ names: NameTable, _ isChanged: [Bool], threads: Int
    ) throws {
      guard compiled.rules.identity != nil else { return }
      if let known = try reader.identity(names) {
        let fresh = try view.links(
          compiled,
          ignored: try view.ignoredSubjects(compiled, names, threads: threads, of: isChanged),
          threads: threads, since: earlier)
        if known.isBefore(fresh.links) {
          unusable = fresh.faults
          now = known
          if fresh.links.isEmpty { return }
          before = known
          now?.take(
            fresh.links, numberOf: try view.numbers(named: fresh.links, names, threads: threads))
          return
        }
      }
      let ignored = try view.ignoredSubjects(compiled, names, threads: threads)
      let all = try view.links(compiled, ignored: ignored, threads: threads)
      let known = all.links.filter {
        $0.position < earlier.size && $0.occurred <= earlier.asOf
      }
      unusable = all.faults
      now = try view.identity(compiled, all.links, names, threads: threads)
      // Without a new link everybody is who he was.
      if known.count == all.links.count { return }
      before = try view.identity(compiled, known, names, threads: threads)
    }
  }

  /// Subjects of all customers that are folded again, and of all whose records go.
  ///
  /// - Parameters:
  ///   - isChanged: by subject; gets those whose customer is another one than before.
  ///   - roots: who names the customer of each subject.
  private static func wanted(
    _ isChanged: inout [Bool], _ roots: (now: [UInt32], before: [UInt32])?
  ) -> [Bool] {
    guard let roots else { return isChanged }
    var (isNow, isBefore) = (isChanged, isChanged)
    for subject in isChanged.indices {
      let (now, before) = (Int(roots.now[subject]), Int(roots.before[subject]))
      guard isChanged[subject] || now != before else { continue }
      // Who names a customer belongs to it, whether it is one now or was one before.
      for each in [subject, now, before] {
        isNow[Int(roots.now[each])] = true
        isBefore[Int(roots.before[each])] = true
        isBefore[Int(roots.now[each])] = true
      }
    }
    return isChanged.indices.map {
      isNow[Int(roots.now[$0])] || isBefore[Int(roots.before[$0])]
    }
  }
}

extension ViewReader {
  /// Who is whom by the links that the view was made from; nil where it does not say.
  ///
  /// - Parameter names: of the log as it is now.
  func identity(_ names: NameTable) throws -> Identity? {
    guard let bytes = try value(ViewFiles.meta, ViewFiles.linksKey) else { return nil }
    let identity = Identity(try JoinCoding.decoded(bytes), subjectCount: names.count) {
      Array(names.bytes(of: $0))
    }
    guard let identity else { throw ByteDecoder.Damaged() }
    return identity
  }

  /// Who names the customers whose records hold no longer at an instant, by dense number.
  func staleSubjects(at instant: Int64, threads: Int) throws -> [UInt32] {
    let due = chunks.staleAt.indices.filter { chunks.staleAt[$0] <= instant }
    let forms = rules.valueForms
    let ticket = Ticket()
    let parts = try Parallel.run(min(threads, max(1, due.count))) { _ in
      var found: [UInt32] = []
      while true {
        let next = ticket.take()
        if next >= due.count { return found }
        var (decoder, count) = try self.records(due[next])
        for _ in 0..<count {
          let upkeep = try RecordLayout(&decoder, forms).upkeep
          if upkeep.staleAt <= instant { found.append(upkeep.subject) }
        }
      }
    }
    return parts.flatMap { $0 }
  }
}
