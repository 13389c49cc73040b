import Foundation
import Testing

/// How buyers are scored: `rfm` of the rules.
@Suite struct RFMTests {
  private static let rules =
    BuyerRules.head("scores") + """
      segments:
        often: { when: "rfm.f >= 3" }
        awake: { when: "rfm.segment != 'Lost' && rfm.r >= 1" }
      clv: { purchase: buy.amount, refund: back.amount, margin: 0.5 }

      """

  /// Day of January 2024, type, customer, amount.
  private typealias Row = (day: Int, type: String, customer: String, amount: String)

  /// a, b and c bought once, d on two days; a and b in the window of ten days that ends with the 20th.
  private static let rows: [Row] = [
    (1, "purchase", "c", "10.00"), (2, "purchase", "d", "10.00"), (3, "purchase", "d", "70.00"),
    (11, "purchase", "a", "20.00"), (12, "purchase", "b", "30.00"), (13, "refund", "c", "4.00"),
    (13, "refund", "b", "5.00"), (14, "look", "e", "0.00"),
  ]

  private func place(_ rows: [Row] = Self.rows) throws -> Place {
    let place = try Place()
    let lines = rows.enumerated().map { index, row in
      let day = row.day < 10 ? "0\(row.day)" : "\(row.day)"
      return event(
        index, row.type, "2024-01-\(day)T12:00:00Z", subject: row.customer,
        data: #"{"amount":"\#(row.amount)"}"#)
    }
    try Program.run("import", place.store, try place.file("log.ndjson", lines.joined()))
    return place
  }

  /// `customer historical r f m segment segments` of each customer.
  private func scores(_ place: Place, _ more: String, threads: String = "2") throws -> [String] {
    let rules = try place.file("rules.yaml", Self.rules + more)
    try Program.run(
      "replay", place.store, "--rules", rules, "--as-of", "2024-01-20T12:00:00Z", "--threads",
      threads, "--view", "v"
    ).expect(0)
    let rows = try Program.run("export", place.store, "--table", "customers", "-o", "-")
    return rows.output.split(separator: "\n").dropFirst().map { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      return "\(cells[0]) " + cells[9...].filter { !$0.isEmpty }.joined(separator: " ")
    }
  }

  @Test func `ties get the score of the lowest rank among them, or of the highest`() throws {
    let place = try place()

    // By last purchase c d a b, by days three ones and d, by money c 6.00, a 20.00, b 25.00, d 80.00.
    let low = [
      "a 10.00 3 1 2 About To Sleep awake", "b 12.50 4 1 3 Promising awake", "c 3.00 1 1 1 Lost",
      "d 40.00 2 4 4 At Risk often;awake", "e ",
    ]
    #expect(try scores(place, "") == low)
    #expect(try scores(place, "rfm: {}\n") == low)
    #expect(
      try scores(place, "rfm: { ties: high }\n") == [
        "a 10.00 3 3 2 Hibernating often;awake", "b 12.50 4 3 3 Potential Loyalist often;awake",
        "c 3.00 1 3 1 Lost often", "d 40.00 2 4 4 At Risk often;awake", "e ",
      ])
  }

  /// Purchases of the whole log stay what `clv_historical` is of.
  @Test func `within counts purchases and refunds of that time only`() throws {
    let place = try place()

    // c has only a refund in the window, d nothing: neither is scored. a at its very start is outside.
    #expect(
      try scores(place, "rfm: { within: 9d }\n") == [
        "a 10.00", "b 12.50 1 1 1 Lost", "c 3.00", "d 40.00", "e ",
      ])
    #expect(
      try scores(place, "rfm: { ties: high, within: 10d }\n", threads: "1") == [
        "a 10.00 1 3 1 Lost often", "b 12.50 3 3 3 Potential Loyalist often;awake", "c 3.00",
        "d 40.00", "e ",
      ])
  }

  @Test func `rows and output root know nothing of scores`() throws {
    let place = try place()
    let asOf = "2024-01-20"
    var roots: Set<String> = []
    for (index, more) in ["", "rfm: { ties: high, within: 9d }\n"].enumerated() {
      let rules = try place.file("r\(index).yaml", Self.rules + more)
      try Program.run(
        "replay", place.store, "--rules", rules, "--as-of", asOf, "--view", "v\(index)"
      )
      .expect(0)
      let status = try Program.run("status", place.store, "--format", "json").object()
      let views = try #require(status["views"] as? [[String: Any]])
      roots.formUnion(views.compactMap { $0["output_root"] as? String })
    }
    let compared = try Program.run(
      "compare", place.store, "--rules", "\(place.path)/r0.yaml", "--rules",
      "\(place.path)/r1.yaml", "--format", "json")
    let shown = try Program.run("show", place.store, "d", "--view", "v1", "--format", "json")
    let why = try Program.run("explain", place.store, "d", "--view", "v1", "--segment", "often")

    #expect(roots.count == 1)
    #expect(try compared.object()["changed"] as? Int == 0)
    #expect((try shown.object()["clv"] as? [String: Any])?["rfm"] == nil)
    #expect(why.output.contains("rfm.f"), "\(why.output) \(why.errors)")
  }

  private static let mistakes: [(more: String, says: String)] = [
    ("rfm: { ties: middle }", "rfm.ties has to be low or high, and is `middle`"),
    ("rfm: { ties: hihg }", "did you mean `high`?"),
    ("rfm: { within: 0d }", "rfm.within has to be a length such as 30d, and is `0d`"),
    ("rfm: { within: -3d }", "rfm.within has to be a length such as 30d, and is `-3d`"),
    ("rfm: { wihtin: 3d }", "did you mean `within`?"), ("rfm: high", "rfm has to be a map"),
  ]

  @Test(arguments: mistakes)
  func `a wrong rfm is one error that says what is right`(more: String, says: String) throws {
    let place = try Place()
    let checked = try Program.run("check", try place.file("r.yaml", Self.rules + more + "\n"))

    checked.expect(1)
    #expect(checked.errors.contains(says), "\(checked.errors)")
    #expect(checked.errors.components(separatedBy: "error[").count == 2, "\(checked.errors)")
  }

  @Test func `rfm without purchases is refused`() throws {
    let place = try Place()
    let rules = Self.rules.replacing("clv: {", with: "rfm: {}\n#").replacing(
      "rfm.f >= 3", with: "buys > 3")
    let checked = try Program.run("check", try place.file("r.yaml", rules))

    checked.expect(1)
    #expect(checked.errors.contains("the rules have no `clv` that says which events are one"))
  }

  // MARK: The command

  private func replayed(_ more: String) throws -> Place {
    let place = try place()
    let rules = try place.file("rules.yaml", Self.rules + more)
    try Program.run("replay", place.store, "--rules", rules, "--as-of", "2024-01-20T12:00:00Z")
      .expect(0)
    return place
  }

  private func lines(_ arguments: String...) throws -> [String] {
    let run = try Program.run(["rfm"] + arguments)
    run.expect(0)
    return run.output.split(separator: "\n").map(String.init)
  }

  @Test func `segments have their customers, shares and means`() throws {
    let place = try replayed("")

    // a 312, b 413, c 111, d 244; 9, 8, 19 and 17 days ago.
    let rows = try lines(place.store, "--format", "csv")
    #expect(rows.count == 12)
    #expect(rows[0] == "segment,customers,share,recency_days,frequency,monetary,total")
    #expect(rows.contains("Champions,0,0,,,,0.00"))
    #expect(rows.contains("About To Sleep,1,0.25,9,1,20.00,20.00"))
    #expect(rows.contains("Promising,1,0.25,8,1,25.00,25.00"))
    #expect(rows.contains("At Risk,1,0.25,17,2,80.00,80.00"))
    #expect(rows.contains("Lost,1,0.25,19,1,6.00,6.00"))

    // All three of the first days are one group of equal scores.
    let early = try Program.run(
      "rfm", place.store, "--as-of", "2024-01-02T18:00:00Z", "--format", "json"
    ).object()
    #expect(early["as_of"] as? String == "2024-01-02T18:00:00.000000Z")
    #expect(early["customers"] as? Int == 2 && early["scored"] as? Int == 2)
    #expect(early["ties"] as? String == "low" && early["within"] is NSNull)
    let grid = try #require(early["grid"] as? [[String: Any]])
    let filled = grid.filter { $0["customers"] as? Int != 0 }
    #expect(grid.count == 25 && filled.count == 2)
    #expect(filled.map { $0["r"] as? Int } == [3, 1] && filled.allSatisfy { $0["f"] as? Int == 1 })
  }

  @Test func `every customer has a row, scored or not`() throws {
    let place = try replayed("rfm: { within: 10d }\n")

    let file = "\(place.path)/all.csv"
    let text = try Program.run("rfm", place.store, "-o", file)
    #expect(text.output.contains("2 buyers scored; 2 no purchase within 10d, 1 not yet a buyer"))
    #expect(
      try String(contentsOfFile: file, encoding: .utf8) == """
        customer,segment,r,f,m,last_purchase,frequency,monetary
        a,Lost,1,1,1,2024-01-11T12:00:00.000000Z,1,20.00
        b,Promising,3,1,3,2024-01-12T12:00:00.000000Z,1,25.00
        c,none_within,,,,,,
        d,none_within,,,,,,
        e,no_purchase,,,,,,

        """)
    #expect(
      try lines(place.store, "-o", "-", "--format", "ndjson").last
        == #"{"customer":"e","segment":"no_purchase","r":null,"f":null,"m":null,"last_purchase":null,"frequency":null,"monetary":null}"#
    )
  }

  @Test func `two instants tell who moved from where to where`() throws {
    let place = try replayed("rfm: { within: 10d }\n")
    let two = ["--as-of", "2024-01-05", "--as-of", "2024-01-20T12:00:00Z"]

    let moved = try Program.run(["rfm", place.store, "--format", "json"] + two).object()
    #expect(moved["customers"] as? Int == 5 && moved["moved"] as? Int == 4)
    #expect(moved["moved_between_segments"] as? Int == 0)
    #expect((moved["from"] as? [String: Any])?["customers"] as? Int == 2)
    // c 111 and d 333 had bought by the fifth.
    #expect(
      try lines(place.store, "--format", "csv", two[0], two[1], two[2], two[3]) == [
        "from,to,customers", "Potential Loyalist,none_within,1", "Lost,none_within,1",
        "no_purchase,Promising,1", "no_purchase,Lost,1", "no_purchase,no_purchase,1",
      ])
    #expect(
      try lines(place.store, "-o", "-", two[0], two[1], two[2], two[3]) == [
        "customer,from,from_r,from_f,from_m,to,to_r,to_f,to_m", "a,no_purchase,,,,Lost,1,1,1",
        "b,no_purchase,,,,Promising,3,1,3", "c,Lost,1,1,1,none_within,,,",
        "d,Potential Loyalist,3,3,3,none_within,,,", "e,no_purchase,,,,no_purchase,,,",
      ])
    let text = try Program.run(["rfm", place.store, "--threads", "1"] + two)
    #expect(text.output.contains("4 of 5 customers moved, 0 of them from one segment to another"))
  }

  /// A cookie that bought and was joined later is no customer who stopped buying.
  @Test func `who is joined to another customer in between is said so`() throws {
    let place = try Place()
    let lines = [
      event(0, "purchase", "2024-01-01T12:00:00Z", subject: "k-1", data: #"{"amount":"5.00"}"#),
      event(1, "look", "2024-01-01T12:00:00Z", subject: "k-2"),
      event(2, "identify", "2024-01-05T12:00:00Z", subject: "a", data: #"{"anonymous_id":"k-1"}"#),
      event(3, "identify", "2024-01-05T12:00:00Z", subject: "a", data: #"{"anonymous_id":"k-2"}"#),
    ]
    try Program.run("import", place.store, try place.file("log.ndjson", lines.joined()))
    let rules = Self.rules.replacing(
      "facts:",
      with:
        "  identify: { types: [identify], fields: { anonymous_id: string } }\nidentity: { link: identify.anonymous_id }\nfacts:"
    )
    try Program.run("replay", place.store, "--rules", try place.file("rules.yaml", rules)).expect(0)

    #expect(
      try self.lines(
        place.store, "--as-of", "2024-01-02", "--as-of", "2024-01-06", "--format", "csv")
        == ["from,to,customers", "Lost,joined,1", "no_purchase,Lost,1"])
  }

  @Test func `what rfm cannot do is said`() throws {
    let place = try replayed("")

    let wrong = [
      (["--as-of", "2024-01-03", "--as-of", "2024-01-02"], "give the earlier one first"),
      (["--as-of", "now", "--as-of", "now", "--as-of", "now"], "give --as-of once, or twice"),
      (["-o", "x.parquet"], "rows are written as csv or ndjson"),
      (["-o", "-", "--format", "json"], "it has csv and ndjson"),
      (["--as-of", "soon"], "--as-of takes an instant"),
    ]
    for (arguments, says) in wrong {
      let run = try Program.run(["rfm", place.store] + arguments)
      run.expect(64)
      #expect(run.errors.contains(says), "\(run.errors)")
    }
    let rules = Self.rules.replacing("clv: {", with: "#").replacing("rfm.f >= 3", with: "buys > 3")
      .replacing("rfm.segment != 'Lost' && rfm.r >= 1", with: "buys > 4")
    try Program.run(
      "replay", place.store, "--rules", try place.file("none.yaml", rules), "--view", "none")
    let none = try Program.run("rfm", place.store, "--view", "none")
    none.expect(2)
    #expect(none.errors.contains("error[no-clv]"), "\(none.errors)")
    let missing = try Program.run("rfm", place.store, "--view", "nobody")
    missing.expect(2)
  }
}
