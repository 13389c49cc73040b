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
  public var lines = 0
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
  private static let batchEvents = 6 * 16_384
  private static let batchBytes = 32 << 20

  public init(store: String, options: ImportOptions) {
    storePath = store
    self.options = options
    rejects = RejectsFile(path: options.rejects ?? "\(store)/rejects.ndjson")
  }

  /// A file that is not there, before anything was appended.
  public struct InputFault: Error, Sendable {
    public var message: String
  }

  /// - Parameters:
  ///   - now: microseconds since 1970, for the limit on future events.
  ///   - acknowledge: called with the size after each durable commit.
  /// - Throws: ``InputFault``, ``EventStoreError``.
  public func run(
    _ inputs: [String], now: Int64, acknowledge: (UInt64) throws -> Void,
    progress: (Int) -> Void
  ) throws -> ImportSummary {
    let latest = now.addingReportingOverflow(options.maximumSkew)
    let reading = try Reading(
      inputs, csv: options.csv, latest: latest.overflow ? Int64.max : latest.partialValue)
    let writer = try LogWriter.open(
      at: storePath, creating: true, waitSeconds: options.waitSeconds, command: options.command)
    summary.size = writer.size
    var batch = try reading.next()
    while !batch.isEnd || batch.events.count > 0 || !batch.rejected.isEmpty {
      let step = Step(reading: reading, writer: writer, batch: batch)
      // The next batch is read while this one is committed.
      try Parallel.both({ try step.read() }, { try step.commit() })
      if batch.events.count > 0 && writer.size > summary.size { try acknowledge(writer.size) }
      try account(batch, step.outcomes)
      summary.size = writer.size
      progress(summary.lines)
      batch = step.next
    }
    try rejects.close()
    summary.size = writer.size
    summary.root = writer.root
    summary.rejectsPath = rejects.isOpen ? rejects.path : nil
    return summary
  }

  /// One batch on its way to the log and the next one on its way in: each half is touched by one thread.
  private final class Step: @unchecked Sendable {
    // Safe because `read` and `commit` share nothing that either changes.
    let reading: Reading
    let writer: LogWriter
    let batch: ImportBatch
    var next = ImportBatch()
    var outcomes: [AppendOutcome] = []

    init(reading: Reading, writer: LogWriter, batch: ImportBatch) {
      self.reading = reading
      self.writer = writer
      self.batch = batch
    }

    func read() throws { next = try reading.next() }

    func commit() throws {
      if batch.events.count > 0 { outcomes = try writer.append(batch.events) }
    }
  }

  private func account(_ batch: ImportBatch, _ outcomes: [AppendOutcome]) throws {
    summary.lines += batch.events.count + batch.rejected.count
    for rejected in batch.rejected {
      try reject(rejected.file, rejected.line, rejected.rejection, rejected.text.span)
    }
    let bytes = batch.events.bytes.span
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
        let place = batch.place(of: index)
        try reject(
          place.file, place.line,
          Rejection(
            "conflict",
            "another event with this source and id is at position \(position); the first one stays"),
          bytes.extracting(batch.events.entries[index].line))
      case .erased(let position):
        let place = batch.place(of: index)
        try reject(
          place.file, place.line,
          Rejection("erased", "the event at position \(position) was erased and may not come back"),
          bytes.extracting(batch.events.entries[index].line))
      }
    }
  }

  private func reject(
    _ file: String, _ line: Int, _ rejection: Rejection, _ text: Span<UInt8>
  ) throws {
    summary.rejected += 1
    if summary.examples.count < 5 {
      summary.examples.append(
        ImportSummary.Example(file: file, line: line, rejection: rejection))
    }
    try rejects.add(file: file, line: line, rejection, text)
  }

  /// Reads batches, file after file.
  private final class Reading {
    private var readers: [LineReader] = []
    private var csv: [CSVEvents?] = []
    private let parser: EventParser
    private var current = 0

    init(_ inputs: [String], csv options: CSVOptions?, latest: Int64) throws {
      parser = EventParser(latest: latest)
      for input in inputs {
        do throws(LMDBError) {
          readers.append(try LineReader(input))
        } catch {
          throw InputFault(message: "`\(input)` cannot be opened: \(error.text)")
        }
        csv.append(options.map { CSVEvents($0) })
      }
    }

    func next() throws -> ImportBatch {
      var batch = ImportBatch()
      while current < readers.count {
        let reader = readers[current]
        batch.begin(reader.name)
        let isFull: Bool
        var fault: (any Error)?
        do throws(LMDBError) {
          isFull = try reader.read(
            hasOddQuotes: { [self] in csv[current]?.hasOddQuotes($0) ?? false }
          ) { number, line in
            do {
              try take(number, line, reader.name, &batch)
            } catch {
              fault = error
              return false
            }
            return batch.events.count < Importer.batchEvents
              && batch.events.bytes.count < Importer.batchBytes
              && batch.rejected.count < Importer.batchEvents
          }
        } catch {
          throw InputFault(message: "`\(reader.name)` cannot be read: \(error.text)")
        }
        if let fault { throw fault }
        if isFull { return batch }
        current += 1
      }
      batch.isEnd = true
      return batch
    }

    private func take(
      _ number: Int, _ line: Span<UInt8>, _ file: String, _ batch: inout ImportBatch
    ) throws {
      if isBlank(line) { return }
      if csv[current]?.awaitsHeader == true {
        do {
          try csv[current]?.takeHeader(line)
        } catch let fault as CSVMapping.Fault {
          throw InputFault(message: "`\(file)`: \(fault.message)")
        } catch let rejection as Rejection {
          throw InputFault(message: "`\(file)`: its header: \(rejection.message)")
        }
        return
      }
      do throws(Rejection) {
        if let made = try csv[current]?.line(line) {
          try parser.parse(made.span, into: &batch.events)
        } else {
          try parser.parse(line, into: &batch.events)
        }
        batch.lines.append(number)
      } catch {
        batch.reject(file, number, error, line)
      }
    }

    private func isBlank(_ line: Span<UInt8>) -> Bool {
      for index in line.indices where line[index] != 0x20 && line[index] != 0x09 { return false }
      return true
    }
  }
}

/// Events read and lines rejected, with their places.
struct ImportBatch: Sendable {
  var events = EventBatch()
  /// Line number of each event.
  var lines: [Int] = []
  private var files: [(name: String, firstEvent: Int)] = []
  var rejected: [Rejected] = []
  var isEnd = false

  struct Rejected: Sendable {
    var file: String
    var line: Int
    var rejection: Rejection
    var text: [UInt8]
  }

  mutating func begin(_ file: String) { files.append((file, events.count)) }

  mutating func reject(_ file: String, _ line: Int, _ rejection: Rejection, _ text: Span<UInt8>) {
    var copy: [UInt8] = []
    copy.append(text)
    rejected.append(Rejected(file: file, line: line, rejection: rejection, text: copy))
  }

  func place(of event: Int) -> (file: String, line: Int) {
    let file = files.last { $0.firstEvent <= event }
    return (file?.name ?? "", lines[event])
  }
}
