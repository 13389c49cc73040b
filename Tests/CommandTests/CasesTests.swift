import Foundation
import Testing

/// The worked examples of fixtures/cases: events, rules, and the exact rows that must come out.
@Suite struct CasesTests {
  static let directory = Program.fixture("cases")
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return files.filter { $0.hasSuffix(".rules.yaml") }.map { String($0.dropLast(11)) }.sorted()
  }()

  @Test func `there are eighty-nine of them`() {
    #expect(Self.names.count == 89)
  }

  @Test(arguments: names) func `an example comes out as written`(name: String) throws {
    func path(_ ending: String) -> String { "\(Self.directory)/\(name).\(ending)" }
    if FileManager.default.fileExists(atPath: path("error")) {
      let wanted = try String(contentsOfFile: path("error"), encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let checked = try Program.run("check", path("rules.yaml"))

      #expect(checked.status == 1)
      #expect(checked.errors.contains(wanted), "\(checked.errors)")
      #expect(checked.errors.contains("error["))
      return
    }
    let place = try Place()
    let asOf = try String(contentsOfFile: path("as_of"), encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    try Program.run("import", place.store, path("events.ndjson"))
    let replayed = try Program.run(
      "replay", place.store, "--rules", path("rules.yaml"), "--as-of", asOf, "--format", "json")
    #expect(replayed.status == 0 || replayed.status == 1, "\(replayed.errors)")

    for table in ["transitions", "customers"]
    where FileManager.default.fileExists(atPath: path("\(table).csv")) {
      let exported = try Program.run("export", place.store, "--table", table, "-o", "-", "--quiet")
      let expected = try CSVTable(contentsOf: path("\(table).csv"))
      let found = CSVTable(exported.output)
      #expect(found.rows(of: expected.columns) == expected.rows)
    }
    if FileManager.default.fileExists(atPath: path("faults.csv")) {
      let expected = try CSVTable(contentsOf: path("faults.csv"))
      #expect(try faults(replayed.output) == Set(expected.rows))
    }
  }

  private func faults(_ output: String) throws -> Set<[String]> {
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    var counts: [[String]: Int] = [:]
    for fault in try #require(object["faults"] as? [[String: Any]]) {
      for kind in ["fact", "alias", "identity", "transition", "stage", "segment"] {
        guard let name = fault[kind] as? String else { continue }
        counts[[kind, name], default: 0] += try #require(fault["count"] as? Int)
      }
    }
    return Set(counts.map { $0.key + [String($0.value)] })
  }
}

/// A CSV file with a header (RFC 4180).
struct CSVTable {
  var columns: [String] = []
  var rows: [[String]] = []

  init(contentsOf path: String) throws {
    self.init(try String(contentsOfFile: path, encoding: .utf8))
  }

  init(_ text: String) {
    var cells: [String] = []
    var cell = ""
    var isQuoted = false
    var lines: [[String]] = []
    var rest = Array(text.unicodeScalars)[...]
    while let character = rest.popFirst() {
      if isQuoted {
        if character == "\"" {
          if rest.first == "\"" {
            cell.unicodeScalars.append(character)
            rest.removeFirst()
          } else {
            isQuoted = false
          }
        } else {
          cell.unicodeScalars.append(character)
        }
      } else if character == "\"" {
        isQuoted = true
      } else if character == "," || character == "\n" {
        cells.append(cell)
        cell = ""
        if character == "\n" {
          lines.append(cells)
          cells = []
        }
      } else if character != "\r" {
        cell.unicodeScalars.append(character)
      }
    }
    columns = lines.first ?? []
    rows = Array(lines.dropFirst())
  }

  func rows(of wanted: [String]) -> [[String]] {
    let indices = wanted.map { columns.firstIndex(of: $0) }
    return rows.map { row in indices.map { $0.map { row[$0] } ?? "no such column" } }
  }
}
