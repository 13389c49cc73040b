/// Reads, parses, places, builds and commits at once, each as soon as it can.
///
/// ```
///  read a piece → parse it   any order, any thread (reading by one at a time)
///  place its events          in order, one thread at a time
///  build whole blocks        any order, any thread
///  commit                    in order, on the thread that called
/// ```
/// Each worker does what is most urgent: building, then placing, then reading. What the log holds in the end depends on the input
/// alone, never on the number of threads or on who was first.
final class ImportPipeline: @unchecked Sendable {
  // Safe to share: all that changes is touched under the monitor, except for `reading`, which one thread has at a time
  // (`isReading`), the placing half of `writer`, which one has (`isPlacing`), and its committing half, which the caller has.
  private let monitor = Monitor()
  private let reading: InputReading
  private let writer: LogWriter
  private let parser: EventParser
  /// Rows of CSV without ids of their own, of the input that is placed; of who places.
  private var occurrences = RowOccurrences()
  private var countedInput = 0

  private var isReading = false
  private var isPlacing = false
  /// All pieces have been read; the last one has been placed.
  private var isAtEnd = false
  private var isPlaced = false
  private var readPieces = 0
  private var placedPieces = 0
  private var parsed: [Int: ImportPiece] = [:]
  /// What placing gives comes with a number, in order.
  private var given = 0
  private var taken = 0
  private var toBuild: [(number: Int, part: BlockPart)] = []
  private var ready: [Int: Outcome] = [:]
  private var givenParts = 0
  private var committedParts = 0
  /// Bytes of lines in parts that are not committed.
  private var lineBytes = 0
  /// How many events the log holds.
  private var committed: UInt64 = 0
  /// When the first event of each part came that is not committed, in seconds of ``Files/monotonicSeconds()``.
  private var partsSince: [Double] = []
  /// When the first event came that is in no part yet; nil without one.
  private var restSince: Double?
  private var failure: EventStoreError?
  private var workers = 0

  private static let mostPieces = 6
  private static let groupParts = 4
  private static let mostLineBytes = 64 << 20
  /// A commit begins so long after the first event came that it holds; the rest is for the commit.
  private let mostSeconds: Double

  /// What comes out of placing, in order.
  enum Outcome: Sendable {
    case item(Committer.Item)
    case counted(Counted)
  }

  /// What became of the lines of a piece.
  struct Counted: Sendable {
    var piece: ImportPiece
    var appended = 0
    var duplicates = 0
    /// Rejected because another event has their source and id.
    var conflicts = 0

    fileprivate mutating func add(
      _ event: Int, _ outcome: AppendOutcome, _ conflictsAreDuplicates: Bool
    ) {
      switch outcome {
      case .appended: appended += 1
      case .duplicate: duplicates += 1
      case .conflict where conflictsAreDuplicates: duplicates += 1
      case .conflict(let position):
        conflicts += 1
        piece.reject(
          event: event,
          Rejection(
            "conflict",
            "another event with this source and id is at position \(position); the first one stays"
          ))
      case .erased(let position):
        piece.reject(
          event: event,
          Rejection(
            Rejection.erased, "the event at position \(position) was erased and may not come back"))
      }
    }
  }

  /// - Parameter commitSeconds: an event is committed at the latest so long after it came.
  init(
    _ reading: InputReading, _ writer: LogWriter, conflictsAreDuplicates: Bool,
    commitSeconds: Double
  ) {
    mostSeconds = 0.8 * commitSeconds
    self.reading = reading
    self.writer = writer
    parser = reading.parser
    self.conflictsAreDuplicates = conflictsAreDuplicates
    committed = writer.size
  }

  private let conflictsAreDuplicates: Bool

  /// Runs to the end of the input.
  ///
  /// - Parameters:
  ///   - didCommit: called after each durable commit.
  ///   - count: given what became of each piece, in order.
  func run(
    threads: Int, didCommit: () throws -> Void, count: (Counted) throws -> Void
  ) throws {
    for _ in 0..<threads {
      monitor.locked { workers += 1 }
      if !Parallel.detach({ self.work() }) { monitor.locked { workers -= 1 } }
    }
    defer { join() }
    do {
      try writer.begin()
      while let outcomes = next() { try finish(outcomes, didCommit, count) }
    } catch {
      fail(EventStoreError(.io, "\(error)"))
      throw error
    }
    if let failure = monitor.locked({ failure }) { throw failure }
    writer.end()
  }

  private func join() {
    monitor.locked {
      // Nobody knows when a stream goes on: after a failure who reads it is left alone, and touches nothing but the input.
      while workers > (failure != nil && isReading ? 1 : 0) { monitor.wait() }
    }
  }

  private func fail(_ error: EventStoreError) {
    monitor.locked {
      if failure == nil { failure = error }
      monitor.wakeAll()
    }
  }

  // MARK: The thread that called

  /// What is to be finished next, in order: a group of parts, or counts alone; nil at the end.
  private func next() -> [Outcome]? {
    monitor.locked {
      while failure == nil {
        if let outcomes = takeReady() { return outcomes }
        if isPlaced && taken == given { return nil }
        if isOverdue(restSince) && !isPlacing {
          isPlacing = true
          monitor.unlocked { giveRest() }
          isPlacing = false
          monitor.wakeAll()
          continue
        }
        if workers == 0 {
          // The system had no thread for us.
          _ = step()
        } else {
          monitor.wait(milliseconds: patience)
        }
      }
      return nil
    }
  }

  private func isOverdue(_ since: Double?) -> Bool {
    since.map { Files.monotonicSeconds() - $0 >= mostSeconds } ?? false
  }

  /// Milliseconds until something may be overdue, or a look at it is.
  private var patience: Int {
    guard let since = partsSince.first ?? restSince else { return 200 }
    let left = since + mostSeconds - Files.monotonicSeconds()
    return Int(1000 * max(0.005, min(0.2, left)))
  }

  /// Under the monitor.
  private func takeReady() -> [Outcome]? {
    var outcomes: [Outcome] = []
    var parts = 0
    while parts < Self.groupParts, let outcome = ready[taken + outcomes.count] {
      outcomes.append(outcome)
      if case .item = outcome { parts += 1 }
    }
    let isLast = isPlaced && taken + outcomes.count == given
    let isPressed = isOverdue(partsSince.first) || lineBytes > Self.mostLineBytes
    if parts > 0 && parts < Self.groupParts && !isLast && !isPressed {
      // Parts wait for others to share a flush with; what stands before them does not.
      var counts = 0
      while case .counted? = ready[taken + counts] { counts += 1 }
      outcomes.removeLast(outcomes.count - counts)
      parts = 0
    }
    if outcomes.isEmpty { return nil }
    for number in taken..<taken + outcomes.count { ready[number] = nil }
    taken += outcomes.count
    return outcomes
  }

  private func finish(
    _ outcomes: [Outcome], _ didCommit: () throws -> Void, _ count: (Counted) throws -> Void
  ) throws {
    var items: [Committer.Item] = []
    for case .item(let item) in outcomes { items.append(item) }
    if !items.isEmpty {
      try writer.commit(items)
      let bytes = items.reduce(0) { $0 + $1.part.lineBytes }
      monitor.locked {
        committed = writer.size
        committedParts += items.count
        lineBytes -= bytes
        partsSince.removeFirst(items.count)
        monitor.wakeAll()
      }
      try didCommit()
    }
    for case .counted(let counted) in outcomes { try count(counted) }
  }

  // MARK: Workers

  private func work() {
    monitor.locked {
      while failure == nil && !(isPlaced && toBuild.isEmpty) {
        if !step() { monitor.wait() }
      }
      workers -= 1
      monitor.wakeAll()
    }
  }

  /// Does what is most urgent, without the monitor's lock that is held; false where there is nothing to do now.
  private func step() -> Bool {
    if !toBuild.isEmpty {
      let (number, part) = toBuild.removeFirst()
      let outcome = monitor.unlocked { () -> Outcome in
        var salts = SaltSource()
        return .item(.block(BuiltBlock(part, &salts), part))
      }
      ready[number] = outcome
    } else if !isPlacing, isRoomForParts, var piece = parsed.removeValue(forKey: placedPieces) {
      isPlacing = true
      let now = committed
      monitor.unlocked {
        count(&piece)
        place(piece, committed: now)
      }
      placedPieces += 1
      isPlacing = false
    } else if !isAtEnd, !isReading, readPieces - placedPieces < Self.mostPieces {
      isReading = true
      var piece = monitor.unlocked { reading.next() }
      let number = readPieces
      readPieces += 1
      isReading = false
      isAtEnd = piece.isEnd
      monitor.wakeAll()
      monitor.unlocked { piece.parse(parser, writer.sipHash) }
      parsed[number] = piece
    } else {
      return false
    }
    monitor.wakeAll()
    return true
  }

  private var isRoomForParts: Bool {
    givenParts - committedParts <= 2 * Self.groupParts && lineBytes <= Self.mostLineBytes
  }

  /// Rows are counted from the beginning of each input.
  private func count(_ piece: inout ImportPiece) {
    if piece.input != countedInput {
      occurrences = RowOccurrences()
      countedInput = piece.input
    }
    piece.count(&occurrences, writer.sipHash)
  }

  private func place(_ piece: ImportPiece, committed: UInt64) {
    monitor.locked { restSince = [restSince, piece.came].compactMap { $0 }.min() }
    do throws(EventStoreError) {
      var counted = Counted(piece: piece)
      try writer.place(
        piece.events, hashes: piece.hashes, committed: committed,
        outcome: { counted.add($0, $1, conflictsAreDuplicates) }, filled: { give($0) })
      let isEnd = piece.isEnd
      // Others may be placed before who commits has a look at it.
      if isEnd || piece.came != nil && monitor.locked({ isOverdue(restSince) }) { giveRest() }
      counted.piece.settle()
      monitor.locked {
        if !writer.hasRest {
          restSince = nil
        } else if restSince == nil {
          restSince = piece.came ?? Files.monotonicSeconds()
        }
        ready[given] = .counted(counted)
        given += 1
        isPlaced = isEnd
      }
    } catch {
      fail(error)
    }
  }

  private func giveRest() {
    if let part = writer.rest() { give(part) }
  }

  private func give(_ part: BlockPart) {
    monitor.locked {
      if part.isWholeBlock {
        toBuild.append((given, part))
      } else {
        ready[given] = .item(.part(part))
      }
      given += 1
      givenParts += 1
      lineBytes += part.lineBytes
      partsSince.append(restSince ?? Files.monotonicSeconds())
      restSince = nil
      monitor.wakeAll()
    }
  }
}
