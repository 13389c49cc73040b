import EventStore

/// In which stage each customer ended each calendar day (docs/export.md).
///
/// Days are those of the rules' time zone. A customer's first day is that of the entry row, the last one that of as-of; who is
/// parked has no stage any more at the end of that day, so that the day before is the last.
package struct StageDays: Sendable {
  /// Days in a row on which a customer ended in one stage.
  package struct Stay: Sendable, Equatable {
    /// Number of the stage in the rules.
    package var stage: Int
    /// Days since 1970-01-01.
    package var days: ClosedRange<Int64>
  }

  private let reader: ViewReader
  private let local: LocalTime
  private let range: ClosedRange<Int64>

  /// - Parameters:
  ///   - from: the first day that is wanted, in days since 1970-01-01; nil for all.
  ///   - to: the last one.
  /// - Throws: ``MetricsPlan/Fault`` where the time zone is not installed.
  package init(_ reader: ViewReader, from: Int64? = nil, to: Int64? = nil) throws {
    self.reader = reader
    guard let local = LocalTime(reader.rules.timezone) else {
      throw MetricsPlan.Fault(
        message:
          "the time zone `\(reader.rules.timezone ?? "UTC")` of the rules is not installed here",
        help: "install the IANA database (package tzdata)")
    }
    self.local = local
    let last = local.calendarDay(of: reader.manifest.asOf)
    let end = min(last, to ?? last)
    range = min(end, from ?? Int64.min)...end
    isEmpty = (from ?? Int64.min) > end
  }

  /// Nobody has a day that is wanted.
  private let isEmpty: Bool

  /// Visits the customers of a chunk of the view in order, each with its name (UTF-8) and its stays in time; several threads may
  /// do so at once.
  package func forEach(
    inChunk chunk: Int, _ body: (Span<UInt8>, [Stay]) throws -> Void
  ) throws {
    if isEmpty { return }
    let found = try reader.histories(inChunk: chunk)
    var stays: [Stay] = []
    for customer in found.customers {
      stays.removeAll(keepingCapacity: true)
      add(found.rows[customer.rows], parkedAt: customer.parkedAt, to: &stays)
      if !stays.isEmpty { try body(found.bytes.span.extracting(customer.name), stays) }
    }
  }

  private func add(
    _ rows: ArraySlice<ScannedTransition>, parkedAt: Int64?, to stays: inout [Stay]
  ) {
    guard let first = rows.first else { return }
    let end = parkedAt.map { local.calendarDay(of: $0) - 1 } ?? range.upperBound
    var day = local.calendarDay(of: first.at)
    for index in rows.indices {
      let next = index + 1 < rows.endIndex ? local.calendarDay(of: rows[index + 1].at) : nil
      let start = max(day, range.lowerBound)
      let last = min(next.map { $0 - 1 } ?? end, end, range.upperBound)
      if start <= last {
        if let before = stays.last, before.stage == rows[index].to,
          before.days.upperBound == start - 1
        {
          // It left and came back on one day.
          stays[stays.count - 1].days = before.days.lowerBound...last
        } else {
          stays.append(Stay(stage: rows[index].to, days: start...last))
        }
      }
      day = next ?? day
    }
  }

  /// The dates of days, as text, kept for the next time.
  package func dates() -> Dates { Dates(local) }

  /// Dates of a stretch of days, in ISO 8601.
  package struct Dates: Sendable {
    private let local: LocalTime
    private var first: Int64 = 0
    private var texts: [[UInt8]] = []

    fileprivate init(_ local: LocalTime) { self.local = local }

    /// `2024-01-31` in ASCII; nil for a day that the zone left out, as Apia did 2011-12-30.
    package mutating func text(_ day: Int64) -> [UInt8]? {
      if texts.isEmpty { first = day }
      if day < first {
        texts.insert(contentsOf: (day..<first).map(made), at: 0)
        first = day
      }
      let end = first + Int64(texts.count)
      if day >= end { texts += (end...day).map(made) }
      let text = texts[Int(day - first)]
      return text.isEmpty ? nil : text
    }

    private func made(_ day: Int64) -> [UInt8] {
      local.start(ofDay: day) < local.start(ofDay: day + 1) ? Array(Periods.dayLabel(day).utf8) : []
    }
  }
}

extension LocalTime {
  /// The day whose first instant is the last one up to an instant: unlike ``day(of:)`` it never goes back where clocks do.
  fileprivate func calendarDay(of instant: Int64) -> Int64 {
    let day = day(of: instant)
    return start(ofDay: day + 1) <= instant ? day + 1 : day
  }
}
