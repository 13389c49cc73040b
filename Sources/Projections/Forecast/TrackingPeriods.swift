import EventStore

/// The periods of a tracking table: equal stretches of UTC days of which one ends with the cut; the first and the last may be shorter.
struct TrackingPeriods: Sendable {
  /// The first purchase of those who are followed, the last day that models were fitted to, and the day of as-of.
  let firstDay, cutDay, lastDay: Int64
  /// Last days of the periods, rising.
  let ends: [Int64]
  /// Periods up to the cut.
  let calibration: Int

  static let limit = 20_000

  /// - Parameter length: days, at least 1.
  /// - Returns: nil where they would be more than ``limit``.
  init?(length: Int64, firstDay: Int64, cutDay: Int64, lastDay: Int64) {
    (self.firstDay, self.cutDay, self.lastDay) = (firstDay, cutDay, lastDay)
    let count = (cutDay - firstDay) / length + (lastDay - cutDay + length - 1) / length + 1
    if count > Self.limit { return nil }
    var ends = Array(stride(from: cutDay, through: firstDay, by: -Int(length)))
    ends.reverse()
    calibration = ends.count
    var end = cutDay
    while end < lastDay {
      end = min(lastDay, end + length)
      ends.append(end)
    }
    self.ends = ends
  }

  /// The period of a day of a purchase; after the cut it belongs to the holdout, even on the cut's own day.
  func index(of day: Int64, isLater: Bool) -> Int {
    let day = isLater ? max(day, cutDay + 1) : day
    var (low, high) = (0, ends.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] >= day { high = middle } else { low = middle + 1 }
    }
    return low
  }

  func start(of period: Int) -> Int64 { period == 0 ? firstDay : ends[period - 1] + 1 }
}

/// Repeat purchases of one period, those that happened beside those that a model expects.
package struct TrackingRow: Sendable, Equatable {
  /// UTC days, both included.
  package var from: String
  package var to: String
  /// Days since 1970 of `to`.
  package var endDay: Int64
  package var isHoldout: Bool
  package var actual: Int64
  /// Of all who had bought by then, by the day of the first purchase alone.
  package var expected: Double
  package var actualSoFar: Int64
  package var expectedSoFar: Double
  /// After the cut, given what each customer had bought by then.
  package var forecast: Double?
  /// With the purchases up to the cut.
  package var forecastSoFar: Double?
}

/// UTC days as text.
enum Days {
  static func text(_ day: Int64) -> String {
    let (instant, overflow) = day.multipliedReportingOverflow(by: Microseconds.day)
    return overflow ? "" : String(RFC3339.text(instant).prefix(10))
  }

  static func day(of instant: Int64) -> Int64 {
    ScalarValue.floorDivide(instant, Microseconds.day).0
  }
}
