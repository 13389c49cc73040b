import Foundation
import Testing

/// A name that was misspelt ends with an error that says which one was probably meant. `metrics --by purchase.chanel` put
/// everybody into one part without a name, and ended with 0.
@Suite struct TypoTests {
  private static let rules = """
    rules: 1
    model: { name: retail, version: 1 }
    currency: EUR
    events:
      purchase: { types: [purchase], fields: { channel: string } }
    facts:
      purchases: { count: purchase }
    stages: [reach, conversion]
    transitions:
      - { id: buy, from: reach, to: conversion, when: "purchases >= 1" }
    """

  private func store() throws -> Place {
    let place = try Place()
    var lines = ""
    for number in 1...30 {
      lines += event(
        number, "purchase", "2024-05-01T00:00:00Z", subject: "C-\(1000 + number)",
        data: "{\"channel\":\"app\",\"shop\":\"\(number % 3)x\"}")
    }
    try Program.run("import", place.store, place.file("events.ndjson", lines)).expect(0)
    try Program.run("replay", place.store, "--rules", place.file("retail.yaml", Self.rules))
      .expect(0)
    return place
  }

  @Test func `who or what was meant is said`() throws {
    let place = try store()
    let cases: [(arguments: [String], meant: String)] = [
      (["show", "C-10300"], "did you mean `C-1030`?"),
      (["explain", "c-1007"], "did you mean `C-1007`?"),
      (["history", "D-1007"], "did you mean `C-1007`?"),
      (["show", "C-1007", "--view", "retial"], "did you mean `retail`? views are retail"),
      (["views", "--drop", "retial"], "did you mean `retail`? views are retail"),
      (["explain", "C-1007", "--to", "convesion"], "did you mean `conversion`?"),
      (["explain", "C-1007", "--why-not", "convesion"], "did you mean `conversion`?"),
      (["metrics", "--activity", "purchse"], "did you mean `purchase`?"),
      (["metrics", "--funnel", "purchase,purchse"], "did you mean `purchase`?"),
      (["metrics", "--churned", "convesion"], "did you mean `conversion`?"),
      (["metrics", "--by", "purchase.chanel"], "did you mean `channel`?"),
    ]
    for (arguments, meant) in cases {
      let run = try Program.run([arguments[0], place.store] + arguments.dropFirst())

      #expect([2, 64].contains(run.status), "\(arguments): \(run.status)")
      #expect(run.errors.contains(meant), "\(arguments): \(run.errors)")
      #expect(run.output.isEmpty, "\(arguments)")
    }
  }

  @Test func `what is far from all names is not taken for one of them`() throws {
    let place = try store()

    let run = try Program.run("show", place.store, "somebody@example.org")

    run.expect(2)
    #expect(!run.errors.contains("did you mean"))
  }

  @Test func `a field that the rules do not declare may break tables down, where events have it`()
    throws
  {
    let place = try store()

    let run = try Program.run(
      "metrics", place.store, "--by", "purchase.shop", "--table", "lifecycle", "--format", "csv")

    run.expect(0)
    #expect(run.output.contains("\n0x,2024-05,"))
  }
}
