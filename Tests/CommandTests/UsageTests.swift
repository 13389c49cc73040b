import Foundation
import Testing

@Suite struct UsageTests {
  @Test(arguments: [
    ["improt", "x"], ["import"], ["import", "x"], ["replay"], ["replay", "x", "--as-off", "now"],
    ["compare", "x", "--rules", "a"], ["export", "x", "--table", "nothing", "-o", "-"],
    ["import", "x", "y", "--max-rejects", "many"], ["import", "x", "y", "--csv", "nonsense"],
    ["status", "x", "--format", "xml"],
    ["replay", "x", "--rules", "fixtures/rules/retail.yaml", "--view", "../a"],
  ])
  func `wrong usage ends with 64 and says so`(arguments: [String]) throws {
    let done = try Program.run(arguments)

    let isUsage = done.status == 64 || done.errors.contains("store-missing")
    #expect(isUsage, "\(done.status) \(done.errors)")
    #expect(done.errors.hasPrefix("error["))
  }

  /// `clm-replay import $STORE $FILE` with one of them not set said that `` cannot be opened.
  @Test func `an empty argument is named by the one before it`() throws {
    for arguments in [["import", "store", ""], ["replay", ""], ["export", "s", "-o", ""]] {
      let run = try Program.run(arguments)
      run.expect(64)
      #expect(
        run.errors.contains("behind `\(arguments[arguments.count - 2])`, is empty"), "\(run.errors)"
      )
    }
  }

  @Test func `help and version end with 0`() throws {
    for arguments in [["--help"], ["--version"], ["import", "--help"], ["help"]] {
      let done = try Program.run(arguments)
      #expect(done.status == 0)
      #expect(!done.output.isEmpty)
    }
  }

  @Test(arguments: [
    "retail", "retail-v4", "first-match", "product-analytics", "article-000-perception-to-loyalty",
    "article-001-reach-to-loyalty", "article-002-awareness-to-retention",
    "article-003-reach-to-advocacy", "article-003-six-stages", "article-004-awareness-to-advocacy",
  ])
  func `the rules of fixtures pass their own tests`(name: String) throws {
    let done = try Program.run("check", Program.fixture("rules/\(name).yaml"), "--format", "json")

    #expect(done.status == 0, "\(done.errors)")
    #expect(done.output.contains("\"failed\":0"))
    #expect(!done.output.contains("\"passed\":0"))
  }

  @Test func `a wrong rule is shown with its place and what was meant`() throws {
    let place = try Place()
    let text = try String(
      contentsOfFile: Program.fixture("rules/first-match.yaml"), encoding: .utf8
    )
    .replacingOccurrences(of: "purchases_365d >= 2", with: "purchase_365d >= 2")
    let rules = try place.file("rules.yaml", text)

    let done = try Program.run("check", rules)

    #expect(done.status == 1)
    #expect(
      done.errors == """
        error[cel-undeclared]: stage `retention`: unknown name 'purchase_365d'; did you mean 'purchases_365d'?, in `purchase_365d`
          --> \(rules):16:31
           |
        16 |   - { name: retention, when: "purchase_365d >= 2" }
           |                               ^

        """)
  }

  @Test func `an option that a table does not look at is wrong usage, and a key is no stream`()
    throws
  {
    let place = try Place()
    try Program.run(
      "import", place.store, try place.file("e", event(1, "buy", "2024-01-01T00:00:00Z"))
    ).expect(0)
    let cases = [
      ["metrics", place.store, "--table", "stages", "--funnel", "a,b"],
      ["metrics", place.store, "--table", "stages", "--overdue-after", "3"],
      ["metrics", place.store, "--overdue-after", "3"],
      ["checkpoint", place.store, "--init", "-"],
    ]
    for arguments in cases {
      let run = try Program.run(arguments)
      #expect(run.status == 64 && run.output.isEmpty, "\(arguments): \(run.errors)")
      #expect(run.errors.hasPrefix("error[usage]"), "\(arguments): \(run.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: Program.root.appendingPathComponent("-").path))
  }

  @Test func `rejects go to standard output for a dash, each a line of JSON`() throws {
    let place = try Place()
    let lines = event(1, "buy", "2024-01-01T00:00:00Z") + "{\n" + "[]\n"

    let run = try Program.run(
      "import", place.store, try place.file("e.ndjson", lines), "--rejects", "-")

    #expect(run.status == 1)
    let rejects = try run.output.split(separator: "\n").compactMap {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(rejects.compactMap { $0["code"] as? String } == ["json", "not-an-object"])
    let shell = try Program.run(
      [
        "-c",
        "echo before; '\(Program.path)' import '\(place.store)' '\(place.path)/e.ndjson' --rejects - -q; echo after",
      ],
      executable: "/bin/sh")
    let said = shell.output.split(separator: "\n")
    #expect(said.first == "before" && said.last == "after" && said.count == 4, "\(shell.output)")
    #expect(!FileManager.default.fileExists(atPath: "\(place.store)/rejects.ndjson"))
  }
}
