import Foundation
import Testing

@testable import CEL

@Suite struct PageTests {
  // CEL.docc shows what stands between the two lines.
  // example: begin
  func isLoyal(purchases: Int64?) throws -> Bool {
    let environment = Environment(variables: ["purchases": .int])
    let condition = try environment.check("purchases >= 4")
    let value = condition.evaluate { _ in purchases.map { .success(.int($0)) } }
    if case .success(.bool(let holds)) = value { return holds }
    return false  // an error, here: no value
  }
  // example: end

  @Test func `the example of the library's page does what it says`() throws {
    #expect(try isLoyal(purchases: 4))
    #expect(try !isLoyal(purchases: 3))
    #expect(try !isLoyal(purchases: nil))
  }

  @Test func `docs/cel.md names every function, and every one that is left out`() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appendingPathComponent("docs/cel.md"), encoding: .utf8)
    let sections = page.components(separatedBy: "\n## ")
    func names(_ title: String) throws -> Set<String> {
      let section = try #require(sections.first { $0.hasPrefix(title) })
      return Set(section.matches(of: /`([A-Za-z_.]+)(?:\(.*?\))?`/).map { String($0.1) })
    }

    let tables = [Library.standard, Library.money, Library.lifecycle]
    let functions = Set(tables.flatMap(\.keys)).union(Library.variadic)
      .filter { Checker.sign($0) == nil }

    #expect(try functions.subtracting(names("Functions")).sorted() == [])
    #expect(
      try names("Functions").subtracting(functions)
        .subtracting(["stage.entered_at", "now.getHours", "now", "time-unschedulable"]).sorted()
        == [])
    #expect(
      try Set(Library.unsupported.keys).subtracting(names("What is left out")).sorted() == [])
  }
}
