import EventStore
import Projections

/// Customers of a view found by a part of a subject's name.
struct LikeSearch {
  let store: String
  let view: String?
  let text: String

  /// A customer, and the subject whose name has the text: its own name if that has it.
  private struct Match {
    var customer: String
    var stage: String?
    var since: Int64?
    var subject: String
  }

  /// So many stand in a list for people.
  private static let shown = 100

  func run(_ global: GlobalOptions) throws {
    let (opened, reader) = try OpenedStore.open(store, withView: view)
    let matches = try opened.run { try self.matches(reader) }
    if matches.isEmpty {
      throw CommandError(
        exit: .couldNotRun, code: "unknown-customer",
        message: "no customer of view `\(reader.manifest.name)` has `\(text)` in a name",
        help: "`clm-replay export \(store) --table customers -o -` lists them")
    }
    if global.format == .json {
      try StandardOutput.write(json(matches).text + "\n")
    } else {
      try StandardOutput.show(table(matches))
    }
  }

  private func matches(_ reader: ViewReader) throws -> [Match] {
    let wanted = text.lowercased()
    var matches: [Match] = []
    try reader.forEachCustomer { entry in
      let record = entry.record
      let subject = ([record.name] + record.subjects).first { $0.lowercased().contains(wanted) }
      guard let subject else { return }
      matches.append(
        Match(
          customer: record.name, stage: record.current?.stage, since: record.current?.since,
          subject: subject))
    }
    return matches
  }

  private func table(_ matches: [Match]) -> String {
    var table = TextTable(columns: ["customer", "stage", "since", "found by"], numeric: [])
    for match in matches.prefix(Self.shown) {
      table.add([
        match.customer, match.stage ?? "(parked)", match.since.map(SpokenText.instant) ?? "",
        match.subject == match.customer ? "" : match.subject,
      ])
    }
    let more = matches.count - Self.shown
    let rest = more > 0 ? ["(\(more) more; all of them with --format json)"] : []
    return (table.lines + rest).joined(separator: "\n") + "\n"
  }

  private func json(_ matches: [Match]) -> JSONValue {
    .object([
      (
        "customers",
        .array(
          matches.map { match in
            .object([
              ("customer", .string(match.customer)), ("stage", .optional(match.stage)),
              ("since", .optional(match.since.map { RFC3339.text($0) })),
              ("subject", .string(match.subject)),
            ])
          })
      )
    ])
  }
}
