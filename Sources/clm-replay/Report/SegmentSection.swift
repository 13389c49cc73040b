import Projections

/// How many customers were in the segments of the rules.
enum SegmentSection {
  /// Lines that one chart holds.
  private static let drawn = 6

  static func make(_ source: ReportSource) -> ReportSection {
    let names = source.rules.segments.map(\.name)
    if names.isEmpty {
      return ReportSection(
        id: "segments", title: "Segments over time", absent: "The rules name no segments.")
    }
    var section = ReportSection(
      id: "segments", title: "Segments over time",
      lead:
        "Customers in each segment of the rules at the end of each \(source.period), and as of \(ReportWords.day(source.manifest.asOf))."
    )
    let followed = names.indices.filter { !source.totals.segments[$0].isEmpty }
    if !followed.isEmpty { section.figures.append(lines(source, followed)) }
    let now = names.map { source.scan.segments[$0] ?? 0 }
    section.figures.append(
      ReportFigure(
        id: "segments-now", title: "Now", summary: "Customers in each segment",
        RowBars.amounts(
          names.indices.map { (names[$0], Double(now[$0]), Numbers.grouped(now[$0]), style($0)) }
        ).picture,
        table: ReportTable(
          "Customers by segment", columns: ["segment", "customers"], numbers: [1],
          rows: names.indices.map { [names[$0], Numbers.grouped(now[$0])] })))
    let ranked = names.indices.filter { source.rules.segments[$0].readsPopulation }
    if !ranked.isEmpty {
      section.remark(
        "\(ranked.map { names[$0] }.joined(separator: ", ")): read values over all customers, which are known as of now only."
      )
    }
    if followed.count > drawn {
      section.remark("The \(drawn) largest are drawn; the table has all.")
    }
    return section
  }

  private static func style(_ segment: Int) -> String { "c\((segment + 1) % 7 + 1)" }

  private static func lines(_ source: ReportSource, _ followed: [Int]) -> ReportFigure {
    let names = source.rules.segments.map(\.name)
    let counts = source.totals.segments
    let last = source.totals.labels.count - 1
    let largest = Set(
      followed.sorted { (counts[$0][last], $1) > (counts[$1][last], $0) }.prefix(drawn))
    let columns = source.shown.count
    let width = 1 / Double(max(1, columns))
    let shown = followed.filter(largest.contains)
    let series = shown.enumerated().map { place, segment in
      LinePlot.Series(
        name: names[segment], style: "\(style(segment)) dash\(place % 3)",
        points: source.shown.enumerated().map {
          .init(
            across: (Double($0.offset) + 0.5) * width,
            value: Double(counts[segment][$0.element]))
        })
    }
    return ReportFigure(
      id: "segments-then", title: "At the end of each \(source.period)",
      summary: "Customers in \(shown.map { names[$0] }.joined(separator: ", ")) over time",
      LinePlot(
        series: series, labels: source.shownLabels,
        places: (0..<columns).map { (Double($0) + 0.5) * width },
        text: { Numbers.grouped(Int64($0)) }, axisText: ReportWords.axis
      ).picture, legend: series.map { ("line \($0.style)", $0.name) },
      table: ReportTable(
        "Customers in each segment at the end of each \(source.period)",
        columns: [source.period] + followed.map { names[$0] }, numbers: Set(1...followed.count),
        rows: source.shown.map { period in
          [source.totals.labels[period]]
            + followed.map { Numbers.grouped(counts[$0][period]) }
        }))
  }
}
