import Foundation
import Testing

/// docs/errors.md names every code that a command can print, and no other.
@Suite struct ErrorCodeTests {
  /// Codes that stand in the source as cases of an enum, by file and name of the enum.
  private static let enums = [
    ("EventStore/Log/EventStoreError.swift", "Code"),
    ("EventStore/Log/CheckpointFinding.swift", "Kind"),
    ("Projections/View/ViewStore.swift", "Code"),
    ("Projections/Forecast/Forecast.swift", "Kind"),
    ("Projections/Value/FitVerdict.swift", "Code"),
    ("CEL/Expression.swift", "Code"),
  ]
  /// Never printed as an error: an expression reads a name whose own definition has one; nothing is wrong.
  private static let unprinted: Set = ["cel-consequence", "ok"]

  private static func source(_ path: String) throws -> String {
    try String(
      contentsOf: Program.root.appendingPathComponent("Sources/\(path)"), encoding: .utf8)
  }

  private static func codesOfSource() throws -> Set<String> {
    var codes: Set<String> = []
    let files = try FileManager.default.subpathsOfDirectory(
      atPath: Program.root.appendingPathComponent("Sources").path)
    for file in files where file.hasSuffix(".swift") {
      let text = try source(file)
      // `code: "x"`, `code: isThat ? "x" : "y"`, `code = "x"`
      for found in text.matches(
        of: /\bcode(?:: | = )(?:[^\n"]*\? )?"([a-z0-9_-]+)"(?: : "([a-z0-9_-]+)")?/
          .wordBoundaryKind(.simple))
      {
        codes.insert(String(found.1))
        if let other = found.2 { codes.insert(String(other)) }
      }
      for found in text.matches(
        of: /\b(?:fault|warn|error|refuse|InputFault)\(\s*"([a-z0-9_-]+)",/.wordBoundaryKind(
          .simple))
      {
        codes.insert(String(found.1))
      }
    }
    for (file, name) in enums {
      let text = try source(file)
      let start = try #require(text.range(of: "enum \(name): String"))
      let body = text[start.upperBound...].prefix { $0 != "}" }
      for found in body.matches(of: /case (\w+)(?: = "([a-z0-9_-]+)")?/) {
        codes.insert(String(found.2 ?? found.1))
      }
    }
    return codes
  }

  @Test func `the page of errors names every code of the source, and no other`() throws {
    let page = try String(
      contentsOf: Program.root.appendingPathComponent("docs/errors.md"), encoding: .utf8)
    // Codes stand in the first cell of tables whose head begins with `code`.
    var named: [String] = []
    var isTable = false
    for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("| code |") { isTable = true }
      if !line.hasPrefix("|") { isTable = false }
      guard isTable else { continue }
      let cell = line.dropFirst().prefix { $0 != "|" }
      named += cell.matches(of: /`([a-z0-9_-]+)`/).map { String($0.1) }
    }

    let codes = try Self.codesOfSource().subtracting(Self.unprinted)

    #expect(codes.count > 100)
    #expect(codes.subtracting(named).sorted() == [])
    #expect(Set(named).subtracting(codes).sorted() == [])
  }
}
