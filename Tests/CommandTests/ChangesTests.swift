import Foundation
import Testing

/// `replay --changes`: the old export and the feed make the new export.
@Suite struct ChangesTests {
  private static let rules = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR
    identity: { link: login.cookie }
    events:
      buy:   { types: [purchase], fields: { amount: money } }
      look:  { types: [visit] }
      login: { types: [login], fields: { cookie: string } }
    facts:
      buys:    { count: buy }
      recent:  { count: buy, within: 30d }
      last_at: { last_time: buy }
    stages: [new, buyer, fan, quiet]
    transitions:
      - { id: hush,  from: [buyer, fan], to: quiet, when: "since(last_at) >= days(60)" }
      - { id: back,  from: quiet, to: buyer, when: "since(last_at) < days(60)" }
      - { id: fans,  from: buyer, to: fan, when: "recent >= 2" }
      - { id: first, from: new, to: buyer, when: "buys >= 1" }
    segments:
      busy: { when: "recent >= 1" }
      fans: { when: "stage.name == 'fan'" }

    """

  /// Names that CSV quotes, and some in the wrong order of their quoted forms.
  private static let subjects = [
    "a", "b,1", "b\"2", "\"c\"", "line\nbreak", "k-1", "k-2", "ü", "z", "cookie\\1",
  ]

  private static func events(_ random: inout Random, _ ids: Range<Int>, from month: Int) -> String {
    ids.map { id in
      let subject = subjects[random(subjects.count)]
      let quoted = String(
        decoding: (try? JSONEncoder().encode(subject)) ?? Data(), as: UTF8.self)
      // Some come late.
      let at = random(4) == 0 ? random(month + 1) : month
      let time = "2024-\(at < 9 ? "0" : "")\(at + 1)-\(10 + random(18))T0\(random(10)):00:00Z"
      let (type, data) =
        switch random(6) {
        case 0: ("visit", "{}")
        case 1: ("login", "{\"cookie\":\"k-\(1 + random(2))\"}")
        default: ("purchase", "{\"amount\":\"\(random(50)).00\"}")
        }
      return
        "{\"id\":\"e\(id)\",\"source\":\"s\",\"type\":\"\(type)\",\"subject\":\(quoted),\"time\":\"\(time)\",\"data\":\(data)}\n"
    }.joined()
  }

  /// Numbers that a seed gives again.
  struct Random {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func callAsFunction(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
  }

  /// Rows with their line ends; a line end within quotes ends no row of CSV.
  private func rows(_ text: String, csv isCSV: Bool) -> [String] {
    var rows: [String] = []
    var row = ""
    var quotes = 0
    for scalar in text.unicodeScalars {
      row.unicodeScalars.append(scalar)
      if isCSV && scalar == "\"" { quotes += 1 }
      if scalar == "\n" && quotes % 2 == 0 {
        rows.append(row)
        row = ""
      }
    }
    return rows
  }

  /// The customer's name in a row.
  private func customer(_ row: String, csv isCSV: Bool) throws -> String {
    if !isCSV {
      let object = try JSONSerialization.jsonObject(with: Data(row.utf8)) as? [String: Any]
      return try #require(object?["customer"] as? String)
    }
    guard row.first == "\"" else { return String(row.prefix { $0 != "," }) }
    var name = ""
    var rest = Substring(row.dropFirst())
    while let first = rest.first {
      rest = rest.dropFirst()
      if first == "\"" {
        guard rest.first == "\"" else { break }
        rest = rest.dropFirst()
      }
      name.append(first)
    }
    return name
  }

  /// Takes away the rows that go, which are the last of their customer, and adds those that come.
  private func apply(_ feed: [String], to old: [String], csv isCSV: Bool) throws -> [String] {
    var byCustomer: [String: [String]] = [:]
    for row in old { byCustomer[try customer(row, csv: isCSV), default: []].append(row) }
    for line in feed {
      let isComing = line.contains(isCSV ? /^\+,/ : /^\{"op":"\+",/)
      let row = isCSV ? String(line.dropFirst(2)) : "{" + line.dropFirst("{\"op\":\"+\",".count)
      let name = try customer(row, csv: isCSV)
      if isComing {
        byCustomer[name, default: []].append(row)
      } else {
        // All that goes of a customer goes before anything comes.
        let last = try #require(byCustomer[name]?.lastIndex(of: row), "\(row)")
        byCustomer[name]?.remove(at: last)
      }
    }
    return byCustomer.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      .flatMap { byCustomer[$0] ?? [] }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `the old export and the feed make the new export`(_ seed: UInt64) throws {
    var random = Random(seed: seed)
    let place = try Place()
    let rules = try place.file("r.yaml", Self.rules)
    let tables = ["transitions", "customers", "segments"]
    func export(_ table: String, _ form: String) throws -> String {
      let path = "\(place.path)/export.\(form)"
      try Program.run("export", place.store, "--table", table, "-o", path, "-q").expect(0)
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    var id = 0
    for step in 0..<4 {
      let next = id + 1 + random(20)
      let log = try place.file("\(step).ndjson", Self.events(&random, id..<next, from: step * 2))
      id = next
      try Program.run("import", place.store, log).expect(0)
      var old: [String: String] = [:]
      var options: [String] = []
      for table in tables {
        for form in ["csv", "ndjson"] {
          if step > 0 { old["\(table).\(form)"] = try export(table, form) }
          options += ["--changes", "\(table)=\(place.path)/\(table).\(form)"]
        }
      }
      let run = try Program.run(["replay", place.store, "--rules", rules] + options)
      run.expect(0)
      for table in tables {
        for form in ["csv", "ndjson"] {
          let isCSV = form == "csv"
          let feed = try String(contentsOfFile: "\(place.path)/\(table).\(form)", encoding: .utf8)
          let new = rows(try export(table, form), csv: isCSV)
          let header = isCSV ? 1 : 0
          if isCSV { #expect(rows(feed, csv: true).first == "op," + new[0]) }
          let made = try apply(
            Array(rows(feed, csv: isCSV).dropFirst(header)),
            to: Array(rows(old["\(table).\(form)"] ?? "", csv: isCSV).dropFirst(header)),
            csv: isCSV)
          #expect(
            made == Array(new.dropFirst(header)), "seed \(seed), step \(step), \(table).\(form)")
        }
      }
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: place.path)
    #expect(left.filter { $0.contains(".tmp-") } == [])
  }

  @Test func `a feed that cannot be told stops the replay before it builds`() throws {
    let place = try Place()
    let rules = try place.file("r.yaml", Self.rules)
    let log = try place.file("e", event(0, "purchase", "2024-01-01T00:00:00Z"))
    try Program.run("import", place.store, log).expect(0)
    let feed = "\(place.path)/feed.csv"
    try Program.run("replay", place.store, "--rules", rules, "--changes", feed).expect(0)
    #expect(
      try String(contentsOfFile: feed, encoding: .utf8).hasPrefix(
        "op,customer,at,from,to,transition,cause,event_id,position\n+,C-1,2024-01-01"))
    try Program.run("replay", place.store, "--changes", feed).expect(0)
    #expect(
      try String(contentsOfFile: feed, encoding: .utf8)
        == "op,customer,at,from,to,transition,cause,event_id,position\n")

    let other = try place.file(
      "other.yaml", Self.rules.replacing("  last_at:", with: "  looks: { count: look }\n  last_at:")
    )
    let refused = try Program.run(
      "replay", place.store, "--rules", other, "--changes", "customers=\(feed)")
    refused.expect(2)
    #expect(refused.errors.contains("error[other-columns]"))
    try Program.run(
      "replay", place.store, "--rules", other, "--changes", "customers=\(place.path)/c.ndjson"
    ).expect(0)
    let rows = try String(contentsOfFile: "\(place.path)/c.ndjson", encoding: .utf8)
    #expect(rows.split(separator: "\n").map { $0.prefix(10) } == [#"{"op":"-","#, #"{"op":"+","#])

    for (option, status) in [
      ("-", 64), ("events=x.csv", 64), ("feed.parquet", 64), ("\(place.path)/none/feed.csv", 2),
    ] as [(String, Int32)] {
      let generation = try current(place)
      try Program.run("replay", place.store, "--rebuild", "--changes", option).expect(status)
      #expect(try current(place) == generation, "\(option)")
    }
    try "g000099\n".write(
      toFile: "\(place.store)/views/shop/CURRENT", atomically: true, encoding: .utf8)
    let unreadable = try Program.run(
      "replay", place.store, "--rules", rules, "--changes", feed)
    unreadable.expect(2)
    #expect(unreadable.errors.contains("nobody can say what changes"))
  }

  private func current(_ place: Place) throws -> String {
    try String(contentsOfFile: "\(place.store)/views/shop/CURRENT", encoding: .utf8)
  }
}
