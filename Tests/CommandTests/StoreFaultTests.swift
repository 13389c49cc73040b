import Foundation
import Testing

@Suite struct StoreFaultTests {
  private func store(_ place: Place) throws {
    let file = try place.file(
      "a.ndjson", (0..<500).map { event($0, "x", "2024-01-01T00:00:00Z") }.joined())
    try Program.run("import", place.store, file)
  }

  private func data(_ place: Place) -> String { "\(place.store)/log/g1/data.mdb" }

  @Test(arguments: [
    ["status"], ["verify"], ["views"], ["show", "C-1"],
    ["export", "--table", "customers", "-o", "-"],
  ])
  func `a missing store is named`(arguments: [String]) throws {
    let place = try Place()
    var all = arguments
    all.insert(place.store, at: 1)

    let done = try Program.run(all)

    #expect(done.status == 2)
    #expect(done.errors.hasPrefix("error[store-missing]: there is no store at `\(place.store)`"))
  }

  @Test func `an empty, a foreign and a shortened file are refused before they are mapped`() throws
  {
    let place = try Place()
    try store(place)
    let whole = try Data(contentsOf: URL(fileURLWithPath: data(place)))

    for (bytes, code) in [
      (Data(), "store-truncated"), (Data(repeating: 7, count: 100_000), "store-foreign"),
      (whole.prefix(whole.count / 2), "store-truncated"), (whole.prefix(50), "store-truncated"),
    ] {
      try bytes.write(to: URL(fileURLWithPath: data(place)))
      for command in ["status", "verify"] {
        let done = try Program.run(command, place.store)
        #expect(done.status == 2)
        #expect(done.errors.hasPrefix("error[\(code)]"), "\(done.errors)")
      }
      let file = try place.file("b.ndjson", event(1000, "x", "2024-01-01T00:00:00Z"))
      #expect(try Program.run("import", place.store, file).status == 2)
    }
  }

  @Test func `an older copy of the log is found out`() throws {
    let place = try Place()
    try store(place)
    let old = try Data(contentsOf: URL(fileURLWithPath: data(place)))
    let file = try place.file("b.ndjson", event(1000, "x", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, file)

    try old.write(to: URL(fileURLWithPath: data(place)))
    let done = try Program.run("status", place.store)

    #expect(done.status == 2)
    #expect(done.errors.contains("acknowledged events are missing"))
  }

  @Test func `a changed byte of an event is found by verify, with its position`() throws {
    let place = try Place()
    try store(place)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: data(place)))
    let place_ = try #require(bytes.range(of: Data("\"id\":\"e123\"".utf8)))
    bytes[place_.lowerBound + 8] ^= 1
    try bytes.write(to: URL(fileURLWithPath: data(place)))

    let done = try Program.run("verify", place.store, "--format", "json")

    #expect(done.status == 1)
    #expect(done.output.contains("\"ok\":false"))
    // That event, and no other.
    #expect(
      done.output.contains(
        "\"problems\":[{\"position\":123,\"what\":\"the event's checksum does not hold\"}]"))
    #expect(done.errors.contains("error[damaged]"))
  }

  /// A chunk of 100 events: their slots of 45 bytes, then their lines. Damage to one event names that one, wherever it is.
  @Test(arguments: [
    ("line", 3), ("length", 1), ("sequence", 5), ("salt", 25), ("sum", 41),
  ])
  func `a damaged event is named, and no other`(_ part: String, _ offset: Int) throws {
    let place = try Place()
    let lines = (0..<100).map { event($0, "x", "2024-01-01T00:00:00Z") }
    try Program.run("import", place.store, try place.file("a", lines.joined())).expect(0)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: data(place)))
    let first = try #require(bytes.range(of: Data(lines[0].utf8))).lowerBound
    let line = first + lines[..<42].reduce(0) { $0 + $1.utf8.count }
    bytes[part == "line" ? line + offset : first - (100 - 42) * 45 + offset] ^= 0x11
    try bytes.write(to: URL(fileURLWithPath: data(place)))

    let run = try Program.run("verify", place.store, "--format", "json")

    run.expect(1)
    #expect(
      run.output.contains(
        "\"problems\":[{\"position\":42,\"what\":\"the event's checksum does not hold\"}]"),
      "\(part): \(run.output)")
  }

  @Test func `an empty store verifies`() throws {
    let place = try Place()
    let file = try place.file("a.ndjson", "\n")

    #expect(try Program.run("import", place.store, file).status == 0)
    #expect(try Program.run("verify", place.store).status == 0)
    #expect(try Program.run("status", place.store).status == 0)
  }

  @Test func `a second writer waits, names the holder and ends with 75`() throws {
    let place = try Place()
    try store(place)
    let fifo = "\(place.path)/pipe"
    // Safe because the path lives through the call.
    let isMade = unsafe mkfifo(fifo, 0o600) == 0
    #expect(isMade)
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: Program.path)
    holder.arguments = ["import", place.store, fifo, "-q"]
    try holder.run()
    // The first line lets the holder open its input; the writer's lock follows.
    let pipe = try #require(FileHandle(forWritingAtPath: fifo))
    pipe.write(Data(event(2000, "x", "2024-01-01T00:00:00Z").utf8))
    let file = try place.file("b.ndjson", event(1000, "x", "2024-01-01T00:00:00Z"))
    // Reading goes on meanwhile.
    #expect(try Program.run("status", place.store).status == 0)
    try pipe.close()
    holder.waitUntilExit()
    #expect(holder.terminationStatus == 0)

    // Safe because the path lives through the call.
    let lock = unsafe open("\(place.store)/lock", O_RDWR)
    #expect(flock(lock, LOCK_EX) == 0)
    let done = try Program.run("import", place.store, file, "--wait", "0s")
    close(lock)

    #expect(done.status == 75)
    #expect(done.errors.hasPrefix("error[store-busy]"))
    #expect(done.errors.contains("pid "))
  }

  /// It was called a full disk.
  @Test func `a store that cannot be made for want of address space says that`() throws {
    let place = try Place()
    let file = try place.file("a.ndjson", event(0, "x", "2024-01-01T00:00:00Z"))
    let run = try Program.run(
      ["-c", "ulimit -v 250000; exec '\(Program.path)' import '\(place.store)' '\(file)'"],
      executable: "/bin/bash")
    run.expect(2)
    #expect(run.errors.contains("error[address-space]") && run.errors.contains("ulimit"))
    #expect(!FileManager.default.fileExists(atPath: place.store))
  }
}
