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
    var column = 0
    text(record.name, &column, &buffer)
    text(current?.stage, &column, &buffer)
    instant(current?.since, &column, &buffer)
    instant(record.firstSeen, &column, &buffer)
    instant(current?.lastSeen, &column, &buffer)
    instant(current?.next?.at, &column, &buffer)
    text(current?.next?.to, &column, &buffer)
    instant(record.parked?.at, &column, &buffer)
    for index in rows.rules.facts.indices { fact(current?.facts[index], &column, &buffer) }
    text(rows.historicalValue(current).map { rows.text.money($0) }, &column, &buffer)
    text(entry.value?.expected.map { rows.text.money($0) }, &column, &buffer)
    number(entry.value?.probabilityAlive, &column, &buffer)
    number(entry.value?.purchases, &column, &buffer)
    count(entry.scores?.r, &column, &buffer)
    count(entry.scores?.f, &column, &buffer)
    count(entry.scores?.m, &column, &buffer)
    text(entry.scores?.name, &column, &buffer)
    list(entry.segments, &column, &buffer)
    buffer += end
  }

  // MARK: The cells of one line, one after the other

  /// Begins the next cell; null is what there is no value for.
  private func begin(isNull: Bool, _ column: inout Int, _ buffer: inout [UInt8]) {
    buffer += before[column]
    column += 1
    if isNull && !isCSV { buffer += "null".utf8 }
  }

  private func text(_ text: String?, _ column: inout Int, _ buffer: inout [UInt8]) {
    begin(isNull: text == nil, &column, &buffer)
    guard let text else { return }
    if isCSV {
      RowWriter.appendCell(text, to: &buffer)
    } else {
      JSONText.append(Array(text.utf8), to: &buffer)
    }
  }

  private func instant(_ instant: Int64?, _ column: inout Int, _ buffer: inout [UInt8]) {
    begin(isNull: instant == nil, &column, &buffer)
    guard let instant else { return }
    if !isCSV { buffer.append(UInt8(ascii: "\"")) }
    RFC3339.append(instant, to: &buffer)
    if !isCSV { buffer.append(UInt8(ascii: "\"")) }
  }

  private func count(_ count: Int?, _ column: inout Int, _ buffer: inout [UInt8]) {
    begin(isNull: count == nil, &column, &buffer)
    if let count { buffer += String(count).utf8 }
  }

  private func number(_ number: Double?, _ column: inout Int, _ buffer: inout [UInt8]) {
    begin(isNull: number == nil, &column, &buffer)
    if let number { buffer += Numbers.double(number).utf8 }
  }

  private func list(_ texts: [String], _ column: inout Int, _ buffer: inout [UInt8]) {
    if isCSV { return text(texts.joined(separator: ";"), &column, &buffer) }
    begin(isNull: false, &column, &buffer)
    JSONValue.array(texts.map { .string($0) }).append(to: &buffer)
  }

  private func fact(_ value: Value?, _ column: inout Int, _ buffer: inout [UInt8]) {
    switch value {
    case .int(let number)?: count(Int(number), &column, &buffer)
    case .timestamp(let at)?:
      instant(at.microseconds, &column, &buffer)
    default:
      let json = rows.text.json(value)
      if case .string(let text) = json { return self.text(text, &column, &buffer) }
      if case .null = json { return text(nil, &column, &buffer) }
      begin(isNull: false, &column, &buffer)
      json.append(to: &buffer)
    }
  }
}
