import CEL
import EventStore
import Projections

/// Rows of the table `customers` as lines of text, with no value made for what most cells are.
struct CustomerLines: Sendable {
  private let rows: ViewRows
  private let isCSV: Bool
  /// What stands before each cell.
  private let before: [[UInt8]]
  private let end: [UInt8]

  init(_ rules: Rules, csv isCSV: Bool) {
    self.isCSV = isCSV
    rows = ViewRows(rules)
    before = RowWriter.leads(rows.customerColumns, csv: isCSV)
    end = Array((isCSV ? "\n" : "}\n").utf8)
  }

  /// Adds the line of a customer.
  func add(_ entry: ViewCustomer, to buffer: inout [UInt8]) {
    let record = entry.record
    let current = record.current
    var line = Line(lines: self)
    line.text(record.name, &buffer)
    line.text(current?.stage, &buffer)
    line.instant(current?.since, &buffer)
    line.instant(record.firstSeen, &buffer)
    line.instant(current?.lastSeen, &buffer)
    line.instant(current?.next?.at, &buffer)
    line.text(current?.next?.to, &buffer)
    line.instant(record.parked?.at, &buffer)
    for index in rows.rules.facts.indices { line.fact(current?.facts[index], &buffer) }
    line.text(rows.historicalValue(current).map { rows.text.money($0) }, &buffer)
    line.text(entry.value?.expected.map { rows.text.money($0) }, &buffer)
    line.number(entry.value?.probabilityAlive, &buffer)
    line.number(entry.value?.purchases, &buffer)
    line.count(entry.scores?.r, &buffer)
    line.count(entry.scores?.f, &buffer)
    line.count(entry.scores?.m, &buffer)
    line.text(entry.scores?.name, &buffer)
    line.list(entry.segments, &buffer)
    buffer += end
  }

  /// The cells of one line, one after the other.
  private struct Line {
    let lines: CustomerLines
    private var column = 0

    init(lines: CustomerLines) { self.lines = lines }

    /// Begins the next cell; null is what there is no value for.
    private mutating func begin(isNull: Bool, _ buffer: inout [UInt8]) {
      buffer += lines.before[column]
      column += 1
      if isNull && !lines.isCSV { buffer += "null".utf8 }
    }

    mutating func text(_ text: String?, _ buffer: inout [UInt8]) {
      begin(isNull: text == nil, &buffer)
      guard let text else { return }
      if lines.isCSV {
        RowWriter.appendCell(text, to: &buffer)
      } else {
        JSONText.append(Array(text.utf8), to: &buffer)
      }
    }

    mutating func instant(_ instant: Int64?, _ buffer: inout [UInt8]) {
      begin(isNull: instant == nil, &buffer)
      guard let instant else { return }
      if !lines.isCSV { buffer.append(UInt8(ascii: "\"")) }
      RFC3339.append(instant, to: &buffer)
      if !lines.isCSV { buffer.append(UInt8(ascii: "\"")) }
    }

    mutating func count(_ count: Int?, _ buffer: inout [UInt8]) {
      begin(isNull: count == nil, &buffer)
      if let count { buffer += String(count).utf8 }
    }

    mutating func number(_ number: Double?, _ buffer: inout [UInt8]) {
      begin(isNull: number == nil, &buffer)
      if let number { buffer += Numbers.double(number).utf8 }
    }

    mutating func list(_ texts: [String], _ buffer: inout [UInt8]) {
      if lines.isCSV { return text(texts.joined(separator: ";"), &buffer) }
      begin(isNull: false, &buffer)
      JSONValue.array(texts.map { .string($0) }).append(to: &buffer)
    }

    mutating func fact(_ value: Value?, _ buffer: inout [UInt8]) {
      switch value {
      case .int(let number)?: count(Int(number), &buffer)
      case .timestamp(let at)?:
        instant(at.microseconds, &buffer)
      default:
        let json = lines.rows.text.json(value)
        if case .string(let text) = json { return self.text(text, &buffer) }
        if case .null = json { return text(nil, &buffer) }
        begin(isNull: false, &buffer)
        json.append(to: &buffer)
      }
    }
  }
}
