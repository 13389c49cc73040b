import Foundation
import Testing

/// The commands of docs/how-to.md, from its first line to its last, as somebody would type them.
@Suite struct HowToTests {
  /// A block between fences.
  private struct Block {
    var language: String
    var text: String
  }

  private func blocks() throws -> [Block] {
    let page = Program.root.appendingPathComponent("docs/how-to.md")
    var blocks: [Block] = []
    var open: Block?
    for line in try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n") {
      if line.hasPrefix("```") {
        if let block = open {
          blocks.append(block)
          open = nil
        } else {
          open = Block(language: String(line.dropFirst(3)), text: "")
        }
      } else {
        open?.text += line + "\n"
      }
    }
    return blocks
  }

  /// The lines that a shell would be given.
  private func commands(_ block: Block) -> [String] {
    let lines = block.text.split(separator: "\n").map(String.init)
    switch block.language {
    case "sh": return [block.text]
    case "cron":
      return lines.map { line in
        line.split(separator: " ", omittingEmptySubsequences: true).dropFirst(5)
          .joined(separator: " ")
      }
    case "ini":
      return lines.filter { $0.hasPrefix("ExecStart=") }.map { line in
        let command = String(line.dropFirst("ExecStart=".count))
        // What runs until it is ended is ended as systemd does.
        return command.contains("--follow")
          ? "timeout --preserve-status -s TERM 3 \(command)" : command
      }
    default: return []
    }
  }

  private func place() throws -> Place {
    let place = try Place()
    let files = FileManager.default
    for folder in ["data", "backups", "bin"] {
      try files.createDirectory(
        atPath: "\(place.path)/\(folder)", withIntermediateDirectories: true)
    }
    try files.createSymbolicLink(
      atPath: "\(place.path)/bin/clm-replay", withDestinationPath: Program.path)
    try files.copyItem(
      atPath: Program.fixture("rules/retail.yaml"), toPath: "\(place.path)/retail.yaml")
    let made = try Program.run(
      "generate", "--customers", "150", "--start", "2022-01-01", "--days",
      "1000", "-o", "\(place.path)/data/events.ndjson")
    made.expect(0)
    // Stands in for the broker.
    let topic = event(0, "purchase", "2024-01-01T00:00:00Z", subject: "C-stream")
    try topic.write(toFile: "\(place.path)/topic", atomically: true, encoding: .utf8)
    let kcat = "\(place.path)/bin/kcat"
    try "#!/bin/sh\nexec cat topic\n".write(toFile: kcat, atomically: true, encoding: .utf8)
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: kcat)
    return place
  }

  private func run(_ command: String, in place: Place) throws -> Program {
    let script = try place.file("script.sh", "set -euo pipefail\ncd '\(place.path)'\n\(command)\n")
    return try Program.run(
      ["PATH=\(place.path)/bin:/usr/local/bin:/usr/bin:/bin", "bash", script],
      executable: "/usr/bin/env")
  }

  @Test func `every command of the page does what it says`() throws {
    let place = try place()
    var count = 0
    for block in try blocks() {
      for command in commands(block) {
        let done = try run(command, in: place)
        #expect(done.status == 0, "\(command)\n\(done.errors)")
        #expect(!done.output.contains("of the future"))
        count += 1
      }
    }
    #expect(count == 12)
    func text(_ file: String) throws -> String {
      try String(contentsOfFile: "\(place.path)/\(file)", encoding: .utf8)
    }
    #expect(try text("acks.ndjson").contains("{\"size\":"))
    #expect(try text("clm_replay.prom").contains("clm_replay_view_behind_events"))
    #expect(try text("future.ndjson").isEmpty)
    #expect(try text("summary.json").contains("output_root"))
    let gone = try text("gone.txt").split(separator: "\n")
    #expect(!gone.isEmpty)
    // Restored from a backup of later, they are still forgotten.
    let shown = try Program.run("show", "\(place.path)/shop", String(gone[0]))
    shown.expect(2)
    #expect(shown.errors.contains("unknown-customer"))
  }
}
