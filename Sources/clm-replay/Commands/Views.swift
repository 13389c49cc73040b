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
        clm-replay views store --accept-rules retail.yaml
        clm-replay views store --drop trial

      The history is the register: a record for each time that a view came into force. It stays when views are deleted, and
      `verify` checks it. --rules prints a rules file that was served, byte for byte. --accept-rules notes in the register
      that a view may be served under FILE (without it: under the rules that it has) though model and version were served
      with other content before: then `replay --strict` takes it. --drop removes a view, --prune what is not in force of any:
      older generations, and what killed replays left. Both are noted in the register, which keeps what was served.
      """)

  @Argument(help: "The store.") var store: String
  @Argument(help: "With --accept-rules: the rules file; that of the view unless given.")
  var file: String?
  @Flag(help: "What was served when, from the register.") var history = false
  @Option(help: "Print the rules file of this SHA-256; its first digits are enough.")
  var rules: String?
  @Flag(help: "Accept rules whose content changed under the same model and version.")
  var acceptRules = false
  @Option(help: "With --accept-rules: the view; the one called by the rules' model unless given.")
  var view: String?
  @Option(help: "Remove the view of this name.") var drop: String?
  @Flag(help: "Remove generations that are not in force.") var prune = false
  @Option(
    help:
      "With --drop, --prune and --accept-rules: how long to wait for a replay of the view or a commit, such as 10s."
  )
  var wait = "10s"
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
    if [history, rules != nil, acceptRules, drop != nil, prune].filter({ $0 }).count > 1 {
      throw ValidationError(
        "--history, --rules, --accept-rules, --drop and --prune do not go together")
    }
    if rules == "" {
      throw ValidationError("--rules takes the first digits of a SHA-256")
    }
    if !acceptRules && (file != nil || view != nil) {
      throw ValidationError("a file and --view go with --accept-rules")
    }
  }

  func run() throws {
    if acceptRules { return try accept() }
    if let drop { return try dropView(drop) }
    if prune { return try pruneViews() }
    let opened = try OpenedStore(store)
    if let rules { return try printRules(rules, opened) }
    if history { return try printHistory(opened) }
    let readers = try opened.views()
    let snapshot = try opened.laterSnapshot()
    let views = try readers.map { try opened.served($0.manifest, snapshot) }
    let size = snapshot.size
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
      try StandardOutput.show(table().lines.joined(separator: "\n") + "\n")
    }
  }

  private func accept() throws {
    let (opened, register) = try OpenedStore.registering(store)
    let (rules, name) = try rulesAndName(opened)
    let accepted = RulesAccepted(
      view: name, model: rules.modelName, version: Int64(rules.modelVersion),
      rulesHash: SHA256Bytes.hash(rules.source.span))
    try opened.run { try register.accept(accepted, waitSeconds: try waitSeconds()) }
    if global.format == .json || global.format == .ndjson {
      let object = JSONValue.object([
        ("view", .string(name)), ("model", .string(rules.modelName)),
        ("version", .count(rules.modelVersion)), ("rules_hash", .string(rules.sha256)),
      ])
      try StandardOutput.write(object.text + "\n")
    }
    Notice.write(
      "accepted for view \(name): \(rules.modelName) v\(rules.modelVersion), sha256 \(rules.sha256)",
      quiet: global.quiet)
  }

  private func rulesAndName(_ opened: OpenedStore) throws -> (Rules, String) {
    if let file {
      let rules = try LoadedRules.load(file).compiled.rules
      return (rules, try ViewNames.checked(view ?? rules.modelName))
    }
    let reader = try opened.view(named: view)
    return (reader.rules, reader.manifest.name)
  }

  private func printHistory(_ opened: OpenedStore) throws {
    let register = try opened.run { try opened.snapshot.register() }
    let switches = register.switches
    for entry in register.accepted {
      Notice.write(
        "record \(entry.number): rules \(Hex.text(entry.rules.rulesHash).prefix(12)) of \(entry.rules.model) v\(entry.rules.version) were accepted for view \(entry.rules.view) on \(RFC3339.text(entry.recorded))",
        quiet: global.quiet)
    }
    tellRemovals(register)
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
