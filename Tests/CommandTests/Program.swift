import Foundation
import Testing

/// Runs the program as a user would, and gives what it said.
struct Program {
  var status: Int32
  var output: String
  var errors: String

  /// Beside the tests in the build directory.
  static let path: String = {
    let tests = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let beside = tests.appendingPathComponent("clm-replay").path
    if FileManager.default.isExecutableFile(atPath: beside) { return beside }
    return root.appendingPathComponent(".build/debug/clm-replay").path
  }()

  /// The root of the repository.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static func fixture(_ name: String) -> String {
    root.appendingPathComponent("fixtures/\(name)").path
  }

  @discardableResult
  static func run(_ arguments: String..., input: String? = nil) throws -> Program {
    try run(arguments, input: input)
  }

  /// - Parameter executable: another program; this one unless given.
  static func run(
    _ arguments: [String], input: String? = nil, executable: String = path
  ) throws -> Program {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = root
    // Files, not pipes: nothing can fill up and block.
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: place) }
    func file(_ name: String, _ content: String = "") throws -> URL {
      let url = place.appendingPathComponent(name)
      try content.write(to: url, atomically: false, encoding: .utf8)
      return url
    }
    let output = try file("out")
    let errors = try file("err")
    process.standardInput = try FileHandle(forReadingFrom: try file("in", input ?? ""))
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    return Program(
      status: process.terminationStatus,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
  }
}

extension Program {
  /// Holds the exit status against the one that is right.
  func expect(_ status: Int32, _ location: SourceLocation = #_sourceLocation) {
    if self.status != status {
      Issue.record("ended with \(self.status), not \(status): \(errors)", sourceLocation: location)
    }
  }

  /// The JSON object that it printed.
  func object(_ location: SourceLocation = #_sourceLocation) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any],
      "\(output) \(errors)", sourceLocation: location)
  }

  /// Starts the program and does not wait for it.
  static func start(_ arguments: String..., input: Pipe) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }
}

/// A directory that goes with the test.
final class Place: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String, _ content: String) throws -> String {
    try file(name, Data(content.utf8))
  }

  func file(_ name: String, _ content: Data) throws -> String {
    let file = "\(path)/\(name)"
    try content.write(to: URL(fileURLWithPath: file))
    return file
  }

  var store: String { "\(path)/store" }
}

/// An event line.
func event(
  _ id: Int, _ type: String, _ time: String, subject: String = "C-1", data: String? = nil
) -> String {
  let tail = data.map { ",\"data\":\($0)" } ?? ""
  return
    "{\"specversion\":\"1.0\",\"id\":\"e\(id)\",\"source\":\"shop\",\"type\":\"\(type)\",\"subject\":\"\(subject)\",\"time\":\"\(time)\"\(tail)}\n"
}

/// Rules of who bought, and what came back: tests add what they are about.
enum BuyerRules {
  static func head(_ model: String) -> String {
    """
    rules: 1
    model: { name: \(model), version: 1 }
    currency: EUR
    events:
      buy:  { types: [purchase], fields: { amount: money } }
      back: { types: [refund], fields: { amount: money } }
    facts:
      buys: { count: buy }
    stages: [new, buyer]
    transitions:
      - { id: buy, from: new, to: buyer, when: "buys >= 1" }

    """
  }
}
