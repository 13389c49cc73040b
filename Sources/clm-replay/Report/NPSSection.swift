import Projections

/// What customers answered, by the stage they were in.
enum NPSSection {
  /// Answers from which on a score says something.
  static let enough: Int64 = 10

  struct Score {
    var name: String
    var answers: Int64
    var promoters: Int64
    var passives: Int64
    var detractors: Int64
    var nps: Double
    var row: Int
  }

  private static func scores(_ source: ReportSource, by kind: String) -> [Score] {
    let table = source.table(.nps)
    return table.rows.filter { table.text($0, "by") == kind }.map { row in
      Score(
        name: table.text(row, "name"), answers: table.count(row, "answers"),
        promoters: table.count(row, "promoters"), passives: table.count(row, "passives"),
        detractors: table.count(row, "detractors"), nps: table.number(row, "nps") ?? 0, row: row)
    }
  }

  static func byStage(_ source: ReportSource) -> [Score] { scores(source, by: "stage") }

  static func byPeriod(_ source: ReportSource) -> [String: Score] {
    Dictionary(
      scores(source, by: "period").map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  static func make(_ source: ReportSource) -> ReportSection {
    let title = "NPS at each stage"
    guard source.metrics.plan.answers != nil else {
      return ReportSection(
        id: "nps", title: title,
        absent:
          "The rules name no NPS answers (an alias `nps`, or events of the type `nps_response`).")
    }
    guard let all = scores(source, by: "all").first else {
      return ReportSection(id: "nps", title: title, absent: "Nobody has answered yet.")
    }
    var section = ReportSection(
      id: "nps", title: title,
      lead:
        "Answers by the stage that the customer was in: promoters (9, 10), passives (7, 8), detractors (0 to 6). NPS is the share of promoters less that of detractors, from −100 to 100."
    )
    section.figures.append(stages(source, all))
    let periods = byPeriod(source)
    let labels = source.shownLabels
    let width = 1 / Double(max(1, labels.count))
    let points = labels.enumerated().compactMap { place, label -> LinePlot.Point? in
      periods[label].map {
        LinePlot.Point(
          across: (Double(place) + 0.5) * width, value: $0.nps, isWeak: $0.answers < enough)
      }
    }
    if !points.isEmpty { section.figures.append(line(source, labels, points, width)) }
    if source.metrics.refusedScores > 0 {
      section.remark(
        "\(ReportWords.number(source.metrics.refusedScores, "answer")) outside 0 to 10 are left out."
      )
    }
    return section
  }

  private static func stages(_ source: ReportSource, _ all: Score) -> ReportFigure {
    var total = all
    total.name = "all answers"
    let stages = byStage(source)
    func row(_ score: Score) -> RowBars.Row {
      func part(_ count: Int64, _ style: String, _ name: String) -> RowBars.Part {
        let share = Double(count) / Double(max(1, score.answers))
        return .init(
          share: share, style: style,
          title:
            "\(score.name), \(name): \(count) of \(score.answers), \(ReportWords.percent(share)) %")
      }
      return RowBars.Row(
        name: score.name,
        value:
          "\(ReportWords.score(score.nps)) · \(ReportWords.number(score.answers, "answer"))",
        parts: [
          part(score.detractors, "lost", "detractors"), part(score.passives, "calm", "passives"),
          part(score.promoters, "c4", "promoters"),
        ])
    }
    let table = source.table(.nps)
    return ReportFigure(
      id: "nps-stages", title: "NPS by stage",
      summary:
        "Detractors, passives and promoters in each stage; NPS of all is \(ReportWords.score(all.nps))",
      RowBars(rows: (stages + [total]).map(row)).picture,
      legend: [("lost", "detractors"), ("calm", "passives"), ("c4", "promoters")],
      table: table.page(
        "NPS by stage",
        ["name", "answers", "promoters", "passives", "detractors", "nps"],
        rows: stages.map(\.row) + [all.row], all: source.command(.nps)))
  }

  private static func line(
    _ source: ReportSource, _ labels: [String], _ points: [LinePlot.Point], _ width: Double
  ) -> ReportFigure {
    let table = source.table(.nps)
    return ReportFigure(
      id: "nps-periods", title: "By \(source.period)",
      summary: "NPS of the answers of each \(source.period)",
      LinePlot(
        series: [.init(name: "NPS", style: "c2", points: points, hasDots: true)], labels: labels,
        places: labels.indices.map { (Double($0) + 0.5) * width },
        text: { ReportWords.score($0) }, axisText: { ReportWords.score($0) }, range: -100...100
      ).picture,
      legend: points.contains(where: \.isWeak)
        ? [("c2", "\(enough) answers or more"), ("calm", "fewer")] : [],
      table: table.page(
        "NPS by \(source.period)",
        ["name", "answers", "promoters", "passives", "detractors", "nps"],
        rows: table.rows.filter {
          table.text($0, "by") == "period" && labels.contains(table.text($0, "name"))
        }, all: source.command(.nps)))
  }
}
