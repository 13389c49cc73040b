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
}
