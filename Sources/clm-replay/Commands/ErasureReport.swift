import EventStore
import Projections

/// What goes, or went, with an erasure, for people and for programs.
struct ErasureReport {
  let plan: ErasurePlan
  let views: [ErasedViews.View]
  /// Entries of the store's rejects file.
  let rejects: Int
  /// Known copies that hold some of it.
  let backups: [BackupMade]

  /// Of an erasure that was only looked at.
  func tell(
    bytesNeeded: Int, store: String, _ global: GlobalOptions, seconds: Double
  ) throws {
    if global.format == .json {
      let object = JSONValue.object(
        members(true, seconds) + [("bytes_needed", .count(bytesNeeded))])
      return try StandardOutput.write(object.text + "\n")
    }
    let lines =
      ["would erase \(size)"] + lines(store, would: true)
      + ["the log would be written anew: \(bytesNeeded) bytes at most"]
    try StandardOutput.show(lines.joined(separator: "\n") + "\n")
  }

  /// Of one that is done.
  func tell(
    _ outcome: ErasureOutcome, store: String, _ global: GlobalOptions, seconds: Double
  ) throws {
    let checkpoint = outcome.checkpoint(origin: "")
    if global.format == .json {
      let object = JSONValue.object(
        members(false, seconds) + [
          ("record", .count(outcome.record.number)), ("size", .count(checkpoint.size)),
          ("root", .string(Hex.text(checkpoint.root))),
        ])
      try StandardOutput.write(object.text + "\n")
    } else if !global.quiet {
      let lines =
        ["erased \(size): record \(outcome.record.number) of the register"]
        + lines(store, would: false)
        + ["size \(checkpoint.size) and root \(Hex.text(checkpoint.root)) are as they were"]
      try StandardOutput.show(lines.joined(separator: "\n") + "\n")
    }
    Notice.write(
      "not reached: exports, receipts and rejects files elsewhere, copies that `backup` did not make, events of others that mention them, free blocks of the medium",
      quiet: global.quiet)
  }

  private var size: String {
    let subjects = Numbers.counted(plan.subjects.count, "subject")
    let events = Numbers.counted(plan.events, "event")
    return "\(events) of \(subjects), \(plan.lineBytes) bytes"
  }

  private func members(_ isDry: Bool, _ seconds: Double) -> [(String, JSONValue)] {
    let subjects = plan.subjects.map { subject in
      JSONValue.object([("subject", .string(subject.name)), ("events", .count(subject.events))])
    }
    let views = views.map { view in
      JSONValue.object([
        ("name", .string(view.name)), ("generation", .optional(view.generation)),
        ("bytes", .count(view.bytes)),
      ])
    }
    let backups = backups.map { backup in
      JSONValue.object([
        ("destination", .string(backup.destination)), ("size", .count(backup.size)),
        ("exists", .bool(Files.exists(backup.destination))),
      ])
    }
    return [
      ("dry_run", .bool(isDry)), ("changed", .bool(!isDry)), ("subjects", .array(subjects)),
      ("events", .count(plan.events)), ("positions", plan.positions.json),
      ("bytes", .count(plan.lineBytes)), ("views", .array(views)), ("rejects", .count(rejects)),
      ("backups", .array(backups)), ("seconds", .number(Numbers.seconds(seconds))),
    ]
  }

  private func lines(_ store: String, would: Bool) -> [String] {
    var lines = would ? plan.subjects.map { "  \($0.name): \($0.events) events" } : []
    lines += views.map { view in
      "view \(view.name) \(would ? "would be" : "was") removed (\(view.bytes) bytes): `clm-replay replay \(store) --view \(view.name)` makes it again"
    }
    if rejects > 0 {
      lines.append("\(rejects) entries of the rejects file \(would ? "would go" : "went")")
    }
    return lines
      + backups.map { backup in
        let place =
          Files.exists(backup.destination) ? "is there" : "is not there any more, or elsewhere"
        return
          "backup \(backup.destination) of \(backup.size) events \(place): it holds them; `clm-replay forget \(backup.destination)` erases them there"
      }
  }
}
