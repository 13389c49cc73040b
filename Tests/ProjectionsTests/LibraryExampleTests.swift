import EventStore
import Foundation
import Projections
import Testing

/// The example of Projections.docc, which shows what stands between the two lines.
@Suite struct LibraryExampleTests {
  // example: begin
  func replay(_ store: String, under source: [UInt8], now: Int64) throws -> [String: String] {
    let loaded = RulesLoader.load(bytes: source, file: "shop.yaml")
    guard let rules = loaded.rules else { return [:] }  // loaded.diagnostics say why
    let compiled = try CompiledRules(rules)
    let register = try RegisterWriter.open(at: store)
    let log = try register.store.snapshot()
    let view = LogView(snapshot: log, size: log.size, asOf: log.latestOccurred ?? now)

    let builder = ViewBuilder(
      storePath: store, name: "shop", compiled, view: view, engine: "example 1.0", threads: 2)
    let built = try builder.build { _ in }
    let manifest = try builder.publish(built, switchedAt: now, summary: { _ in [] }) {
      try register.register($0, waitSeconds: 10)  // which rules were in force when
    }
    print("output root \(manifest.outputRoot)")

    var stages: [String: String] = [:]
    try ViewReader.open(store, named: "shop").forEachCustomer { customer in
      stages[customer.record.name] = customer.record.current?.stage ?? "parked"
    }
    return stages
  }

  func why(_ customer: String, row: Int, _ compiled: CompiledRules, _ view: LogView) throws
    -> Explanation?
  {
    let subjects = try CustomerLookup.subjects(of: customer, view: view, compiled: compiled)
    let lines = try CustomerLookup.lines(of: subjects ?? [], view: view)
    return Explainer(compiled, customer: customer, lines: lines, asOf: view.asOf)
      .explain(row: row)
  }
  // example: end

  @Test func `the example of the library's page does what it says`() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let log = try EventLog.open(at: folder.path, creating: true)
    let bought: Int64 = 1_714_322_700_000_000
    for number in 0..<2 {
      let purchase = NewEvent(
        id: "o-\(number)", source: "shop", type: "purchase", subject: "C-1",
        time: bought + Int64(number), data: nil)
      _ = try await log.append(purchase)
    }
    log.close()
    let rules = """
      rules: 1
      model: { name: shop, version: 1 }
      currency: EUR
      events: { purchase: { types: [purchase] } }
      facts: { purchases: { count: purchase } }
      stages: [new, loyal]
      transitions: [ { id: loyal, from: new, to: loyal, when: "purchases >= 2" } ]
      """

    let stages = try replay(folder.path, under: Array(rules.utf8), now: bought + 60_000_000)

    #expect(stages == ["C-1": "loyal"])
    let compiled = try CompiledRules(
      try #require(RulesLoader.load(bytes: Array(rules.utf8), file: "shop.yaml").rules))
    let snapshot = try Store.open(at: folder.path).snapshot()
    let view = LogView(snapshot: snapshot, size: snapshot.size, asOf: bought + 1)
    let explanation = try #require(try why("C-1", row: 1, compiled, view))
    #expect(explanation.rule?.text == "purchases >= 2")
    #expect(explanation.facts.first?.events.count == 2)
  }

  /// Examples of a library's page stand in a test, between `example: begin` and `example: end`.
  @Test(
    arguments: [
      ("CEL", "Tests/CELTests/PageTests.swift", "example"),
      ("EventStore", "Tests/EventStoreTests/EventLogTests.swift", "readme"),
      ("Projections", "Tests/ProjectionsTests/LibraryExampleTests.swift", "example"),
    ])
  func `the page of a library shows the example that is tested`(
    library: String, test: String, mark: String
  ) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    func text(_ path: String) throws -> String {
      try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
    let source = try text(test)
    let start = try #require(source.range(of: "  // \(mark): begin\n"))
    let end = try #require(source.range(of: "  // \(mark): end\n"))
    let example = source[start.upperBound..<end.lowerBound]
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("  ") ? String($0.dropFirst(2)) : String($0) }
      .joined(separator: "\n")

    let page = try text("Sources/\(library)/\(library).docc/\(library).md")

    #expect(page.contains("```swift\n\(example)```"), "\(library).docc shows another example")
  }
}
