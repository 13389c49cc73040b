import CEL
import EventStore
import Glibc

/// Tables about habits, answers and steps; those broken down by a field have its value as their first column.
extension Metrics {
  /// The parts of a table that is broken down, by value (none first); one without a value where nothing is.
  func slices<Part>(_ of: (MetricsCollector.Slice) -> Part) -> [(value: Cell, part: Part)] {
    found.slices.keys.sorted(by: ByteString.noneFirst).compactMap { key in
      found.slices[key].map { (key.map { .text($0.string) } ?? .unset, of($0)) }
    }
  }

  /// The column that a breakdown puts first, and the cell of a row.
  func columns(_ columns: [String]) -> [String] {
    plan.breakdownFeed == nil ? columns : ["breakdown"] + columns
  }

  func row(_ value: Cell, _ cells: [Cell]) -> [Cell] {
    plan.breakdownFeed == nil ? cells : [value] + cells
  }

  var lifecycle: Table {
    var table = Table(
      columns: columns(["period", "active", "new", "returning", "resurrecting", "dormant"]))
    for (value, activity) in slices(\.activity) {
      for (label, counts) in zip(periods.labels, activity.lifecycle) {
        table.rows.append(
          row(
            value,
            [
              .text(label), .count(counts.new + counts.returning + counts.resurrecting),
              .count(counts.new), .count(counts.returning), .count(counts.resurrecting),
              .count(counts.dormant),
            ]))
      }
    }
    return table
  }

  var cohorts: Table {
    var table = Table(
      columns: columns([
        "cohort", "age", "period", "customers", "active", "retention", "rolling",
        "rolling_retention",
      ]))
    for (value, activity) in slices(\.activity) {
      for first in periods.labels.indices {
        guard let size = activity.cohorts[.init(first: first, age: 0)] else { continue }
        // Whoever is gone by an age was active at it for the last time before.
        var rolling = size
        for age in 0..<periods.count - first {
          let active = activity.cohorts[.init(first: first, age: age)] ?? 0
          table.rows.append(
            row(
              value,
              [
                .text(periods.labels[first]), .count(Int64(age)),
                .text(periods.labels[first + age]), .count(size), .count(active),
                Self.share(active, of: size), .count(rolling), Self.share(rolling, of: size),
              ]))
          rolling -= activity.lastAges[.init(first: first, age: age)] ?? 0
        }
      }
    }
    return table
  }

  var funnel: Table {
    var table = Table(
      columns: columns([
        "period", "step", "alias", "customers", "share", "conversion", "open", "median_hours",
      ]))
    for (value, funnel) in slices(\.funnel) {
      for (label, steps) in zip(periods.labels, funnel.steps) {
        for (index, step) in steps.enumerated() {
          let before = index == 0 ? nil : steps[index - 1].customers
          let median = Self.quantile(step.times.sorted(), 0.5)
          table.rows.append(
            row(
              value,
              [
                .text(label), .count(Int64(index + 1)),
                .text(plan.rules.aliases[plan.funnel[index]].name), .count(step.customers),
                Self.share(step.customers, of: steps[0].customers),
                before.map { Self.share(step.customers, of: $0) } ?? .unset,
                before == nil ? .unset : .count(step.open),
                median.map { .number($0 / Double(Microseconds.hour)) } ?? .unset,
              ]))
        }
      }
    }
    return table
  }

  var latestScores: Table {
    scores(found.events.latestScores, of: "customers", with: ["margin"]) { score in
      [score.margin.map { .number($0) } ?? .unset]
    }
  }

  var cohortIntervals: Table {
    var table = Table(columns: [
      "cohort", "buyers", "repeat_buyers", "repurchase_rate", "second_days_p50", "gaps",
      "gap_days_p25", "gap_days_p50", "gap_days_p75",
    ])
    for (label, cohort) in zip(periods.labels, found.rhythm.cohorts) where cohort.buyers > 0 {
      let gaps = cohort.gaps.sorted()
      let second = Self.quantile(cohort.firstGaps.sorted(), 0.5)
      table.rows.append(
        [
          .text(label), .count(cohort.buyers), .count(cohort.repeatBuyers),
          Self.share(cohort.repeatBuyers, of: cohort.buyers), second.map(Self.days) ?? .unset,
          .count(Int64(gaps.count)),
        ] + [0.25, 0.5, 0.75].map { Self.quantile(gaps, $0).map(Self.days) ?? .unset })
    }
    return table
  }

  var overdue: Table {
    var table = Table(columns: [
      "customer", "purchases", "last_purchase", "rhythm_days", "since_days", "overdue_days",
      "times", "spent",
    ])
    // Ranks are in the order of names.
    for entry in found.rhythm.overdue.sorted(by: { $0.rank < $1.rank }) {
      let rhythm = Double(entry.doubledRhythm) / 2
      table.rows.append([
        .text(directory.text(of: entry.rank)), .count(entry.purchases),
        .instant(entry.lastPurchase), .number(rhythm), .count(entry.sinceDays),
        .number(Double(entry.sinceDays) - rhythm), .number(Double(entry.sinceDays) / rhythm),
        .money(entry.spend),
      ])
    }
    return table
  }
}

extension EventMetrics.Score {
  /// 100 × (promoters − detractors) ÷ answers.
  var net: Double { Double(promoters - detractors) / Double(answers) * 100 }

  /// Half the width of the interval that holds the score of all customers in 95 of 100 samples, by the normal approximation:
  /// 1.96 standard errors of the mean of +100, 0 and −100. Nil where fewer than two answered.
  var margin: Double? {
    guard answers > 1 else { return nil }
    let count = Double(answers)
    let mean = Double(promoters - detractors) / count
    let variance = (Double(promoters + detractors) - count * mean * mean) / (count - 1)
    return 100 * 1.959963984540054 * (max(0, variance) / count).squareRoot()
  }
}

extension ByteString {
  /// By bytes; what is not there comes first.
  static func noneFirst(_ left: ByteString?, _ right: ByteString?) -> Bool {
    guard let right else { return false }
    return left.map { $0 < right } ?? true
  }
}
