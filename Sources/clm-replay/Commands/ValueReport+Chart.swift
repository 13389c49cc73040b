import EventStore
import Projections

extension ValueReport {
  /// The tracking plot, or one customer's path.
  var chart: Chart {
    if let path = forecast.path { return chart(of: path) }
    var marks: [Chart.Mark] = []
    if forecast.holdout != nil {
      marks.append(.init(day: Double(forecast.cutDay), label: "cut"))
    }
    let all = forecast.models.filter { !$0.tracking.isEmpty }
    // BG/BB counts opportunities, which are no purchases: it has a picture of its own, or none.
    let comparable = all.filter(\.isComparable)
    let fitted = comparable.isEmpty ? all : comparable
    let what = comparable.isEmpty && !all.isEmpty ? "opportunities with a purchase" : "purchases"
    return Chart(
      title: "Repeat \(what) of view \(view)", summary: summary(fitted),
      panels: fitted.isEmpty
        ? []
        : [
          Chart.Panel(title: "cumulative repeat \(what)", series: series(fitted, isTotal: true)),
          Chart.Panel(
            title: "repeat \(what) in each \(forecast.period)d",
            series: series(fitted, isTotal: false)),
        ], marks: fitted.isEmpty ? [] : marks, emptyText: "no model could be fitted")
  }

  private func summary(_ fitted: [ModelForecast]) -> String {
    let errors = fitted.compactMap { model in
      model.error.map {
        "\(model.model.rawValue) forecasts \(Numbers.short($0.forecast)) of \($0.actual) (\(Self.percent($0.bias)))"
      }
    }
    return "\(fittedTo). \(errors.joined(separator: "; "))"
  }

  private func series(_ fitted: [ModelForecast], isTotal: Bool) -> [Chart.Series] {
    func points(_ rows: [TrackingRow], _ value: (TrackingRow) -> Double?) -> [(Double, Double)] {
      rows.compactMap { row in
        guard let value = value(row) else { return nil }
        return (Double(row.endDay), value)
      }
    }
    var all: [Chart.Series] = []
    if let model = fitted.first {
      all.append(
        Chart.Series(
          name: "actual", role: .actual,
          points: points(model.tracking) { Double(isTotal ? $0.actualSoFar : $0.actual) }))
    }
    for (number, model) in fitted.enumerated() {
      all.append(
        Chart.Series(
          name: "\(model.model.rawValue) expected", role: .expected(number),
          points: points(model.tracking) { isTotal ? $0.expectedSoFar : $0.expected }))
    }
    for (number, model) in fitted.enumerated() where model.error != nil {
      all.append(
        Chart.Series(
          name: "\(model.model.rawValue) forecast", role: .forecast(number),
          points: points(model.tracking) { isTotal ? $0.forecastSoFar : $0.forecast }))
    }
    return all
  }

  /// Counts of days so far, as a staircase.
  private static func steps(_ days: [Int64], until last: Int64) -> [(Double, Double)] {
    var points: [(Double, Double)] = []
    for (count, day) in days.enumerated() {
      points += [(Double(day), Double(count)), (Double(day), Double(count + 1))]
    }
    return points + [(Double(last), Double(days.count))]
  }

  private func chart(of path: CustomerPath) -> Chart {
    let cut = Double(forecast.cutDay)
    let label = forecast.holdout == nil ? "as of" : "cut"
    var panels: [Chart.Panel] = []
    if !path.models.isEmpty {
      var alive = Chart.Panel(title: "P(alive)", series: [], top: 1)
      var purchases = Chart.Panel(
        title:
          "days with a purchase, and those expected after \(forecast.holdout == nil ? "as-of" : "the cut")",
        series: [])
      purchases.series.append(
        Chart.Series(
          name: "actual", role: .actual,
          points: Self.steps(path.days, until: forecast.lastDay)))
      for (number, model) in path.models.enumerated() {
        alive.series.append(
          Chart.Series(
            name: model.model.rawValue, role: .expected(number),
            points: model.points.map { (Double($0.day), $0.alive) }))
        let known = Double(path.known)
        purchases.series.append(
          Chart.Series(
            name: "\(model.model.rawValue) expected", role: .forecast(number),
            points: [(cut, known)]
              + model.points.compactMap { point in
                point.expected.map { (Double(point.day), known + $0) }
              }))
      }
      panels = [alive, purchases]
    }
    let models = path.models.map { "\($0.model.rawValue) \(Numbers.short($0.alive))" }
    return Chart(
      title: "Customer \(path.customer)",
      summary: path.models.isEmpty
        ? "\(path.customer)\(noPathText(path))"
        : "\(path.known) days with a purchase; P(alive) at \(label): \(models.joined(separator: ", "))",
      panels: panels, marks: panels.isEmpty ? [] : [.init(day: cut, label: label)],
      events: path.models.isEmpty ? [] : path.days.map { Double($0) },
      emptyText: path.customer + noPathText(path))
  }
}
