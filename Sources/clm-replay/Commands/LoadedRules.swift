import Projections

/// A rules file that can be folded.
struct LoadedRules {
  let compiled: CompiledRules

  struct Checked {
    var compiled: CompiledRules?
    var diagnostics: [Diagnostic]
    var source: [UInt8]
  }

  /// Reads and checks a file.
  /// - Throws: where it cannot be read.
  static func check(_ path: String) throws -> Checked {
    check(bytes: try InputFile.read(path, what: "rules file"), path: path)
  }

  private static func check(bytes: [UInt8], path: String) -> Checked {
    let loaded = RulesLoader.load(bytes: bytes, file: path)
    guard let rules = loaded.rules else {
      return Checked(compiled: nil, diagnostics: loaded.diagnostics, source: bytes)
    }
    var checked = compile(rules)
    checked.diagnostics = loaded.diagnostics + checked.diagnostics
    return checked
  }

  private static func compile(_ rules: Rules) -> Checked {
    do throws(RulesRefusal) {
      return Checked(
        compiled: try CompiledRules(rules), diagnostics: [], source: rules.source)
    } catch {
      return Checked(compiled: nil, diagnostics: error.diagnostics, source: rules.source)
    }
  }

  /// Reads a file for a command that needs it to be right.
  static func load(_ path: String) throws -> LoadedRules {
    try compiled(try check(path), path: path)
  }

  /// Rules that the register holds.
  static func load(_ source: [UInt8], named name: String) throws -> LoadedRules {
    try compiled(check(bytes: source, path: name), path: name)
  }

  /// The rules that a view was made with.
  static func load(_ reader: ViewReader) throws -> LoadedRules { try load(reader.rules) }

  /// Rules that were read already.
  static func load(_ rules: Rules) throws -> LoadedRules {
    try compiled(compile(rules), path: rules.file)
  }

  private static func compiled(_ checked: Checked, path: String) throws -> LoadedRules {
    if let compiled = checked.compiled { return LoadedRules(compiled: compiled) }
    for diagnostic in checked.diagnostics where diagnostic.severity == .error {
      report(diagnostic, file: path, source: checked.source)
    }
    throw Reported(exit: .couldNotRun)
  }

  /// Checks rules that this program wrote, with their tests.
  /// - Throws: where they are wrong, which is a defect of this program.
  static func checkOwn(_ source: [UInt8]) throws {
    let checked = check(bytes: source, path: "the draft")
    var faults = checked.diagnostics.filter { $0.severity == .error }.map {
      "line \($0.place.line): \($0.message)"
    }
    if let compiled = checked.compiled {
      faults += RuleTestRunner.run(compiled).compactMap(\.failure)
    }
    guard let fault = faults.first else { return }
    throw CommandError(
      exit: .couldNotRun, code: "draft", message: "the draft does not hold: \(fault)",
      help: "this is a defect of this program; `status --types` lists what a rules file can name")
  }

  /// Writes what was meant in place of what was mistyped, into a file, and says each.
  static func fix(_ path: String, quiet: Bool) throws {
    let source = try InputFile.read(path, what: "rules file")
    let fixer = RulesFixer(source) { check(bytes: $0, path: path).diagnostics }
    if fixer.fixes.isEmpty { return Notice.write("\(path): nothing to fix", quiet: quiet) }
    let file = try OutputFile.open(path)
    try file.write(fixer.source)
    try file.close()
    for fix in fixer.fixes {
      Notice.write("\(path):\(fix.line): `\(fix.old)` is `\(fix.new)` now", quiet: quiet)
    }
  }

  static func report(_ diagnostic: Diagnostic, file: String, source: [UInt8]) {
    ErrorReport(
      isWarning: diagnostic.severity == .warning, code: diagnostic.code,
      message: diagnostic.message,
      place: (file, diagnostic.place.line, diagnostic.place.column), source: source,
      help: diagnostic.help
    ).write()
  }

  var title: String {
    let rules = compiled.rules
    return "\(rules.modelName) v\(rules.modelVersion) (\(rules.file))"
  }
}
