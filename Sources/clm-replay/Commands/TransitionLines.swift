import EventStore
import Projections

/// Rows of the table `transitions` as lines of text, from the bytes of a view: the same that ``RowWriter`` makes of
/// ``ViewRows/transition(_:customer:)``.
struct TransitionLines: Sendable {
  private let isCSV: Bool
  /// What is the same for all rows, in one piece: each cell with what stands before it.
  private let texts: [UInt8]
  private var customer = 0..<0
  private var at = 0..<0
  /// By number of the stage + 1, 0 for none.
  private var from: [Range<Int>] = []
  private var to: [Range<Int>] = []
  /// By number of the transition + 1, 0 for none; with the cause behind it, an event's and a timer's.
  private var transition: [(event: Range<Int>, timer: Range<Int>)] = []
  private var position = 0..<0
  private var end = 0..<0
  private var noAnchor = 0..<0

  init(_ rules: Rules, csv isCSV: Bool) {
    self.isCSV = isCSV
    let leads = RowWriter.leads(ViewRows.transitionColumns, csv: isCSV)
    func before(_ column: Int) -> [UInt8] { leads[column] }
    func cell(_ column: Int, _ text: String?) -> [UInt8] {
      var bytes = before(column)
      if let text {
        Self.append(Array(text.utf8).span, isCSV: isCSV, to: &bytes)
      } else if !isCSV {
        bytes += "null".utf8
      }
      return bytes
    }
    var texts: [UInt8] = []
    func add(_ bytes: [UInt8]) -> Range<Int> {
      texts += bytes
      return texts.count - bytes.count..<texts.count
    }
    let stages = rules.stages.map(\.name)
    let transitions =
      if case .transitions(let transitions) = rules.form { transitions.map(\.id) } else { stages }
    let quote = isCSV ? [] : [UInt8(ascii: "\"")]
    customer = add(before(0))
    at = add(before(1) + quote)
    from = ([nil] + stages).map { add(quote + cell(2, $0)) }
    to = stages.map { add(cell(3, $0)) }
    transition = ([nil] + transitions).map { name in
      let name = cell(4, name)
      return (add(name + cell(5, "event") + before(6)), add(name + cell(5, "timer") + before(6)))
    }
    position = add(before(7))
    end = add(Array(isCSV ? "\n".utf8 : "}\n".utf8))
    noAnchor = add(cell(6, nil).dropFirst(before(6).count) + cell(7, nil))
    self.texts = texts
  }

  /// Adds the rows of one customer; a line for each.
  ///
  /// - Parameters:
  ///   - bytes: where the customer's name and the ids stand.
  ///   - start: room that is used again.
  func add(
    _ rows: [ScannedTransition], of name: Range<Int>, in bytes: Span<UInt8>,
    start: inout [UInt8], to buffer: inout [UInt8]
  ) {
    let texts = texts.span
    start.removeAll(keepingCapacity: true)
    start.append(texts.extracting(customer))
    Self.append(bytes.extracting(name), isCSV: isCSV, to: &start)
    start.append(texts.extracting(at))
    for row in rows {
      buffer.append(start.span)
      RFC3339.append(row.at, to: &buffer)
      buffer.append(texts.extracting(from[row.from.map { $0 + 1 } ?? 0]))
      buffer.append(texts.extracting(to[row.to]))
      let how = transition[row.transition.map { $0 + 1 } ?? 0]
      buffer.append(texts.extracting(row.isTimer ? how.timer : how.event))
      if let id = row.eventID {
        Self.append(bytes.extracting(id), isCSV: isCSV, to: &buffer)
        buffer.append(texts.extracting(position))
        Self.append(row.position, to: &buffer)
      } else {
        buffer.append(texts.extracting(noAnchor))
      }
      buffer.append(texts.extracting(end))
    }
  }

  /// A text as a cell: as it is where nothing has to be quoted.
  private static func append(_ text: Span<UInt8>, isCSV: Bool, to buffer: inout [UInt8]) {
    var isPlain = true
    for index in text.indices {
      let byte = text[index]
      // Bytes beyond ASCII may be no characters in a damaged view.
      let isSpecial =
        byte == UInt8(ascii: "\"") || byte >= 0x80 || byte < 0x20 || byte == UInt8(ascii: ",")
        || byte == UInt8(ascii: "\\")
      isPlain = isPlain && !isSpecial
    }
    if isPlain {
      if !isCSV { buffer.append(UInt8(ascii: "\"")) }
      buffer.append(text)
      if !isCSV { buffer.append(UInt8(ascii: "\"")) }
      return
    }
    let string = String(decoding: [UInt8](copying: text), as: UTF8.self)
    if isCSV {
      RowWriter.appendCell(string, to: &buffer)
    } else {
      JSONValue.string(string).append(to: &buffer)
    }
  }

  private static func append(_ number: UInt64, to buffer: inout [UInt8]) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = 20
    var rest = number
    repeat {
      first -= 1
      digits[first] = UInt8(truncatingIfNeeded: rest % 10) + 48
      rest /= 10
    } while rest > 0
    buffer.append(digits.span.extracting(first..<20))
  }
}
