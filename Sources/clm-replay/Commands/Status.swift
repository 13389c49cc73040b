import ArgumentParser
import EventStore
import Projections

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "What a store holds, and how far behind each view is.",
    discussion: """
      EXAMPLE
        clm-replay status store --types
        clm-replay status store --format prometheus > /var/lib/node_exporter/textfile/shop.prom.new

      --format prometheus prints sizes, how far behind each view is, and ages, for the textfile collector; give the file its
      name when it is whole (`mv`).
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table, json, prometheus
  }

  @Argument(help: "The store.") var store: String
  @Flag(help: "Each type with its count, and the paths of its payload with their kinds and shares.")
  var types = false
  @Option(help: "table (text for people), json or prometheus.") var format = Format.table
  @Flag(name: .shortAndLong, help: "No summaries; errors are always shown.") var quiet = false

  func run() throws {
    let opened = try OpenedStore(store)
    // The views first: what they were made from is then in the log.
    let readers = try opened.views()
    let snapshot = try opened.laterSnapshot()
    let views = try readers.map { try opened.served($0.manifest, snapshot) }
    let inventory = types ? try opened.run { try TypeInventory(snapshot) } : nil
    if format == .prometheus {
      let metrics = StatusMetrics(
        opened, snapshot, Array(zip(readers, views)), inventory, now: Clock.nowMicroseconds())
      try StandardOutput.write(metrics.text)
      return
    }
    let from = snapshot.earliestOccurred.map { RFC3339.text($0) }
    let to = snapshot.latestOccurred.map { RFC3339.text($0) }
    if format == .json {
      var members: [(String, JSONValue)] = [
        ("size", .count(snapshot.size)), ("root", .string(Hex.text(snapshot.root))),
        ("subjects", .count(snapshot.namedSubjectCount)), ("bytes", .count(opened.store.bytes)),
        ("register_size", .count(snapshot.registerSize)),
        ("register_root", .string(Hex.text(snapshot.registerRoot))),
        ("from", .optional(from)), ("to", .optional(to)),
      ]
      if snapshot.erasedCount > 0 { members.append(("erased", .count(snapshot.erasedCount))) }
      if let inventory { members.append(("types", inventory.json)) }
      members.append(("views", .array(views.map { viewJSON($0, snapshot.size) })))
      try StandardOutput.write(JSONValue.object(members).text + "\n")
      return
    }
    let erased = snapshot.erasedCount > 0 ? ", \(snapshot.erasedCount) of them erased" : ""
    var lines = [
      "store     \(store)", "size      \(snapshot.size) events" + erased,
      "root      \(Hex.text(snapshot.root))", "subjects  \(snapshot.namedSubjectCount)",
      "bytes     \(opened.store.bytes)", "register  \(snapshot.registerSize) records",
    ]
    if let from, let to {
      lines.append("from      \(from)")
      lines.append("to        \(to)")
    }
    if let inventory { lines += [""] + inventory.lines }
    if !views.isEmpty {
      lines.append("")
      var table = TextTable(
        columns: ["view", "model", "as of", "behind", "customers", "output root"], numeric: [3, 4])
      for view in views {
        table.add([
          view.name, "\(view.model) v\(view.version)", RFC3339.text(view.asOf),
          String(snapshot.size - min(view.size, snapshot.size)), String(view.customers),
          String(view.outputRoot.prefix(16)),
        ])
      }
      lines += table.lines
    }
    try StandardOutput.show(lines.joined(separator: "\n") + "\n")
  }
}

func viewJSON(_ view: ViewManifest, _ size: UInt64) -> JSONValue {
  .object([
    ("name", .string(view.name)), ("model", .string(view.model)),
    ("version", .count(view.version)), ("rules_hash", .string(view.rulesHash)),
    ("size", .count(view.size)), ("as_of", .string(RFC3339.text(view.asOf))),
    ("behind", .count(size - min(view.size, size))), ("output_root", .string(view.outputRoot)),
    ("switched_at", .string(RFC3339.text(view.switchedAt))),
  ])
}
