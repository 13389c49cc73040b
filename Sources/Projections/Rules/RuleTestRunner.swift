/// Runs the tests that a rules file carries, without a store.
public struct RuleTestRunner {
  /// What became of one test.
  public struct Outcome: Sendable {
    public var name: String
    /// Nil where the test passed; else what differs.
    public var failure: String?
    public var place: Rules.Place
  }

  public static func run(_ compiled: CompiledRules) -> [Outcome] {
    compiled.rules.tests.map { test in
      Outcome(name: test.name, failure: failure(of: test, compiled), place: test.place)
    }
  }

  private static func failure(of test: Rules.RuleTest, _ compiled: CompiledRules) -> String? {
    var lines: [EventLine] = []
    for (position, text) in test.given.enumerated() {
      guard let line = EventLine(position: UInt64(position), line: Array(text.utf8)) else {
        return "event \(position) of `given` is no event"
      }
      lines.append(line)
    }
    guard let latest = lines.map(\.occurred).max() else {
      return test.expect.isEmpty ? nil : "`given` has no events"
    }
    let asOf = test.asOf ?? latest
    let rows = MemoryFold.rows(of: lines, asOf: asOf, compiled)
    if rows.count != test.expect.count {
      return "expected \(counted(test.expect.count)), found \(counted(rows.count))"
        + listing(rows)
    }
    for (index, (row, expected)) in zip(rows, test.expect).enumerated() {
      if let difference = difference(row, expected) {
        return "row \(index + 1): \(difference)" + listing(rows)
      }
    }
    return nil
  }

  private static func counted(_ rows: Int) -> String { rows == 1 ? "1 row" : "\(rows) rows" }

  private static func listing(_ rows: [MemoryFold.NamedRow]) -> String {
    rows.map { named in
      let row = named.row
      return "\n    found: at \(Instant.text(row.at)), \(row.from ?? "-") to \(row.to)"
        + " by \(row.transition ?? "-") (\(row.isTimer ? "timer" : "event"))"
    }.joined()
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
