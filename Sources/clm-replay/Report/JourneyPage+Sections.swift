import CEL
import Projections

extension JourneyPage {
  private static let day = 86_400_000_000.0

  /// Where an instant stands between the first event and as-of, 0 to 1.
  private func across(_ instant: Int64) -> Double {
    let (first, last) = (Double(record.firstSeen), Double(max(subject.asOf, record.firstSeen + 1)))
    return min(1, max(0, (Double(instant) - first) / (last - first)))
  }

  private var ticks: [(across: Double, label: String)] {
    let first = Double(record.firstSeen) / Self.day
    let last = max(Double(subject.asOf) / Self.day, first + 1)
    return Ticks.days(first...last, count: 8).map {
      (across(Int64($0.day * Self.day)), $0.label)
    }
  }

  var band: ReportSection {
    var section = ReportSection(
      id: "journey", title: "Journey",
      lead: "Stages from the first event to as-of, and below them the events by their type.")
    let first = record.firstSeen
    let end = record.parked?.at ?? subject.asOf
    let stays = record.rows.enumerated().map { place, row in
      let to = place + 1 < record.rows.count ? record.rows[place + 1].at : end
      return StageBand.Stay(
        from: across(row.at), to: across(to), name: row.to, style: style(row.to),
        title:
          "\(row.to), \(ReportWords.minute(row.at)) to \(ReportWords.minute(to))\(row.transition.map { ", by \($0)" } ?? "")"
      )
    }
    section.figures.append(
      ReportFigure(
        id: "journey-band", title: "\(ReportWords.day(first)) to \(ReportWords.day(subject.asOf))",
        summary:
          "\(record.rows.count) stays in stages: \(record.rows.map(\.to).suffix(20).joined(separator: ", ")); and the events of the customer",
        StageBand(
          stays: stays, lanes: lanes,
          ticks: ticks
        ).picture, isWide: true,
        legend: stagesSeen.map { (style($0), $0) },
        table: ReportTable(
          "Stays in stages", columns: ["from (UTC)", "stage", "days", "by", "cause"],
          numbers: [2],
          rows: record.rows.enumerated().map { place, row in
            let to = place + 1 < record.rows.count ? record.rows[place + 1].at : end
            return [
              SpokenText.instant(row.at), row.to,
              Numbers.short((Double(to) - Double(row.at)) / Self.day),
              row.transition ?? "", row.isTimer ? "time alone" : "event",
            ]
          })))
    return section
  }

  private var stagesSeen: [String] {
    let seen = Set(record.rows.map(\.to))
    return subject.compiled.rules.stages.map(\.name).filter(seen.contains)
  }

  func style(_ stage: String) -> String {
    let rules = subject.compiled.rules
    let isChurned = rules.stages.map { stage in
      ([stage.name] + stage.also).contains { MetricsPlan.churnNames.contains($0) }
    }
    let styles = StageStyles.of(isChurned)
    return rules.stages.firstIndex { $0.name == stage }.map { styles[$0] } ?? "c1"
  }

  /// Types of events, the most frequent first.
  private var lanes: [StageBand.Lane] {
    var contents = EventContents(subject.compiled)
    var byType: [String: [(across: Double, title: String)]] = [:]
    for case .event(let line) in steps {
      let says = contents.parts(of: line).map { words.text($0) }.joined(separator: ", ")
      byType[line.type, default: []].append(
        (
          across(line.occurred),
          "\(ReportWords.minute(line.occurred)) \(line.type)\(says.isEmpty ? "" : ": \(says)")"
        ))
    }
    let sorted = byType.sorted { ($0.value.count, $1.key) > ($1.value.count, $0.key) }
    let (shown, rest) = (sorted.prefix(10), sorted.dropFirst(10))
    var lanes = shown.map { type, events in
      StageBand.Lane(name: type, style: "c2", events: events)
    }
    if !rest.isEmpty {
      lanes.append(
        StageBand.Lane(
          name: "other types", style: "c1",
          events: rest.flatMap(\.value).sorted { $0.across < $1.across }))
    }
    return lanes
  }

  // MARK: Facts

  /// - Parameter read: names of the facts that the rules of the customer's moves read.
  func facts(readByRules read: [String]) throws -> ReportSection {
    let rules = subject.compiled.rules
    guard let current = record.current else {
      return ReportSection(
        id: "facts", title: "Facts", absent: "A parked customer has no facts.")
    }
    var section = ReportSection(
      id: "facts", title: "Facts",
      lead:
        "What the rules know of the customer, and how that came: facts that the rules of the moves read, with a line at each move."
    )
    if let figure = try history(of: read) {
      section.figures.append(figure)
    } else {
      section.lead = "What the rules know of the customer."
    }
    let meaning = ConditionWords(rules, nil)
    section.lists.append(
      ReportTable(
        "As of \(ReportWords.day(subject.asOf))", columns: ["fact", "value", "is"], numbers: [],
        rows: rules.facts.enumerated().map { place, fact in
          let leftOut = record.leftOut.first { $0.fact == place }
          let note = leftOut.map { " (\(FactText.leftOut($0.events)))" } ?? ""
          return [
            fact.name, (current.facts[place].map { words.text($0) } ?? "unset") + note,
            meaning.meaning(of: fact.name) ?? "",
          ]
        }))
    return section
  }

  /// Facts that one picture holds.
  private static let drawnFacts = 6

  /// Facts that are numbers over time; nil where there are none, or no time has passed.
  private func history(of read: [String]) throws -> ReportFigure? {
    let rules = subject.compiled.rules
    let report = ReportWords(rules)
    let wanted = rules.facts.indices.filter { read.contains(rules.facts[$0].name) }
    if wanted.isEmpty || subject.asOf <= record.firstSeen { return nil }
    let history = FactHistory(
      subject.compiled, record, lines: try subject.lines(), asOf: subject.asOf)
    func value(_ point: FactHistory.Point, _ fact: Int) -> Value? {
      point.values.isEmpty ? nil : point.values[fact]
    }
    let drawn = wanted.filter { fact in
      history.points.contains { FactHistory.number(value($0, fact), report) ?? 0 > 0 }
    }.prefix(Self.drawnFacts)
    if drawn.isEmpty { return nil }
    let lanes = drawn.map { fact -> FactLanes.Lane in
      let most = history.points.max {
        FactHistory.number(value($0, fact), report) ?? 0
          < FactHistory.number(value($1, fact), report) ?? 0
      }
      let text = most.flatMap { value($0, fact) }.map { words.text($0) } ?? ""
      return FactLanes.Lane(
        name: rules.facts[fact].name, range: "0 to \(text)",
        steps: history.points.map {
          (across($0.at), FactHistory.number(value($0, fact), report))
        }, title: "\(rules.facts[fact].name), 0 to \(text)")
    }
    let moves = record.rows.suffix(ReportTable.longest)
    return ReportFigure(
      id: "facts-history", title: "Over time",
      summary: "\(drawn.map { rules.facts[$0].name }.joined(separator: ", ")) over time",
      FactLanes(lanes: lanes, moves: moves.map { across($0.at) }, ticks: ticks).picture,
      isWide: true,
      table: ReportTable(
        "Facts at each move", columns: ["at (UTC)", "to"] + drawn.map { rules.facts[$0].name },
        numbers: Set(2..<2 + drawn.count),
        rows: moves.map { row in
          let point = history.points.first { $0.at == row.at }
          return [SpokenText.instant(row.at), row.to]
            + drawn.map { fact in
              point.flatMap { value($0, fact) }.map { words.text($0) } ?? ""
            }
        }))
  }
}
