import Projections

/// Who was active when, what it brought, and who stayed.
enum ActivitySections {
  private static func activity(_ source: ReportSource) -> String {
    switch source.metrics.plan.activity {
    case .purchases: "a purchase"
    case .alias(let alias): "an event of \(source.rules.aliases[alias].name)"
    case .any: "any event that the rules know"
    }
  }

  static func lifecycle(_ source: ReportSource) -> ReportSection {
    let table = source.table(.lifecycle)
    let period = source.period
    var section = ReportSection(
      id: "lifecycle", title: "Lifecycle",
      lead:
        "Active is who has \(activity(source)) in the \(period): for the first time (new), as in the \(period) before (returning), or after a pause (resurrecting). Dormant, below the line, was active in the \(period) before and is not in this one."
    )
    let names: [(column: String, style: String)] = [
      ("new", "c4"), ("returning", "c2"), ("resurrecting", "c6"), ("dormant", "lost"),
    ]
    section.figures.append(
      ReportFigure(
        id: "lifecycle-counts", title: "Customers by \(period)",
        summary: "New, returning, resurrecting and dormant customers of each \(period)",
        StackedColumns(
          labels: source.shownLabels,
          series: names.map { name, style in
            .init(
              name: name, style: style,
              values: source.shown.map { Double(table.count($0, name)) },
              isBelow: name == "dormant")
          }, text: { Numbers.grouped(Int64($0)) }, axisText: ReportWords.axis
        ).picture, isWide: true, legend: names.map { ($0.style, $0.column) },
        table: table.page(
          "Active customers by \(period)",
          ["period", "active", "new", "returning", "resurrecting", "dormant"],
          rows: Array(source.shown), all: source.command(.lifecycle))))
    runningRemark(source, &section)
    return section
  }

  /// The last period of a log is seldom a whole one.
  private static func runningRemark(_ source: ReportSource, _ section: inout ReportSection) {
    guard source.totals.whole < source.totals.labels.count, let last = source.totals.labels.last
    else { return }
    section.remark(
      "The last column, \(PeriodAxis.name(last)), is counted up to \(ReportWords.minute(source.manifest.asOf)), not to the end of the \(source.period)."
    )
  }

  static func purchases(_ source: ReportSource) -> ReportSection {
    let period = source.period
    guard source.rules.clv != nil else {
      return ReportSection(
        id: "purchases", title: "Purchases",
        absent: "The rules have no `clv`, so nothing says what a purchase is.")
    }
    let rows = source.shown.map { source.totals.purchases[$0] }
    let currency = source.words.code
    let hasRefunds = source.rules.clv?.refund != nil
    var section = ReportSection(
      id: "purchases", title: "Purchases",
      lead:
        "Sum of the purchases of each \(period) in \(currency)\(hasRefunds ? ", with refunds below the line" : "")."
    )
    var series = [
      StackedColumns.Series(
        name: "purchases", style: "c2", values: rows.map { max(0, source.words.units($0.amount)) })
    ]
    if hasRefunds {
      series.append(
        .init(
          name: "refunds", style: "lost", values: rows.map { source.words.units($0.refunded) },
          isBelow: true))
    }
    section.figures.append(
      ReportFigure(
        id: "purchases-amount", title: "\(currency) by \(period)",
        summary: "Amount of purchases\(hasRefunds ? " and refunds" : "") of each \(period)",
        StackedColumns(
          labels: source.shownLabels, series: series,
          text: { "\(SVGText.grouped($0.rounded())) \(currency)" }, isCount: false,
          axisText: ReportWords.axis
        ).picture,
        legend: hasRefunds ? series.map { ($0.style, $0.name) } : [],
        table: ReportTable(
          "Purchases by \(period)",
          columns: [period, "buyers", "purchases", "amount"] + (hasRefunds ? ["refunds"] : []),
          numbers: [1, 2, 3, 4],
          rows: zip(source.shownLabels, rows).map { label, row in
            [
              label, Numbers.grouped(row.buyers), Numbers.grouped(row.purchases),
              source.words.amount(row.amount),
            ] + (hasRefunds ? [source.words.amount(row.refunded)] : [])
          })))
    section.figures.append(
      ReportFigure(
        id: "purchases-number", title: "Number of purchases",
        summary: "Purchases of each \(period)",
        StackedColumns(
          labels: source.shownLabels,
          series: [
            .init(name: "purchases", style: "c4", values: rows.map { Double($0.purchases) })
          ], text: { Numbers.grouped(Int64($0)) }, axisText: ReportWords.axis
        ).picture,
        table: ReportTable(
          "Purchases, buyers, and the mean purchase of each \(period)",
          columns: [period, "purchases", "buyers", "mean, \(currency)"], numbers: [1, 2, 3],
          rows: zip(source.shownLabels, rows).map { label, row in
            [
              label, Numbers.grouped(row.purchases), Numbers.grouped(row.buyers),
              row.mean.map { source.words.amount($0) } ?? "",
            ]
          })))
    runningRemark(source, &section)
    return section
  }

  static func cohorts(_ source: ReportSource) -> ReportSection {
    let table = source.table(.cohorts)
    let period = source.period
    // Cohorts and ages that fit a page.
    let names = Array(
      Set(table.rows.map { table.text($0, "cohort") }).sorted().suffix(ReportSource.shownPeriods))
    let rows = table.rows.filter {
      names.contains(table.text($0, "cohort"))
        && table.count($0, "age") < Int64(ReportSource.shownPeriods)
    }
    let later = rows.filter { table.count($0, "age") > 0 }
    guard let oldest = later.map({ table.count($0, "age") }).max() else {
      return ReportSection(
        id: "cohorts", title: "Cohort retention",
        absent: "The log has one \(period) only: nobody could come back in a later one.")
    }
    let most = later.compactMap { table.number($0, "retention") }.max() ?? 0
    var cells: [String: [HeatGrid.Cell?]] = [:]
    var sizes: [String: Int64] = [:]
    for name in names { cells[name] = Array(repeating: nil, count: Int(oldest)) }
    for row in rows {
      let (cohort, age) = (table.text(row, "cohort"), table.count(row, "age"))
      sizes[cohort] = table.count(row, "customers")
      guard age > 0, let retention = table.number(row, "retention") else { continue }
      cells[cohort]?[Int(age) - 1] = HeatGrid.Cell(
        heat: most > 0 ? retention / most : 0, text: "\(Int((retention * 100).rounded()))",
        exact: ReportWords.percent(retention),
        title:
          "\(cohort), \(ReportWords.customers(sizes[cohort] ?? 0)); \(ReportWords.number(age, period)) later \(table.count(row, "active")) active, \(ReportWords.percent(retention)) %"
      )
    }
    var section = ReportSection(
      id: "cohorts", title: "Cohort retention",
      lead:
        "Customers by the \(period) in which they were first active (in brackets how many), and how many per cent of them were active so many \(period)s later; the darker, the more."
    )
    section.figures.append(
      ReportFigure(
        id: "cohorts-retention", title: "Per cent active",
        summary:
          "Share of each cohort that was active in each later \(period); the highest is \(ReportWords.percent(most)) %",
        HeatGrid(
          rows: names.filter { cells[$0]?.contains { $0 != nil } == true }.map {
            ("\($0) (\(ReportWords.axis(Double(sizes[$0] ?? 0))))", cells[$0] ?? [])
          },
          columns: (1...oldest).map { String($0) },
          columnsTitle: "\(period)s later"
        ).picture, isWide: true,
        table: ReportTable(
          "Retention of cohorts, %",
          columns: ["cohort", "customers"] + (1...oldest).map { "\($0)" },
          numbers: Set(1...Int(oldest) + 1),
          rows: names.map { name in
            [name, Numbers.grouped(sizes[name] ?? 0)]
              + (cells[name] ?? []).map { $0?.exact ?? "" }
          }, all: source.command(.cohorts))))
    if source.totals.whole < source.totals.labels.count, let last = source.totals.labels.last {
      section.remark(
        "Where a row reaches \(PeriodAxis.name(last)), its last cell is too low: the \(period) is counted up to \(ReportWords.minute(source.manifest.asOf)), not to its end."
      )
    }
    return section
  }
}
