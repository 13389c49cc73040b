import Foundation
import Testing

@testable import CEL

@Suite struct PageTests {
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
