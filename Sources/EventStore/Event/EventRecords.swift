/// What the lines of a batch say, in flat buffers.
struct EventRecords: Sendable {
  /// Where the parts of one event stand in the bytes of its batch.
  struct Entry: Sendable, BitwiseCopyable {
    private var lineStart: Int
    private var sourceStart: Int
    private var idStart: Int
    private var subjectStart: Int
    private var lineLength: UInt32
    private var sourceLength: UInt32
    private var idLength: UInt32
    private var subjectLength: UInt32
    /// Number among the types of the batch.
    let type: UInt32
    /// Where the cells of its payload end.
    let cellEnd: Int
    /// Microseconds since 1970-01-01T00:00:00Z.
    let occurred: Int64

    init(
      line: Range<Int>, source: Range<Int>, id: Range<Int>, type: UInt32, subject: Range<Int>,
      occurred: Int64, cellEnd: Int
    ) {
      lineStart = line.lowerBound
      lineLength = UInt32(line.count)
      sourceStart = source.lowerBound
      sourceLength = UInt32(source.count)
      idStart = id.lowerBound
      idLength = UInt32(id.count)
      subjectStart = subject.lowerBound
      subjectLength = UInt32(subject.count)
      self.type = type
      self.occurred = occurred
      self.cellEnd = cellEnd
    }

    /// The event's line as received, without its line end.
    var line: Range<Int> { lineStart..<lineStart + Int(lineLength) }
    /// Decoded UTF-8.
    var source: Range<Int> { sourceStart..<sourceStart + Int(sourceLength) }
    var id: Range<Int> { idStart..<idStart + Int(idLength) }
    var subject: Range<Int> { subjectStart..<subjectStart + Int(subjectLength) }
  }

  private(set) var entries: [Entry] = []
  /// What stands at the paths of each event's payload.
  private(set) var cells: [PayloadShredder.Cell] = []
  private(set) var types = TextDictionary()
  private var shredder = PayloadShredder()
  /// Texts that had escapes; they will stand behind the bytes of the batch.
  private var decoded: [UInt8] = []

  /// The encoded path of each number that cells have.
  var paths: [[UInt8]] { shredder.paths }

  func cells(of entry: Int) -> Range<Int> {
    (entry == 0 ? 0 : entries[entry - 1].cellEnd)..<entries[entry].cellEnd
  }

  /// Checks a line and takes its payload apart, for ``append``.
  @inline(__always)
  mutating func read(_ line: Span<UInt8>) throws(Rejection) -> EventAttributes {
    // What was read and not appended is dropped.
    let kept = entries.last?.cellEnd ?? 0
    if cells.count > kept { cells.removeLast(cells.count - kept) }
    do throws(JSONFault) {
      if let attributes = try shredder.read(line, into: &cells) { return attributes }
    } catch {
      throw Rejection(error)
    }
    throw Rejection("not-an-object", "the line is JSON, but not an object")
  }

  /// Adds the event whose line was read last.
  @inline(__always)
  mutating func append(
    line: Range<Int>, source: Range<Int>, id: Range<Int>, type: Span<UInt8>,
    subject: Range<Int>, occurred: Int64
  ) {
    entries.append(
      Entry(
        line: line, source: source, id: id, type: UInt32(types.insert(type).number),
        subject: subject, occurred: occurred, cellEnd: cells.count))
  }

  /// Adds an event that was read before, with its cells.
  mutating func append(
    line: Range<Int>, source: Range<Int>, id: Range<Int>, type: UInt32, subject: Range<Int>,
    occurred: Int64, cells more: Span<PayloadShredder.Cell>
  ) {
    for index in more.indices { cells.append(more[index]) }
    entries.append(
      Entry(
        line: line, source: source, id: id, type: type, subject: subject, occurred: occurred,
        cellEnd: cells.count))
  }

  /// Keeps a decoded text; where it will stand, behind `count` bytes that there are.
  mutating func keep(_ text: [UInt8], behind count: Int) -> Range<Int> {
    let start = count + decoded.count
    decoded += text
    return start..<start + text.count
  }

  mutating func moveDecoded(to bytes: inout [UInt8]) {
    if decoded.isEmpty { return }
    bytes += decoded
    decoded = []
  }

  /// The same types and paths, for some of the events.
  func withoutEntries() -> EventRecords {
    var others = EventRecords()
    others.types = types
    others.shredder = shredder
    return others
  }
}

/// What finds an event in the tables of a writer.
struct EventHashes: Sendable, BitwiseCopyable {
  /// The keyed hash of (source, id), as the log has it.
  var id: UInt64
  /// Of the subject's name, in this process.
  var subject: UInt64
}

extension EventBatch {
  /// The keyed hash of an event's source and id.
  func idHash(of number: Int, _ sipHash: SipHash) -> UInt64 {
    let entry = entries[number]
    let bytes = self.bytes.span
    var key: [UInt8] = []
    return sipHash.hash(
      source: bytes.extracting(entry.source), id: bytes.extracting(entry.id), in: &key)
  }

  /// The hashes of each event.
  func hashes(_ sipHash: SipHash) -> [EventHashes] {
    let bytes = self.bytes.span
    let ofSubjects = KeyedHash.ofProcess
    var key: [UInt8] = []
    key.reserveCapacity(2 * EventParser.attributeBytes + 4)
    var hashes: [EventHashes] = []
    hashes.reserveCapacity(count)
    for number in entries.indices {
      let entry = entries[number]
      hashes.append(
        EventHashes(
          id: sipHash.hash(
            source: bytes.extracting(entry.source), id: bytes.extracting(entry.id), in: &key),
          subject: ofSubjects.hash(bytes.extracting(entry.subject))))
    }
    return hashes
  }
}
