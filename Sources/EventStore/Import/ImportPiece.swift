/// A piece of one input on its way into the log: its lines, the events that they are, and what was rejected of them.
struct ImportPiece: Sendable {
  /// The input that it is of: its number, and its name.
  let input: Int
  let file: String
  var events: EventBatch
  /// By event.
  private(set) var hashes: [EventHashes] = []
  /// Line of each event; lines are counted from 0 within the piece.
  private var lines: [Int32] = []
  /// It is of CSV: this makes the lines of `events` of its rows.
  private var csv: CSVLines?
  /// Its lines are calls of Segment, of which lines of `events` are made.
  private var isSegment = false
  /// The lines of `events` are made of something else, which is what line numbers and rejected texts are of.
  private var isMade: Bool { csv != nil || isSegment }
  /// The rows, in order; once there are lines, those that became one.
  private var rows: [Row] = []
  private var rowBytes: [UInt8] = []
  private var cells: [CSVRowScanner.Cell] = []
  private(set) var rejected: [Rejected] = []
  /// Physical lines read for it, blank ones and headers included.
  var physicalLines = 0
  /// When it came, in seconds of ``Files/monotonicSeconds()``; nil for one of a file, which waited already.
  var came: Double?
  /// Nothing comes behind it.
  var isEnd = false
  /// Bytes of the inputs, as they are stored, that were read with it and before.
  var bytesRead = 0
  /// Why reading ended behind what is here.
  var fault: InputFault?

  struct Rejected: Sendable {
    /// The number of the line in which it begins.
    var line: Int
    /// How many physical lines it has.
    var lines = 1
    var rejection: Rejection
    var text: [UInt8]
  }

  private struct Row: Sendable {
    var line: Int
    var lines: Int
    var text: Range<Int>
    var cells: Range<Int>
  }

  /// - Parameters:
  ///   - bytes: whole lines, each with its end, except for the last of an input.
  ///   - rows: what makes lines of the rows of CSV that are added.
  ///   - isSegment: the lines are calls of Segment's specification.
  init(
    input: Int, file: String, bytes: [UInt8] = [], rows: CSVLines? = nil, isSegment: Bool = false
  ) {
    self.input = input
    self.file = file
    csv = rows
    self.isSegment = isSegment
    events = EventBatch(bytes: bytes)
  }

  // MARK: Reading

  /// Takes a row of CSV with the first of its cells.
  mutating func addRow(
    _ row: Span<UInt8>, _ cells: [CSVRowScanner.Cell], _ count: Int, line: Int, lines: Int
  ) {
    let start = rowBytes.count
    let firstCell = self.cells.count
    rowBytes.append(row)
    self.cells += cells.prefix(count)
    rows.append(
      Row(
        line: line, lines: lines, text: start..<rowBytes.count,
        cells: firstCell..<self.cells.count))
  }

  mutating func reject(_ rejection: Rejection, _ text: Span<UInt8>, line: Int, lines: Int = 1) {
    rejected.append(
      Rejected(line: line, lines: lines, rejection: rejection, text: [UInt8](copying: text)))
  }

  // MARK: Parsing

  /// Checks the lines, takes them apart and hashes their ids; on any thread.
  mutating func parse(_ parser: EventParser, _ sipHash: SipHash) {
    if isSegment { makeLinesOfCalls() } else { makeLines() }
    var lines: [Int32] = []
    var faults: [(line: Int, range: Range<Int>, rejection: Rejection)] = []
    lines.reserveCapacity(events.bytes.count / 128)
    let count = events.parse(parser) { line, range, rejection in
      if let rejection {
        faults.append((line, range, rejection))
      } else {
        lines.append(Int32(truncatingIfNeeded: line))
      }
    }
    self.lines = lines
    if !isMade { physicalLines = count }
    for fault in faults { reject(fault.rejection, line: fault.line, fault.range) }
    hashes = events.hashes(sipHash)
  }

  /// Makes lines of the rows of CSV.
  private mutating func makeLines() {
    guard var csv else { return }
    self.csv = nil
    defer { self.csv = csv }
    var taken: [Row] = []
    taken.reserveCapacity(rows.count)
    let text = rowBytes
    let cells = cells
    for row in rows {
      do throws(Rejection) {
        try csv.append(text.span.extracting(row.text), cells.span.extracting(row.cells))
        taken.append(row)
      } catch {
        reject(error, text.span.extracting(row.text), line: row.line, lines: row.lines)
      }
    }
    csv.finish()
    rows = taken
    self.cells = []
    events = EventBatch(bytes: csv.takeLines())
  }

  /// Makes lines of Segment's calls, each of which is a row of its own.
  private mutating func makeLinesOfCalls() {
    rowBytes = events.bytes
    var made = SegmentLines()
    let text = rowBytes
    let span = text.span
    var start = 0
    while start < span.count {
      let end = span.firstIndex(of: 0x0a, from: start) ?? span.count
      let last = end > start && span[end - 1] == 0x0d ? end - 1 : end
      let row = Row(line: physicalLines, lines: 1, text: start..<last, cells: 0..<0)
      if !span.extracting(row.text).isBlank {
        do throws(Rejection) {
          try made.append(span.extracting(row.text))
          rows.append(row)
        } catch {
          reject(error, span.extracting(row.text), line: row.line)
        }
      }
      physicalLines += 1
      start = end + 1
    }
    events = EventBatch(bytes: made.lines)
  }

  /// Gives rows that came before in their input, and have no id of their own, the ids of their occurrence; in order.
  mutating func count(_ occurrences: inout RowOccurrences, _ sipHash: SipHash) {
    guard let ids = csv?.ids, ids.count > 0 else { return }
    for event in hashes.indices {
      let row = Int(lines[event])
      let occurrence = occurrences.next(ids.key(row))
      if occurrence == 0 { continue }
      events.replaceID(of: event, ids.id(row, occurrence: occurrence))
      hashes[event].id = events.idHash(of: event, sipHash)
    }
  }

  // MARK: Rejecting

  /// Rejects an event.
  mutating func reject(event: Int, _ rejection: Rejection) {
    reject(rejection, line: Int(lines[event]), events.entries[event].line)
  }

  /// Rejects a line of ``events``; of CSV and of Segment the row or call that became it.
  private mutating func reject(_ rejection: Rejection, line: Int, _ range: Range<Int>) {
    if !isMade {
      let bytes = events.bytes
      return reject(rejection, bytes.span.extracting(range), line: line)
    }
    let row = rows[line]
    let bytes = rowBytes
    reject(rejection, bytes.span.extracting(row.text), line: row.line, lines: row.lines)
  }

  /// Puts what was rejected, in several looks at the piece, into the order of the lines, and lets go of these.
  mutating func settle() {
    if rejected.count > 1 { rejected.sort { $0.line < $1.line } }
    events = EventBatch()
    hashes = []
    lines = []
    csv = nil
    rows = []
    rowBytes = []
  }
}
