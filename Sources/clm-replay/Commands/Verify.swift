import ArgumentParser
import EventStore
import Projections

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Read every stored byte: checksums, positions, root, columns against lines, subject chains.",
    discussion: """
      EXAMPLE
        clm-replay verify store

      Exit status 1 if anything is damaged; each problem is named with its position.
      """)

  @Argument(help: "The store.") var store: String
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    let opened = try OpenedStore(store)
    let progress = ProgressLine("verify", quiet: global.quiet)
    let report = try opened.run { try opened.store.verify { progress.update($0) } }
    progress.end()
    if format == .json || format == .ndjson {
      let problems = report.problems.map { problem in
        JSONValue.object([
          ("position", problem.position.map { .count($0) } ?? .null),
          ("what", .string(problem.what)),
        ])
      }
      let object = JSONValue.object([
        ("ok", .bool(report.isOK)), ("size", .count(report.size)),
        ("root", .string(Hex.text(report.root))), ("problems", .array(problems)),
      ])
      try StandardOutput.write(object.text + "\n")
    } else {
      var lines = report.problems.prefix(50).map { problem in
        (problem.position.map { "position \($0): " } ?? "") + problem.what
      }
      if report.problems.count > lines.count {
        lines.append("and \(report.problems.count - lines.count) more (all with --format json)")
      }
      lines.append(
        "\(report.isOK ? "ok" : "damaged"): \(report.size) events, root \(Hex.text(report.root))")
      try StandardOutput.write(lines.joined(separator: "\n") + "\n")
    }
    if !report.isOK {
      throw CommandError(
        exit: .problems, code: "damaged",
        message:
          "\(report.problems.count) problems in `\(store)`, the first: \(report.problems[0].what)",
        help: "restore the store from a backup")
    }
  }
}
