import ArgumentParser

/// Which forms each command has, for `--format` and for the extension of `-o` (contract §6): another one is wrong usage, not
/// something that is silently taken for the next best.
enum Forms {
  /// Refuses a form that a command does not have.
  static func check(_ command: any ParsableCommand) throws {
    switch command {
    case let command as ImportCommand: try object(command.global)
    case let command as CheckCommand: try object(command.global)
    case let command as ReplayCommand: try object(command.global)
    case let command as ShowCommand: try object(command.global)
    case let command as ExplainCommand: try object(command.global)
    case let command as CompareCommand where command.output != "-": try object(command.global)
    case let command as VerifyCommand: try object(command.global)
    case let command as ProveCommand: try object(command.global)
    case let command as BackupCommand: try object(command.global)
    case let command as ForgetCommand: try object(command.global)
    case let command as CheckpointCommand:
      try object(command.global)
      try refuse(command.output, extensions: otherExtensions, has: "a checkpoint")
    case let command as ViewsCommand
    where command.acceptRules || command.drop != nil || command.prune:
      try object(command.global)
    case let command as ViewsCommand where command.rules != nil:
      try among([], command.global, "the file as it was served")
    case let command as FoldCommand:
      try among([.csv, .ndjson], command.global, "ndjson and csv")
    case let command as GenerateCommand:
      try among([.ndjson], command.global, "ndjson")
      try refuse(command.output, extensions: otherExtensions.subtracting(["ndjson"]), has: "ndjson")
    default: break
    }
  }

  /// The form of a command that writes rows to a file: as `--format` says, else as the file's extension does, else CSV.
  static func rows(_ global: GlobalOptions, output: String) throws -> OutputFormat {
    try among([.csv, .ndjson], global, "csv and ndjson")
    return try rows(global.format, output: output)
  }

  /// The form of `export`: as the file's name says, else as `--format` does, else CSV.
  static func export(_ format: ExportForm?, output: String) throws -> ExportForm {
    let named = name(of: output) ?? ""
    if format == .parquet || ["parquet", "arrow", "feather"].contains(named) {
      throw usage(
        "tables are not written as \(format == .parquet ? "parquet" : named)",
        help:
          "write `-o view.sqlite` or a CSV file, and let DuckDB make it: COPY (SELECT * FROM sqlite_scan('view.sqlite', 'customers')) TO 'customers.parquet' (docs/export.md)"
      )
    }
    if databaseExtensions.contains(named) || format == .sqlite {
      if let format,
        format != .sqlite || otherExtensions.subtracting(databaseExtensions).contains(named)
      {
        throw usage(
          "`\(output)` would hold \(format.rawValue)", help: "leave --format or the name to say it")
      }
      return .sqlite
    }
    let rows = try rows(format?.rows, output: output, known: "csv, ndjson or sqlite")
    return rows == .csv ? .csv : .ndjson
  }

  private static let databaseExtensions: Set<String> = ["sqlite", "sqlite3", "db"]

  /// The form of rows that go to a file beside what a command prints: as its extension says, else CSV.
  static func rows(beside output: String) throws -> OutputFormat {
    try rows(nil, output: output)
  }

  /// Checks the form of a command that writes lines as they came.
  static func checkLines(_ format: ExportForm?, output: String) throws {
    if let format, format != .ndjson {
      throw usage(
        "this command does not write \(format.rawValue)",
        help: "it has ndjson, lines as they came")
    }
    guard let named = name(of: output), !["ndjson", "jsonl"].contains(named),
      format == nil || otherExtensions.contains(named)
    else { return }
    throw usage(
      "lines are written as ndjson, not as the `.\(named)` of `\(output)`",
      help: "name a file .ndjson, or one without an extension")
  }

  /// Checks the form of a command that writes a page.
  static func checkPage(_ global: GlobalOptions, output: String) throws {
    let page = "a page of HTML"
    try among([], global, page)
    try refuse(output, extensions: otherExtensions.subtracting(["html"]), has: page)
  }

  private static func rows(
    _ format: OutputFormat?, output: String, known: String = "csv or ndjson"
  ) throws -> OutputFormat {
    let named = name(of: output)
    let chosen = named == "jsonl" ? .ndjson : named.flatMap { OutputFormat(rawValue: $0) }
    if let chosen, [.csv, .ndjson].contains(chosen) {
      if let format, format != chosen {
        throw usage(
          "`\(output)` would hold \(format.rawValue)", help: "leave --format or the name to say it")
      }
      return chosen
    }
    // A name that says nothing of a form may be said to hold one.
    if let named, format == nil || otherExtensions.contains(named) {
      throw usage(
        "rows are written as \(known), not as the `.\(named)` of `\(output)`",
        help: "name a file so, or one without an extension")
    }
    return format ?? .csv
  }

  /// Forms of data that files are named after.
  private static let otherExtensions: Set<String> = [
    "csv", "tsv", "ndjson", "jsonl", "parquet", "arrow", "feather", "orc", "avro", "sqlite",
    "sqlite3",
    "db", "duckdb", "xlsx", "xls", "ods", "xml", "yaml", "yml", "html", "pdf", "svg", "png", "gz",
    "zst", "zip", "bz2", "xz",
  ]

  private static func object(_ global: GlobalOptions) throws {
    try among([.table, .json], global, "table (text) and json")
  }

  private static func among(
    _ formats: [OutputFormat], _ global: GlobalOptions, _ known: String
  ) throws {
    guard let format = global.format, !formats.contains(format) else { return }
    throw usage("this command does not write \(format.rawValue)", help: "it has \(known)")
  }

  private static func refuse(
    _ output: String, extensions: Set<String>, has known: String
  ) throws {
    guard let name = name(of: output), extensions.contains(name) else { return }
    throw usage("`\(output)` would hold \(known), not \(name)", help: "name the file otherwise")
  }

  /// The extension of a path in lower case; nil where none of its letters and digits say a form (as in `tmp.q8KX0bq2Zt`).
  static func name(of path: String) -> String? {
    guard path != "-", let file = path.split(separator: "/").last,
      let dot = file.lastIndex(of: "."),
      dot > file.startIndex
    else { return nil }
    let name = file[file.index(after: dot)...]
    let isName =
      (1...8).contains(name.utf8.count) && name.contains(where: \.isLetter)
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    return isName ? name.lowercased() : nil
  }

  private static func usage(_ message: String, help: String) -> CommandError {
    CommandError(exit: .usage, code: "usage", message: message, help: help)
  }
}

/// What `export` writes.
enum ExportForm: String, ExpressibleByArgument, CaseIterable {
  case csv, ndjson, sqlite
  /// Known, so that it can be refused in words of its own, and not offered.
  case parquet

  static var allValueStrings: [String] { ["csv", "ndjson", "sqlite"] }

  /// The form of rows.
  var rows: OutputFormat { self == .ndjson ? .ndjson : .csv }
}
