import Projections

/// Recency, frequency and money.
enum RFMSection {
  static func make(_ source: ReportSource) -> ReportSection {
    let title = "Recency, frequency, money"
    guard let rfm = source.rfm else {
      return ReportSection(
        id: "rfm", title: title,
        absent: "The rules have no `clv`, so nothing says what a purchase is.")
    }
    let scored = rfm.scored
    if scored == 0 {
      return ReportSection(id: "rfm", title: title, absent: "Nobody has bought anything yet.")
    }
    var section = ReportSection(
      id: "rfm", title: title,
      lead:
        "\(ReportWords.number(Int64(scored), "buyer")), each scored 1 to 5 by how lately, how often and for how much they bought; 5 is best."
    )
    section.figures = [grid(source, rfm), segments(source, rfm)]
    return section
  }

  private static func grid(_ source: ReportSource, _ rfm: RFMPopulation) -> ReportFigure {
    let cells = rfm.grid
    let most = Double(cells.map(\.group.customers).max() ?? 0)
    let rows = stride(from: 0, to: cells.count, by: 5).map { start in
      (
        name: "R \(cells[start].r)",
        cells: cells[start..<start + 5].map { cell -> HeatGrid.Cell? in
          let count = cell.group.customers
          let money = cell.group.monetary.map { ", mean \(source.words.money($0))" } ?? ""
          return HeatGrid.Cell(
            heat: most > 0 ? Double(count) / most : 0, text: ReportWords.axis(Double(count)),
            title: "R \(cell.r), F \(cell.f): \(ReportWords.number(Int64(count), "buyer"))\(money)")
        }
      )
    }
    return ReportFigure(
      id: "rfm-grid", title: "Buyers by recency (R) and frequency (F)",
      summary:
        "A grid of five by five; the fullest cell has \(Numbers.grouped(Int64(most))) buyers",
      HeatGrid(
        rows: rows, columns: stride(from: 5, through: 1, by: -1).map { "F \($0)" },
        cellHeight: 68, isWide: true
      ).picture,
      table: ReportTable(
        "Buyers by R and F",
        columns: ["R", "F", "buyers", "mean money, \(source.words.code)"],
        numbers: [0, 1, 2, 3],
        rows: cells.map {
          [
            String($0.r), String($0.f), Numbers.grouped(Int64($0.group.customers)),
            $0.group.monetary.map { source.words.amount($0) } ?? "",
          ]
        }, all: "clm-replay rfm STORE"))
  }

  private static func segments(_ source: ReportSource, _ rfm: RFMPopulation) -> ReportFigure {
    let segments = rfm.segments
    return ReportFigure(
      id: "rfm-segments", title: "Segments of RFM",
      summary: "Buyers in each of the eleven segments, from the best to those who are lost",
      RowBars.amounts(
        segments.map { standing, group in
          (
            name: standing.name, amount: Double(group.customers),
            value:
              "\(Numbers.grouped(Int64(group.customers)))\(group.total.map { " · \(source.words.money($0))" } ?? "")",
            style: "c2"
          )
        }
      ).picture,
      table: ReportTable(
        "Segments of RFM",
        columns: [
          "segment", "buyers", "days since the last purchase", "days with a purchase", "mean money",
          "total, \(source.words.code)",
        ], numbers: [1, 2, 3, 4, 5],
        rows: segments.map { standing, group in
          [
            standing.name, Numbers.grouped(Int64(group.customers)),
            group.recencyDays.map { Numbers.percent($0) } ?? "",
            group.frequency.map { Numbers.percent($0) } ?? "",
            group.monetary.map { source.words.amount($0) } ?? "",
            group.total.map { source.words.amount($0) } ?? "",
          ]
        }, all: "clm-replay rfm STORE"))
  }
}
