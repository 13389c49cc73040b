import Foundation
import Glibc
import Testing

/// What happens to views between replays: queues, drops, prunes, leftovers.
@Suite struct ViewUpkeepTests {
  /// A store of one event with a view `shop`.
  private func makeView(_ place: Place) throws -> String {
    let file = try place.file("e", event(0, "purchase", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, file).expect(0)
    let rules = try place.file("r.yaml", BuyerRules.head("shop"))
    try Program.run("replay", place.store, "--rules", rules, "-q").expect(0)
    return rules
  }

  private func status(_ place: Place) throws -> [String: Any] {
    try Program.run("status", place.store, "--format", "json").object()
  }

  private func views(_ place: Place) throws -> [[String: Any]] {
    try #require(try status(place)["views"] as? [[String: Any]])
  }

  @Test func `a replay waits for another one, and then folds the log as it is then`() throws {
    // It was refused at once; and who had looked at the log before it waited would have brought an older view back.
    let place = try Place()
    let rules = try makeView(place)
    let building = try #require(
      FileHandle(forUpdatingAtPath: "\(place.store)/views/shop/building"))
    #expect(flock(building.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
    let refused = try Program.run("replay", place.store, "--rules", rules, "--wait", "0s")
    let waiting = [
      try Program.start("replay", place.store, "--rules", rules, "--wait", "60s", input: Pipe()),
      try Program.start("replay", place.store, "--wait", "60s", input: Pipe()),
    ]
    Thread.sleep(forTimeInterval: 0.3)
    let more = try place.file("more", event(1, "purchase", "2024-02-01T00:00:00Z"))
    try Program.run("import", place.store, more).expect(0)
    #expect(waiting.filter { !$0.isRunning }.isEmpty)
    try building.close()
    for process in waiting { process.waitUntilExit() }

    refused.expect(75)
    #expect(refused.errors.contains("is being changed by pid "))
    #expect(refused.errors.contains("clm-replay replay"))
    #expect(waiting.map(\.terminationStatus) == [0, 0])
    #expect(try views(place).first?["size"] as? Int == 2)
  }

  @Test func `quiet commands print nothing, unless data were asked for`() throws {
    let place = try Place()
    let rules = try makeView(place)
    let more = try place.file("more", event(1, "purchase", "2024-02-01T00:00:00Z"))
    for arguments in [
      ["import", place.store, more], ["replay", place.store, "--rules", rules],
      ["backup", place.store, "\(place.path)/copy"],
    ] {
      let run = try Program.run(arguments + ["-q"])
      run.expect(0)
      #expect(run.output.isEmpty, "\(arguments)")
      #expect(!run.errors.contains(" in "), "\(run.errors)")
    }
    let asked = try Program.run("replay", place.store, "--format", "json", "-q")
    #expect(try asked.object()["view"] as? String == "shop")
  }

  @Test func `a dropped view is gone, and the register keeps what it served`() throws {
    let place = try Place()
    let rules = try makeView(place)
    let before = try Program.run("views", place.store, "--history", "--format", "csv").output
    let served = String(try #require(before.split(separator: "\n").last).split(separator: ",")[1])

    let dropped = try Program.run("views", place.store, "--drop", "shop", "--format", "json")

    dropped.expect(0)
    #expect(try dropped.object()["view"] as? String == "shop")
    #expect(!FileManager.default.fileExists(atPath: "\(place.store)/views/shop"))
    #expect(try views(place).isEmpty)
    #expect(try status(place)["register_size"] as? Int == 2)
    try Program.run("verify", place.store, "-q").expect(0)
    try Program.run("prove", place.store, "--record", "1").expect(0)
    let history = try Program.run("views", place.store, "--history", "--format", "csv")
    #expect(history.output.split(separator: "\n").count == 2)
    #expect(history.errors.contains("record 1: view shop was dropped on "))
    try Program.run("show", place.store, "C-1", "--as-served", served).expect(0)
    let since = try Program.run("show", place.store, "C-1", "--as-served", "now")
    since.expect(2)
    #expect(since.errors.contains("it was dropped on "))
    try Program.run("views", place.store, "--drop", "shop").expect(2)

    try Program.run("replay", place.store, "--rules", rules, "-q").expect(0)
    try Program.run("show", place.store, "C-1", "--as-served", "now").expect(0)
  }

  @Test(arguments: ["../log", "", ".", "a/b"])
  func `no name leads out of the views`(name: String) throws {
    let place = try Place()
    _ = try makeView(place)

    try Program.run("views", place.store, "--drop", name).expect(64)

    try Program.run("verify", place.store, "-q").expect(0)
  }

  @Test func `a prune removes what is not in force, and nothing else`() throws {
    let place = try Place()
    _ = try makeView(place)
    let home = "\(place.store)/views/shop"
    let files = FileManager.default
    try files.copyItem(atPath: "\(home)/g000001", toPath: "\(home)/g000000")
    try files.createDirectory(atPath: "\(home)/g000007.tmp", withIntermediateDirectories: false)
    // A first replay that was killed has never been in force.
    let dead = "\(place.store)/views/dead/g000001.tmp"
    try files.createDirectory(atPath: dead, withIntermediateDirectories: true)

    let pruned = try Program.run("views", place.store, "--prune", "--format", "json").object()
    let again = try Program.run("views", place.store, "--prune", "--format", "json").object()

    let rows = try #require(pruned["pruned"] as? [[String: Any]])
    #expect(
      rows.compactMap { $0["generation"] as? String } == ["g000001.tmp", "g000000", "g000007.tmp"])
    #expect(pruned["bytes"] as? Int ?? 0 > 0)
    #expect(again["changed"] as? Bool == false)
    #expect(try files.contentsOfDirectory(atPath: "\(place.store)/views") == ["shop"])
    #expect(
      try files.contentsOfDirectory(atPath: home).sorted() == ["CURRENT", "building", "g000001"])
    #expect(try status(place)["register_size"] as? Int == 2)
    try Program.run("verify", place.store, "-q").expect(0)
    try Program.run("show", place.store, "C-1").expect(0)
  }

  @Test func `where the generation in force is missing, a prune keeps the older one`() throws {
    let place = try Place()
    _ = try makeView(place)
    let home = "\(place.store)/views/shop"
    try "g000002\n".write(toFile: "\(home)/CURRENT", atomically: false, encoding: .utf8)

    let pruned = try Program.run("views", place.store, "--prune")

    pruned.expect(2)
    #expect(pruned.errors.contains("error[view-damaged]"))
    #expect(FileManager.default.fileExists(atPath: "\(home)/g000001"))
    try Program.run("views", place.store, "--drop", "shop").expect(0)
    #expect(!FileManager.default.fileExists(atPath: home))
  }

  @Test func `what killed exports left beside their target is removed by the next one`() throws {
    let place = try Place()
    _ = try makeView(place)
    // No process has these numbers: they are above the system's limit. What others named so is not ours.
    let left = ["rows.csv.tmp-2000000000", "rows.csv.tmp-2000000001"]
    let others = ["rows.csv.tmp-x", "other.csv.tmp-2000000000"]
    for name in left + others { _ = try place.file(name, "half") }

    for table in ["customers", "transitions", "events"] {
      let target = table == "events" ? "rows.ndjson" : "rows.csv"
      _ = try place.file("\(target).tmp-2000000000", "half")
      try Program.run(
        "export", place.store, "--table", table, "-o", "\(place.path)/\(target)", "-q"
      ).expect(0)
      let found = try FileManager.default.contentsOfDirectory(atPath: place.path)
      #expect(Set(found.filter { $0.contains(".tmp-") }) == Set(others), "\(table)")
    }
  }

  @Test func `where nothing is new the view stays, and says again what it said`() throws {
    // The nightly job folded ten million events to find that none had come.
    let place = try Place()
    let rules = try makeView(place)
    let first = try Program.run("replay", place.store, "--rebuild", "--format", "json")
    let again = try Program.run("replay", place.store, "--rules", rules, "--format", "json")
    let told = try Program.run("replay", place.store, "--receipt", "\(place.path)/receipt")
    let switches = try Program.run("views", place.store, "--history", "--format", "ndjson")

    let (one, two) = (try first.object(), try again.object())
    #expect(two["changed"] as? Bool == false)
    #expect(Set(one.keys) == Set(two.keys))
    func members(_ run: Program) -> Substring {
      run.output.prefix(
        upTo: run.output.range(of: ",\"changed\"")?.lowerBound ?? run.output.startIndex)
    }
    #expect(members(first) == members(again))
    #expect(told.output.hasPrefix("view shop: shop v1, unchanged since 20"), "\(told.output)")
    #expect(told.output.contains("\noutput root "))
    let receipt = try String(contentsOfFile: "\(place.path)/receipt", encoding: .utf8)
    let own = try #require(one["receipt"] as? [String: Any])
    #expect(receipt.contains(try #require(own["output_root"] as? String)))
    // The first replay, and the one that was told to.
    #expect(switches.output.split(separator: "\n").count == 2, "\(switches.output)")
  }

  @Test func `anything new makes the view again`() throws {
    let place = try Place()
    let rules = try makeView(place)
    func changed(_ arguments: String...) throws -> Bool? {
      let run = try Program.run(["replay", place.store, "--format", "json"] + arguments)
      run.expect(0)
      return try run.object()["changed"] as? Bool
    }
    #expect(try changed("--as-of", "2024-03-01") == true)
    #expect(try changed("--as-of", "2024-03-01") == false)
    #expect(try changed() == true)
    let more = try place.file("more", event(1, "purchase", "2024-01-01T00:00:00Z", subject: "C-2"))
    try Program.run("import", place.store, more).expect(0)
    #expect(try changed() == true)
    #expect(try changed() == false)
    let text = try String(contentsOfFile: rules, encoding: .utf8)
    try (text + "# another file\n").write(toFile: rules, atomically: true, encoding: .utf8)
    #expect(try changed("--rules", rules) == true)
    #expect(try changed("--rules", rules) == false)
  }

  /// The one that was looked at held the rules where their path had the name that was damaged; nothing but `--rules` made such
  /// a view again, while its error said `--rebuild`.
  @Test func `a view that was damaged, wherever, is made again by who asks for it`() throws {
    let place = try Place()
    _ = try makeView(place)
    let home = "\(place.store)/views/shop"
    func data() throws -> URL {
      let generations = try FileManager.default.contentsOfDirectory(atPath: home)
      let generation = try #require(generations.first { $0.hasPrefix("g") })
      return URL(fileURLWithPath: "\(home)/\(generation)/data.mdb")
    }
    func exported() throws -> Program {
      try Program.run("export", place.store, "--table", "customers", "-o", "-", "--format", "csv")
    }
    let whole = try exported()
    whole.expect(0)
    let page = 4096
    var refusals = 0
    var fromRegister = 0
    // Those of the rules, their first bytes as they stand in a view, and one in four.
    let first = try Data(contentsOf: data())
    let marks = ["C-1", "model:"].compactMap { first.range(of: Data($0.utf8))?.lowerBound }
    let pages = Set(marks.map { $0 / page } + [0, 1])
      .union(stride(from: 2, to: first.count / page, by: 4))
    for number in pages.sorted() {
      let path = try data()
      var file = try Data(contentsOf: path)
      // Every second byte: headers, keys, checksums and what they check.
      for at in stride(from: number * page, to: (number + 1) * page, by: 2) { file[at] ^= 1 }
      try file.write(to: path)
      let tried = try exported()
      if tried.status != 0 {
        tried.expect(2)
        #expect(tried.errors.contains("clm-replay replay --rebuild"), "\(number): \(tried.errors)")
        refusals += 1
      } else {
        #expect(tried.output == whole.output, "\(number)")
      }
      let made = try Program.run("replay", place.store, "--rebuild")
      made.expect(0)
      if made.errors.contains("of the register") { fromRegister += 1 }
      let again = try exported()
      again.expect(0)
      #expect(again.output == whole.output, "\(number)")
    }
    #expect(refusals > 0 && fromRegister > 0)
  }

  /// A replay whose last flush failed leaves it; the next one, which found nothing new, left it for ever.
  @Test func `what replays left beside the view in force goes with the next one`() throws {
    let place = try Place()
    let rules = try makeView(place)
    try Program.run("replay", place.store, "--rules", rules, "--rebuild", "-q").expect(0)
    let home = "\(place.store)/views/shop"
    func generations() throws -> Set<String> {
      Set(try FileManager.default.contentsOfDirectory(atPath: home).filter { $0.hasPrefix("g") })
    }
    let inForce = try generations()
    #expect(inForce == ["g000002"])
    for name in ["g000001", "g000000.tmp", "g000003.tmp"] {
      try FileManager.default.copyItem(atPath: "\(home)/g000002", toPath: "\(home)/\(name)")
    }

    let again = try Program.run("replay", place.store)

    again.expect(0)
    #expect(again.output.contains("unchanged since"))
    #expect(try generations() == inForce)
  }

  @Test func `since when a view is in force is what the register says`() throws {
    let place = try Place()
    _ = try makeView(place)
    func instant(_ arguments: String..., key: String) throws -> String {
      let run = try Program.run([arguments[0], place.store] + arguments.dropFirst())
      let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
      let views = (object as? [String: Any])?["views"] ?? object
      return try #require((views as? [[String: Any]])?.last?[key] as? String, "\(run.output)")
    }
    let recorded = try instant("views", "--history", "--format", "json", key: "switched_at")

    #expect(try instant("views", "--format", "json", key: "switched_at") == recorded)
    #expect(try instant("status", "--format", "json", key: "switched_at") == recorded)
    let shown = try Program.run("show", place.store, "C-1", "--as-served", recorded)
    shown.expect(0)
    #expect(try Program.run("replay", place.store).output.contains("unchanged since \(recorded)"))
  }
}
