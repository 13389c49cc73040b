import Foundation
import Testing

/// The table `transitions` is written on several threads, from the bytes of a view.
@Suite struct ExportTests {
  private func quoted(_ text: String) -> String {
    var json = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": json += "\\\(scalar)"
      case "\n": json += "\\n"
      case "\t": json += "\\t"
      case "\u{1}": json += "\\u0001"
      default: json.unicodeScalars.append(scalar)
      }
    }
    return json + "\""
  }

  private func cell(_ text: String) -> String {
    text.contains { ",\"\n".contains($0) }
      ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
  }

  @Test(arguments: [1, 2, 7])
  func `rows come in order and spelled as they are, on any number of threads`(threads: Int) throws {
    let place = try Place()
    let names =
      ["a,b", "say \"x\"", "back\\slash", "été", "🙂", "two\nlines", "tab\tx", "\u{1}", "{}"]
      + (0..<1200).map { "C-\($0)" }
    let events = names.map { name in
      #"{"specversion":"1.0","id":\#(quoted(name)),"source":"s","type":"purchase","subject":\#(quoted(name)),"time":"2024-02-29T23:59:59.000001Z"}"#
        + "\n"
    }
    try Program.run("import", place.store, try place.file("e", events.joined())).expect(0)
    let rules = try place.file("r.yaml", BuyerRules.head("export"))
    try Program.run("replay", place.store, "--rules", rules, "-q").expect(0)
    var csv = "customer,at,from,to,transition,cause,event_id,position\n"
    var lines = ""
    for (position, name) in names.enumerated().sorted(by: {
      Array($0.element.utf8).lexicographicallyPrecedes(Array($1.element.utf8))
    }) {
      let at = "2024-02-29T23:59:59.000001Z"
      csv += "\(cell(name)),\(at),,new,,event,\(cell(name)),\(position)\n"
      csv += "\(cell(name)),\(at),new,buyer,buy,event,\(cell(name)),\(position)\n"
      for (from, to, how) in [("null", "new", "null"), ("\"new\"", "buyer", "\"buy\"")] {
        lines +=
          #"{"customer":\#(quoted(name)),"at":"\#(at)","from":\#(from),"to":"\#(to)","transition":\#(how),"cause":"event","event_id":\#(quoted(name)),"position":\#(position)}"#
          + "\n"
      }
    }

    for (format, expected) in [("csv", csv), ("ndjson", lines)] {
      let run = try Program.run(
        "export", place.store, "--table", "transitions", "-o", "-", "--format", format,
        "--threads", "\(threads)")
      run.expect(0)
      #expect(run.output == expected)
      #expect(run.errors.contains(": \(2 * names.count) rows"))
      let file = "\(place.path)/t.\(format)"
      try Program.run(
        "export", place.store, "--table", "transitions", "-o", file, "-q", "--threads",
        "\(threads)"
      ).expect(0)
      #expect(try String(contentsOfFile: file, encoding: .utf8) == expected)
    }
  }

  @Test func `a full disk ends the export with 2, whichever thread meets it`() throws {
    let place = try Place()
    let events = (0..<1000).map { event($0, "purchase", "2024-01-01T00:00:00Z", subject: "C\($0)") }
    try Program.run("import", place.store, try place.file("e", events.joined())).expect(0)
    let rules = try place.file("r.yaml", BuyerRules.head("export"))
    try Program.run("replay", place.store, "--rules", rules, "-q").expect(0)
    let run = try Program.run(
      "export", place.store, "--table", "transitions", "-o", "/dev/full", "--threads", "4")
    run.expect(2)
    #expect(run.errors.contains("error[disk-full]"))
  }
}
