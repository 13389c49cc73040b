import Foundation
import Testing

@Suite struct GenerateTests {
  private func lines(_ arguments: String...) throws -> [String] {
    let done = try Program.run(["generate", "-q"] + arguments)
    #expect(done.status == 0, "\(done.errors)")
    return done.output.split(separator: "\n").map(String.init)
  }

  /// When the events of the lines happened, as written.
  private func times(_ lines: [String]) -> [String] {
    lines.compactMap { line in
      let key = line.range(of: "\"time\":\"")
      return key.map { String(line[$0.upperBound...].prefix(20)) }
    }
  }

  /// What a line says of its customer: all but the number in the export.
  private func deeds(_ lines: [String], of customer: String) -> Set<String> {
    Set(
      lines.filter { $0.contains("-\(customer)\"") }.map {
        String($0[($0.range(of: ",\"source\"")?.lowerBound ?? $0.startIndex)...])
      })
  }

  @Test func `the fixture is what its command makes`() throws {
    let made = try lines("--customers", "500", "--seed", "1").joined(separator: "\n") + "\n"

    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gzip", "-dc", Program.fixture("shop.ndjson.gz")]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let fixture = try #require(try pipe.fileHandleForReading.readToEnd())
    process.waitUntilExit()

    #expect(Data(made.utf8) == fixture)
  }

  @Test func `a customer does the same in a larger shop, and something else under the next seed`()
    throws
  {
    let small = try lines("--customers", "20", "--seed", "5")
    let large = try lines("--customers", "60", "--seed", "5")
    let other = try lines("--customers", "60", "--seed", "6")

    #expect(deeds(small, of: "000011") == deeds(large, of: "000011"))
    #expect(!deeds(large, of: "000011").isEmpty)
    // Nor is the next seed the same shop with other numbers.
    #expect(Set(times(large)).intersection(times(other)).count < large.count / 20)
  }

  @Test(arguments: [0, 1, 777, 5000])
  func `as many events as are asked for`(count: Int) throws {
    #expect(try lines("--events", "\(count)").count == count)
  }

  @Test func `too few customers for so many events are an error`() throws {
    let done = try Program.run("generate", "--customers", "2", "--events", "100000")

    #expect(done.status == 2)
    #expect(done.errors.hasPrefix("error[too-few]: "))
    #expect(done.output.isEmpty)
  }

  @Test func `some events come late, and all of them within the days`() throws {
    let all = try lines("--customers", "200", "--start", "2020-02-28", "--days", "30")
    let times = times(all)

    #expect(times.count == all.count)
    #expect(times != times.sorted())
    #expect(times.min() ?? "" >= "2020-02-28T00:00:00Z")
    #expect(times.max() ?? "" < "2020-03-29T00:00:00Z")
  }

  @Test func `import takes every line, and no rules of the fixtures park anybody`() throws {
    let place = try Place()
    let file = "\(place.path)/shop.ndjson"
    try Program.run("generate", "--customers", "150", "--seed", "2", "-o", file)
    let imported = try Program.run("import", place.store, file, "--format", "json")
    #expect(imported.status == 0, "\(imported.errors)")
    #expect(imported.output.contains("\"rejected\":0"))

    let folder = URL(fileURLWithPath: Program.fixture("rules"))
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(files.count >= 10)
    for name in files where name.hasSuffix(".yaml") {
      let done = try Program.run(
        "replay", place.store, "--rules", folder.appendingPathComponent(name).path, "--format",
        "json")
      #expect(done.status == 0, "\(name): \(done.errors)")
      #expect(done.output.contains("\"faults\":[]"), "\(name)")
    }
  }

  @Test(arguments: [
    ["--customers", "0"], ["--events", "-1"], ["--days", "0"], ["--start", "yesterday"],
    ["--start", "9999-12-01", "--days", "60"],
  ])
  func `options out of their range are wrong usage`(arguments: [String]) throws {
    let done = try Program.run(["generate"] + arguments)

    #expect(done.status == 64, "\(done.errors)")
    #expect(done.errors.hasPrefix("error[usage]: "))
  }

  @Test func `a mistyped command or option is told what it meant`() throws {
    let command = try Program.run("statsu", "store")
    let option = try Program.run("replay", "store", "--as-off", "now")

    #expect(
      command.errors.hasPrefix(
        "error[usage]: there is no command `statsu`\n   = help: did you mean `status`?\n"))
    #expect(option.errors.contains("   = help: did you mean `--as-of`?\n"), "\(option.errors)")
  }
}
