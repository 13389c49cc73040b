/// Runs the tests that a rules file carries, without a store.
public struct RuleTestRunner {
  /// What became of one test.
  public struct Outcome: Sendable {
    /// As the file names the test.
    public var name: String
    /// Nil where the test passed; else what differs.
    public var failure: String?
    /// Customers that were parked, since when and by what; empty where there is none.
    public var parked: [String]
    /// Where the test stands in the file.
    public var place: Rules.Place
  }

  /// Runs all tests of a rules file, in its order; nothing is read or written.
  public static func run(_ compiled: CompiledRules) -> [Outcome] {
    compiled.rules.tests.map { run($0, compiled) }
  }

  private static func run(_ test: Rules.RuleTest, _ compiled: CompiledRules) -> Outcome {
    var outcome = Outcome(name: test.name, failure: nil, parked: [], place: test.place)
    let lines = lines(of: test)
    if lines.count < test.given.count {
      outcome.failure = "event \(lines.count) of `given` is no event"
      return outcome
    }
    guard let latest = lines.map(\.occurred).max() else {
      outcome.failure = test.expect.isEmpty ? nil : "`given` has no events"
      return outcome
    }
    let customers = MemoryFold.customers(of: lines, asOf: test.asOf ?? latest, compiled)
    outcome.parked = customers.compactMap { parked($0, compiled.rules) }
    let rows = customers.flatMap(\.rows)
    if let difference = difference(rows, test.expect) {
      let reasons = outcome.parked.map { "; \($0)" }.joined()
      outcome.failure = difference + reasons + listing(rows, test.expect)
    }
    return outcome
  }

  /// The events of a test up to the first that is none.
  static func lines(of test: Rules.RuleTest) -> [EventLine] {
    var lines: [EventLine] = []
    for (position, event) in test.given.enumerated() {
      guard let line = EventLine(position: UInt64(position), line: Array(event.line.utf8)) else {
        break
      }
      lines.append(line)
    }
    return lines
  }

  private static func difference(
    _ rows: [MemoryFold.NamedRow], _ expected: [Rules.ExpectedRow]
  ) -> String? {
    for (index, (row, expected)) in zip(rows, expected).enumerated() {
      if let difference = difference(row, expected) { return "row \(index + 1): \(difference)" }
    }
    if rows.count == expected.count { return nil }
    return "expected \(counted(expected.count)), found \(counted(rows.count))"
  }

  private static func counted(_ rows: Int) -> String { rows == 1 ? "1 row" : "\(rows) rows" }

  /// Why a customer's rows end: since when it is parked, and by which transitions.
  private static func parked(_ customer: MemoryFold.Customer, _ rules: Rules) -> String? {
    guard let parked = customer.parked else { return nil }
    let names = parked.transitions.map { name in
      "`\(name)`" + (rules.line(ofTransition: name).map { " (line \($0))" } ?? "")
    }
    return
      "customer `\(customer.name)` is parked since \(Instant.text(parked.at)), \(parked.reason): \(names.joined(separator: ", "))"
  }

  // MARK: Rows side by side

  private static func listing(
    _ rows: [MemoryFold.NamedRow], _ expected: [Rules.ExpectedRow]
  ) -> String {
    let isNamed = Set(rows.map(\.customer)).count > 1 || expected.contains { $0.customer != nil }
    let wanted = expected.map { text($0) }
    let found = rows.map { text($0, isNamed: isNamed) }
    return (0..<max(1, wanted.count, found.count)).map { index in
      let first = index < wanted.count ? wanted[index] : "nothing"
      let second = index < found.count ? found[index] : "nothing"
      return "\n    expected \(index + 1): \(first)\n    found    \(index + 1): \(second)"
    }.joined()
  }

  private static func text(_ row: Rules.ExpectedRow) -> String {
    var parts: [String] = []
    if let at = row.at { parts.append("at \(Instant.text(at))") }
    if let from = row.from { parts.append("from \(from)") }
    if let to = row.to { parts.append("to \(to)") }
    if let transition = row.transition { parts.append("transition \(transition)") }
    if let cause = row.cause { parts.append("by \(cause)") }
    if let event = row.eventID { parts.append("event_id \(event)") }
    if let customer = row.customer { parts.append("customer \(customer)") }
    return parts.isEmpty ? "any row" : parts.joined(separator: ", ")
  }

  private static func text(_ named: MemoryFold.NamedRow, isNamed: Bool) -> String {
    let row = named.row
    var parts = ["at \(Instant.text(row.at))", "from \(row.from ?? "")", "to \(row.to)"]
    parts.append("transition \(row.transition ?? "")")
    parts.append("by \(row.isTimer ? "timer" : "event")")
    if let anchor = row.anchor { parts.append("event_id \(anchor.eventID)") }
    if isNamed { parts.append("customer \(named.customer)") }
    return parts.joined(separator: ", ")
  }

  private static func difference(
    _ named: MemoryFold.NamedRow, _ expected: Rules.ExpectedRow
  ) -> String? {
    let row = named.row
    if let at = expected.at, at != row.at {
      return "expected at \(Instant.text(at)), found \(Instant.text(row.at))"
    }
    let texts: [(String, String?, String)] = [
      ("from", expected.from, row.from ?? ""), ("to", expected.to, row.to),
      ("transition", expected.transition, row.transition ?? ""),
      ("by", expected.cause, row.isTimer ? "timer" : "event"),
      ("event_id", expected.eventID, row.anchor?.eventID ?? ""),
      ("customer", expected.customer, named.customer),
    ]
    for (key, wanted, found) in texts {
      if let wanted, wanted != found { return "expected \(key) `\(wanted)`, found `\(found)`" }
    }
    return nil
  }
}

extension Rules {
  /// The line of a transition, or of a stage with a condition.
  func line(ofTransition name: String) -> Int? {
    switch form {
    case .transitions(let transitions): transitions.first { $0.id == name }?.place.line
    case .firstMatch: stages.first { $0.name == name }?.place.line
    }
  }
}
