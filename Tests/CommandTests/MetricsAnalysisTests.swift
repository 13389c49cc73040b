import Foundation
import Testing

/// Funnels, breakdowns, rolling retention, latest answers, rhythms: logs that make the definitions plain. All cells of a larger
/// one are held against SQL by `make check-metrics`.
@Suite struct MetricsAnalysisTests {
  private let rules = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR
    events:
      look: { types: [look], fields: { visits: int, known: bool } }
      cart: { types: [cart] }
      buy: { types: [purchase], fields: { amount: money } }
      nps: { types: [nps_response], fields: { score: int } }
    facts:
      buys: { count: buy }
    stages: [seen, buyer]
    transitions:
      - { id: buy, from: seen, to: buyer, when: buys >= 1 }
    clv: { purchase: buy.amount, margin: 0.5 }

    """

  /// Events as `subject type time {data}`, in that order.
  private func place(_ events: [String]) throws -> Place {
    let place = try Place()
    let lines = events.enumerated().map { number, text -> String in
      let parts = text.split(separator: " ", maxSplits: 3).map(String.init)
      return event(
        number, parts[1], parts[2], subject: parts[0], data: parts.count > 3 ? parts[3] : nil)
    }
    try Program.run("import", place.store, try place.file("e", lines.joined())).expect(0)
    try Program.run(
      "replay", place.store, "--rules", try place.file("r.yaml", rules), "-q"
    ).expect(0)
    return place
  }

  private func csv(_ place: Place, _ table: String, _ more: String...) throws -> String {
    let run = try Program.run(
      ["metrics", place.store, "--table", table, "--format", "csv"] + more)
    #expect(run.status == 0, "\(run.errors)")
    return run.output
  }

  @Test(arguments: ["1", "4"])
  func `a funnel takes the attempt that comes furthest, in order and in time`(threads: String)
    throws
  {
    let place = try place([
      "c1 look 2024-01-01T00:00:00Z", "c1 cart 2024-01-02T00:00:00Z",
      "c1 purchase 2024-01-07T23:59:59.999999Z",
      // Exactly seven days are too late.
      "c2 look 2024-01-01T00:00:00Z", "c2 cart 2024-01-02T00:00:00Z",
      "c2 purchase 2024-01-08T00:00:00Z",
      // The second attempt comes further.
      "c3 look 2024-01-01T00:00:00Z", "c3 look 2024-01-12T00:00:00Z",
      "c3 cart 2024-01-13T00:00:00Z",
      // What came before the first step is no second one.
      "c4 cart 2024-01-01T00:00:00Z", "c4 look 2024-01-02T00:00:00Z",
      // The time is not up.
      "c5 look 2024-01-31T12:00:00Z",
      // At one instant the order of the log decides.
      "c6 look 2024-01-10T00:00:00Z", "c6 cart 2024-01-10T00:00:00Z",
      "c6 purchase 2024-01-10T01:00:00Z", "c7 look 2024-02-02T00:00:00Z",
    ])

    #expect(
      try csv(
        place, "funnel", "--funnel", "look,cart,buy", "--within", "7d", "--threads", threads) == """
          period,step,alias,customers,share,conversion,open,median_hours
          2024-01,1,look,6,1,,,
          2024-01,2,cart,4,0.666666667,0.666666667,1,24
          2024-01,3,buy,2,0.333333333,0.5,0,72.5
          2024-02,1,look,1,1,,,
          2024-02,2,cart,0,0,0,1,
          2024-02,3,buy,0,0,,0,

          """)
    #expect(
      try csv(
        place, "funnel", "--funnel", "look,look", "--within", "365d", "--period", "all") == """
          period,step,alias,customers,share,conversion,open,median_hours
          all,1,look,7,1,,,
          all,2,look,1,0.142857143,0.142857143,6,264

          """)
  }

  @Test func `a breakdown is by the first value that a customer's events have`() throws {
    let place = try place([
      #"a look 2024-01-01T00:00:00Z {"from":"mail","visits":3,"known":true}"#,
      #"a look 2024-01-02T00:00:00Z {"from":"ad","visits":7,"known":false}"#,
      #"a purchase 2024-01-03T00:00:00Z {"amount":"10.00"}"#,
      #"b look 2024-01-01T00:00:00Z {"from":7}"#,
      #"b look 2024-01-01T00:00:00Z {"from":"ad","known":false}"#,
      #"b purchase 2024-01-05T00:00:00Z {"amount":"10.00"}"#,
      #"c purchase 2024-02-05T00:00:00Z {"amount":"10.00"}"#,
    ])

    #expect(
      try csv(
        place, "funnel", "--funnel", "look,buy", "--period", "all", "--by", "look.from") == """
          breakdown,period,step,alias,customers,share,conversion,open,median_hours
          ,all,1,look,0,,,,
          ,all,2,buy,0,,,0,
          ad,all,1,look,1,1,,,
          ad,all,2,buy,1,1,1,0,96
          mail,all,1,look,1,1,,,
          mail,all,2,buy,1,1,1,0,48

          """)
    #expect(
      try csv(place, "cohorts", "--by", "look.visits") == """
        breakdown,cohort,age,period,customers,active,retention,rolling,rolling_retention
        ,2024-01,0,2024-01,1,1,1,1,1
        ,2024-01,1,2024-02,1,0,0,0,0
        ,2024-02,0,2024-02,1,1,1,1,1
        3,2024-01,0,2024-01,1,1,1,1,1
        3,2024-01,1,2024-02,1,0,0,0,0

        """)
    #expect(
      try csv(place, "lifecycle", "--by", "look.known", "--period", "year") == """
        breakdown,period,active,new,returning,resurrecting,dormant
        ,2024,1,1,0,0,0
        false,2024,1,1,0,0,0
        true,2024,1,1,0,0,0

        """)
  }

  @Test func `rolling retention counts who is active then or later`() throws {
    let place = try place([
      #"a purchase 2024-01-01T00:00:00Z {"amount":"1.00"}"#,
      #"a purchase 2024-03-01T00:00:00Z {"amount":"1.00"}"#,
      #"b purchase 2024-01-31T00:00:00Z {"amount":"1.00"}"#,
    ])

    #expect(
      try csv(place, "cohorts") == """
        cohort,age,period,customers,active,retention,rolling,rolling_retention
        2024-01,0,2024-01,2,2,1,2,1
        2024-01,1,2024-02,2,0,0,1,0.5
        2024-01,2,2024-03,2,1,0.5,1,0.5

        """)
  }

  @Test func `the latest answer of each customer counts, with its margin of error`() throws {
    let place = try place([
      #"a nps_response 2024-01-01T00:00:00Z {"score":3,"channel":"web"}"#,
      #"a purchase 2024-02-01T00:00:00Z {"amount":"1.00"}"#,
      #"a nps_response 2024-02-02T00:00:00Z {"score":10,"channel":"app"}"#,
      #"b nps_response 2024-02-01T00:00:00Z {"score":9}"#,
      #"c nps_response 2024-01-01T00:00:00Z {"score":6,"channel":"web"}"#,
      // An answer that cannot be one is none.
      #"d nps_response 2024-01-01T00:00:00Z {"score":8,"channel":"web"}"#,
      #"d nps_response 2024-02-01T00:00:00Z {"score":11,"channel":"web"}"#,
    ])

    #expect(
      try csv(place, "nps_latest") == """
        by,name,customers,promoters,passives,detractors,nps,margin
        all,,4,2,1,1,25,93.8261325
        period,2024-01,2,0,1,1,-50,97.9981992
        period,2024-02,2,2,0,0,100,0
        stage,seen,3,1,1,1,0,113.158573
        stage,buyer,1,1,0,0,100,
        channel,,1,1,0,0,100,
        channel,app,1,1,0,0,100,
        channel,web,2,0,1,1,-50,97.9981992

        """)
  }

  @Test func `who has been away for longer than the own habit is overdue`() throws {
    let place = try place([
      #"a purchase 2024-01-01T08:00:00Z {"amount":"1.00"}"#,
      #"a purchase 2024-01-11T07:00:00Z {"amount":"2.00"}"#,
      // Twice on one day is once.
      #"a purchase 2024-01-11T09:00:00Z {"amount":"3.00"}"#,
      #"a purchase 2024-01-21T08:00:00Z {"amount":"4.50"}"#,
      #"b purchase 2024-01-01T00:00:00Z {"amount":"1.00"}"#,
      #"b purchase 2024-01-11T00:00:00Z {"amount":"1.00"}"#,
      #"b purchase 2024-01-31T00:00:00Z {"amount":"1.00"}"#,
      // One gap is no habit.
      #"c purchase 2023-12-01T00:00:00Z {"amount":"1.00"}"#,
      #"c purchase 2023-12-02T00:00:00Z {"amount":"1.00"}"#,
      "d look 2024-02-20T23:00:00Z",
    ])
    let head =
      "customer,purchases,last_purchase,rhythm_days,since_days,overdue_days,times,spent\n"
    let a = "a,4,2024-01-21T08:00:00.000000Z,10,30,20,3,10.50\n"
    let b = "b,3,2024-01-31T00:00:00.000000Z,15,20,5,1.33333333,3.00\n"

    #expect(try csv(place, "overdue") == head + a)
    #expect(try csv(place, "overdue", "--overdue-after", "1.3") == head + a + b)
    #expect(try csv(place, "overdue", "--overdue-after", "3") == head)
    #expect(
      try csv(place, "cohort_intervals") == """
        cohort,buyers,repeat_buyers,repurchase_rate,second_days_p50,gaps,gap_days_p25,gap_days_p50,gap_days_p75
        2023-12,1,1,1,1,1,1,1,1
        2024-01,2,2,1,9.97916667,5,9.95833333,9.95833333,10

        """)
  }

  @Test func `all tables are shown, less those that are asked for`() throws {
    let place = try place([#"a purchase 2024-01-01T00:00:00Z {"amount":"1.00","shop":"north"}"#])

    let all = try Program.run("metrics", place.store, "--format", "json").object()
    let funnel = try Program.run(
      "metrics", place.store, "--format", "json", "--funnel", "look,buy", "--by", "buy.shop"
    ).object()

    #expect(all["nps_latest"] != nil && all["cohort_intervals"] != nil)
    #expect(all["overdue"] == nil && all["funnel"] == nil)
    #expect(funnel["funnel"] != nil && funnel["cohorts"] != nil && funnel["stages"] == nil)
    let definitions = try #require(funnel["definitions"] as? [String: String])
    #expect(definitions["funnel"] == "look, then buy, all within 30d")
    #expect(definitions["breakdown"] == "the first buy.shop of a customer")
  }

  @Test(
    arguments: [
      (
        ["--table", "funnel"], 64, "error[usage]: a funnel has steps: --funnel visit,cart,purchase"
      ),
      (["--within", "7d"], 64, "error[usage]: a funnel has steps: --funnel visit,cart,purchase"),
      (
        ["--funnel", "look"], 64,
        "error[usage]: --funnel takes 2 to 20 aliases, joined by commas, as in visit,cart,purchase; not `look`"
      ),
      (
        ["--funnel", "look,,buy"], 64,
        "error[usage]: --funnel takes 2 to 20 aliases, joined by commas, as in visit,cart,purchase; not `look,,buy`"
      ),
      (
        ["--table", "nps", "--by", "buy.shop"], 64,
        "error[usage]: --by goes with lifecycle, cohorts and funnel, not with nps"
      ),
      (
        ["--table", "overdue", "--overdue-after", "0"], 64,
        "error[usage]: --overdue-after takes a number above 0"
      ),
      (["--funnel", "look,bye"], 2, "error[metrics]: the rules have no alias `bye`"),
      (["--by", "bye.shop"], 2, "error[metrics]: the rules have no alias `bye`"),
      (["--by", "shop"], 2, "error[metrics]: `shop` names no field of an alias"),
    ] as [([String], Int32, String)])
  func `what cannot be computed is said`(arguments: [String], status: Int32, message: String)
    throws
  {
    let place = try place(["a look 2024-01-01T00:00:00Z"])

    let run = try Program.run(["metrics", place.store] + arguments)

    run.expect(status)
    #expect(run.errors.hasPrefix(message + "\n"), "\(run.errors)")
  }

  @Test func `a field with too many values is no breakdown`() throws {
    let place = try place(
      (0...1000).map { #"c\#($0) look 2024-01-01T00:00:00Z {"id":"\#($0)"}"# })

    let run = try Program.run("metrics", place.store, "--by", "look.id")

    run.expect(2)
    #expect(
      run.errors.hasPrefix(
        "error[metrics]: `look.id` has 1001 different values, more than 1000\n"))
  }
}
