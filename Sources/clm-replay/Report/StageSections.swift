import Projections

/// Where customers stand, and how they moved.
enum StageSections {
  static func now(_ source: ReportSource) -> ReportSection {
    let stages = source.table(.stages)
    var section = ReportSection(
      id: "stages", title: "Customers by stage",
      lead:
        "Where customers stand as of \(ReportWords.day(source.manifest.asOf)), and how many stood there at the end of each \(source.period)."
    )
    let last = source.totals.labels.count - 1
    let all = source.metrics.customers
    let counts = source.stages.indices.map { stages.count(source.stageRow(last, $0), "population") }
    func share(_ count: Int64) -> String {
      all == 0 ? "" : "\(ReportWords.percent(Double(count) / Double(all))) %"
    }
    let hasWorth = source.rules.clv != nil
    let worthName = source.rules.clv?.model == nil ? "value so far" : "expected value"
    section.figures.append(
      ReportFigure(
        id: "stages-now", title: "Now",
        summary: "Customers in each stage; \(largest(source.stages, counts))",
        RowBars.amounts(
          zip(source.stages, zip(counts, source.stageStyles)).map { name, entry in
            (
              name: name, amount: Double(entry.0),
              value: "\(Numbers.grouped(entry.0)) · \(share(entry.0))", style: entry.1
            )
          }
        ).picture,
        table: ReportTable(
          "Customers by stage",
          columns: ["stage", "customers", "share"]
            + (hasWorth ? ["\(worthName), \(source.words.code)"] : []),
          numbers: [1, 2, 3],
          rows: source.stages.indices.map { stage in
            [source.stages[stage], Numbers.grouped(counts[stage]), share(counts[stage])]
              + (hasWorth
                ? [source.words.amount(source.scan.worthOfStage[source.stages[stage]] ?? 0)] : [])
          })))
    let columns = source.stages.indices.map { stage in
      source.shown.map { Double(stages.count(source.stageRow($0, stage), "population")) }
    }
    section.figures.append(
      ReportFigure(
        id: "stages-then", title: "At the end of each \(source.period)",
        summary: "Customers in each stage at the end of each \(source.period)",
        StackedColumns(
          labels: source.shownLabels,
          series: source.stages.indices.map { stage in
            .init(
              name: source.stages[stage], style: source.stageStyles[stage], values: columns[stage])
          }, text: { Numbers.grouped(Int64($0)) }, axisText: ReportWords.axis
        ).picture, legend: Array(zip(source.stageStyles, source.stages)),
        table: ReportTable(
          "Customers in each stage at the end of each \(source.period)",
          columns: [source.period] + source.stages, numbers: Set(1...source.stages.count),
          rows: source.shownLabels.indices.map { place in
            [source.shownLabels[place]]
              + columns.map { Numbers.grouped(Int64($0[place])) }
          }, all: source.command(.stages))))
    return section
  }

  private static func largest(_ names: [String], _ counts: [Int64]) -> String {
    guard let most = counts.indices.max(by: { counts[$0] < counts[$1] }) else { return "no stage" }
    return "most, \(counts[most]), are in \(names[most])"
  }

  // MARK: Flow

  private enum Kind: Int, CaseIterable {
    case entry, up, down, lost, back

    var style: String {
      switch self {
      case .entry: "c1"
      case .up: "c2"
      case .down: "c5"
      case .lost: "lost"
      case .back: "c4"
      }
    }

    var name: String {
      switch self {
      case .entry: "first event"
      case .up: "to a later stage"
      case .down: "to an earlier stage"
      case .lost: "churned"
      case .back: "won back"
      }
    }
  }

  private static func kind(_ source: ReportSource, _ from: Int?, _ to: Int) -> Kind {
    guard let from else { return .entry }
    switch (source.isChurned[from], source.isChurned[to]) {
    case (false, true): return .lost
    case (true, false): return .back
    default: return to > from ? .up : .down
    }
  }

  static func flow(_ source: ReportSource) -> ReportSection {
    let table = source.table(.flow)
    let numbers = Dictionary(
      source.stages.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let labels = Set(source.shownLabels.suffix(12))
    let places = Dictionary(
      source.shownLabels.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var columns: [Kind: [Double]] = [:]
    struct Pair: Hashable {
      var from: Int?
      var to: Int
    }
    var moves: [Pair: Int64] = [:]
    for row in table.rows {
      let period = table.text(row, "period")
      guard let to = numbers[table.text(row, "to")], let place = places[period] else { continue }
      let (from, count) = (numbers[table.text(row, "from")], table.count(row, "moves"))
      let none = Array(repeating: 0.0, count: places.count)
      columns[kind(source, from, to), default: none][place] += Double(count)
      if labels.contains(period) { moves[Pair(from: from, to: to), default: 0] += count }
    }
    if moves.isEmpty {
      return ReportSection(
        id: "flow", title: "Stage flow", absent: "Nobody moved in the periods shown.")
    }
    let shown = source.shownLabels.suffix(12)
    let sorted = moves.sorted { ($0.key.from ?? -1, $0.key.to) < ($1.key.from ?? -1, $1.key.to) }
    let lefts = Array(Set(sorted.map { $0.key.from ?? -1 })).sorted()
    let rights = Array(Set(sorted.map(\.key.to))).sorted()
    func name(_ from: Int?) -> String { from.map { source.stages[$0] } ?? "(first event)" }
    let flows = sorted.map { pair, count in
      FlowRibbons.Flow(
        from: lefts.firstIndex(of: pair.from ?? -1) ?? 0, to: rights.firstIndex(of: pair.to) ?? 0,
        count: Double(count), style: kind(source, pair.from, pair.to).style,
        title: "\(name(pair.from)) to \(source.stages[pair.to]): \(Numbers.grouped(count))")
    }
    let kinds = Set(sorted.map { kind(source, $0.key.from, $0.key.to) })
    var section = ReportSection(
      id: "flow", title: "Stage flow",
      lead:
        "Moves between stages from \(PeriodAxis.name(shown.first ?? "")) to \(PeriodAxis.name(shown.last ?? "")), from the stage at the left to the one at the right; the width of a band is the number of moves. Beside it all moves of each \(source.period); those that lose ground hang below the line."
    )
    section.figures.append(
      ReportFigure(
        id: "flow-moves", title: "From stage to stage",
        summary:
          "\(Numbers.grouped(moves.values.reduce(0, +))) moves between stages; the most frequent is \(most(sorted, name, source.stages))",
        FlowRibbons(
          left: lefts.map { $0 < 0 ? "first event" : source.stages[$0] },
          right: rights.map { source.stages[$0] }, flows: flows
        ).picture,
        legend: Kind.allCases.filter(kinds.contains).map { ($0.style, $0.name) },
        table: ReportTable(
          "Moves between stages", columns: ["from", "to", "moves"], numbers: [2],
          rows: sorted.map {
            [name($0.key.from), source.stages[$0.key.to], Numbers.grouped($0.value)]
          },
          all: source.command(.flow))))
    let drawn = Kind.allCases.filter { columns[$0] != nil }
    section.figures.append(
      ReportFigure(
        id: "flow-periods", title: "By \(source.period)",
        summary: "Moves of each kind in each \(source.period)",
        StackedColumns(
          labels: source.shownLabels,
          series: drawn.map { kind in
            .init(
              name: kind.name, style: kind.style, values: columns[kind] ?? [],
              isBelow: kind == .down || kind == .lost)
          }, text: { Numbers.grouped(Int64($0)) }, axisText: ReportWords.axis, plotHeight: 260
        ).picture, legend: drawn.map { ($0.style, $0.name) },
        table: ReportTable(
          "Moves by \(source.period)", columns: [source.period] + drawn.map(\.name),
          numbers: Set(1..<1 + drawn.count),
          rows: source.shownLabels.indices.map { place in
            [source.shownLabels[place]]
              + drawn.map { Numbers.grouped(Int64(columns[$0]?[place] ?? 0)) }
          }, all: source.command(.flow))))
    return section

    func most(
      _ sorted: [(key: Pair, value: Int64)], _ name: (Int?) -> String, _ stages: [String]
    ) -> String {
      guard let most = sorted.max(by: { $0.value < $1.value }) else { return "none" }
      return "\(name(most.key.from)) to \(stages[most.key.to]), \(most.value) times"
    }
  }
}
