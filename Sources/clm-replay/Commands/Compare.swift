import ArgumentParser
import EventStore
import Projections

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Fold the log under two rules files and show who differs, and since when.",
    discussion: """
      EXAMPLE
        clm-replay compare store --rules retail.yaml --rules retail-v4.yaml

      A customer has changed if the rows differ at any time. Exit status 1 if --fail-above is crossed or a customer is parked.
      """)

  @Argument(help: "The store.") var store: String
  @Option(help: "A rules file; give two.") var rules: [String] = []
  @Option(help: "The instant to fold to: RFC 3339, a date, or `now`.") var asOf: String?
  @Option(help: "Only events recorded by then.") var knownAt: String?
  @Option(help: "Exit with 1 if more than this percentage of customers changed.")
  var failAbove: Double?
  @Option(help: "Threads; as many as the machine has cores unless given.") var threads: Int?
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard rules.count == 2 else {
      throw ValidationError("give --rules twice: the file in force, then the one to compare")
    }
    if let failAbove, !(0...100).contains(failAbove) {
      throw ValidationError("--fail-above is a percentage from 0 to 100")
    }
  }

  func run() throws {
    let format = global.resolvedFormat(oneObject: true)
    let opened = try OpenedStore(store)
    let left = try LoadedRules.load(rules[0])
    let right = try LoadedRules.load(rules[1])
    let view = try opened.logView(asOf: asOf, knownAt: knownAt)
    let comparison = try opened.run {
      try RulesComparison.run(
        left.compiled, right.compiled, view: view, threads: Threads.count(threads))
    }
    tellWarnings(comparison)
    let changed = comparison.changed
    let percent = changedPercent(comparison)
    if format == .json || format == .ndjson {
      try StandardOutput.write(json(comparison).text + "\n")
    } else {
      try StandardOutput.show(text(comparison, left, right))
    }
    if let failAbove, percent > failAbove {
      throw CommandError(
        exit: .problems, code: "changed-above",
        message:
          "\(changed) of \(comparison.customers) customers changed (\(Numbers.percent(percent)) %), above \(Numbers.percent(failAbove)) %"
      )
    }
    if comparison.parked > 0 {
      throw CommandError(
        exit: .problems, code: "parked",
        message: "\(comparison.parked) customers are parked under one of the rules files",
        help: "`clm-replay replay` names them and the transitions that chase each other")
    }
  }

  /// What both files could not use is said once.
  private func tellWarnings(_ comparison: RulesComparison) {
    let (a, b) = (comparison.warnings.a, comparison.warnings.b)
    let both = a.filter { b.contains($0) }
    FaultReport.tell(both)
    for (name, warnings) in [("a", a), ("b", b)] {
      FaultReport.tell(
        warnings.filter { !both.contains($0) }.map { warning in
          var warning = warning
          warning.message = "under \(name), \(warning.message)"
          return warning
        })
    }
  }

  private func changedPercent(_ comparison: RulesComparison) -> Double {
    comparison.customers == 0
      ? 0 : Double(comparison.changed) * 100 / Double(comparison.customers)
  }

  private func json(_ comparison: RulesComparison) -> JSONValue {
    .object([
      ("customers", .count(comparison.customers)),
      ("changed", .count(comparison.changed)),
      ("as_of", .string(RFC3339.text(comparison.asOf))),
      (
        "matrix",
        .array(
          comparison.matrix.map { cell in
            .object([
              ("a", .optional(cell.a)), ("b", .optional(cell.b)),
              ("customers", .count(cell.customers)),
            ])
          })
      ),
      (
        "stages",
        .object(
          comparison.stages.map { stage in
            (stage.name, .object([("a", .count(stage.a)), ("b", .count(stage.b))]))
          })
      ),
      (
        "clv",
        .object([
          ("a", value(comparison.value.a, comparison.digits.a)),
          ("b", value(comparison.value.b, comparison.digits.b)),
        ])
      ),
      (
        "examples",
        .array(
          comparison.examples.map { example in
            .object([
              ("customer", .string(example.customer)), ("a", .optional(example.a)),
              ("b", .optional(example.b)),
              ("first_difference", .string(RFC3339.text(example.firstDifference))),
            ])
          })
      ),
    ])
  }

  private func value(_ minor: Int64?, _ digits: Int) -> JSONValue {
    .optional(minor.map { Numbers.money($0, digits: digits) })
  }

  private func text(
    _ comparison: RulesComparison, _ left: LoadedRules, _ right: LoadedRules
  ) -> String {
    let percent = changedPercent(comparison)
    var lines: [String] = []
    lines.append("a  \(left.title)")
    lines.append("b  \(right.title)")
    lines.append("as of \(RFC3339.text(comparison.asOf))")
    lines.append("")
    lines.append(
      "\(comparison.changed) of \(comparison.customers) customers have another history (\(Numbers.percent(percent)) %)"
    )
    lines.append("")
    var table = TextTable(columns: ["stage", "a", "b", "difference"], numeric: [1, 2, 3])
    for stage in comparison.stages {
      let difference = stage.b - stage.a
      table.add([
        stage.name, String(stage.a), String(stage.b),
        difference > 0 ? "+\(difference)" : String(difference),
      ])
    }
    lines += table.lines
    let moved = comparison.matrix.filter { $0.a != $0.b }
    if !moved.isEmpty {
      lines.append("")
      var table = TextTable(columns: ["stage under a", "stage under b", "customers"], numeric: [2])
      for cell in moved {
        table.add([cell.a ?? "(parked)", cell.b ?? "(parked)", String(cell.customers)])
      }
      lines += table.lines
    }
    if !comparison.examples.isEmpty {
      lines.append("")
      var table = TextTable(columns: ["for example", "a", "b", "differs since"], numeric: [])
      for example in comparison.examples {
        table.add([
          example.customer, example.a ?? "(parked)", example.b ?? "(parked)",
          RFC3339.text(example.firstDifference),
        ])
      }
      lines += table.lines
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
