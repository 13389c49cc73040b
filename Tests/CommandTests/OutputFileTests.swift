import Foundation
import Testing

/// What becomes of a file that an export replaces: a private one was readable by everybody after the next export, a link became
/// a file beside the one that it led to, and what SQLite had left beside a database was read into the next one.
@Suite struct OutputFileTests {
  private let rules = """
    rules: 1
    model: { name: shop, version: 1 }
    currency: EUR
    events: { buy: { types: [purchase] } }
    facts: { buys: { count: buy } }
    stages: [new, buyer]
    transitions: [{ id: buy, from: new, to: buyer, when: "buys >= 1" }]

    """

  private func place() throws -> Place {
    let place = try Place()
    let lines = (1...40).map {
      event($0, "purchase", "2024-01-01T00:00:00Z", subject: "C-\($0)")
    }
    try Program.run("import", place.store, try place.file("e", lines.joined())).expect(0)
    try Program.run("replay", place.store, "--rules", try place.file("r.yaml", rules)).expect(0)
    return place
  }

  @Test(arguments: ["csv", "sqlite"])
  func `permissions stay, and a link leads to what was written`(form: String) throws {
    let place = try place()
    let file = try place.file("real.\(form)", "")
    let link = "\(place.path)/link.\(form)"
    let manager = FileManager.default
    try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    try manager.createSymbolicLink(atPath: link, withDestinationPath: "real.\(form)")

    try Program.run("export", place.store, "--table", "customers", "-o", link).expect(0)

    #expect(try manager.destinationOfSymbolicLink(atPath: link) == "real.\(form)")
    let attributes = try manager.attributesOfItem(atPath: file)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)).count > 100)
    #expect(try manager.contentsOfDirectory(atPath: place.path).allSatisfy { !$0.contains("tmp") })
  }

  @Test func `what SQLite left beside a database is not read into the next one`() throws {
    let place = try place()
    let file = "\(place.path)/w.sqlite"
    func python(_ script: String) throws -> Program {
      try Program.run(["python3", "-c", script, file], executable: "/usr/bin/env")
    }
    try Program.run("export", place.store, "-o", file).expect(0)
    try python(
      """
      import os, sqlite3, sys
      c = sqlite3.connect(sys.argv[1])
      c.execute('pragma journal_mode=wal')
      c.execute("update customers set stage='new'")
      c.execute('create table scribbled (a)')
      c.commit()
      os._exit(0)
      """
    ).expect(0)
    #expect(FileManager.default.fileExists(atPath: "\(file)-wal"))

    try Program.run("export", place.store, "-o", file).expect(0)

    let read = try python(
      """
      import sqlite3, sys
      c = sqlite3.connect(sys.argv[1])
      print(c.execute("select count(*) from customers where stage = 'buyer'").fetchone()[0],
            c.execute("select count(*) from sqlite_master where name = 'scribbled'").fetchone()[0],
            c.execute('pragma integrity_check').fetchone()[0])
      """)
    #expect(read.output == "40 0 ok\n", "\(read.errors)")
  }
}
