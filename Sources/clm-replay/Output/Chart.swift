import EventStore
import Glibc

/// Lines over UTC days, one panel above the other on the same days: what text and SVG draw.
struct Chart {
  struct Series {
    enum Role: Equatable {
      case actual
      /// Of the n-th model: what it expects without, and given, what customers did.
      case expected(Int)
      case forecast(Int)
    }
    var name: String
    var role: Role
    /// Days since 1970, rising, and values.
    var points: [(day: Double, value: Double)]
  }

  struct Panel {
    var title: String
    var series: [Series]
    /// The highest value of the axis; nil: what the series need.
    var top: Double?

    var highest: Double {
      top ?? series.flatMap(\.points).map(\.value).filter(\.isFinite).max() ?? 0
    }
  }

  /// An instant that the axis names.
  struct Mark {
    var day: Double
    var label: String
  }

  var title: String
  /// One sentence for who cannot see it.
  var summary: String
  var panels: [Panel]
  var marks: [Mark]
  /// Days at which something happened, drawn as ticks.
  var events: [Double] = []
  /// What is drawn where there is nothing to draw.
  var emptyText = "nothing to draw"

  var days: ClosedRange<Double>? {
    let all = panels.flatMap(\.series).flatMap(\.points).map(\.day) + marks.map(\.day)
    guard let first = all.min(), let last = all.max() else { return nil }
    return first < last ? first...last : first - 1...last + 1
  }
}

/// Where an axis has its ticks.
enum Ticks {
  /// 0, and multiples of 1, 2 or 5 × a power of ten up to the highest value, at most `count` of them.
  static func values(upTo highest: Double, count: Int) -> [Double] {
    guard highest > 0, highest.isFinite else { return [0, 1] }
    var exponent = floor(log10(highest)) - 2
    var step = 0.0
    while step == 0 {
      // A power of ten as it is written, so that ticks are whole where they can be.
      for factor in [1.0, 2, 5] where step == 0 {
        let wide = factor * pow(10, exponent)
        if !wide.isFinite { return [0, highest] }
        if highest <= wide * Double(count) * (1 + 1e-9) { step = wide }
      }
      exponent += 1
    }
    var values: [Double] = []
    var number = 0.0
    while (number - 1) * step < highest * (1 - 1e-9) {
      values.append(number * step)
      number += 1
    }
    return values
  }

  /// First days of months, or of days where there are few, at most `count` of them, with their dates.
  static func days(_ range: ClosedRange<Double>, count: Int) -> [(day: Double, label: String)] {
    let (first, last) = (Int64(range.lowerBound.rounded(.up)), Int64(range.upperBound))
    if first > last { return [] }
    for step in [Int64(1), 2, 7, 14] where (last - first) / step < Int64(count) {
      return stride(from: first, through: last, by: Int(step)).map { (Double($0), date($0)) }
    }
    let (start, end) = (CivilDate.civil(days: first), CivilDate.civil(days: last))
    let months = (start.year * 12 + start.month - 1, end.year * 12 + end.month - 1)
    var step: Int64 = 1
    for candidate in [Int64(1), 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 24_000] {
      step = candidate
      if (months.1 - months.0) / step < Int64(count) { break }
    }
    var ticks: [(Double, String)] = []
    var month = (months.0 + step - 1) / step * step
    while month <= months.1 {
      let day = CivilDate.days(year: month / 12, month: month % 12 + 1, day: 1)
      if day >= first && day <= last { ticks.append((Double(day), String(date(day).prefix(7)))) }
      month += step
    }
    return ticks
  }

  static func date(_ day: Int64) -> String {
    let (instant, overflow) = day.multipliedReportingOverflow(by: 86_400_000_000)
    return overflow ? "" : String(RFC3339.text(instant).prefix(10))
  }
}
