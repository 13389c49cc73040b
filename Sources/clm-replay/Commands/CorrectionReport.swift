import EventStore
import Projections

/// What was learned of one customer's past, in the forms of `history --corrections`.
struct CorrectionReport {
  private let corrections: [Correction]
  private let subject: CustomerAccess

  init(_ corrections: [Correction], _ subject: CustomerAccess) {
    self.corrections = corrections
    self.subject = subject
  }

  /// Of csv and ndjson a row for each row of the past that is another one.
  static let columns = [
    "recorded", "events", "horizon", "was", "customer", "at", "from", "to", "transition", "cause",
    "event_id", "position",
  ]

  func write(_ format: OutputFormat) throws {
    switch format {
    case .table: try StandardOutput.show(text)
    case .json:
      try StandardOutput.write(JSONValue.array(corrections.map(object)).text + "\n")
    case .csv, .ndjson:
      var writer = RowWriter(
        format: format, columns: Self.columns, file: try OutputFile.open("-"))
      try writer.begin()
      for correction in corrections {
        for row in correction.believed { try writer.add(cells(correction, "believed", row)) }
        for row in correction.known { try writer.add(cells(correction, "known", row)) }
      }
      try writer.end()
    }
  }

  private var rows: ViewRows { ViewRows(subject.compiled.rules) }

  private func cells(
    _ correction: Correction, _ was: String, _ row: Correction.Row
  ) -> [JSONValue] {
    [
      .string(RFC3339.text(correction.recorded)),
      .array(correction.events.map { .string(String($0.line.position)) }),
      .string(RFC3339.text(correction.horizon)), .string(was),
    ] + rows.transition(row.row, customer: row.customer)
  }

  private func object(_ correction: Correction) -> JSONValue {
    func list(_ own: [Correction.Row]) -> JSONValue {
      .array(
        own.map { row in
          .object(
            Array(
              zip(ViewRows.transitionColumns, rows.transition(row.row, customer: row.customer))))
        })
    }
    return .object([
      ("recorded", .string(RFC3339.text(correction.recorded))),
      (
        "events",
        .array(
          correction.events.map { event in
            .object([
              ("position", .count(event.line.position)), ("event_id", .string(event.line.id)),
              ("type", .string(event.line.type)), ("subject", .string(event.line.subject)),
              ("at", .string(RFC3339.text(event.line.occurred))), ("late", .bool(event.isLate)),
              ("link", .bool(event.isLink)),
            ])
          })
      ),
      ("horizon", .string(RFC3339.text(correction.horizon))),
      ("since", .string(RFC3339.text(correction.since))),
      ("believed", list(correction.believed)), ("known", list(correction.known)),
    ])
  }

  private var text: String {
    var lines: [String] = []
    for correction in corrections {
      lines.append(
        "recorded \(SpokenText.instant(correction.recorded)), when the log went up to \(SpokenText.instant(correction.horizon)):"
      )
      for event in correction.events { lines.append("  \(text(event, correction))") }
      lines += text("believed until then", correction.believed)
      lines += text("known since", correction.known)
      lines.append("")
    }
    if corrections.isEmpty { lines += ["no late event and no link changed the past", ""] }
    lines.append("as of \(SpokenText.instant(subject.asOf)), view \(subject.viewName)")
    if let served = subject.served { lines.append(served.text) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func text(_ event: Correction.Event, _ correction: Correction) -> String {
    let line = event.line
    let late =
      event.isLate
      ? "  (\(SpokenText.length(microseconds: correction.recorded - line.occurred)) late)" : ""
    let who = line.subject == subject.name ? "" : "  (\(line.subject))"
    return
      "#\(line.position) \(line.type) \(line.id) of \(SpokenText.instant(line.occurred))\(late)\(event.isLink ? "  (a link)" : "")\(who)"
  }

  private func text(_ title: String, _ own: [Correction.Row]) -> [String] {
    if own.isEmpty { return ["  \(title): nothing else"] }
    return ["  \(title):"]
      + own.map { row in
        let move = row.row.from.map { "\($0) -> \(row.row.to)" } ?? "enters \(row.row.to)"
        let how = row.row.transition.map { "  by \($0)" } ?? ""
        let who = row.customer == subject.name ? "" : "  (\(row.customer))"
        let anchor = row.row.anchor.map { "  #\($0.position)" } ?? ""
        return "    \(SpokenText.instant(row.row.at))  \(move)\(how)\(anchor)\(who)"
      }
  }
}
