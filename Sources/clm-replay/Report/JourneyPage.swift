import CEL
import EventStore
import Projections

/// One customer's journey as a page: the stages on a time line, why each move happened, the facts of today, and all events.
struct JourneyPage {
  let subject: CustomerAccess
  let manifest: ViewManifest
  let entry: ViewCustomer
  let record: CustomerRecord
  let words: SpokenText
  let steps: [HistoryStep]
  /// Moves that are explained; the last ones of more.
  private static let explained = 40
  /// Events that the list has; the last ones of more.
  private static let listed = 400

  init(_ subject: CustomerAccess, _ manifest: ViewManifest) throws {
    self.subject = subject
    self.manifest = manifest
    entry = try subject.viewCustomer()
    record = try subject.record()
    words = SpokenText(subject.compiled.rules)
    steps = try subject.history()
  }

  private struct Content: Sendable {
    var customer: String
    var subtitle: String
    var tiles: [Tile]
    var sections: [ReportSection]
    var moves: [Move]
    var earlier: [ReportSection.Remark]
    var next: String
    var events: [TimelineStep]
    var cut: [ReportSection.Remark]
    var receipt: [ReportPage.Pair]
  }

  private struct Tile: Sendable {
    var name: String
    var value: String
    var note: String
  }

  /// A change of stage, and why.
  private struct Move: Sendable {
    var at: String
    var what: String
    var style: String
    var rule: String
    var conditions: [ConditionLine]
    var evidence: [Evidence]
  }

  private struct Evidence: Sendable {
    var text: String
    var events: [TimelineStep]
  }

  func html() throws -> String {
    let rows = record.rows
    let first = max(0, rows.count - Self.explained)
    let explainer = try subject.explainer()
    let explanations = rows.indices[first...].map { (rows[$0], explainer.explain(row: $0)) }
    let moves = explanations.reversed().map { move($0, $1) }
    let read = explanations.flatMap { $1?.facts.map(\.name) ?? [] }
    let events = eventSteps
    return try HTMLPage.render(
      title: "\(record.name): journey as of \(ReportWords.day(subject.asOf))", body: Self.template,
      style: ReportStyle.text + "\n" + Self.style,
      Content(
        customer: record.name.printable, subtitle: subtitle.printable, tiles: tiles,
        sections: [band, try facts(readByRules: read)], moves: moves,
        earlier: first == 0
          ? []
          : [
            .init(text: "The last \(rows.count - first) of \(rows.count) moves are explained here.")
          ],
        next: nextSentence.printable,
        events: Array(events.suffix(Self.listed)),
        cut: events.count <= Self.listed
          ? []
          : [
            .init(
              text:
                "The last \(Self.listed) of \(events.count) lines; `clm-replay history` has all.")
          ],
        receipt: ReportPage.receipt(manifest, subject.compiled.rules)))
  }

  // MARK: Head

  private var subtitle: String {
    let rules = subject.compiled.rules
    let others = record.subjects.isEmpty ? [] : ["also \(record.subjects.joined(separator: ", "))"]
    return
      ([
        "View \(subject.viewName)", "model \(rules.modelName) v\(rules.modelVersion)",
        "as of \(ReportWords.minute(subject.asOf))",
      ] + others).joined(separator: " · ")
  }

  private var nextSentence: String {
    if let parked = record.parked {
      return "Parked since \(SpokenText.instant(parked.at)): \(parkedText(parked))."
    }
    guard let next = record.current?.next else { return "Time alone changes nothing from here." }
    return
      "If nothing happens: \(next.to ?? "parked") on \(ReportWords.minute(next.at))."
  }

  private var tiles: [Tile] {
    var tiles: [Tile] = []
    func add(_ name: String, _ value: String, _ note: String) {
      tiles.append(
        Tile(name: name, value: value.printable, note: note.printable))
    }
    guard let current = record.current else {
      add("Stage", "parked", nextSentence)
      return tiles
    }
    let report = ReportWords(subject.compiled.rules)
    add("Stage", current.stage, "since \(ReportWords.day(current.since))")
    if let next = current.next {
      add("Next", next.to ?? "parked", "on \(ReportWords.day(next.at)), if nothing happens")
    }
    let count = steps.count { if case .event = $0 { true } else { false } }
    add(
      "Events", Numbers.grouped(Int64(count)),
      "\(ReportWords.day(record.firstSeen)) to \(ReportWords.day(current.lastSeen))")
    if let value = ViewRows(subject.compiled.rules).historicalValue(current) {
      add("Value so far", report.money(value), ReportWords.number(current.purchases, "purchase"))
    }
    if let value = entry.value {
      if let expected = value.expected {
        add(
          "Expected value", report.money(expected),
          "\(Numbers.short(value.purchases)) purchases to come")
      }
      add(
        "P(alive)", "\(ReportWords.percent(value.probabilityAlive)) %",
        "still a customer, by the model")
    }
    if let scores = entry.scores {
      add("RFM", "\(scores.r)\(scores.f)\(scores.m)", scores.name)
    }
    if !entry.segments.isEmpty {
      add("Segments", String(entry.segments.count), entry.segments.joined(separator: ", "))
    }
    return tiles
  }

  // MARK: Moves

  private func move(_ row: CustomerRecord.Row, _ explanation: Explanation?) -> Move {
    var move = Move(
      at: ReportWords.minute(row.at),
      what: (row.from.map { "\($0) → \(row.to)" } ?? "enters \(row.to)").printable,
      style: style(row.to), rule: "the first event: everybody enters here", conditions: [],
      evidence: [])
    guard let explanation else { return move }
    let parts = ExplanationWords(explanation, subject)
    if let rule = row.transition {
      move.rule = "by \(rule)\(row.isTimer ? ", time alone" : "")".printable
      move.conditions = parts.conditions.map { ConditionLine($0) }
    }
    if let minimal = parts.minimal, row.transition != nil {
      let events = minimal.events.suffix(12)
      let more = minimal.events.count - events.count
      move.evidence = [
        Evidence(
          text:
            "\(minimal.text)\(more > 0 ? "; the last \(events.count)" : "")\(minimal.absence.map { "; \($0)" } ?? "")"
            .printable,
          events: events.map { TimelineStep($0) })
      ]
    }
    return move
  }

  // MARK: Events

  private var eventSteps: [TimelineStep] {
    var contents = EventContents(subject.compiled)
    return steps.map { step -> TimelineStep in
      switch step {
      case .event(let line):
        let says = contents.parts(of: line).map { words.text($0) }.joined(separator: ", ")
        var step = TimelineStep(
          ExplanationWords.Event(
            position: line.position, at: line.occurred, type: line.type, id: line.id, says: says))
        if line.subject != record.name { step.what += " (\(line.subject.printable))" }
        return step
      case .transition(let row): return TimelineStep(row)
      }
    }
  }
}
