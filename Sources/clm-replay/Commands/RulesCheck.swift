import Projections

/// What is to be said of one rules file.
struct RulesCheck {
  let file: String
  let result: LoadedRules.Checked
  let tests: [RuleTestRunner.Outcome]
  let failed: [RuleTestRunner.Outcome]
  let errors: [Diagnostic]
  let warnings: [Diagnostic]
  /// What a log says of the rules.
  private let report: FaultReport?
  /// Set where customers of the log are parked.
  let parked: CommandError?
  private let coverage: RuleCoverage?
  private let coversLog: Bool

  init(_ file: String, store: String?, _ times: FoldTimes, coverage wantsCoverage: Bool) throws {
    self.file = file
    result = try LoadedRules.check(file)
    tests = result.compiled.map { RuleTestRunner.run($0) } ?? []
    failed = tests.filter { $0.failure != nil }
    errors = result.diagnostics.filter { $0.severity == .error }
    warnings =
      result.diagnostics.filter { $0.severity == .warning }
      + (result.compiled.map { ChaseFinder.warnings($0) } ?? [])
    coversLog = store != nil
    guard let compiled = result.compiled else {
      (report, parked, coverage) = (nil, nil, nil)
      return
    }
    let trial = try store.map { try TrialFold($0, compiled, times) }
    report = trial?.report
    parked = trial?.parked
    guard wantsCoverage else {
      coverage = nil
      return
    }
    coverage =
      try trial?.coverage(compiled)
      ?? CommandError.translating {
        try RuleCoverage.ofTests(compiled)
      }
  }

  /// No error, no failed test.
  var isRight: Bool { errors.isEmpty && failed.isEmpty }

  /// Errors, warnings and failed tests on standard error.
  func tell() {
    for diagnostic in warnings + errors {
      LoadedRules.report(diagnostic, file: file, source: result.source)
    }
    for test in failed {
      LoadedRules.report(
        Diagnostic(
          code: "test-failed", message: "test `\(test.name)`: \(test.failure ?? "")",
          place: test.place), file: file, source: result.source)
    }
    report?.tell()
  }

  // MARK: Text

  var lines: [String] {
    let count = Numbers.counted(tests.count, "test")
    let isFine = failed.isEmpty && parked == nil
    var lines = [
      "\(file.printable): \(isFine ? "ok" : "not ok"), \(count), \(failed.count) failed"
        + (parked == nil ? "" : ", customers are parked")
    ]
    guard let coverage else { return lines }
    let by = coversLog ? "\(coverage.customers) customers of the log" : count
    var table = TextTable(columns: ["by \(by)", "", "times", "line"], numeric: [2, 3])
    func add(_ what: String, _ entries: [RuleCoverage.Entry]) {
      for entry in entries {
        let times = entry.count.map { $0 == 0 ? "never" : String($0) } ?? "at as-of only"
        table.add([what, entry.name, times, String(entry.line)])
      }
    }
    add("transition", coverage.transitions)
    add("stage", coverage.stages)
    add("segment", coverage.segments)
    lines += [""] + table.lines
    return lines
  }

  // MARK: JSON

  var errorsJSON: [JSONValue] { errors.map(json) }

  var warningsJSON: [JSONValue] {
    warnings.map(json) + (report?.warnings ?? []).map { warningJSON($0) }
  }

  var failuresJSON: [JSONValue] {
    failed.map { test in
      .object([
        ("name", .string(test.name)), ("message", .string(test.failure ?? "")),
        ("file", .string(file)), ("line", .count(test.place.line)),
      ])
    }
  }

  /// Counts by name.
  var coverageJSON: JSONValue? {
    coverage.map { coverage in
      func counts(_ entries: [RuleCoverage.Entry]) -> JSONValue {
        .object(entries.map { ($0.name, $0.count.map { .count($0) } ?? .null) })
      }
      return .object([
        ("customers", .count(coverage.customers)),
        ("transitions", counts(coverage.transitions)), ("stages", counts(coverage.stages)),
        ("segments", counts(coverage.segments)),
      ])
    }
  }

  private func json(_ diagnostic: Diagnostic) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("code", .string(diagnostic.code)), ("message", .string(diagnostic.message)),
      ("file", .string(file)), ("line", .count(diagnostic.place.line)),
      ("column", .count(diagnostic.place.column)),
    ]
    if let help = diagnostic.help { members.append(("help", .string(help))) }
    return .object(members)
  }
}
