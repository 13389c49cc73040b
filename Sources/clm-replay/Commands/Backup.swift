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
      there. To restore it, open it, or move it into place. Views are not copied: replay them.
      """)

  @Argument(help: "The store.") var store: String
  @Argument(help: "Where the copy shall be; nothing may be there yet.") var destination: String
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let opened = try OpenedStore(store)
    if Files.isPath(destination, within: store) {
      throw CommandError(
        exit: .couldNotRun, code: "inside-store",
        message: "the copy `\(destination)` would lie in the store that it is of",
        help: "what happens to the store would happen to it")
    }
    let started = Clock.monotonicSeconds()
    let progress = ProgressLine("backup", quiet: global.quiet)
    let report = try opened.run {
      try opened.store.backup(to: destination, threads: Threads.count(threads)) {
        progress.update($0)
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
}
