import CEL
import EventStore
import Projections

/// What a replay says of what it built.
struct ReplayReport {
  let built: ViewBuilder.Built
  let faults: FaultReport
  let loaded: LoadedRules

  static func receiptJSON(_ manifest: ViewManifest) -> JSONValue {
    .object([
      ("size", .count(manifest.size)), ("root", .string(manifest.root)),
      ("rules", .string(manifest.rulesHash)), ("engine", .string(manifest.engine)),
      ("as_of", .string(RFC3339.text(manifest.asOf))),
      ("output_root", .string(manifest.outputRoot)),
    ])
  }

  /// Of a view that is what a replay would make, for people.
  static func unchanged(_ manifest: ViewManifest) -> String {
    """
    view \(manifest.name): \(manifest.model) v\(manifest.version), unchanged since \(RFC3339.text(manifest.switchedAt))
    as of \(RFC3339.text(manifest.asOf)), log size \(manifest.size)
    \(manifest.customers) customers, \(manifest.rows) transitions

    output root \(manifest.outputRoot)

    """
  }

  /// The whole object, less what each replay has to itself.
  ///
  /// - Parameter manifest: of the view that came of it.
  func json(_ manifest: ViewManifest) -> JSONValue {
    let summary = built.summary
    let digits = loaded.compiled.rules.currency.digits
    var value: [(String, JSONValue)] = [
      ("model", .optional(loaded.compiled.rules.clv?.model?.rawValue))
    ]
    if let fit = built.valueFit { value += fitJSON(fit) }
    if !faults.unvalued.isEmpty {
      value.append(("faults", .array(faults.unvalued.map { faultJSON($0) })))
    }
    value.append(
      ("historical", .optional(built.historicalValue.map { Numbers.money($0, digits: digits) })))
    return .object([
      ("view", .string(manifest.name)), ("as_of", .string(RFC3339.text(summary.asOf))),
      ("events", .count(summary.events)), ("ignored", .count(summary.ignored)),
      ("customers", .count(summary.customers)), ("transitions", .count(summary.transitions)),
      ("stages", .object(summary.stages.map { ($0.name, .count($0.customers)) })),
      ("segments", .object(summary.segments.map { ($0.name, .count($0.customers)) })),
      ("clv", .object(value)),
      ("faults", .array(faults.faults.map { faultJSON($0) })),
      ("warnings", .array(faults.warnings.map { warningJSON($0) })),
      ("parked", .array(summary.parked.map { parkedJSON($0.customer, $0.parking) })),
      ("receipt", Self.receiptJSON(manifest)),
    ])
  }

  private func fitJSON(_ fit: ValueFit) -> [(String, JSONValue)] {
    func pairs(_ names: [String], _ values: [Double]) -> [(String, JSONValue)] {
      zip(names, values).map { ($0, .number(Numbers.double($1))) }
    }
    var members: [(String, JSONValue)] = [
      ("unit", .string(Numbers.span(fit.unit))),
      ("horizon", .string(Numbers.span(fit.settings.horizon))),
      ("margin", .string(fit.settings.marginText)), ("discount", fit.settings.discountJSON),
      ("customers", .count(fit.customers)),
    ]
    if fit.isGiven { members.append(("fitted", .bool(false))) }
    if fit.settings.monetary == .net { members.append(("monetary", .string("net"))) }
    if !fit.isGiven { members += fit.settings.knownBefore }
    if let (names, purchases) = fit.purchases {
      members.append(("params", .object(pairs(names, purchases.parameters))))
      members.append(("log_likelihood", .number(Numbers.double(purchases.logLikelihood))))
      members += standardErrors(names, purchases)
    }
    switch fit.spending {
    case .gammaGamma(let spending)?:
      let values = spending.parameters + (fit.isGiven ? [] : [spending.logLikelihood])
      let names = GammaGamma.parameterNames + ["log_likelihood"]
      members.append(("gamma_gamma", .object(pairs(names, values))))
      members += standardErrors(
        GammaGamma.parameterNames, spending, named: "gamma_gamma_standard_errors")
    case .mean(let mean, let customers)?:
      members.append(
        (
          "mean_amount",
          .object([
            ("mean", .number(Numbers.double(mean))), ("customers", .count(customers)),
            ("replaces", .string("gamma_gamma")),
          ])
        ))
    case nil: break
    }
    if !fit.verdicts.isEmpty {
      members.append(("verdicts", .array(fit.verdicts.map(\.json))))
    }
    return members
  }

  /// To the six digits that they hold.
  private func standardErrors(
    _ names: [String], _ fit: Fit, named name: String = "standard_errors"
  ) -> [(String, JSONValue)] {
    if fit.standardErrors.isEmpty { return [] }
    return [
      (
        name,
        .object(
          zip(names, fit.standardErrors).map { name, error in
            (name, error.map { .number(Numbers.six($0)) } ?? .null)
          })
      )
    ]
  }

  private func faultJSON(_ fault: FaultReport.Fault) -> JSONValue {
    .object([
      (fault.kind, .string(fault.name)), ("reason", .string(fault.reason)),
      ("count", .count(fault.count)),
      ("first_position", fault.firstPosition.map { .count($0) } ?? .null),
    ])
  }

  private func parkedJSON(_ customer: String, _ parked: Parking) -> JSONValue {
    .object([
      ("customer", .string(customer)), ("reason", .string(parked.reason)),
      ("at", .string(RFC3339.text(parked.at))),
      ("transitions", .array(parked.transitions.map { .string($0) })),
    ])
  }

  /// What was done.
  var work: String {
    let summary = built.summary
    if built.isUpdate {
      return "folded \(built.folded) of \(summary.customers) customers again"
    }
    return "replayed \(summary.events) events"
  }

  /// For people.
  func text(_ manifest: ViewManifest) -> String {
    let summary = built.summary
    var lines: [String] = []
    lines.append("view \(manifest.name): \(loaded.title)")
    lines.append("as of \(RFC3339.text(summary.asOf)), log size \(manifest.size)")
    lines.append(
      "\(summary.events) events, \(summary.customers) customers, \(summary.transitions) transitions"
        + (summary.ignored > 0 ? ", \(summary.ignored) events ignored" : ""))
    lines.append("")
    var table = TextTable(columns: ["stage", "customers"], numeric: [1])
    for stage in summary.stages { table.add([stage.name, String(stage.customers)]) }
    if !summary.parked.isEmpty { table.add(["(parked)", String(summary.parked.count)]) }
    lines += table.lines
    if !summary.segments.isEmpty {
      lines.append("")
      var table = TextTable(columns: ["segment", "customers"], numeric: [1])
      for segment in summary.segments { table.add([segment.name, String(segment.customers)]) }
      lines += table.lines
    }
    if let value = built.historicalValue {
      let currency = loaded.compiled.rules.currency
      lines.append("")
      lines.append(
        "historical value \(Numbers.money(value, digits: currency.digits)) \(currency.code)")
    }
    if let fit = built.valueFit, let (names, purchases) = fit.purchases {
      lines.append("")
      let values = zip(names, purchases.parameters).map { "\($0) \(Numbers.double($1))" }
      lines.append(
        "\(fit.model.rawValue) over \(fit.customers) buyers\(fit.isGiven ? ", parameters as given" : ""), time in \(Numbers.span(fit.unit)): "
          + values.joined(separator: ", ")
          + ", log-likelihood \(Numbers.double(purchases.logLikelihood))"
          + (fit.isGiven ? "" : fit.settings.knownBefore.map { ", \($0.0) \($0.1.text)" }.joined())
      )
    }
    if !faults.faults.isEmpty {
      lines.append("")
      var table = TextTable(
        columns: ["fault", "name", "reason", "count", "first position"], numeric: [3, 4])
      for fault in faults.faults {
        table.add([
          fault.kind, fault.name, fault.reason, String(fault.count),
          fault.firstPosition.map { String($0) } ?? "",
        ])
      }
      lines += table.lines
    }
    lines.append("")
    lines.append("output root \(manifest.outputRoot)")
    return lines.joined(separator: "\n") + "\n"
  }
}
