import ArgumentParser
import EventStore
import Projections

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a first rules file for a store: commented, from what is in the log.",
    discussion: """
      EXAMPLE
        clm-replay init store -o rules.yaml
        clm-replay check rules.yaml
        clm-replay replay store --rules rules.yaml

      An alias for each type, with the fields of its payload and their types; facts, stages and segments for purchases, or for
      activity where no type is called as purchases are; thresholds from how often customers came back and how long they
      waited. It is a draft to be changed: names and amounts are guessed from how members are called. Nothing of the store
      changes.
      """)

  @Argument(help: "The store.") var store: String
  @Option(name: .shortAndLong, help: "The file to write; `-` is standard output.")
  var output = "-"
  @Flag(name: .shortAndLong, help: "No summaries; errors are always shown.") var quiet = false

  func run() throws {
    let opened = try OpenedStore(store)
    let starter = try opened.run { try StarterRules(store, opened.snapshot) }
    try LoadedRules.checkOwn(Array(starter.text.utf8))
    // A file that is there is somebody's work.
    if output != "-", try Files.isThere(output), Files.size(output) > 0 {
      throw CommandError(
        exit: .couldNotRun, code: "file-exists", message: "`\(output)` is there already",
        help: "name another file, or remove it")
    }
    try OutputFile.write(starter.text, to: output)
    if output != "-" {
      Notice.write(
        "wrote \(output); see what it says: `clm-replay replay \(store) --rules \(output)`",
        quiet: quiet)
    }
  }
}
