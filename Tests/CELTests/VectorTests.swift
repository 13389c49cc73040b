import CEL
import Foundation
import Testing

/// The conformance cases of cel-spec that stage rules need (tier 1), through the filter of `eval`.
struct VectorTests {
  static func vectors() throws -> [(name: String, line: String, expected: [String: Any])] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("fixtures/vectors/cel.jsonl")
    let text = try String(contentsOf: file, encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      let object = try #require(try Self.object(String(line)))
      let expected = try #require(object["expected"] as? [String: Any])
      let name = "\(object["section"] ?? "")/\(object["name"] ?? ""): \(object["expr"] ?? "")"
      return (name, String(line), expected)
    }
  }

  static func object(_ line: String) throws -> [String: Any]? {
    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
  }

  /// The value in a form that is equal for equal values: doubles by their bits, maps sorted.
  static func canonical(_ value: [String: Any]) -> String {
    let type = value["type"] as? String ?? "?"
    switch type {
    case "double":
      let text = value["value"] as? String ?? "?"
      guard let number = Double(text) else { return "double \(text)" }
      return "double \(number.isNaN ? "NaN" : String(number.bitPattern, radix: 16))"
    case "list":
      let elements = value["value"] as? [[String: Any]] ?? []
      return "list [" + elements.map(canonical).joined(separator: ", ") + "]"
    case "map":
      let pairs = value["value"] as? [[[String: Any]]] ?? []
      let entries = pairs.map { $0.map(canonical).joined(separator: ": ") }
      return "map {" + entries.sorted().joined(separator: ", ") + "}"
    case "timestamp", "duration":
      return "\(type) \(value["seconds"] ?? "0") \(value["nanos"] ?? 0)"
    default:
      return "\(type) \(value["value"] ?? "")"
    }
  }

  @Test func `all conformance cases of the first tier pass`() throws {
    let vectors = try Self.vectors()
    var failures: [String] = []

    for vector in vectors {
      let (output, ok) = EvalFilter.answer(line: vector.line)
      let answer = try #require(try Self.object(output))
      let isError = vector.expected["type"] as? String == "error"
      var passes = ok && isError && answer["error"] != nil
      if !isError, let value = answer["value"] as? [String: Any] {
        passes = ok && Self.canonical(value) == Self.canonical(vector.expected)
      }
      if !passes { failures.append("\(vector.name) gives \(output)") }
    }

    #expect(vectors.count == 614)
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }
}
