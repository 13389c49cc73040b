import Projections

extension FaultReport {
  private static let told = 12

  /// Warns on standard error of what a replay could not use, in a short block.
  func tell() { Self.tell(warnings) }

  static func tell(_ warnings: [Warning]) {
    for warning in warnings.prefix(told) {
      ErrorReport(
        isWarning: true, code: warning.code, message: warning.message, help: warning.help
      ).write()
    }
    if warnings.count > told {
      ErrorReport(
        isWarning: true, code: "more-warnings",
        message: "\(warnings.count - told) more; --format json lists all under `warnings`"
      ).write()
    }
  }
}

func warningJSON(_ warning: FaultReport.Warning) -> JSONValue {
  var members: [(String, JSONValue)] = [
    ("code", .string(warning.code)), ("message", .string(warning.message)),
  ]
  if let help = warning.help { members.append(("help", .string(help))) }
  return .object(members)
}

/// What the facts of a table left out, told beside its rows.
struct LeftOutEvents {
  private let rules: Rules
  private var events: [Int]
  private var customers: [Int]

  init(_ rules: Rules) {
    self.rules = rules
    events = Array(repeating: 0, count: rules.facts.count)
    customers = events
  }

  mutating func add(_ record: CustomerRecord) {
    for entry in record.leftOut {
      events[entry.fact] += entry.events
      customers[entry.fact] += 1
    }
  }

  mutating func add(_ other: LeftOutEvents) {
    for fact in events.indices {
      events[fact] += other.events[fact]
      customers[fact] += other.customers[fact]
    }
  }

  func tell() {
    let found = rules.facts.indices.filter { events[$0] > 0 }
    if found.isEmpty { return }
    let list = found.map {
      "`\(rules.facts[$0].name)` \(Numbers.counted(events[$0], "event")) of \(Numbers.counted(customers[$0], "customer"))"
    }
    ErrorReport(
      isWarning: true, code: "left-out",
      message: "facts left out events that gave them no value: \(list.joined(separator: ", "))",
      help: "`clm-replay replay` says which and why; `show` marks them for a customer"
    ).write()
  }
}

/// Customers whose rules do not determine a stage.
enum ParkedNotice {
  static func leftOut(_ count: Int64, quiet: Bool) {
    if count > 0 {
      Notice.write("note: \(count) parked customers are left out", quiet: quiet)
    }
  }

  static func error(_ summary: ReplaySummary, exit: ExitStatus) -> CommandError? {
    guard let first = summary.parked.first else { return nil }
    return CommandError(
      exit: exit, code: "parked",
      message:
        "\(count(summary.parked.count)) parked, `\(first.customer)` first: their rules do not determine a stage",
      help:
        "transitions \(first.parking.transitions.joined(separator: ", ")) chase each other; `clm-replay explain` shows a customer"
    )
  }

  /// Of a view that has parked customers already.
  static func error(_ manifest: ViewManifest) -> CommandError? {
    if manifest.parked == 0 { return nil }
    return CommandError(
      exit: .problems, code: "parked",
      message: "\(count(Int(manifest.parked))) parked: their rules do not determine a stage",
      help: "`clm-replay replay --format json` lists them; `clm-replay explain` shows a customer")
  }

  private static func count(_ parked: Int) -> String {
    parked == 1 ? "1 customer is" : "\(parked) customers are"
  }
}
