import CEL
import EventStore
import Projections

extension ValueReport {
  /// One object: models, and what they expect beside what came.
  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("view", .string(view)), ("as_of", .string(RFC3339.text(forecast.asOf))),
      ("currency", .string(forecast.rules.currency.code)),
      ("unit", .string(Numbers.span(forecast.value.unit))),
      ("horizon", .string(Numbers.span(forecast.value.horizon))),
      ("margin", .string(forecast.value.marginText)), ("discount", forecast.value.discountJSON),
    ]
    members += forecast.value.knownBefore
    members += [
      ("customers", .count(forecast.customers)), ("buyers", .count(forecast.buyers)),
      ("parked", .count(forecast.parked)), ("holdout", holdout),
      ("models", .array(forecast.models.map(model))), ("take", choice),
      ("tracking", cells.rows(forecast.table(.tracking))),
      ("frequency", cells.rows(forecast.table(.frequency))),
      ("calibration", cells.rows(forecast.table(.calibration))),
    ]
    if table == .customers {
      let columns = forecast.table(.customers).columns
      var rows: [JSONValue] = []
      forecast.forEachCustomer { row in
        rows.append(.object(Array(zip(columns, row.map(cells.json)))))
      }
      members.append(("customer_values", .array(rows)))
    }
    if let path = forecast.path { members.append(("customer", customer(path))) }
    return .object(members)
  }

  private var holdout: JSONValue {
    guard let length = forecast.holdout else { return .null }
    return .object([
      ("length", .string(Numbers.span(length))), ("cut", .string(RFC3339.text(forecast.cut))),
      ("left_out", .count(forecast.lateBuyers)),
    ])
  }

  private var choice: JSONValue {
    .object([
      ("model", .optional(forecast.choice.model?.rawValue)),
      ("by", .optional(forecast.choice.measure?.rawValue)),
      ("reason", .string(forecast.choice.reason)),
    ])
  }

  private func number(_ value: Double?) -> JSONValue {
    value.map { cells.json(.number($0)) } ?? .null
  }

  private func money(_ value: Int64?) -> JSONValue {
    .optional(value.map { Numbers.money($0, digits: cells.currencyDigits) })
  }

  private func model(_ model: ModelForecast) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("model", .string(model.model.rawValue)), ("verdict", .string(model.verdict)),
      (
        "verdicts",
        .array(model.verdicts.map(\.json))
      ),
      ("params", model.parameters.map(values) ?? .null),
      ("standard_errors", model.parameters.map(errors) ?? .null),
      ("log_likelihood", number(model.parameters?.logLikelihood)), ("aic", number(model.aic)),
      ("bic", number(model.bic)),
      ("customers", model.parameters.map { .count($0.customers) } ?? .null),
      ("gamma_gamma", model.spending.map(spending) ?? .null),
    ]
    if let total = model.total {
      members.append(
        (
          "expected",
          .object([("purchases", number(total.purchases)), ("value", money(total.value))])
        ))
    }
    if let prediction = model.predictedTotal {
      members.append(("intervals", intervals(prediction)))
    }
    if let newcomer = model.newcomer {
      members.append(
        (
          "new_customer",
          .object([
            ("purchases", number(newcomer.purchases)),
            ("discounted_purchases", number(newcomer.discounted)),
            ("value", money(newcomer.value)),
            ("value_with_first", money(newcomer.valueWithFirst)),
          ])
        ))
    }
    members.append(("holdout", model.error.map(error) ?? .null))
    return .object(members)
  }

  private func intervals(_ prediction: ValueFit.Prediction) -> JSONValue {
    let (purchases, value) = (prediction.purchases, prediction.value)
    return .object([
      ("seed", .number(String(forecast.seed))), ("draws", .count(ValueFit.Prediction.draws)),
      (
        "purchases",
        .object([
          ("low95", number(purchases.low95)), ("low80", number(purchases.low80)),
          ("high80", number(purchases.high80)), ("high95", number(purchases.high95)),
        ])
      ),
      (
        "value",
        value.map {
          .object([
            ("low95", money($0.low95)), ("low80", money($0.low80)), ("high80", money($0.high80)),
            ("high95", money($0.high95)),
          ])
        } ?? .null
      ),
    ])
  }

  private func values(_ fit: ModelForecast.Parameters) -> JSONValue {
    .object(zip(fit.names, fit.values).map { ($0, number($1)) })
  }

  private func errors(_ fit: ModelForecast.Parameters) -> JSONValue {
    .object(zip(fit.names, fit.standardErrors).map { ($0, number($1)) })
  }

  private func spending(_ fit: ModelForecast.Parameters) -> JSONValue {
    .object(
      zip(fit.names, fit.values).map { ($0, number($1)) } + [
        ("log_likelihood", number(fit.logLikelihood)), ("standard_errors", errors(fit)),
        ("customers", .count(fit.customers)),
      ])
  }

  private func customer(_ path: CustomerPath) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("customer", .string(path.customer)),
      ("subjects", .array(path.subjects.map { .string($0) })),
    ]
    let note: String? = path.models.isEmpty ? String(noPathText(path).dropFirst(2)) : nil
    members.append(("note", .optional(note)))
    members.append(("purchase_dates", .array(path.dates.map { .string($0) })))
    members.append(("purchase_days", .count(path.known)))
    members.append(("models", .array(path.models.map(customer))))
    members.append(("path", cells.rows(path.table)))
    return .object(members)
  }

  private func customer(_ model: CustomerPath.Model) -> JSONValue {
    .object([
      ("model", .string(model.model.rawValue)),
      ("frequency", .count(Int64(model.history.frequency))),
      ("recency", number(model.history.recency)), ("age", number(model.history.age)),
      ("mean", number(model.mean)), ("expected_amount", number(model.amount)),
      ("p_alive", number(model.alive)),
      (
        "expected",
        .array(
          model.expected.map {
            .object([
              ("within", .string(Numbers.span($0.within))), ("purchases", number($0.purchases)),
              ("value", money($0.value)),
            ])
          })
      ),
      ("intervals", model.prediction.map(intervals) ?? .null),
      ("dert", number(model.residual)), ("dert_value", money(model.residualValue)),
    ])
  }

  private func error(_ error: HoldoutError) -> JSONValue {
    .object([
      ("forecast", number(error.forecast)), ("actual", .count(error.actual)),
      ("bias", number(error.bias)), ("mae", number(error.meanAbsolute)),
      ("rmse", number(error.rootMeanSquare)), ("correlation", number(error.correlation)),
      ("money_forecast", number(error.moneyForecast)), ("money_actual", number(error.moneyActual)),
    ])
  }
}
