import ArgumentParser
import EventStore
import Projections

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List one customer's events and transitions in order.",
    discussion: """
      EXAMPLE
        clm-replay history store C-1042
        clm-replay history store C-1042 --corrections

      At one instant what time alone changed comes first, then each event with the transitions that it caused. Behind an event
      stands what it says in the fields that the rules read. With --corrections: what was learned of the past as the log grew,
      by late events and by links; what was believed until then, and what is known since (docs/times.md).
      """)

  @OptionGroup var options: CustomerOptions
  @Flag(help: "What late events and links changed: what was believed then, what is known since.")
  var corrections = false
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let subject = try options.access(quiet: global.quiet)
    if corrections {
      // Who is not there has no past to be corrected.
      _ = try subject.record()
      return try CorrectionReport(try subject.corrections(), subject).write(global.format ?? .table)
    }
    let steps = try subject.history()
    switch global.format ?? .table {
    case .table: try StandardOutput.show(text(steps, subject))
    case .json:
      try StandardOutput.write(JSONValue.array(steps.map { object($0) }).text + "\n")
    case .ndjson:
      try StandardOutput.write(steps.map { object($0).text + "\n" }.joined())
    case .csv:
      let file = try OutputFile.open("-")
      var writer = RowWriter(format: .csv, columns: Self.columns, file: file)
      try writer.begin()
      for step in steps { try writer.add(cells(step)) }
      try writer.end()
      try file.close()
    }
  }

  static let columns = [
    "at", "kind", "position", "event_id", "type", "subject", "from", "to", "transition", "cause",
  ]

  private func cells(_ step: HistoryStep) -> [JSONValue] {
    switch step {
    case .event(let event):
      return [
        .string(RFC3339.text(event.occurred)), .string("event"), .count(event.position),
        .string(event.id), .string(event.type), .string(event.subject), .null, .null, .null, .null,
      ]
    case .transition(let row):
      return [
        .string(RFC3339.text(row.at)), .string("transition"),
        row.anchor.map { .count($0.position) } ?? .null, .optional(row.anchor?.eventID), .null,
        .null, .optional(row.from), .string(row.to), .optional(row.transition),
        .string(row.isTimer ? "timer" : "event"),
      ]
    }
  }

  private func object(_ step: HistoryStep) -> JSONValue {
    var members = Array(zip(Self.columns, cells(step)))
    if case .event(let event) = step {
      members = members.filter { if case .null = $0.1 { return false } else { return true } }
      members.append(("event", .number(String(decoding: event.line, as: UTF8.self))))
    } else {
      members = members.filter { $0.0 != "type" && $0.0 != "subject" }
    }
    return .object(members)
  }

  private func text(_ steps: [HistoryStep], _ subject: CustomerAccess) -> String {
    var lines: [String] = []
    let words = SpokenText(subject.compiled.rules)
    var contents = EventContents(subject.compiled)
    for step in steps {
      switch step {
      case .event(let event):
        let says = contents.parts(of: event).map { words.text($0) }.joined(separator: ", ")
        let who = event.subject == subject.name ? "" : "  (\(event.subject))"
        lines.append(
          "\(SpokenText.instant(event.occurred))    #\(event.position) \(event.type) \(event.id)\(says.isEmpty ? "" : "  ")\(says)\(who)"
        )
      case .transition(let row):
        let move = row.from.map { "\($0) -> \(row.to)" } ?? "enters \(row.to)"
        let how = row.transition.map { "  by \($0)" } ?? ""
        let anchor =
          row.isTimer
          ? (row.anchor.map { "  (time alone, since #\($0.position))" } ?? "  (time alone)") : ""
        lines.append("\(SpokenText.instant(row.at))  * \(move)\(how)\(anchor)")
      }
    }
    lines.append("")
    lines.append("* a change of stage; # an event, by its position in the log")
    lines.append("as of \(SpokenText.instant(subject.asOf)), view \(subject.viewName)")
    if let served = subject.served { lines.append(served.text) }
    return lines.joined(separator: "\n") + "\n"
  }
}
