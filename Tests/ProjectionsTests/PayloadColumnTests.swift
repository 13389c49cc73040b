import EventStore
import Foundation
import Testing

@testable import Projections

/// A replay casts payload columns, `history` and `explain` read lines: both have to say the same of every customer,
/// whatever stands in `data`.
@Suite struct PayloadColumnTests {
  private static let rules = """
    rules: 1
    model: { name: columns, version: 1 }
    currency: EUR
    exchange: { USD: "0.92", JPY: "0.0061" }
    events:
      buy:
        types: [buy]
        where: event.gift != false
        fields:
          amount: money
          total: { type: money, path: order.total, currency: order.currency }
          quantity: { type: int, default: 7 }
          weight: double
          code: string
          gift: { type: bool, default: true }
          due: timestamp
          third: { type: string, path: a.b.c }
          member: { type: string, path: /tags/x }
          quoted: { type: string, path: "/a~1b" }
          long: string
      see:
        types: [see]
        fields:
          deep: { type: int, path: a.b.c.d }
          listed: { type: int, path: /items/1/n }
          amount: { type: money, default: "1.00" }
    facts:
      spent: { sum: buy.amount }
      totals: { sum: buy.total }
      quantities: { sum: buy.quantity }
      weights: { sum: buy.weight }
      codes: { distinct: buy.code }
      last_code: { last: buy.code }
      first_due: { min: buy.due }
      deeps: { sum: see.deep }
      thirds: { distinct: buy.third }
      highest: { max: see.listed }
      seen: { sum: see.amount }
      members: { last: buy.member }
      quoted: { last: buy.quoted }
      long: { last: buy.long }
      buys: { count: buy }
    stages: [fresh, buyer]
    transitions:
      - { id: first, from: fresh, to: buyer, when: "buys >= 1" }
    """

  private struct Source {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }

    mutating func pick(_ texts: [String]) -> String { texts[next(texts.count)] }
  }

  private static let numbers = [
    "0", "12", "-3", "19.99", "19.990", "1e2", "-0", "-0.0", "0.001", "123456789012345678",
    "1234567890123456789012", "9999999999999999999", "-9999999999999999999", "99999999999.99999999",
    "9999999999.999999999", "9223372036854775807", "1.5e-3", "0.1234567891", "7.0", "null",
    "true", "false", "\"12\"", "\"19.90\"", "\"019\"", "\"1e2\"", "\" 1\"", "\"-5.00\"", "\"\"",
    "{}", "[1]",
    "\"a\"",
  ]
  private static let texts = [
    "\"x\"", "\"caf\\u00e9\"", "\"café\"", "\"cafe\\u0301\"", "\"12.50\"", "\"12.5\"", "\"\\\"\"",
    "\"\"",
    "\"2024-05-01T00:00:00Z\"", "\"2024-05-01T02:00:00.000001+02:00\"", "\"2024-13-01T00:00:00Z\"",
    "5", "null",
    "[\"x\"]", "{\"c\":\"z\"}", "true",
  ]

  private static func data(_ source: inout Source, _ number: Int, wide: Bool) -> String {
    var members: [String] = []
    func add(_ name: String, _ value: String) { members.append("\"\(name)\":\(value)") }
    if source.next(4) > 0 { add("amount", source.pick(numbers)) }
    if source.next(3) > 0 {
      add(
        "currency",
        source.pick(["\"EUR\"", "\"USD\"", "\"JPY\"", "\"CHF\"", "null", "3", "\"\\u0045UR\""]))
    }
    if source.next(2) > 0 {
      add(
        "order",
        "{\"total\": \(source.pick(numbers)) , \"currency\":\(source.pick(["\"EUR\"", "\"JPY\"", "null"]))}"
      )
    }
    if source.next(2) > 0 { add("quantity", source.pick(numbers)) }
    if source.next(2) > 0 { add("weight", source.pick(numbers)) }
    if source.next(2) > 0 {
      add("code", source.next(3) == 0 ? "\"c-\(number)\"" : source.pick(texts))
    }
    if source.next(4) == 0 { add("g\\u0069ft", source.pick(["true", "false", "null", "1"])) }
    if source.next(2) > 0 { add("due", source.pick(texts)) }
    switch source.next(5) {
    case 0: add("a", "{\"b\":{\"c\":{\"d\":\(source.pick(numbers))}}}")
    case 1: add("a", "{\"b\":{\"c\":\(source.pick(texts))}}")
    case 2: add("a", source.pick(texts))
    default: break
    }
    if source.next(3) == 0 { add("items", "[{\"n\":1},{\"n\":\(source.next(90))}]") }
    if source.next(3) == 0 {
      add("tags", source.pick(["{\"x\":\"y\"}", "[\"x\"]", "{\"x\":null}"]))
    }
    if source.next(3) == 0 { add("a/b", source.pick(texts)) }
    if source.next(3) == 0 {
      let length = source.pick(["10", "63", "64", "255", "256", "5000"])
      add("long", "\"" + String(repeating: "k", count: Int(length) ?? 0) + "\(source.next(3))\"")
    }
    if wide { add("w\(source.next(60))", "\(source.next(5))") }
    if source.next(200) == 0 { return source.pick(["{}", "{\"amount\":null}"]) }
    return "{" + members.joined(separator: ",") + "}"
  }

  @Test(arguments: [false, true]) func `columns and lines give the same facts`(wide: Bool) throws {
    var source = Source(state: wide ? 41 : 40)
    print("seed \(source.state)")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // One block is full and read by columns, the rest of the log by lines.
    var text = ""
    for number in 0..<18_000 {
      let second = source.next(86_400 * 300)
      let time = RFC3339.text(1_700_000_000_000_000 + Int64(second) * 1_000_000)
      let payload =
        source.next(300) == 0 ? "" : #","data":\#(Self.data(&source, number, wide: wide))"#
      text +=
        #"{"id":"\#(number)","source":"s","type":"\#(source.pick(["buy", "buy", "see"]))","subject":"c\#(source.next(60))","time":"\#(time)"\#(payload)}"#
        + "\n"
    }
    let file = folder.appendingPathComponent("in.ndjson").path
    let path = folder.appendingPathComponent("store").path
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let importer = Importer(store: path, options: ImportOptions())
    let summary = try importer.run([file], now: 1_800_000_000_000_000) { _ in }
    #expect(summary.rejected == 0)

    let store = try Store.open(at: path)
    #expect(try store.verify(threads: 2) { _ in }.problems.map(\.what) == [])
    let snapshot = try store.snapshot()
    let directory = try #require(try snapshot.directory(ofBlock: BlockNumber(0)))
    #expect(directory.isComplete == !wide)
    let loaded = RulesLoader.load(bytes: Array(Self.rules.utf8), file: "columns.yaml")
    let rules = try #require(loaded.rules, "\(loaded.diagnostics)")
    let compiled = try CompiledRules(rules)
    let view = LogView(
      snapshot: snapshot, size: snapshot.size, asOf: try #require(snapshot.latestOccurred))
    let builder = ViewBuilder(
      storePath: path, name: "columns", compiled, view: view, engine: "test", threads: 2)
    _ = try builder.publish(try builder.build { _ in }, switchedAt: 0, summary: { _ in [] }) { _ in
    }
    var customers = 0
    try ViewReader.open(path, named: nil).forEachCustomer { customer in
      customers += 1
      let lines = try CustomerLookup.lines(of: [customer.record.name], view: view)
      let record = Explainer(
        compiled, customer: customer.record.name, lines: lines, asOf: view.asOf
      ).record()
      #expect(record?.rows == customer.record.rows)
      #expect("\(record?.current?.facts ?? [])" == "\(customer.record.current?.facts ?? [])")
    }
    #expect(customers == 60)
  }
}
