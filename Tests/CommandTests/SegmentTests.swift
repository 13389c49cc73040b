import Foundation
import Testing

/// Who was in which segment, when, and why.
@Suite struct SegmentTests {
  private let rules = """
    rules: 1
    model: { name: stays, version: 1 }
    currency: EUR
    events:
      buy:  { types: [purchase], fields: { amount: money } }
      ring: { types: [ring] }
    facts:
      buys:    { count: buy }
      recent:  { count: buy, within: 10d }
      rings:   { count: ring }
      last_at: { last_time: buy }
    stages: [new, buyer, gone]
    transitions:
      - { id: buy, from: [new, gone], to: buyer, when: "recent >= 1" }
      - { id: go, from: buyer, to: gone, when: "since(last_at) >= days(30)" }
    segments:
      best:  { when: "rfm.m >= 3" }
      quiet: { when: "since(last_at) >= days(20) && stage.name == 'buyer'" }
      lost:  { when: "stage.name == 'gone'" }
      odd:   { when: "rings % 2 == 1" }
    clv: { purchase: buy.amount }
    """

  private func replayed(_ events: [(String, String, String)], asOf: String) throws -> Place {
    let place = try Place()
    let lines = events.enumerated().map { index, event in
      """
      {"id":"e\(index)","source":"s","type":"\(event.1)","subject":"\(event.0)","time":"\(event.2)","data":{"amount":"10.00"}}
      """
    }
    let log = try place.file("log.ndjson", lines.joined(separator: "\n") + "\n")
    let file = try place.file("rules.yaml", rules)
    try Program.run("import", place.store, log)
    try Program.run("replay", place.store, "--rules", file, "--as-of", asOf)
    return place
  }

  @Test func `stays begin and end at events and by time, to the microsecond`() throws {
    let place = try replayed(
      [
        ("b", "purchase", "2024-01-01T00:00:00.000001Z"), ("b", "ring", "2024-01-05T00:00:00Z"),
        ("b", "ring", "2024-01-05T00:00:00Z"), ("b", "ring", "2024-01-05T00:00:00Z"),
        ("a", "purchase", "2024-01-02T00:00:00Z"), ("b", "purchase", "2024-02-10T00:00:00Z"),
      ], asOf: "2024-02-15")

    let table = try Program.run("export", place.store, "--table", "segments", "-o", "-", "--quiet")

    // Within one instant `odd` held, did not, and held again: each event is a step.
    #expect(
      table.output == """
        customer,segment,from,to,cause,event_id,position
        a,quiet,2024-01-22T00:00:00.000000Z,2024-02-01T00:00:00.000000Z,timer,e4,4
        a,lost,2024-02-01T00:00:00.000000Z,,timer,e4,4
        b,best,,,,,
        b,quiet,2024-01-21T00:00:00.000001Z,2024-01-31T00:00:00.000001Z,timer,e0,0
        b,lost,2024-01-31T00:00:00.000001Z,2024-02-10T00:00:00.000000Z,timer,e0,0
        b,odd,2024-01-05T00:00:00.000000Z,2024-01-05T00:00:00.000000Z,event,e1,1
        b,odd,2024-01-05T00:00:00.000000Z,,event,e3,3

        """)
  }

  @Test func `explain tells a stay with the values before`() throws {
    let place = try replayed([("a", "purchase", "2024-01-02T00:00:00Z")], asOf: "2024-02-15")

    let explained = try Program.run(
      "explain", place.store, "a", "--segment", "quiet", "--format", "json")
    let object = try explained.object()
    let stay = try #require(object["stay"] as? [String: Any])
    #expect(stay["from"] as? String == "2024-01-22T00:00:00.000000Z")
    #expect(stay["to"] as? String == "2024-02-01T00:00:00.000000Z")
    #expect(stay["cause"] as? String == "timer")
    #expect(stay["event_id"] as? String == "e0")
    #expect(stay["holds"] as? Bool == false)
    let term = try #require(object["expr"] as? [String: Any])
    #expect(term["value"] as? Bool == true)
    #expect(term["before"] as? Bool == false)

    let lost = try Program.run("explain", place.store, "a", "--segment", "lost")
    #expect(lost.output.contains("a is in lost since 2024-02-01T00:00:00Z"))
    #expect(lost.output.contains("the stage is gone: gone, was buyer"))
    let never = try Program.run("explain", place.store, "a", "--segment", "odd")
    #expect(never.status == 0)
    #expect(never.output.contains("a is not in odd; values as of 2024-02-15"))
    #expect(never.output.contains("[rings % 2 = 0]"))
  }

  @Test func `a segment over all customers is explained at as-of, and nowhere else`() throws {
    let place = try replayed(
      [("a", "purchase", "2024-01-02T00:00:00Z"), ("b", "purchase", "2024-01-03T00:00:00Z")],
      asOf: "2024-01-15")

    let now = try Program.run("explain", place.store, "a", "--segment", "best")
    #expect(now.output.contains("a is not in best"))
    #expect(now.output.contains("rfm.m at least 3: 1"))
    let then = try Program.run(
      "explain", place.store, "a", "--segment", "best", "--as-of", "2024-01-10")
    #expect(then.status == 2)
    #expect(then.errors.contains("error[known-at-as-of-only]"))
    let unknown = try Program.run("explain", place.store, "a", "--segment", "bets")
    #expect(unknown.status == 2)
    #expect(unknown.errors.contains("segments are best, quiet, lost, odd"))
  }

  @Test func `stays end where a customer is parked`() throws {
    let place = try Place()
    let file = try place.file(
      "rules.yaml",
      """
      rules: 1
      model: { name: chase, version: 1 }
      currency: EUR
      events:
        go: { types: [go] }
      facts:
        goes: { count: go }
      stages: [one, two]
      transitions:
        - { id: there, from: one, to: two, when: goes >= 2 }
        - { id: back, from: two, to: one, when: goes >= 2 }
      segments:
        seen: { when: goes >= 1 }
      """)
    let log = try place.file(
      "log.ndjson",
      """
      {"id":"1","source":"s","type":"go","subject":"a","time":"2024-01-01T00:00:00Z"}
      {"id":"2","source":"s","type":"go","subject":"a","time":"2024-01-02T00:00:00Z"}

      """)
    try Program.run("import", place.store, log)
    try Program.run("replay", place.store, "--rules", file)

    let table = try Program.run("export", place.store, "--table", "segments", "-o", "-", "--quiet")
    #expect(
      table.output.hasSuffix(
        "a,seen,2024-01-01T00:00:00.000000Z,2024-01-02T00:00:00.000000Z,event,1,0\n"))
  }
}
