import ArgumentParser
import EventStore
import Projections

struct ViewsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "views", abstract: "List the views of a store, or what was ever served.",
    discussion: """
      EXAMPLES
        clm-replay views store
        clm-replay views store --history
        clm-replay views store --rules 8f3a91c2 > rules-of-then.yaml

      The history is the register: a record for each time that a view came into force. It stays when views are deleted, and
      `verify` checks it. --rules prints a rules file that was served, byte for byte.
      """)

  @Argument(help: "The store.") var store: String
  @Flag(help: "What was served when, from the register.") var history = false
  @Option(help: "Print the rules file of this SHA-256; its first digits are enough.")
  var rules: String?
  @OptionGroup var global: GlobalOptions

  private static let columns = [
    "name", "model", "version", "rules_hash", "size", "as_of", "behind", "output_root",
    "switched_at",
  ]
  private static let historyColumns = [
    "record", "switched_at", "name", "model", "version", "rules_hash", "size", "root", "engine",
    "as_of", "output_root", "customers", "transitions", "parked",
  ]

  func validate() throws {
    if history && rules != nil {
      throw ValidationError("--history and --rules do not go together")
    }
  }

  func run() throws {
    let opened = try OpenedStore(store)
    if let rules { return try printRules(rules, opened) }
    if history { return try printHistory(opened) }
    let views = try opened.manifests()
    let size = try opened.laterSnapshot().size
    try print(views.map { viewJSON($0, size) }, columns: Self.columns) {
      var table = TextTable(
        columns: ["view", "model", "rules", "as of", "size", "behind", "switched at"],
        numeric: [4, 5])
      for view in views {
        table.add([
          view.name, "\(view.model) v\(view.version)", String(view.rulesHash.prefix(12)),
          RFC3339.text(view.asOf), String(view.size), String(size - min(view.size, size)),
          RFC3339.text(view.switchedAt),
        ])
      }
      return table
    }
  }

  private func print(
    _ objects: [JSONValue], columns: [String], table: () -> TextTable
  ) throws {
    switch global.format ?? .table {
    case .json:
      try StandardOutput.write(JSONValue.array(objects).text + "\n")
    case .ndjson, .csv:
      let file = try OutputFile.open("-")
      var writer = RowWriter(format: global.format ?? .csv, columns: columns, file: file)
      try writer.begin()
      for object in objects {
        guard case .object(let members) = object else { continue }
        try writer.add(members.map { $0.1 })
      }
      try writer.end()
    case .table:
      try StandardOutput.write(table().lines.joined(separator: "\n") + "\n")
    }
  }

  private func printHistory(_ opened: OpenedStore) throws {
    let switches = try opened.run { try opened.snapshot.register() }.switches
    let objects = switches.map { entry -> JSONValue in
      let view = entry.view
      return .object([
        ("record", .count(entry.number)), ("switched_at", .string(RFC3339.text(entry.recorded))),
        ("name", .string(view.view)), ("model", .string(view.model)),
        ("version", .count(view.version)), ("rules_hash", .string(Hex.text(view.rulesHash))),
        ("size", .count(view.size)), ("root", .string(Hex.text(view.root))),
        ("engine", .string(view.engine)), ("as_of", .string(RFC3339.text(view.asOf))),
        ("output_root", .string(Hex.text(view.outputRoot))),
        ("customers", .count(view.customers)), ("transitions", .count(view.transitions)),
        ("parked", .count(view.parked)),
      ])
    }
    try print(objects, columns: Self.historyColumns) {
      var table = TextTable(
        columns: [
          "record", "switched at", "view", "model", "rules", "size", "as of", "output root",
        ],
        numeric: [0, 5])
      for entry in switches {
        let view = entry.view
        table.add([
          String(entry.number), RFC3339.text(entry.recorded), view.view,
          "\(view.model) v\(view.version)", String(Hex.text(view.rulesHash).prefix(12)),
          String(view.size), RFC3339.text(view.asOf),
          String(Hex.text(view.outputRoot).prefix(16)),
        ])
      }
      return table
    }
  }

  private func printRules(_ prefix: String, _ opened: OpenedStore) throws {
    let register = try opened.run { try opened.snapshot.register() }
    let found = Set(register.switches.map { $0.view.rulesHash }).filter {
      Hex.text($0).hasPrefix(prefix.lowercased())
    }
    guard let hash = found.first, found.count == 1, let bytes = register.rules(hash: hash) else {
      throw CommandError(
        exit: .couldNotRun, code: "no-rules",
        message: found.isEmpty
          ? "no view was ever served under rules whose SHA-256 begins with `\(prefix)`"
          : "\(found.count) rules files begin with `\(prefix)`",
        help: "`clm-replay views \(store) --history` lists them")
    }
    try OutputFile.open("-").write(bytes)
  }
}
