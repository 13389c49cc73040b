import Foundation
import Testing

/// An import that reads a pipe, which the test fills.
private final class StreamedImport {
  let process = Process()
  private let input = Pipe()
  private let output: String
  private let errors: String

  init(_ place: Place, _ arguments: [String], throughShell prefix: String? = nil) throws {
    let name = UUID().uuidString
    output = try place.file("\(name).out", "")
    errors = try place.file("\(name).err", "")
    let all = ["import", place.store] + arguments + ["--acks"]
    process.executableURL = URL(fileURLWithPath: prefix == nil ? Program.path : "/bin/sh")
    process.arguments =
      prefix.map { ["-c", "\($0); exec \"$0\" \"$@\"", Program.path] + all } ?? all
    process.standardInput = input
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  func write(_ text: String) { input.fileHandleForWriting.write(Data(text.utf8)) }

  func close() throws { try input.fileHandleForWriting.close() }

  var acks: [String] { text(output).split(separator: "\n").map(String.init) }

  func waitForAck(_ size: Int) throws { try wait { acks.contains("{\"size\":\(size)}") } }

  /// Until it has taken all bytes out of the pipe.
  func waitUntilRead() throws {
    try wait {
      var count: CInt = -1
      let file = input.fileHandleForWriting.fileDescriptor
      return unsafe ioctl(file, UInt(FIONREAD), &count) == 0 && count == 0
    }
  }

  /// Until it takes signals in its own way, and waits: for input, or for another writer.
  func waitUntilListening() throws {
    let status = "/proc/\(process.processIdentifier)/status"
    try wait {
      let blocked = text(status).split(separator: "\n").first { $0.hasPrefix("SigBlk:") }
      let mask = blocked.flatMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) } ?? 0
      return mask & 1 << UInt64(SIGTERM - 1) != 0
    }
    Thread.sleep(forTimeInterval: 0.3)
  }

  func signal(_ number: CInt) { kill(process.processIdentifier, number) }

  /// Its exit status, less 1000 where a signal ended it, and what it said.
  func end() throws -> (status: Int32, errors: String) {
    try wait { !process.isRunning }
    let bySignal = process.terminationReason == .uncaughtSignal
    return (process.terminationStatus - (bySignal ? 1000 : 0), text(errors))
  }

  private func text(_ file: String) -> String {
    String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
  }

  private func wait(_ condition: () -> Bool) throws {
    for _ in 0..<3000 where !condition() { Thread.sleep(forTimeInterval: 0.01) }
    try #require(condition(), "\(text(output)) \(text(errors))")
  }
}

@Suite struct StreamTests {
  private func line(_ id: Int) -> String { event(id, "purchase", "2024-01-01T00:00:00Z") }

  private func lines(_ ids: Range<Int>) -> String { ids.map(line).joined() }

  private func size(_ store: String) throws -> Int? {
    try Program.run("verify", store, "--format", "json").object()["size"] as? Int
  }

  @Test(arguments: ["events", "rows"])
  func `what a stream gave is committed while it goes on`(kind: String) throws {
    let place = try Place()
    let isRows = kind == "rows"
    let csv = ["--csv", "subject=who,time=on,type:=purchase"]
    let stream = try StreamedImport(place, ["-"] + (isRows ? csv : []))
    stream.write(isRows ? "who,on\nC-1,2024-01-01\n" : line(1))
    try stream.waitForAck(1)
    stream.write(isRows ? "C-2,2024-01-02\nC-3,2024-01-" : line(2) + "{\"id\":")
    try stream.waitForAck(2)
    stream.write(isRows ? "03\n" : line(3).replacing("{\"specversion\":\"1.0\",\"id\":", with: ""))
    try stream.close()

    #expect(try stream.end().status == 0)
    #expect(stream.acks == ["{\"size\":1}", "{\"size\":2}", "{\"size\":3}"])
  }

  @Test func `--commit-every says how long an event of a stream may wait`() throws {
    let place = try Place()
    let patient = try StreamedImport(place, ["-", "--commit-every", "1h"])
    patient.write(line(1))
    try patient.waitUntilRead()
    Thread.sleep(forTimeInterval: 1.5)
    #expect(patient.acks.isEmpty)
    try patient.close()
    #expect(try patient.end().status == 0)
    #expect(patient.acks == ["{\"size\":1}"])

    let wrong = try Program.run("import", place.store, "-", "--commit-every", "soon")
    wrong.expect(64)
    #expect(wrong.errors.contains("--commit-every takes a length such as 30s"))
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a signal ends a stream with what it has taken, and lines that were cut are not taken`(
    signal: CInt
  ) throws {
    let place = try Place()
    let name = signal == SIGINT ? "SIGINT" : "SIGTERM"
    let stream = try StreamedImport(place, ["-", "--commit-every", "1h"])
    // The next line is cut, and would be one if it had its end.
    stream.write(lines(0..<5) + "no event\n" + line(5).dropLast())
    try stream.waitUntilRead()
    stream.signal(signal)

    let (status, errors) = try stream.end()
    #expect(status == 1)
    #expect(errors.contains("stopped by \(name): 6 lines taken"))
    #expect(errors.contains("appended 5 events, 1 rejected"))
    #expect(stream.acks == ["{\"size\":5}"])
    #expect(try size(place.store) == 5)

    let next = try StreamedImport(place, ["-", "--max-rejects", "1", "--format", "json"])
    next.write(lines(4..<8))
    try next.waitForAck(8)
    next.signal(signal)
    #expect(try next.end().status == 0)
    let summary = try #require(next.acks.last)
    #expect(summary.contains("\"appended\":3,\"duplicates\":1,\"rejected\":0"))
    #expect(summary.contains("\"lines\":4,\"size\":8,"))
    #expect(summary.contains("\"stopped\":\"\(name)\""))
  }

  @Test func `a signal before anything came leaves an empty store, as an empty stream does`()
    throws
  {
    let place = try Place()
    let stream = try StreamedImport(place, ["-"])
    try stream.waitUntilListening()
    stream.signal(SIGTERM)

    let (status, errors) = try stream.end()
    #expect(status == 0)
    #expect(errors.contains("stopped by SIGTERM: 0 lines taken"))
    #expect(try size(place.store) == 0)
  }

  @Test func `a file that was not read to its end is said, whatever was taken`() throws {
    let place = try Place()
    let file = try place.file("more.ndjson", lines(10..<20))
    let stream = try StreamedImport(place, ["-", file])
    stream.write(lines(0..<3))
    try stream.waitUntilRead()
    stream.signal(SIGTERM)

    let (status, errors) = try stream.end()
    #expect(status == 2)
    #expect(errors.contains("error[stopped]: stopped by SIGTERM before the end of `\(file)`"))
    #expect(try size(place.store) == 3)
  }

  @Test func `a signal ends who waits for another writer, and one that is ignored ends nobody`()
    throws
  {
    let place = try Place()
    let first = try StreamedImport(place, ["-"], throughShell: "trap '' INT")
    first.write(line(1))
    try first.waitForAck(1)
    let waiting = try StreamedImport(place, ["-", "--wait", "10m"])
    try waiting.waitUntilListening()
    waiting.signal(SIGINT)
    let (status, errors) = try waiting.end()
    #expect(status == 2)
    #expect(errors.contains("error[stopped]: stopped while the store"))

    first.signal(SIGINT)
    first.write(line(2))
    try first.waitForAck(2)
    try first.close()
    #expect(try first.end().status == 0)
  }
}
