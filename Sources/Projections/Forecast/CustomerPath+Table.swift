extension CustomerPath {
  /// One row for each model and point.
  package var table: Metrics.Table {
    var table = Metrics.Table(columns: [
      "model", "date", "part", "frequency", "age", "p_alive", "expected_purchases",
    ])
    for model in models {
      for point in model.points {
        table.rows.append([
          .text(model.model.rawValue), .text(point.date),
          .text(point.isSilence ? "silence" : "observed"), .count(Int64(point.frequency)),
          .number(point.age), .number(point.alive), Forecast.number(point.expected),
        ])
      }
    }
    return table
  }
}
