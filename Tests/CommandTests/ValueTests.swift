import Foundation
import Testing

/// `clv.model` and `population` from the command line.
@Suite struct ValueTests {
  private func rules(_ place: Place, model: String) throws -> String {
    try place.file(
      "\(model).yaml",
      """
      rules: 1
      model: { name: value, version: 1 }
      currency: EUR
      events:
        buy: { types: [purchase, order_paid], fields: { amount: money } }
        back: { types: [refund, return], fields: { amount: money } }
      facts:
        buys: { count: buy }
        spent: { sum: buy.amount }
      stages: [seen, buyer]
      transitions:
        - { id: buy, from: seen, to: buyer, when: buys >= 1 }
      population:
        rank: { percent_rank: spent }
        fifth: { ntile: { of: spent, n: 5 } }
        best: { top: { of: spent, percent: 10 } }
      segments:
        top_tenth: { when: best }
        last_fifth: { when: "population.fifth == 1" }
        upper_half: { when: rank >= 0.5 }
        gone: { when: "clv.p_alive < 0.2" }
        rich: { when: "clv.expected >= money('50.00')" }
      clv: { purchase: buy.amount, refund: back.amount, margin: 0.5, model: \(model), unit: 7d, horizon: 182d }
      """)
  }

  @Test(arguments: ["bg_nbd", "mbg_nbd", "pareto_nbd"])
  func `fitted values and ranks come with a replay, whatever the threads`(model: String) throws {
    let place = try Place()
    let file = "\(place.path)/shop.ndjson"
    try Program.run("generate", "--customers", "400", "--seed", "5", "-o", file)
    try Program.run("import", place.store, file)
    let rules = try rules(place, model: model)
    let one = try Program.run(
      "replay", place.store, "--rules", rules, "--threads", "1", "--format", "json")
    let before = try Program.run("export", place.store, "--table", "customers", "-o", "-")
    let three = try Program.run(
      "replay", place.store, "--rules", rules, "--threads", "3", "--format", "json")
    let after = try Program.run("export", place.store, "--table", "customers", "-o", "-")

    #expect(one.status == 0, "\(one.errors)")
    #expect(before.output == after.output)
    let clv = try #require(try one.object()["clv"] as? [String: Any])
    #expect(NSDictionary(dictionary: clv) == (try three.object()["clv"] as? NSDictionary))
    #expect(clv["model"] as? String == model)
    #expect(clv["unit"] as? String == "7d")
    let names = model == "pareto_nbd" ? ["alpha", "beta", "r", "s"] : ["a", "alpha", "b", "r"]
    #expect((clv["params"] as? [String: Double])?.keys.sorted() == names)
    #expect((clv["gamma_gamma"] as? [String: Double])?["q"] ?? 0 > 1)

    let rows = before.output.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let header = try #require(rows.first)
    func column(_ name: String) throws -> Int { try #require(header.firstIndex(of: name)) }
    let (alive, expected) = (try column("p_alive"), try column("clv_expected"))
    // A purchase in a currency without a rate has no amount: it makes nobody a buyer.
    let (historical, spent) = (try column("clv_historical"), try column("spent"))
    var ranked: [(spent: Double, isTop: Bool)] = []
    for row in rows.dropFirst() where row[1] != "" {
      #expect((row[alive] == "") == (row[historical] == ""), "\(row)")
      if let probability = Double(row[alive]) { #expect(probability > 0 && probability <= 1) }
      if row[historical] != "" { #expect(Double(row[expected]) ?? -1 >= 0, "\(row)") }
      ranked.append((Double(row[spent]) ?? 0, row.last?.contains("top_tenth") ?? false))
    }
    // The top tenth by hand: at most a tenth, and nobody outside spent more.
    let inside = ranked.filter(\.isTop).map(\.spent)
    let outside = ranked.filter { !$0.isTop }.map(\.spent)
    #expect(inside.count * 10 <= ranked.count && inside.count * 10 > ranked.count - 20)
    #expect(inside.min() ?? 0 > outside.max() ?? 0)
  }

  /// A store with purchases of customers on days of 2024, and the replay's `clv`, standard error and table of customers.
  private func valued(
    _ purchases: [(customer: String, day: Int, amount: String)], model: String,
    extra: [String] = []
  ) throws -> (clv: [String: Any], errors: String, rows: [[String]]) {
    let place = try Place()
    var lines: [String] = ["customer,day,amount"]
    for purchase in purchases {
      let date = Date(timeIntervalSince1970: 1_704_067_200 + 86400 * Double(purchase.day))
      lines.append(
        "\(purchase.customer),\(date.formatted(.iso8601)),\(purchase.amount)")
    }
    let file = try place.file("buys.csv", lines.joined(separator: "\n") + "\n")
    let imported = try Program.run(
      "import", place.store, file, "--csv",
      "subject=customer,time=day,type:=purchase,data.amount=amount")
    #expect(imported.status == 0, "\(imported.errors)")
    var arguments = ["replay", place.store, "--rules", try rules(place, model: model)]
    arguments += ["--as-of", "2024-04-09T00:00:00Z", "--format", "json", "-q"] + extra
    let replay = try Program.run(arguments)
    #expect(replay.status == 0, "\(replay.errors)")
    let export = try Program.run("export", place.store, "--table", "customers", "-o", "-")
    let rows = export.output.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let clv = try #require(try replay.object()["clv"] as? [String: Any])
    return (clv, replay.errors, rows)
  }

  private func codes(_ clv: [String: Any]) -> [String] {
    (clv["verdicts"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
  }

  @Test(arguments: ["bg_nbd", "mbg_nbd", "pareto_nbd"])
  func `data without a fit, and what stands in for one, are said by code, even under -q`(
    model: String
  ) throws {
    func customers(_ count: Int, _ days: [Int], _ amount: (Int, Int) -> String)
      -> [(customer: String, day: Int, amount: String)]
    {
      (0..<count).flatMap { customer in
        days.map { ("c\(customer)", $0 + customer % 3, amount(customer, $0)) }
      }
    }
    let alone = try valued([("c", 0, "5.00")], model: model)
    #expect(codes(alone.clv) == ["one_customer"])
    #expect(alone.errors.contains("warning[one_customer]: clv: one buyer is no population"))
    #expect(alone.rows[1].joined(separator: ",").contains(",1,5.00,2.50,,,,1,1,1,"))

    let once = try valued(customers(40, [0]) { _, _ in "5.00" }, model: model)
    #expect(codes(once.clv) == ["no_repeaters"])
    #expect(once.clv["params"] == nil)

    // Fixed prices: each is worth what he pays, whatever he pays.
    let plans = try valued(
      customers(40, [0, 20, 40]) { customer, _ in customer % 2 == 0 ? "10.00" : "30.00" },
      model: model)
    #expect(codes(plans.clv).contains("spend_too_steady"))
    #expect(plans.clv["gamma_gamma"] == nil)
    #expect((plans.clv["mean_amount"] as? [String: Any])?["mean"] as? Double == 20)
    let header = plans.rows[0]
    let (expected, purchases) = (
      try #require(header.firstIndex(of: "clv_expected")),
      try #require(header.firstIndex(of: "expected_purchases"))
    )
    for row in plans.rows.dropFirst() {
      let isCheap = (Int(row[0].dropFirst()) ?? 0) % 2 == 0
      let value = (Double(row[purchases]) ?? .nan) * (isCheap ? 10 : 30) * 0.5
      #expect((value - (Double(row[expected]) ?? -1)).magnitude <= 0.0051, "\(row)")
    }

    let free = try valued(customers(40, [0, 20, 40]) { _, _ in "0.00" }, model: model)
    #expect(codes(free.clv).contains("amounts_zero"))
    #expect(free.rows.dropFirst().allSatisfy { $0[expected] == "0.00" })

    let returned = try valued(
      customers(40, [0, 20, 40]) { customer, day in
        customer == 7 ? "-\(10 + day).00" : "\(10 + (customer * 7 + day * 3) % 11).00"
      }, model: model)
    #expect(codes(returned.clv).contains("negative_amounts"))
    #expect(returned.errors.contains("1 of 40 customers who bought again"))
  }

  @Test(arguments: ["bg_nbd", "mbg_nbd", "pareto_nbd"])
  func `customers who are all alike end at a boundary with values, in one blink`(model: String)
    throws
  {
    let same = (0..<20).flatMap { customer in
      [0, 20, 40].map { ("c\(customer)", $0, "\(5 + customer).00") }
    }
    let (clv, errors, rows) = try valued(same, model: model)
    #expect(codes(clv).contains("boundary") && codes(clv).contains("few_repeaters"))
    let verdict = try #require((clv["verdicts"] as? [[String: Any]])?.first)
    #expect(verdict["parameter"] as? String == "r")
    #expect((clv["standard_errors"] as? [String: Any])?["r"] is NSNull)
    #expect(
      errors.contains("warning[boundary]: clv: the likelihood has its maximum where `r` grows"))
    let alive = try #require(rows[0].firstIndex(of: "p_alive"))
    #expect(Set(rows.dropFirst().map { $0[alive] }).count == 1)
    #expect((Double(rows[1][alive]) ?? 0) > 0)
  }

  @Test func `a segment on P(alive) of BG-NBD is warned of`() throws {
    let place = try Place()
    let warned = try Program.run("check", try rules(place, model: "bg_nbd"))
    let silent = try Program.run("check", try rules(place, model: "mbg_nbd"))

    #expect(warned.status == 0 && warned.errors.contains("warning[certain-p-alive]"))
    #expect(!silent.errors.contains("warning"))
  }

  @Test func `parameters are saved, and used again in place of a fit`() throws {
    let place = try Place()
    let file = "\(place.path)/shop.ndjson"
    try Program.run("generate", "--customers", "400", "--seed", "5", "-o", file)
    try Program.run("import", place.store, file)
    let rules = try rules(place, model: "mbg_nbd")
    let fitted = try Program.run("replay", place.store, "--rules", rules, "--format", "json")
    let saved = try place.file("fit.json", fitted.output)
    let before = try Program.run("export", place.store, "--table", "customers", "-o", "-")
    let given = try Program.run(
      "replay", place.store, "--rules", rules, "--clv-params", saved, "--format", "json")
    let after = try Program.run("export", place.store, "--table", "customers", "-o", "-")

    let (one, two) = (try fitted.object(), try given.object())
    let clv = try #require(two["clv"] as? [String: Any])
    #expect(clv["fitted"] as? Bool == false)
    #expect(
      clv["params"] as? NSDictionary == (one["clv"] as? [String: Any])?["params"] as? NSDictionary)
    #expect(before.output.split(separator: "\n").count == after.output.split(separator: "\n").count)
    // Nine digits of a parameter are nine digits of a value, give or take one.
    let columns = before.output.split(separator: "\n")[0].split(separator: ",")
    let alive = try #require(columns.firstIndex(of: "p_alive"))
    for (left, right) in zip(
      before.output.split(separator: "\n"), after.output.split(separator: "\n")
    ).dropFirst() {
      let cells = [left, right].map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      guard let a = Double(cells[0][alive]), let b = Double(cells[1][alive]) else { continue }
      #expect((a - b).magnitude < 1e-7)
    }

    let other = try Program.run(
      "replay", place.store, "--rules", try self.rules(place, model: "bg_nbd"), "--clv-params",
      saved)
    #expect(other.status == 2)
    #expect(other.errors.contains("has parameters of `mbg_nbd`, and the rules ask for `bg_nbd`"))
    let alone = try place.file(
      "alone.json", #"{"params":{"r":1,"alpha":2,"a":1,"b":1}}"#)
    let without = try Program.run(
      "replay", place.store, "--rules", rules, "--clv-params", alone)
    #expect(without.status == 0)
    #expect(without.errors.contains("have none of Gamma-Gamma: clv_expected stays empty"))
    let broken = try place.file("broken.json", #"{"model":"mbg_nbd","params":{"r":0}}"#)
    let refused = try Program.run(
      "replay", place.store, "--rules", rules, "--clv-params", broken)
    #expect(refused.status == 2)
    #expect(refused.errors.contains("has no number above 0 for `params.r`"))
  }

  /// He led the list of all values: what he bought once was taken for what he will buy.
  @Test func `under net who returned all is expected to bring nothing, and others what they kept`()
    throws
  {
    let place = try Place()
    let rows = [
      ("all", "purchase", 1, "20.00"), ("all", "purchase", 5, "77183.60"),
      ("all", "refund", 5, "77183.60"), ("first", "purchase", 1, "77183.60"),
      ("first", "refund", 3, "-77183.60"), ("keeps", "purchase", 1, "20.00"),
      ("keeps", "purchase", 5, "50.00"), ("keeps", "refund", 9, "10.00"),
      ("plain", "purchase", 1, "20.00"), ("plain", "purchase", 5, "40.00"),
    ]
    let lines = rows.enumerated().map { index, row in
      event(
        index, row.1, "2024-01-0\(row.2)T12:00:00Z", subject: row.0,
        data: #"{"amount":"\#(row.3)"}"#)
    }
    try Program.run("import", place.store, try place.file("log.ndjson", lines.joined()))
    let parameters = try place.file(
      "fit.json",
      #"{"params":{"r":0.6,"alpha":3.5,"a":0.4,"b":1.5},"gamma_gamma":{"p":6,"q":4,"gamma":15}}"#)
    func expected(_ monetary: String) throws -> [String: String] {
      let text = try String(contentsOfFile: try rules(place, model: "mbg_nbd"), encoding: .utf8)
        .replacing("margin: 0.5", with: "margin: 0.5, monetary: \(monetary)")
      let file = try place.file("\(monetary).yaml", text)
      try Program.run("replay", place.store, "--rules", file, "--clv-params", parameters).expect(0)
      let table = try Program.run(
        "export", place.store, "--table", "customers", "-o", "-", "--format", "ndjson")
      var found: [String: String] = [:]
      for line in table.output.split(separator: "\n") {
        let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        found[row["customer"] as? String ?? ""] = row["clv_expected"] as? String
      }
      return found
    }

    let (gross, net) = (try expected("gross"), try expected("net"))
    func number(_ text: String?) -> Double { text.flatMap { Double($0) } ?? .nan }
    #expect(number(gross["all"]) > 1000 * number(gross["keeps"]))
    #expect(net["all"] == "0.00" && net["first"] == "0.00", "\(net)")
    #expect(net["plain"] == gross["plain"] && net["keeps"] == net["plain"], "\(net)")
    #expect(number(net["plain"]) > 0)
  }

  @Test func `under BG-BB a unit is an opportunity`() throws {
    let place = try Place()
    var lines: [String] = []
    var random = SeededSource(seed: 9)
    for donor in 0..<600 {
      let isLoyal = donor % 3 == 0
      for year in 0..<6
      where year == 0 || random.chance(isLoyal ? 0.8 : 0.15) {
        lines.append(
          #"{"id":"\#(donor)-\#(year)","source":"s","type":"purchase","subject":"d\#(donor)","time":"\#(2015 + year)-07-01T00:00:00Z","data":{"amount":"25.00"}}"#
        )
      }
    }
    let log = try place.file("gifts.ndjson", lines.joined(separator: "\n") + "\n")
    let rules = try rules(place, model: "bg_bb")
    let text = try String(contentsOfFile: rules, encoding: .utf8)
      .replacingOccurrences(of: "unit: 7d, horizon: 182d", with: "unit: 365d, horizon: 1825d")
    try Program.run("import", place.store, log)
    let replay = try Program.run(
      "replay", place.store, "--rules", try place.file("years.yaml", text), "--as-of", "2020-12-31",
      "--format", "json")

    let clv = try #require(try replay.object()["clv"] as? [String: Any])
    #expect(
      (clv["params"] as? [String: Double])?.keys.sorted() == ["alpha", "beta", "delta", "gamma"])
    #expect(clv["unit"] as? String == "365d")
  }
}

/// Numbers that are the same in every run.
private struct SeededSource {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func chance(_ probability: Double) -> Bool {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(1 << 53) < probability
  }
}
