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
  /// It is of CSV: rows became the lines of `events`.
  private let isOfRows: Bool
  /// These rows, in order.
  private var rows: [Row] = []
  private var rowBytes: [UInt8] = []
  private(set) var rejected: [Rejected] = []
  /// Physical lines read for it, blank ones and headers included.
  var physicalLines = 0
  /// When it was read, in seconds of ``Files/monotonicSeconds()``.
  var came = 0.0
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
    var end: Int
  }

  /// - Parameter bytes: whole lines, each with its end, except for the last of an input.
  init(input: Int, file: String, bytes: [UInt8] = [], isOfRows: Bool = false) {
    self.input = input
    self.file = file
    self.isOfRows = isOfRows
    events = EventBatch(bytes: bytes)
  }

  // MARK: Reading

  /// Notes the row that became the next line of the piece.
  mutating func addRow(_ row: Span<UInt8>, line: Int, lines: Int) {
    rowBytes.append(row)
    rows.append(Row(line: line, lines: lines, end: rowBytes.count))
  }

  mutating func reject(_ rejection: Rejection, _ text: Span<UInt8>, line: Int, lines: Int = 1) {
    rejected.append(
      Rejected(line: line, lines: lines, rejection: rejection, text: [UInt8](copying: text)))
  }

  // MARK: Parsing

  /// Checks the lines, takes them apart and hashes their ids; on any thread.
  mutating func parse(_ parser: EventParser, _ sipHash: SipHash) {
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
    if !isOfRows { physicalLines = count }
    for fault in faults { reject(fault.rejection, line: fault.line, fault.range) }
    hashes = events.hashes(sipHash)
  }

  // MARK: Rejecting

  /// Rejects an event.
  mutating func reject(event: Int, _ rejection: Rejection) {
    reject(rejection, line: Int(lines[event]), events.entries[event].line)
  }

  /// Rejects a line of ``events``; of CSV the row that became it.
  private mutating func reject(_ rejection: Rejection, line: Int, _ range: Range<Int>) {
    if !isOfRows {
      let bytes = events.bytes
      return reject(rejection, bytes.span.extracting(range), line: line)
    }
    let row = rows[line]
    let bytes = rowBytes
    let start = line == 0 ? 0 : rows[line - 1].end
    reject(rejection, bytes.span.extracting(start..<row.end), line: row.line, lines: row.lines)
  }

  /// Puts what was rejected, in several looks at the piece, into the order of the lines, and lets go of these.
  mutating func settle() {
    if rejected.count > 1 { rejected.sort { $0.line < $1.line } }
    events = EventBatch()
    hashes = []
    lines = []
    rows = []
    rowBytes = []
  }
}
