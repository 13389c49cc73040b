import EventStore

/// The environments in which the chunks of a generation stand: those of earlier generations that it shares, and its own.
///
/// ```
/// STORE/views/NAME/gNNNNNN/data.mdb           the generation's own
/// STORE/views/NAME/gNNNNNN/gMMMMMM/data.mdb   what generation M wrote, shared: a hard link, so that each is whole by itself
/// ```
/// The oldest comes first, and what a later one says of a subject or a bucket stands above what an earlier one says.
final class ViewLevels: Sendable {
  struct Level: Sendable {
    /// The generation that wrote it.
    var generation: String
    /// Number of its first chunk; those of the next level begin where its own end.
    var firstChunk: UInt32
    var directory: String
    var environment: LMDBEnvironment
    /// What lies between values of one file's map is that file's; between those of two it is anybody's memory.
    private let pages = ReadPages()

    init(
      generation: String, firstChunk: UInt32, directory: String, environment: LMDBEnvironment
    ) {
      self.generation = generation
      self.firstChunk = firstChunk
      self.directory = directory
      self.environment = environment
    }

    /// A value; nil where this level says nothing of the key.
    func value<Key>(_ name: TableName<Key>, _ key: Key) throws -> [UInt8]? {
      try environment.read { try $0.copy(environment.table(name), key, noting: pages) }
    }
  }

  /// Never empty; the last is the generation's own.
  let levels: [Level]

  init(_ levels: [Level]) {
    precondition(!levels.isEmpty, "a generation has an environment of its own")
    self.levels = levels
  }

  var own: Level { levels[levels.count - 1] }

  /// Bytes of all files; those that are shared count in each generation.
  var bytes: Int { levels.reduce(0) { $0 + Files.size("\($1.directory)/data.mdb") } }

  /// Opens a file that nobody writes, after a look at its meta pages.
  static func openEnvironment(
    _ directory: String, _ view: String, tables: [String], optional: [String] = []
  ) throws -> LMDBEnvironment {
    do throws(MetaCheck.Fault) {
      try MetaCheck.check("\(directory)/data.mdb")
    } catch {
      let fault = EventStoreError(error, "\(directory)/data.mdb")
      if fault.code == .denied { throw ViewError(.denied, fault.message, help: fault.help) }
      throw ViewError(.damaged, "view `\(view)`: \(fault.message)", help: ViewError.rebuilding)
    }
    return try LMDBEnvironment.openUnlocked(directory, tables: tables, optional: optional)
  }

  // MARK: What they are

  /// count · count × { generation · first chunk } · first chunk of the own level · next free number
  static func encoded(
    _ shared: [Level], ownFirst: UInt32, nextChunk: UInt32
  ) -> [UInt8] {
    var encoder = ByteEncoder()
    encoder.number(shared.count)
    for level in shared {
      encoder.text(level.generation)
      encoder.number(UInt64(level.firstChunk))
    }
    encoder.number(UInt64(ownFirst))
    encoder.number(UInt64(nextChunk))
    return encoder.bytes
  }

  /// Opens the levels that the environment of a generation names.
  static func open(
    _ own: LMDBEnvironment, _ directory: String, view: String, described bytes: [UInt8]
  ) throws -> (levels: ViewLevels, nextChunk: UInt32) {
    var decoder = ByteDecoder(bytes)
    func chunk() throws -> UInt32 {
      guard let number = UInt32(exactly: try decoder.number()) else { throw ByteDecoder.Damaged() }
      return number
    }
    var levels: [Level] = []
    for _ in 0..<(try decoder.count()) {
      let generation = try decoder.string()
      guard ViewFiles.isGeneration(generation) else { throw ByteDecoder.Damaged() }
      let place = "\(directory)/\(generation)"
      levels.append(
        Level(
          generation: generation, firstChunk: try chunk(), directory: place,
          environment: try openEnvironment(place, view, tables: ViewFiles.tables)))
    }
    let name = directory.split(separator: "/").last.map(String.init) ?? ""
    levels.append(
      Level(generation: name, firstChunk: try chunk(), directory: directory, environment: own))
    guard zip(levels, levels.dropFirst()).allSatisfy({ $0.firstChunk <= $1.firstChunk }) else {
      throw ByteDecoder.Damaged()
    }
    return (ViewLevels(levels), try chunk())
  }

  // MARK: Reading

  /// The level that a chunk stands in.
  func level(of chunk: UInt32) -> Int {
    var level = levels.count - 1
    while level > 0 && levels[level].firstChunk > chunk { level -= 1 }
    return level
  }

  /// What a chunk holds.
  struct ChunkContent {
    var records: ByteDecoder
    var buyers: ByteDecoder
    /// As it is stored.
    var value: [UInt8]
  }

  func content(ofChunk chunk: UInt32) throws -> ChunkContent {
    guard let value = try levels[level(of: chunk)].value(ViewFiles.rows, chunk) else {
      throw ByteDecoder.Damaged()
    }
    var decoder = ByteDecoder(value)
    let length = try decoder.count()
    let start = decoder.offset
    guard length <= value.count - start else { throw ByteDecoder.Damaged() }
    return ChunkContent(
      records: ByteDecoder(value, range: start..<start + length),
      buyers: ByteDecoder(value, range: start + length..<value.count), value: value)
  }

  /// The records of a chunk.
  func records(_ chunk: UInt32) throws -> ByteDecoder { try content(ofChunk: chunk).records }

  /// The customer that a subject was joined to; nil where it was not.
  func joined(_ subject: [UInt8]) throws -> [UInt8]? {
    for level in levels.reversed() {
      if let found = try level.value(ViewFiles.joined, subject) {
        return found.isEmpty ? nil : found
      }
    }
    return nil
  }
}
