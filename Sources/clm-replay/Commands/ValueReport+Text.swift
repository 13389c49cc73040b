import CEL
import EventStore
import Projections

extension ValueReport {
  /// So many customers are shown to people; csv and ndjson have all.
  private static let shownCustomers = 20

  var text: String {
    var lines: [String] = []
    switch table {
    case .customers: lines += customerLines
    case .some(let table): lines += cells.lines(rows(of: table), unset: "-")
    case nil: lines += forecast.path.map(pathLines) ?? reportLines
    }
    return (lines + ["", footer]).joined(separator: "\n") + "\n"
  }

  private var footer: String {
    let value = forecast.value
    let discount =
      value.discountPeriod.map {
        "discount \(Numbers.double(value.discountRate)) per \(Numbers.span($0))"
      } ?? "no discount"
    return
      "view \(view) as of \(RFC3339.text(forecast.asOf)), time in \(Numbers.span(value.unit)), horizon \(Numbers.span(value.horizon)), margin \(value.marginText), \(discount)"
      + value.knownBefore.map { ", \($0.0) \($0.1.text)" }.joined()
  }

  var fittedTo: String {
    guard let holdout = forecast.holdout else {
      return "fitted to \(forecast.buyers) buyers up to as-of"
    }
    return
      "fitted to \(forecast.buyers) buyers up to \(RFC3339.text(forecast.cut)), held against the \(Numbers.span(holdout)) after it"
  }

  private var reportLines: [String] {
    var lines = [fittedTo, ""]
    lines += modelLines + [""]
    for model in forecast.models { lines += parameterLines(model) }
    lines += ["", "take: \(forecast.choice.reason)"]
    if forecast.models.contains(where: { !$0.tracking.isEmpty }) {
      lines += [""] + TextChart.lines(chart)
    }
    lines += comparisonLines + expectationLines
    return lines
  }

  /// Of the model to take, else of the first one.
  private var comparisonLines: [String] {
    let held = forecast.models.filter { $0.error != nil }
    guard let model = held.first(where: { $0.model == forecast.choice.model }) ?? held.first else {
      return []
    }
    func own(_ name: ValueCommand.Table) -> [String] {
      let all = rows(of: name)
      let rows = all.rows.filter { $0[0] == .text(model.model.rawValue) }
      return cells.lines(
        Metrics.Table(
          columns: Array(all.columns.dropFirst()), rows: rows.map { Array($0.dropFirst()) }),
        unset: "-")
    }
    var lines =
      ["", "\(model.model.rawValue): repeat purchases in the holdout, by those before it"]
      + own(.frequency)
    lines +=
      ["", "\(model.model.rawValue): P(alive) at the cut, and who bought in the holdout"]
      + own(.calibration)
    if held.count > 1 {
      lines.append("(of the other models: --table frequency, --table calibration)")
    }
    return lines
  }

  private var modelLines: [String] {
    var columns = ["model", "verdict", "log-likelihood", "AIC", "BIC"]
    if forecast.holdout != nil {
      columns += ["forecast", "actual", "bias", "MAE", "RMSE", "correlation"]
    }
    var shown = TextTable(columns: columns, numeric: Set(2..<columns.count))
    func number(_ value: Double?) -> String { value.map(Numbers.double) ?? "-" }
    func short(_ value: Double?) -> String { value.map(Numbers.short) ?? "-" }
    for model in forecast.models {
      var row = [
        model.model.rawValue, model.verdict, number(model.parameters?.logLikelihood),
        number(model.aic), number(model.bic),
      ]
      if forecast.holdout != nil {
        let error = model.error
        row += [
          number(error?.forecast), error.map { String($0.actual) } ?? "-",
          Self.percent(error?.bias), short(error?.meanAbsolute), short(error?.rootMeanSquare),
          short(error?.correlation),
        ]
      }
      shown.add(row)
    }
    return shown.lines
  }

  private func parameterLines(_ model: ModelForecast) -> [String] {
    func list(_ fit: ModelForecast.Parameters) -> String {
      zip(fit.names, zip(fit.values, fit.standardErrors)).map { name, value in
        "\(name) \(Numbers.double(value.0))"
          + (value.1.map { " ± \(Numbers.short($0))" } ?? " (no standard error)")
      }.joined(separator: ", ")
    }
    var lines: [String] = []
    if let fit = model.parameters { lines.append("\(model.model.rawValue): \(list(fit))") }
    if let spending = model.spending { lines.append("  gamma_gamma: \(list(spending))") }
    return lines
  }

  private var expectationLines: [String] {
    let fitted = forecast.models.filter { $0.total != nil }
    if fitted.isEmpty { return [] }
    let horizon = Numbers.span(forecast.value.horizon)
    var shown = TextTable(
      columns: [
        "model", "purchases to come", "value to come", "a new customer's repeats", "their value",
        "with the first",
      ], numeric: [1, 2, 3, 4, 5])
    for model in fitted {
      shown.add([
        model.model.rawValue, model.total.map { Numbers.double($0.purchases) } ?? "-",
        money(model.total?.value), model.newcomer.map { Numbers.short($0.purchases) } ?? "-",
        money(model.newcomer?.value), money(model.newcomer?.valueWithFirst),
      ])
    }
    let from = forecast.holdout == nil ? "as-of" : "the cut"
    return ["", "expected within \(horizon) after \(from)"] + shown.lines
      + fitted.compactMap { model in
        model.predictedTotal.map { "\(model.model.rawValue): \(intervalText($0))" }
      }
  }

  private func intervalText(_ prediction: ValueFit.Prediction) -> String {
    let (purchases, value) = (prediction.purchases, prediction.value)
    func range(_ low: Double, _ high: Double) -> String {
      "\(Numbers.short(low)) to \(Numbers.short(high))"
    }
    return
      "in 80 % of \(ValueFit.Prediction.draws) draws \(range(purchases.low80, purchases.high80)) purchases"
      + (value.map { ", worth \(money($0.low80)) to \(money($0.high80))" } ?? "")
      + "; in 95 % \(range(purchases.low95, purchases.high95))"
      + (value.map { ", worth \(money($0.low95)) to \(money($0.high95))" } ?? "")
  }

  // MARK: Customers

  private var customerLines: [String] {
    var rows: [[Metrics.Cell]] = []
    var count = 0
    let columns = forecast.table(.customers).columns
    let value = columns.firstIndex(of: "value") ?? 0
    let purchases = columns.firstIndex(of: "expected_purchases") ?? 0
    func key(_ row: [Metrics.Cell]) -> (Int64, Double) {
      var (money, number) = (Int64.min, 0.0)
      if case .money(let minor) = row[value] { money = minor }
      if case .number(let expected) = row[purchases] { number = expected }
      return (money, number)
    }
    forecast.forEachCustomer { row in
      count += 1
      if let last = rows.last, rows.count == Self.shownCustomers, key(row) <= key(last) { return }
      let place = rows.firstIndex { key($0) < key(row) } ?? rows.count
      rows.insert(row, at: place)
      if rows.count > Self.shownCustomers { rows.removeLast() }
    }
    var lines = cells.lines(Metrics.Table(columns: columns, rows: rows), unset: "-")
    if count > rows.count {
      lines += [
        "", "the \(rows.count) rows of the highest value; `--format csv` has all \(count)",
      ]
    }
    return lines
  }

  private func pathLines(_ path: CustomerPath) -> [String] {
    var lines = [path.customer]
    if path.subjects.count > 1 {
      lines.append("  also known as \(path.subjects.dropFirst().joined(separator: ", "))")
    }
    guard let first = path.models.first else { return lines + [noPathText(path)] }
    lines.append(
      "  \(path.known) days with a purchase, from \(path.dates[0]) to \(path.dates[path.known - 1])"
        + (path.days.count > path.known
          ? "; \(path.days.count - path.known) more after the cut" : ""))
    lines.append("  mean of the repeat days \(money(forecast.minor(first.mean)))")
    lines.append("")
    let after = forecast.holdout == nil ? "as-of" : "the cut"
    var shown = TextTable(
      columns: ["model", "x", "recency", "T", "P(alive)"]
        + first.expected.flatMap { ["in \(Numbers.span($0.within))", "value"] }
        + ["DERT", "value for ever"], numeric: Set(1..<15))
    for model in path.models {
      shown.add(
        [
          model.model.rawValue, Numbers.short(model.history.frequency),
          Numbers.short(model.history.recency), Numbers.short(model.history.age),
          Numbers.short(model.alive),
        ]
          + model.expected.flatMap { [Numbers.short($0.purchases), money($0.value)] }
          + [model.residual.map { Numbers.short($0) } ?? "-", money(model.residualValue)])
    }
    lines.append("purchases and value expected after \(after), given this history")
    lines += shown.lines + [""]
    for model in path.models {
      if let prediction = model.prediction {
        lines.append("\(model.model.rawValue): \(intervalText(prediction))")
      }
    }
    lines.append("")
    for model in path.models {
      guard let fit = forecast.models.first(where: { $0.model == model.model }) else { continue }
      lines += parameterLines(fit)
    }
    return lines + [""] + TextChart.lines(chart)
  }

  func noPathText(_ path: CustomerPath) -> String {
    switch path.state {
    case .buyer: "  no model could be fitted"
    case .late(let day): "  bought first on \(day), after the cut: the models did not see it"
    case .noPurchase: "  has no purchase up to as-of: what is expected is that of a new customer"
    case .parked: "  is parked: its rules do not determine a stage, and it is left out"
    }
  }
}
