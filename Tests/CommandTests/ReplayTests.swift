import Foundation
import Testing

@Suite struct ReplayTests {
  private func shop(_ place: Place, customers: Int = 120) throws -> String {
    let file = "\(place.path)/shop.ndjson"
    try Program.run("generate", "--customers", "\(customers)", "--seed", "11", "-o", file)
    return file
  }

  private func outputRoot(_ program: Program) throws -> String {
    let object = try program.object()
    let receipt = try #require(object["receipt"] as? [String: Any])
    return try #require(receipt["output_root"] as? String)
  }

  @Test func `the same seed gives the same shop, and another one another`() throws {
    let one = try Program.run("generate", "--customers", "50", "--seed", "3")
    let same = try Program.run("generate", "--customers", "50", "--seed", "3")
    let other = try Program.run("generate", "--customers", "50", "--seed", "4")

    #expect(one.output == same.output)
    #expect(one.output != other.output)
    #expect(
      try Program.run("generate", "--events", "777").output.split(separator: "\n").count == 777)
  }

  @Test func `threads and the order of the log do not show in what comes out`() throws {
    let place = try Place()
    let file = try shop(place)
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(
      String.init)
    // The events of one instant keep their order: it is theirs to decide ties.
    let byTime = lines.enumerated().sorted {
      ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
    }.map(\.element)
    let shuffled = try place.file("other.ndjson", byTime.joined(separator: "\n") + "\n")
    let other = "\(place.path)/other"
    try Program.run("import", place.store, file)
    try Program.run("import", other, shuffled)
    let rules = Program.fixture("rules/retail.yaml")

    let one = try Program.run(
      "replay", place.store, "--rules", rules, "--threads", "1", "--format", "json")
    let three = try Program.run(
      "replay", place.store, "--rules", rules, "--threads", "3", "--format", "json")
    let sorted = try Program.run("replay", other, "--rules", rules, "--format", "json")

    #expect(one.status == 0, "\(one.errors)")
    #expect(try outputRoot(one) == outputRoot(three))
    #expect(try outputRoot(one) == outputRoot(sorted))
  }

  @Test func `a view rebuilt without rules uses its own, and as-of leaves no trace`() throws {
    let place = try Place()
    try Program.run("import", place.store, try shop(place))
    let rules = Program.fixture("rules/retail.yaml")

    let first = try Program.run("replay", place.store, "--rules", rules, "--format", "json")
    try Program.run("replay", place.store, "--as-of", "2023-09-01", "--format", "json")
    let again = try Program.run("replay", place.store, "--format", "json")

    #expect(try outputRoot(first) == outputRoot(again))
  }

  @Test func `show, history, explain and compare speak of a customer by any subject`() throws {
    let place = try Place()
    let file = try place.file(
      "a.ndjson",
      event(0, "site_visit", "2024-01-01T00:00:00Z", subject: "k-1")
        + event(1, "identify", "2024-01-02T00:00:00Z", data: #"{"anonymous_id":"k-1"}"#)
        + event(2, "purchase", "2024-01-02T00:00:00Z", data: #"{"amount":"40.00"}"#)
        + event(3, "purchase", "2024-02-01T00:00:00Z", data: #"{"amount":"60.00"}"#))
    try Program.run("import", place.store, file)
    try Program.run(
      "replay", place.store, "--rules", Program.fixture("rules/retail.yaml"), "--as-of",
      "2024-02-02")

    let history = try Program.run("history", place.store, "k-1")
    let explained = try Program.run("explain", place.store, "C-1")
    let shown = try Program.run("show", place.store, "k-1", "--format", "json")
    let unknown = try Program.run("show", place.store, "C-2")
    let before = try Program.run(
      "show", place.store, "C-1", "--as-of", "2024-01-01", "--format", "json")

    #expect(
      history.output == """
        2024-01-01T00:00:00Z    #0 site_visit e0  (k-1)
        2024-01-01T00:00:00Z  * enters reach
        2024-01-01T00:00:00Z  * reach -> acquisition  by compare
        2024-01-02T00:00:00Z    #1 identify e1  anonymous_id k-1
        2024-01-02T00:00:00Z    #2 purchase e2  40.00 EUR
        2024-01-02T00:00:00Z  * acquisition -> conversion  by convert
        2024-02-01T00:00:00Z    #3 purchase e3  60.00 EUR
        2024-02-01T00:00:00Z  * conversion -> retention  by repeat

        * a change of stage; # an event, by its position in the log
        as of 2024-02-02T23:59:59.999999Z, view retail

        """)
    #expect(
      explained.output.hasPrefix(
        "C-1 moved from conversion to retention on 2024-02-01T00:00:00Z, at event #3 e3\n"))
    #expect(
      explained.output.contains(
        "+ at least 2 purchases within 365 days: 2, was 1    [purchases_365d >= 2]    <- became true now"
      ))
    #expect(shown.output.contains(#""stage":"retention""#))
    #expect(shown.output.contains(#""next":{"at":"2024-07-30T00:00:00.000000Z","to":"lapsed"}"#))
    #expect(unknown.status == 2)
    #expect(unknown.errors.hasPrefix("error[unknown-customer]"))
    // On the first of January the link was not known yet: nobody was called C-1.
    #expect(before.status == 2)
  }

  @Test func `a cookie that a link names is nobody until it does something`() throws {
    let link = event(
      0, "identify", "2024-01-02T00:00:00Z", data: #"{"anonymous_id":"k-1"}"#)
    let later = event(1, "site_visit", "2024-03-01T00:00:00Z", subject: "k-1")
    let roots = try [link, link + later].map { events -> String? in
      let place = try Place()
      try Program.run("import", place.store, try place.file("a.ndjson", events)).expect(0)
      let done = try Program.run(
        "replay", place.store, "--rules", Program.fixture("rules/retail.yaml"), "--as-of",
        "2024-02-01", "--format", "json", "-q")
      return (try done.object()["receipt"] as? [String: Any])?["output_root"] as? String
    }
    // The same events in view, and the same result, whatever else the log holds.
    #expect(roots[0] != nil && roots[0] == roots[1])
  }

  @Test func `rules that chase each other park the customer, end with 1, and are named`() throws {
    let place = try Place()
    let name = Program.fixture("cases/14-parked-by-chase")
    try Program.run("import", place.store, "\(name).events.ndjson")

    let done = try Program.run("replay", place.store, "--rules", "\(name).rules.yaml")
    let exported = try Program.run("export", place.store, "--table", "customers", "-o", "-")

    #expect(done.status == 1)
    #expect(done.errors.contains("error[parked]"))
    #expect(exported.status == 0)
  }

  @Test func `eval answers line by line`() throws {
    let done = try Program.run(
      "eval", input: "{\"expr\":\"1 + 2\"}\nnonsense\n{\"expr\":\"1 / 0\"}\n")

    let lines = done.output.split(separator: "\n")
    #expect(done.status == 1)
    #expect(lines.count == 3)
    #expect(lines[0] == #"{"value":{"type":"int","value":"3"}}"#)
    #expect(lines[2].contains("division"))
  }
}

extension String {
  /// The text of the event's time.
  fileprivate var time: String {
    guard let start = range(of: "\"time\":\"")?.upperBound else { return "" }
    return String(self[start...].prefix { $0 != "\"" })
  }
}
