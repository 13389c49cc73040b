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

  /// - Parameters:
  ///   - view: what the view shall be made from.
  ///   - earlier: what it was made from, of the same log.
  init(
    _ compiled: CompiledRules, _ reader: ViewReader, view: LogView, earlier: LogView, threads: Int
  ) throws {
    let names = try view.snapshot.subjectNames()
    let ignored = try view.ignoredSubjects(compiled, names, threads: threads)
    var isChanged = try view.changedSubjects(since: earlier, threads: threads)
    for subject in try reader.staleSubjects(at: view.asOf, threads: threads) {
      guard Int(subject) < isChanged.count else { throw ByteDecoder.Damaged() }
      isChanged[Int(subject)] = true
    }
    let links = try view.links(compiled, ignored: ignored, threads: threads)
    let known = links.links.filter {
      $0.position < earlier.size && $0.occurred <= earlier.asOf
    }
    // Without a new link everybody is who he was.
    let lists = known.count == links.links.count ? [known] : [links.links, known]
    let identities = try view.identity(compiled, lists, names, threads: threads)
    let roots = identities.map { (now: $0[0].roots, before: $0[$0.count - 1].roots) }
    let isWanted = Self.wanted(&isChanged, roots)
    let counts = try view.eventCounts(of: isWanted, since: earlier, threads: threads)
    now = CustomerDirectory(
      counts.now, identity: identities?[0], unusable: links.faults, ignored: ignored, names: names)
    before = CustomerDirectory(
      counts.earlier, identity: identities?.last, unusable: .init(), ignored: ignored, names: names)
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
