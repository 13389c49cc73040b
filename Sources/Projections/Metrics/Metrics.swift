import CEL
import EventStore
import Glibc

/// Lifecycle metrics over all customers of a log, as tables (docs/metrics.md).
public struct Metrics: Sendable {
  /// The tables of docs/metrics.md.
  public enum Name: String, Sendable, CaseIterable {
    /// Entries, exits, conversion and dwell by period and stage.
    case stages
    /// Moves between stages by period.
    case flow
    /// New, returning, resurrecting and dormant customers by period.
    case lifecycle
    /// Retention by the period of the first activity, and age.
    case cohorts
    /// Over all answers: by period, stage and channel.
    case nps
    /// The same over the latest answer of each customer.
    case latestScores = "nps_latest"
    /// Events, customers and purchase amounts by alias and channel.
    case channels
    /// Who named whom, and what came of it.
    case referrals
    /// Repurchases, and days between purchases, over all customers.
    case intervals
    /// The same by cohort.
    case cohortIntervals = "cohort_intervals"
    /// Who has been away longer than is usual for them.
    case overdue
    /// The `rates` of the rules, by period.
    case rates
    /// Steps of a funnel that the settings name.
    case funnel
  }

  /// What stands in a column of a row.
  public enum Cell: Sendable, Equatable {
    /// There is no such figure: not 0.
    case unset
    /// A name or a period.
    case text(String)
    /// A whole number.
    case count(Int64)
    /// A fraction: a share, days, a mean.
    case number(Double)
    /// Minor units.
    case money(Int64)
    /// Microseconds since 1970.
    case instant(Int64)
  }

  /// Rows with named columns.
  public struct Table: Sendable {
    /// Names as docs/metrics.md has them.
    public var columns: [String]
    /// Each with a cell a column.
    public var rows: [[Cell]]
    package init(columns: [String], rows: [[Cell]] = []) {
      (self.columns, self.rows) = (columns, rows)
    }
  }

  package let plan: MetricsPlan
  /// Microseconds since 1970.
  public let asOf: Int64
  /// Who has a stage at as-of; ``parked`` ones are not among them.
  public let customers: Int64
  /// Customers without a stage, who are left out of everything.
  public let parked: Int64
  /// NPS answers outside 0 to 10, which are left out.
  public let refusedScores: Int64
  /// NPS answers without a score, or with one that cannot be read, which are left out, by reason.
  public let unreadScores: [FaultReport.Fault]
  let periods: Periods
  let found: MetricsCollector
  private let view: LogView
  private let threads: Int
  let directory: CustomerDirectory

  /// - Throws: what the store throws, or a ``MetricsPlan/Fault`` where the time zone is not installed.
  public init(_ plan: MetricsPlan, view: LogView, threads: Int) throws {
    self.plan = plan
    self.view = view
    self.threads = threads
    asOf = view.asOf
    do {
      let first = min(try view.earliestOccurred() ?? view.asOf, view.asOf)
      periods = try Periods(
        plan.settings.period, zone: plan.compiled.rules.timezone, from: first, to: view.asOf)
    } catch Periods.Failure.tooMany {
      throw MetricsPlan.Fault(
        message:
          "from the first event to as-of there are more than \(Periods.limit) periods of one \(plan.settings.period.rawValue)",
        help:
          "take a longer --period, or look for a wrong date: `clm-replay status` shows the range")
    } catch Periods.Failure.unknownZone(let zone) {
      throw MetricsPlan.Fault(
        message: "the time zone `\(zone)` of the rules is not installed here",
        help: "install the IANA database (package tzdata)")
    }
    let (asOf, periods) = (asOf, periods)
    let replayer = Replayer(plan.compiled, view: view, threads: threads)
    let directory = try replayer.directory()
    var found = MetricsCollector(plan, periods, asOf: asOf)
    _ = try replayer.run(directory) {
      MetricsCollector(plan, periods, asOf: asOf)
    } keep: { folded in
      for sink in folded.sinks { found.add(sink) }
    }
    if found.slices.count > MetricsPlan.mostSlices {
      throw MetricsPlan.Fault(
        message:
          "`\(plan.settings.breakdown ?? "")` has \(found.slices.count) different values, more than \(MetricsPlan.mostSlices)",
        help: "break down by a field that has few")
    }
    if plan.breakdownFeed != nil, found.customers > 0, found.slices.keys.allSatisfy({ $0 == nil }),
      let fault = plan.unknownBreakdown
    {
      throw fault
    }
    (self.found, self.directory) = (found, directory)
    customers = found.customers
    parked = found.parked
    refusedScores = found.events.refusedScores
    unreadScores = try Self.unreadScores(found, plan, view)
  }

  private static func unreadScores(
    _ found: MetricsCollector, _ plan: MetricsPlan, _ view: LogView
  ) throws -> [FaultReport.Fault] {
    guard let feed = plan.scoreFeed, let answers = plan.answers else { return [] }
    return try found.events.unreadScores.found.map { reason, entry in
      FaultReport.Fault(
        kind: "nps", name: plan.rules.aliases[answers].name,
        reason: try FaultReport.words(entry, else: reason, plan.compiled, view) {
          $0.reason(feed: feed, line: $1)
        }, count: entry.count, firstPosition: entry.firstPosition)
    }
  }

  /// One table, in the order of its rows that docs/metrics.md gives.
  ///
  /// - Throws: what the store throws, or a ``MetricsPlan/Fault`` where the rules or settings have nothing for it.
  public func table(_ name: Name) throws -> Table {
    switch name {
    case .stages: stages
    case .flow: flow
    case .lifecycle: lifecycle
    case .cohorts: cohorts
    case .nps: nps
    case .latestScores: latestScores
    case .channels: channels
    case .referrals: try referrals()
    case .intervals: intervals
    case .cohortIntervals: cohortIntervals
    case .overdue: overdue
    case .rates: rates
    case .funnel: funnel
    }
  }

  // MARK: Helpers

  static func share(_ part: Int64, of whole: Int64) -> Cell {
    whole == 0 ? .unset : .number(Double(part) / Double(whole))
  }

  static func days(_ microseconds: Double) -> Cell {
    .number(microseconds / Double(Microseconds.day))
  }

  /// Linear interpolation between the two nearest ranks (R. J. Hyndman, Y. Fan 1996, type 7; SQL's `percentile_cont`).
  static func quantile(_ sorted: [Int64], _ share: Double) -> Double? {
    guard let last = sorted.last else { return nil }
    let place = share * Double(sorted.count - 1)
    let low = Int(place)
    if low + 1 >= sorted.count { return Double(last) }
    let rest = place - Double(low)
    return Double(sorted[low]) + rest * Double(sorted[low + 1] - sorted[low])
  }

  // MARK: Stages

  private var stages: Table {
    var table = Table(columns: [
      "period", "stage", "population", "entries", "exits", "to_next", "conversion", "down",
      "stuck", "drop_off", "dwell_days_p25", "dwell_days_p50", "dwell_days_p75", "dwell_days_p90",
      "churned", "churn_rate", "won_back",
    ])
    let names = plan.compiled.rules.stages.map(\.name)
    var population = Array(repeating: Int64(0), count: names.count)
    for (period, label) in periods.labels.enumerated() {
      for (stage, name) in names.enumerated() {
        let cell = found.stages.cell(period, stage)
        let before = population[stage]
        population[stage] += cell.change
        let dwell = cell.dwell.sorted()
        var row: [Cell] = [
          .text(label), .text(name), .count(population[stage]), .count(cell.entries),
          .count(cell.exits), .count(cell.toNext),
          // Nothing follows the last stage.
          stage + 1 == names.count ? .unset : Self.share(cell.toNext, of: cell.entries),
          .count(cell.down), .count(cell.stuck), Self.share(cell.dropped, of: cell.entries),
        ]
        for share in [0.25, 0.5, 0.75, 0.9] {
          row.append(Self.quantile(dwell, share).map(Self.days) ?? .unset)
        }
        row += [
          .count(cell.churned),
          // Who is churned cannot churn, and without such a stage nobody can.
          plan.isChurned[stage] || !plan.isChurned.contains(true)
            ? .unset : Self.share(cell.churned, of: before),
          .count(cell.wonBack),
        ]
        table.rows.append(row)
      }
    }
    return table
  }

  private var flow: Table {
    var table = Table(columns: ["period", "from", "to", "moves", "customers"])
    let names = plan.compiled.rules.stages.map(\.name)
    let moves = found.stages.flow.sorted {
      ($0.key.period, $0.key.from, $0.key.to) < ($1.key.period, $1.key.from, $1.key.to)
    }
    for (move, count) in moves {
      table.rows.append([
        .text(periods.labels[move.period]),
        move.from < 0 ? .unset : .text(names[Int(move.from)]), .text(names[Int(move.to)]),
        .count(count.rows), .count(count.customers),
      ])
    }
    return table
  }

  // MARK: Activity

  private var intervals: Table {
    var table = Table(columns: ["measure", "value"])
    func add(_ name: String, _ cell: Cell) { table.rows.append([.text(name), cell]) }
    let activity = found.activity
    let buyers = activity.buyers
    let purchases = buyers.reduce(0) { $0 + $1.orders }
    add("buyers", .count(Int64(buyers.count)))
    add("purchases", .count(purchases))
    add("repeat_buyers", .count(activity.repeatBuyers))
    add("repurchase_rate", Self.share(activity.repeatBuyers, of: Int64(buyers.count)))
    add("repeat_day_buyers", .count(activity.repeatDayBuyers))
    add("repeat_day_rate", Self.share(activity.repeatDayBuyers, of: Int64(buyers.count)))
    let quantiles = [("p10", 0.1), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p90", 0.9)]
    let gaps = activity.gaps.sorted()
    add("gaps", .count(Int64(gaps.count)))
    for (name, share) in quantiles {
      add("gap_days_\(name)", Self.quantile(gaps, share).map(Self.days) ?? .unset)
    }
    let dayGaps = activity.dayGaps.sorted()
    add("day_gaps", .count(Int64(dayGaps.count)))
    for (name, share) in quantiles {
      add("day_gap_\(name)", Self.quantile(dayGaps, share).map { .number($0) } ?? .unset)
    }
    let ranked = buyers.sorted { $0.spend > $1.spend }
    let lower = addTop(10, ranked, add).rest
    let best = addTop(1, ranked, add).top
    var ratio = Cell.unset
    if let best, let lower, lower != 0 { ratio = .number(best / lower) }
    add("top_1_to_lower_90_ratio", ratio)
    return table
  }

  /// Value per order of the buyers who spent most, against the rest; ranked as `top` under `population`.
  private func addTop(
    _ percent: Int, _ ranked: [ActivityMetrics.Buyer], _ add: (String, Cell) -> Void
  ) -> (top: Double?, rest: Double?) {
    var count = 0
    while count < ranked.count {
      // The lowest rank among ties decides for all of them.
      guard (count + 1) * 100 <= percent * ranked.count else { break }
      let spend = ranked[count].spend
      while count < ranked.count && ranked[count].spend == spend { count += 1 }
    }
    let scale = pow(10, Double(plan.compiled.rules.currency.digits))
    func sums(_ part: ArraySlice<ActivityMetrics.Buyer>) -> (spend: Double, perOrder: Double?) {
      let spend = Double(part.reduce(Int128(0)) { $0 + Int128($1.spend) }) / scale
      let orders = part.reduce(0) { $0 + $1.orders }
      return (spend, orders == 0 ? nil : spend / Double(orders))
    }
    let top = sums(ranked[..<count])
    let rest = sums(ranked[count...])
    let name = "top_\(percent)"
    add("\(name)_buyers", .count(Int64(count)))
    let all = top.spend + rest.spend
    add("\(name)_spend_share", all == 0 ? .unset : .number(top.spend / all))
    add("\(name)_value_per_order", top.perOrder.map { .number($0) } ?? .unset)
    add("\(name)_rest_value_per_order", rest.perOrder.map { .number($0) } ?? .unset)
    var ratio = Cell.unset
    if let top = top.perOrder, let rest = rest.perOrder, rest != 0 { ratio = .number(top / rest) }
    add("\(name)_ratio", ratio)
    return (top.perOrder, rest.perOrder)
  }

  // MARK: Events

  private var nps: Table {
    scores(found.events.scores, of: "answers") { _ in [] }
  }

  /// A table of NPS: over all, then by period, stage and channel.
  ///
  /// - Parameters:
  ///   - what: is counted.
  ///   - columns: behind the common ones, with the cells of a row.
  func scores(
    _ scores: [EventMetrics.ScoreKey: EventMetrics.Score], of what: String,
    with columns: [String] = [], _ more: (EventMetrics.Score) -> [Cell]
  ) -> Table {
    var table = Table(
      columns: ["by", "name", what, "promoters", "passives", "detractors", "nps"] + columns)
    func add(_ by: String, _ name: Cell, _ key: EventMetrics.ScoreKey) {
      guard let score = scores[key] else { return }
      table.rows.append(
        [
          .text(by), name, .count(score.answers), .count(score.promoters),
          .count(score.passives), .count(score.detractors), .number(score.net),
        ] + more(score))
    }
    add("all", .unset, .all)
    for (period, label) in periods.labels.enumerated() {
      add("period", .text(label), .period(period))
    }
    for (stage, name) in plan.rules.stages.map(\.name).enumerated() {
      add("stage", .text(name), .stage(Int32(stage)))
    }
    let channels = scores.keys.compactMap { key -> ByteString?? in
      if case .channel(let name) = key { return .some(name) }
      return nil
    }
    for channel in channels.sorted(by: ByteString.noneFirst) {
      add("channel", channel.map { .text($0.string) } ?? .unset, .channel(channel))
    }
    return table
  }

  private var channels: Table {
    var table = Table(columns: ["channel", "alias", "events", "customers", "amount"])
    let aliases = plan.compiled.rules.aliases.map(\.name)
    let purchase = plan.compiled.rules.clv?.purchase.alias
    let sorted = found.events.channels.found.sorted { left, right in
      left.name == right.name
        ? left.alias < right.alias : ByteString.noneFirst(left.name, right.name)
    }
    for (name, alias, count) in sorted {
      table.rows.append([
        name.map { .text($0.string) } ?? .unset, .text(aliases[alias]),
        .count(count.events), .count(count.customers),
        alias == purchase
          ? Int64(exactly: count.amount).map { .money($0) } ?? .unset : .unset,
      ])
    }
    return table
  }

  /// The first referral of each pair; the first of all that name a customer brought it, if the customer's first purchase
  /// came after it.
  private func referrals() throws -> Table {
    var table = Table(columns: [
      "referrer", "referred", "at", "event_id", "position", "brought", "purchases", "monetary",
      "clv_historical",
    ])
    var buyers: [UInt32: MetricsCollector.Buyer] = [:]
    for buyer in found.buyers { buyers[buyer.rank] = buyer }
    var pairs: Set<Pair> = []
    var brought: Set<ByteString> = []
    func name(_ rank: UInt32) -> ByteString { ByteString(directory.text(of: rank)) }
    var rows: [(referrer: ByteString, row: [Cell])] = []
    let sorted = found.events.referrals.sorted { ($0.at, $0.position) < ($1.at, $1.position) }
    let ids = try AnchorIDs(view: view, threads: threads).find([sorted.map(\.position)]).list(0)
    var wanted = Interner()
    for referral in sorted { _ = wanted.number(of: referral.referred.string) }
    let subjects = try view.subjects(named: wanted, directory.names, threads: threads)
    for (number, referral) in sorted.enumerated() {
      let subject = wanted.find(Array(referral.referred.string.utf8).span).flatMap {
        subjects[Int($0)]
      }
      var rank = subject.map { directory.ranks[Int($0)] }
      if rank == CustomerDirectory.absent { rank = nil }
      // Nobody brings himself.
      if rank == referral.referrer { continue }
      let referred = rank.map(name) ?? referral.referred
      guard pairs.insert(Pair(referrer: referral.referrer, referred: referred)).inserted else {
        continue
      }
      let isFirst = brought.insert(referred).inserted
      let id = String(decoding: ids[number], as: UTF8.self)
      let buyer = rank.flatMap { buyers[$0] }
      let value = buyer.flatMap { plan.compiled.rules.clv?.margin.times($0.net) }
      let isBrought =
        isFirst
        && (buyer.map { (referral.at, referral.position) < ($0.firstAt, $0.firstPosition) }
          ?? false)
      let referrer = name(referral.referrer)
      rows.append(
        (
          referrer,
          [
            .text(referrer.string), .text(referred.string), .instant(referral.at),
            .text(id), .count(Int64(referral.position)),
            plan.compiled.rules.clv == nil ? .unset : .text(isBrought ? "true" : "false"),
            .count(buyer?.purchases ?? 0),
            buyer.map { .money($0.net) } ?? .unset, value.map { .money($0) } ?? .unset,
          ]
        ))
    }
    // By referrer; those of one stay in time.
    let order = rows.indices.sorted {
      rows[$0].referrer != rows[$1].referrer ? rows[$0].referrer < rows[$1].referrer : $0 < $1
    }
    table.rows = order.map { rows[$0].row }
    return table
  }

  private struct Pair: Hashable {
    var referrer: UInt32
    var referred: ByteString
  }

  private var rates: Table {
    var table = Table(columns: [
      "rate", "period", "starts", "converted", "open", "share", "median_hours",
    ])
    for (number, rate) in plan.compiled.rules.rates.enumerated() {
      for (label, count) in zip(periods.labels, found.events.rates[number]) {
        let median = Self.quantile(count.times.sorted(), 0.5)
        table.rows.append([
          .text(rate.name), .text(label), .count(count.starts), .count(count.converted),
          .count(count.open), Self.share(count.converted, of: count.starts),
          median.map { .number($0 / Double(Microseconds.hour)) } ?? .unset,
        ])
      }
    }
    return table
  }
}
