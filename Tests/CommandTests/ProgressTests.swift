import Foundation
import Testing

/// How far a command is, for machines.
@Suite struct ProgressTests {
  private func lines(_ run: Program) throws -> [[String: Any]] {
    try run.errors.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  /// A line each quarter of a second, each at least as far as the one before, and one at the end.
  private func check(_ run: Program, _ label: String, events: Int) throws {
    run.expect(0)
    let lines = try lines(run)
    var (seconds, percent) = (0.0, 0.0)
    for line in lines {
      #expect(line["progress"] as? String == label)
      let next = try #require(line["seconds"] as? Double)
      #expect(next >= seconds)
      seconds = next
      let share = line["percent"] as? Double ?? percent
      #expect(share >= percent && share <= 100)
      percent = share
      #expect(line["eta_seconds"] as? Double ?? 0 >= 0)
    }
    let last = try #require(lines.last)
    #expect(last["done"] as? Bool == true)
    #expect(last["percent"] as? Double == 100)
    #expect(last["eta_seconds"] as? Double == 0)
    #expect(last["events"] as? Int == events)
    #expect(lines.dropLast().allSatisfy { $0["done"] as? Bool == false })
  }

  @Test func `import and replay say how far they are where machines ask, and else nothing`() throws
  {
    let place = try Place()
    let text = try Program.run("generate", "--events", "3000", "--seed", "2").output
    let file = try place.file("e", text)
    let import1 = try Program.run("import", place.store, file, "--progress", "json")
    let stream = try Program.run("import", place.store, "-", "--progress", "json", input: text)
    let rules = try place.file("r.yaml", BuyerRules.head("shop"))
    let replay = ["replay", place.store, "--rules", rules, "--format", "json"]
    let replayed = try Program.run(replay + ["--progress", "json"])

    try check(import1, "import", events: 3000)
    try check(stream, "import", events: 3000)
    try check(replayed, "replay", events: 3000)
    #expect(try replayed.object()["view"] as? String == "shop")
    #expect(try lines(try Program.run(replay)).isEmpty)
    #expect(try lines(try Program.run(replay + ["--progress", "json", "-q"])).isEmpty)
    try Program.run(replay + ["--progress", "bar"]).expect(64)
  }

  @Test func `a command that fails does not say that it is done`() throws {
    let place = try Place()
    let file = try place.file("e", event(0, "purchase", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, file).expect(0)
    let missing = try Program.run(
      "import", place.store, "\(place.path)/none", "--progress", "json")

    missing.expect(2)
    #expect(!missing.errors.contains("\"done\":true"))
    #expect(missing.errors.contains("error[cannot-read]"))
  }
}
