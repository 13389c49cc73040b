import Foundation
import Testing

/// The store that the first release of format 1 wrote, and stores of formats to come.
@Suite struct FrozenStoreTests {
  private let fixture = Program.fixture("store-v1")

  private func open(_ place: Place) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/tar")
    process.arguments = ["-xzf", "\(fixture)/store.tar.gz", "-C", place.path]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return place.store
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(fixture)/\(name)", encoding: .utf8)
  }

  @Test func `it opens, verifies against its checkpoints, and its register is what it was`() throws
  {
    let place = try Place()
    let store = try open(place)
    let status = try Program.run("status", store, "--format", "json")
    status.expect(0)
    let expected = try text("status.json")
    // The views are gone; size, root and register are not.
    #expect(status.output.prefix(while: { $0 != "[" }) == expected.prefix(while: { $0 != "[" }))
    try Program.run(
      "verify", store, "--against", "\(fixture)/checkpoint-1", "--against",
      "\(fixture)/checkpoint-2", "--key", "\(fixture)/key.pub"
    ).expect(0)
    #expect(
      try Program.run("views", store, "--history", "--format", "csv").output == text("history.csv"))
    try Program.run("prove", store, "16384").expect(0)
    try Program.run("prove", store, "--consistency", "\(fixture)/checkpoint-1").expect(0)
  }

  @Test func `it replays to the rows that came out then`() throws {
    let place = try Place()
    let store = try open(place)
    let history = try text("history.csv").split(separator: "\n").map { $0.split(separator: ",") }
    // Under the rules of then, as the register holds them.
    let rules = try Program.run("views", store, "--rules", String(history[2][5]))
    rules.expect(0)
    let replay = try Program.run(
      "replay", store, "--rules", try place.file("rules.yaml", rules.output), "--format", "json")
    replay.expect(0)
    #expect(replay.output.contains("\"output_root\":\"\(history[2][10])\""))
    let packed = Process()
    packed.executableURL = URL(fileURLWithPath: "/bin/gzip")
    packed.arguments = ["-dc", "\(fixture)/customers.csv.gz"]
    let output = Pipe()
    packed.standardOutput = output
    try packed.run()
    let customers = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(customers.split(separator: "\n").count > 1000)
    #expect(try Program.run("export", store, "--table", "customers", "-o", "-").output == customers)
    let earlier = try Program.run("views", store, "--rules", String(history[1][5]))
    #expect(earlier.output.hasPrefix("# A retail lifecycle"))
  }

  @Test func `it goes on: imports, finds its duplicates, is backed up`() throws {
    let place = try Place()
    let store = try open(place)
    let more = try place.file(
      "more", event(1, "purchase", "2024-12-31T00:00:00Z", subject: "C-000001"))
    let first = try Program.run("import", store, more, "--format", "json")
    first.expect(0)
    #expect(first.output.contains("\"appended\":1,"))
    let again = try Program.run("import", store, more, "--format", "json")
    #expect(again.output.contains("\"appended\":0,\"duplicates\":1,"))
    try Program.run("backup", store, "\(place.path)/copy").expect(0)
    try Program.run(
      "verify", "\(place.path)/copy", "--against", "\(fixture)/checkpoint-2", "--key",
      "\(fixture)/key.pub"
    ).expect(0)
  }

  @Test(arguments: [
    ("format 1", "format 2"), ("incompatible 0", "incompatible 4"),
    ("read-compatible 0", "read-compatible 1"),
  ])
  func `a newer format is refused with what to do`(_ old: String, _ new: String) throws {
    let place = try Place()
    let store = try open(place)
    let file = "\(store)/format"
    let content = try String(contentsOfFile: file, encoding: .utf8)
    // `incompatible 0` ends other lines, too.
    let lines = content.split(separator: "\n").map { $0 == old ? new : String($0) }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: file, atomically: true, encoding: .utf8)
    for command in ["status", "verify"] {
      let run = try Program.run(command, store)
      run.expect(2)
      #expect(run.errors.contains("error[store-format]"))
      #expect(run.errors.contains("later"))
    }
    let compatible = content.replacing("\ncompatible 0", with: "\ncompatible 8")
    try compatible.write(toFile: file, atomically: true, encoding: .utf8)
    try Program.run("status", store).expect(0)
  }
}
