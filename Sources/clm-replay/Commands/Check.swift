import ArgumentParser
import Projections

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check rules files and run the tests that they carry; needs no store.",
    discussion: """
      EXAMPLE
        clm-replay check retail.yaml
        clm-replay check retail.yaml --coverage --store store
        clm-replay check retail.yaml --diagram > stages.mmd
        clm-replay check retail.yaml --fix
        clm-replay check --schema > rules.schema.json

      --coverage lists how often the tests of the file (with --store the log) take each transition, enter each stage and come into
      each segment; what they never do is marked. --diagram draws the stages for Mermaid, which GitHub and many editors show. --fix
      writes names and keys that were mistyped as they were meant, where check says what that is, lists each, and changes nothing
      else of the file. --schema prints the form of rules files as a JSON Schema, for editors that complete YAML by one; with a
      file it knows the aliases, fields, facts and stages of that.

      Exit status 1 if a file has errors or a test fails, and with --store if customers are parked.
      """)

  @Argument(help: "The rules files.") var rules: [String] = []
  @Option(
    help: "Fold this store's log too and say what the rules could not use; nothing is written.")
  var store: String?
  @Flag(help: "How often each transition, stage and segment comes up in the tests, or the log.")
  var coverage = false
  @Flag(help: "Draw the stages and what leads from one to the other, for Mermaid.")
  var diagram = false
  @Flag(help: "Write what was meant in place of what was mistyped, into the files.")
  var fix = false
  @Flag(help: "Print the form of rules files as a JSON Schema.") var schema = false
  @OptionGroup var times: FoldTimes
  @OptionGroup var global: GlobalOptions

  private var isJSON: Bool { global.format == .json || global.format == .ndjson }

  func validate() throws {
    if store == nil && !times.isNow {
      throw ValidationError("--as-of and --known-at go with --store")
    }
    let one = [
      ("--coverage", coverage), ("--diagram", diagram), ("--fix", fix), ("--schema", schema),
    ]
    .filter(\.1)
    if one.count > 1 {
      throw ValidationError("\(one[0].0) and \(one[1].0) do not go together")
    }
    if rules.isEmpty && !schema { throw ValidationError("Missing expected argument '<rules>'") }
    if schema && (rules.count > 1 || store != nil) {
      throw ValidationError("--schema is of one rules file, or of all")
    }
    if diagram && (rules.count > 1 || store != nil || isJSON) {
      throw ValidationError("--diagram draws one rules file, as text")
    }
  }

  func run() throws {
    if schema {
      let names = try rules.first.map { RulesSchema.Names(try LoadedRules.load($0).compiled.rules) }
      return try StandardOutput.write(RulesSchema(names ?? .init()).json.text + "\n")
    }
    if fix { for file in rules { try LoadedRules.fix(file, quiet: global.quiet) } }
    let checks = try rules.map { try RulesCheck($0, store: store, times, coverage: coverage) }
    for check in checks { check.tell() }
    if diagram {
      if let compiled = checks.first?.result.compiled {
        let text = StageDiagram(compiled.rules).lines.map { $0 + "\n" }.joined()
        try StandardOutput.write(text)
      }
    } else if isJSON {
      try StandardOutput.write(Self.summary(checks, coverage: coverage).text + "\n")
    } else {
      for check in checks where check.errors.isEmpty {
        try StandardOutput.write(check.lines.map { $0 + "\n" }.joined())
      }
    }
    if let parked = checks.lazy.compactMap(\.parked).first { throw parked }
    if !checks.allSatisfy(\.isRight) { throw ExitCode(ExitStatus.problems.rawValue) }
  }

  /// One object for all files.
  private static func summary(_ checks: [RulesCheck], coverage: Bool) -> JSONValue {
    let passed = checks.reduce(0) { $0 + $1.tests.count - $1.failed.count }
    let failed = checks.reduce(0) { $0 + $1.failed.count }
    var members: [(String, JSONValue)] = [
      ("errors", .array(checks.flatMap { $0.errorsJSON })),
      ("warnings", .array(checks.flatMap { $0.warningsJSON })),
      (
        "tests",
        .object([
          ("passed", .count(passed)), ("failed", .count(failed)),
          ("failures", .array(checks.flatMap { $0.failuresJSON })),
        ])
      ),
    ]
    if coverage {
      var found: [(String, JSONValue)] = []
      for check in checks { if let own = check.coverageJSON { found.append((check.file, own)) } }
      let isOne = checks.count == 1
      members.append(("coverage", isOne && !found.isEmpty ? found[0].1 : JSONValue.object(found)))
    }
    return .object(members)
  }
}
