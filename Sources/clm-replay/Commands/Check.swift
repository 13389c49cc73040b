import ArgumentParser
import Projections

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a rules file and run the tests that it carries; needs no store.",
    discussion: """
      EXAMPLE
        clm-replay check retail.yaml

      Exit status 1 if the file has errors or a test fails.
      """)

  @Argument(help: "The rules file.") var rules: String
  @Option(
    help: "Fold this store's log too and say what the rules could not use; nothing is written.")
  var store: String?
  @OptionGroup var times: FoldTimes
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    if store == nil && !times.isNow {
      throw ValidationError("--as-of and --known-at go with --store")
    }
  }

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    let result = try LoadedRules.check(rules)
    var tests: [RuleTestRunner.Outcome] = []
    if let compiled = result.compiled { tests = RuleTestRunner.run(compiled) }
    let failed = tests.filter { $0.failure != nil }
    let errors = result.diagnostics.filter { $0.severity == .error }
    var warnings = result.diagnostics.filter { $0.severity == .warning }
    if let compiled = result.compiled { warnings += ChaseFinder.warnings(compiled) }
    for diagnostic in warnings {
      LoadedRules.report(diagnostic, file: rules, source: result.source)
    }
    for diagnostic in errors { LoadedRules.report(diagnostic, file: rules, source: result.source) }
    for test in failed {
      LoadedRules.report(
        Diagnostic(
          code: "test-failed", message: "test `\(test.name)`: \(test.failure ?? "")",
          place: test.place), file: rules, source: result.source)
    }
    let trial = try result.compiled.flatMap { compiled in
      try store.map { try TrialFold($0, compiled, times) }
    }
    trial?.report.tell()
    if format == .json || format == .ndjson {
      let failures = failed.map { test in
        JSONValue.object([
          ("name", .string(test.name)), ("message", .string(test.failure ?? "")),
          ("line", .count(test.place.line)),
        ])
      }
      let object = JSONValue.object([
        ("errors", .array(errors.map(json))),
        (
          "warnings",
          .array(warnings.map(json) + (trial?.report.warnings ?? []).map { warningJSON($0) })
        ),
        (
          "tests",
          .object([
            ("passed", .count(tests.count - failed.count)), ("failed", .count(failed.count)),
            ("failures", .array(failures)),
          ])
        ),
      ])
      try StandardOutput.write(object.text + "\n")
    } else if errors.isEmpty {
      let count = tests.count == 1 ? "1 test" : "\(tests.count) tests"
      try StandardOutput.write(
        "\(rules.printable): \(failed.isEmpty ? "ok" : "not ok"), \(count), \(failed.count) failed\n"
      )
    }
    if let parked = trial?.parked { throw parked }
    if !errors.isEmpty || !failed.isEmpty { throw ExitCode(ExitStatus.problems.rawValue) }
  }

  private func json(_ diagnostic: Diagnostic) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("code", .string(diagnostic.code)), ("message", .string(diagnostic.message)),
      ("line", .count(diagnostic.place.line)), ("column", .count(diagnostic.place.column)),
    ]
    if let help = diagnostic.help { members.append(("help", .string(help))) }
    return .object(members)
  }
}
