/// What an import is asked to do.
public struct ImportOptions: Sendable {
  /// Set: the inputs are CSV.
  public var csv: CSVOptions?
  /// Where rejected lines go; `rejects.ndjson` in the store unless given.
  public var rejects: String?
  public var conflictsAreDuplicates = false
  /// Microseconds that an event may be ahead of the clock.
  public var maximumSkew: Int64 = 86_400_000_000
  public var waitSeconds = 10.0
  /// For the lock: the command as the user knows it.
  public var command = "import"

  public init() {}
}

/// What an import did.
public struct ImportSummary: Sendable {
  public var appended = 0
  public var duplicates = 0
  /// Conflicts included.
  public var rejected = 0
  public var conflicts = 0
  /// Physical lines read: blank ones, headers and each line of a row of several included.
  public var lines = 0
  /// Physical lines of what was rejected.
  public var rejectedLines = 0
  public var size: UInt64 = 0
  /// Root of the log, 32 bytes.
  public var root: [UInt8] = []
  /// The first rejections, for messages.
  public var examples: [Example] = []
  public var rejectsPath: String?

  public struct Example: Sendable {
    public var file: String
    public var line: Int
    public var rejection: Rejection
  }
}

/// Reads files, checks lines, and appends what is new, batch by batch; one thread reads while another commits.
public final class Importer {
  private let options: ImportOptions
  private let storePath: String
  private var summary = ImportSummary()
  private let rejects: RejectsFile

  public init(store: String, options: ImportOptions) {
    storePath = store
    self.options = options
    rejects = RejectsFile(path: options.rejects ?? "\(store)/rejects.ndjson")
  }

  /// - Parameters:
  ///   - now: microseconds since 1970, for the limit on future events and for the rejects file.
  ///   - acknowledge: called with the size after each durable commit.
  /// - Throws: ``InputFault`` (with a summary: what was read before is appended), ``EventStoreError``.
  public func run(
    _ inputs: [String], now: Int64, acknowledge: (UInt64) throws -> Void,
    progress: (Int) -> Void
  ) throws -> ImportSummary {
    rejects.at = now
    let latest = now.addingReportingOverflow(options.maximumSkew)
    let reading = try InputReading(
      inputs, csv: options.csv, latest: latest.overflow ? Int64.max : latest.partialValue)
    let writer = try open(reading)
    summary.size = writer.size
    var batch = reading.next()
    while true {
      let step = Step(reading: reading, writer: writer, batch: batch)
      // The next batch is read while this one is committed.
      try Parallel.both({ step.read() }, { try step.commit() })
      if batch.events.count > 0 && writer.size > summary.size { try acknowledge(writer.size) }
      try account(batch, step.outcomes)
      summary.size = writer.size
      progress(summary.lines)
      if batch.isEnd { break }
      batch = step.next
    }
    try rejects.close()
    summary.size = writer.size
    summary.root = writer.root
    summary.rejectsPath = rejects.isOpen ? rejects.path : nil
    if var fault = batch.fault {
      fault.summary = summary
      throw fault
    }
    return summary
  }

  /// The store, once it is known that all inputs can be read. Only a store that is there is locked before standard input is
  /// waited for: none is made for what may be unreadable.
  private func open(_ reading: InputReading) throws -> LogWriter {
    func writer() throws -> LogWriter {
      try LogWriter.open(
        at: storePath, creating: true, waitSeconds: options.waitSeconds, command: options.command)
    }
    try reading.prepare { $0 != "-" }
    if Files.isDirectory(storePath) && !Files.list(storePath).isEmpty {
      let opened = try writer()
      try reading.prepare { $0 == "-" }
      return opened
    }
    try reading.prepare { $0 == "-" }
    return try writer()
  }

  /// One batch on its way to the log and the next one on its way in: each half is touched by one thread.
  private final class Step: @unchecked Sendable {
    // Safe because `read` and `commit` share nothing that either changes.
    let reading: InputReading
    let writer: LogWriter
    let batch: ImportBatch
    var next = ImportBatch()
    var outcomes: [AppendOutcome] = []

    init(reading: InputReading, writer: LogWriter, batch: ImportBatch) {
      self.reading = reading
      self.writer = writer
      self.batch = batch
    }

    func read() { if !batch.isEnd { next = reading.next() } }

    func commit() throws {
      if batch.events.count > 0 { outcomes = try writer.append(batch.events) }
    }
  }

  private func account(_ batch: ImportBatch, _ outcomes: [AppendOutcome]) throws {
    summary.lines += batch.physicalLines
    for rejected in batch.rejected {
      try reject(rejected.place, rejected.rejection, rejected.text)
    }
    for (index, outcome) in outcomes.enumerated() {
      switch outcome {
      case .appended: summary.appended += 1
      case .duplicate: summary.duplicates += 1
      case .conflict(let position):
        if options.conflictsAreDuplicates {
          summary.duplicates += 1
          continue
        }
        summary.conflicts += 1
        try reject(
          batch.place(of: index),
          Rejection(
            "conflict",
            "another event with this source and id is at position \(position); the first one stays"),
          batch.text(of: index))
      case .erased(let position):
        try reject(
          batch.place(of: index),
          Rejection("erased", "the event at position \(position) was erased and may not come back"),
          batch.text(of: index))
      }
    }
  }

  private func reject(
    _ place: ImportBatch.Place, _ rejection: Rejection, _ text: [UInt8]
  ) throws {
    summary.rejected += 1
    summary.rejectedLines += place.lines
    if summary.examples.count < 5 {
      summary.examples.append(
        ImportSummary.Example(file: place.file, line: place.line, rejection: rejection))
    }
    try rejects.add(file: place.file, line: place.line, rejection, text.span)
  }
}
