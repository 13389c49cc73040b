import Foundation
import Testing

/// `metrics`: definitions that a small log makes plain. All cells of a larger one are held against SQL by `make check-metrics`.
@Suite struct MetricsTests {
  private let rules = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR
    timezone: America/New_York
    events:
      look: { types: [look] }
      buy: { types: [purchase], fields: { amount: money } }
      nps: { types: [nps_response], fields: { score: int } }
      referral: { types: [referral] }
    facts:
      buys: { count: buy }
      last_at: { last_time: buy }
    stages: [seen, buyer, lapsed]
    transitions:
      - { id: lapse, from: buyer, to: lapsed, when: "since(last_at) >= days(40)" }
      - { id: back, from: lapsed, to: buyer, when: "since(last_at) < days(40)" }
      - { id: buy, from: seen, to: buyer, when: buys >= 1 }
    clv: { purchase: buy.amount, margin: 0.5 }
    rates:
      bought: { from: look, to: buy, within: 24h }
    """

  private func place(_ events: [(String, String, String, String)], rules: String? = nil) throws
    -> Place
  {
    let place = try Place()
    let lines = events.enumerated().map { index, event in
      """
      {"id":"e\(index)","source":"s","type":"\(event.1)","subject":"\(event.0)","time":"\(event.2)","data":{\(event.3)}}
      """
    }
    try Program.run(
      "import", place.store, try place.file("log.ndjson", lines.joined(separator: "\n") + "\n"))
    try Program.run(
      "replay", place.store, "--rules", try place.file("rules.yaml", rules ?? self.rules))
    return place
  }

  private func csv(_ place: Place, _ table: String, _ more: String...) throws -> [String] {
    let run = try Program.run(
      ["metrics", place.store, "--table", table, "--format", "csv"] + more)
    #expect(run.status == 0, "\(run.errors)")
    return run.output.split(separator: "\n").map(String.init)
  }

  private let amount = #""amount":"10.00""#

  @Test func `periods follow the time zone, and a dormant customer is counted once`() throws {
    // 03:30 UTC on the first of March is still February in New York.
    let place = try place([
      ("a", "purchase", "2024-01-10T12:00:00Z", amount),
      ("a", "purchase", "2024-03-01T03:30:00Z", amount),
      ("b", "purchase", "2024-02-05T12:00:00Z", amount),
      ("b", "purchase", "2024-05-01T04:00:00Z", amount),
      ("b", "look", "2024-05-02T00:00:00Z", ""),
    ])

    #expect(
      try csv(place, "lifecycle") == [
        "period,active,new,returning,resurrecting,dormant", "2024-01,1,1,0,0,0",
        "2024-02,2,1,1,0,0", "2024-03,0,0,0,0,2", "2024-04,0,0,0,0,0", "2024-05,1,0,0,1,0",
      ])
    #expect(
      try csv(place, "cohorts").prefix(4) == [
        "cohort,age,period,customers,active,retention,rolling,rolling_retention",
        "2024-01,0,2024-01,1,1,1,1,1",
        "2024-01,1,2024-02,1,1,1,1,1", "2024-01,2,2024-03,1,0,0,0,0",
      ])
  }

  @Test func `stages tell conversion, drop-off, churn and win-back`() throws {
    let place = try place([
      ("a", "look", "2024-01-01T12:00:00Z", ""), ("a", "purchase", "2024-01-03T12:00:00Z", amount),
      ("a", "purchase", "2024-02-20T12:00:00Z", amount), ("b", "look", "2024-01-05T12:00:00Z", ""),
      ("c", "look", "2024-02-25T12:00:00Z", ""),
    ])

    let rows = try csv(place, "stages", "--stuck-after", "30d")
    #expect(
      rows == [
        "period,stage,population,entries,exits,to_next,conversion,down,stuck,drop_off,dwell_days_p25,dwell_days_p50,dwell_days_p75,dwell_days_p90,churned,churn_rate,won_back",
        "2024-01,seen,1,2,1,1,0.5,0,1,0.5,2,2,2,2,0,,0",
        "2024-01,buyer,1,1,0,1,1,0,1,1,,,,,0,,0", "2024-01,lapsed,0,0,0,0,,0,0,,,,,,0,,0",
        "2024-02,seen,2,1,0,0,0,0,0,0,,,,,0,0,0",
        // Lapsed on the 12th, 40 days after the purchase, and won back on the 20th.
        "2024-02,buyer,1,1,1,0,0,0,0,0,40,40,40,40,1,1,1",
        "2024-02,lapsed,0,1,1,0,,1,0,1,8,8,8,8,0,,0",
      ])
  }

  /// Samoa had no 30 December 2011: it came out as a period of its own.
  @Test func `a day that a zone skips is no period`() throws {
    let place = try place(
      [
        ("a", "purchase", "2011-12-29T20:00:00Z", amount),
        ("a", "purchase", "2011-12-31T20:00:00Z", amount),
      ], rules: rules.replacing("America/New_York", with: "Pacific/Apia"))

    let days = try csv(place, "lifecycle", "--period", "day").dropFirst().map { $0.prefix(10) }
    #expect(days == ["2011-12-29", "2011-12-31", "2012-01-01"])
  }

  @Test func `an answer counts for the stage in which it found the customer`() throws {
    let place = try place([
      ("a", "nps_response", "2024-01-01T12:00:00Z", #""score":9,"channel":"app""#),
      ("a", "purchase", "2024-01-02T12:00:00Z", amount),
      ("a", "nps_response", "2024-01-02T12:00:00Z", #""score":6"#),
      ("b", "purchase", "2024-01-02T12:00:00Z", amount),
      ("b", "nps_response", "2024-03-20T12:00:00Z", #""score":7"#),
      ("b", "nps_response", "2024-03-21T12:00:00Z", #""score":11"#),
    ])

    #expect(
      try csv(place, "nps", "--period", "all") == [
        "by,name,answers,promoters,passives,detractors,nps", "all,,3,1,1,1,0",
        "period,all,3,1,1,1,0", "stage,seen,1,1,0,0,100", "stage,buyer,1,0,0,1,-100",
        "stage,lapsed,1,0,1,0,0", "channel,,2,0,1,1,-50", "channel,app,1,1,0,0,100",
      ])
    let run = try Program.run(
      "metrics", place.store, "--table", "nps", "--format", "json")
    #expect(run.errors.contains("1 NPS answers are outside 0 to 10"))
  }

  @Test func `a rate ends exactly when its time is up, and what is not up yet is open`() throws {
    let place = try place([
      ("a", "look", "2024-01-01T12:00:00Z", ""), ("a", "purchase", "2024-01-02T12:00:00Z", amount),
      ("b", "look", "2024-01-01T12:00:00Z", ""),
      ("b", "purchase", "2024-01-02T11:59:59.999999Z", amount),
      ("c", "look", "2024-01-02T00:00:00Z", ""),
    ])

    #expect(
      try csv(place, "rates") == [
        "rate,period,starts,converted,open,share,median_hours",
        "bought,2024-01,3,1,1,0.333333333,24",
      ])
  }

  @Test func `referrals name who brought whom, once, by customer`() throws {
    let place = try place([
      ("z", "referral", "2024-01-02T00:00:00Z", #""referred":"m""#),
      ("a", "referral", "2024-01-03T00:00:00Z", #""referred":"m""#),
      ("a", "referral", "2024-01-04T00:00:00Z", #""referred":"m""#),
      ("a", "referral", "2024-01-04T00:00:00Z", #""referred":"a""#),
      ("a", "referral", "2024-01-05T00:00:00Z", #""referred":"nobody""#),
      ("m", "purchase", "2024-01-06T00:00:00Z", amount),
    ])

    #expect(
      try csv(place, "referrals") == [
        "referrer,referred,at,event_id,position,brought,purchases,monetary,clv_historical",
        "a,m,2024-01-03T00:00:00.000000Z,e1,1,false,1,10.00,5.00",
        // Who bought nothing was not brought.
        "a,nobody,2024-01-05T00:00:00.000000Z,e4,4,false,0,,",
        "z,m,2024-01-02T00:00:00.000000Z,e0,0,true,1,10.00,5.00",
      ])
  }

  /// They were left out without a word.
  @Test func `answers whose score cannot be read are said, with an example of each reason`() throws
  {
    let events = [
      ("a", "nps_response", "2024-01-01T12:00:00Z", #""score":9"#),
      ("b", "nps_response", "2024-01-02T12:00:00Z", #""score":"nine""#),
      ("a", "nps_response", "2024-01-03T12:00:00Z", #""score":"ten""#),
      ("a", "nps_response", "2024-01-04T12:00:00Z", #""note":"good""#),
      ("a", "look", "2024-01-04T12:00:00Z", ""),
    ]
    let says =
      #"note: 3 NPS answers have no score that can be read and are left out: 1 missing (first at position 3), 2 not a number "nine" (first at position 1)"#
    // Declared or not.
    let undeclared = rules.replacing(", fields: { score: int }", with: "")
    for rules in [rules, undeclared] {
      let place = try place(events, rules: rules)
      for threads in ["1", "3"] {
        let run = try Program.run(
          "metrics", place.store, "--table", "nps", "--format", "csv", "--threads", threads)
        run.expect(0)
        #expect(run.errors.contains(says), "\(run.errors)")
        #expect(run.output.contains("all,,1,1,0,0,100"))
      }
      let quiet = try Program.run("metrics", place.store, "--quiet")
      #expect(quiet.errors.isEmpty, "\(quiet.errors)")
    }
  }

  @Test func `the rules of docs-claims pass their own tests`() throws {
    let file = Program.root.appendingPathComponent("docs/claims.yaml").path
    let checked = try Program.run("check", file)
    #expect(checked.status == 0, "\(checked.errors)")
    #expect(
      checked.output.contains("1 test, 0 failed") || checked.errors.contains("1 test, 0 failed"))
  }

  @Test func `what cannot be computed is said`() throws {
    let place = try place([("a", "look", "2024-01-01T12:00:00Z", "")])

    let none = try Program.run("metrics", place.store, "--format", "csv")
    #expect(none.status == 64)
    #expect(none.errors.contains("add --table with one of stages, flow"))
    let alias = try Program.run("metrics", place.store, "--activity", "bought")
    #expect(alias.status == 2)
    #expect(alias.errors.contains("aliases are look, buy, nps, referral"))
    let stage = try Program.run("metrics", place.store, "--churned", "gone")
    #expect(stage.status == 2)
    let rate = try place.file(
      "bad.yaml", rules.replacingOccurrences(of: "from: look", with: "from: lok"))
    let checked = try Program.run("check", rate)
    #expect(checked.status == 1)
    #expect(checked.errors.contains("did you mean `look`?"))
  }
}
