import CEL
import EventStore
import Projections

/// `views --drop` and `views --prune`: what is removed is noted in the register.
extension ViewsCommand {
  func dropView(_ asked: String) throws {
    let name = try ViewNames.checked(asked)
    let waitSeconds = try waitSeconds()
    let (opened, register) = try OpenedStore.registering(store)
    let names = try opened.run { try ViewReader.names(store) }
    guard names.contains(name) else {
      throw CommandError(
        exit: .couldNotRun, code: ViewError.Code.missing.rawValue,
        message: "the store `\(store)` has no view `\(name)`",
        help: names.isEmpty ? nil : Suggestion.help(name, "views", among: names))
    }
    let dropped = try opened.run {
      let lock = try ViewLock.take(
        store, name, waitSeconds: waitSeconds, command: "clm-replay views --drop")
      return try ViewRemoval(store, view: name).drop(lock) {
        try register.note($0, waitSeconds: waitSeconds)
      }
    }
    if global.format == .json {
      let object = JSONValue.object([
        ("view", .string(name)), ("generation", .string(dropped.generation)),
        ("changed", .bool(true)),
      ])
      try StandardOutput.write(object.text + "\n")
    }
    Notice.write(
      "dropped view \(name); the register keeps what it served", quiet: global.quiet)
  }

  func pruneViews() throws {
    let waitSeconds = try waitSeconds()
    let (opened, register) = try OpenedStore.registering(store)
    var removed: [(view: String, stale: ViewRemoval.Stale)] = []
    for name in try opened.run({ try ViewRemoval.places(store) }) {
      let removal = ViewRemoval(store, view: name)
      // Where there is nothing to remove, nobody is waited for.
      if try opened.run({ try removal.stale().isEmpty }) { continue }
      let stale = try opened.run {
        let lock = try ViewLock.take(
          store, name, waitSeconds: waitSeconds, command: "clm-replay views --prune")
        return try removal.prune(lock) { try register.note($0, waitSeconds: waitSeconds) }
      }
      removed += stale.map { (name, $0) }
    }
    let bytes = removed.reduce(0) { $0 + $1.stale.bytes }
    if global.format == .json {
      let rows = removed.map { view, stale in
        JSONValue.object([
          ("view", .string(view)), ("generation", .string(stale.generation)),
          ("bytes", .count(stale.bytes)),
        ])
      }
      let object = JSONValue.object([
        ("pruned", .array(rows)), ("bytes", .count(bytes)), ("changed", .bool(!removed.isEmpty)),
      ])
      try StandardOutput.write(object.text + "\n")
    }
    Notice.write(
      removed.isEmpty
        ? "nothing to prune" : "pruned \(removed.count) generations, \(bytes) bytes",
      quiet: global.quiet)
  }

  func waitSeconds() throws -> Double { Double(try Times.length(wait, option: "--wait")) / 1e6 }

  /// What was removed when, beside the rows of the history.
  func tellRemovals(_ register: Register) {
    let dropped = register.dropped.map { recorded, number, dropped in
      (number, "view \(dropped.view) was dropped on \(RFC3339.text(recorded))")
    }
    let pruned = register.pruned.map { recorded, number, pruned in
      let list = pruned.generations.joined(separator: ", ")
      return (number, "of view \(pruned.view), \(list) went on \(RFC3339.text(recorded))")
    }
    let erased = register.erasures.map { recorded, number, erasure in
      let first = erasure.positions.first ?? 0
      return (
        number,
        "\(erasure.positions.count) events of \(erasure.subjectHashes.count) \(erasure.subjectHashes.count == 1 ? "subject" : "subjects") were erased on \(RFC3339.text(recorded)): what was served before of more than \(first) events cannot be computed again"
      )
    }
    let copied = register.backups.map { recorded, number, backup in
      (
        number,
        "\(backup.size) events were backed up to \(backup.destination) on \(RFC3339.text(recorded))"
      )
    }
    for (number, what) in (dropped + pruned + erased + copied).sorted(by: { $0.0 < $1.0 }) {
      Notice.write("record \(number): \(what)", quiet: global.quiet)
    }
  }
}
