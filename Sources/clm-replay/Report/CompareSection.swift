import Projections

/// What other rules would have said.
struct CompareSection {
  let comparison: HistoryComparison
  let pair: ComparedPair
  let namesCustomers: Bool

  private static let shownExamples = 6

  private func name(_ title: ComparedPair.Title) -> String {
    title.view.map { "view \($0)" } ?? title.rules.title
  }

  var section: ReportSection {
    let (a, b) = (name(pair.titles.a), name(pair.titles.b))
    let (changed, all) = (Int64(comparison.changed), Int64(comparison.customers))
    var section = ReportSection(
      id: "compare", title: "Under other rules",
      lead:
        "a is \(a), b is \(b), over the same events: \(Numbers.grouped(changed)) of \(ReportWords.customers(all)) (\(ComparisonReport.percent(comparison)) %) have another history."
    )
    section.figures = [stages] + (moved.isEmpty ? [] : [moves])
    if moved.isEmpty { section.remark("Nobody stands in another stage as of now.") }
    if !comparison.examples.isEmpty && namesCustomers { section.lists.append(examples) }
    if !comparison.unknownSegments.isEmpty {
      section.remark(
        "Not compared, since they read values over all customers: \(comparison.unknownSegments.joined(separator: ", "))."
      )
    }
    if comparison.parked > 0 {
      section.remark(
        "\(ReportWords.customers(Int64(comparison.parked))) parked under one of the two.")
    }
    return section
  }

  private var stages: ReportFigure {
    let most = Double(comparison.stages.flatMap { [$0.customers.a, $0.customers.b] }.max() ?? 0)
    func part(_ name: String, _ count: Int, _ style: String) -> [RowBars.Part] {
      most == 0
        ? [] : [.init(share: Double(count) / most, style: style, title: "\(name): \(count)")]
    }
    let rows = comparison.stages.map { stage -> RowBars.Row in
      let (a, b) = (stage.customers.a, stage.customers.b)
      return RowBars.Row(
        name: stage.name,
        value:
          "\(Numbers.grouped(Int64(a))) → \(Numbers.grouped(Int64(b))) (\(ReportWords.signed(Int64(b - a))))",
        parts: part("\(stage.name) under a", a, "calm"),
        second: part("\(stage.name) under b", b, "c2"))
    }
    return ReportFigure(
      id: "compare-stages", title: "Customers by stage now",
      summary: "Customers in each stage under a and under b", RowBars(rows: rows).picture,
      legend: [("calm", "a"), ("c2", "b")],
      table: ReportTable(
        "Customers by stage under a and b",
        columns: ["stage", "a", "b", "entered", "left", "days under a", "days under b"],
        numbers: [1, 2, 3, 4, 5, 6],
        rows: comparison.stages.map { stage in
          func days(_ days: Double?) -> String {
            days.map { Numbers.grouped(Int64($0.rounded(.toNearestOrEven))) } ?? ""
          }
          return [
            stage.name, String(stage.customers.a), String(stage.customers.b),
            String(stage.entered), String(stage.left), days(stage.days.a), days(stage.days.b),
          ]
        }))
  }

  private var moved: [HistoryComparison.Cell] {
    comparison.matrix.filter { $0.stages.a != $0.stages.b }.sorted {
      ($0.customers, $1.stages.a ?? "", $1.stages.b ?? "") > (
        $1.customers, $0.stages.a ?? "", $0.stages.b ?? ""
      )
    }
  }

  private var moves: ReportFigure {
    func name(_ cell: HistoryComparison.Cell) -> String {
      "\(cell.stages.a ?? "(none)") → \(cell.stages.b ?? "(none)")"
    }
    return ReportFigure(
      id: "compare-moves", title: "Who stands elsewhere: stage under a → under b",
      summary: "Customers whose stage is another one under b",
      RowBars.amounts(
        moved.prefix(12).map {
          (name($0), Double($0.customers), Numbers.grouped(Int64($0.customers)), "c2")
        }
      ).picture,
      table: ReportTable(
        "Customers by their stage under a and b", columns: ["a", "b", "customers"], numbers: [2],
        rows: moved.map {
          [$0.stages.a ?? "(none)", $0.stages.b ?? "(none)", String($0.customers)]
        }, all: "clm-replay compare STORE"))
  }

  private var examples: ReportTable {
    let cells = DifferenceCells(pair)
    let shown = comparison.examples.prefix(Self.shownExamples)
    return ReportTable(
      "One of each kind, and why",
      columns: ["customer", "like this", "where the histories part"], numbers: [1],
      rows: shown.map { example in
        [
          example.difference.customer, String(example.customers),
          sentence(DifferenceText(example.difference, cells).lines),
        ]
      })
  }

  /// Lines for a terminal as one: what a line with a colon announces follows it.
  private func sentence(_ lines: [String]) -> String {
    var text = ""
    for line in lines {
      if !text.isEmpty { text += text.hasSuffix(":") ? " " : "; " }
      text += line.split(separator: " ").joined(separator: " ")
    }
    return text
  }
}
