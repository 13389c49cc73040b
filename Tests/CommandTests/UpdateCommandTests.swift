import Foundation
import Glibc
import Testing

/// `replay` on a view that is there: what it folds, what it says, what it leaves on disk.
@Suite struct UpdateCommandTests {
  private static let rules = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR
    identity: { link: login.cookie }
    events:
      buy:   { types: [purchase], fields: { amount: money } }
      login: { types: [login], fields: { cookie: string } }
    facts:
      buys:    { count: buy }
      recent:  { count: buy, within: 30d }
      last_at: { last_time: buy }
    stages: [new, buyer, quiet]
    transitions:
      - { id: hush,  from: buyer, to: quiet, when: "since(last_at) >= days(60)" }
      - { id: back,  from: quiet, to: buyer, when: "since(last_at) < days(60)" }
      - { id: first, from: new, to: buyer, when: "buys >= 1" }

    """

  /// A store with a purchase a day of as many customers, and a view.
  private func make(_ place: Place, customers: Int = 200) throws -> String {
    let lines = (0..<customers).map { number in
      event(
        number, "purchase", time(day: number % 100, minute: number),
        subject: "C-\(1000 + number)", data: #"{"amount":"9.00"}"#)
    }
    try importing(place, lines.joined())
    let rules = try place.file("r.yaml", Self.rules)
    try Program.run("replay", place.store, "--rules", rules, "--as-of", time(day: 100)).expect(0)
    return rules
  }

  private func time(day: Int, minute: Int = 0) -> String {
    let date = Date(timeIntervalSince1970: 1_704_067_200 + Double(day * 86_400 + minute * 60))
    return ISO8601DateFormatter().string(from: date)
  }

  private func importing(_ place: Place, _ lines: String) throws {
    try Program.run("import", place.store, try place.file("e\(UUID().uuidString)", lines)).expect(0)
  }

  private func replay(_ place: Place, _ options: String...) throws -> (
    object: [String: Any], errors: String
  ) {
    let run = try Program.run(["replay", place.store, "--format", "json"] + options)
    run.expect(0)
    return (try run.object(), run.errors)
  }

  private func generation(_ place: Place) throws -> String {
    try String(contentsOfFile: "\(place.store)/views/shop/CURRENT", encoding: .utf8)
      .trimmingCharacters(in: .newlines)
  }

  /// The view is what another one is that is built anew, in all that comes out of it.
  private func expectRebuilt(_ place: Place, asOf: String) throws {
    let rules = "\(place.path)/r.yaml"
    try Program.run(
      "replay", place.store, "--rules", rules, "--view", "anew", "--rebuild", "--as-of", asOf
    ).expect(0)
    for table in ["customers", "transitions", "segments"] {
      let own = try Program.run(
        "export", place.store, "--view", "shop", "--table", table, "-o", "-")
      let anew = try Program.run(
        "export", place.store, "--view", "anew", "--table", table, "-o", "-")
      #expect(own.output == anew.output, "\(table)")
    }
    try Program.run("replay", place.store, "--view", "shop", "--check").expect(0)
  }

  @Test func `only who has something new is folded again`() throws {
    let place = try Place()
    _ = try make(place)
    let nothing = try replay(place, "--as-of", time(day: 100))
    #expect(nothing.object["changed"] as? Bool == false)
    #expect(nothing.object["folded"] as? Int == 0)

    // One late, one new, and one who is joined to another.
    try importing(
      place,
      event(900, "purchase", time(day: 3), subject: "C-1007", data: #"{"amount":"1.00"}"#)
        + event(901, "purchase", time(day: 99), subject: "A-1", data: #"{"amount":"1.00"}"#)
        + event(902, "login", time(day: 99), subject: "C-1010", data: #"{"cookie":"C-1011"}"#))
    let some = try replay(place, "--as-of", time(day: 100))
    #expect(some.object["changed"] as? Bool == true)
    #expect(some.object["folded"] as? Int == 3)
    #expect(some.object["customers"] as? Int == 200)
    #expect(!some.errors.contains("folding everybody"))
    try expectRebuilt(place, asOf: time(day: 100))
    let joined = try Program.run("show", place.store, "C-1011", "--view", "shop")
    #expect(joined.output.contains("C-1010"))

    // Time alone: one day later members leave windows, and customers fall quiet.
    let later = try replay(place, "--view", "shop", "--as-of", time(day: 101))
    let folded = try #require(later.object["folded"] as? Int)
    #expect(folded > 0 && folded < 20)
    try expectRebuilt(place, asOf: time(day: 101))
  }

  @Test func `what cannot be used is said, and everybody is folded`() throws {
    let place = try Place()
    let rules = try make(place)
    let earlier = try replay(place, "--as-of", time(day: 50))
    #expect(earlier.errors.contains("folding everybody: as-of is earlier"))
    let other = try place.file("other.yaml", Self.rules.replacing("days(60)", with: "days(50)"))
    let changed = try replay(place, "--rules", other, "--as-of", time(day: 50))
    #expect(changed.errors.contains("folding everybody: the rules are others"))
    try Program.run("replay", place.store, "--rules", rules, "--as-of", time(day: 50)).expect(0)
    let most = try replay(place, "--as-of", time(day: 100))
    #expect(most.errors.contains("folding everybody: "))
    #expect(most.errors.contains(" customers may change"))
    let asked = try replay(place, "--rebuild", "--as-of", time(day: 100))
    #expect(asked.object["folded"] as? Int == 200)
    #expect(asked.object["changed"] as? Bool == false)
  }

  @Test func `generations share files, and a view of many updates has few`() throws {
    let place = try Place()
    _ = try make(place)
    let first = try generation(place)
    for number in 0..<12 {
      try importing(
        place,
        event(
          500 + number, "purchase", time(day: 99, minute: number),
          subject: "C-\(1000 + number * 13)", data: #"{"amount":"1.00"}"#))
      _ = try replay(place, "--as-of", time(day: 100))
    }
    let current = try generation(place)
    let home = "\(place.store)/views/shop"
    // Nothing is left of what is not in force but what it shares.
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: home).sorted()
        == ["CURRENT", "building", current])
    let levels = try FileManager.default.contentsOfDirectory(atPath: "\(home)/\(current)")
      .filter { $0.hasPrefix("g") }
    #expect(levels.count < 6, "\(levels)")
    #expect(first != current)
    try expectRebuilt(place, asOf: time(day: 100))
  }

  @Test func `a check finds a view that is not what it has to be, and writes nothing`() throws {
    let place = try Place()
    _ = try make(place, customers: 20)
    let fine = try Program.run("replay", place.store, "--check", "--format", "json")
    fine.expect(0)
    #expect(try fine.object()["same"] as? Bool == true)
    // Events later than the view are nothing to it.
    try importing(place, event(700, "purchase", time(day: 99), subject: "C-1001"))
    let before = try generation(place)
    try Program.run("replay", place.store, "--check").expect(0)
    #expect(try generation(place) == before)
    try Program.run("replay", place.store, "--check", "--as-of", "2024-01-01").expect(64)

    // A view of other events under the name of this one.
    let other = try Place()
    _ = try make(other, customers: 19)
    let target = "\(place.store)/views/shop"
    try FileManager.default.removeItem(atPath: target)
    try FileManager.default.copyItem(atPath: "\(other.store)/views/shop", toPath: target)
    let differs = try Program.run("replay", place.store, "--check")
    differs.expect(1)
    #expect(differs.errors.contains("error[view-differs]"))
    // A replay does not build on it: the register does not know it.
    let rebuilt = try replay(place, "--as-of", time(day: 100))
    #expect(rebuilt.errors.contains("folding everybody: the register does not know"))
  }

  @Test func `a view is followed while others import, until a signal`() throws {
    let place = try Place()
    _ = try make(place, customers: 30)
    let output = "\(place.path)/followed"
    try Data().write(to: URL(fileURLWithPath: output))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.path)
    process.arguments = ["replay", place.store, "--follow", "--format", "json", "--poll", "1s"]
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = FileHandle.nullDevice
    try process.run()
    func lines() throws -> [[String: Any]] {
      try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n").compactMap {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }
    }
    func wait(for count: Int) throws {
      for _ in 0..<300 where try lines().count < count && process.isRunning {
        Thread.sleep(forTimeInterval: 0.1)
      }
    }
    try wait(for: 1)
    for number in 0..<2 {
      try importing(
        place,
        event(800 + number, "purchase", time(day: 100, minute: number), subject: "C-1002"))
      try wait(for: 2 + number)
    }
    // Somebody tries other rules beside it: what is followed stays what it was.
    let other = try place.file(
      "other.yaml",
      String(contentsOfFile: Program.fixture("rules/retail.yaml"), encoding: .utf8)
        .replacingOccurrences(of: "name: retail", with: "name: trial"))
    #expect([0, 1].contains(try Program.run("replay", place.store, "--rules", other).status))
    try importing(place, event(850, "purchase", time(day: 100, minute: 5), subject: "C-1002"))
    try wait(for: 4)
    kill(process.processIdentifier, SIGTERM)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let sizes = try lines().compactMap { ($0["receipt"] as? [String: Any])?["size"] as? Int }
    #expect(sizes == [30, 31, 32, 33])
    let names = try lines().compactMap { $0["view"] as? String }
    #expect(Set(names).count == 1 && names.count == 4)
    try Program.run("replay", place.store, "--view", names[0], "--check").expect(0)
  }

  @Test func `following ends with an error when the store goes away`() throws {
    let place = try Place()
    _ = try make(place, customers: 10)
    let process = try Program.start(
      "replay", place.store, "--follow", "--as-of", time(day: 100), input: Pipe())
    Thread.sleep(forTimeInterval: 1.5)
    #expect(process.isRunning)
    try FileManager.default.moveItem(atPath: place.store, toPath: "\(place.path)/gone")
    for _ in 0..<100 where process.isRunning { Thread.sleep(forTimeInterval: 0.1) }
    #expect(!process.isRunning)
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
    #expect(process.terminationStatus == 2)
  }
}
