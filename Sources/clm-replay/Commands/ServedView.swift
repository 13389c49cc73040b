import EventStore
import Projections

/// What a view was at some time, from the register: rules, size and as-of. The view itself may be gone.
struct ServedView {
  let name: String
  let rules: LoadedRules
  let view: LogView
  let record: Record

  /// The entry of the register that says so.
  struct Record {
    var number: UInt64
    var switchedAt: Int64
    var served: ViewSwitch

    var json: JSONValue {
      .object([
        ("record", .count(number)), ("view", .string(served.view)),
        ("rules_hash", .string(Hex.text(served.rulesHash))), ("size", .count(served.size)),
        ("as_of", .string(RFC3339.text(served.asOf))),
        ("switched_at", .string(RFC3339.text(switchedAt))),
        ("output_root", .string(Hex.text(served.outputRoot))),
      ])
    }

    var text: String {
      "served by view \(served.view) since \(SpokenText.instant(switchedAt)): record \(number), rules \(Hex.text(served.rulesHash)), size \(served.size), as of \(SpokenText.instant(served.asOf))"
    }
  }

  /// - Parameters:
  ///   - view: its name; needed where the register knows several.
  ///   - time: as the user wrote it.
  init(_ opened: OpenedStore, view: String?, at time: String) throws {
    let instant = try Times.instant(time, option: "--as-served")
    let register = try opened.run { try opened.snapshot.register() }
    let names = Set(register.switches.map { $0.view.view }).sorted()
    if view == nil && names.count > 1 {
      throw CommandError(
        exit: .usage, code: "several-views",
        message: "the register of `\(opened.path)` has several views, and none is named",
        help: "add --view with one of \(names.joined(separator: ", "))")
    }
    let entry = register.switches.last {
      $0.recorded <= instant && (view == nil || $0.view.view == view)
    }
    guard let entry, let source = register.rules(hash: entry.view.rulesHash) else {
      throw CommandError(
        exit: .couldNotRun, code: "not-served",
        message: "no view\(view.map { " `\($0)`" } ?? "") was served at \(RFC3339.text(instant))",
        help: "`clm-replay views \(opened.path) --history` lists what was served, and when")
    }
    let dropped = register.dropped.first {
      $0.view.view == entry.view.view && $0.number > entry.number && $0.recorded <= instant
    }
    if let dropped {
      throw CommandError(
        exit: .couldNotRun, code: "not-served",
        message:
          "view `\(entry.view.view)` was not served at \(RFC3339.text(instant)): it was dropped on \(RFC3339.text(dropped.recorded))",
        help: "`clm-replay views \(opened.path) --history` lists what was served, and when")
    }
    if let erasure = register.erasure(ofFirst: entry.view.size, after: entry.number) {
      ErrorReport(
        isWarning: true, code: "erased",
        message:
          "events that view `\(entry.view.view)` was made from were erased on \(RFC3339.text(erasure.recorded)) (record \(erasure.number)): what follows is without them"
      ).write()
    }
    name = entry.view.view
    record = Record(number: entry.number, switchedAt: entry.recorded, served: entry.view)
    rules = try LoadedRules.load(source, named: "record \(entry.number) of the register")
    self.view = try opened.logView(size: entry.view.size, asOf: entry.view.asOf)
  }
}
