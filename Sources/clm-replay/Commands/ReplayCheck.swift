import EventStore
import Projections

/// `replay --check`: whether the view in force is what building it anew gives. Nothing is written.
extension ReplayCommand {
  func check(_ format: OutputFormat) throws {
    try refuseBeside(
      "--check",
      [
        ("--as-of", asOf != nil), ("--known-at", knownAt != nil), ("--strict", strict),
        ("--max-parked", maxParked != nil), ("--clv-params", clvParams != nil),
        ("--changes", !changes.isEmpty), ("--rebuild", rebuild), ("--receipt", receipt != nil),
        ("--follow", follow),
      ])
    let opened = try OpenedStore(store)
    var name = view
    if let rules, view == nil { name = try LoadedRules.load(rules).compiled.rules.modelName }
    let reader = try opened.view(named: name)
    let loaded = try LoadedRules.load(reader)
    let manifest = reader.manifest
    if let rules, try LoadedRules.load(rules).compiled.rules.sha256 != manifest.rulesHash {
      throw CommandError(
        exit: .couldNotRun, code: "other-rules",
        message: "view `\(manifest.name)` was made under other rules than \(rules)",
        help: "replay it under them first")
    }
    let logView = try opened.logView(size: manifest.size, asOf: manifest.asOf)
    let started = Clock.monotonicSeconds()
    let check = ViewCheck(
      loaded.compiled, reader, view: logView, threads: Threads.count(threads), engine: foldEngine)
    let report = ProgressReport("check", progress, quiet: global.quiet, meter: check.meter)
    let found = try opened.run { try check.run() }
    report.end()
    let seconds = Clock.monotonicSeconds() - started
    if format == .json || format == .ndjson {
      try StandardOutput.write(
        JSONValue.object([
          ("view", .string(manifest.name)), ("size", .count(manifest.size)),
          ("as_of", .string(RFC3339.text(manifest.asOf))),
          ("output_root", .string(manifest.outputRoot)), ("rebuilt", .string(found.rebuiltRoot)),
          ("same", .bool(found.differences.isEmpty)),
          ("differences", .array(found.differences.map { .string($0) })),
          ("seconds", .number(Numbers.seconds(seconds))),
        ]).text + "\n")
    } else if !global.quiet, found.differences.isEmpty {
      try StandardOutput.show(
        """
        view \(manifest.name) is what building it anew gives
        as of \(RFC3339.text(manifest.asOf)), log size \(manifest.size)
        output root \(manifest.outputRoot)

        """)
    }
    if found.differences.isEmpty { return }
    throw CommandError(
      exit: .problems, code: "view-differs",
      message:
        "view `\(manifest.name)` is not what building it anew gives: \(found.differences.joined(separator: "; "))",
      help: "`clm-replay replay \(store) --view \(manifest.name) --rebuild` makes it again")
  }

  /// Options that mean nothing beside another one.
  func refuseBeside(_ option: String, _ others: [(name: String, isGiven: Bool)]) throws {
    guard let other = others.first(where: \.isGiven) else { return }
    throw CommandError(
      exit: .usage, code: "usage", message: "\(other.name) is of no use beside \(option)")
  }
}
