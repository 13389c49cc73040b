import EventStore

extension Forecast {
  /// The tables of docs/value.md.
  public enum Name: String, Sendable, CaseIterable {
    /// A row a model: fit, verdict, errors.
    case models
    /// Actual and expected purchases by period.
    case tracking
    /// Purchases in the holdout by those before it.
    case frequency
    /// Who bought in the holdout by tenths of P(alive).
    case calibration
    /// A row a buyer and model.
    case customers
  }

  /// A table of all models; the one of customers is given row by row.
  public func table(_ name: Name) -> Metrics.Table {
    switch name {
    case .models: modelTable
    case .tracking: trackingTable
    case .frequency: frequencyTable
    case .calibration: calibrationTable
    case .customers:
      Metrics.Table(
        columns: Self.customerColumns + (hasIntervals ? Self.intervalColumns : []))
    }
  }

  static func number(_ value: Double?) -> Metrics.Cell { value.map { .number($0) } ?? .unset }
  static func money(_ value: Int64?) -> Metrics.Cell { value.map { .money($0) } ?? .unset }

  private static func mean(_ sum: Double, _ count: Int64) -> Metrics.Cell {
    count == 0 ? .unset : .number(sum / Double(count))
  }

  private var modelTable: Metrics.Table {
    var names: [String] = []
    for model in models {
      names += (model.parameters?.names ?? []).filter { !names.contains($0) }
    }
    let spending = GammaGamma.parameterNames
    var table = Metrics.Table(
      columns: ["model", "taken", "verdict", "customers", "log_likelihood", "aic", "bic"]
        + names.flatMap { [$0, "\($0)_error"] } + spending.map { "gamma_gamma_\($0)" }
        + ["forecast", "actual", "bias", "mae", "rmse", "correlation"])
    for model in models {
      let fit = model.parameters
      var row: [Metrics.Cell] = [
        .text(model.model.rawValue), .text(choice.model == model.model ? "true" : "false"),
        .text(model.verdict), fit.map { .count(Int64($0.customers)) } ?? .unset,
        Self.number(fit?.logLikelihood), Self.number(model.aic), Self.number(model.bic),
      ]
      for name in names {
        let place = fit?.names.firstIndex(of: name)
        row.append(Self.number(place.flatMap { fit?.values[$0] }))
        row.append(Self.number(place.flatMap { fit?.standardErrors[$0] }))
      }
      for place in spending.indices { row.append(Self.number(model.spending?.values[place])) }
      let error = model.error
      row += [
        Self.number(error?.forecast), error.map { .count($0.actual) } ?? .unset,
        Self.number(error?.bias), Self.number(error?.meanAbsolute),
        Self.number(error?.rootMeanSquare), Self.number(error?.correlation),
      ]
      table.rows.append(row)
    }
    return table
  }

  private var trackingTable: Metrics.Table {
    var table = Metrics.Table(columns: [
      "model", "period", "from", "to", "part", "actual", "expected", "forecast",
      "actual_cumulative", "expected_cumulative", "forecast_cumulative",
    ])
    for model in models {
      for (number, row) in model.tracking.enumerated() {
        table.rows.append([
          .text(model.model.rawValue), .count(Int64(number + 1)), .text(row.from), .text(row.to),
          .text(row.isHoldout ? "holdout" : "calibration"), .count(row.actual),
          .number(row.expected), Self.number(row.forecast), .count(row.actualSoFar),
          .number(row.expectedSoFar), Self.number(row.forecastSoFar),
        ])
      }
    }
    return table
  }

  private var frequencyTable: Metrics.Table {
    var table = Metrics.Table(columns: [
      "model", "frequency", "customers", "actual", "forecast", "actual_mean", "forecast_mean",
    ])
    for model in models {
      for row in model.frequencies {
        let name = row.frequency == FrequencyRow.last ? "\(row.frequency)+" : "\(row.frequency)"
        table.rows.append([
          .text(model.model.rawValue), .text(name), .count(row.customers), .count(row.actual),
          .number(row.forecast), Self.mean(Double(row.actual), row.customers),
          Self.mean(row.forecast, row.customers),
        ])
      }
    }
    return table
  }

  private var calibrationTable: Metrics.Table {
    var table = Metrics.Table(columns: [
      "model", "from", "to", "customers", "p_alive", "expected_active", "active",
    ])
    for model in models {
      for row in model.aliveRows {
        table.rows.append([
          .text(model.model.rawValue), .number(row.from), .number(row.to), .count(row.customers),
          Self.mean(row.alive, row.customers), Self.mean(row.expectedActive, row.customers),
          Self.mean(Double(row.active), row.customers),
        ])
      }
    }
    return table
  }

  // MARK: Customers

  static let intervalColumns = ["purchases", "value"].flatMap { what in
    ["low95", "low80", "high80", "high95"].map { "\(what)_\($0)" }
  }

  static let customerColumns = [
    "customer", "model", "first_purchase", "last_purchase", "frequency", "recency", "age", "mean",
    "p_alive", "expected_purchases", "discounted_purchases", "value", "dert", "dert_value",
    "forecast", "actual",
  ]

  /// Rows of the customers of the calibration, by the bytes of their names and then by model.
  public func forEachCustomer(_ body: ([Metrics.Cell]) throws -> Void) rethrows {
    let day = Days.day(of: cut)
    let shown = models.filter { !$0.values.isEmpty }
    for index in 0..<log.count {
      let name = directory.text(of: log.buyers[index].rank)
      for model in shown { try body(model.row(index, name, log.buyers[index], day: day)) }
    }
  }
}

extension ModelForecast {
  /// Of a customer whose values were kept.
  fileprivate func row(
    _ index: Int, _ name: String, _ buyer: Buyer, day: Int64
  ) -> [Metrics.Cell] {
    let history = fitted.clock.history(buyer, at: day)
    let value = values[index]
    let prospect = prospects[Int(pairOfCustomer[index])]
    let residual = prospect.residual.map { value.probabilityAlive * $0 }
    let residualValue = residual.flatMap { residual in
      fitted.amount(of: buyer).flatMap { fitted.value($0, times: residual) }
    }
    let isHeld = !forecasts.isEmpty
    return [
      .text(name), .text(model.rawValue), .text(Days.text(Int64(buyer.firstDay))),
      .text(Days.text(Int64(buyer.lastDay))), .count(Int64(history.frequency)),
      .number(history.recency), .number(history.age), .number(fitted.mean(buyer)),
      .number(value.probabilityAlive), .number(value.purchases),
      .number(value.probabilityAlive * prospect.worth), Forecast.money(value.value),
      Forecast.number(residual), Forecast.money(residualValue),
      isHeld ? .number(forecasts[index]) : .unset, isHeld ? .count(Int64(actual[index])) : .unset,
    ] + (predictions.isEmpty ? [] : predictions[index].cells)
  }
}

extension ValueFit.Prediction {
  /// As ``Forecast/intervalColumns``.
  fileprivate var cells: [Metrics.Cell] {
    [purchases.low95, purchases.low80, purchases.high80, purchases.high95].map { .number($0) }
      + [value?.low95, value?.low80, value?.high80, value?.high95].map(Forecast.money)
  }
}
