import Foundation
import Testing

/// `report`: what stands on a page, and that its figures are those of the commands that print them. How it looks is checked in a
/// browser (`make check-report`).
@Suite struct ReportTests {
  /// The demo shop under its rules with a model of value.
  private final class Shop: Sendable {
    let place: Place
    let rules: String

    init() throws {
      place = try Place()
      let text = try String(contentsOfFile: Program.fixture("rules/retail.yaml"), encoding: .utf8)
      rules = try place.file(
        "retail.yaml",
        text.replacingOccurrences(
          of: "margin: 0.35 }", with: "margin: 0.35, model: bg_nbd, unit: 7d, horizon: 364d }"))
      try Program.run("import", place.store, Program.fixture("shop.ndjson.gz")).expect(0)
      try Program.run("replay", place.store, "--rules", rules).expect(0)
    }

    func page(_ more: String...) throws -> Page {
      let run = try Program.run(["report", place.store, "-o", "-", "-q"] + more)
      run.expect(0)
      return Page(text: run.output)
    }

    /// What a command prints as CSV, without its head.
    func csv(_ arguments: String...) throws -> [[String]] {
      let command = [arguments[0], place.store] + arguments.dropFirst()
      let run = try Program.run(command)
      run.expect(0)
      return run.output.split(separator: "\n").dropFirst().map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
    }
  }

  private static let shop = Result { try Shop() }

  private struct Page {
    var text: String

    var bytes: Int { text.utf8.count }

    /// The part of the page that an id names.
    func section(_ id: String) -> String? {
      guard let start = text.range(of: "<section class=\"part\" id=\"\(id)\">"),
        let end = text.range(of: "</section>", range: start.upperBound..<text.endIndex)
      else { return nil }
      return String(text[start.upperBound..<end.lowerBound])
    }

    /// The cells of the rows of the table with a caption, without commas between thousands.
    func table(_ caption: String) throws -> [[String]] {
      let start = try #require(text.range(of: "<caption>\(caption)</caption>"), "\(caption)")
      let end = try #require(
        text.range(of: "</table>", range: start.upperBound..<text.endIndex))
      let rows = text[start.upperBound..<end.lowerBound].components(separatedBy: "<tr")
      return rows.dropFirst(2).map { row in
        row.components(separatedBy: "</td>").dropLast().map { cell in
          let content = cell.components(separatedBy: ">").last ?? ""
          let digits = content.replacingOccurrences(of: ",", with: "")
          return digits.isEmpty || Double(digits) == nil ? content : digits
        }
      }
    }
  }

  private static let sections = [
    "stages", "flow", "funnel", "lifecycle", "purchases", "cohorts", "value", "forecast", "rfm",
    "segments", "nps", "next", "faults",
  ]

  @Test func `a page has every section, loads nothing, and ends with the receipt`() throws {
    let shop = try Self.shop.get()
    let page = try shop.page()
    let receipt = try #require(
      try shop.csv("views", "--format", "csv").first, "a view")

    for id in Self.sections {
      let section = try #require(page.section(id), "\(id)")
      #expect(section.contains("<svg") || id == "faults", "\(id)")
      #expect(page.text.contains("href=\"#\(id)\""))
    }
    #expect(
      !page.text.contains("<script") && !page.text.contains("src=") && !page.text.contains("://"))
    #expect(page.text.hasSuffix("</html>\n"))
    #expect(receipt.contains { $0.count == 64 && page.text.contains($0) })
    #expect(page.bytes < 400_000, "\(page.bytes)")
  }

  @Test func `each chart is described, has marks, and its table`() throws {
    let page = try Self.shop.get().page()
    let charts = page.text.components(separatedBy: "<svg class=\"plot").dropFirst()

    #expect(charts.count > 15)
    for chart in charts {
      let declared = try #require(
        chart.components(separatedBy: "data-marks=\"").last?.prefix { $0 != "\"" })
      let drawing = chart.components(separatedBy: "</figure>")[0]
      #expect(drawing.components(separatedBy: "class=\"mark").count - 1 == Int(declared))
      #expect(declared != "0")
      #expect(drawing.contains("<title id=") && drawing.contains("<desc id="))
      #expect(drawing.contains("<details><summary>Table</summary>"))
    }
  }

  @Test func `the same view gives the same bytes, on any number of threads`() throws {
    let shop = try Self.shop.get()
    let first = try shop.page()
    let file = "\(shop.place.path)/r.html"
    try Program.run("report", shop.place.store, "-o", file, "--threads", "3").expect(0)

    #expect(first.text == (try String(contentsOfFile: file, encoding: .utf8)))
    #expect(first.text == (try shop.page("--threads", "1")).text)
  }

  @Test func `its figures are those of metrics, rfm and value`() throws {
    let shop = try Self.shop.get()
    let page = try shop.page("--holdout", "26w")

    let lifecycle = try shop.csv("metrics", "--table", "lifecycle", "--format", "csv")
    #expect(try page.table("Active customers by month") == Array(lifecycle.suffix(24)))

    let cohorts = try shop.csv("metrics", "--table", "cohorts", "--format", "csv")
    let retention = try page.table("Retention of cohorts, %")
    #expect(retention.map { $0[0] } == cohorts.filter { $0[1] == "0" }.map { $0[0] })
    for row in cohorts {
      let shown = try #require(retention.first { $0[0] == row[0] })
      let age = try #require(Int(row[1]))
      #expect(shown[1] == row[3])
      if age == 0 { continue }
      #expect(abs((Double(row[5]) ?? -1) * 100 - (Double(shown[1 + age]) ?? -2)) <= 0.0501)
    }

    let stages = try shop.csv("metrics", "--table", "stages", "--format", "csv")
    let now = try page.table("Customers by stage")
    #expect(now.map { Array($0.prefix(2)) } == stages.suffix(7).map { [$0[1], $0[2]] })

    let rfm = try shop.csv("rfm", "--format", "csv")
    #expect(
      try page.table("Segments of RFM").map { [$0[0], $0[1]] } == rfm.map { [$0[0], $0[1]] })

    let tracking = try shop.csv(
      "value", "--holdout", "26w", "--table", "tracking", "--format", "csv", "-q")
    let forecast = try page.table("Repeat purchases so far")
    #expect(forecast.map { [$0[0], $0[1]] } == tracking.map { [$0[3], $0[8]] })
    for (shown, row) in zip(forecast, tracking) {
      guard let exact = Double(row[10]) else { continue }
      #expect(abs((Double(shown[3]) ?? -1) - exact) <= exact * 0.001)
    }
  }

  @Test func `purchases, segments and what comes next are those of the view`() throws {
    let shop = try Self.shop.get()
    let page = try shop.page()

    let amounts = try page.table("Purchases by month")
    let channels = try shop.csv("metrics", "--table", "channels", "--format", "csv")
    let cents = { (text: String) in Int(text.replacingOccurrences(of: ".", with: "")) ?? 0 }
    #expect(
      amounts.reduce(0) { $0 + cents($1[3]) }
        == channels.filter { $0[1] == "purchase" }.reduce(0) { $0 + cents($1[4]) })

    let spells = try shop.csv("export", "--table", "segments", "-o", "-")
    let then = try page.table("Customers in each segment at the end of each month")
    for (place, name) in ["high_value_at_risk", "unhappy"].enumerated() {
      let inside = spells.filter {
        $0[1] == name && $0[2] < "2024-07-01" && ($0[3].isEmpty || $0[3] >= "2024-07-01")
      }
      let row = try #require(then.first { $0[0] == "2024-06" })
      #expect(Int(row[1 + place]) == inside.count, "\(name)")
    }

    let customers = try shop.csv("export", "--table", "customers", "-o", "-")
    let soon = customers.filter { !$0[5].isEmpty && $0[5] <= "2025-01-06T22:40:24.000000Z" }
    let listed = try page.table("All of them, the most valuable first")
    #expect(Set(listed.map { $0[0] }) == Set(soon.map { $0[0] }))
    #expect(!soon.isEmpty)

    // Every buyer stands in one column of each distribution.
    let buyers = customers.count { !$0[$0.count - 9].isEmpty }
    for id in ["value-historical", "value-expected"] {
      let figure = try #require(page.text.components(separatedBy: "id=\"\(id)-t\"").last)
      let table = Page(text: figure)
      let counts = try table.table("Buyers by value in EUR").map { Int($0[1]) ?? 0 }
      #expect(counts.reduce(0, +) == buyers, "\(id)")
    }
  }

  @Test func `what the rules have nothing for is left out with a reason`() throws {
    let place = try Place()
    let rules = try place.file(
      "r.yaml",
      """
      rules: 1
      model: { name: plain, version: 1 }
      currency: EUR
      events: { look: { types: [look] } }
      facts: { looks: { count: look } }
      stages: [new, fan]
      transitions: [ { id: fan, from: new, to: fan, when: looks >= 2 } ]

      """)
    let log = event(0, "look", "2024-01-01T10:00:00Z") + event(1, "look", "2024-03-01T10:00:00Z")
    try Program.run("import", place.store, try place.file("e.ndjson", log)).expect(0)
    try Program.run("replay", place.store, "--rules", rules).expect(0)

    let run = try Program.run("report", place.store, "-o", "-", "-q")
    let page = Page(text: run.output)

    run.expect(0)
    for id in ["purchases", "value", "forecast", "rfm"] {
      let section = try #require(page.section(id))
      #expect(section.contains("The rules have no `clv`") && !section.contains("<svg"), "\(id)")
    }
    #expect(page.section("segments")?.contains("The rules name no segments.") == true)
    #expect(page.section("nps")?.contains("The rules name no NPS answers") == true)
    #expect(page.section("next")?.contains("moves nobody") == true)
    #expect(page.section("faults")?.contains("None: every event could be used") == true)
    #expect(page.section("stages")?.contains("<svg") == true)
  }

  @Test func `a view of nobody has a page, too`() throws {
    let place = try Place()
    try Program.run("import", place.store, try place.file("e.ndjson", "")).expect(0)
    try Program.run("replay", place.store, "--rules", Program.fixture("rules/retail.yaml"))
      .expect(0)

    let run = try Program.run("report", place.store, "-o", "-", "-q")

    run.expect(0)
    #expect(!run.output.contains("data-marks=\"0\""))
    #expect(run.output.contains("There is nothing to draw yet."))
  }

  @Test func `markup in names and values is text`() throws {
    let place = try Place()
    let name = "<script>alert(1)</script>&'"
    func line(_ id: Int, _ time: String, _ amount: String) -> String {
      event(id, "purchase", time, subject: name, data: "{\"amount\":\"\(amount)\"}")
    }
    let log =
      line(0, "2024-01-01T10:00:00Z", "10.00") + line(1, "2024-01-02T10:00:00Z", "<img src=x>")
    let rules = try place.file(
      "r.yaml",
      BuyerRules.head("odd") + """
          - { id: "hush", from: buyer, to: new, when: "buys >= 9" }
        segments: { quiet: { when: "buys < 9" } }
        clv: { purchase: buy.amount }

        """)
    try Program.run("import", place.store, try place.file("e.ndjson", log)).expect(0)
    try Program.run("replay", place.store, "--rules", rules).expect(0)

    let all = try Program.run("report", place.store, "-o", "-", "-q")
    let journey = try Program.run("report", place.store, "-o", "-", "-q", "--customer", name)

    for run in [all, journey] {
      run.expect(0)
      #expect(!run.output.contains("<script") && !run.output.contains("<img"))
    }
    #expect(all.output.contains("&lt;img src=x&gt;"))
    #expect(journey.output.contains("<h1>&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;</h1>"))
  }

  @Test func `a journey has the stages, the reasons and the events of one customer`() throws {
    let shop = try Self.shop.get()
    let page = try shop.page("--customer", "C-000018")

    #expect(page.text.contains("<h1>C-000018</h1>"))
    for id in ["journey", "facts", "moves", "events"] { #expect(page.section(id) != nil, "\(id)") }
    let moves = try #require(page.section("moves"))
    #expect(moves.contains("retention → loyalty"))
    #expect(
      moves.contains(
        "the total purchase amount within 365 days at least 300.00 EUR: 327.15 EUR, was 234.56 EUR <strong>(became true now)</strong>"
      ))
    let history = try Program.run("history", shop.place.store, "C-000018", "--format", "ndjson")
    let lines = try page.table("Events and changes of stage")
    #expect(lines.count == history.output.split(separator: "\n").count)
    #expect(try page.table("Stays in stages").map { $0[1] }.last == "loyalty")

    // A fact at a move is what the customer had then.
    let facts = try page.table("Facts at each move")
    let then = try Program.run(
      "show", shop.place.store, "C-000018", "--as-of", "2024-07-20T11:04:45Z", "--format", "json"
    ).object()
    let known = try #require(then["facts"] as? [String: Any])
    let last = try #require(facts.last { $0[1] == "loyalty" })
    #expect(last[3] == "\(known["purchases"] as? Int ?? -1)")
    #expect(last[5] == "\(known["revenue_365d"] as? String ?? "") EUR")
  }

  @Test func `other rules are held against the view, or against each other`() throws {
    let shop = try Self.shop.get()
    let four = Program.fixture("rules/retail-v4.yaml")
    let held = try Program.run(
      "compare", shop.place.store, "--rules", shop.rules, "--rules", four, "--format", "json"
    ).object()
    let changed = try #require(held["changed"] as? Int)

    let one = try shop.page("--compare", four)
    let two = try shop.page("--compare", shop.rules, "--compare", four)

    for page in [one, two] {
      let section = try #require(page.section("compare"))
      #expect(section.contains("\(changed) of 498 customers"))
      let stages = try #require(held["stages"] as? [String: [String: Any]])
      for row in try page.table("Customers by stage under a and b") {
        #expect(row[1] == "\(stages[row[0]]?["a"] as? Int ?? -1)")
        #expect(row[2] == "\(stages[row[0]]?["b"] as? Int ?? -1)")
      }
    }
    #expect(one.section("compare")?.contains("a is view retail, b is retail v4") == true)
  }

  @Test func `no customer is named where that is asked`() throws {
    let shop = try Self.shop.get()
    let page = try shop.page(
      "--hide-customers", "--compare", Program.fixture("rules/retail-v4.yaml"))

    #expect(!page.text.contains("C-0"))
    #expect(try shop.page().text.contains("C-0"))
  }

  @Test(arguments: [
    (["-o", "r.pdf"], 64, "would hold a page of HTML, not pdf"),
    (["-o", "-", "--format", "csv"], 64, "does not write csv"),
    (["-o", "-", "--period", "all"], 64, "--period all is no series"),
    (["-o", "-", "--customer", "C-1", "--hide-customers"], 64, "it goes with --view alone"),
    (["-o", "-", "--customer", "C-1", "--period", "week"], 64, "it goes with --view alone"),
    (["-o", "-", "--customer", "C-none"], 2, "no customer `C-none` in view"),
    (["-o", "-", "--compare", "none.yaml"], 2, "the rules file `none.yaml` cannot be read"),
    (["-o", "-", "--churned", "gone"], 2, "the rules have no stage `gone`"),
    (["-o", "/none/r.html"], 2, "`/none/r.html` cannot be written"),
  ])
  func `what cannot be is refused`(_ arguments: [String], _ status: Int32, _ words: String) throws {
    let place = try Place()
    try Program.run(
      "import", place.store,
      try place.file("e.ndjson", event(0, "purchase", "2024-01-01T00:00:00Z"))
    ).expect(0)
    try Program.run("replay", place.store, "--rules", Program.fixture("rules/retail.yaml"))
      .expect(0)

    let run = try Program.run(["report", place.store] + arguments)

    run.expect(status)
    #expect(run.errors.contains(words), "\(run.errors)")
    #expect(run.output.isEmpty)
  }
}
