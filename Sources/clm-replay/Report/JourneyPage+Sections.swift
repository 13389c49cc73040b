import CEL
import Projections

extension JourneyPage {
  var band: ReportSection {
    var section = ReportSection(
      id: "journey", title: "Journey",
      lead: "Stages from the first event to as-of, and below them the events by their type.")
    let (first, last) = (record.firstSeen, max(subject.asOf, record.firstSeen + 1))
    func across(_ instant: Int64) -> Double {
      let span = Double(last) - Double(first)
      return min(1, max(0, (Double(instant) - Double(first)) / span))
    }
    let end = record.parked?.at ?? subject.asOf
    let stays = record.rows.enumerated().map { place, row in
      let to = place + 1 < record.rows.count ? record.rows[place + 1].at : end
      return StageBand.Stay(
        from: across(row.at), to: across(to), name: row.to, style: style(row.to),
        title:
          "\(row.to), \(ReportWords.minute(row.at)) to \(ReportWords.minute(to))\(row.transition.map { ", by \($0)" } ?? "")"
      )
    }
    let day = 86_400_000_000.0
    let ticks = Ticks.days(
      Double(first) / day...max(Double(last) / day, Double(first) / day + 1), count: 8)
    section.figures.append(
      ReportFigure(
        id: "journey-band", title: "\(ReportWords.day(first)) to \(ReportWords.day(subject.asOf))",
        summary:
          "\(record.rows.count) stays in stages: \(record.rows.map(\.to).suffix(20).joined(separator: ", ")); and the events of the customer",
        StageBand(
          stays: stays, lanes: lanes(across),
          ticks: ticks.map { (across(Int64($0.day * day)), $0.label) }
        ).picture, isWide: true,
        legend: stagesSeen.map { (style($0), $0) },
        table: ReportTable(
          "Stays in stages", columns: ["from (UTC)", "stage", "days", "by", "cause"],
          numbers: [2],
          rows: record.rows.enumerated().map { place, row in
            let to = place + 1 < record.rows.count ? record.rows[place + 1].at : end
            return [
              SpokenText.instant(row.at), row.to,
              Numbers.short((Double(to) - Double(row.at)) / day),
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
  private func lanes(_ across: (Int64) -> Double) -> [StageBand.Lane] {
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

  var facts: ReportSection {
    let rules = subject.compiled.rules
    guard let current = record.current else {
      return ReportSection(
        id: "facts", title: "Facts", absent: "A parked customer has no facts.")
    }
    var section = ReportSection(
      id: "facts", title: "Facts", lead: "What the rules know of the customer as of now.")
    let meaning = ConditionWords(rules, nil)
    section.lists.append(
      ReportTable(
        "Facts", columns: ["fact", "value", "is"], numbers: [],
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
}
