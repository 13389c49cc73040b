import Projections

/// How many go on from stage to stage, and where most is lost.
struct FunnelSection {
  private let source: ReportSource
  private let table: ReadTable

  init(_ source: ReportSource) {
    self.source = source
    // There is one period, so that rows are stages.
    table = source.wholeStages
  }

  private func entries(_ stage: Int) -> Int64 { table.count(stage, "entries") }

  /// The stage that loses the largest share of its entries: of those that lead up, but for the last, in which one is meant to
  /// stay, and of those that more than a few enter.
  var worst: (stage: Int, share: Double, entries: Int64)? {
    let most = source.ladder.map { entries($0) }.max() ?? 0
    let candidates = source.ladder.dropLast().filter {
      entries($0) >= 20 && entries($0) * 20 >= most
    }
    let found = candidates.compactMap { stage in
      table.number(stage, "drop_off").map { (stage, $0, entries(stage)) }
    }
    return found.max { $0.1 < $1.1 }.flatMap { $0.1 > 0 ? $0 : nil }
  }

  private func row(_ stage: Int, most: Int64, isLast: Bool) -> RowBars.Row {
    let name = source.stages[stage]
    let count = entries(stage)
    let text = Numbers.grouped(count)
    var notes: [String] = []
    if !isLast, let share = table.number(stage, "conversion") {
      notes.append("\(ReportWords.percent(share)) % go on")
    }
    if let share = table.number(stage, "drop_off") {
      notes.append("\(ReportWords.percent(share)) % drop off")
    }
    if let days = table.number(stage, "dwell_days_p50") {
      let within = ReportWords.days(days)
      notes.append("half leave \(within == "at once" ? within : "within \(within)")")
    }
    let isWorst = worst?.stage == stage
    return RowBars.Row(
      name: isWorst ? "\(name): most drops off here" : name, value: text,
      parts: most == 0
        ? []
        : [
          .init(
            share: Double(count) / Double(most), style: isWorst ? "lost" : "c2",
            title: "\(name): \(text) entries")
        ], note: notes.joined(separator: " · "), isMarked: isWorst)
  }

  /// How long those who left had stayed; nil where nobody has left any stage.
  private var dwell: ReportFigure? {
    let left = source.stages.indices.filter { table.number($0, "dwell_days_p50") != nil }
    if left.isEmpty { return nil }
    return ReportFigure(
      id: "funnel-dwell", title: "Time in a stage: half of those who left had stayed at most",
      summary: "Median length of the stays that ended, by stage",
      RowBars.amounts(
        left.map { stage in
          let days = table.number(stage, "dwell_days_p50") ?? 0
          return (source.stages[stage], days, ReportWords.days(days), source.stageStyles[stage])
        }
      ).picture,
      table: table.page(
        "Days in a stage, of stays that ended",
        [
          "stage", "exits", "dwell_days_p25", "dwell_days_p50", "dwell_days_p75", "dwell_days_p90",
        ],
        rows: left, all: "clm-replay metrics STORE --table stages --period all"))
  }

  var section: ReportSection {
    let ladder = source.ladder
    let most = ladder.map { entries($0) }.max() ?? 0
    var section = ReportSection(
      id: "funnel", title: "Funnel and pain points",
      lead:
        "Entries into each stage over all time, in the order of the rules. An entry goes on if its next move leads to the next stage, and drops off if it leads back or has not come \(SpokenText.length(microseconds: source.metrics.plan.settings.stuckAfter)) later."
    )
    if ladder.isEmpty {
      section.absent = [
        .init(text: "The first stage counts as churned, so no stages lead up.")
      ]
      return section
    }
    let churned = zip(source.stages, source.isChurned).filter(\.1).map(\.0)
    section.figures.append(
      ReportFigure(
        id: "funnel-entries", title: "Entries",
        summary:
          "Entries into each stage, with the share that goes on and the share that drops off",
        RowBars(rows: ladder.map { row($0, most: most, isLast: $0 == ladder.upperBound - 1) })
          .picture,
        table: table.page(
          "Stages over all time",
          [
            "stage", "entries", "exits", "to_next", "conversion", "down", "stuck", "drop_off",
            "dwell_days_p25", "dwell_days_p50", "dwell_days_p75", "churned", "won_back",
          ], rows: Array(table.rows),
          all: "clm-replay metrics STORE --table stages --period all")))
    if let dwell { section.figures.append(dwell) }
    if !churned.isEmpty && ladder.upperBound < source.stages.count {
      section.remark(
        "Stages from \(churned[0]) on are no steps up; the table has them. In \(source.stages[ladder.upperBound - 1]), the last step, staying is the aim."
      )
    }
    return section
  }
}
