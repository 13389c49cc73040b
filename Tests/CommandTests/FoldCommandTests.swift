import Foundation
import Testing

/// The filter `fold`: what it says of customers is what a log with their events says.
@Suite struct FoldCommandTests {
  /// Lines by subject, those of one in their order.
  private func grouped(_ lines: [Substring]) throws -> [Substring] {
    let subjects = try lines.map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return object?["subject"] as? String ?? ""
    }
    return lines.indices.sorted {
      let (left, right) = (Array(subjects[$0].utf8), Array(subjects[$1].utf8))
      return left == right ? $0 < $1 : left.lexicographicallyPrecedes(right)
    }.map { lines[$0] }
  }

  private func fold(
    _ lines: [Substring], _ arguments: String..., expect status: Int32 = 0
  ) throws -> Program {
    let input = lines.map { $0 + "\n" }.joined()
    let run = try Program.run(["fold"] + arguments, input: input)
    run.expect(status)
    return run
  }

  @Test(arguments: CasesTests.names) func `worked examples come out as from a log`(
    name: String
  ) throws {
    func path(_ ending: String) -> String { "\(CasesTests.directory)/\(name).\(ending)" }
    guard let asOf = try? String(contentsOfFile: path("as_of"), encoding: .utf8) else { return }
    let events = try String(contentsOfFile: path("events.ndjson"), encoding: .utf8)
      .split(separator: "\n")
    let isJoined = try String(contentsOfFile: path("rules.yaml"), encoding: .utf8)
      .contains("identity:")
    for table in ["transitions", "customers"]
    where FileManager.default.fileExists(atPath: path("\(table).csv")) {
      // A line that is no event has no subject, and comes first.
      let lines = isJoined ? events : (try? grouped(events)) ?? events
      let run = try Program.run(
        [
          "fold", "--rules", path("rules.yaml"), "--as-of",
          asOf.trimmingCharacters(in: .whitespacesAndNewlines), "--table", table, "--format", "csv",
        ], input: lines.map { $0 + "\n" }.joined())
      #expect([0, 1].contains(run.status), "\(run.errors)")
      let expected = try CSVTable(contentsOf: path("\(table).csv"))
      let columns = expected.columns.filter { $0 != "position" && !$0.hasPrefix("rfm_") }
      #expect(
        CSVTable(run.output).rows(of: columns)
          == CSVTable(try String(contentsOfFile: path("\(table).csv"), encoding: .utf8))
          .rows(of: columns), "\(table)")
    }
  }

  /// The fixture's shop, whole, with cookies joined and without.
  @Test(arguments: [true, false]) func `a shop comes out as from a log`(isJoined: Bool) throws {
    let place = try Place()
    var rules = try String(contentsOfFile: Program.fixture("rules/retail.yaml"), encoding: .utf8)
      .replacingOccurrences(of: "clv: {", with: "clv: { model: mbg_nbd, unit: 7d, horizon: 364d,")
    if !isJoined {
      rules = rules.split(separator: "\n", omittingEmptySubsequences: false)
        .filter { !$0.hasPrefix("identity:") }.joined(separator: "\n")
      // The file's own tests may speak of who is joined; `fold` does not run them.
    }
    let file = try place.file("rules.yaml", rules)
    try Program.run("import", place.store, Program.fixture("shop.ndjson.gz"), "-q").expect(0)
    let replayed = try Program.run(
      "replay", place.store, "--rules", file, "--as-of", "2024-12-31", "--format", "json")
    replayed.expect(0)
    let parameters = try place.file("parameters.json", replayed.output)
    // The parameters as they are printed, in nine digits.
    try Program.run(
      "replay", place.store, "--rules", file, "--as-of", "2024-12-31", "--clv-params", parameters,
      "-q"
    ).expect(0)
    let log = try Program.run("export", place.store, "--table", "events", "-o", "-")
    let lines = try grouped(log.output.split(separator: "\n"))
    for table in ["customers", "transitions", "segments"] {
      let hasParameters = table == "customers"
      #expect(replayed.output.contains("\"params\""))
      let run = try Program.run(
        [
          "fold", "--rules", file, "--as-of", "2024-12-31", "--table", table, "--format", "csv",
        ] + (hasParameters ? ["--clv-params", parameters] : []),
        input: lines.map { $0 + "\n" }.joined())
      run.expect(0)
      let exported = CSVTable(
        try Program.run("export", place.store, "--table", table, "-o", "-").output)
      let untold = ["position", "rfm_r", "rfm_f", "rfm_m", "rfm_segment", "segments"]
      let columns = exported.columns.filter { !untold.contains($0) }
      var (found, expected) = (
        CSVTable(run.output).rows(of: columns), exported.rows(of: columns)
      )
      if table == "segments" {
        // Segments of the population are the log's alone; the filter says which.
        expected = expected.filter { !$0[2].isEmpty }
        found = found.filter { !$0[2].isEmpty }
        #expect(run.errors.contains("segment `champions`"), "\(run.errors)")
      }
      #expect(found.count > 100)
      let isSame = found == expected
      #expect(isSame, "\(table)")
    }
  }

  @Test func `partitions and threads make no difference`() throws {
    let lines = (0..<4000).map { number in
      Substring(
        event(
          number, "purchase", "2024-01-\(String(format: "%02d", number % 28 + 1))T00:00:00Z",
          subject: String(format: "c-%04d", number / 7), data: #"{"amount":"1.50"}"#
        ).dropLast())
    }
    let place = try Place()
    let rules = try place.file("r.yaml", BuyerRules.head("shop"))
    func rows(_ part: ArraySlice<Substring>, _ threads: Int) throws -> String {
      try fold(
        Array(part), "--rules", rules, "--as-of", "2024-02-01", "--threads", "\(threads)", "-q"
      ).output
    }
    let whole = try rows(lines[...], 1)
    #expect(whole.split(separator: "\n").count == 572)
    #expect(try rows(lines[...], 3) == whole)
    #expect(try rows(lines[..<1400], 2) + rows(lines[1400...], 2) == whole)
    #expect(try rows([], 2) == "")
  }

  @Test func `who comes twice ends it, and what is no event is named`() throws {
    let place = try Place()
    let rules = try place.file("r.yaml", BuyerRules.head("shop"))
    func lines(_ subjects: String...) -> [Substring] {
      subjects.enumerated().map {
        event($0, "purchase", "2024-01-01T00:00:00Z", subject: $1).dropLast()
      }
    }
    let twice = try fold(
      lines("a", "b", "a"), "--rules", rules, "--as-of", "now", expect: 2)
    #expect(twice.errors.contains("error[not-grouped]: line 3: "), "\(twice.errors)")

    let same = event(7, "purchase", "2024-01-01T00:00:00Z", subject: "a").dropLast()
    let other = event(7, "purchase", "2024-01-02T00:00:00Z", subject: "a").dropLast()
    let run = try fold(
      [same, "", "{", same, other, #"{"id":"x"}"#], "--rules", rules, "--as-of", "2024-02-01",
      expect: 1)
    #expect(run.output.split(separator: "\n").count == 1)
    #expect(run.output.contains(#""last_seen":"2024-01-01T00:00:00.000000Z""#))
    for text in [
      "warning[json]: line 3: ", "warning[conflict]: line 5: ", "line 6: `source` is missing",
      "; 1 duplicate", "error[rejected]: 3 of 5 lines were rejected",
    ] { #expect(run.errors.contains(text), "\(text): \(run.errors)") }

    // What lies behind as-of is nothing yet.
    let early = try fold(lines("a"), "--rules", rules, "--as-of", "2023-12-31")
    #expect(early.output.isEmpty)
  }

  @Test func `wrong usage is told from what cannot run`() throws {
    let place = try Place()
    let rules = try place.file("r.yaml", BuyerRules.head("shop"))
    try Program.run("fold", "--rules", rules, input: "").expect(64)
    try Program.run("fold", "--rules", rules, "--as-of", "soon", input: "").expect(64)
    try Program.run("fold", "--rules", rules, "--as-of", "now", "--format", "json", input: "")
      .expect(64)
    try Program.run("fold", "--rules", "\(place.path)/none", "--as-of", "now", input: "").expect(2)
    try Program.run("fold", "--rules", rules, "--as-of", "now", input: "PK\u{3}\u{4} zip").expect(2)
    let columns = try Program.run(
      "fold", "--rules", rules, "--as-of", "now", "--format", "csv", input: "")
    #expect(columns.output.hasPrefix("customer,stage,since,"))
  }
}
