import ArgumentParser
import CEL
import EventStore
import Glibc

@main
struct ClmReplay: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clm-replay",
    abstract:
      "Replay a log of customer events under lifecycle rules: stages, value, segments, and why.",
    discussion: """
      EXAMPLE
        clm-replay import store events.ndjson
        clm-replay replay store --rules retail.yaml
        clm-replay explain store C-1042

      EXIT STATUS
        0 done · 1 done, and problems found · 2 could not run · 64 wrong usage · 75 another process holds the store
      """,
    version: Version.text,
    subcommands: [
      ImportCommand.self, StatusCommand.self, InitCommand.self, CheckCommand.self,
      ReplayCommand.self,
      ShowCommand.self, HistoryCommand.self, ExplainCommand.self, CompareCommand.self,
      ExportCommand.self, MetricsCommand.self, ValueCommand.self, RFMCommand.self,
      ReportCommand.self, ViewsCommand.self,
      VerifyCommand.self, CheckpointCommand.self, ProveCommand.self, BackupCommand.self,
      ForgetCommand.self,
      GenerateCommand.self, EvalCommand.self, FoldCommand.self,
    ])

  static func main() {
    Files.fillStandardDescriptors()
    Memory.keepWhatIsLetGo()
    do {
      try refuseUnknownCommand()
      try refuseEmpty()
      var command = try parseAsRoot(LongArguments.shortened(LongArguments.passed))
      try Forms.check(command)
      try command.run()
    } catch {
      end(error)
    }
  }

  /// A mistyped command is named, with the one that was meant.
  private static func refuseUnknownCommand() throws {
    // Swift reads them there; without them everything would be a call for help.
    guard !CommandLine.arguments.isEmpty else {
      throw CommandError(
        exit: .couldNotRun, code: "cannot-read",
        message: "what was asked cannot be read from /proc/self/cmdline",
        help: "mount /proc: `mount -t proc proc /proc`")
    }
    guard let first = CommandLine.arguments.dropFirst().first, !first.hasPrefix("-") else { return }
    let known = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    if known.contains(first) { return }
    throw CommandError(
      exit: .usage, code: "usage", message: "there is no command `\(first)`",
      help: Suggestion.nearest(to: first, among: known).map { "did you mean `\($0)`?" }
        ?? "commands are \(known.joined(separator: ", "))")
  }

  /// Nothing is called by nothing: a variable of a shell that was not set.
  private static func refuseEmpty() throws {
    let arguments = CommandLine.arguments
    guard let index = arguments.dropFirst().firstIndex(of: "") else { return }
    let before = arguments[index - 1]
    throw CommandError(
      exit: .usage, code: "usage",
      message: "argument \(index), behind `\(before.printable)`, is empty",
      help: "is a variable not set?")
  }

  /// Prints what went wrong, and ends with its exit status.
  private static func end(_ error: any Error) -> Never {
    if let error = error as? CommandError {
      ErrorReport(code: error.code, message: error.message, help: error.help).write()
      Glibc.exit(error.exit.rawValue)
    }
    if let error = error as? Reported { Glibc.exit(error.exit.rawValue) }
    let status = exitCode(for: error)
    if status.rawValue == 0 {
      // --help and --version.
      let text = fullMessage(for: error)
      do {
        try StandardOutput.write(text.hasSuffix("\n") ? text : text + "\n")
      } catch {
        Glibc.exit(ExitStatus.couldNotRun.rawValue)
      }
      Glibc.exit(0)
    }
    if error is ExitCode { Glibc.exit(status.rawValue) }
    let lines = fullMessage(for: error).split(
      separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    let usage = UsageMessage(lines.first.map(String.init) ?? "")
    ErrorReport(code: "usage", message: usage.text, help: usage.help).write()
    if lines.count > 1 { StandardError.write(String(lines[1]).printableLines + "\n") }
    Glibc.exit(ExitStatus.usage.rawValue)
  }
}
