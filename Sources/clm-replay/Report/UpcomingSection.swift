import Projections

/// What time alone brings within a week.
enum UpcomingSection {
  /// What customers are measured by; nil without `clv`.
  static func worthName(_ source: ReportSource) -> String? {
    guard let clv = source.rules.clv else { return nil }
    return clv.model == nil ? "value so far" : "expected value"
  }

  /// - Parameter namesCustomers: the list names them.
  static func make(_ source: ReportSource, namesCustomers: Bool) -> ReportSection {
    let counts = source.scan.upcomingCounts
    let hasLapses = source.isChurned.contains(true)
    let title = hasLapses ? "Who lapses next week" : "Who moves next week"
    if counts.isEmpty {
      return ReportSection(
        id: "next", title: title,
        absent:
          "Within 7 days after \(ReportWords.minute(source.manifest.asOf)) time alone moves nobody to another stage."
      )
    }
    let lapsing = counts.filter { lapses(source, $0.key) }.reduce(0) { $0 + $1.value.customers }
    let moving = counts.reduce(0) { $0 + $1.value.customers }
    var section = ReportSection(
      id: "next", title: title,
      lead:
        "\(ReportWords.customers(moving)) \(moving == 1 ? "moves" : "move") by time alone within 7 days after \(ReportWords.minute(source.manifest.asOf)), unless something happens before\(hasLapses ? "; \(Numbers.grouped(lapsing)) of them to a stage that counts as churned" : "")."
    )
    section.figures.append(days(source, counts))
    section.figures.append(moves(source, counts))
    if namesCustomers {
      section.lists.append(list(source, moving))
    } else {
      section.remark("Customers are not named, as was asked.")
    }
    return section
  }

  private static func lapses(_ source: ReportSource, _ move: CustomerScan.Move) -> Bool {
    ReportSource.lapses(source.metrics.plan, move.from, move.to)
  }

  private typealias Counts = [CustomerScan.Move: (customers: Int64, worth: Int64)]

  private static func days(_ source: ReportSource, _ counts: Counts) -> ReportFigure {
    let day: Int64 = 86_400_000_000
    func values(_ isLapse: Bool) -> [Double] {
      (0..<CustomerScan.days).map { place in
        counts.filter { $0.key.day == place && lapses(source, $0.key) == isLapse }
          .reduce(0) { $0 + Double($1.value.customers) }
      }
    }
    let series = [
      StackedColumns.Series(name: "to a churned stage", style: "lost", values: values(true)),
      StackedColumns.Series(name: "to another stage", style: "c2", values: values(false)),
    ].filter { $0.values.contains { $0 > 0 } }
    let dates = (0..<CustomerScan.days).map {
      ReportWords.day(source.manifest.asOf.addingReportingOverflow(Int64($0) * day).partialValue)
    }
    return ReportFigure(
      id: "next-days", title: "By day, each of 24 hours from as-of",
      summary: "Customers whom time alone moves on each of the next seven days",
      StackedColumns(
        labels: dates.map { String($0.suffix(5)) }, series: series,
        text: { Numbers.grouped(Int64($0)) }, axisText: ReportWords.axis, plotHeight: 150
      ).picture, legend: series.map { ($0.style, $0.name) },
      table: ReportTable(
        "Customers by day", columns: ["from"] + series.map(\.name),
        numbers: Set(1..<1 + max(1, series.count)),
        rows: dates.indices.map { place in
          [dates[place]] + series.map { Numbers.grouped(Int64($0.values[place])) }
        }))
  }

  private static func moves(_ source: ReportSource, _ counts: Counts) -> ReportFigure {
    struct Total {
      var from: String
      var to: String?
      var customers: Int64
      var worth: Int64
    }
    var totals: [Total] = []
    let sorted = counts.sorted {
      ($0.key.from, $0.key.to ?? "", $0.key.day) < ($1.key.from, $1.key.to ?? "", $1.key.day)
    }
    for (move, count) in sorted {
      if let last = totals.indices.last, totals[last].from == move.from, totals[last].to == move.to
      {
        totals[last].customers += count.customers
        totals[last].worth += count.worth
      } else {
        totals.append(
          Total(from: move.from, to: move.to, customers: count.customers, worth: count.worth))
      }
    }
    totals.sort { ($0.customers, $1.from) > ($1.customers, $0.from) }
    let worth = worthName(source)
    func name(_ total: Total) -> String { "\(total.from) → \(total.to ?? "parked")" }
    return ReportFigure(
      id: "next-moves", title: "By move\(worth.map { ", with \($0)" } ?? "")",
      summary: "Customers by the stage they are in and the one that comes",
      RowBars.amounts(
        totals.prefix(12).map { total in
          (
            name: name(total), amount: Double(total.customers),
            value:
              "\(Numbers.grouped(total.customers))\(worth == nil ? "" : " · \(source.words.money(total.worth))")",
            style: ReportSource.lapses(source.metrics.plan, total.from, total.to) ? "lost" : "c2"
          )
        }
      ).picture,
      table: ReportTable(
        "Customers by move",
        columns: ["from", "to", "customers"]
          + (worth.map { ["\($0), \(source.words.code)"] } ?? []),
        numbers: [2, 3],
        rows: totals.map { total in
          [total.from, total.to ?? "(parked)", Numbers.grouped(total.customers)]
            + (worth == nil ? [] : [source.words.amount(total.worth)])
        }))
  }

  private static func list(_ source: ReportSource, _ moving: Int64) -> ReportTable {
    let worth = worthName(source)
    let listed = source.scan.upcoming.prefix(25)
    var table = ReportTable(
      Int64(listed.count) < moving
        ? "The first \(listed.count) of them, the most valuable first"
        : "All of them, the most valuable first",
      columns: ["customer", "in", "moves to", "at (UTC)", "last event"]
        + (worth.map { ["\($0), \(source.words.code)"] } ?? []), numbers: [5],
      rows: listed.map { customer in
        [
          customer.customer, customer.from, customer.to ?? "(parked)",
          String(ReportWords.minute(customer.at).dropLast(4)), ReportWords.day(customer.lastSeen),
        ] + (worth == nil ? [] : [customer.worth.map { source.words.amount($0) } ?? "–"])
      })
    if Int64(listed.count) < moving {
      table.more = [
        .init(
          text:
            "`clm-replay export STORE --table customers -o customers.csv` has all, in the columns next_at and next_to."
        )
      ]
    }
    return table
  }
}
