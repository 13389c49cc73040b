import EventStore

/// A generation of a view as it is written aside: chunks in the order of names, new ones and those that it shares.
final class GenerationDraft {
  let directory: String
  let generation: String
  let environment: WritableEnvironment
  private let shared: [ViewLevels.Level]
  private let firstChunk: UInt32
  private var nextChunk: UInt32
  private(set) var chunks = ViewChunks()
  /// Values of chunks that are listed and not written yet.
  private var queued: [(number: UInt32, value: [UInt8])] = []
  private(set) var queuedBytes = 0

  /// The file system gives files no second name.
  struct CannotShare: Error {}

  /// - Parameters:
  ///   - directory: there and empty.
  ///   - shared: levels of the generation before, the oldest first; their files are linked into the directory.
  ///   - firstChunk: above the numbers of all chunks that are shared.
  init(
    _ directory: String, _ generation: String, shared: [ViewLevels.Level], firstChunk: UInt32
  ) throws {
    self.directory = directory
    self.generation = generation
    self.firstChunk = firstChunk
    nextChunk = firstChunk
    self.shared = try shared.map { level in
      var level = level
      let place = "\(directory)/\(level.generation)"
      try Files.makeDirectory(place)
      do throws(SystemError) {
        try Files.link("\(level.directory)/data.mdb", "\(place)/data.mdb")
      } catch {
        throw CannotShare()
      }
      try Files.syncDirectory(place)
      level.directory = place
      return level
    }
    environment = try WritableEnvironment.build(directory, tables: ViewFiles.tables)
  }

  /// All that it holds, also what is not durable yet.
  var levels: ViewLevels {
    ViewLevels(
      shared + [
        ViewLevels.Level(
          generation: generation, firstChunk: firstChunk, directory: directory,
          environment: environment)
      ])
  }

  /// What the levels are (``ViewLevels``).
  var description: [UInt8] {
    ViewLevels.encoded(shared, ownFirst: firstChunk, nextChunk: nextChunk)
  }

  /// Writes the next chunks.
  func append(_ packed: [PackedChunk]) throws {
    queue(packed)
    try flush()
  }

  /// Lists the next chunks, to be written by ``flush()``.
  func queue(_ packed: [PackedChunk]) {
    for chunk in packed {
      chunks.append(
        nextChunk, records: chunk.records, staleAt: chunk.staleAt, firstName: chunk.firstName)
      queue(chunk.value)
    }
  }

  /// Lists a chunk of another generation as the next one, to be written by ``flush()``.
  func queue(_ index: Int, of other: ViewChunks, _ value: [UInt8]) {
    chunks.append(
      nextChunk, records: other.records[index], staleAt: other.staleAt[index],
      firstName: other.firstName(index))
    queue(value)
  }

  private func queue(_ value: [UInt8]) {
    queued.append((nextChunk, value))
    queuedBytes += value.count
    nextChunk += 1
  }

  func flush() throws {
    let rows = environment.table(ViewFiles.rows)
    try environment.write { transaction in
      for (number, value) in queued {
        try transaction.put(rows, number, value, appending: true)
      }
    }
    queued = []
    queuedBytes = 0
  }

  /// Notes how far a rebuild is: all chunks that are listed are written.
  func note(_ mark: BuildMark) throws {
    precondition(queued.isEmpty, "what is noted is written")
    try environment.write { transaction in
      try transaction.put(
        environment.table(ViewFiles.meta), ViewFiles.markKey, mark.encoded())
    }
  }

  /// Takes over the next chunk as it stands in a level that is shared.
  func share(_ index: Int, of other: ViewChunks) { chunks.append(index, of: other) }

  /// Writes the hashes of all buckets, each in ascending order.
  func write(buckets: [[SHA256Bytes.Words]]) throws {
    let table = environment.table(ViewFiles.hashes)
    try environment.write { transaction in
      for (bucket, hashes) in buckets.enumerated() {
        try transaction.put(
          table, UInt32(bucket), BucketHashes.encoded(.whole(hashes)), appending: true)
      }
    }
  }

  /// Writes hashes of buckets, in the order of the buckets.
  func write(_ buckets: [(bucket: UInt32, bytes: [UInt8])]) throws {
    let table = environment.table(ViewFiles.hashes)
    try environment.write { transaction in
      for (bucket, bytes) in buckets {
        try transaction.put(table, bucket, bytes, appending: true)
      }
    }
  }

  /// A subject and the customer that it is joined to; to none where the name is empty.
  typealias Joined = (subject: [UInt8], customer: [UInt8])

  /// Writes which subjects are joined to which customer.
  func write(joined: [Joined]) throws {
    try write(joinedInOrder: joined.sorted { $0.subject.lexicographicallyPrecedes($1.subject) })
  }

  /// - Parameter joined: by the bytes of the subjects.
  func write(joinedInOrder joined: [Joined]) throws {
    let table = environment.table(ViewFiles.joined)
    try environment.write { transaction in
      for pair in joined {
        try transaction.put(table, pair.subject, pair.customer, appending: true)
      }
    }
  }
}
