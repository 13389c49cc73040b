import ArgumentParser
import EventStore
import Projections

/// What is changed about one customer before it is folded again.
struct WhatIfOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "What if these events had not been: ids, or positions as #12.", valueName: "id"))
  var without: [String] = []
  @Option(
    help: ArgumentHelp(
      "What if these events had been too: NDJSON as for import; - is standard input.",
      valueName: "file"))
  var with: String?
  @OptionGroup var rules: SetOptions

  var isEmpty: Bool { without.isEmpty && with == nil && rules.settings.isEmpty }
}

/// One customer as it is and as it would be, from the same log.
struct WhatIf {
  let subject: CustomerAccess
  /// Rules of what if.
  let compiled: CompiledRules
  let left: [EventLine]
  let added: [EventLine]
  let settings: [String]
  let result: Counterfactual

  init(_ options: WhatIfOptions, _ subject: CustomerAccess) throws {
    self.subject = subject
    settings = options.rules.settings
    let lines = try subject.lines()
    var changed = lines
    compiled =
      settings.isEmpty
      ? subject.compiled : try options.rules.apply(to: subject.compiled.rules).compiled
    // Who belongs to the customer depends on these sections only.
    let joins = ["identity", "events", "ignore"]
    if settings.contains(where: { text in joins.contains { text.hasPrefix($0) } }) {
      changed = try subject.lines(under: compiled)
    }
    left = try options.without.map { try Self.event($0, lines, subject) }
    let positions = Set(left.map(\.position))
    changed.removeAll { positions.contains($0.position) }
    added = try options.with.map { try Self.events(in: $0, lines, subject) } ?? []
    changed = try Self.joined(
      changed + added, before: Set(lines.map(\.subject)), subject, compiled)
    result = Counterfactual(
      Explainer(subject.compiled, customer: subject.name, lines: lines, asOf: subject.asOf),
      Explainer(compiled, customer: subject.name, lines: changed, asOf: subject.asOf))
  }

  // MARK: Without

  private static func event(
    _ text: String, _ lines: [EventLine], _ subject: CustomerAccess
  ) throws -> EventLine {
    let position = text.hasPrefix("#") ? UInt64(text.dropFirst()) : nil
    let found = lines.filter { $0.id == text || $0.position == position }
    if found.count == 1 { return found[0] }
    if found.isEmpty {
      throw CommandError(
        exit: .couldNotRun, code: "unknown-event",
        message: "customer `\(subject.name)` has no event `\(text)` in view",
        help: "`clm-replay history` lists the customer's events with position and id")
    }
    throw CommandError(
      exit: .couldNotRun, code: "ambiguous-event",
      message: "customer `\(subject.name)` has \(found.count) events `\(text)`",
      help: "name one by its position: \(found.map { "#\($0.position)" }.joined(separator: ", "))")
  }

  // MARK: With

  /// The events of a file; their positions are behind all others.
  private static func events(
    in file: String, _ lines: [EventLine], _ subject: CustomerAccess
  ) throws -> [EventLine] {
    let bytes = try InputFile.read(file, what: "file of events")
    var events: [EventLine] = []
    let parts = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      var line = Array(part)
      if index == 0, line.starts(with: [0xef, 0xbb, 0xbf]) { line.removeFirst(3) }
      if line.last == 0x0d { line.removeLast() }
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      let place = Place(file: file, line: index + 1, text: line)
      do throws(Rejection) {
        try LineCheck.check(line)
      } catch {
        throw place.error(
          error.code, error.message, "the file takes lines as `clm-replay import` does")
      }
      // Behind every position that a log can have.
      let position = UInt64(Int64.max) + UInt64(events.count)
      guard let event = EventLine(position: position, line: line) else {
        throw place.error("bad-line", "the line cannot be read", nil)
      }
      try check(event, lines + events, subject, place)
      events.append(event)
    }
    if events.isEmpty {
      throw CommandError(
        exit: .couldNotRun, code: "no-event", message: "the file of events `\(file)` has none",
        help: "each line is one event, as `clm-replay history --format ndjson` shows them")
    }
    return events
  }

  private struct Place {
    var file: String
    var line: Int
    var text: [UInt8]

    func error(_ code: String, _ message: String, _ help: String?) -> CommandError {
      CommandError(
        exit: .couldNotRun, code: code, message: "\(file):\(line): \(message)", help: help)
    }
  }

  private static func check(
    _ event: EventLine, _ known: [EventLine], _ subject: CustomerAccess, _ place: Place
  ) throws {
    let names = Set(known.map(\.subject)).union([subject.name])
    if !names.contains(event.subject) {
      throw place.error(
        "other-subject", "the event is about `\(event.subject)`, which is not this customer",
        "its subject may be \(names.sorted().prefix(5).joined(separator: ", "))")
    }
    if let same = known.first(where: { $0.id == event.id && $0.source == event.source }) {
      throw place.error(
        "duplicate", "event `\(event.id)` of source `\(event.source)` is there already",
        same.position < UInt64(Int64.max)
          ? "give it another id, or leave the old one out with --without #\(same.position) as well"
          : "give it another id")
    }
    if event.occurred > subject.asOf {
      throw place.error(
        "after-as-of",
        "the event occurs \(RFC3339.text(event.occurred)), after as-of \(RFC3339.text(subject.asOf))",
        "look at a later instant with --as-of")
    }
  }

  // MARK: Who is the customer then

  /// Those events that still are the customer's.
  private static func joined(
    _ lines: [EventLine], before: Set<String>, _ subject: CustomerAccess, _ compiled: CompiledRules
  ) throws -> [EventLine] {
    guard compiled.rules.identity != nil else { return lines }
    let links = CustomerLookup.links(of: lines, compiled: compiled)
    var follows: [String: String] = [:]
    for link in links {
      follows[link.named] = link.subject
      let isNew = link.position >= UInt64(Int64.max)
      if isNew && !before.contains(link.named) {
        throw CommandError(
          exit: .couldNotRun, code: "joins-others",
          message:
            "an event of the file would join `\(link.named)`, whose events are not this customer's",
          help:
            "only one customer is folded here; put its events into the file, or leave the link out")
      }
    }
    return lines.filter { line in
      var name = line.subject
      while let next = follows[name] { name = next }
      return name == subject.name
    }
  }
}
