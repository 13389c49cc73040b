/// Events on their way into the log: one flat buffer and one small record an event, so that a batch of
/// 100,000 events is two allocations.
///
/// ```
/// var batch = EventBatch()
/// batch.append(line: line.span, source: s.span, id: i.span, type: t.span, subject: c.span, occurred: 0)
/// batch.count  // 1
/// ```
public struct EventBatch: Sendable {
  /// Where the parts of one event stand in ``bytes``; each part ends where the next one starts.
  public struct Entry: Sendable {
    /// The event's line as received, without its line end.
    public var lineStart: Int
    /// Decoded UTF-8 of the four attributes.
    public var sourceStart: Int
    public var idStart: Int
    public var typeStart: Int
    public var subjectStart: Int
    public var end: Int
    /// Where the cells of its payload end.
    var cellEnd: Int
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var occurred: Int64

    public var line: Range<Int> { lineStart..<sourceStart }
    public var source: Range<Int> { sourceStart..<idStart }
    public var id: Range<Int> { idStart..<typeStart }
    public var type: Range<Int> { typeStart..<subjectStart }
    public var subject: Range<Int> { subjectStart..<end }
  }

  public private(set) var bytes: [UInt8] = []
  public private(set) var entries: [Entry] = []

  /// What stands at the paths of each event's payload.
  private(set) var cells: [PayloadShredder.Cell] = []
  private(set) var shredder = PayloadShredder()

  public init() {}

  public var count: Int { entries.count }

  func cells(of entry: Int) -> ArraySlice<PayloadShredder.Cell> {
    cells[(entry == 0 ? 0 : entries[entry - 1].cellEnd)..<entries[entry].cellEnd]
  }

  /// Adds one event whose attributes have been validated (contract §3).
  /// - Throws: where the line is not JSON.
  public mutating func append(
    line: Span<UInt8>, source: Span<UInt8>, id: Span<UInt8>, type: Span<UInt8>,
    subject: Span<UInt8>, occurred: Int64
  ) throws(Rejection) {
    _ = try read(line)
    appendRead(
      line: line, source: source, id: id, type: type, subject: subject, occurred: occurred)
  }

  /// Checks a line and takes its payload apart, for ``appendRead``.
  mutating func read(_ line: Span<UInt8>) throws(Rejection) -> EventAttributes {
    // What was read and not appended is dropped.
    cells.removeLast(cells.count - (entries.last?.cellEnd ?? 0))
    do throws(JSONFault) {
      if let attributes = try shredder.read(line, into: &cells) { return attributes }
    } catch {
      throw Rejection(error)
    }
    throw Rejection("not-an-object", "the line is JSON, but not an object")
  }

  /// Adds the event whose line was read last.
  mutating func appendRead(
    line: Span<UInt8>, source: Span<UInt8>, id: Span<UInt8>, type: Span<UInt8>,
    subject: Span<UInt8>, occurred: Int64
  ) {
    let lineStart = add(line)
    let sourceStart = add(source)
    let idStart = add(id)
    let typeStart = add(type)
    let subjectStart = add(subject)
    entries.append(
      Entry(
        lineStart: lineStart, sourceStart: sourceStart, idStart: idStart, typeStart: typeStart,
        subjectStart: subjectStart, end: bytes.count, cellEnd: cells.count, occurred: occurred))
  }

  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    cells.removeAll(keepingCapacity: true)
  }

  private mutating func add(_ part: Span<UInt8>) -> Int {
    let start = bytes.count
    bytes.append(part)
    return start
  }
}

/// What became of one event of a batch.
public enum AppendOutcome: Sendable, Equatable {
  case appended(position: UInt64)
  /// The same (source, id) with the same JSON value is in the log, or earlier in the batch.
  case duplicate(of: UInt64)
  /// The same (source, id) with another JSON value; the first one stays.
  case conflict(with: UInt64)
  /// The event was erased and may not come back.
  case erased(position: UInt64)
}
