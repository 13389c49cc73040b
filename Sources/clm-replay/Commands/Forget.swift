import ArgumentParser
import EventStore
import Projections

struct ForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Erase subjects: their events, names and columns, in the log and in what is derived.",
    discussion: """
      EXAMPLES
        clm-replay forget store C-1042 --dry-run
        clm-replay forget store C-1042 --view retail --reason 'request of 2024-05-01' --receipt C-1042.json
        clm-replay export store --table customers -o - | clm-replay forget store - --view retail

      Erased are all events of exactly the subjects named; with --view also of those that the view joins to them. `-` reads
      names from standard input, one a line, or what `export --table customers` writes (the first column of CSV with the
      header `customer,` or `subject,`; NDJSON). A name that the log does not have ends it with 2 and nothing done: it names
      all of them. Whether a subject was erased before cannot be told, since the store keeps no names of the erased.

      Of an event stay its position, its leaf hash and the keyed hash of its source and id: size, root and the proofs of
      others are as they were, and the same event does not come in again (`erased`). A control record says what was erased,
      under a hash that only the receipt can tie to a name; the receipt is signed with the key of checkpoints, if there is one.
      Later events of the same subject are new ones.

      The log is written anew into its next generation, verified, and switched to at once: killed before, it has done
      nothing but maybe remove views; killed behind it, the next writer removes what is left. It takes as much room as the log
      has, for the time; on a full disk nothing is erased. The store's views are removed, since they may hold what is
      erased; `replay` makes them again, under the rules that the register keeps. Entries of its rejects file that hold something of the subjects are removed.

      Not reached, and yours to see to: backups (those that the register knows are listed, with whether they are still
      there; erase from them too), exports, receipts and rejects files elsewhere, events of other subjects that mention the
      subject, rules files and reasons in the register, and blocks of the medium, snapshots of its file system and swap
      that may hold what files held before.
      """)

  @Argument(help: "The store.") var store: String
  @Argument(help: "Subjects to be erased; - reads them from standard input.")
  var subjects: [String] = []
  @Option(help: "Erase all subjects that this view joins to those named, too.") var view: String?
  @Option(help: "Why, for the control record; put no name into it, it stays.") var reason = ""
  @Flag(help: "Say what would go; nothing is written.") var dryRun = false
  @Option(help: "Write a receipt to a file: who, how much, where, and the proof that it is noted.")
  var receipt: String?
  @Option(help: "Sign the receipt with this key; the one that the store remembers unless given.")
  var key: String?
  @Option(help: "How long to wait for an import, and for replays of the views, such as 10s.")
  var wait = "10s"
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if subjects.isEmpty {
      throw ValidationError("name the subjects to be erased, or - to read them")
    }
    if reason.utf8.count > Erasure.mostReasonBytes {
      throw ValidationError("--reason has more than \(Erasure.mostReasonBytes) bytes")
    }
    if key != nil && receipt == nil { throw ValidationError("--key goes with --receipt") }
    if dryRun && receipt != nil { throw ValidationError("--dry-run erases nothing: no --receipt") }
  }

  func run() throws {
    let started = Clock.monotonicSeconds()
    let waitSeconds = Double(try Times.length(wait, option: "--wait")) / 1e6
    let names = try named()
    if names.isEmpty { return try tellNothing(started) }
    if dryRun { return try tellPlan(names, try OpenedStore(store), started) }
    if let receipt, Files.isPath(receipt, within: store) {
      throw CommandError(
        exit: .couldNotRun, code: "inside-store",
        message: "the receipt `\(receipt)` would lie in the store, and it names who is forgotten",
        help: "name a place outside the store")
    }
    let signing = receipt == nil ? nil : try signingKey()
    let eraser = try CommandError.translating {
      try StoreEraser.open(at: store, waitSeconds: waitSeconds, command: "clm-replay forget")
    }
    let views = try ErasedViews(store, waitSeconds: waitSeconds)
    let opened = try OpenedStore(store, eraser.store)
    let plan = try plan(names, opened)
    try warnOfJoined(plan, opened)
    try checkRoom(eraser.store)
    let receiptFile = try receipt.map { try OutputFile.open($0) }
    let backups = try knownBackups(opened, plan)
    let progress = ProgressLine("forget", quiet: global.quiet)
    let outcome = try opened.run {
      try eraser.erase(
        plan, reason: reason, views: views.inForce, threads: Threads.count(threads),
        progress: { progress.update($0) }
      ) { outcome in
        try write(outcome, signing, to: receiptFile, origin: try opened.origin())
        try views.remove()
      }
    }
    progress.end()
    try receiptFile?.close()
    try views.removeLater(waitSeconds: waitSeconds)
    let report = ErasureReport(
      plan: plan, views: views.removed, rejects: outcome.rejects, backups: backups)
    try report.tell(outcome, store: store, global, seconds: Clock.monotonicSeconds() - started)
  }

  // MARK: Who

  private func named() throws -> [String] {
    var names: [String] = []
    for subject in LongArguments.names(subjects) {
      guard subject == "-" else {
        names.append(subject)
        continue
      }
      do throws(SystemError) {
        names += SubjectList(try Files.read("/dev/stdin")).names
      } catch {
        throw CommandError(
          exit: .couldNotRun, code: "cannot-read",
          message: "standard input cannot be read: \(error.text)")
      }
    }
    return names
  }

  /// What goes with the names, and with whom a view joins to them.
  private func plan(_ names: [String], _ opened: OpenedStore) throws -> ErasurePlan {
    var all = names
    if let view { all += try joined(to: names, try opened.view(named: view), opened) }
    return try opened.run {
      try opened.snapshot.erasurePlan(of: all, threads: Threads.count(threads))
    }
  }

  /// Those that a view joins to some, as far as the log has events of them.
  private func joined(
    to names: [String], _ reader: ViewReader, _ opened: OpenedStore
  ) throws -> [String] {
    try opened.run {
      let others = try names.flatMap { name -> [String] in
        guard let found = try reader.customer(named: name) else { return [] }
        return [found.record.name] + found.record.subjects
      }
      // A subject may be known by a link alone, without events of its own.
      let numbers = try opened.snapshot.subjects(
        named: others.map { Array($0.utf8) }, threads: Threads.count(threads))
      return zip(others, numbers).filter { $1 != nil }.map(\.0)
    }
  }

  /// Says who is joined to those who go and stays: their events name them.
  private func warnOfJoined(_ plan: ErasurePlan, _ opened: OpenedStore) throws {
    let going = Set(plan.subjects.map { Array($0.name.utf8) })
    for name in try opened.run({ try ViewReader.names(store) }) {
      // A view that cannot be read goes all the same.
      guard let reader = try? opened.view(named: name) else { continue }
      for subject in plan.subjects.prefix(1000) {
        guard let found = try opened.run({ try reader.customer(named: subject.name) })?.record
        else { continue }
        let others = ([found.name] + found.subjects).filter { !going.contains(Array($0.utf8)) }
        if others.isEmpty { continue }
        ErrorReport(
          isWarning: true, code: "joined-subject",
          message:
            "view `\(name)` joins `\(subject.name)` to \(others.map { "`\($0)`" }.joined(separator: ", ")), whose events stay and may name it",
          help: "--view \(name) erases them too"
        ).write()
      }
    }
  }

  // MARK: How

  private func signingKey() throws -> SigningKey? {
    if let known = try CheckpointFile.signingKey(key, store: store) { return known }
    ErrorReport(
      isWarning: true, code: "unsigned",
      message: "the receipt will not be signed: the store knows no key",
      help: CheckpointFile.makingKey(store)
    ).write()
    return nil
  }

  private func checkRoom(_ store: Store) throws {
    let needed = try CommandError.translating { try store.bytesOfNextGeneration() }
    guard let free = store.bytesFree else { return }
    Notice.write(
      "the log is written anew: \(needed) bytes at most, \(free) are free", quiet: global.quiet)
    if free < needed {
      throw CommandError(
        exit: .couldNotRun, code: EventStoreError.Code.diskFull.rawValue,
        message:
          "the log is written anew beside the one in force, for which \(needed) bytes are needed, and \(free) are free",
        help: "nothing was erased; make room and try again")
    }
  }

  /// It is flushed before the log is switched, so that no erasure is without it.
  private func write(
    _ outcome: ErasureOutcome, _ key: SigningKey?, to file: OutputFile?, origin: String
  ) throws {
    guard let file, case .erasure(let erasure) = outcome.record.content else { return }
    let text = try ErasureReceipt(outcome, erasure, origin: origin).text(signedBy: key)
    try file.write(Array(text.utf8))
    try file.flush()
  }

  /// Copies that the register knows of and that hold some of it.
  private func knownBackups(_ opened: OpenedStore, _ plan: ErasurePlan) throws -> [BackupMade] {
    let register = try opened.run { try opened.snapshot.register() }
    var known: [String: BackupMade] = [:]
    for entry in register.backups { known[entry.backup.destination] = entry.backup }
    return known.values.filter { $0.size > plan.positions.first ?? UInt64.max }
      .sorted { $0.destination.utf8.lexicographicallyPrecedes($1.destination.utf8) }
  }

  // MARK: What is said

  private func tellPlan(_ names: [String], _ opened: OpenedStore, _ started: Double) throws {
    let plan = try plan(names, opened)
    try warnOfJoined(plan, opened)
    let report = ErasureReport(
      plan: plan, views: try ErasedViews.look(store),
      rejects: try opened.run { try opened.store.rejects(of: plan) },
      backups: try knownBackups(opened, plan))
    try report.tell(
      bytesNeeded: try opened.run { try opened.store.bytesOfNextGeneration() }, store: store,
      global, seconds: Clock.monotonicSeconds() - started)
  }

  private func tellNothing(_ started: Double) throws {
    // That there is a store is known all the same.
    _ = try OpenedStore(store)
    if global.format == .json {
      let object = JSONValue.object([
        ("dry_run", .bool(dryRun)), ("changed", .bool(false)), ("subjects", .array([])),
        ("events", .count(0)),
        ("seconds", .number(Numbers.seconds(Clock.monotonicSeconds() - started))),
      ])
      try StandardOutput.write(object.text + "\n")
    }
    Notice.write("nobody was named: nothing to forget", quiet: global.quiet)
  }
}
