/// Events read and lines rejected, with their places.
struct ImportBatch: Sendable {
  var events = EventBatch()
  /// Line number of each event.
  private var lines: [Int] = []
  /// How many physical lines an event has, where there are several.
  private var spans: [Int: Int] = [:]
  /// The rows of CSV behind the events, and where each ends.
  private var rows: [UInt8] = []
  private var rowEnds: [Int] = []
  private var files: [(name: String, firstEvent: Int)] = []
  private(set) var rejected: [Rejected] = []
  /// Physical lines read for it, blank ones and headers included.
  var physicalLines = 0
  var isEnd = false
  /// Why reading ended behind what is here.
  var fault: InputFault?

  struct Place: Sendable {
    var file: String
    /// The number of the line in which it begins.
    var line: Int
    /// How many physical lines it has.
    var lines = 1
  }

  struct Rejected: Sendable {
    var place: Place
    var rejection: Rejection
    var text: [UInt8]
  }

  var isEmpty: Bool { events.count == 0 && rejected.isEmpty }

  mutating func begin(_ file: String) { files.append((file, events.count)) }

  /// Notes where the event that was added last comes from.
  mutating func noteEvent(line: Int) { lines.append(line) }

  /// Notes the row of CSV that the event that was added last was made of.
  mutating func noteEvent(line: Int, lines count: Int, row: Span<UInt8>) {
    if count > 1 { spans[lines.count] = count }
    lines.append(line)
    rows.append(row)
    rowEnds.append(rows.count)
  }

  /// The line, or the row of CSV, that an event came from.
  func text(of event: Int) -> [UInt8] {
    if rowEnds.isEmpty {
      return [UInt8](copying: events.bytes.span.extracting(events.entries[event].line))
    }
    return Array(rows[(event == 0 ? 0 : rowEnds[event - 1])..<rowEnds[event]])
  }

  mutating func reject(_ place: Place, _ rejection: Rejection, _ text: Span<UInt8>) {
    rejected.append(Rejected(place: place, rejection: rejection, text: [UInt8](copying: text)))
  }

  func place(of event: Int) -> Place {
    let file = files.last { $0.firstEvent <= event }
    return Place(file: file?.name ?? "", line: lines[event], lines: spans[event] ?? 1)
  }
}
