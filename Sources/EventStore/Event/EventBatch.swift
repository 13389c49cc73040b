/// Events on their way into the log: one flat buffer and one small record an event, so that a batch of
/// 100,000 events is a few allocations.
///
/// ```
/// var batch = EventBatch()
/// try batch.append(line: line.span, source: s.span, id: i.span, type: t.span, subject: c.span, occurred: 0)
/// batch.count  // 1
/// ```
package struct EventBatch: Sendable {
  /// Lines, and attributes that do not stand in them as they are meant.
  package private(set) var bytes: [UInt8] = []
  private(set) var records = EventRecords()

  package init() {}

  /// Of lines that stand in `bytes`, to be parsed there.
  init(bytes: [UInt8]) { self.bytes = bytes }

  package var count: Int { records.entries.count }

  var entries: [EventRecords.Entry] { records.entries }

  /// Adds one event whose attributes have been validated (contract §3).
  /// - Throws: where the line is not JSON.
  package mutating func append(
    line: Span<UInt8>, source: Span<UInt8>, id: Span<UInt8>, type: Span<UInt8>,
    subject: Span<UInt8>, occurred: Int64
  ) throws(Rejection) {
    _ = try records.read(line)
    let (line, source, id) = (add(line), add(source), add(id))
    records.append(
      line: line, source: source, id: id, type: type, subject: add(subject), occurred: occurred)
  }

  /// Checks a line in the native form and adds its event.
  mutating func append(_ line: Span<UInt8>, _ parser: EventParser) throws(Rejection) {
    let start = add(line).lowerBound
    do throws(Rejection) {
      let bytes = self.bytes
      try parser.parse(bytes.span, start..<bytes.count, into: &records)
      addDecoded()
    } catch {
      bytes.removeLast(bytes.count - start)
      throw error
    }
  }

  /// Checks the lines of ``bytes``, each with its end, and adds their events.
  ///
  /// - Parameter body: told of each line that is not blank: its number from 0, where it stands, and why it is no event.
  /// - Returns: the number of lines, blank ones included.
  mutating func parse(
    _ parser: EventParser, _ body: (Int, Range<Int>, Rejection?) -> Void
  ) -> Int {
    let bytes = self.bytes
    let span = bytes.span
    var start = 0
    var number = 0
    while start < span.count {
      let end = span.firstIndex(of: 0x0a, from: start) ?? span.count
      let last = end > start && span[end - 1] == 0x0d ? end - 1 : end
      if !span.extracting(start..<last).isBlank {
        do throws(Rejection) {
          try parser.parse(span, start..<last, into: &records)
          body(number, start..<last, nil)
        } catch {
          body(number, start..<last, error)
        }
      }
      start = end + 1
      number += 1
    }
    addDecoded()
    return number
  }

  /// Puts texts that had escapes in their line behind the lines.
  private mutating func addDecoded() { records.moveDecoded(to: &bytes) }

  /// Puts another id of the same length in the place of an event's, which stands in its line as it is.
  mutating func replaceID(of number: Int, _ id: [UInt8]) {
    let range = records.entries[number].id
    precondition(range.count == id.count, "an id is replaced by one of its length")
    var room = bytes.mutableSpan
    room.put(id.span, at: range.lowerBound)
  }

  /// The events of some entries alone, in their order.
  func compacted(_ numbers: [Int]) -> EventBatch {
    var batch = EventBatch()
    batch.records = records.withoutEntries()
    let span = bytes.span
    for number in numbers {
      let entry = records.entries[number]
      let line = batch.add(span.extracting(entry.line))
      let source = batch.add(span.extracting(entry.source))
      let id = batch.add(span.extracting(entry.id))
      let subject = batch.add(span.extracting(entry.subject))
      batch.records.append(
        line: line, source: source, id: id, type: entry.type, subject: subject,
        occurred: entry.occurred, cells: records.cells.span.extracting(records.cells(of: number)))
    }
    return batch
  }

  /// Where it stands then.
  private mutating func add(_ part: Span<UInt8>) -> Range<Int> {
    let start = bytes.count
    bytes.append(part)
    return start..<bytes.count
  }
}

/// What became of one event of a batch.
public enum AppendOutcome: Sendable, Equatable {
  /// It is durable at this position.
  case appended(position: UInt64)
  /// The same (source, id) with the same JSON value is in the log, or earlier in the batch.
  case duplicate(of: UInt64)
  /// The same (source, id) with another JSON value; the first one stays.
  case conflict(with: UInt64)
  /// The event was erased and may not come back.
  case erased(position: UInt64)
}
