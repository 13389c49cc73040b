/// The generation of the log that follows the one in force: the same log without some events, with a control record that says so.
///
/// ```
/// STORE/log/gN+1.tmp     while it is made and read again
/// STORE/log/gN+1         when it is whole
/// STORE/log/CURRENT      names it from the switch on
/// ```
struct NextGeneration {
  private let files: StoreFiles
  private let reader: LogReader
  private let plan: ErasurePlan
  private let state: StateRecord
  private let threads: Int
  private let name: String

  /// - Parameter state: of the log in force, which does not change until the switch.
  init(
    _ files: StoreFiles, _ reader: LogReader, _ plan: ErasurePlan, _ state: StateRecord,
    threads: Int
  ) throws(EventStoreError) {
    self.files = files
    self.reader = reader
    self.plan = plan
    self.state = state
    self.threads = threads
    let current = try files.generation().split(separator: "/").last ?? ""
    guard let number = Int(current.dropFirst()), number < Int.max else {
      throw EventStoreError(.damaged, "`\(files.current)` names no generation of the log")
    }
    name = "g\(number + 1)"
  }

  private var directory: String { "\(files.log)/\(name)" }
  private var temporary: String { "\(directory).tmp" }
  private var nextCurrent: String { "\(files.current).tmp" }

  /// Makes it aside, and reads all of it again.
  func make(
    reason: String, views: [ViewDropped], progress: (Double) -> Void
  ) throws -> ErasureOutcome {
    Files.remove(temporary)
    Files.remove(directory)
    try Files.makeDirectory(temporary)
    let outcome = try write(reason, views) { progress(0.6 * $0) }
    try Files.syncDirectory(temporary)
    let copy = Store(path: files.path, reader: try LogReader.open(temporary))
    let report = try copy.verify(threads: threads, withIndex: false) { progress(0.6 + 0.4 * $0) }
    if let problem = report.problems.first {
      let place = problem.position.map { "position \($0): " } ?? ""
      throw EventStoreError(
        .damaged, "the log without them does not verify: \(place)\(problem.what)",
        help:
          "nothing was erased; `clm-replay verify \(files.path)` says whether the store is damaged")
    }
    guard report.size == state.size, report.root == state.tree.root,
      report.erased == state.erased + plan.events
    else {
      throw EventStoreError(
        .damaged, "the log without them has another root", help: "nothing was erased")
    }
    return outcome
  }

  /// Gives it its name, and readies the switch.
  func place() throws(SystemError) {
    try Files.rename(temporary, directory)
    try Files.create(nextCurrent, with: "\(name)\n")
    try Files.syncDirectory(files.log)
  }

  func switchTo() throws(SystemError) {
    try Files.rename(nextCurrent, files.current)
    try Files.syncDirectory(files.log)
  }

  // MARK: Writing

  /// The environment is closed when this returns, since the copy is opened again.
  private func write(
    _ reason: String, _ views: [ViewDropped], _ progress: (Double) -> Void
  ) throws -> ErasureOutcome {
    let target = try WritableEnvironment.build(temporary, tables: LogTables.names)
    let copy = LogCopy(reader: reader, target: target)
    let rewrite = BlockRewrite(reader, plan)
    let blocks = BlockNumber.all(state.size)
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: LogCopy.step) {
      let range = first..<min(first.advanced(by: LogCopy.step), blocks.upperBound)
      let made = try rewritten(range, rewrite)
      try reader.environment.read { source in
        try target.write { transaction in
          for block in range {
            if let made = made[block] {
              try put(made, target, &transaction)
            } else {
              try copy.copyBlocks(block..<block.advanced(by: 1), source, &transaction)
            }
          }
        }
      }
      progress(Double(range.upperBound.rawValue) / Double(blocks.count))
    }
    let outcome = try reader.environment.read { source in
      try target.write { transaction in
        try copy.copyTable(LogTables.control, source, &transaction)
        guard let key = try source.get(reader.meta, LogReader.idKey) else {
          throw ChunkFault(0, "the key of the id hashes is missing or damaged")
        }
        let meta = target.table(LogTables.meta)
        try transaction.put(meta, LogReader.idKey, [UInt8](copying: key))
        // The state as it was is never written here: its page could keep names of types that go.
        let outcome = try register(reason, views, target, &transaction)
        try transaction.put(meta, StateRecord.key, outcome.state.encoded())
        return outcome
      }
    }
    try target.sync()
    return outcome
  }

  /// Blocks that have events of the plan, made without them on all threads.
  private func rewritten(
    _ blocks: Range<BlockNumber>, _ rewrite: BlockRewrite
  ) throws -> [BlockNumber: BlockRewrite.Block] {
    let touched = blocks.filter { plan.rows[$0] != nil }
    if touched.isEmpty { return [:] }
    let ticket = Ticket()
    let parts = try Parallel.run(min(threads, touched.count)) { _ in
      var made: [(BlockNumber, BlockRewrite.Block)] = []
      while true {
        let index = ticket.take()
        if index >= touched.count { return made }
        made.append((touched[index], try rewrite.block(touched[index])))
      }
    }
    return Dictionary(uniqueKeysWithValues: parts.flatMap { $0 })
  }

  private func put(
    _ block: BlockRewrite.Block, _ target: WritableEnvironment,
    _ transaction: inout WriteTransaction
  ) throws {
    let (events, columns) = (target.table(LogTables.events), target.table(LogTables.columns))
    for value in block.chunks { try transaction.put(events, value, appending: true) }
    for value in block.columns { try transaction.put(columns, value, appending: true) }
  }

  // MARK: The register

  /// Appends the record of the erasure, and one for each view that goes; what the log is with them.
  private func register(
    _ reason: String, _ views: [ViewDropped], _ target: WritableEnvironment,
    _ transaction: inout WriteTransaction
  ) throws -> ErasureOutcome {
    let known = try reader.register(count: state.control.size).records
    let subjects = plan.subjects.map { subject in
      let nonce = Files.random(Erasure.nonceLength)
      return ErasureOutcome.Subject(
        name: subject.name, events: subject.events, nonce: nonce,
        hash: Erasure.hash(of: subject.name, nonce: nonce))
    }
    let erasure = Erasure(
      reason: reason,
      subjectHashes: subjects.map(\.hash).sorted { $0.lexicographicallyPrecedes($1) },
      positions: plan.positions)
    let recorded = max(Files.now(), known.last?.recorded ?? Int64.min)
    let number = state.control.size
    let record = ControlRecord(number: number, recorded: recorded, erasure)
    let records =
      [record]
      + views.enumerated().map { index, view in
        ControlRecord(number: number + 1 + UInt64(index), recorded: recorded, view)
      }
    var next = state
    next.erased += plan.events
    next.erasedSubjects += UInt32(plan.subjects.count)
    next.earliest = plan.earliest
    for type in next.types.indices where !plan.isTypeLeft[type] { next.types[type] = [] }
    let control = target.table(LogTables.control)
    for record in records {
      try transaction.put(control, record.number, record.bytes, appending: true)
      next.control.append(leafHash: record.leafHash)
    }
    let hashes = (known + records).map(\.leafHash)
    let path = MerkleProof.inclusion(of: number, in: UInt64(hashes.count)) {
      MerkleProof.root(of: $0, hashes)
    }
    return ErasureOutcome(
      subjects: subjects, positions: plan.positions, record: record, path: path, state: next,
      reader: reader)
  }
}
