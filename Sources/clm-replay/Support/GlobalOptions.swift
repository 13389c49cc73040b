import ArgumentParser

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case table, json, ndjson, csv
}

/// Options that every command has.
struct GlobalOptions: ParsableArguments {
  @Option(help: "table, json, ndjson or csv, as far as the command has them.")
  var format: OutputFormat?
  @Flag(name: .shortAndLong, help: "No progress and no summaries; errors are always shown.")
  var quiet = false

  /// The format of a command that gives one object: text for people, or JSON.
  func resolvedFormat(oneObject: Bool) -> OutputFormat { format ?? .table }

  /// The format of a command that writes rows to a file.
  func tableFormat() throws -> OutputFormat {
    switch format ?? .csv {
    case .csv, .table: return .csv
    case .ndjson: return .ndjson
    case .json:
      throw CommandError(
        exit: .usage, code: "usage", message: "rows are written as csv or ndjson, not json")
    }
  }
}
