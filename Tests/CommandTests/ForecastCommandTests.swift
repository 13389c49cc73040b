import Foundation
import Testing

/// `value`: fits, forecasts held against what came, one customer, and the forms of all that.
@Suite struct ForecastCommandTests {
  private static let head = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR
    events:
      buy: { types: [purchase, order_paid], fields: { amount: money } }
      back: { types: [refund, return], fields: { amount: money } }
    facts:
      buys: { count: buy }
    stages: [seen, buyer]
    transitions:
      - { id: buy, from: seen, to: buyer, when: buys >= 1 }

    """

  private static func clv(_ more: String = "") -> String {
    "clv: { purchase: buy.amount, refund: back.amount, margin: 0.5, unit: 7d, horizon: 182d, discount: { rate: 0.10, per: year }\(more) }\n"
  }

  /// The made-up shop of 500 customers, imported once.
  private static let imported = Result {
    let place = try Place()
    try Program.run("import", place.store, Program.fixture("shop.ndjson.gz")).expect(0)
    return place
  }

  /// A store of its own with the shop, under rules without a model unless more is given.
  private func shop(_ clv: String = Self.clv()) throws -> Place {
    let place = try copy()
    try replay(place, clv).expect(0)
    return place
  }

  private func copy() throws -> Place {
    let place = try Place()
    try FileManager.default.copyItem(
      atPath: try Self.imported.get().store, toPath: place.store)
    return place
  }

  @discardableResult
  private func replay(_ place: Place, _ clv: String, asOf: String? = nil) throws -> Program {
    let rules = try place.file("rules.yaml", Self.head + clv)
    return try Program.run(
      ["replay", place.store, "--rules", rules, "--format", "json"]
        + (asOf.map { ["--as-of", $0] } ?? []))
  }

  private func value(_ place: Place, _ more: String...) throws -> Program {
    try Program.run(["value", place.store] + more)
  }

  private func rows(_ csv: String) -> [[String: String]] {
    let lines = csv.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
  }

  // MARK: Fits

  @Test(arguments: ["mbg_nbd", "pareto_nbd", "bg_bb"])
  func `parameters and customers are those of a replay, byte for byte`(model: String) throws {
    let place = try copy()
    let replayed = try replay(place, Self.clv(", model: \(model)"))
    let export = try Program.run("export", place.store, "--table", "customers", "-o", "-")
    let found = try value(place, "--format", "json")
    let customers = try value(place, "--table", "customers", "--format", "csv")

    found.expect(0)
    func params(_ text: String) -> Substring? {
      text.firstMatch(of: /"params":(\{[^}]*\})/)?.1
    }
    #expect(params(replayed.output) != nil && params(found.output) == params(replayed.output))
    let clv = try #require(try replayed.object()["clv"] as? [String: Any])
    let own = try #require((try found.object()["models"] as? [[String: Any]])?.first)
    #expect(own["log_likelihood"] as? Double == clv["log_likelihood"] as? Double)
    let spending = try #require(clv["gamma_gamma"] as? [String: Any])
    let ownSpending = try #require(own["gamma_gamma"] as? [String: Any])
    for name in ["p", "q", "gamma", "log_likelihood"] {
      #expect(ownSpending[name] as? Double == spending[name] as? Double)
    }
    let values = rows(customers.output)
    let exported = rows(export.output).filter { $0["p_alive"] != "" }
    #expect(values.count == exported.count && values.count > 200)
    for (row, other) in zip(values, exported) {
      #expect(row["customer"] == other["customer"] && row["p_alive"] == other["p_alive"])
      #expect(row["expected_purchases"] == other["expected_purchases"])
      #expect(row["value"] == other["clv_expected"])
    }
  }

  @Test func `with a holdout models are fitted to what was known at the cut`() throws {
    let place = try shop(Self.clv(", model: mbg_nbd"))
    let held = try value(place, "--holdout", "20w", "--format", "json").object()
    let cut = try #require((held["holdout"] as? [String: Any])?["cut"] as? String)
    let then = try replay(place, Self.clv(", model: mbg_nbd"), asOf: cut).object()

    let clv = try #require(then["clv"] as? [String: Any])
    let own = try #require((held["models"] as? [[String: Any]])?.first)
    #expect(own["params"] as? NSDictionary == clv["params"] as? NSDictionary)
    #expect(own["customers"] as? Int == clv["customers"] as? Int)
    let k = 4.0
    let likelihood = try #require(own["log_likelihood"] as? Double)
    let (aic, bic) = (own["aic"] as? Double, own["bic"] as? Double)
    let count = try #require(own["customers"] as? Int)
    #expect((try #require(aic) - (2 * k - 2 * likelihood)).magnitude < 1e-4)
    #expect((try #require(bic) - (k * log(Double(count)) - 2 * likelihood)).magnitude < 1e-4)
  }

  @Test func `the model of the rules is fitted, else all of continuous time`() throws {
    let place = try shop()
    func models(_ more: String...) throws -> [String] {
      let run = try Program.run(["value", place.store, "--format", "json"] + more)
      return try #require(try run.object()["models"] as? [[String: Any]]).compactMap {
        $0["model"] as? String
      }
    }

    #expect(try models() == ["bg_nbd", "mbg_nbd", "pareto_nbd"])
    #expect(try models("--models", "all") == ["bg_nbd", "mbg_nbd", "pareto_nbd", "bg_bb"])
    #expect(try models("--models", "pareto_nbd,mbg_nbd") == ["mbg_nbd", "pareto_nbd"])
    try replay(place, Self.clv(", model: mbg_nbd"))
    #expect(try models() == ["mbg_nbd"])
  }

  // MARK: Forecasts

  @Test func `what happened is counted as it stands in the log`() throws {
    let place = try shop()
    let run = try value(place, "--holdout", "26w", "--models", "mbg_nbd", "--format", "json")
    let found = try run.object()
    let cut = try #require((found["holdout"] as? [String: Any])?["cut"] as? String)

    // Distinct UTC days of purchases in euro, by customer, from the lines themselves.
    let store = try Program.run(
      "export", place.store, "--table", "customers", "--format", "csv", "-o", "-")
    #expect(store.status == 0)
    var days: [String: [(day: String, isKnown: Bool)]] = [:]
    for line in try Self.shopLines() {
      let data = line["data"] as? [String: Any]
      guard let type = line["type"] as? String, ["purchase", "order_paid"].contains(type),
        let subject = line["subject"] as? String, let time = line["time"] as? String,
        data?["amount"] != nil, data?["currency"] as? String ?? "EUR" == "EUR"
      else { continue }
      // All times of this log end in Z.
      days[subject, default: []].append(
        (String(time.prefix(10)), time.prefix(19) <= cut.prefix(19)))
    }
    var (known, later, late) = (0, 0, 0)
    for own in days.values {
      let before = Set(own.filter(\.isKnown).map(\.day))
      if before.isEmpty {
        late += 1
        continue
      }
      known += before.count - 1
      later += Set(own.map(\.day)).count - before.count
    }

    let tracking = try #require(found["tracking"] as? [[String: Any]])
    func sum(_ part: String) -> Int {
      tracking.filter { $0["part"] as? String == part }.reduce(0) {
        $0 + ($1["actual"] as? Int ?? 0)
      }
    }
    #expect(sum("calibration") == known && sum("holdout") == later)
    #expect(tracking.filter { $0["part"] as? String == "holdout" }.count == 26)
    #expect((found["holdout"] as? [String: Any])?["left_out"] as? Int == late)
    let model = try #require((found["models"] as? [[String: Any]])?.first)
    let error = try #require(model["holdout"] as? [String: Any])
    #expect(error["actual"] as? Int == later)
    // By frequency, by P(alive), by customer and by period it is the same forecast.
    let forecast = try #require(error["forecast"] as? Double)
    let frequency = try #require(found["frequency"] as? [[String: Any]])
    let total = frequency.reduce(0) { $0 + ($1["forecast"] as? Double ?? 0) }
    #expect((total - forecast).magnitude < 1e-5)
    let calibration = try #require(found["calibration"] as? [[String: Any]])
    #expect(calibration.reduce(0) { $0 + ($1["customers"] as? Int ?? 0) } == days.count - late)
    let last = try #require(tracking.last)
    let cumulative = try #require(last["forecast_cumulative"] as? Double)
    #expect((cumulative - Double(known) - forecast).magnitude < 1e-4)
    #expect(last["actual_cumulative"] as? Int == known + later)
    let customers = try value(
      place, "--holdout", "26w", "--models", "mbg_nbd", "--table", "customers", "--format", "csv")
    let sums = rows(customers.output).reduce((0.0, 0)) {
      ($0.0 + (Double($1["forecast"] ?? "") ?? 0), $0.1 + (Int($1["actual"] ?? "") ?? 0))
    }
    #expect((sums.0 - forecast).magnitude < 1e-5 && sums.1 == later)
  }

  @Test
  func `prediction intervals hold what is expected, and know neither threads nor other models`()
    throws
  {
    let place = try shop()
    let one = try value(
      place, "--models", "mbg_nbd", "--intervals", "--table", "customers", "--threads", "1",
      "--format", "csv")
    let two = try value(
      place, "--models", "mbg_nbd,pareto_nbd", "--intervals", "--table", "customers", "--threads",
      "2", "--format", "csv")
    let first = rows(one.output)
    #expect(first == rows(two.output).filter { $0["model"] == "mbg_nbd" })
    #expect(!first.isEmpty)
    for row in first {
      let bounds = ["low95", "low80", "high80", "high95"].compactMap {
        Double(row["purchases_\($0)"] ?? "")
      }
      #expect(bounds.count == 4 && bounds == bounds.sorted(), "\(row)")
      let expected = try #require(Double(row["expected_purchases"] ?? ""))
      #expect(expected <= bounds[3] + 1 && expected >= bounds[0], "\(row)")
    }
    let all = try value(place, "--models", "mbg_nbd", "--intervals", "--format", "json").object()
    let model = try #require((all["models"] as? [[String: Any]])?.first)
    let total = try #require(
      (model["intervals"] as? [String: Any])?["purchases"] as? [String: Double])
    let expected = try #require(
      (model["expected"] as? [String: Any])?["purchases"] as? Double)
    #expect(try #require(total["low80"]) < expected && expected < #require(total["high80"]))
    let other = try value(
      place, "--models", "mbg_nbd", "--intervals", "--seed", "2", "--format", "json")
    let moved = (try other.object()["models"] as? [[String: Any]])?.first?["intervals"]
    #expect((moved as? NSDictionary) != (model["intervals"] as? NSDictionary))
  }

  @Test func `what fits are told beside the data stands in every form`() throws {
    let place = try shop(
      Self.clv(", model: mbg_nbd, penalizer: 0.01, prior: { r: { median: 0.5, sigma: 1 } }"))
    let json = try value(place, "--format", "json").object()
    let text = try value(place)

    #expect(json["penalizer"] as? Double == 0.01)
    let prior = try #require(json["prior"] as? [String: [String: Double]])
    #expect(prior == ["r": ["median": 0.5, "sigma": 1]])
    #expect(text.output.contains(#"penalizer 0.01, prior {"r":{"median":0.5,"sigma":1}}"#))
  }

  private static func shopLines() throws -> [[String: Any]] {
    let text = try Program.run("generate", "--customers", "500", "--seed", "1", "-o", "-").output
    return try text.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func `the choice is by the holdout, else by BIC, and BG-BB stays out of it`() throws {
    let place = try shop()
    func take(_ more: String...) throws -> [String: Any] {
      let run = try Program.run(["value", place.store, "--format", "json"] + more)
      return try #require(try run.object()["take"] as? [String: Any])
    }
    let held = try take("--holdout", "26w", "--models", "mbg_nbd,pareto_nbd")
    let plain = try take("--models", "mbg_nbd,pareto_nbd,bg_bb")
    let alone = try take("--models", "bg_bb")

    #expect(held["by"] as? String == "holdout")
    #expect(plain["by"] as? String == "bic")
    #expect((plain["reason"] as? String)?.contains("bg_bb is left out of the choice") == true)
    #expect(alone["model"] is NSNull && alone["by"] is NSNull)
  }

  @Test func `the same bytes come whatever the threads, in every form`() throws {
    let place = try shop()
    for more in [["--format", "json"], ["--table", "customers", "--format", "ndjson"], []] {
      let arguments =
        ["value", place.store, "--holdout", "26w", "--models", "mbg_nbd"] + more
      let one = try Program.run(arguments + ["--threads", "1"])
      let three = try Program.run(arguments + ["--threads", "3"])
      #expect(one.status == 0 && one.output == three.output && !one.output.isEmpty)
    }
  }

  // MARK: Published numbers

  private static let data = ProcessInfo.processInfo.environment["CLM_REFERENCE_DATA"]

  private func cdnow(_ file: String, _ mapping: String) throws -> [String: Any] {
    let place = try Place()
    let data = try #require(Self.data)
    try Program.run(
      "import", place.store, "\(data)/\(file)", "--no-header", "--delimiter", "whitespace", "--csv",
      mapping, "--max-rejects", "1"
    ).expect(0)
    let rules = Self.head + "clv: { purchase: buy.amount, model: bg_nbd, unit: 7d }\n"
    try Program.run(
      "replay", place.store, "--rules", try place.file("rules.yaml", rules), "--as-of",
      "1998-06-30"
    ).expect(0)
    let run = try value(place, "--holdout", "39w", "--format", "json")
    return try run.object()
  }

  private func check(_ found: [String: Any], _ forecast: Double, _ actual: Int, bias: Double) throws
  {
    let model = try #require((found["models"] as? [[String: Any]])?.first)
    let error = try #require(model["holdout"] as? [String: Any])
    #expect((try #require(error["forecast"] as? Double) - forecast).magnitude < 0.06)
    #expect(error["actual"] as? Int == actual)
    #expect((try #require(error["bias"] as? Double) - bias).magnitude < 5e-4)
  }

  @Test(.enabled(if: data != nil))
  func `CDNOW's sample is forecast as published`() throws {
    let found = try cdnow("CDNOW_sample.txt", "subject=1,time=3,type:=purchase,data.amount=5")

    try check(found, 1653.4, 1882, bias: -0.121)
    let tracking = try #require(found["tracking"] as? [[String: Any]])
    #expect(tracking.count == 78)
    #expect(tracking[38]["actual_cumulative"] as? Int == 2457)
    #expect(tracking[38]["to"] as? String == "1997-09-30")
    #expect(tracking[77]["to"] as? String == "1998-06-30")
  }

  @Test(.enabled(if: data != nil))
  func `all of CDNOW is forecast as published`() throws {
    try check(
      try cdnow("CDNOW_master.txt", "subject=1,time=2,type:=purchase,data.amount=4"), 16_873.7,
      19_684, bias: -0.143)
  }

  /// Forecasts of the made-up shop, held against scipy at the time: for a clone without the files of CDNOW.
  @Test func `the made-up shop is forecast as before`() throws {
    let place = try shop()
    let found = try value(
      place, "--holdout", "26w", "--models", "mbg_nbd,pareto_nbd", "--format", "json"
    ).object()
    let models = try #require(found["models"] as? [[String: Any]])
    for (model, forecast) in zip(models, [243.559144, 242.703435]) {
      let error = try #require(model["holdout"] as? [String: Any])
      let found = try #require(error["forecast"] as? Double)
      #expect((found / forecast - 1).magnitude < 1e-5, "\(found)")
      #expect(error["actual"] as? Int == 344)
    }
  }

  // MARK: One customer

  @Test func `a customer's figures are those of the table, and fall in silence`() throws {
    let place = try shop(Self.clv(", model: pareto_nbd"))
    let table = rows(
      try value(place, "--table", "customers", "--format", "csv", "--horizon", "52w").output)
    let row = try #require(table.first { Int($0["frequency"] ?? "") ?? 0 >= 3 })
    let name = try #require(row["customer"])
    let run = try value(place, "--customer", name, "--horizon", "52w", "--format", "json")
    let found = try run.object()

    #expect(found["tracking"] is [Any] && found["calibration"] is [Any])
    let customer = try #require(found["customer"] as? [String: Any])
    let model = try #require((customer["models"] as? [[String: Any]])?.first)
    #expect(model["p_alive"] as? Double == Double(row["p_alive"] ?? ""))
    let expected = try #require(model["expected"] as? [[String: Any]])
    #expect(expected.compactMap { $0["within"] as? String } == ["91d", "182d", "273d", "364d"])
    #expect(expected.last?["purchases"] as? Double == Double(row["expected_purchases"] ?? ""))
    #expect(expected.last?["value"] as? String == row["value"])
    #expect(model["dert"] as? Double == Double(row["dert"] ?? ""))

    let path = try #require(customer["path"] as? [[String: Any]])
    let silence = path.filter { $0["part"] as? String == "silence" }
    #expect(silence.count == 52)
    let alive = silence.compactMap { $0["p_alive"] as? Double }
    #expect(zip(alive, alive.dropFirst()).allSatisfy { $0 > $1 })
    #expect(alive[0] < Double(row["p_alive"] ?? "") ?? 0)
    #expect(
      silence.last?["expected_purchases"] as? Double == Double(row["expected_purchases"] ?? ""))
    #expect(path.first?["date"] as? String == row["first_purchase"])
    let observed = path.last { $0["part"] as? String == "observed" }
    #expect(observed?["p_alive"] as? Double == Double(row["p_alive"] ?? ""))
    let csv = try value(place, "--customer", name, "--horizon", "52w", "--format", "csv")
    #expect(rows(csv.output).count == path.count)
    #expect(try value(place, "--customer", name).output.contains("P(alive)"))
  }

  @Test func `a customer without a purchase is said so, one unknown is an error`() throws {
    let place = try shop()
    let visitor = try #require(
      rows(try Program.run("export", place.store, "--table", "customers", "-o", "-").output)
        .first { $0["clv_historical"] == "" }?["customer"])
    let none = try value(place, "--customer", visitor, "--format", "json")
    let text = try value(place, "--customer", visitor)
    let unknown = try value(place, "--customer", "nobody")

    let customer = try #require(try none.object()["customer"] as? [String: Any])
    #expect((customer["note"] as? String)?.contains("has no purchase up to as-of") == true)
    #expect(text.status == 0 && text.output.contains("has no purchase up to as-of"))
    unknown.expect(2)
    #expect(unknown.errors.contains("error[unknown-customer]: no customer `nobody` in view `shop`"))
  }

  @Test func `any subject names a customer, and one who came after the cut is said so`() throws {
    let place = try Place()
    var log = ""
    for customer in 0..<40 {
      for number in 0...customer % 4 {
        log += event(
          customer * 10 + number, "purchase",
          "2024-0\(1 + number * 2)-\(10 + customer % 17)T12:00:00Z",
          subject: number == 0 ? "cookie-\(customer)" : "C-\(customer)",
          data: #"{"amount":"\#(5 + customer).00"}"#)
      }
      log += event(
        1000 + customer, "identify", "2024-01-01T00:00:00Z", subject: "C-\(customer)",
        data: #"{"anonymous_id":"cookie-\#(customer)"}"#)
    }
    log += event(
      9000, "purchase", "2024-09-15T12:00:00Z", subject: "late", data: #"{"amount":"1.00"}"#)
    // Its rules move it to and fro.
    log += event(9001, "spin", "2024-02-01T12:00:00Z", subject: "parked")
    log += event(
      9002, "purchase", "2024-02-01T12:00:00Z", subject: "parked", data: #"{"amount":"1.00"}"#)
    try Program.run("import", place.store, try place.file("log.ndjson", log)).expect(0)
    let rules = Self.head.replacingOccurrences(
      of: "events:\n",
      with: """
        identity: { link: identify.anonymous_id }
        events:
          identify: { types: [identify], fields: { anonymous_id: string } }
          spin: { types: [spin] }

        """
    ).replacingOccurrences(of: "facts:\n", with: "facts:\n  spins: { count: spin }\n")
      .replacingOccurrences(
        of: "transitions:\n",
        with: """
          transitions:
            - { id: to, from: seen, to: buyer, when: spins >= 1 }
            - { id: fro, from: buyer, to: seen, when: spins >= 1 }

          """)
    try Program.run(
      "replay", place.store, "--rules", try place.file("rules.yaml", rules + Self.clv()),
      "--as-of", "2024-10-31"
    ).expect(1)
    func customer(_ name: String) throws -> [String: Any] {
      let run = try value(
        place, "--customer", name, "--holdout", "90d", "--models", "mbg_nbd", "--format", "json")
      let found = try run.object()
      #expect(found["parked"] as? Int == 1)
      return try #require(found["customer"] as? [String: Any])
    }

    let joined = try customer("cookie-7")
    #expect(joined["customer"] as? String == "C-7")
    #expect(joined["subjects"] as? [String] == ["C-7", "cookie-7"])
    // Of 2024-01-17, 03-17, 05-17 and 07-17.
    #expect(joined["purchase_days"] as? Int == 4)
    #expect(
      (try customer("late")["note"] as? String)?.contains("bought first on 2024-09-15") == true)
    #expect((try customer("parked")["note"] as? String)?.contains("is parked") == true)
  }

  // MARK: Forms and errors

  @Test func `a file has the form of its name`() throws {
    let place = try shop()
    func file(_ name: String, _ more: String...) throws -> String {
      let path = "\(place.path)/\(name)"
      let run = try Program.run(
        ["value", place.store, "--holdout", "26w", "--models", "mbg_nbd", "-o", path] + more)
      run.expect(0)
      #expect(more.contains("--format") || run.output.isEmpty)
      return try String(contentsOfFile: path, encoding: .utf8)
    }

    let svg = try file("tracking.svg")
    #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
    for part in ["<title id=", "<desc id=", "cut 2024-", "mbg_nbd forecast", "actual"] {
      #expect(svg.contains(part), "\(part)")
    }
    #expect(!svg.contains("nan") && !svg.contains("http://www.w3.org/1999"))
    let csv = try file("tracking.csv")
    #expect(csv.hasPrefix("model,period,from,to,part,actual,expected,forecast,"))
    #expect(
      try file("t.ndjson", "--table", "frequency").hasPrefix(#"{"model":"mbg_nbd","frequency":"0""#)
    )
    #expect(try file("t.json").hasPrefix(#"{"view":"shop""#))
    #expect(try file("t.txt").contains("cumulative repeat purchases"))
    let both = try Program.run(
      "value", place.store, "--models", "mbg_nbd", "-o", "\(place.path)/b.svg", "--format", "json")
    #expect(try both.object()["models"] != nil)
  }

  @Test func `a customer's name cannot break out of a picture`() throws {
    let place = try Place()
    var log = ""
    for customer in 0..<40 {
      let name = customer == 7 ? #"<b>&\"x\u001b"# : "c\(customer)"
      for number in 0...customer % 4 {
        log += event(
          customer * 10 + number, "purchase",
          "2024-0\(1 + number * 2)-\(10 + customer % 17)T12:00:00Z", subject: name,
          data: #"{"amount":"\#(5 + customer).00"}"#)
      }
    }
    try Program.run("import", place.store, try place.file("log.ndjson", log)).expect(0)
    try replay(place, Self.clv(), asOf: "2024-12-31").expect(0)
    let path = "\(place.path)/c.svg"
    let run = try value(
      place, "--customer", "<b>&\"x\u{1b}", "--models", "all", "-o", path)

    run.expect(0)
    let svg = try String(contentsOfFile: path, encoding: .utf8)
    #expect(svg.contains("Customer &lt;b&gt;&amp;&quot;x\\u{1b}"))
    #expect(!svg.contains("<b>") && !svg.contains("\u{1b}"))
  }

  @Test(arguments: [
    ["--models", "bg_nbt"], ["--models", ""], ["--models", "bg_nbd,"], ["--holdout", "26"],
    ["--holdout", "36h"], ["--holdout", "0d"], ["--holdout", "-7d"], ["--period", "12h"],
    ["--horizon", "0d"], ["--horizon", "99999d"], ["--discount", "0.1"],
    ["--discount", "0.1/quarter"], ["--discount", "-0.1/year"], ["--discount", "/year"],
    ["--table", "calibration"], ["--table", "path"], ["--table", "cohorts"],
    ["-o", "plot.png"], ["-o", "t.parquet"], ["--format", "svg"],
  ])
  func `wrong usage ends with 64 and says what to do`(arguments: [String]) throws {
    let run = try Program.run(["value", "store"] + arguments)

    run.expect(64)
    #expect(run.errors.hasPrefix("error[usage]: "), "\(run.errors)")
    if arguments[1] == "bg_nbt" { #expect(run.errors.contains("did you mean `bg_nbd`?")) }
  }

  @Test func `what cannot be held out is said with what could be`() throws {
    let place = try shop()
    let long = try value(place, "--holdout", "5000d")
    let endless = try value(place, "--holdout", "99999999d")

    for run in [long, endless] {
      run.expect(2)
      #expect(run.errors.contains("error[holdout]: view `shop`: nobody is left to fit a model to"))
      #expect(run.errors.contains("take a shorter --holdout: less than"))
    }
  }

  @Test func `rules without clv and logs without purchases are said`() throws {
    let place = try shop("")
    let without = try value(place)
    without.expect(2)
    #expect(without.errors.contains("error[no-clv]: view `shop`: the rules have no `clv`"))

    try replay(place, Self.clv(), asOf: "2000-01-01")
    let early = try value(place)
    early.expect(2)
    #expect(early.errors.contains("error[no-purchases]: view `shop`"))
  }

  @Test func `a log too small for any model still answers, with a verdict`() throws {
    let place = try Place()
    try Program.run(
      "import", place.store,
      try place.file(
        "log.ndjson",
        event(1, "purchase", "2024-01-01T00:00:00Z", data: #"{"amount":"5.00"}"#))
    ).expect(0)
    try replay(place, Self.clv(), asOf: "2024-12-31").expect(0)
    let run = try value(place, "--models", "all", "--format", "json")
    let path = "\(place.path)/t.svg"

    run.expect(0)
    let models = try #require(try run.object()["models"] as? [[String: Any]])
    #expect(models.count == 4)
    for model in models {
      #expect(model["verdict"] as? String != "ok" && model["params"] is NSNull)
    }
    #expect(run.errors.contains("warning["))
    try value(place, "-o", path).expect(0)
    #expect(try String(contentsOfFile: path, encoding: .utf8).contains("no model could be fitted"))
    try value(place).expect(0)
  }
}
