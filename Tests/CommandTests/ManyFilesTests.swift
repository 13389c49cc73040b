import Foundation
import Testing

@testable import clm_replay

/// A nightly `import store *.ndjson` of thousands of small files ended with "Too many open files" under the 1,024 that a shell
/// allows by default, and took seconds to take its arguments apart.
@Suite struct ManyFilesTests {
  private static func limited(_ script: String) throws -> Program {
    try Program.run(["-c", "ulimit -n 100; " + script], executable: "/bin/sh")
  }

  private static func place(files count: Int) throws -> Place {
    let place = try Place()
    for number in 0..<count {
      let time = "2024-05-01T00:00:00Z"
      _ = try place.file(
        "\(1000 + number).ndjson", event(number, "purchase", time) + event(number, "", time))
    }
    return place
  }

  @Test
  func `more files than a process may have open are read in the order in which they were named`()
    throws
  {
    let place = try Self.place(files: 300)

    let run = try Self.limited(
      "exec '\(Program.path)' import '\(place.store)' '\(place.path)'/*.ndjson --max-rejects 50% --format json"
    )

    run.expect(0)
    let summary = try run.object()
    #expect(summary["appended"] as? Int == 300)
    #expect(summary["rejected"] as? Int == 300)
    let rejects = try String(contentsOfFile: "\(place.store)/rejects.ndjson", encoding: .utf8)
    let lines = rejects.split(separator: "\n")
    #expect(lines.count == 300)
    #expect(lines[299].contains("1299.ndjson"))
    let log = try Program.run("export", place.store, "--table", "events", "-o", "-")
    let ids = log.output.split(separator: "\n").map { line in
      (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["id"] as? String
    }
    #expect(ids == (0..<300).map { "e\($0)" })
  }

  @Test func `one of many that cannot be opened is named, and no store is made`() throws {
    let place = try Self.place(files: 200)
    try FileManager.default.removeItem(atPath: "\(place.path)/1150.ndjson")
    try FileManager.default.createSymbolicLink(
      atPath: "\(place.path)/1150.ndjson", withDestinationPath: "nowhere")

    let run = try Self.limited(
      "exec '\(Program.path)' import '\(place.store)' '\(place.path)'/*.ndjson")

    run.expect(2)
    #expect(run.errors.contains("1150.ndjson` cannot be opened"))
    #expect(!FileManager.default.fileExists(atPath: place.store))
  }

  @Test func `many arguments are one for the parser, and come back as they were`() {
    let files = (0..<500).map { "f\($0)" }
    let forms: [([String], Int)] = [
      (["import", "store"] + files, 4),
      (["import", "--csv", "a=b", "store"] + files + ["--rejects", "r"], 8),
      (["import", "store", "--", "-odd"] + files + ["-", "last"], 10),
      (["import", "store", "a", "b"], 4),
    ]
    for (arguments, count) in forms {
      let short = LongArguments.shortened(arguments)

      #expect(short.count == count)
      #expect(LongArguments.names(short, of: arguments) == arguments)
    }
    #expect(LongArguments.shortened(["check"] + files).count == 501)
  }
}
