/// A store for programs that append events as they happen, from any number of tasks.
///
/// ```
/// let log = try EventLog.open(at: "shop", creating: true)
/// let event = NewEvent(id: "o-1", source: "shop", type: "purchase", subject: "C-1", time: now)
/// let outcome = try await log.append(event, if: .subjectHas(events: 0, "C-1"))
/// ```
/// Each append is durable when it returns. Appends that wait at the same time share one commit, so that many tasks are
/// many times as fast as one. One process holds the store for writing at a time; it may be read by others meanwhile.
public final class EventLog: Sendable {
  private let queue: WorkQueue<Request>

  fileprivate struct Request: Sendable {
    var events: [NewEvent]
    var condition: AppendCondition
    var reply: @Sendable (Result<[AppendOutcome], AppendError>) -> Void
  }

  private init(_ queue: WorkQueue<Request>) { self.queue = queue }

  deinit { queue.close() }

  /// - Parameters:
  ///   - path: the directory of the store.
  ///   - creating: make a store where there is none.
  ///   - waitSeconds: how long to wait for another writer.
  ///   - command: how other processes shall know this one while it holds the store.
  /// - Throws: `.busy` naming the holder, or what ``Store/open(at:)`` throws.
  public static func open(
    at path: String, creating: Bool = false, waitSeconds: Double = 10,
    command: String = "a program"
  ) throws(EventStoreError) -> EventLog {
    let writer = try LogWriter.open(
      at: path, creating: creating, waitSeconds: waitSeconds, command: command)
    let queue = WorkQueue<Request>()
    let worker = Worker(writer, queue)
    guard Parallel.detach({ worker.run() }) else {
      throw EventStoreError(.io, "cannot start a thread for the store `\(path)`")
    }
    return EventLog(queue)
  }

  /// Appends one event, if the condition holds.
  /// - Returns: `.appended`, or `.duplicate` where the log has the event already: then the condition is not asked, so that
  ///   an append whose answer was lost may simply be made again.
  /// - Throws: ``AppendError``; then the event was not appended, except for `.store` of a failed commit, after which it is
  ///   not known.
  public func append(
    _ event: NewEvent, if condition: AppendCondition = .always
  ) async throws(AppendError) -> AppendOutcome {
    try await append([event], if: condition)[0]
  }

  /// Appends all events or none, in order and in one commit.
  public func append(
    _ events: [NewEvent], if condition: AppendCondition = .always
  ) async throws(AppendError) -> [AppendOutcome] {
    if events.isEmpty { return [] }
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<[AppendOutcome], AppendError>, Never>) in
      let request = Request(events: events, condition: condition) {
        continuation.resume(returning: $0)
      }
      if !queue.add(request) {
        continuation.resume(
          returning: .failure(.store(EventStoreError(.io, "the log was closed"))))
      }
    }
    return try result.get()
  }

  /// Takes no more appends; those that wait are made.
  public func close() { queue.close() }

  /// The one thread that writes.
  private final class Worker: @unchecked Sendable {
    // Safe because `run` is called once, and nothing else touches the writer.
    private let writer: LogWriter
    private let queue: WorkQueue<Request>

    init(_ writer: LogWriter, _ queue: WorkQueue<Request>) {
      self.writer = writer
      self.queue = queue
    }

    func run() {
      let parser = EventParser(latest: Int64.max)
      while let requests = queue.takeAll() {
        // A commit of too many events takes long; what is left over is the next one.
        for start in stride(from: 0, to: requests.count, by: 4096) {
          commit(requests[start..<min(start + 4096, requests.count)], parser)
        }
      }
    }

    private func commit(_ requests: ArraySlice<Request>, _ parser: EventParser) {
      var batch = EventBatch()
      var groups: [(request: Request, group: AppendGroup)] = []
      for request in requests {
        let first = batch.count
        do throws(Rejection) {
          for event in request.events { try batch.append(event.line.span, parser) }
          groups.append((request, AppendGroup(first..<batch.count, request.condition)))
        } catch {
          request.reply(.failure(.rejected(error)))
        }
      }
      do throws(EventStoreError) {
        let results = try writer.append(batch, groups: groups.map(\.group))
        for (number, result) in results.enumerated() { groups[number].request.reply(result) }
        writer.maintain()
      } catch {
        for group in groups { group.request.reply(.failure(.store(error))) }
      }
    }
  }
}

/// An event to be appended: a CloudEvents JSON line (contract §3), stored byte for byte.
public struct NewEvent: Sendable {
  let line: [UInt8]

  /// A line as it came; it is checked when it is appended.
  public init(json line: String) { self.line = Array(line.utf8) }

  /// - Parameters:
  ///   - id: with `source` it names the event; 1 to 255 bytes.
  ///   - source: where the event comes from; 1 to 255 bytes.
  ///   - type: 1 to 255 bytes, without the reserved prefix `clm-replay.`.
  ///   - subject: whom it is about; 1 to 255 bytes.
  ///   - time: microseconds since 1970-01-01T00:00:00Z.
  ///   - data: a JSON object, kept as it is; nil without payload.
  public init(
    id: String, source: String, type: String, subject: String, time: Int64, data: String? = nil
  ) {
    var line = Array(#"{"specversion":"1.0""#.utf8)
    let members = [
      ("id", id), ("source", source), ("type", type), ("subject", subject),
      ("time", RFC3339.text(time)),
    ]
    for (name, value) in members {
      line += ",\"\(name)\":".utf8
      JSONText.append(Array(value.utf8), to: &line)
    }
    if let data { line += ",\"data\":\(data)".utf8 }
    line.append(UInt8(ascii: "}"))
    self.line = line
  }
}

/// What must still be as the caller saw it (optimistic concurrency).
public enum AppendCondition: Sendable, Equatable {
  /// Whatever was appended meanwhile.
  case always
  /// The log has so many events.
  case logHas(events: UInt64)
  /// The subject has so many events; that is the sequence number of its next one.
  case subjectHas(events: UInt32, String)
}

/// Why nothing was appended.
public enum AppendError: Error, Sendable {
  /// The condition does not hold: how many events there are.
  case conflict(AppendCondition, actual: UInt64)
  /// The same (source, id) with another JSON value is in the log.
  case otherEvent(at: UInt64)
  /// The event was erased and may not come back.
  case erased(at: UInt64)
  /// The line cannot be taken.
  case rejected(Rejection)
  /// The store could not do it; nothing was appended.
  case store(EventStoreError)
}

/// Some events of a batch that are appended together or not at all.
struct AppendGroup: Sendable {
  var entries: Range<Int>
  var condition: AppendCondition

  init(_ entries: Range<Int>, _ condition: AppendCondition) {
    self.entries = entries
    self.condition = condition
  }
}
