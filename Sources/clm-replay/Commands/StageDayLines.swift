import EventStore
import Projections

/// Rows of the table `stage_days` as lines of text: one for each day of a customer.
struct StageDayLines: Sendable {
  /// What stands before a date, and behind it, by number of the stage: the customer's name goes into the middle of the latter.
  private let before: [UInt8]
  private let between: [UInt8]
  private let behind: [[UInt8]]
  private let isCSV: Bool
  private var dates: StageDays.Dates
  private var tail: [UInt8] = []

  static let columns = ["date", "customer", "stage"]

  init(_ rules: Rules, _ days: StageDays, csv isCSV: Bool) {
    self.isCSV = isCSV
    let leads = RowWriter.leads(Self.columns, csv: isCSV)
    let quote = isCSV ? [] : [UInt8(ascii: "\"")]
    before = leads[0] + quote
    between = quote + leads[1]
    behind = rules.stages.map { stage in
      var bytes = leads[2]
      Self.append(stage.name, csv: isCSV, to: &bytes)
      return bytes + Array(isCSV ? "\n".utf8 : "}\n".utf8)
    }
    dates = days.dates()
  }

  /// Adds the days of one customer.
  ///
  /// - Parameters:
  ///   - name: in UTF-8.
  ///   - spill: asked behind each stay whether the buffer is too long by now.
  /// - Returns: the number of lines.
  mutating func add(
    _ name: Span<UInt8>, _ stays: [StageDays.Stay], to buffer: inout [UInt8],
    spill: (inout [UInt8]) throws -> Void
  ) rethrows -> Int {
    var count = 0
    var cell = between
    Self.append(
      String(decoding: [UInt8](copying: name), as: UTF8.self), csv: isCSV, to: &cell)
    for stay in stays {
      tail.removeAll(keepingCapacity: true)
      tail += cell
      tail += behind[stay.stage]
      for day in stay.days {
        guard let date = dates.text(day) else { continue }
        buffer += before
        buffer += date
        buffer += tail
        count += 1
      }
      try spill(&buffer)
    }
    return count
  }

  private static func append(_ text: String, csv isCSV: Bool, to bytes: inout [UInt8]) {
    if isCSV {
      RowWriter.appendCell(text, to: &bytes)
    } else {
      JSONText.append(Array(text.utf8), to: &bytes)
    }
  }
}
