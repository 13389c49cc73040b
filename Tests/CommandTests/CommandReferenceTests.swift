import Foundation
import Testing

/// `docs/commands.md` is what `--help` prints, command by command, so that neither says what the other does not.
/// `CLM_RECORD=1 swift test --filter CommandReferenceTests` writes it.
@Suite struct CommandReferenceTests {
  private static let path = Program.root.appendingPathComponent("docs/commands.md").path

  /// Names of the commands, in the order in which the program lists them.
  private static func commands() throws -> [String] {
    let lines = try Program.run("help").output.split(
      separator: "\n", omittingEmptySubsequences: false)
    return lines.drop { $0 != "SUBCOMMANDS:" }.dropFirst().prefix { !$0.isEmpty }
      .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
  }

  private static func page() throws -> String {
    var page = """
      # Commands

      What `clm-replay help` and `clm-replay help COMMAND` print; a test holds this page against the program.

      """
    for command in try [""] + commands() {
      let help = try Program.run(["help"] + (command.isEmpty ? [] : [command]))
      help.expect(0)
      #expect(help.errors.isEmpty)
      page += "\n## \(command.isEmpty ? "clm-replay" : command)\n\n```\n\(help.output)```\n"
    }
    return page
  }

  @Test func `the page of commands is what help prints`() throws {
    let page = try Self.page()
    if ProcessInfo.processInfo.environment["CLM_RECORD"] == "1" {
      try page.write(toFile: Self.path, atomically: true, encoding: .utf8)
    }

    let known = try String(contentsOfFile: Self.path, encoding: .utf8)

    #expect(page == known, "CLM_RECORD=1 swift test --filter CommandReferenceTests writes it anew")
  }

  @Test func `every command's help leads with an example of its own`() throws {
    let commands = try Self.commands()
    #expect(commands.count > 15)
    for command in commands {
      let lines = try Program.run("help", command).output.split(separator: "\n")

      #expect(
        lines.prefix { !$0.hasPrefix("USAGE") }.contains { $0.hasPrefix("EXAMPLE") }, "\(command)")
      #expect(lines.contains { $0.hasPrefix("  ") && $0.contains("clm-replay \(command)") })
    }
  }

  @Test func `each command has a man page with its help in it, and each shell its completions`()
    throws
  {
    let place = try Place()
    let run = try Program.run(
      [Program.root.appendingPathComponent("docs/manual.sh").path, Program.path, place.path],
      executable: "/bin/bash")

    run.expect(0)
    for name in try Self.commands() {
      let page = try String(contentsOfFile: "\(place.path)/clm-replay-\(name).1", encoding: .utf8)
      #expect(page.hasPrefix(".TH \"CLM-REPLAY-\(name.uppercased())\" 1"))
      #expect(page.contains("\\-\\-help"), "\(name)")
    }
    for shell in ["bash", "zsh", "fish"] {
      let script = try Program.run("--generate-completion-script", shell)
      script.expect(0)
      #expect(script.output.contains("explain"), "\(shell)")
    }
  }

  @Test func `a dumb terminal and NO_COLOR get no colours`() throws {
    for setting in ["TERM=dumb", "NO_COLOR=1 TERM=xterm", "-u NO_COLOR TERM=xterm"] {
      let run = try Program.run(
        ["-qec", "env \(setting) '\(Program.path)' status nowhere", "/dev/null"],
        executable: "/usr/bin/script")

      #expect(run.output.contains("error"), "\(run.errors)")
      #expect(run.output.contains("\u{1b}[") == setting.hasPrefix("-u"), "\(setting)")
    }
  }
}
