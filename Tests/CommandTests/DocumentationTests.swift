import Foundation
import Testing

/// Every command of the documentation, run page by page from the first line to the last, as somebody would type them;
/// where a page shows what a command prints, that is what it prints.
@Suite struct DocumentationTests {
  /// What a reader of a page has before its first line: commands that are run for it. `fixtures` and `docs` are at hand.
  static let given: [String: String] = [
    "README.md": demo + """
      cp fixtures/rules/retail.yaml fixtures/rules/retail-v4.yaml .
      mkdir -p data/today backups
      gzip -dc fixtures/shop.ndjson.gz | tee events.ndjson data/today/shop.ndjson | gzip > 1735603200000.gz
      cp fixtures/segment/shop.ndjson 1735603200000 && gzip -f 1735603200000
      printf 'customer_id,date,price\\nC-000018,2024-12-01,12.50\\n' > orders.csv
      """,
    "docs/tutorial.md": "",
    "docs/cel.md": "",
    "docs/errors.md": "",
    "docs/evidence.md": demo,
    "docs/value.md": demo,
    "docs/how-to/operate.md": feed + """
      head -1 fixtures/late/till.ndjson > topic
      printf '#!/bin/sh\\nexec cat topic\\n' > bin/kcat
      chmod +x bin/kcat
      """,
    "docs/how-to/new-rules.md": feed + imported,
    "docs/how-to/first-rules.md": feed + "clm-replay import -q shop data/shop.ndjson\n",
    "docs/how-to/pipelines.md": feed + imported,
    "docs/how-to/audit.md": feed + imported,
    "docs/how-to/backfill.md": feed + imported,
    "docs/how-to/erasure.md": feed + imported,
    "docs/how-to/warehouse.md": feed,
  ]

  private static let demo = """
    clm-replay import -q store fixtures/shop.ndjson.gz
    clm-replay replay -q store --rules fixtures/rules/retail.yaml

    """
  private static let feed = """
    mkdir data backups
    cp fixtures/rules/retail.yaml .
    gzip -dc fixtures/shop.ndjson.gz > data/shop.ndjson

    """
  private static let imported = """
    clm-replay import -q shop data/shop.ndjson
    clm-replay replay -q shop --rules retail.yaml

    """

  /// Blocks that are not run, by page and a line of theirs, and why.
  static let exempt: [(page: String, line: String, why: String)] = [
    ("docs/benchmarks.md", "valgrind", "what `make bench` runs on millions of events"),
    ("docs/claims.md", "CDNOW_master.txt", "needs data of others; MetricsTests loads the rules"),
    ("docs/claims.md", "top_", "the same"),
    ("docs/claims.md", "--period year", "the same"),
    ("docs/claims.md", "p_alive", "the same"),
    ("docs/export.md", "datasette", "`make check-tables` runs it: sqlite3, Datasette, pandas"),
    ("docs/export.md", "duckdb", "`make check-tables` runs it: DuckDB"),
    ("docs/sources.md", "--input segment", "`make check-sources` runs every line of the page"),
    ("docs/sources.md", "ga4.jq", "the same: jq"),
    ("docs/sources.md", "matomo.jq", "the same: jq"),
    ("docs/sources.md", "orders.parquet", "the same: DuckDB"),
    ("docs/sources.md", "psql", "the same: PostgreSQL"),
    ("docs/sources.md", "kcat", "the same: Kafka"),
    ("docs/sources.md", "zstd", "the same: zstd"),
  ]

  private static func exemption(_ block: DocumentationPage.Block, of page: String) -> Int? {
    exempt.firstIndex { entry in
      entry.page == page && block.lines.contains { $0.contains(entry.line) }
    }
  }

  @Test func `every block of commands is run, or there is a reason not to`() throws {
    var used: Set<Int> = []
    for page in try DocumentationPage.all() where page.path != "docs/commands.md" {
      for block in page.blocks {
        if !block.isCommands {
          #expect(
            !block.lines.contains { $0.hasPrefix("$ ") || $0.hasPrefix("clm-replay ") },
            "\(page.path):\(block.line): commands stand in blocks of `sh`, `console`, `cron`, `ini`"
          )
        } else if let index = Self.exemption(block, of: page.path) {
          used.insert(index)
        } else {
          #expect(
            Self.given[page.path] != nil, "\(page.path):\(block.line): given what is it run?")
        }
      }
    }
    #expect(used.count == Self.exempt.count, "an exemption that no block needs")
  }

  @Test(arguments: given.keys.sorted())
  func `every command of the page does what it says`(path: String) throws {
    let page = try DocumentationPage(path)
    let shell = try DocumentationShell()
    try shell.run(try #require(Self.given[path])).expect(0)
    var count = 0
    for block in page.blocks where block.isCommands && Self.exemption(block, of: path) == nil {
      for step in DocumentationPage.steps(block) {
        let done = try shell.run(step.command)
        let place = "\(path):\(step.line): \(step.command)"
        if let said = step.output {
          #expect(PrintedLines(said).match(done.output), "\(place)\nprints\n\(done.output)")
        }
        // Where a command is to end otherwise, the page shows what it says then.
        if step.output?.contains(where: { $0.hasPrefix("error[") }) != true {
          #expect(done.status == 0, "\(place)\n\(done.output)")
        }
        count += 1
      }
    }
    #expect(count > 0, "\(path) has no commands")
  }

  @Test func `links between pages lead to pages and headings that are there`() throws {
    var count = 0
    let pages = try DocumentationPage.all()
    for page in pages {
      let folder = Program.root.appendingPathComponent(page.path).deletingLastPathComponent()
      for link in page.links where !link.contains(":") {
        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let target =
          parts[0].isEmpty
          ? Program.root.appendingPathComponent(page.path)
          : folder.appendingPathComponent(String(parts[0])).standardizedFileURL
        #expect(FileManager.default.fileExists(atPath: target.path), "\(page.path): \(link)")
        count += 1
        guard parts.count > 1,
          let other = pages.first(where: { target.path.hasSuffix("/\($0.path)") })
        else { continue }
        #expect(other.anchors.contains(String(parts[1])), "\(page.path): \(link)")
      }
    }
    #expect(count > 100)
  }

  /// The log grows and benchmarks are measured anew: what the README says of them follows.
  @Test func `numbers of the README are those of the benchmarks`() throws {
    func text(_ path: String) throws -> String {
      try String(contentsOf: Program.root.appendingPathComponent(path), encoding: .utf8)
    }
    let benchmarks = try text("docs/benchmarks.md")
    let section = try #require(
      try text("README.md").components(separatedBy: "\n## ").first { $0.hasPrefix("Numbers") })

    let figures = section.matches(of: /\d[\d.,]* (?:s|ms|events|customers)\b/)

    #expect(figures.count > 8)
    for figure in figures {
      #expect(benchmarks.contains(figure.0), "docs/benchmarks.md has no `\(figure.0)`")
    }
  }

  @Test func `lines of a page match what they stand for, and nothing else`() {
    #expect(PrintedLines(["a", "  …", "d"]).match("a\nb\nc\nd\n"))
    #expect(PrintedLines(["a", "…"]).match("a\n"))
    #expect(PrintedLines(["in … s, … of 9", ""]).match("in 0.3 s, 8 of 9\n\n"))
    #expect(!PrintedLines(["in … s"]).match("in 0.3 ms, more"))
    #expect(!PrintedLines(["a", "…", "d"]).match("a\nb"))
    #expect(!PrintedLines(["a"]).match("a\nb"))
    #expect(!PrintedLines([]).match("a"))
  }
}

/// A shell in a directory of its own, that has the program, `fixtures` and `docs`.
private struct DocumentationShell {
  private let place: Place

  init() throws {
    place = try Place()
    let files = FileManager.default
    try files.createDirectory(atPath: "\(place.path)/bin", withIntermediateDirectories: true)
    try files.createSymbolicLink(
      atPath: "\(place.path)/bin/clm-replay", withDestinationPath: Program.path)
    for folder in ["fixtures", "docs"] {
      try files.createSymbolicLink(
        atPath: "\(place.path)/\(folder)",
        withDestinationPath: Program.root.appendingPathComponent(folder).path)
    }
  }

  /// Runs a script; what it writes to standard error stands among its output, as on a terminal.
  func run(_ script: String) throws -> Program {
    let file = try place.file(
      ".script", "set -euo pipefail\nexec 2>&1\ncd '\(place.path)'\n\(script)\n")
    return try Program.run(
      [
        "HOME=\(place.path)", "PATH=\(place.path)/bin:/usr/local/bin:/usr/bin:/bin", "bash", file,
      ], executable: "/usr/bin/env")
  }
}
