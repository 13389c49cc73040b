import Foundation
import Testing

/// Two histories of each customer, and why they part.
struct CompareTests {
  // MARK: Who

  /// The shop under three rules files, each a view of its own.
  static let shop: Result<Place, any Error> = Result {
    let place = try Place()
    try Program.run("import", place.store, Program.fixture("shop.ndjson.gz")).expect(0)
    for name in ["retail", "retail-v4", "first-match"] {
      try Program.run(
        "replay", place.store, "--rules", Program.fixture("rules/\(name).yaml"), "--view", name,
        "-q"
      ).expect(0)
    }
    return place
  }

  @Test(arguments: [("retail", "retail-v4"), ("retail", "first-match")])
  func `whose exported rows differ is told, and nobody else`(a: String, b: String) throws {
    let store = try Self.shop.get().store
    let place = try Place()
    let files = [a, b].map { Program.fixture("rules/\($0).yaml") }
    let exported = try [a, b].map { name -> [String: [[String]]] in
      let rows = try Program.run(
        "export", store, "--view", name, "--table", "transitions", "-o", "-", "-q")
      return Dictionary(grouping: Self.rows(rows.output), by: { $0[0] })
    }
    let names = Set(exported[0].keys).union(exported[1].keys)
    let expected = names.filter { exported[0][$0] != exported[1][$0] }.sorted()

    let out = "\(place.path)/who.csv"
    let compared = try Program.run(
      "compare", store, "--rules", files[0], "--rules", files[1], "-o", out, "--format",
      "json", "--threads", "3")
    let again = try Program.run(
      "compare", store, "--view", a, "--view", b, "-o", "-", "--threads", "1")

    let told = Self.rows(try String(contentsOfFile: out, encoding: .utf8))
    let changed = told.filter { $0[3] == "rows" }
    let summary = try compared.object()
    #expect(changed.map { $0[0] } == expected)
    #expect(summary["changed"] as? Int == expected.count)
    #expect(summary["customers"] as? Int == names.count)
    #expect(again.output == (try String(contentsOfFile: out, encoding: .utf8)))
    for row in changed {
      let (left, right) = (exported[0][row[0]] ?? [], exported[1][row[0]] ?? [])
      let first = zip(left, right).prefix { $0 == $1 }.count
      let instants = [left, right].compactMap { $0.count > first ? $0[first][1] : nil }
      #expect(row[4] == instants.min(), "\(row[0])")
      // The clause of a condition holds under one side alone.
      if row[11] == "clause" { #expect(Set([row[14], row[17]]) != ["true"], "\(row)") }
      if row[11] == "clause" { #expect(row[14] != row[17], "\(row)") }
    }
    let matrix = try #require(summary["matrix"] as? [[String: Any]])
    #expect(matrix.reduce(0) { $0 + ($1["customers"] as? Int ?? 0) } == names.count)
  }

  @Test func `the same rules differ in nobody, also as a view, as it was served and in two times`()
    throws
  {
    let store = try Self.shop.get().store
    let rules = Program.fixture("rules/retail.yaml")
    for pair in [
      ["--rules", rules, "--rules", rules], ["--view", "retail", "--view", "retail"],
      ["--view", "retail", "--as-served", "now"],
      ["--view", "retail", "--known-at", "now", "--known-at", "now", "--as-of", "2024-06-30"],
    ] {
      let compared = try Program.run(
        ["compare", store, "--format", "json", "--fail-above", "0"] + pair)
      compared.expect(0)
      let summary = try compared.object()
      #expect(summary["changed"] as? Int == 0)
      #expect((summary["examples"] as? [Any])?.isEmpty == true)
      #expect((summary["customers"] as? Int ?? 0) > 300)
    }
  }

  @Test func `days in each stage add up to the time since the first event`() throws {
    let place = try Self.shop(
      event(0, "purchase", "2024-01-01T00:00:00Z") + event(1, "purchase", "2024-01-03T12:00:00Z")
        + event(2, "purchase", "2024-01-02T00:00:00Z", subject: "C-2"))
    let a = try place.rules("a", "{ id: buy, from: new, to: buyer, when: \"buys >= 2\" }")
    let b = try place.rules("b", "{ id: buy, from: new, to: buyer, when: \"buys >= 1\" }")

    let compared = try Program.run(
      "compare", place.store, "--rules", a, "--rules", b, "--as-of", "2024-01-05T00:00:00Z",
      "--format", "json")

    let stages = try #require(try compared.object()["stages"] as? [String: [String: Any]])
    #expect(stages["new"]?["days"] as? [String: Double] == ["a": 5.5, "b": 0])
    #expect(stages["buyer"]?["days"] as? [String: Double] == ["a": 1.5, "b": 7])
    #expect(stages["buyer"]?["entered"] as? Int == 1)
    #expect(stages["new"]?["left"] as? Int == 1)
  }

  // MARK: Why

  /// What differs between two files, and what is told of C-1: why, rule, clause and values under a, and under b.
  static let reasons: [(a: String, b: String, told: [String])] = [
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 2 && spent >= money('20.00')\" }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 3 && spent >= money('20.00')\" }",
      ["clause", "x", "buys >= 2", "true", "buys = 2", "buys >= 3", "false", "buys = 2"]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"spent >= money('20.00') && buys >= 2\" }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 2 && spent >= money('30.01')\" }",
      [
        "clause", "x", "spent >= money('20.00')", "true", "spent = 30.00",
        "spent >= money('30.01')",
        "false", "spent = 30.00",
      ]
    ),
    // One asks for something more, or lets something else do.
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 2\" }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 2 && spent > money('99.00')\" }",
      ["clause", "x", "", "", "", "spent > money('99.00')", "false", "spent = 30.00"]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 9\" }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 9 || spent > money('29.00')\" }",
      ["clause", "x", "", "", "", "spent > money('29.00')", "true", "spent = 30.00"]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"!(buys < 2 || spent < money('9.00'))\" }",
      "{ id: x, from: new, to: buyer, when: \"!(buys < 3 || spent < money('9.00'))\" }",
      ["clause", "x", "buys < 2", "false", "buys = 2", "buys < 3", "true", "buys = 2"]
    ),
    // Time alone: who waits longer.
    (
      "{ id: x, from: new, to: buyer, when: \"since(bought_at) >= days(2)\" }",
      "{ id: x, from: new, to: buyer, when: \"since(bought_at) >= days(3)\" }",
      [
        "clause", "x", "since(bought_at) >= days(2)", "true", "since(bought_at) = 172800s",
        "since(bought_at) >= days(3)", "false", "since(bought_at) = 172800s",
      ]
    ),
    // The same text, and another fact behind it.
    (
      "{ id: x, from: new, to: buyer, when: \"recent >= 2\" }",
      "{ id: x, from: new, to: buyer, when: \"recent >= 2\" }\nfacts+ recent 1h",
      ["clause", "x", "recent >= 2", "true", "recent = 2", "recent >= 2", "false", "recent = 1"]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }",
      "{ id: y, from: new, to: buyer, when: \"buys >= 9\" }",
      ["rule", "x", "buys >= 1", "true", "buys = 1", "", "", ""]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }",
      "{ id: x, from: buyer, to: gone, when: \"buys >= 1\" }",
      ["from", "x", "new", "", "", "buyer", "", ""]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }",
      "{ id: x, from: new, to: gone, when: \"buys >= 1\" }",
      ["to", "x", "buyer", "", "", "gone", "", ""]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }\n{ id: y, from: new, to: gone, when: \"buys > 0\" }",
      "{ id: y, from: new, to: gone, when: \"buys > 0\" }\n{ id: x, from: new, to: buyer, when: \"buys >= 1\" }",
      ["order", "y", "x", "", "", "y", "", ""]
    ),
    // The rule above decides, though the one below differs as well.
    (
      "{ id: x, from: new, to: gone, when: \"buys >= 9\" }\n{ id: y, from: new, to: buyer, when: \"buys >= 1\" }",
      "{ id: x, from: new, to: gone, when: \"buys >= 1\" }\n{ id: y, from: new, to: buyer, when: \"buys >= 2\" }",
      ["clause", "x", "buys >= 9", "false", "buys = 1", "buys >= 1", "true", "buys = 1"]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }\n{ id: y, from: buyer, to: gone, when: \"buys >= 1\" }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }\n{ id: y, from: buyer, to: new, when: \"buys >= 1\" }",
      ["parked", "", "", "", "", "\"transitions-chase: x", " y\"", ""]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }\nignore: event.id == 'e0'",
      ["event", "", "#0", "", "", "", "", ""]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }\nignore: event.subject == 'C-1'",
      ["customer", "", "", "", "", "", "", ""]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }\nstages: [early, new, buyer, gone]",
      ["first-stage", "", "new", "", "", "early", "", ""]
    ),
    (
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }\nsegments: { big: { when: \"buys >= 2\" } }",
      "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }\nsegments: { big: { when: \"buys >= 3\" } }",
      ["clause", "big", "buys >= 2", "true", "buys = 2", "buys >= 3", "false", "buys = 2"]
    ),
  ]

  @Test func `the clause that made the difference is named, with what it read`() throws {
    let place = try Self.shop(
      event(0, "purchase", "2024-01-01T00:00:00Z", data: #"{"amount":"10.00"}"#)
        + event(1, "purchase", "2024-01-01T05:00:00Z", data: #"{"amount":"20.00"}"#)
        + event(2, "purchase", "2024-01-01T00:00:00Z", subject: "C-2"))
    for (a, b, expected) in Self.reasons {
      let compared = try Program.run(
        "compare", place.store, "--rules", place.rules("a", a), "--rules", place.rules("b", b),
        "--as-of", "2024-01-03T12:00:00Z", "-o", "-", "-q")
      let row = try #require(
        Self.rows(compared.output).first { $0[0] == "C-1" }, "\(compared.errors)")
      #expect(Array(row[11...18]) == expected, "\(a) against \(b)")
    }
    let (a, b, _) = Self.reasons[0]
    let text = try Program.run(
      "compare", place.store, "--rules", place.rules("a", a), "--rules", place.rules("b", b),
      "--as-of", "2024-01-03T12:00:00Z", "-q")
    #expect(
      text.output.contains(
        """
        C-1: buyer under a, new under b
          since 2024-01-01T05:00:00Z: new -> buyer by x under a, nothing under b
          x:
            a  + buys >= 2    (buys is 2)
            b  - buys >= 3    (buys is 2)
        """), "\(text.output)")
  }

  @Test func `stages with conditions are told apart by the highest one that differs`() throws {
    let place = try Self.shop(
      event(0, "purchase", "2024-01-01T00:00:00Z") + event(1, "purchase", "2024-01-02T00:00:00Z"))
    func file(_ name: String, _ limit: Int) throws -> String {
      try place.file(
        "\(name).yaml",
        """
        rules: 1
        model: { name: \(name), version: 1 }
        currency: EUR
        events: { buy: { types: [purchase] } }
        facts: { buys: { count: buy } }
        stages:
          - { name: loyal, when: "buys >= \(limit)" }
          - { name: buyer, when: "buys >= 1" }
          - { name: unknown }

        """)
    }

    let compared = try Program.run(
      "compare", place.store, "--rules", file("a", 3), "--rules", file("b", 2), "-o", "-", "-q")

    let row = try #require(Self.rows(compared.output).first)
    #expect(
      Array(row[11...18]) == [
        "clause", "loyal", "buys >= 3", "false", "buys = 2", "buys >= 2", "true", "buys = 2",
      ])
  }

  // MARK: Times and views

  @Test func `two instants of knowledge show what came late, two of as-of what time brought`()
    throws
  {
    let place = try Self.shop(event(0, "purchase", "2024-01-01T00:00:00Z"))
    let rules = try place.rules("a", "{ id: x, from: new, to: buyer, when: \"buys >= 2\" }")
    let before = try Self.now(place)
    let late = try place.file(
      "late.ndjson",
      event(1, "purchase", "2023-12-31T00:00:00Z")
        + event(2, "purchase", "2024-02-01T00:00:00Z", subject: "C-2"))
    try Program.run("import", place.store, late)

    let known = try Program.run(
      "compare", place.store, "--rules", rules, "--known-at", before, "--known-at", "now",
      "--as-of",
      "2024-01-31", "-o", "-", "-q")
    let moved = try Program.run(
      "compare", place.store, "--rules", rules, "--as-of", "2024-01-31", "--as-of", "2024-02-29",
      "-o", "-", "-q")

    #expect(
      known.output.contains(
        "C-1,new,buyer,rows,2023-12-31T00:00:00.000000Z,2024-01-01T00:00:00.000000Z,new,,2023-12-31T00:00:00.000000Z,new,,event,,,,,#1,,,"
      ))
    #expect(Self.rows(moved.output).map { $0[0] } == ["C-2"])
    #expect(moved.output.contains(",,customer,") || moved.output.contains(",customer,"))
  }

  @Test func `one file is compared with itself changed in one place`() throws {
    let place = try Self.shop(
      event(0, "purchase", "2024-01-01T00:00:00Z") + event(1, "purchase", "2024-01-02T00:00:00Z"))
    let rules = try place.rules("a", "{ id: x, from: new, to: buyer, when: \"recent >= 2\" }")
    try Program.run("replay", place.store, "--rules", rules, "-q").expect(0)

    for base in [["--rules", rules], []] {
      let compared = try Program.run(
        ["compare", place.store, "--set", "facts.recent.within=12h", "-o", "-", "-q"] + base)
      let row = try #require(Self.rows(compared.output).first, "\(compared.errors)")
      #expect(
        Array(row[11...18]) == [
          "clause", "x", "recent >= 2", "true", "recent = 2", "recent >= 2", "false", "recent = 1",
        ])
    }
    try Program.run("compare", place.store, "--set", "facts.nobody.within=12h").expect(2)
    try Program.run("compare", place.store, "--set", "facts").expect(64)
  }

  @Test func `what was served is compared with what is, though its generation is gone`() throws {
    let place = try Self.shop(event(0, "purchase", "2024-01-01T00:00:00Z"))
    let first = try place.rules("a", "{ id: x, from: new, to: buyer, when: \"buys >= 1\" }")
    let second = try place.rules("a", "{ id: x, from: new, to: buyer, when: \"buys >= 2\" }", 2)
    try Program.run("replay", place.store, "--rules", first, "--view", "v", "-q").expect(0)
    let then = try Self.now(place)
    try Program.run("replay", place.store, "--rules", second, "--view", "v", "-q").expect(0)
    try Program.run("views", place.store, "--prune", "-q").expect(0)

    let compared = try Program.run(
      "compare", place.store, "--as-served", then, "--format", "json", "-q")

    let summary = try compared.object()
    #expect(summary["changed"] as? Int == 1)
    #expect((summary["a"] as? [String: Any])?["version"] as? Int == 1)
    #expect((summary["b"] as? [String: Any])?["version"] as? Int == 2)
    let unknown = try Program.run("compare", place.store, "--as-served", "2024-01-01")
    #expect(unknown.status == 2)
  }

  // MARK: Exit

  @Test func `a share above the limit ends with 1, at the limit with 0`() throws {
    let place = try Self.shop(
      (0..<8).map { event($0, "purchase", "2024-01-01T00:00:00Z", subject: "C-\($0)") }.joined()
        + event(9, "purchase", "2024-01-01T00:00:00Z", subject: "C-0"))
    let a = try place.rules("a", "{ id: x, from: new, to: buyer, when: \"buys >= 2\" }")
    let c = try place.rules("c", "{ id: x, from: new, to: buyer, when: \"buys >= 3\" }")
    // One of eight, 12.5 %: C-0 alone has two purchases.
    for (other, limit, status) in [
      (c, "12.5%", 0), (c, "12.4", 1), (c, "100", 0), (c, "0%", 1), (a, "0", 0),
    ] {
      let compared = try Program.run(
        "compare", place.store, "--rules", a, "--rules", other, "--fail-above", limit, "-q")
      compared.expect(Int32(status))
      if status == 1 { #expect(compared.errors.contains("error[changed-above]")) }
    }
    for wrong in [
      ["--fail-above", "101"], ["--fail-above", "-1"], ["--fail-above", "x"],
      ["--rules", a, "--view", "v"], ["--as-served", "now"],
    ] {
      try Program.run(["compare", place.store, "--rules", a, "--rules", c] + wrong).expect(64)
    }
    try Program.run("compare", place.store, "--rules", a).expect(64)
    try Program.run("compare", place.store, "--rules", a, "--rules", c, "-o", "x.pdf").expect(64)
  }

  // MARK: Support

  private static func shop(_ events: String) throws -> Place {
    let place = try Place()
    try Program.run("import", place.store, try place.file("events.ndjson", events)).expect(0)
    return place
  }

  /// Cells of each row of CSV; no cell of these holds a comma.
  private static func rows(_ csv: String) -> [[String]] {
    csv.split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// An instant after all that was recorded so far, and before what will be.
  private static func now(_ place: Place) throws -> String {
    Thread.sleep(forTimeInterval: 0.01)
    let now = Date().timeIntervalSince1970
    Thread.sleep(forTimeInterval: 0.01)
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    return Date(timeIntervalSince1970: now).formatted(style)
  }
}

extension Place {
  /// A rules file of one or more transitions, a line each; `ignore:`, `stages:` and `segments:` take the place of what there
  /// is, and `facts+ recent W` gives that fact another window.
  fileprivate func rules(_ name: String, _ lines: String, _ version: Int = 1) throws -> String {
    var transitions: [String] = []
    var stages = "stages: [new, buyer, gone]"
    var window = "7d"
    var rest = ""
    for line in lines.split(separator: "\n") {
      if line.hasPrefix("{") {
        transitions.append("  - \(line)")
      } else if line.hasPrefix("stages") {
        stages = String(line)
      } else if line.hasPrefix("facts+ recent ") {
        window = String(line.dropFirst("facts+ recent ".count))
      } else {
        rest += "\(line)\n"
      }
    }
    return try file(
      "\(name)-\(version).yaml",
      """
      rules: 1
      model: { name: model, version: \(version) }
      currency: EUR
      events: { buy: { types: [purchase], fields: { amount: money } } }
      facts:
        buys: { count: buy }
        spent: { sum: buy.amount }
        recent: { count: buy, within: \(window) }
        bought_at: { first_time: buy }
      \(stages)
      transitions:
      \(transitions.joined(separator: "\n"))
      \(rest)
      """)
  }
}
