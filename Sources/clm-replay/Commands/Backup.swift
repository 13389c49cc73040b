import ArgumentParser
import EventStore

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy a store's log to a new store, compact and verified, while imports go on.",
    discussion: """
      EXAMPLE
        clm-replay backup store /backups/shop-2024-05-01

      The copy appears under its name when it is safe on the medium and its root is that of the source; until then nothing is
      there. To restore it, open it, or move it into place. Views are not copied: replay them. The register of the store notes
      where the copy is, so that `forget` can name it; where it cannot be written, a warning says so.
      """)

  @Argument(help: "The store.") var store: String
  @Argument(help: "Where the copy shall be; nothing may be there yet.") var destination: String
  @Option(help: "How long to wait for a commit of an import before the copy is noted, such as 10s.")
  var wait = "10s"
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let waitSeconds = Double(try Times.length(wait, option: "--wait")) / 1e6
    let (opened, register) = try open()
    if Files.isPath(destination, within: store) {
      throw CommandError(
        exit: .couldNotRun, code: "inside-store",
        message: "the copy `\(destination)` would lie in the store that it is of",
        help: "what happens to the store would happen to it")
    }
    let started = Clock.monotonicSeconds()
    let progress = ProgressLine("backup", quiet: global.quiet)
    let report = try opened.run {
      try opened.store.backup(
        to: destination, threads: Threads.count(threads), progress: { progress.update($0) }
      ) { made throws(EventStoreError) in
        guard let register else { return warn("the store cannot be written") }
        do throws(EventStoreError) {
          try register.note(made, waitSeconds: waitSeconds)
        } catch {
          if try !opened.store.isInForce() { throw error }
          warn(error.message)
        }
      }
    }
    progress.end()
    let seconds = Numbers.seconds(Clock.monotonicSeconds() - started)
    let bytes = try opened.run { try Store.open(at: destination).bytes }
    if global.format == .json || global.format == .ndjson {
      let object = JSONValue.object([
        ("backup", .string(destination)), ("size", .count(report.size)),
        ("root", .string(Hex.text(report.root))), ("bytes", .count(bytes)),
        ("seconds", .number(seconds)),
      ])
      try StandardOutput.write(object.text + "\n")
    }
    Notice.write(
      "backed up \(report.size) events to \(destination) in \(seconds) s: \(bytes) bytes, root \(Hex.text(report.root))",
      quiet: global.quiet)
  }

  /// The register too, where it may be written.
  private func open() throws -> (OpenedStore, RegisterWriter?) {
    do {
      return try OpenedStore.registering(store)
    } catch let error as CommandError {
      let codes: [EventStoreError.Code] = [.readOnly, .denied]
      guard codes.map(\.rawValue).contains(error.code) else { throw error }
      return (try OpenedStore(store), nil)
    }
  }

  private func warn(_ why: String) {
    ErrorReport(
      isWarning: true, code: "not-noted",
      message: "the register does not know of the copy: \(why)",
      help: "`clm-replay forget` will not name it among those that still hold what was erased"
    ).write()
  }
}
