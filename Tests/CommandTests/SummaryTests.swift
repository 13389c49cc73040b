import Foundation
import Testing

/// What a nightly job reads of what a command did.
@Suite struct SummaryTests {
  private func importing(_ store: String, _ file: String) throws -> [String: Any] {
    try Program.run("import", store, file, "--format", "json").object()
  }

  @Test func `a summary says how long it took, where rejects are, and whether anything changed`()
    throws
  {
    let place = try Place()
    let good = try place.file("good", event(0, "purchase", "2024-01-01T00:00:00Z"))
    let bad = try place.file("bad", "nonsense\n")

    let first = try importing(place.store, good)
    let again = try importing(place.store, good)
    let refused = try importing(place.store, bad)

    #expect(first["changed"] as? Bool == true)
    #expect(first["rejects"] is NSNull)
    #expect(first["seconds"] is NSNumber)
    #expect(again["changed"] as? Bool == false)
    #expect(refused["changed"] as? Bool == false)
    #expect(refused["rejects"] as? String == "\(place.store)/rejects.ndjson")
    let copy = try Program.run("backup", place.store, "\(place.path)/copy", "--format", "json")
    #expect(try copy.object()["seconds"] is NSNumber)
  }

  @Test func `a rejected line is entered once, however many nights its file is read`() throws {
    let place = try Place()
    let bad = try place.file("bad", "nonsense\n\u{feff}\nnonsense\n")
    let other = try place.file("other", "nonsense\n")
    var entries: [[String]] = []

    for _ in 0..<3 {
      #expect(try importing(place.store, bad)["rejected"] as? Int == 3)
      entries.append(
        try String(contentsOfFile: "\(place.store)/rejects.ndjson", encoding: .utf8)
          .split(separator: "\n").map(String.init))
    }
    _ = try importing(place.store, other)
    let all = try String(contentsOfFile: "\(place.store)/rejects.ndjson", encoding: .utf8)

    #expect(entries[0].count == 3)
    #expect(entries[2] == entries[0])
    #expect(all.split(separator: "\n").count == 4)
    for line in all.split(separator: "\n") {
      let entry = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(Set(entry.keys) == ["file", "line", "at", "code", "message", "text"])
    }
  }

  @Test func `a replay says whether the view is another one`() throws {
    let place = try Place()
    let file = try place.file("e", event(0, "purchase", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, file).expect(0)
    let rules = try place.file("r.yaml", BuyerRules.head("shop"))
    func changed(_ more: String...) throws -> Bool? {
      let run = try Program.run(
        ["replay", place.store, "--rules", rules, "--format", "json"] + more)
      let object = try run.object()
      #expect(object["seconds"] is NSNumber)
      return object["changed"] as? Bool
    }

    #expect(try changed() == true)
    #expect(try changed() == false)
    #expect(try changed("--as-of", "2024-02-01") == true)
    #expect(try changed("--as-of", "2024-02-01") == false)
    let more = try place.file("more", event(1, "visit", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, more).expect(0)
    #expect(try changed("--as-of", "2024-02-01") == true)
    let written = "\(place.store)/views/shop/CURRENT"
    try "g999999\n".write(toFile: written, atomically: false, encoding: .utf8)
    #expect(try changed("--as-of", "2024-02-01") == true)
  }

  @Test func `types stand in the status where they were asked for`() throws {
    let place = try Place()
    let file = try place.file("e", event(0, "purchase", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, file).expect(0)

    let without = try Program.run("status", place.store, "--format", "json").object()
    let with = try Program.run("status", place.store, "--format", "json", "--types").object()

    #expect(without["types"] == nil)
    #expect((with["types"] as? [String: Any])?.keys.sorted() == ["purchase"])
  }

  @Test func `a collector reads sizes, lag and ages`() throws {
    let place = try Place()
    let store = "\(place.path)/the \"shop\"\\1"
    let events = (0..<5).map { event($0, "purchase", "2024-01-01T00:00:00.25Z", subject: "C\($0)") }
    try Program.run("import", store, try place.file("e", events.joined())).expect(0)
    let rules = try place.file("r.yaml", BuyerRules.head("shop"))
    try Program.run("replay", store, "--rules", rules, "-q").expect(0)
    let more = try place.file("more", event(9, "visit", "2024-01-02T00:00:00Z"))
    try Program.run("import", store, more).expect(0)

    let run = try Program.run("status", store, "--format", "prometheus", "--types")

    run.expect(0)
    var values: [String: String] = [:]
    var described: Set<Substring> = []
    let label = "store=\"\(place.path)/the \\\"shop\\\"\\\\1\""
    for line in run.output.split(separator: "\n") {
      if line.hasPrefix("#") {
        described.insert(line.split(separator: " ")[2])
        continue
      }
      let name = try #require(line.split(separator: "{").first)
      #expect(described.contains(name), "\(line)")
      let key = line.prefix(upTo: try #require(line.lastIndex(of: " ")))
      let value = line.suffix(from: line.index(after: key.endIndex))
      #expect(values.updateValue(String(value), forKey: String(key)) == nil)
      #expect(Double(value) != nil)
    }
    let view = "{\(label),view=\"shop\"}"
    let expected = [
      "clm_replay_log_events{\(label)}": "6",
      "clm_replay_log_subjects{\(label)}": "6",
      "clm_replay_rejects_bytes{\(label)}": "0",
      "clm_replay_register_records{\(label)}": "1",
      "clm_replay_log_earliest_occurred_timestamp_seconds{\(label)}": "1704067200.250000",
      "clm_replay_type_events{\(label),type=\"purchase\"}": "5",
      "clm_replay_view_events\(view)": "5",
      "clm_replay_view_behind_events\(view)": "1",
      "clm_replay_view_customers\(view)": "5",
      "clm_replay_view_as_of_timestamp_seconds\(view)": "1704067200.250000",
    ]
    for (key, value) in expected { #expect(values[key] == value, "\(key)") }
    let age = try #require(
      Double(values["clm_replay_log_latest_recorded_age_seconds{\(label)}"] ?? ""))
    #expect(age >= 0 && age < 600)
    try Program.run("status", store, "--format", "csv").expect(64)
    try Program.run("history", store, "C1", "--format", "prometheus").expect(64)
  }
}
