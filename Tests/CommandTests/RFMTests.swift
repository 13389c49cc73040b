import Foundation
import Testing

/// How buyers are scored: `rfm` of the rules.
@Suite struct RFMTests {
  private static let rules = """
    rules: 1
    model: { name: scores, version: 1 }
    currency: EUR
    events:
      buy:  { types: [purchase], fields: { amount: money } }
      back: { types: [refund], fields: { amount: money } }
    facts:
      buys: { count: buy }
    stages: [new, buyer]
    transitions:
      - { id: buy, from: new, to: buyer, when: "buys >= 1" }
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
}

/// What `clv` says of a fit, and of the money.
@Suite struct FitRulesTests {
  private func check(_ clv: String) throws -> Program {
    let place = try Place()
    return try Program.run(
      "check",
      try place.file(
        "r.yaml",
        """
        rules: 1
        model: { name: fit, version: 1 }
        currency: EUR
        events:
          buy:  { types: [purchase], fields: { amount: money } }
          back: { types: [refund], fields: { amount: money } }
        facts:
          buys: { count: buy }
        stages: [new, buyer]
        transitions:
          - { id: buy, from: new, to: buyer, when: "buys >= 1" }
        clv: { purchase: buy.amount, refund: back.amount, \(clv) }

        """))
  }

  @Test(arguments: [
    "monetary: net", "monetary: gross, model: bg_nbd, penalizer: 0",
    "model: mbg_nbd, penalizer: 1e-3, prior: { r: { median: 0.5, sigma: 1 }, gamma: { median: 20, sigma: 2.5 } }",
    "model: bg_bb, prior: { bg_bb.gamma: { median: 1, sigma: 1 }, gamma_gamma.gamma: { median: 1, sigma: 1 } }",
    "model: pareto_nbd, prior: { beta: { median: 1, sigma: 1 }, gamma_gamma.q: { median: 3, sigma: 1 } }",
  ])
  func `what is right is taken`(clv: String) throws {
    let checked = try check(clv)
    checked.expect(0)
    #expect(!checked.errors.contains("warning"), "\(checked.errors)")
  }

  private static let mistakes: [(clv: String, says: String)] = [
    ("monetary: netto", "clv.monetary has to be gross or net, and is `netto`"),
    ("penalizer: 0.1", "clv.penalizer is for a fit, and clv has no `model`"),
    ("prior: { r: { median: 1, sigma: 1 } }", "clv.prior is for a fit, and clv has no `model`"),
    ("model: bg_nbd, penalizer: -0.1", "a number of 0 or above, and is `-0.1`"),
    ("model: bg_nbd, penalizer: inf", "a number of 0 or above, and is `inf`"),
    ("model: bg_nbd, penalty: 1", "clv has no key `penalty`"),
    (
      "model: bg_nbd, prior: { s: { median: 1, sigma: 1 } }",
      "parameters are r, alpha, a, b, p, q, gamma"
    ),
    ("model: bg_nbd, prior: { alhpa: { median: 1, sigma: 1 } }", "did you mean `alpha`?"),
    (
      "model: bg_bb, prior: { gamma: { median: 1, sigma: 1 } }",
      "write `bg_bb.gamma` or `gamma_gamma.gamma`"
    ),
    (
      "model: bg_nbd, prior: { r: { median: 1, sigma: 1 }, bg_nbd.r: { median: 2, sigma: 1 } }",
      "clv.prior has two of parameter `r`"
    ),
    ("model: bg_nbd, prior: { r: { median: 0, sigma: 1 } }", "above 0, and is `0`"),
    ("model: bg_nbd, prior: { r: { median: 1, sigma: -1 } }", "above 0, and is `-1`"),
    ("model: bg_nbd, prior: { r: { median: 1 } }", "clv.prior of `r` has no `sigma`"),
    ("model: bg_nbd, prior: { r: 0.5 }", "clv.prior of `r` has to be a map"),
    ("model: bg_nbd, prior: [r]", "clv.prior has to be a map, and is a list"),
  ]

  @Test(arguments: mistakes)
  func `a mistake is one error that says what is right`(clv: String, says: String) throws {
    let checked = try check(clv)

    checked.expect(1)
    #expect(checked.errors.contains(says), "\(checked.errors)")
    #expect(checked.errors.components(separatedBy: "error[").count == 2, "\(checked.errors)")
  }

  @Test func `net money without refunds is warned of`() throws {
    let place = try Place()
    let rules = try place.file(
      "r.yaml",
      """
      rules: 1
      model: { name: fit, version: 1 }
      currency: EUR
      events: { buy: { types: [purchase], fields: { amount: money } } }
      stages: [{ name: all }]
      clv: { purchase: buy.amount, monetary: net }

      """)
    let checked = try Program.run("check", rules)

    checked.expect(0)
    #expect(checked.errors.contains("warning[no-refund]"), "\(checked.errors)")
  }
}
