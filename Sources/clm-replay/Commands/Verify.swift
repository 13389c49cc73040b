import ArgumentParser
import EventStore
import Projections

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Read every stored byte: checksums, positions, root, columns against lines, subject chains, register.",
    discussion: """
      EXAMPLES
        clm-replay verify store
        clm-replay verify store --against shop-2024-05-01.checkpoint --key shop.key.pub
        clm-replay verify store --receipt receipt-of-may.json

      --against and --receipt may be repeated. --against says of each checkpoint that the store is unchanged since, or what
      differs: a store that is not a continuation of the one that it was made of is refused.
      Signatures are checked with --key, else with the key that the store remembers.
      --receipt replays what a receipt speaks of, under the rules of then from the register, and compares output roots.
      Exit status 1 if anything is damaged, rolled back or forked; each problem is named with its position.
      """)

  @Argument(help: "The store.") var store: String
  @Option(help: "A file with a checkpoint that was kept elsewhere.") var against: [String] = []
  @Option(help: "The verifier key, or a file that holds it.") var key: String?
  @Option(help: "A receipt of a replay: fold it again and compare.") var receipt: [String] = []
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if key != nil && against.isEmpty { throw ValidationError("--key goes with --against") }
  }

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    // Before the store is opened, so that none can be newer than what is read of it.
    var checks = try against.map { try CheckpointCheck($0, key: key, store: store) }
    let receipts = try receipt.map { try readReceipt($0) }
    let opened = try OpenedStore(verifying: store)
    let progress = ProgressLine("verify", quiet: global.quiet)
    var report = try opened.run {
      try opened.store.verify(threads: Threads.count(threads)) { progress.update($0) }
    }
    progress.end()
    var isLogOK = report.isOK
    report.problems += try viewProblems(opened)
    let viewProblems = report.problems.count
    var code = try compare(opened, &checks, &report)
    for kept in receipts where isLogOK {
      guard let problem = try recompute(kept, opened) else { continue }
      if code == "ok" { code = problem.isErased ? "erased" : "other-result" }
      report.problems.append(VerifyReport.Problem(what: problem.what))
    }
    if !receipts.isEmpty && !isLogOK {
      report.problems.append(
        VerifyReport.Problem(what: "the receipt was not looked at, since the log is damaged"))
    }
    isLogOK = isLogOK && report.problems.count == viewProblems
    if format == .json || format == .ndjson {
      let problems = report.problems.map { problem in
        JSONValue.object([
          ("position", problem.position.map { .count($0) } ?? .null),
          ("what", .string(problem.what)),
        ])
      }
      let object = JSONValue.object([
        ("ok", .bool(report.isOK)), ("size", .count(report.size)),
        ("root", .string(Hex.text(report.root))), ("erased", .count(report.erased)),
        ("problems", .array(problems)),
        ("checkpoints", .array(checks.map(\.json))),
      ])
      try StandardOutput.write(object.text + "\n")
    } else {
      var lines = checks.map(\.text)
      lines += report.problems.prefix(50).map { problem in
        (problem.position.map { "position \($0): " } ?? "") + problem.what
      }
      if report.problems.count > 50 {
        lines.append("and \(report.problems.count - 50) more (all with --format json)")
      }
      let erased = report.erased > 0 ? ", \(report.erased) of them erased" : ""
      lines.append(
        "\(report.isOK ? "ok" : code): \(report.size) events\(erased), root \(Hex.text(report.root))"
      )
      let hasFailed = !report.isOK || checks.contains { $0.failure != nil }
      if hasFailed || !global.quiet {
        try StandardOutput.show(lines.joined(separator: "\n") + "\n")
      }
    }
    var errors = checks.compactMap(\.failure)
    if !report.isOK {
      errors.append(
        CommandError(
          exit: .problems, code: code,
          message:
            "\(report.problems.count) \(report.problems.count == 1 ? "problem" : "problems") in `\(store)`, the first: \(report.problems[0].what)",
          help: isLogOK ? nil : help(code)))
    }
    guard let worst = errors.map(\.exit.rawValue).max() else { return }
    for error in errors {
      ErrorReport(code: error.code, message: error.message, help: error.help).write()
    }
    throw Reported(exit: ExitStatus(rawValue: worst) ?? .couldNotRun)
  }

  private func help(_ code: String) -> String {
    switch code {
    case "other-result":
      "the log holds; either the receipt was changed, or the view was made by a program that folds otherwise"
    case "erased":
      "the log holds; the receipt shows that the register has its output root, and no more"
    case "other-store": "name the store that the checkpoint was made of, or a backup of it"
    default: "restore the store from a backup"
    }
  }

  // MARK: Checkpoints

  /// Adds what differs from checkpoints; what to call the whole.
  private func compare(
    _ opened: OpenedStore, _ checks: inout [CheckpointCheck], _ report: inout VerifyReport
  ) throws -> String {
    var code = report.isOK ? "ok" : "damaged"
    let origin = try opened.origin()
    // Up to here the log is what an earlier checkpoint says.
    var agreed: UInt64 = 0
    let order = checks.indices.sorted { checks[$0].size < checks[$1].size }
    for index in order {
      checks[index].compare(opened.snapshot, origin, &agreed)
      report.problems += checks[index].problems
      if code == "ok", let name = checks[index].code { code = name }
    }
    return code
  }

  // MARK: Receipts

  private func readReceipt(_ path: String) throws -> Receipt {
    let bytes = try InputFile.read(path, what: "receipt")
    do throws(Receipt.Fault) {
      return try Receipt.read(bytes)
    } catch {
      throw CommandError(
        exit: .couldNotRun, code: "bad-receipt",
        message: "`\(path)` is no receipt: \(error.message)",
        help: "it is what `replay --receipt` writes")
    }
  }

  /// Folds again what a receipt speaks of; what differs, nil where nothing does.
  private func recompute(
    _ receipt: Receipt, _ opened: OpenedStore
  ) throws -> Receipt.Deviation? {
    if receipt.engine != Version.engine {
      Notice.write(
        "note: the receipt is of \(receipt.engine), this is \(Version.engine)", quiet: global.quiet)
    }
    let progress = ProgressLine("replay", quiet: global.quiet)
    defer { progress.end() }
    return try opened.run {
      try receipt.difference(from: opened.snapshot, threads: Threads.count(threads)) {
        progress.update($0)
      }
    }
  }

  // MARK: Views

  /// Views that cannot be read, or that came into force without a record.
  private func viewProblems(_ opened: OpenedStore) throws -> [VerifyReport.Problem] {
    var problems: [VerifyReport.Problem] = []
    var manifests: [ViewManifest] = []
    for name in try opened.run({ try ViewReader.names(store) }) {
      do {
        manifests.append(try opened.view(named: name).manifest)
      } catch let error as CommandError {
        if error.code == ViewError.Code.denied.rawValue { throw error }
        problems.append(
          VerifyReport.Problem(what: "\(error.message); replaying it again mends it"))
      }
    }
    // Read behind the views, each of which was noted before it came into force. Damage of the register is in the report
    // already.
    guard let register = try? opened.laterSnapshot().register() else { return problems }
    return problems
      + manifests.compactMap { manifest in
        let name = manifest.name
        return register.holds(manifest)
          ? nil
          : VerifyReport.Problem(
            what: "view `\(name)` is not in the register as it is; replaying it again notes it")
      }
  }
}
