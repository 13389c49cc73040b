/// What ``Store/verify(threads:progress:)`` found.
public struct VerifyReport: Sendable {
  /// Something that is not as it must be.
  public struct Problem: Sendable {
    /// Nil where it concerns no single event.
    public var position: UInt64?
    /// Lower case, no full stop.
    public var what: String

    /// - Parameters:
    ///   - position: nil where it concerns no single event.
    ///   - what: lower case, no full stop.
    public init(position: UInt64? = nil, what: String) {
      self.position = position
      self.what = what
    }
  }

  /// Number of events that the log claims.
  public var size: UInt64
  /// The root that the log claims, 32 bytes.
  public var root: [UInt8]
  /// Number of events that were erased.
  public var erased: UInt64 = 0
  /// Empty where nothing is wrong; 10,000 at most.
  public var problems: [Problem] = []
  /// Nothing is wrong.
  public var isOK: Bool { problems.isEmpty }
}

extension Store {
  /// Reads every stored byte: checksums, positions without gaps, the root, columns against lines, subject chains, the
  /// register.
  ///
  /// Damage is reported by position and reading goes on behind it. Blocks are checked on all threads; what reaches over
  /// blocks (root, chains, order of `recorded`) is put together from what each block gave.
  public func verify(
    threads: Int, progress: (Double) -> Void
  ) throws(EventStoreError) -> VerifyReport {
    try verify(threads: threads, withIndex: true, progress: progress)
  }

  /// - Parameter withIndex: the index is of this log.
  func verify(
    threads: Int, withIndex: Bool, progress: (Double) -> Void
  ) throws(EventStoreError) -> VerifyReport {
    let known = try HeadFile(path: StoreFiles(path: path).head).known()
    let state = try reader.state()
    let sipHash = try reader.idHashKey()
    return try reader.guarded("verify") {
      var verification = Verification(
        reader: reader, state: state, sipHash: sipHash,
        report: VerifyReport(size: state.size, root: state.tree.root))
      try verification.run(threads: threads, progress)
      verification.checkHead(known)
      verification.checkRegister(LogSnapshot(reader: reader, state: state))
      if withIndex { verification.checkIndex(StoreFiles(path: path), threads: threads) }
      return verification.report
    }
  }
}

/// A walk over the log: puts together what blocks gave.
private struct Verification {
  let reader: LogReader
  let state: StateRecord
  let sipHash: SipHash
  var report: VerifyReport
  private var tree = MerkleTree()
  private var names = NameTable()
  /// By subject: position of the last event seen, and how many.
  private var last: [UInt64] = []
  private var sequences: [UInt32] = []
  /// What the state record has to say besides.
  private var seen = StateRecord()
  private var types = 0
  private var isWhole = true
  /// Nil where it cannot be read, and why.
  private let register: Register?
  private let registerFault: String?
  /// Where control records say that events were erased.
  private let erased: PositionRanges
  /// Subjects without a name.
  private var nameless = 0
  private static let maximumProblems = 10_000

  init(reader: LogReader, state: StateRecord, sipHash: SipHash, report: VerifyReport) {
    self.reader = reader
    self.state = state
    self.sipHash = sipHash
    self.report = report
    do {
      let register = try reader.register(count: state.control.size)
      self.register = register
      registerFault = nil
      erased = register.erased
    } catch {
      register = nil
      registerFault = describe(error, 0).what
      erased = PositionRanges()
    }
  }

  private mutating func add(_ position: UInt64?, _ what: String) {
    if report.problems.count < Self.maximumProblems {
      report.problems.append(VerifyReport.Problem(position: position, what: what))
    }
  }

  mutating func run(threads: Int, _ progress: (Double) -> Void) throws {
    let blocks = BlockNumber.all(state.size)
    let unread = readNames(blocks)
    last = Array(repeating: UInt64.max, count: names.count)
    sequences = Array(repeating: 0, count: names.count)
    let verifier = BlockVerifier(
      reader: reader, state: state, sipHash: sipHash, names: names, erased: erased)
    // In waves, so that what is waiting to be put together stays small.
    let wave = threads * 16
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: wave) {
      let numbers = first..<min(first.advanced(by: wave), blocks.upperBound)
      let ticket = Ticket()
      let parts = try Parallel.run(threads) { _ in
        var found: [BlockFindings] = []
        while true {
          let number = numbers.lowerBound.advanced(by: ticket.take())
          if number >= numbers.upperBound { return found }
          found.append(verifier.verify(number))
        }
      }
      for findings in parts.flatMap({ $0 }).sorted(by: { $0.block < $1.block }) {
        add(findings)
      }
      progress(Double(numbers.upperBound.rawValue) / Double(blocks.count))
    }
    if let unread, report.isOK { add(unread.position, unread.what) }
    if isWhole {
      if tree.size != state.size {
        add(nil, "\(tree.size) events are stored, the state record says \(state.size)")
      } else if tree != state.tree {
        add(nil, "the root over the events is not the one of the state record")
      }
      if names.count != Int(state.subjects) {
        add(nil, "\(names.count) names are stored, the state record says \(state.subjects)")
      }
      checkState()
    }
  }

  /// What the state record says besides. Of what was erased it keeps the latest times, and the numbers of types.
  private mutating func checkState() {
    let hasErased = report.erased > 0
    if hasErased ? types > state.types.count : types != state.types.count {
      add(nil, "the events have \(types) types, the state record says \(state.types.count)")
    }
    let isLate = seen.recorded > state.recorded || seen.latest > state.latest
    let isEarly = seen.recorded < state.recorded || seen.latest < state.latest
    if seen.earliest != state.earliest || isLate || isEarly && !hasErased {
      add(nil, "the earliest and latest times of the events are not those of the state record")
    }
    if report.erased != state.erased {
      add(nil, "\(report.erased) events were erased, the state record says \(state.erased)")
    }
    if nameless != Int(state.erasedSubjects) {
      add(nil, "\(nameless) subjects were erased, the state record says \(state.erasedSubjects)")
    }
    guard let register else { return }
    let subjects = register.erasures.reduce(0) { $0 + $1.erasure.subjectHashes.count }
    if subjects != nameless {
      add(nil, "control records say that \(subjects) subjects were erased, and \(nameless) are")
    }
  }

  /// What is wrong with the open block's names: they stand in its chunks, whose own check may say it better.
  private mutating func readNames(_ blocks: Range<BlockNumber>) -> (position: UInt64, what: String)?
  {
    var unread: (position: UInt64, what: String)?
    // A name with two numbers would have two chains.
    var known = TextDictionary()
    for block in blocks {
      do {
        // All of a block's names or, where their column is malformed, none.
        var own: [[UInt8]] = []
        try reader.forEachNewName(block: block, size: state.size) {
          own.append([UInt8](copying: $0))
        }
        for name in own {
          // A block that was filled since the state was read has later names, too.
          if names.count == Int(state.subjects), reader.isLaterSealed(block, size: state.size) {
            break
          }
          names.append(name)
          if name.isEmpty {
            nameless += 1
          } else if !known.insert(name.span).isNew {
            add(
              block.first,
              "subject `\(String(decoding: name, as: UTF8.self))` is named twice")
          }
        }
      } catch {
        isWhole = false
        let problem = describe(error, block.first)
        if reader.isSealed(block) {
          add(problem.position, problem.what)
        } else {
          unread = problem
        }
      }
    }
    return unread
  }

  /// Takes up the next block.
  private mutating func add(_ findings: BlockFindings) {
    for problem in findings.problems { add(problem.position, problem.what) }
    if findings.firstRecorded < seen.recorded {
      add(findings.block.first, "`recorded` goes back")
    }
    seen.recorded = max(seen.recorded, findings.lastRecorded)
    seen.earliest = min(seen.earliest, findings.earliest)
    seen.latest = max(seen.latest, findings.latest)
    types = max(types, Int(findings.types))
    report.erased += findings.erased
    isWhole = isWhole && findings.isWhole
    if isWhole {
      for subtree in findings.subtrees {
        tree.appendSubtree(subtree.root, leaves: subtree.leaves)
      }
    }
    for chain in findings.chains {
      let number = Int(chain.subject)
      guard number < last.count else { continue }
      let previous = last[number] == UInt64.max ? nil : last[number]
      if isWhole && (chain.previous != previous || chain.sequence != sequences[number]) {
        add(chain.first, "the subject's chain does not lead to its previous event")
      }
      last[number] = chain.last
      sequences[number] = chain.next
    }
  }

  /// - Parameter known: what `log/head` said before the state was read.
  mutating func checkHead(_ known: UInt64?) {
    if let known, known > state.size {
      add(
        state.size,
        "acknowledged events are missing: the log has \(state.size) events, and \(known) were committed"
      )
    }
  }

  /// Holds the index against the columns, where these are in order.
  mutating func checkIndex(_ files: StoreFiles, threads: Int) {
    guard isWhole, report.isOK else { return }
    let check = RunCheck(files: files, reader: reader, sipHash: sipHash)
    for problem in check.problems(size: state.size, threads: threads) { add(nil, problem) }
  }

  /// Holds control records against their tree, and what they say against the log.
  mutating func checkRegister(_ snapshot: LogSnapshot) {
    if let registerFault { add(nil, registerFault) }
    guard let register else { return }
    var tree = MerkleTree()
    var recorded = Int64.min
    var known: Set<[UInt8]> = []
    for record in register.records {
      tree.append(leafHash: record.leafHash)
      let name = "control record \(record.number)"
      if record.recorded < recorded { add(nil, "\(name): `recorded` goes back") }
      recorded = max(recorded, record.recorded)
      guard case .viewSwitch(let view) = record.content else { continue }
      if let rules = view.rules {
        if SHA256Bytes.hash(rules.span) != view.rulesHash {
          add(nil, "\(name): the rules file is not the one of its hash")
        }
        known.insert(view.rulesHash)
      } else if !known.contains(view.rulesHash) {
        add(nil, "\(name): its rules file is in no record")
      }
      if view.size > state.size {
        add(state.size, "\(name): view `\(view.view)` was made from \(view.size) events")
      } else if isWhole {
        do throws(EventStoreError) {
          if try snapshot.root(ofFirst: view.size) != view.root {
            add(nil, "\(name): view `\(view.view)` was made from a log of another root")
          }
        } catch {
          add(nil, "\(name): the log of view `\(view.view)` cannot be hashed: \(error.message)")
        }
      }
    }
    if tree != state.control {
      add(nil, "the root over the control records is not the one of the state record")
    }
  }
}
