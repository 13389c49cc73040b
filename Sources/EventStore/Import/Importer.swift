/// What an import is asked to do.
public struct ImportOptions: Sendable {
  /// Set: the inputs are CSV.
  public var csv: CSVOptions?
  /// The inputs are calls of Segment's specification, a JSON object a line; not with ``csv``.
  public var isSegment = false
  /// Where rejected lines go, `-` for standard output; `rejects.ndjson` in the store unless given.
  public var rejects: String?
  /// An event whose id the log has with another value counts as a duplicate, not as rejected.
  public var conflictsAreDuplicates = false
  /// Microseconds that an event may be ahead of the clock.
  public var maximumSkew: Int64 = 86_400_000_000
  /// How long to wait for another writer.
  public var waitSeconds = 10.0
  /// An event of a stream is committed at the latest so long after it came, in seconds.
  public var commitSeconds = 1.0
  /// Ends the import with what it has taken.
  public var stop: StopRequest?
  /// Threads that read, check and pack; what the log holds in the end does not depend on it.
  public var threads = max(2, min(Files.processorCount, 8))
  /// For the lock: the command as the user knows it.
  public var command = "import"

  /// What `import` does without options.
  public init() {}
}

/// What an import did.
public struct ImportSummary: Sendable {
  /// Events that are new in the log.
  public var appended = 0
  /// Events that the log had, or that came twice.
  public var duplicates = 0
  /// Conflicts included.
  public var rejected = 0
  /// Of the rejected lines those whose id the log has with another value.
  public var conflicts = 0
  /// Physical lines read: blank ones, headers and each line of a row of several included.
  public var lines = 0
  /// Physical lines of what was rejected.
  public var rejectedLines = 0
  /// Number of events of the log behind the last commit.
  public var size: UInt64 = 0
  /// Root of the log, 32 bytes.
  public var root: [UInt8] = []
  /// The first rejections, for messages.
  public var examples: [Example] = []
  /// The file that rejected lines went to; nil where there were none.
  public var rejectsPath: String?
  /// It was asked to stop before its inputs ended.
  public var isStopped = false
  /// Files that were not read to their end then; a stream has no end of its own.
  public var unread: [String] = []
  /// What was met that needs no answer, a line each.
  public var notices: [String] = []

  /// One rejected line.
  public struct Example: Sendable {
    /// Name of the input, `-` for standard input.
    public var file: String
    /// From 1.
    public var line: Int
    /// Why it cannot be taken.
    public var rejection: Rejection
  }
}

/// Reads files, checks lines, and appends what is new.
public final class Importer {
  private let options: ImportOptions
  private let storePath: String
  /// How far it is, in bytes of the inputs as they are stored, with the lines as its events.
  public let meter = WorkMeter()
  private var summary = ImportSummary()
  private let rejects: RejectsFile
  /// The number of the input at hand, and how many of its lines have been counted.
  private var input = 0
  private var linesBefore = 0

  /// - Parameters:
  ///   - store: its directory; made with the first event unless it is there.
  ///   - options: what may be taken, and what becomes of the rest.
  public init(store: String, options: ImportOptions) {
    storePath = store
    self.options = options
    let path = options.rejects ?? StoreFiles(path: store).rejects
    rejects = RejectsFile(
      path: path, isInStore: options.rejects == nil || Files.isPath(path, within: store))
  }

  /// - Parameters:
  ///   - inputs: paths of files, in their order; `-` is standard input.
  ///   - now: microseconds since 1970, for the limit on future events and for the rejects file.
  ///   - acknowledge: called with the size after each durable commit.
  /// - Throws: ``InputFault`` (with a summary: what was read before is appended), ``EventStoreError``.
  public func run(
    _ inputs: [String], now: Int64, acknowledge: (UInt64) throws -> Void
  ) throws -> ImportSummary {
    rejects.at = now
    let latest = now.addingReportingOverflow(options.maximumSkew)
    let reading = try InputReading(
      inputs, csv: options.csv, isSegment: options.isSegment,
      latest: latest.overflow ? Int64.max : latest.partialValue,
      stop: options.stop)
    guard let stop = options.stop else { return try run(reading, acknowledge) }
    return try stop.heeded { try run(reading, acknowledge) }
  }

  private func run(
    _ reading: InputReading, _ acknowledge: (UInt64) throws -> Void
  ) throws -> ImportSummary {
    let writer = try open(reading)
    meter.begin(total: reading.size)
    summary.size = writer.size
    let pipeline = ImportPipeline(
      reading, writer, conflictsAreDuplicates: options.conflictsAreDuplicates,
      commitSeconds: options.commitSeconds)
    var fault: InputFault?
    try pipeline.run(
      threads: options.threads,
      didCommit: {
        summary.size = writer.size
        try acknowledge(writer.size)
      },
      count: { counted in
        try count(counted)
        fault = counted.piece.fault ?? fault
        meter.reach(counted.piece.bytesRead)
        meter.count(summary.lines)
      })
    try rejects.close()
    summary.isStopped = reading.stopped != nil
    summary.unread = reading.unread
    writer.maintain()
    summary.notices = writer.notices
    summary.size = writer.size
    summary.root = writer.root
    summary.rejectsPath = rejects.isOpen ? rejects.path : nil
    if var fault {
      fault.summary = summary
      throw fault
    }
    return summary
  }

  /// The store, once it is known that all inputs can be read. Only a store that is there is locked before standard input is
  /// waited for: none is made for what may be unreadable.
  private func open(_ reading: InputReading) throws -> LogWriter {
    try reading.prepare { $0 != "-" }
    if Files.isDirectory(storePath) && !Files.list(storePath).isEmpty {
      let opened = try writer(reading.size ?? 0)
      try reading.prepare { $0 == "-" }
      return opened
    }
    try reading.prepare { $0 == "-" }
    return try writer(reading.size ?? 0)
  }

  /// Waits for another writer, unless it is asked to stop.
  ///
  /// - Parameter bytes: of the inputs, as far as they are known.
  private func writer(_ bytes: Int) throws -> LogWriter {
    let deadline = Files.monotonicSeconds() + options.waitSeconds
    while true {
      let left = max(0, deadline - Files.monotonicSeconds())
      do throws(EventStoreError) {
        return try LogWriter.open(
          at: storePath, creating: true, waitSeconds: min(0.2, left), command: options.command,
          expectedBytes: bytes)
      } catch {
        guard error.code == .busy, left > 0 else { throw error }
        if options.stop?.isAsked == true {
          throw InputFault("stopped", "stopped while \(error.message); nothing was taken")
        }
      }
    }
  }

  private func count(_ counted: ImportPipeline.Counted) throws {
    let piece = counted.piece
    if piece.input != input {
      input = piece.input
      linesBefore = 0
    }
    for rejected in piece.rejected {
      try reject(rejected, of: piece.file, line: linesBefore + rejected.line + 1)
    }
    // A stream gives a line once: what was rejected of it does not wait for its end.
    if !piece.rejected.isEmpty { try rejects.flush() }
    linesBefore += piece.physicalLines
    summary.lines += piece.physicalLines
    summary.appended += counted.appended
    summary.duplicates += counted.duplicates
    summary.conflicts += counted.conflicts
  }

  private func reject(
    _ rejected: ImportPiece.Rejected, of file: String, line: Int
  ) throws {
    summary.rejected += 1
    summary.rejectedLines += rejected.lines
    if summary.examples.count < 5 {
      summary.examples.append(
        ImportSummary.Example(file: file, line: line, rejection: rejected.rejection))
    }
    try rejects.add(file: file, line: line, rejected.rejection, rejected.text.span)
  }
}
