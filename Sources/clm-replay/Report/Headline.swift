import Projections

/// The figures at the top of a report, and what stands out.
struct Headline {
  private let source: ReportSource
  private let lifecycle: ReadTable
  private let stages: ReadTable

  init(_ source: ReportSource) {
    self.source = source
    lifecycle = source.table(.lifecycle)
    stages = source.table(.stages)
  }

  /// One figure, as the page's template names it.
  struct Tile: Sendable {
    var name: String
    var value: String
    /// `+4.2 % on October 2024`; empty without a period before.
    var change: String
    /// `good`, `bad` or nothing.
    var kind: String
    /// SVG of the last periods; empty for none.
    var spark: String
    /// `long` where the figure has no room at full size.
    var size: String

    init(name: String, value: String, change: String, kind: String = "", spark: String = "") {
      (self.name, self.value) = (name.printable, value.printable)
      (self.change, self.kind, self.spark) = (change.printable, kind, spark)
      size = value.count > 11 ? "long" : ""
    }
  }

  /// What a change is held to be.
  private enum Sense {
    case more, less, neither
  }

  var tiles: [Tile] {
    var tiles = [customers]
    if let period = source.lastWhole {
      tiles += [active(period), money(period), new(period), lapsed(period), score(period)]
        .compactMap { $0 }
    }
    return tiles + [worth, upcoming].compactMap { $0 }
  }

  // MARK: Tiles

  private func population(_ period: Int) -> Int64 {
    source.stages.indices.reduce(0) {
      $0 + stages.count(source.stageRow(period, $1), "population")
    }
  }

  private var customers: Tile {
    let now = source.metrics.customers
    var change = ""
    if let before = source.totals.whole < source.totals.labels.count
      ? source.lastWhole : source.beforeLast
    {
      let label = PeriodAxis.name(source.totals.labels[before])
      change = "\(ReportWords.signed(now - population(before))) since the end of \(label)"
    }
    return Tile(
      name: "Customers", value: Numbers.grouped(now), change: change, kind: "",
      spark: Self.spark(source.shown.map { Double(population($0)) }))
  }

  private func flow(
    _ name: String, _ period: Int, _ sense: Sense, _ value: (Int) -> Int64,
    text: (Int64) -> String = { Numbers.grouped($0) }
  ) -> Tile {
    let now = value(period)
    var tile = Tile(
      name: "\(name) in \(PeriodAxis.name(source.totals.labels[period]))", value: text(now),
      change: "", kind: "",
      spark: Self.spark(source.shown.filter { $0 <= period }.map { Double(value($0)) }))
    guard let before = source.beforeLast else { return tile }
    let earlier = value(before)
    let label = PeriodAxis.name(source.totals.labels[before])
    if earlier == now {
      tile.change = "as many as in \(label)"
    } else {
      tile.change =
        ReportWords.change(from: Double(earlier), to: Double(now)).map { "\($0) on \(label)" }
        ?? "none in \(label)"
    }
    if earlier != now && sense != .neither {
      tile.kind = (now > earlier) == (sense == .more) ? "good" : "bad"
    }
    return tile
  }

  private func active(_ period: Int) -> Tile {
    flow(activityName, period, .more) { lifecycle.count($0, "active") }
  }

  private var activityName: String {
    source.metrics.plan.activity == .purchases ? "Buyers" : "Active customers"
  }

  private func money(_ period: Int) -> Tile? {
    if source.rules.clv == nil { return nil }
    return flow(
      "Purchases", period, .more, { source.totals.purchases[$0].amount },
      text: { source.words.money($0) })
  }

  private func new(_ period: Int) -> Tile {
    flow(
      source.metrics.plan.activity == .purchases ? "First-time buyers" : "New customers", period,
      .more
    ) { lifecycle.count($0, "new") }
  }

  /// Moves into a stage that counts as churned.
  private func lapsed(_ period: Int) -> Tile? {
    guard source.isChurned.contains(true) else { return nil }
    return flow("Lapsed", period, .less) { period in
      source.stages.indices.reduce(0) {
        $0 + stages.count(source.stageRow(period, $1), "churned")
      }
    }
  }

  private func score(_ period: Int) -> Tile? {
    let scores = NPSSection.byPeriod(source)
    guard let now = scores[source.totals.labels[period]] else { return nil }
    let answers = ReportWords.number(now.answers, "answer")
    var tile = Tile(
      name: "NPS in \(PeriodAxis.name(source.totals.labels[period]))",
      value: ReportWords.score(now.nps),
      change: "from \(answers)", kind: "",
      spark: "")
    if let before = source.beforeLast, let earlier = scores[source.totals.labels[before]] {
      let difference = Int64(now.nps.rounded()) - Int64(earlier.nps.rounded())
      tile.change =
        "\(ReportWords.signed(difference)) on \(PeriodAxis.name(source.totals.labels[before])), \(answers)"
      // A few answers say little either way.
      if difference != 0 && min(now.answers, earlier.answers) >= NPSSection.enough {
        tile.kind = difference > 0 ? "good" : "bad"
      }
    }
    return tile
  }

  private var worth: Tile? {
    guard let clv = source.rules.clv, let model = clv.model, !source.scan.expected.isEmpty else {
      return nil
    }
    let sum = source.scan.expected.reduce(Int128(0)) { $0 + Int128($1) }
    return Tile(
      name: "Expected value", value: source.words.money(Int64(clamping: sum)),
      change:
        "of all buyers within \(SpokenText.length(microseconds: clv.horizon)), by \(model.rawValue)",
      kind: "",
      spark: "")
  }

  private var upcoming: Tile? {
    guard source.isChurned.contains(true) else { return nil }
    let moves = source.scan.upcomingCounts.filter {
      ReportSource.lapses(source.metrics.plan, $0.key.from, $0.key.to)
    }
    let customers = moves.reduce(0) { $0 + $1.value.customers }
    let worth = moves.reduce(Int64(0)) { $0 + $1.value.worth }
    let what = UpcomingSection.worthName(source).map { "; \($0) \(source.words.money(worth))" }
    return Tile(
      name: "Lapse within 7 days", value: Numbers.grouped(customers),
      change: "if nothing happens\(what ?? "")", kind: "", spark: "")
  }

  /// A small line without axes; what it shows stands in the figures below.
  private static func spark(_ values: [Double]) -> String {
    guard values.count > 2, let low = values.min(), let high = values.max(), high > low else {
      return ""
    }
    let points = values.suffix(12).enumerated().map { place, value in
      let x = Double(place) / Double(min(values.count, 12) - 1) * 98 + 1
      return
        "\(SVGText.number(x)) \(SVGText.number(23 - (value - low) / (high - low) * 22))"
    }
    return
      "<svg class=\"spark\" viewBox=\"0 0 100 24\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path d=\"M\(points.joined(separator: "L"))\" vector-effect=\"non-scaling-stroke\"/></svg>"
  }

  // MARK: What stands out

  /// A few sentences, each from a table below.
  var findings: [ReportSection.Remark] {
    [dropOff, score, concentration, forecast, parked].compactMap { $0 }.map {
      ReportSection.Remark(text: $0.printable)
    }
  }

  private var dropOff: String? {
    let funnel = FunnelSection(source)
    guard let worst = funnel.worst else { return nil }
    return
      "Most is lost in \(source.stages[worst.stage]): \(ReportWords.percent(worst.share)) % of \(Numbers.grouped(worst.entries)) entries fall back or are still there \(SpokenText.length(microseconds: source.metrics.plan.settings.stuckAfter)) later."
  }

  private var score: String? {
    let scores = NPSSection.byStage(source).filter { $0.answers >= NPSSection.enough }
    guard scores.count > 1, let lowest = scores.min(by: { $0.nps < $1.nps }),
      let highest = scores.max(by: { $0.nps < $1.nps }), lowest.nps < highest.nps
    else { return nil }
    return
      "NPS is lowest in \(lowest.name) (\(ReportWords.score(lowest.nps)) of \(ReportWords.number(lowest.answers, "answer"))) and highest in \(highest.name) (\(ReportWords.score(highest.nps)) of \(Numbers.grouped(highest.answers)))."
  }

  private var concentration: String? {
    let table = source.table(.intervals)
    func value(_ name: String) -> Double? {
      table.rows.first { table.text($0, "measure") == name }.flatMap { table.number($0, "value") }
    }
    guard let buyers = value("top_10_buyers"), buyers > 0, let share = value("top_10_spend_share"),
      let again = value("repurchase_rate")
    else { return nil }
    return
      "The tenth of the buyers who spend most bring \(ReportWords.percent(share)) % of all purchases; \(ReportWords.percent(again)) % of buyers bought again."
  }

  private var forecast: String? {
    guard case .there(let forecast) = source.forecast else { return nil }
    return ForecastSection.verdict(forecast)
  }

  private var parked: String? {
    let parked = source.metrics.parked
    if parked == 0 { return nil }
    return
      "\(ReportWords.customers(parked)) \(parked == 1 ? "is" : "are") parked: the rules do not determine a stage, and \(parked == 1 ? "it is" : "they are") left out of everything here."
  }
}
