import Projections

/// How the value of customers is distributed.
enum ValueSection {
  /// Bars of a distribution.
  private static let bins = 16

  static func make(_ source: ReportSource) -> ReportSection {
    let title = "Customer lifetime value"
    guard let clv = source.rules.clv else {
      return ReportSection(
        id: "value", title: title,
        absent: "The rules have no `clv`, so nothing says what a customer is worth.")
    }
    let (historical, expected) = (source.scan.historical, source.scan.expected)
    if historical.isEmpty {
      return ReportSection(id: "value", title: title, absent: "Nobody has bought anything yet.")
    }
    let currency = source.words.code
    var section = ReportSection(
      id: "value", title: title,
      lead:
        "Buyers by what they are worth in \(currency): the margin of \(clv.marginText) on purchases less refunds so far\(clv.model.map { ", and what \($0.rawValue) expects of them within \(SpokenText.length(microseconds: clv.horizon))" } ?? "")."
    )
    section.figures.append(
      figure(source, "historical", "So far", historical))
    if !expected.isEmpty, let model = clv.model {
      section.figures.append(
        figure(source, "expected", "Expected, \(model.rawValue)", expected))
    } else if clv.model == nil {
      section.remark("The rules name no `clv.model`, so no value to come is expected.")
    } else {
      section.remark("The model could not be fitted, so no value to come is expected.")
    }
    return section
  }

  private static func figure(
    _ source: ReportSource, _ id: String, _ title: String, _ values: [Int64]
  ) -> ReportFigure {
    let sorted = values.sorted()
    let bins = Histogram(sorted, count: bins)
    let sum = sorted.reduce(Int128(0)) { $0 + Int128($1) }
    let words = source.words
    func quantile(_ percent: Int) -> Int64 { sorted[(sorted.count - 1) * percent / 100] }
    let labels = bins.bins.map { bin -> String in
      guard let low = bin.low else { return "<0" }
      return ReportWords.axis(words.units(low)) + (bin.high == nil ? "+" : "")
    }
    let ranges = bins.bins.map { bin -> String in
      guard let low = bin.low else { return "below 0" }
      guard let high = bin.high else { return "\(words.amount(low)) and more" }
      return "\(words.amount(low)) to below \(words.amount(high))"
    }
    return ReportFigure(
      id: "value-\(id)", title: title,
      summary:
        "Distribution over \(ReportWords.number(Int64(sorted.count), "buyer")): half have \(words.money(quantile(50))) or less, a tenth \(words.money(quantile(90))) or more; \(words.money(Int64(clamping: sum))) together",
      StackedColumns(
        labels: labels,
        series: [
          .init(name: "buyers", style: "c2", values: bins.bins.map { Double($0.count) })
        ], text: { Numbers.grouped(Int64($0)) }, axisText: ReportWords.axis, plotHeight: 170
      ).picture,
      legend: [
        ("", "median \(words.money(quantile(50)))"),
        ("", "sum \(words.money(Int64(clamping: sum)))"),
      ],
      table: ReportTable(
        "Buyers by value in \(source.words.code)", columns: ["value", "buyers"],
        numbers: [1], rows: zip(ranges, bins.bins).map { [$0, Numbers.grouped($1.count)] }))
  }
}

/// Counts of amounts in equal steps, whose last one holds all that are larger.
struct Histogram {
  struct Bin: Equatable {
    /// Minor units, inclusive; nil: all below 0.
    var low: Int64?
    /// Exclusive; nil: all from `low` on.
    var high: Int64?
    var count: Int64
  }

  let bins: [Bin]

  /// - Parameters:
  ///   - sorted: ascending.
  ///   - count: of steps from 0 to where a fiftieth of the amounts are larger, at most.
  init(_ sorted: [Int64], count: Int) {
    guard let last = sorted.last else {
      bins = []
      return
    }
    let usual = max(1, sorted[(sorted.count - 1) * 98 / 100])
    let step = Self.step(atLeast: (usual + Int64(count) - 1) / Int64(count))
    let steps = Int(min(Int64(count), usual / step + 1))
    var counts = Array(repeating: Int64(0), count: steps + 2)
    for value in sorted {
      let place = value < 0 ? 0 : Int(min(Int64(steps), value / step)) + 1
      counts[place] += 1
    }
    var bins: [Bin] = []
    if counts[0] > 0 { bins.append(Bin(low: nil, high: 0, count: counts[0])) }
    for place in 0..<steps {
      bins.append(
        Bin(
          low: Int64(place) * step, high: Int64(place + 1) * step, count: counts[place + 1]))
    }
    if last >= Int64(steps) * step {
      bins.append(Bin(low: Int64(steps) * step, high: nil, count: counts[steps + 1]))
    }
    self.bins = bins
  }

  /// 1, 2 or 5 times a power of ten.
  private static func step(atLeast least: Int64) -> Int64 {
    var power: Int64 = 1
    while true {
      for factor in [Int64(1), 2, 5] where power * factor >= least { return power * factor }
      if power > Int64.max / 100 { return least }
      power *= 10
    }
  }
}
