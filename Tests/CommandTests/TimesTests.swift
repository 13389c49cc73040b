import Foundation
import Testing

/// As-of and known-at, alone and together, and what was learned of the past.
struct TimesTests {
  /// The first half of the shop, then the rest, and a store that never got the rest.
  private struct Halves {
    let place: Place
    let whole: String
    let first: String
    /// After the first half was recorded, before the second was.
    let between: String
  }

  private static func halves() throws -> Halves {
    let place = try Place()
    let (whole, first) = ("\(place.path)/whole", "\(place.path)/first")
    // Every third event comes a half too late, links and purchases among them.
    let all = try Program.run(
      "generate", "--events", "400", "--seed", "7", "-o", "-", "-q")
    let lines = all.output.split(separator: "\n").map(String.init)
    let isLate = lines.indices.map { $0 % 3 == 0 || $0 > lines.count / 2 }
    let early = try place.file(
      "early.ndjson", zip(lines, isLate).filter { !$0.1 }.map { $0.0 + "\n" }.joined())
    // The earliest of all comes last, long before the others.
    let late = try place.file(
      "late.ndjson",
      zip(lines, isLate).filter(\.1).map { $0.0 + "\n" }.joined()
        + event(999_999, "site_visit", "2022-03-01T00:00:00Z", subject: "C-000001"))
    try Program.run("import", first, early).expect(0)
    try Program.run("import", whole, early).expect(0)
    Thread.sleep(forTimeInterval: 0.005)
    let between = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    Thread.sleep(forTimeInterval: 0.005)
    try Program.run("import", whole, late).expect(0)
    for store in [whole, first] {
      try Program.run("replay", store, "--rules", Program.fixture("rules/retail.yaml"), "-q")
        .expect(0)
    }
    return Halves(place: place, whole: whole, first: first, between: between)
  }

  @Test func `known-at is what a store says that was given nothing since, whatever is asked`()
    throws
  {
    let halves = try Self.halves()
    let asOf = ["--as-of", "2024-05-31"]
    let rules = Program.fixture("rules/retail.yaml")
    let other = Program.fixture("rules/retail-v4.yaml")
    let customers = try Program.run(
      "export", halves.first, "--table", "customers", "-o", "-", "-q"
    ).output.split(separator: "\n").dropFirst().map { String($0.prefix { $0 != "," }) }
    #expect(customers.count > 15)
    var questions: [[String]] = [
      ["metrics"], ["rfm"], ["value", "--models", "bg_nbd"],
      ["compare", "--rules", rules, "--rules", other],
      ["export", "--table", "customers", "-o", "-"],
      ["export", "--table", "transitions", "-o", "-"],
      ["export", "--table", "segments", "-o", "-"],
    ]
    for customer in customers.prefix(1) {
      questions += [
        ["history", customer], ["history", customer, "--corrections"],
        ["show", customer, "--population"],
      ]
      questions.append(["explain", customer])
      questions.append(["value", "--customer", customer, "--table", "path", "--models", "bg_nbd"])
    }
    for question in questions {
      let name = question[0]
      for times in [[], asOf] {
        // The store of then may answer by its view: the same, without a word of what is unknown.
        let isView = times.isEmpty && question.contains("--population")
        let own = isView ? question.filter { $0 != "--population" } : question
        func ask(_ store: String, _ words: [String], _ times: [String]) throws -> Program {
          let form = words.contains("-o") ? [] : ["--format", "json"]
          return try Program.run([name, store] + words.dropFirst() + times + form + ["-q"])
        }
        let then = try ask(halves.first, own, times)
        let now = try ask(halves.whole, question, times + ["--known-at", halves.between])
        #expect(now.status == then.status, "\(question) \(times): \(now.errors)")
        #expect(Self.comparable(now.output) == Self.comparable(then.output), "\(question) \(times)")
      }
    }
    // A replay is no question, and says the same.
    for times in [[], asOf] {
      func roots(_ store: String, _ times: [String]) throws -> String? {
        let done = try Program.run(
          ["replay", store, "--rules", rules, "--view", "again", "--format", "json", "-q"] + times)
        return (try done.object()["receipt"] as? [String: Any])?["output_root"] as? String
      }
      let then = try roots(halves.first, times)
      #expect(then != nil)
      #expect(try roots(halves.whole, times + ["--known-at", halves.between]) == then)
    }
  }

  /// Without what belongs to a store and not to the answer: instants of recording.
  private static func comparable(_ output: String) -> String {
    output.replacing(#/"recorded":"[^"]*"/#, with: "")
      .replacing(#/,"unknown":\[\]/#, with: "")
  }

  // MARK: Corrections

  private static let rules = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR
    identity: { link: login.cookie }
    events:
      visit: { types: [visit] }
      buy:   { types: [purchase] }
      login: { types: [login], fields: { cookie: string } }
    facts:
      visits: { count: visit }
      buys: { count: buy }
      bought_at: { last_time: buy }
    stages: [new, seen, buyer, lapsed]
    transitions:
      - { id: lapse, from: buyer, to: lapsed, when: "since(bought_at) >= days(30)" }
      - { id: buy, from: any, to: buyer, when: "buys >= 1 && since(bought_at) < days(30)" }
      - { id: see, from: new, to: seen, when: "visits >= 1" }

    """

  @Test func `what a late event and a link changed is listed, with what was believed before`()
    throws
  {
    let place = try Place()
    let batches = [
      event(0, "purchase", "2024-01-01T00:00:00Z")
        + event(1, "visit", "2024-01-03T00:00:00Z", subject: "k-1")
        + event(2, "visit", "2024-03-01T00:00:00Z", subject: "C-2"),
      // A purchase that kept the customer, told of in March.
      event(3, "purchase", "2024-01-21T00:00:00Z"),
      // On time, and yet the past of C-1 is another one: the cookie was hers.
      event(4, "login", "2024-03-02T00:00:00Z", data: #"{"cookie":"k-1"}"#),
      // On time, and nothing of the past changes.
      event(5, "visit", "2024-03-03T00:00:00Z"),
    ]
    for (number, batch) in batches.enumerated() {
      try Program.run("import", place.store, try place.file("\(number).ndjson", batch)).expect(0)
    }
    let rules = try place.file("rules.yaml", Self.rules)
    try Program.run("replay", place.store, "--rules", rules, "-q").expect(0)

    let listed = try Program.run(
      "history", place.store, "C-1", "--corrections", "--format", "csv", "-q")
    let rows = listed.output.split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).dropFirst().joined(separator: ",")
    }
    // The latest instant of the first batch.
    let horizon = "2024-03-01T00:00:00.000000Z"
    #expect(
      rows == [
        // The lapse came later than was believed.
        "3,\(horizon),believed,C-1,2024-01-31T00:00:00.000000Z,buyer,lapsed,lapse,timer,e0,0",
        "3,\(horizon),known,C-1,2024-02-20T00:00:00.000000Z,buyer,lapsed,lapse,timer,e3,3",
        "4,\(horizon),believed,k-1,2024-01-03T00:00:00.000000Z,,new,,event,e1,1",
        "4,\(horizon),believed,k-1,2024-01-03T00:00:00.000000Z,new,seen,see,event,e1,1",
      ], "\(listed.output) \(listed.errors)")

    let text = try Program.run("history", place.store, "k-1", "--corrections")
    #expect(text.output.contains("  #3 purchase e3 of 2024-01-21T00:00:00Z  ("))
    #expect(
      text.output.contains(
        """
          believed until then:
            2024-01-31T00:00:00Z  buyer -> lapsed  by lapse  #0
          known since:
            2024-02-20T00:00:00Z  buyer -> lapsed  by lapse  #3
        """))
    #expect(text.output.contains("  #4 login e4 of 2024-03-02T00:00:00Z  (a link)"))
    let other = try Program.run("history", place.store, "C-2", "--corrections")
    #expect(other.output.hasPrefix("no late event and no link changed the past\n"))
    try Program.run("history", place.store, "C-9", "--corrections").expect(2)
  }

  @Test func `each correction is the difference of two histories`() throws {
    let halves = try Self.halves()
    let customers = try Program.run(
      "export", halves.whole, "--table", "customers", "-o", "-", "-q"
    ).output.split(separator: "\n").dropFirst().map { String($0.prefix { $0 != "," }) }
    var seen = 0
    for customer in customers where seen < 20 {
      let listed = try Program.run(
        "history", halves.whole, customer, "--corrections", "--format", "json", "-q")
      let corrections = try #require(
        try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]])
      for correction in corrections {
        let recorded = try #require(correction["recorded"] as? String)
        let horizon = try #require(correction["horizon"] as? String)
        // What is known of the same customer at that instant, up to the horizon.
        let after = try Program.run(
          "history", halves.whole, customer, "--known-at", recorded, "--format", "json", "-q")
        let steps =
          try JSONSerialization.jsonObject(with: Data(after.output.utf8)) as? [[String: Any]]
        let known = (steps ?? []).filter {
          $0["kind"] as? String == "transition" && ($0["at"] as? String ?? "") <= horizon
        }
        for row in correction["known"] as? [[String: Any]] ?? [] {
          seen += 1
          #expect(
            known.contains { step in
              ["at", "from", "to", "transition", "cause", "event_id"].allSatisfy {
                step[$0] as? String == row[$0] as? String
              }
            }, "\(customer): \(row)")
        }
        for row in correction["believed"] as? [[String: Any]] ?? []
        where row["customer"] as? String == customer {
          seen += 1
          #expect(
            !known.contains { step in
              ["at", "from", "to", "transition", "cause", "event_id"].allSatisfy {
                step[$0] as? String == row[$0] as? String
              }
            }, "\(customer): \(row)")
        }
      }
    }
    #expect(seen > 10)
  }

  // MARK: As served

  @Test func `what was served is shown to the last value, though view and rules are others now`()
    throws
  {
    let place = try Place()
    try Program.run("import", place.store, Program.fixture("shop.ndjson.gz")).expect(0)
    let rules = Program.fixture("rules/retail.yaml")
    try Program.run(
      "replay", place.store, "--rules", rules, "--view", "v", "--as-of", "2024-06-30", "-q"
    ).expect(0)
    let customer = try Program.run("export", place.store, "--table", "customers", "-o", "-", "-q")
      .output.split(separator: "\n").first { $0.contains(",loyalty,") }
      .map { String($0.prefix { $0 != "," }) }
    let name = try #require(customer)
    let served = try Program.run("show", place.store, name, "--format", "json")
    Thread.sleep(forTimeInterval: 0.005)
    let then = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    Thread.sleep(forTimeInterval: 0.005)
    let late = event(990_000, "purchase", "2024-01-01T00:00:00Z", subject: name)
    try Program.run("import", place.store, try place.file("late.ndjson", late)).expect(0)
    try Program.run(
      "replay", place.store, "--rules", Program.fixture("rules/retail-v4.yaml"), "--view", "v", "-q"
    ).expect(0)
    try Program.run("views", place.store, "--prune", "-q").expect(0)

    let whole = try Program.run(
      "show", place.store, name, "--as-served", then, "--population", "--format", "json", "-q")
    let alone = try Program.run(
      "show", place.store, name, "--as-served", then, "--format", "json", "-q")
    let unknown = try Program.run("show", place.store, name, "--as-served", "2024-01-01")

    var (was, shown) = (try served.object(), try whole.object())
    shown["served"] = nil
    shown["unknown"] = nil
    #expect(NSDictionary(dictionary: was).isEqual(to: shown), "\(served.output)\n\(whole.output)")
    #expect(!whole.errors.contains("other-result"))
    was = try alone.object()
    #expect(was["facts"] as? NSDictionary == shown["facts"] as? NSDictionary)
    #expect((was["unknown"] as? [String])?.contains("champions") == true)
    #expect(unknown.status == 2 && unknown.errors.contains("error[not-served]"))
  }

  @Test func `who came later is not said to be unknown, and nothing is explained behind as-of`()
    throws
  {
    let halves = try Self.halves()
    let name = "C-000001"
    let early = try Program.run("show", halves.whole, name, "--as-of", "2020-01-01")
    let behind = try Program.run("explain", halves.whole, name, "--at", "2090-01-01")
    let within = try Program.run("explain", halves.whole, name, "--at", "2024-12-01")

    #expect(early.status == 2)
    #expect(
      early.errors.contains("customer `\(name)` has no event in view as of 2020-01-01T23:59:59"),
      "\(early.errors)")
    #expect(!early.errors.contains("did you mean"))
    #expect(behind.status == 2 && behind.errors.contains("--at 2090-01-01 lies behind 20"))
    #expect(within.status == 0 || within.errors.contains("lies behind"), "\(within.errors)")
  }
}
