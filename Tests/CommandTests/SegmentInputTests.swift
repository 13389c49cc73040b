import Foundation
import Testing

/// `import --input segment`: the documented mapping of docs/sources.md.
@Suite struct SegmentInputTests {
  /// The line that one call becomes; nil where it was rejected.
  private func line(_ call: String) throws -> (line: String?, run: Program) {
    let place = try Place()
    let run = try Program.run(
      "import", place.store, try place.file("c.ndjson", call + "\n"), "--input", "segment", "-q")
    guard run.status == 0 else { return (nil, run) }
    let export = try Program.run("export", place.store, "--table", "events", "-o", "-", "-q")
    export.expect(0)
    return (String(export.output.dropLast()), run)
  }

  private func call(_ members: String) -> String {
    #"{"messageId":"m","userId":"u","timestamp":"2024-05-01T10:00:00Z",\#(members)}"#
  }

  private func event(_ type: String, _ data: String?, subject: String = "u") -> String {
    let tail = data.map { ",\"data\":\($0)" } ?? ""
    return
      #"{"specversion":"1.0","id":"m","source":"segment","type":"\#(type)","subject":"\#(subject)","time":"2024-05-01T10:00:00.000000Z"\#(tail)}"#
  }

  @Test func `calls of a shop become the events that the mapping says, once`() throws {
    let place = try Place()
    let calls = Program.fixture("segment/shop.ndjson")

    let first = try Program.run("import", place.store, calls, "--input", "segment", "-q")
    let again = try Program.run(
      "import", place.store, calls, "--input", "segment", "--format", "json")

    first.expect(0)
    #expect(first.errors.isEmpty)
    let counts = try again.object()
    #expect(counts["appended"] as? Int == 0 && counts["duplicates"] as? Int == 13)
    let export = try Program.run("export", place.store, "--table", "events", "-o", "-", "-q")
    #expect(
      try export.output
        == String(contentsOfFile: Program.fixture("segment/events.ndjson"), encoding: .utf8))
  }

  @Test func `a cookie's calls belong to who signed in with it`() throws {
    let place = try Place()
    try Program.run(
      "import", place.store, Program.fixture("segment/shop.ndjson"), "--input", "segment", "-q"
    ).expect(0)
    let rules = Program.fixture("segment/rules.yaml")
    try Program.run("check", rules).expect(0)
    try Program.run("replay", place.store, "--rules", rules, "-q").expect(0)

    let rows = try Program.run("export", place.store, "--table", "transitions", "-o", "-", "-q")

    #expect(
      rows.output == """
        customer,at,from,to,transition,cause,event_id,position
        4711,2024-04-08T18:13:20.000000Z,,visitor,,event,node-next-1712600000-1234abcd,9
        97980cfea0067,2024-04-02T08:15:30.448000Z,,visitor,,event,ajs-next-1712000001-4f2b-8c1e,0
        97980cfea0067,2024-04-02T08:17:45.448000Z,visitor,shopper,shop,event,ajs-next-1712000003-4f2b-8c1e,2
        97980cfea0067,2024-04-02T08:19:20.290000Z,shopper,customer,buy,event,node-next-1712045960-9d6e2f30,5
        97980cfea0067,2024-04-13T09:20:00.000000Z,customer,regular,again,event,php-1713000000-e5f6,12

        """)
  }

  @Test(
    arguments: [
      (#""type":"track","event":"Signed Up""#, "Signed Up", nil),
      (
        #""type":"track","event":"order-completed","properties":{"revenue":null,"total":"12.50"}"#,
        "purchase", #"{"revenue":null,"total":"12.50","amount":"12.50"}"#
      ),
      (
        #""type":"track","event":"Completed Order","properties":{ "value" : 3 , "revenue" : {} }"#,
        "purchase", #"{"value":3,"revenue":{},"amount":"3"}"#
      ),
      (
        #""type":"track","event":"Order Completed","properties":{"revenue":9,"amount":"8.00","channel":"shop"},"channel":"server""#,
        "purchase", #"{"revenue":9,"amount":"8.00","channel":"shop"}"#
      ),
      (
        #""type":"track","event":"ORDER REFUNDED","properties":{"revenue":9,"total":-5.5}"#,
        "refund",
        #"{"revenue":9,"total":-5.5,"amount":"-5.5"}"#
      ),
      (
        #""type":"track","event":"Product Reviewed","properties":{"rating":4}"#, "review",
        #"{"rating":4,"stars":4}"#
      ),
      (
        #""type":"track","event":"Promotion Viewed","properties":{"total":4}"#, "ad_view",
        #"{"total":4}"#
      ),
      (
        #""type":"page","name":"Home","category":"Docs","properties":{"name":"inner"}"#,
        "page_view",
        #"{"name":"inner","category":"Docs"}"#
      ),
      (
        #""type":"screen","properties":{"\u0061mount":1},"context":{"campaign":{"name":"x"},"ip":"203.0.113.9"}"#,
        "screen_view", #"{"\u0061mount":1,"campaign":{"name":"x"}}"#
      ),
      (
        #""type":"identify","anonymousId":"a","traits":{"plan":"pro"}"#, "identify",
        #"{"traits":{"plan":"pro"},"anonymous_id":"a"}"#
      ),
      (
        #""type":"alias","previousId":"old","anonymousId":"a""#, "identify",
        #"{"anonymous_id":"old"}"#
      ),
      (
        #""type":"alias","anonymousId":"a""#, "identify", #"{"anonymous_id":"a"}"#
      ),
      (#""type":"group","groupId":7,"traits":{}"#, "group", #"{"traits":{},"group_id":"7"}"#),
      (#""type":"track","event":"say \"hi\" \u00fc","properties":null"#, #"say \"hi\" ü"#, nil),
    ] as [(String, String, String?)])
  func `each call has its event`(members: String, type: String, data: String?) throws {
    let (line, run) = try line(call(members))

    #expect(line == event(type, data), "\(run.errors)")
  }

  @Test func `the subject is userId, else anonymousId, as text`() throws {
    let tail = #""messageId":"m","timestamp":"2024-05-01T10:00:00Z","type":"track","event":"x"}"#
    #expect(
      try line(#"{"userId":42,"anonymousId":"a",\#(tail)"#).line
        == event("x", #"{"anonymous_id":"a"}"#, subject: "42"))
    #expect(
      try line(#"{"userId":"","anonymousId":"a",\#(tail)"#).line == event("x", nil, subject: "a"))
    #expect(
      try line(#"{"userId":null,"anonymousId":"a\"b",\#(tail)"#).line
        == event("x", nil, subject: #"a\"b"#))
  }

  @Test(arguments: [
    (#""timestamp":"2024-05-01T12:00:00+02:00","receivedAt":"2024-06-01T00:00:00Z""#, true),
    (
      #""originalTimestamp":"2024-05-01T11:00:00Z","sentAt":"2024-05-01T11:00:30Z","receivedAt":"2024-05-01T10:00:30Z""#,
      true
    ),
    (#""originalTimestamp":"2024-05-01T10:00:00Z","sentAt":"2024-05-01T11:00:00Z""#, true),
    (
      #""originalTimestamp":"0001-01-01T00:00:00Z","sentAt":"9999-12-31T00:00:00Z","receivedAt":"2024-05-01T10:00:00Z""#,
      true
    ),
    (#""sentAt":"2024-05-01T10:00:00Z","receivedAt":"2024-05-01T10:00:09Z""#, true),
    (#""receivedAt":"2024-05-01T10:00:00Z""#, true),
    (#""version":2"#, false),
  ])
  func `the time is the timestamp, or what it is made of`(members: String, isTaken: Bool) throws {
    let (line, run) = try line(
      #"{"messageId":"m","userId":"u","type":"track","event":"x",\#(members)}"#)

    #expect(line == (isTaken ? event("x", nil) : nil), "\(run.errors)")
    #expect(isTaken || run.errors.contains("rejected[missing-time]"))
  }

  @Test(arguments: [
    ("{", "json", "not JSON"),
    ("[]", "not-an-object", "the line is JSON, but not an object"),
    (
      #"{"batch":[]}"#, "call",
      "the line is a batch of calls; `jq -c '.batch[]'` makes a line of each"
    ),
    (
      #"{"type":"trak"}"#, "call",
      "`type` is `trak`, and the calls are track, identify, page, screen, group, alias"
    ),
    (#"{"type":"track","event":"x","userId":"u"}"#, "missing-id", "`messageId` is missing"),
    (
      #"{"type":"track","event":"x","messageId":"m"}"#, "missing-subject",
      "neither `userId` nor `anonymousId` is there"
    ),
    (
      #"{"type":"alias","previousId":"old","messageId":"m"}"#, "missing-subject",
      "neither `userId` nor `anonymousId` is there"
    ),
    (
      #"{"type":"alias","userId":"u","messageId":"m"}"#, "missing-subject",
      "`previousId`, which an alias joins, is missing"
    ),
    (
      #"{"type":"track","event":"x","messageId":"m","userId":["u"]}"#, "bad-userId",
      "`userId` is neither a string nor a number"
    ),
    (
      #"{"type":"track","messageId":"m","userId":"u"}"#, "missing-type",
      "`event` is missing, empty, or no string"
    ),
    (
      #"{"type":"track","event":"x","messageId":"m","userId":"u","properties":[1]}"#, "properties",
      "`properties` is not an object"
    ),
    (
      #"{"type":"track","event":"x","messageId":"m","userId":"u","timestamp":1714557600}"#,
      "bad-time",
      "`timestamp` is not an RFC 3339 instant with a zone, in years 0001 to 9999: 1714557600"
    ),
    (#"{"type":"track","event":"x","event":"y"}"#, "duplicate-member", "a member comes twice"),
    (
      #"{"type":"track","event":"clm-replay.x","messageId":"m","userId":"u","timestamp":"2024-05-01T10:00:00Z"}"#,
      "reserved-type", "types that begin with `clm-replay.` are reserved"
    ),
  ])
  func `a call that cannot be taken goes whole to the rejects`(
    call: String, code: String, message: String
  ) throws {
    let place = try Place()
    let good = self.call(#""type":"track","event":"x""#)
    let file = try place.file("c.ndjson", "\u{feff}\(good)\r\n\n\(call)\n\(good)")

    let run = try Program.run(
      "import", place.store, file, "--input", "segment", "--format", "json", "--rejects",
      "\(place.path)/r.ndjson")

    run.expect(1)
    #expect(run.errors.contains("rejected[\(code)]: \(file):3: "), "\(run.errors)")
    #expect(run.errors.contains(message), "\(run.errors)")
    let counts = try run.object()
    #expect(counts["appended"] as? Int == 1 && counts["duplicates"] as? Int == 1)
    #expect(counts["rejected"] as? Int == 1 && counts["lines"] as? Int == 4)
    let rejects = try String(contentsOfFile: "\(place.path)/r.ndjson", encoding: .utf8)
    let entry = try JSONSerialization.jsonObject(with: Data(rejects.utf8)) as? [String: Any]
    #expect(entry?["text"] as? String == call && entry?["line"] as? Int == 3)
  }

  @Test func `a call that came again with another time is a conflict of that line`() throws {
    let place = try Place()
    let first = call(#""type":"track","event":"x""#)
    let later = first.replacing("10:00:00Z", with: "10:00:01Z")
    let file = try place.file("c.ndjson", "\(first)\n\(later)\n")

    let run = try Program.run("import", place.store, file, "--input", "segment")
    let skipped = try Program.run(
      "import", place.store, file, "--input", "segment", "--on-conflict", "skip")

    run.expect(1)
    #expect(run.errors.contains("rejected[conflict]: \(file):2: "))
    skipped.expect(0)
  }

  @Test func `a mapping of columns does not go with it`() throws {
    let run = try Program.run(
      "import", "store", "a", "--input", "segment", "--csv", "subject=a,time=b,type:=x")
    run.expect(64)
    #expect(
      run.errors.hasPrefix(
        "error[usage]: --csv says what the lines are, and so does --input segment\n"))
  }
}
