import Projections

/// Purchases that models forecast, beside those that came.
enum ForecastSection {
  static func make(_ source: ReportSource) -> ReportSection {
    let title = "Forecast against actual"
    let forecast: Forecast
    switch source.forecast {
    case .absent(let reason): return ReportSection(id: "forecast", title: title, absent: reason)
    case .there(let found): forecast = found
    }
    // BG/BB counts opportunities, which are no purchases.
    let models = forecast.models.filter { !$0.tracking.isEmpty && $0.isComparable }
    guard let first = models.first, first.tracking.count > 1 else {
      return ReportSection(
        id: "forecast", title: title,
        absent: "No model of purchases in continuous time could be fitted.")
    }
    let held = forecast.holdout.map { SpokenText.length(microseconds: $0) } ?? ""
    var section = ReportSection(
      id: "forecast", title: title,
      lead:
        "Models see what happened up to \(date(forecast.cutDay)) and forecast the \(held) after it: repeat purchases of \(ReportWords.number(forecast.buyers, "buyer")), at most one a day."
    )
    section.figures.append(
      figure(forecast, models, "sum", "Repeat purchases so far", isTotal: true))
    section.figures.append(
      figure(
        forecast, models, "period", "Repeat purchases in each \(forecast.period) days",
        isTotal: false))
    for model in models {
      for verdict in model.verdicts {
        section.remark("\(model.model.rawValue): \(verdict.message).")
      }
    }
    if let verdict = verdict(forecast) { section.remark(verdict) }
    return section
  }

  private static func date(_ day: Int64) -> String { Ticks.date(day) }

  /// How far off the model is that the rules or the fits chose.
  static func verdict(_ forecast: Forecast) -> String? {
    let chosen =
      forecast.models.first { $0.model == forecast.choice.model && $0.error != nil }
      ?? forecast.models.first { $0.error != nil }
    guard let chosen, chosen.isComparable, let error = chosen.error else { return nil }
    let off =
      error.bias.map {
        ", so that it is \(ReportWords.percent($0.magnitude)) % too \($0 < 0 ? "low" : "high")"
      } ?? ""
    return
      "\(chosen.model.rawValue) forecasts \(Numbers.grouped(Int64(error.forecast.rounded()))) repeat purchases after \(date(forecast.cutDay)); \(Numbers.grouped(error.actual)) came\(off)."
  }

  private static func figure(
    _ forecast: Forecast, _ models: [ModelForecast], _ id: String, _ title: String, isTotal: Bool
  ) -> ReportFigure {
    let rows = models[0].tracking
    let (first, last) = (Double(rows[0].endDay), Double(rows[rows.count - 1].endDay))
    func across(_ day: Int64) -> Double { (Double(day) - first) / (last - first) }
    var series: [LinePlot.Series] = []
    for (number, model) in models.enumerated() {
      let style = "c\(number * 2 % 7 + 2)"
      series.append(
        .init(
          name: "\(model.model.rawValue), forecast", style: "dash \(style)",
          points: model.tracking.compactMap { row in
            (isTotal ? row.forecastSoFar : row.forecast).map {
              .init(across: across(row.endDay), value: $0)
            }
          }))
      series.append(
        .init(
          name: "\(model.model.rawValue), expected", style: style,
          points: model.tracking.filter { !$0.isHoldout }.map {
            .init(
              across: across($0.endDay), value: isTotal ? $0.expectedSoFar : $0.expected)
          }))
    }
    series.append(
      .init(
        name: "actual", style: "ink",
        points: rows.map {
          .init(
            across: across($0.endDay), value: Double(isTotal ? $0.actualSoFar : $0.actual))
        }))
    let ticks = Ticks.days(first...last, count: 8)
    return ReportFigure(
      id: "forecast-\(id)", title: title,
      summary:
        "Lines of \(series.map(\.name).joined(separator: "; ")), from \(rows[0].to) to \(rows[rows.count - 1].to). \(verdict(forecast) ?? "")",
      LinePlot(
        series: series, labels: ticks.map(\.label), places: ticks.map { across(Int64($0.day)) },
        text: { Numbers.short($0) }, axisText: ReportWords.axis,
        cut: (across(forecast.cutDay), "forecast from here")
      ).picture, legend: legend(series),
      table: table(rows, models, isTotal: isTotal))
  }

  /// Dashes are told by their own sign.
  private static func legend(_ series: [LinePlot.Series]) -> [(style: String, name: String)] {
    series.reversed().map { ("line \($0.style)", $0.name) }
  }

  private static func table(
    _ rows: [TrackingRow], _ models: [ModelForecast], isTotal: Bool
  ) -> ReportTable {
    let columns = models.flatMap {
      ["\($0.model.rawValue) expected", "\($0.model.rawValue) forecast"]
    }
    return ReportTable(
      isTotal ? "Repeat purchases so far" : "Repeat purchases of each period",
      columns: ["to", "actual"] + columns, numbers: Set(1..<2 + columns.count),
      rows: rows.indices.map { place in
        let row = rows[place]
        let cells = models.flatMap { model -> [String] in
          let own = model.tracking[place]
          let forecast = isTotal ? own.forecastSoFar : own.forecast
          return [
            Numbers.short(isTotal ? own.expectedSoFar : own.expected),
            forecast.map { Numbers.short($0) } ?? "",
          ]
        }
        return [row.to, Numbers.grouped(isTotal ? row.actualSoFar : row.actual)] + cells
      }, all: "clm-replay value STORE --table tracking --holdout …")
  }
}
